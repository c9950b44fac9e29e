"""Methods of `Dataset` that play stretches of videos, for people to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from animeds_db import schema
from animeds_db.errors import QueryError, UsageError
from animeds_db.store import Store

BEFORE_S, AFTER_S = 2.0, 4.0
"""Seconds before and after a frame that are played."""


class Stretch(NamedTuple):
    """A part of a source, in seconds from its start. Both ends belong to it."""

    source_id: str
    first_s: float
    last_s: float


class Playing:
    """Methods of `Dataset` that play videos."""

    store: Store

    def stretch_around(
        self, frame_id: str, *, before_s: float = BEFORE_S, after_s: float = AFTER_S
    ) -> Stretch:
        """Return the seconds around a frame. Raises QueryError, and UsageError if it is not from a video."""
        frame = self._row("frames", frame_id, ["source_id", "time_s"])
        if frame["time_s"] is None:
            raise UsageError(
                f"Frame {frame_id} is a picture. Only frames of videos can be played.",
                hint="SELECT frame_id FROM frames WHERE time_s IS NOT NULL",
            )
        time_s: float = frame["time_s"]
        return Stretch(frame["source_id"], max(0.0, time_s - before_s), time_s + after_s)

    def shot_around(self, frame_id: str) -> Stretch:
        """Return the shot that a frame is in, or the part of a long shot around it.

        Without exact shots (`ds.shots()`), these are the seconds around the frame. Raises as `stretch_around` does.
        """
        from animeds_db.media.light import LONGEST_S

        around = self.stretch_around(frame_id)
        shot = self._row("frames", frame_id, ["shot", "time_s"])
        found = self.store.take(
            "shots", [schema.shot_id(around.source_id, shot["shot"])], ["first_s", "last_s"]
        )
        if not found.num_rows:
            return around
        first_s, last_s = (found[name][0].as_py() for name in ("first_s", "last_s"))
        first_s = max(first_s, min(shot["time_s"] - BEFORE_S, last_s - LONGEST_S))
        return Stretch(around.source_id, first_s, last_s)

    def stretch_of_shot(self, shot_id: str) -> Stretch:
        """Return the seconds of a shot that `ds.shots()` found. Raises QueryError."""
        return Stretch(**self._row("shots", shot_id, ["source_id", "first_s", "last_s"]))

    def stretch_of_clip(self, clip_id: str, *, margin_s: float = 0.0) -> Stretch:
        """Return the seconds of a clip, with a margin on both sides. Raises QueryError, SourceError."""
        from animeds_db.media.light import times_of
        from animeds_db.remote.paths import present, source_path

        found = schema.stretch_of_clip(clip_id)
        if found is None:
            raise QueryError(f"There is no clip {clip_id[:80]}.", hint="SELECT clip_id FROM clips")
        source_id, first_pts, last_pts = found
        source = self._row("sources", source_id, ["uri", "other_uris"])
        path = source_path(present(source["uri"], source["other_uris"]))
        first_s, last_s = times_of(path, first_pts, last_pts)
        return Stretch(source_id, max(0.0, first_s - margin_s), last_s + margin_s)

    def light_video(self, stretch: Stretch, *, step: Callable[[], None] = lambda: None) -> bytes:
        """Return a stretch as a light mp4: at most 10 seconds, at most 480 pixels high, with its sound.

        `step` is called before each frame, and may raise to stop. Raises SourceError if the file is missing or has
        changed, QueryError if the source is unknown, UsageError if it is not a video.
        """
        from animeds_db.media.light import light_video
        from animeds_ingest.ledger import unchanged

        row = self._row("sources", stretch.source_id, ["uri", "other_uris", "content_hash", "kind"])
        if row["kind"] != "video":
            raise UsageError(f"Source {stretch.source_id} has pictures only. Only videos can be played.")
        return light_video(unchanged(row), stretch.first_s, stretch.last_s, step=step)

    def _row(self, table: str, key: str, columns: list[str]) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.store.take(table, [key], columns).to_pylist()
        if not rows:
            noun = table.removesuffix("s")
            raise QueryError(f"There is no {noun} {key[:80]}.", hint=f"SELECT {noun}_id FROM {table}")
        return rows[0]

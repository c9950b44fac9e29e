"""Methods of `Dataset` that ingest sources and run more models on their frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from animeds_db.errors import UsageError
from animeds_db.session import Session
from animeds_db.session.box_kinds import expect_kinds
from animeds_db.store import Store

if TYPE_CHECKING:
    from animeds_db.workers import Ray
    from animeds_ingest.choice import Load
    from animeds_ingest.outcomes import Report, Watcher
    from animeds_ingest.sources import SourceSpec
    from animeds_ingest.text import TextRead

SUSPECTED = "greatest(text_upper, text_lower) > 0"
"""Frames on which the ingest has measured something that may be text."""


def find_sources(
    paths: Sequence[str | Path], *, show: str | None = None, **about: str | int | None
) -> list[SourceSpec]:
    """Return what `Dataset.ingest` would read at these paths: one entry per episode, archive or folder of pictures.

    `show` replaces the name of the show that is read from the file names; season, episode, credit, licence, url and
    image_type likewise. Raises SourceError if a path is missing or contains nothing to ingest, UsageError.
    """
    from animeds_ingest.sources import discover

    return discover(paths, show=show, **about)  # type: ignore[arg-type]


def sampling_modes() -> tuple[str, ...]:
    """Return the sampling modes as a person writes them, e.g. "keyframes" and "every=2s"."""
    from animeds_ingest.modes import EXAMPLES

    return EXAMPLES


class Ingesting:
    """Methods of `Dataset` for ingest and for further model runs."""

    store: Store
    session: Session

    def ingest(
        self,
        paths: str | Path | Sequence[str | Path] | Sequence[SourceSpec],
        *,
        sample: str | None = None,
        start: float | str | None = None,
        end: float | str | None = None,
        profile: str | None = None,
        models: Mapping[str, str] | None = None,
        device: str | None = None,
        replace: bool = False,
        progress: Watcher | None = None,
        load: Load | None = None,
        on: Ray | None = None,
        hwaccel: str | None = None,
    ) -> Report:
        """Read frames from episodes, pictures, archives or folders, run the models, and store the results.

        Finished sources are skipped. sample: a sampling mode, e.g. "keyframes" or "every=2s" (see
        animeds_ingest.sampling). profile: "anime", "tiny", "none" or your own; `models` replaces some of its models,
        e.g. {"tagger": "wd-vit-v3"}, or says which boxes are tagged one by one: {"boxes": "person,face"}. Options that
        are not given are taken from the last ingest. `progress` is called for every source; `load` replaces the
        default model loader. `hwaccel` lets a graphics card decode videos: "auto" or a device such as "cuda"; what it
        cannot decode to the same bits as the processor, the processor decodes.

        Raises SourceError if a path has nothing to ingest, ModelError, UsageError, and StoreError if the database
        cannot be written. A source that cannot be read has the outcome `failed` in the report.
        """
        from animeds_ingest.choice import Choice, load_models
        from animeds_ingest.verbs import ingest

        listed = [paths] if isinstance(paths, str | Path) else paths
        choice = Choice(sample, start, end, profile, device, models or {}, hwaccel)
        return ingest(
            self.store, listed, choice, replace=replace, load=load or load_models, on=on, watcher=progress
        )

    def read_text(self, sources: Sequence[str] | None = None) -> list[TextRead]:
        """Read the subtitles and chapters of videos into `lines` and `chapters`, without decoding a picture.

        `sources` are ids; None means all videos. An ingest does this, too; use it for databases of earlier releases,
        or after subtitle files were added. Rows of a file that is missing or has changed stay, and its result has the
        error. Raises UsageError for an unknown id, StoreError.
        """
        from animeds_ingest.verbs import read_text

        return read_text(self.store, sources)

    def read_screen_text(
        self, *, where: str | None = None, device: str | None = None, progress: Watcher | None = None
    ) -> Report:
        """Read the text that is burned into frames; skip frames that were read before. Needs the extra [ocr].

        The views `screen_texts` and `lines` (origin `ocr`) have it, and frames.text_upper and text_lower, by which
        frames with text are left out or trimmed, are then those of its boxes. `where` is an SQL condition on the view
        `frames`; by default, the frames on which the ingest has measured something that may be text.
        Raises ModelError if the extra is missing, QueryError, StoreError.
        """
        from animeds_db import settings
        from animeds_ingest.verbs import read_screen_text

        frames = self._frames_where(where or SUSPECTED)
        on = settings.resolve("device", device).value
        return read_screen_text(self.store, wanted=frames, device=on, watcher=progress)

    def shots(
        self,
        sources: Sequence[str] | None = None,
        *,
        again: bool = False,
        progress: Watcher | None = None,
        on: Ray | None = None,
        hwaccel: str | None = None,
    ) -> Report:
        """Find the shots of videos in the database, for the view `shots`; frames get the numbers of these shots.

        Each video is decoded once. First and last frames are exact; drawings, cadence and motion are measured.
        `sources` are ids; None means all videos. Videos that have shots are skipped, unless `again`. `on` hands the
        videos to workers on Ray. `hwaccel` names what decodes them, as for `ingest`. A video that cannot be read has
        the outcome `failed` in the report.
        Raises UsageError for an unknown id, StoreError, EngineError.
        """
        from animeds_ingest.verbs import shots

        return shots(self.store, sources, again=again, on=on, watcher=progress, hwaccel=hwaccel)

    def unfinished(self, sources: Sequence[SourceSpec]) -> list[SourceSpec]:
        """Return those of these sources (see animeds_ingest.sources.discover) that an ingest has not finished yet.

        A file that was changed or moved since is among them. Raises SourceError for one that no longer exists.
        """
        from animeds_ingest.ledger import unfinished

        return unfinished(self.store, sources)

    def tag(
        self,
        model: str,
        *,
        boxes: Sequence[str] = (),
        where: str | None = None,
        use: bool = False,
        device: str | None = None,
        progress: Watcher | None = None,
        load: Load | None = None,
    ) -> Report:
        """Tag frames with another tagger; skip frames that it has tagged already.

        `boxes` are kinds of boxes (face, person, eye, …): then each of these boxes is tagged instead of the
        whole frame, for the view `box_tags` and the captions of crops. `where` is an SQL condition on the view
        `frames`. With `use`, the views `frames` and `tags` use its tags from now on.
        Raises UsageError if there are no such boxes, ModelError, QueryError, StoreError.
        """
        from animeds_ingest.choice import load_models
        from animeds_ingest.verbs import tag

        if boxes and use:
            raise UsageError("--use is about the tags of whole frames.", hint="Omit --use, or omit --boxes.")
        frames = self._frames_where(where)
        return tag(
            self.store,
            model,
            frames=frames,
            boxes=self._boxes_of(boxes) if boxes else None,
            use=use,
            device=device,
            load=load or load_models,
            watcher=progress,
        )

    def detect(
        self,
        model: str,
        *,
        where: str | None = None,
        character: str | None = None,
        device: str | None = None,
        progress: Watcher | None = None,
        load: Load | None = None,
    ) -> Report:
        """Detect faces, heads or persons with another detector; skip frames that it has processed already.

        `character` is the model for the vectors of faces, or "none"; by default the one this database uses.
        Raises ModelError, QueryError, StoreError.
        """
        from animeds_ingest.choice import load_models
        from animeds_ingest.verbs import detect

        frames = self._frames_where(where)
        return detect(
            self.store,
            model,
            frames=frames,
            character=character,
            device=device,
            load=load or load_models,
            watcher=progress,
        )

    def embed(
        self,
        model: str,
        *,
        where: str | None = None,
        use: bool = False,
        device: str | None = None,
        progress: Watcher | None = None,
        load: Load | None = None,
    ) -> Report:
        """Compute vectors of frames with another image embedder; skip frames that have one already.

        With `use`, search and dedup use these vectors from now on. Raises ModelError, QueryError, StoreError.
        """
        from animeds_ingest.choice import load_models
        from animeds_ingest.verbs import embed

        frames = self._frames_where(where)
        return embed(
            self.store,
            model,
            frames=frames,
            use=use,
            device=device,
            load=load or load_models,
            watcher=progress,
        )

    def classify_frames(
        self,
        model: str,
        *,
        where: str | None = None,
        device: str | None = None,
        progress: Watcher | None = None,
        load: Load | None = None,
    ) -> Report:
        """Classify frames (style, rating, aesthetic, …) with a classifier; skip frames that it has classified already.

        The views `classifications` and `frame_classes` have the answers. Raises ModelError, QueryError, StoreError.
        """
        from animeds_ingest.choice import load_models
        from animeds_ingest.verbs import classify_frames

        return classify_frames(
            self.store,
            model,
            frames=self._frames_where(where),
            device=device,
            load=load or load_models,
            watcher=progress,
        )

    def drop_model(self, model: str) -> int:
        """Delete what `tag`, `detect`, `embed`, `segment` or `classify_frames` wrote; return the number of frames.

        Results from the ingest stay. Raises ModelError if the model was not run with one of these.
        """
        from animeds_ingest.verbs import drop_model

        return drop_model(self.store, model)

    def _boxes_of(self, kinds: Sequence[str]) -> list[str]:
        """Return the ids of the boxes in use of these kinds. Raises UsageError if there are none of a kind."""
        expect_kinds(self.session, kinds)
        rows = self.session.arrow(
            "SELECT detection_id, kind FROM newest_detections WHERE list_contains($kinds, kind)",
            {"kinds": list(kinds)},
        )
        missing = set(kinds) - set(rows["kind"].to_pylist())
        if missing:
            raise UsageError(
                f"{self.store.uri} contains no {min(missing)} boxes.",
                hint="`animeds detect --model …` finds boxes (`animeds models list` shows detectors).",
            )
        ids: list[str] = rows["detection_id"].to_pylist()
        return ids

    def _frames_where(self, condition: str | None) -> Collection[str] | None:
        if condition is None:
            return None
        sql = f"SELECT frame_id FROM frames WHERE (\n{condition}\n)"
        rows = self.session.arrow(sql, file="--where")
        return frozenset(rows["frame_id"].to_pylist())

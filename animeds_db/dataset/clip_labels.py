"""Methods of `Dataset` that correct the clips which the view `clips` proposes. They can be undone like all labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from animeds_db.session import Session
from animeds_db.steps.labels import stretches
from animeds_db.steps.labels.changes import Act
from animeds_db.steps.labels.stretches import ClipAct
from animeds_db.store import Store

if TYPE_CHECKING:
    import duckdb


class ClipCorrections:
    """Methods of `Dataset` to correct clips."""

    store: Store
    session: Session

    def keep_clip(self, clip_id: str, *, who: str | None = None) -> ClipAct:
        """Make a stretch of a video a clip, exactly as it is. Its `clip_id` may be any (see schema.clip_id).

        Raises QueryError for an id that is not a clip of a video with measured shots.
        """
        return stretches.keep(self.store, self.session, clip_id, who)

    def drop_clips(
        self, selection: str | Sequence[str] | duckdb.DuckDBPyRelation, *, who: str | None = None
    ) -> Act:
        """Drop clips: no clip touches their frames any more.

        selection: ids of clips or shots, SQL, or a relation with clip_id or shot_id. Raises UsageError if it is
        empty, QueryError for unknown ids.
        """
        return stretches.drop(self.store, self.session, selection, who)

    def trim_clip(
        self,
        clip_id: str,
        *,
        first_s: float | None = None,
        last_s: float | None = None,
        who: str | None = None,
    ) -> ClipAct:
        """Let a clip begin with the frame nearest to first_s, or end with the one nearest to last_s.

        Times are seconds in the video, as in the view `clips`; a clip can also become longer. The old clip is dropped
        and the new one kept. The result has the new `clip_id`. Raises UsageError if nothing would change or remain,
        QueryError.
        """
        return stretches.trim(self.store, self.session, clip_id, first_s, last_s, who)

    def split_shot(self, shot_id: str, at_s: float, *, who: str | None = None) -> Act:
        """Add a cut that was missed: clips end before the frame nearest to at_s, seconds in the video.

        The view `shots` does not change. Raises QueryError for an unknown shot, UsageError for a time outside it.
        """
        return stretches.split(self.store, self.session, shot_id, at_s, who)

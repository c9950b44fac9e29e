"""Methods of `Dataset` for masks: which pixels of a frame show a character or another part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from animeds_db.session import Session
from animeds_db.steps.labels import masks
from animeds_db.steps.labels.changes import Act
from animeds_db.store import Store

if TYPE_CHECKING:
    import numpy.typing as npt

    from animeds_ingest.choice import Load
    from animeds_ingest.outcomes import Report, Watcher


class Masking:
    """Methods of `Dataset` to make and correct masks."""

    store: Store
    session: Session

    if TYPE_CHECKING:

        def _boxes_of(self, kinds: Sequence[str]) -> list[str]: ...
        def _frames_where(self, condition: str | None) -> Collection[str] | None: ...

    def segment(
        self,
        model: str,
        *,
        boxes: Sequence[str] | None = None,
        where: str | None = None,
        device: str | None = None,
        progress: Watcher | None = None,
        load: Load | None = None,
    ) -> Report:
        """Make masks of frames with a segmenter; skip frames that have them already. The view `masks` has the results.

        boxes: kinds of boxes whose content gets a mask of its own, such as person; by default persons, if the database
        has their boxes. where: an SQL condition for frames. Raises ModelError, UsageError for a kind of box that the
        database does not have, QueryError, StoreError.
        """
        from animeds_ingest.choice import load_models
        from animeds_ingest.verbs import segment

        return segment(
            self.store,
            model,
            frames=self._frames_where(where),
            boxes=self._persons() if boxes is None else self._boxes_of(boxes),
            device=device,
            load=load or load_models,
            watcher=progress,
        )

    def mask_logos(self) -> dict[str, int]:
        """Find what stays still over whole videos, such as the logo of a broadcaster; the view `masks` has them.

        It looks at the thumbnails, so it needs no model and takes about a second per episode. Returns the number of
        logos per source_id; videos with fewer than 12 shots are left out, as a part of the scene may stay still in
        them. `drop_model("logos")` removes the masks again.
        """
        from animeds_ingest.verbs import mask_logos

        return mask_logos(self.store)

    def _persons(self) -> list[str]:
        """Return the ids of the boxes of persons in use; none if there are none."""
        rows = self.session.arrow("SELECT detection_id FROM newest_detections WHERE kind = 'person'")
        ids: list[str] = rows["detection_id"].to_pylist()
        return ids

    def set_mask(
        self,
        target: str,
        mask: npt.NDArray[Any] | bytes,
        part: str = "character",
        *,
        who: str | None = None,
    ) -> Act:
        """Draw a mask of a frame or box; it replaces those of models and can be undone like every label.

        target: a frame_id, or the id of a box. mask: [height, width] that covers all of it, in any size (white = in
        the part): uint8 0…255, bool or float 0…1; or a PNG. An empty mask says that the part is not there. part: what
        it shows, such as character, text, border or logo. Raises UsageError, QueryError for an unknown id.
        """
        return masks.set_mask(self.store, self.session, target, mask, part, who)

    def remove_mask(self, target: str, part: str = "character", *, who: str | None = None) -> Act:
        """Remove what was drawn with `set_mask`: the masks of models count again.

        Raises UsageError if nobody has drawn one, QueryError for an unknown id.
        """
        return masks.remove_mask(self.store, self.session, target, part, who)

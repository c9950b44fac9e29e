"""Methods of `Dataset` for masks: which pixels of a frame show a character or another part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from animeds_db.session import Session
from animeds_db.steps.labels import masks
from animeds_db.steps.labels.changes import Act
from animeds_db.store import Store

if TYPE_CHECKING:
    import numpy.typing as npt


class Masking:
    """Methods of `Dataset` to make and correct masks."""

    store: Store
    session: Session

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

"""Methods of `Dataset` about what characters wear: outfits found, named, merged and split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from animeds_db.session import Session
from animeds_db.store import Store

if TYPE_CHECKING:
    from animeds_db.contact_sheet import Sheet
    from animeds_db.steps.characters.face_pictures import Images
    from animeds_db.steps.labels.changes import Act
    from animeds_db.steps.outfits.find import OutfitOptions, Outfits

Progress = Callable[[int, int], None]


class Wardrobe:
    """Methods of `Dataset` about outfits."""

    store: Store
    session: Session
    images: Images

    def outfits(self, character: str, options: OutfitOptions | None = None) -> Outfits:
        """Return the outfits of a character: its bodies grouped by their clothes. `.rows()` is one row per outfit."""
        from animeds_db.steps.outfits.find import find_outfits

        return find_outfits(self.session, character, options)

    def name_outfits(self, found: Outfits, names: Mapping[int, str], *, who: str | None = None) -> Act:
        """Give outfits names, which become the appearances of their faces. Can be undone."""
        from animeds_db.steps.outfits.corrections import name_outfits

        return name_outfits(self.store, self.session, found, names, who)

    def merge_outfits(self, found: Outfits, outfits: Sequence[int], *, who: str | None = None) -> Act:
        """Make several outfits one. Can be undone."""
        from animeds_db.steps.outfits.corrections import merge_outfits

        return merge_outfits(self.store, self.session, found, outfits, who)

    def split_outfit(self, found: Outfits, outfit: int, into: int = 2, *, who: str | None = None) -> Act:
        """Split an outfit into its most different parts. Can be undone."""
        from animeds_db.steps.outfits.corrections import split_outfit

        return split_outfit(self.store, self.session, found, outfit, into, who)

    def outfit_sheet(self, found: Outfits, *, count: int = 24, progress: Progress | None = None) -> Sheet:
        """Return a contact sheet with up to `count` pictures of each outfit; contact_sheet.write_sheet writes it."""
        from animeds_db.steps.outfits.sheet import outfit_sheet

        return outfit_sheet(self.store, self.images, found, count=count, progress=progress)

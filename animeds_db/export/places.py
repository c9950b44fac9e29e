"""Where every picture lies in every layout. The one rule: paths are decided for all pictures at once.

A picture's folder may depend on the others: what shares a folder shares its repeats, where a trainer has one number
per folder, and screenshots, fan art and regularization pictures get trees of their own where they meet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from animeds_db.export.layouts import Layout, Wish
from animeds_db.export.layouts.common import REGULARIZATION, as_number
from animeds_db.export.manifest import CREDITS_NAME, MANIFEST_NAME
from animeds_db.export.names import Namer
from animeds_db.export.options import ExportOptions
from animeds_db.export.render import FORMATS
from animeds_db.export.sidecars import SUFFIXES

SCREENSHOT = "screenshot"
TREES = {SCREENSHOT: "screenshots", "fanart": "fanart", REGULARIZATION: REGULARIZATION}
"""Folder of each image type where several meet (the tree of anime_screenshot_pipeline)."""

_BRACKETS = str.maketrans("[]", "()")


@dataclass(frozen=True)
class PlaceWish:
    """What a picture would like: a folder, a name without extension, how often it is shown, its type."""

    folder: str
    stem: str
    repeats: int
    multiply: float | None
    """Repeats with decimals, for readers of fractions; None: `repeats`."""
    image_type: str

    def times(self, layout: Layout) -> float:
        """Return how often the reader of a layout shows the picture."""
        return self.multiply if layout.fractions and self.multiply is not None else self.repeats


def place(wishes: Sequence[PlaceWish], options: ExportOptions) -> list[tuple[str, ...]]:
    """Return each picture's paths, one per layout, relative to the export: safe, and unique on every system."""
    per_layout = [_in_layout(layout, wishes, options) for layout in options.chosen]
    return list(zip(*per_layout, strict=True))


def _in_layout(layout: Layout, wishes: Sequence[PlaceWish], options: ExportOptions) -> list[str]:
    folders = _folders(layout, wishes, options)
    suffix, root = FORMATS[options.image_format].suffix, options.folder_of(layout)
    more = tuple(s for kind in options.sidecars for s in SUFFIXES[kind])
    # the tags sidecar is named after the picture with its extension
    ends = (suffix, ".txt", *more, *((f"{suffix}.tags",) if "tags" in options.sidecars else ()))
    namer = Namer(ends, () if root else (CREDITS_NAME, MANIFEST_NAME))
    names = (
        namer.path(folder, layout.stem(w.stem)) + suffix for folder, w in zip(folders, wishes, strict=True)
    )
    return [f"{root}/{name}" if root else name for name in names]


def _folders(layout: Layout, wishes: Sequence[PlaceWish], options: ExportOptions) -> list[str]:
    """Return the folders by the layout's rule; a folder with several numbers of repeats becomes one for each."""
    types = {w.image_type for w in wishes}
    folders = [
        layout.folder(
            Wish(
                _in_tree(w, types),
                w.repeats,
                w.image_type,
                REGULARIZATION in types,
                None if w.image_type == REGULARIZATION else options.activation_tag,
                options.captions,
            )
        )
        for w in wishes
    ]
    if layout.globs:
        folders = [folder.translate(_BRACKETS) for folder in folders]
    if layout.repeats != "folder":
        return folders
    repeats: dict[str, set[float]] = defaultdict(set)
    for folder, w in zip(folders, wishes, strict=True):
        repeats[folder].add(w.times(layout))
    return [
        f"{folder}/x{as_number(w.times(layout))}".lstrip("/") if len(repeats[folder]) > 1 else folder
        for folder, w in zip(folders, wishes, strict=True)
    ]


def _in_tree(wish: PlaceWish, types: set[str]) -> str:
    """Return the folder asked for, in its type's tree where types meet and the folder does not name one itself."""
    parts = wish.folder.replace("\\", "/").split("/")
    if len(types) == 1 or set(parts) & set(TREES.values()):
        return wish.folder
    return f"{TREES.get(wish.image_type, wish.image_type)}/{wish.folder}".rstrip("/")

"""The path of every picture in every layout.

Paths are decided for all pictures at once, since the folder of one may depend on the others: some trainers have one
number of repeats per folder, and screenshots, fan art and regularization pictures get separate trees if there are
several types.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from animeds_db.export.layouts import Layout, Placement
from animeds_db.export.layouts.common import REGULARIZATION, as_number
from animeds_db.export.names import CREDITS_NAME, MANIFEST_NAME, Namer, is_suffix
from animeds_db.export.options import ExportOptions
from animeds_db.export.sidecars import SUFFIXES

SCREENSHOT = "screenshot"
TREES = {SCREENSHOT: "screenshots", "fanart": "fanart", REGULARIZATION: REGULARIZATION}
"""Folder of each image type if there are several (the tree of anime_screenshot_pipeline)."""

_BRACKETS = str.maketrans("[]", "()")


@dataclass(frozen=True, slots=True)
class Request:
    """Requested folder of a picture, its name without extension, its repeats and its image type."""

    folder: str
    stem: str
    repeats: int
    multiply: float | None
    """Repeats with decimals, for trainers that accept fractions. None: `repeats`."""
    image_type: str
    suffix: str
    """Extension of its file."""
    n_frames: int = 1
    """Number of frames of a clip."""
    parts: tuple[str, ...] = ()
    """Names of its parts, see names.part_path."""

    def times(self, layout: Layout) -> float:
        """Return the number of times that the trainer of a layout shows the picture."""
        return self.multiply if layout.fractions and self.multiply is not None else self.repeats


def place(requests: Sequence[Request], options: ExportOptions) -> list[tuple[str, ...]]:
    """Return each picture's paths, one per layout, relative to the export: safe, and unique on every system."""
    per_layout = [_in_layout(layout, requests, options) for layout in options.chosen]
    return list(zip(*per_layout, strict=True))


def _in_layout(layout: Layout, requests: Sequence[Request], options: ExportOptions) -> list[str]:
    folders = _folders(layout, requests, options)
    root = options.folder_of(layout)
    parts = sorted({part for w in requests for part in w.parts})
    own = tuple(dict.fromkeys(s for w in requests for s in (w.suffix, *options.beside)))
    own = (*own, *filter(is_suffix, parts))
    roles = tuple(dict.fromkeys(part.partition(".")[0] for part in parts if not is_suffix(part)))
    more = tuple(s for kind in options.sidecars for s in SUFFIXES[kind])
    # the tags sidecar is named after the picture with its extension
    ends = (*own, ".txt", *more, *(f"{suffix}.tags" for suffix in own if "tags" in options.sidecars))
    namer = Namer(ends, () if root else (CREDITS_NAME, MANIFEST_NAME), roles)
    names = (
        namer.path(folder, layout.stem(w.stem)) + w.suffix
        for folder, w in zip(folders, requests, strict=True)
    )
    return [f"{root}/{name}" if root else name for name in names]


def _folders(layout: Layout, requests: Sequence[Request], options: ExportOptions) -> list[str]:
    """Return the folders as the layout names them. A folder with different repeats is split, one for each number."""
    types = {w.image_type for w in requests}
    folders = [
        layout.folder(
            Placement(
                _in_tree(w, types),
                w.repeats,
                w.image_type,
                REGULARIZATION in types,
                None if w.image_type == REGULARIZATION else options.profile.activation_tag or None,
                options.captions,
                w.n_frames,
            )
        )
        for w in requests
    ]
    if layout.globs:
        folders = [folder.translate(_BRACKETS) for folder in folders]
    if layout.repeats != "folder":
        return folders
    repeats: dict[str, set[float]] = defaultdict(set)
    for folder, w in zip(folders, requests, strict=True):
        repeats[folder].add(w.times(layout))
    return [
        f"{folder}/x{as_number(w.times(layout))}".lstrip("/") if len(repeats[folder]) > 1 else folder
        for folder, w in zip(folders, requests, strict=True)
    ]


def _in_tree(request: Request, types: set[str]) -> str:
    """Return the requested folder, below the tree of its image type if there are several types and it names none."""
    parts = request.folder.replace("\\", "/").split("/")
    if len(types) == 1 or set(parts) & set(TREES.values()):
        return request.folder
    return f"{TREES.get(request.image_type, request.image_type)}/{request.folder}".rstrip("/")

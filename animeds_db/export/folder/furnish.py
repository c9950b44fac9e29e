"""Everything in an export besides the pictures: captions, sidecars, configuration files, archives, second paths.

A picture that has several paths is stored once where the file system supports it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from animeds_db.export.folder.writer import NewFolder
from animeds_db.export.layouts import Item, Layout, Tree
from animeds_db.export.names import part_path
from animeds_db.export.options import ExportOptions
from animeds_db.export.pictures.picture import About, Picture, Written
from animeds_db.export.pictures.render import Crop
from animeds_db.export.sidecars import SIDECARS

STAGED = ".staged"
"""Folder inside the unfinished folder, for pictures that will only be in archives."""


def own_path(picture: Picture, options: ExportOptions) -> str:
    """Return the path at which a picture is written first: that of the first layout that is not an archive."""
    for layout, path in zip(options.chosen, picture.paths, strict=True):
        if layout.pack is None:
            return path
    return f"{STAGED}/pictures/{picture.path}"  # folders of parts lie beside that of the pictures


def furnish(
    folder: NewFolder, pictures: Sequence[Picture], written: Sequence[Written], options: ExportOptions
) -> Counter[str]:
    """Write everything besides the pictures. Return how many got second paths, by kind (clone, hard link, copy)."""
    shared: Counter[str] = Counter()
    own = [own_path(picture, options) for picture in pictures]
    for place, layout in enumerate(options.chosen):
        if layout.pack is None:
            for first, picture, done in zip(own, pictures, written, strict=True):
                if picture.paths[place] != first:
                    shared.update(_link(folder, first, picture.paths[place], done))
        _furnish(folder, layout, place, own, pictures, written, options)
    if not options.is_loose:
        folder.remove(STAGED)
    return shared


def _link(folder: NewFolder, first: str, other: str, written: Written) -> Iterator[str]:
    """Give all files of a picture a second path; yield how."""
    for one, two in zip(written.places(first), written.places(other), strict=True):
        yield folder.link(one, two)


def _furnish(
    folder: NewFolder,
    layout: Layout,
    place: int,
    own: Sequence[str],
    pictures: Sequence[Picture],
    written: Sequence[Written],
    options: ExportOptions,
) -> None:
    root = f"{options.folder_of(layout)}/".lstrip("/")
    items = [item_of(p, p.paths[place].removeprefix(root), w) for p, w in zip(pictures, written, strict=True)]
    tree = Tree(items, options.settings(layout, folder.out))
    if layout.pack is None:
        listed = {group.folder for group in tree.groups() if layout.lists(group)}
        for item in items:
            for path, content in _beside(item, layout, options, has_text=item.folder not in listed):
                folder.write(root + path, content)
    else:
        places = {item.path: first for item, first in zip(items, own, strict=True)}
        layout.pack(
            tree,
            lambda item, part: folder.read(part_path(places[item.path], part)),
            lambda item: _beside(item, layout, options),
            lambda name: folder.create(root + name),
        )
    for path, content in layout.files(tree):
        folder.write(root + path, content)


def _beside(
    item: Item, layout: Layout, options: ExportOptions, *, has_text: bool = True
) -> Iterable[tuple[str, bytes]]:
    """Yield the files that belong to one picture."""
    if layout.texts and has_text and item.caption is not None:
        yield f"{item.stem}.txt", item.caption.encode()
    if not layout.tells:  # its own files contain the same
        for kind in options.sidecars:
            yield SIDECARS[kind](item)


def item_of(picture: Picture, path: str, written: Written) -> Item:
    """Return a picture as a layout sees it; `path` is relative to the layout's folder."""
    return Item(
        path=path,
        caption=picture.caption,
        repeats=picture.repeats,
        multiply=picture.multiply,
        width=written.width,
        height=written.height,
        frame_id=picture.frame_id,
        image_type=picture.image_type,
        about=_as_shown(picture.about or {}, written.shown),
        n_frames=picture.clip.n_frames if picture.clip else 1,
        parts=tuple(written.parts),
    )


def _as_shown(about: About, shown: Crop | None) -> About:
    """Return the facts with boxes relative to the part that a bucket keeps. Boxes outside of it are removed."""
    if shown is None:
        return about
    if "bbox" in about.get("documents", {}):
        people = [
            {**one, "bbox": _within(one["bbox"], shown)} for one in json.loads(about["documents"]["bbox"])
        ]
        seen = [p for p in people if p["bbox"][2] > p["bbox"][0] and p["bbox"][3] > p["bbox"][1]]
        about = {**about, "documents": {**about["documents"], "bbox": json.dumps(seen, ensure_ascii=False)}}
    if not about.get("boxes"):
        return about
    boxes = [{**box, "box": _within(box["box"], shown)} for box in about["boxes"]]
    return {**about, "boxes": [b for b in boxes if b["box"][2] > b["box"][0] and b["box"][3] > b["box"][1]]}


def _within(box: Sequence[float], shown: Crop) -> list[float]:
    left, top, right, bottom = shown
    wide, high = right - left, bottom - top
    numbers = ((box[0] - left) / wide, (box[1] - top) / high, (box[2] - left) / wide, (box[3] - top) / high)
    return [round(min(max(number, 0.0), 1.0), 6) for number in numbers]

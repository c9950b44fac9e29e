"""Metadata files beside the pictures, in the formats of other tools.

The file of a crop describes the crop, not the frame.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable
from typing import Any

from animeds_db.export.layouts.common import Item

MANY = 6
"""With this number of people or more, tags do not give an exact number."""
_COUNTED = re.compile(r"(\d)\+?(girl|boy)s?")


def _faces(item: Item) -> list[dict[str, Any]]:
    return [box for box in item.about.get("boxes") or [] if box["kind"] == "face"]


def _tags(item: Item, category: str) -> list[str]:
    return [tag for tag, kind, _ in item.about.get("tags") or [] if kind == category]


def _n_people(item: Item) -> int | str:
    """Return the number of people from the counting tags, as the pipeline does: girls and boys, "many" for six or
    more."""
    found: dict[str, int] = {"girl": 0, "boy": 0}
    for tag in _tags(item, "general"):
        count = _COUNTED.fullmatch(tag)
        if count:
            found[count[2]] = max(found[count[2]], int(count[1]))
    total = sum(found.values())
    return total if total < MANY else "many"


def _is_somebody(name: str | None) -> bool:
    return name not in (None, "unknown", "ood")


def _pipeline(item: Item) -> tuple[str, bytes]:
    """`XXX.json` as the first version of anime_screenshot_pipeline writes it."""
    faces = _faces(item)
    heights = [face["box"][3] - face["box"][1] for face in faces]
    values = {
        "n_faces": len(faces),
        "facepos": [face["box"] for face in faces],
        "fh_ratio": max(heights, default=0.0),
        "cropped": item.about.get("crop_kind") is not None,
        "characters": [face["character"] or "unknown" for face in faces],
        "copyright": _tags(item, "copyright"),
        "artist": _tags(item, "artist"),
        "rating": item.about.get("rating"),
        "tags": _tags(item, "general"),
        "n_people": _n_people(item),
    }
    known = {name: value for name, value in values.items() if value is not None}
    return f"{item.stem}.json", json.dumps(known, ensure_ascii=False).encode()


def _tag_line(item: Item) -> tuple[str, bytes]:
    """`XXX.png.tags`: one line, underscores kept, as the pipeline's tagger writes it."""
    return f"{item.path}.tags", (", ".join(_tags(item, "general")) + "\n").encode()


def _waifuc(item: Item) -> tuple[str, bytes]:
    """`.XXX_meta.json`, hidden, as waifuc and the second version of the pipeline read it."""
    about = item.about
    names = {face["character"] for face in _faces(item) if _is_somebody(face["character"])}
    values = {
        "filename": posixpath.basename(item.path),
        "image_size": [item.width, item.height],
        "characters": sorted(names),
        "tags": {tag: score for tag, kind, score in about.get("tags") or [] if kind == "general"},
        "type": item.image_type,
        "copyright": _tags(item, "copyright"),
        "artist": _tags(item, "artist"),
        "rating": about.get("rating"),
        "caption": item.caption,
    }
    if about.get("crop_kind") is not None:
        values["crop"] = {"type": about["crop_kind"]}
    name = f".{posixpath.basename(item.stem)}_meta.json"
    return posixpath.join(item.folder, name), json.dumps(values, ensure_ascii=False).encode()


def _document(kind: str, suffix: str) -> Callable[[Item], tuple[str, bytes]]:
    """Return the writer of a sidecar whose text the caption profile makes (see captioning.documented)."""
    return lambda item: (f"{item.stem}{suffix}", item.about["documents"][kind].encode())


WRITTEN = {"bbox": ".bbox", "nl": ".json", "variants": ".variants.txt"}
"""Sidecars that the caption profile writes, and their suffixes."""

SIDECARS: dict[str, Callable[[Item], tuple[str, bytes]]] = {
    "json": _pipeline,
    "tags": _tag_line,
    "waifuc": _waifuc,
    **{kind: _document(kind, suffix) for kind, suffix in WRITTEN.items()},
}
"""Kinds of sidecar: the screenshot pipeline's `XXX.json` and `XXX.png.tags`, waifuc's hidden metadata, SimpleTuner's
`XXX.bbox`, AnimaLoraStudio's `XXX.json` with `nl`, and `XXX.variants.txt` of the trainers of Anima."""

SUFFIXES = {
    "json": (".json",),
    "tags": (),
    "waifuc": ("._meta.json",),
    **{kind: (suffix,) for kind, suffix in WRITTEN.items()},
}
"""Suffixes that sidecars add to the stem of a picture, so that names stay short enough and unique."""

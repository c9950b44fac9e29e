"""The line of a picture in a manifest: writes it without default values, and checks every value that is read."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import asdict, replace
from typing import Any

from animeds_db.export.names import part_path, safe_folder
from animeds_db.export.pictures.looks import LOOKS
from animeds_db.export.pictures.picture import Clip, Mask, Origin, Part, Picture, Written
from animeds_db.export.pictures.render import checked_crop
from animeds_db.export.typed import check_fields, check_types

_OPTIONAL = frozenset({"multiply", "links", "about", "shown", "face_id", "clip", "parts", "beside", "masks"})
_ABOUT = {
    **dict.fromkeys(("show", "rating", "crop_kind"), str | None),
    **dict.fromkeys(("season", "episode"), int | None),
    "time_s": float | None,
    "tags": list[tuple[str, str | None, float | None]],
    "boxes": list[dict[str, Any]],
    "documents": dict[str, str],
}
_BOX = {
    "kind": str | None,
    "character": str | None,
    "box": tuple[float, float, float, float],
    "score": float | None,
}


def line_of(picture: Picture, written: Written) -> dict[str, Any]:
    """Return a picture and its file as one record, without default values."""
    clip = None if picture.clip is None else asdict(picture.clip)
    beside = [_part_record(part) for part in picture.beside]
    masks = [_mask_record(mask) for mask in picture.masks]
    line = {**vars(picture), "clip": clip, "beside": beside, "masks": masks, **vars(written)}
    return {
        name: value
        for name, value in line.items()
        if name not in _OPTIONAL or value not in ((), None, {}, [])
    }


def _mask_record(mask: Mask) -> dict[str, Any]:
    return {name: value for name, value in vars(mask).items() if value not in ((), None)}


def _part_record(part: Part) -> dict[str, Any]:
    record = asdict(part) | {"look": None if part.look == "frame" else part.look}
    return {name: value for name, value in record.items() if value is not None}


def read_line(line: dict[str, Any]) -> tuple[Picture, Written]:
    """Return the picture and its file. Raises TypeError, ValueError, KeyError and ExportError for values of no use."""
    done: dict[str, Any] = {name: line.pop(name) for name in Written.__dataclass_fields__ if name in line}
    check_types(Written, done)
    clip = line.pop("clip", None)
    beside, masks = line.pop("beside", []), line.pop("masks", [])
    if not (isinstance(beside, list) and isinstance(masks, list)):
        raise TypeError("a picture's parts or masks are not a list")
    check_types(Picture, line)
    if line.get("about") is not None:
        check_fields(_ABOUT, line["about"], "picture's about")
        for box in line["about"]["boxes"]:
            check_fields(_BOX, box, "box")
    line["beside"] = tuple(_read_part(record) for record in beside)
    line["masks"] = tuple(_read_mask(record) for record in masks)
    tuples: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in line.items()}
    picture = Picture(**tuples, clip=None if clip is None else _read_clip(clip))
    if picture.repeats < 1:
        raise ValueError(f"{picture.path} has {picture.repeats} repeats")
    if picture.crop is not None:
        picture = replace(picture, crop=checked_crop(picture.crop, picture.frame_id))
    for path in picture.paths:
        if safe_folder(path) != path:
            raise ValueError(f"unsafe path {path!r}")
    done = {name: tuple(v) if isinstance(v, list) else v for name, v in done.items()}
    return picture, Written(**done)


def _read_clip(record: dict[str, Any]) -> Clip:
    check_types(Clip, record)
    clip = Clip(**record | {"path": tuple(tuple(point) for point in record.get("path", ()))})
    if clip.control_id is not None and clip.control is None:
        raise ValueError(f"{clip.control_id} is not a clip")
    if clip.n_frames < 1 or clip.last_pts < clip.first_pts:
        raise ValueError("a clip has no frames")
    if not 0 < clip.rate <= 1000:  # a text that is no fraction raises ValueError
        raise ValueError(f"a clip has {clip.fps} frames per second")
    return clip


def _read_mask(record: dict[str, Any]) -> Mask:
    check_types(Mask, record)
    regions = {name: tuple(map(tuple, record.get(name, ()))) for name in ("shown", "out")}
    for *_, png in (*regions["shown"], *regions["out"]):
        if png is not None:
            b64decode(png, validate=True)  # raises ValueError
    return Mask(**record | regions)


def _read_part(record: dict[str, Any]) -> Part:
    origin = record.pop("origin", None)
    check_types(Part, record)
    if origin is not None:
        check_types(Origin, origin)
    part = Part(**record | {"origin": None if origin is None else Origin(**origin)})
    if part.look not in LOOKS:
        raise ValueError(f"a picture has a part that shows {part.look!r}")
    if not part.name or safe_folder(part_path("a/b.png", part.name)) != part_path("a/b.png", part.name):
        raise ValueError(f"unsafe part {part.name!r}")
    return part if part.crop is None else replace(part, crop=checked_crop(part.crop, part.name))

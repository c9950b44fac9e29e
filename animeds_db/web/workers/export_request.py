"""Converts the options of an export request to those of the Python API. No option is used as a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from animeds_db.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from animeds_db.captions import CaptionProfile
    from animeds_db.export import ClipOptions, ExportOptions

PLAIN = (
    "image_format", "quality", "max_size", "short_edge", "bucket", "upscale", "resolution", "overwrite",
)  # fmt: skip
"""Options with the same name in ExportOptions."""
MOVING = (
    "fps", "frames", "max_frames", "lossless", "crf", "sound", "first_frame", "dialogue", "deinterlace",
)  # fmt: skip
"""Options that only clips have, with the same name in ClipOptions."""
CAPTION_FLAGS = {
    "activation_tag": str,
    "threshold": float,
    "keep_character_tags": bool,
    "keep_underscores": bool,
}
"""Options that change the caption profile, and their types."""
OTHERS = (
    "layout", "layouts", "sidecars", "crop", "mask", "mask_format", "mask_out", "background", "captions", "arrange",
    "balance", "copies", "dropped",
)  # fmt: skip
NO_CAPTIONS = "none"
T = TypeVar("T", bound="ExportOptions")


def included(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Dataset.export` that include copies and dropped frames."""
    return {"include_copies": bool(given.get("copies")), "include_dropped": bool(given.get("dropped"))}


def described(given: Mapping[str, Any]) -> ExportOptions:
    """Return the options of an export. Raises UsageError for an option that is unknown or not valid."""
    from animeds_db.export import ExportOptions

    return _described(ExportOptions, PLAIN, given)


def described_clips(given: Mapping[str, Any]) -> ClipOptions:
    """Return the options of an export of clips. Raises UsageError for an option that is unknown or not valid."""
    from animeds_db.export import ClipOptions

    return _described(ClipOptions, (*PLAIN, *MOVING), given)


def _described(kind: type[T], plain: tuple[str, ...], given: Mapping[str, Any]) -> T:
    from animeds_db.export import Arrangement, Balance, CropOptions, MaskOptions
    from animeds_db.export.typed import check_fields, check_types

    given = {name: value for name, value in given.items() if value not in (None, "")}
    known = (*plain, *CAPTION_FLAGS, *OTHERS)
    for name in given:
        if name not in known:
            raise UsageError(f'An export has no option "{name[:40]}".', hint=did_you_mean(name, known))
    layouts = _words(given.get("layouts") or given.get("layout") or "plain")
    flags = {name: given[name] for name in CAPTION_FLAGS if name in given}
    same = {name: given[name] for name in plain if name in given}
    try:
        check_fields(CAPTION_FLAGS, flags, "export")
        check_types(kind, same)
        options = kind(
            layouts=layouts,
            sidecars=_words(given.get("sidecars") or ()),
            crops=CropOptions(kinds=_words(given.get("crop") or ())),
            masks=MaskOptions(
                parts=_words(given.get("mask") or ()),
                out=_words(given.get("mask_out") or ()),
                format=None if given.get("mask_format") is None else str(given["mask_format"]),
                background=str(given.get("background", "keep")),
            ),
            captions=given.get("captions") != NO_CAPTIONS,
            profile=_profile(given.get("captions")).with_flags(
                activation_tag=flags.get("activation_tag"),
                threshold=flags.get("threshold"),
                character_tags=flags.get("keep_character_tags", False),
                underscores=flags.get("keep_underscores", False),
            ),
            arrangement=Arrangement(str(given.get("arrange", ""))),
            balance=Balance() if given.get("balance") else None,
            **same,
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"An option of this export has an invalid value: {error}") from error
    return replace(options, workers=2)


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(str(part) for part in value)


def _profile(name: Any) -> CaptionProfile:
    """Return a built-in caption profile. Other names are refused, because `load_profile` would read a file."""
    from animeds_db.captions import DEFAULT_PROFILE, load_profile, profile_names

    known = profile_names()
    if name == NO_CAPTIONS:
        name = None
    if name is not None and name not in known:
        raise UsageError(
            f'There is no caption profile "{str(name)[:40]}".', hint=did_you_mean(str(name), [*known, "none"])
        )
    return load_profile(name or DEFAULT_PROFILE)

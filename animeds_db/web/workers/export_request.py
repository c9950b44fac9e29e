"""What a client says of an export, as the options of the Python API. Its one rule: nothing said is a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from animeds_db.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from animeds_db.captions import CaptionProfile
    from animeds_db.export import ExportOptions

PLAIN = (
    "image_format", "quality", "max_size", "short_edge", "bucket", "upscale", "resolution", "overwrite",
)  # fmt: skip
"""Options that ExportOptions has by these names."""
CAPTION_FLAGS = {
    "activation_tag": str,
    "threshold": float,
    "keep_character_tags": bool,
    "keep_underscores": bool,
}
"""Options that change the caption profile, and their types."""
OTHERS = ("layout", "layouts", "sidecars", "crop", "captions", "arrange", "balance", "copies", "dropped")
KNOWN = (*PLAIN, *CAPTION_FLAGS, *OTHERS)
NO_CAPTIONS = "none"


def included(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return which frames an export takes besides those that `kept` has, as `Dataset.export` is told."""
    return {"include_copies": bool(said.get("copies")), "include_dropped": bool(said.get("dropped"))}


def described(said: Mapping[str, Any]) -> ExportOptions:
    """Return the options of an export. Raises UsageError for an option that is unknown or not valid."""
    from animeds_db.export import Arrangement, Balance, CropOptions, ExportOptions
    from animeds_db.export.typed import check_fields, check_types

    said = {name: value for name, value in said.items() if value not in (None, "")}
    for name in said:
        if name not in KNOWN:
            raise UsageError(f'an export has no option "{name[:40]}"', hint=did_you_mean(name, KNOWN))
    layouts = _words(said.get("layouts") or said.get("layout") or "plain")
    flags = {name: said[name] for name in CAPTION_FLAGS if name in said}
    try:
        check_fields(CAPTION_FLAGS, flags, "export")
        check_types(ExportOptions, {name: said[name] for name in PLAIN if name in said})
        options = ExportOptions(
            layouts=layouts,
            sidecars=_words(said.get("sidecars") or ()),
            crops=CropOptions(kinds=_words(said.get("crop") or ())),
            captions=said.get("captions") != NO_CAPTIONS,
            profile=_profile(said.get("captions")).with_flags(
                activation_tag=flags.get("activation_tag"),
                threshold=flags.get("threshold"),
                character_tags=flags.get("keep_character_tags", False),
                underscores=flags.get("keep_underscores", False),
            ),
            arrangement=Arrangement(str(said.get("arrange", ""))),
            balance=Balance() if said.get("balance") else None,
            **{name: said[name] for name in PLAIN if name in said},
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"an option of this export is no value of its kind: {error}") from error
    return replace(options, workers=2)


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(str(part) for part in value)


def _profile(name: Any) -> CaptionProfile:
    """Return captions by the name of a profile that comes with the package; a path would be read."""
    from animeds_db.captions import DEFAULT_PROFILE, load_profile
    from animeds_db.captions.profile import profile_names

    known = profile_names()
    if name == NO_CAPTIONS:
        name = None
    if name is not None and name not in known:
        raise UsageError(
            f'there are no captions "{str(name)[:40]}"', hint=did_you_mean(str(name), [*known, "none"])
        )
    return load_profile(name or DEFAULT_PROFILE)

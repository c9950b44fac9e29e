"""What a client says of an export, as the options of the Python API. Its one rule: nothing said is a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from animeds_db.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from animeds_db.captions import CaptionProfile
    from animeds_db.export import ExportOptions
    from animeds_db.export.selection.shape import Shape

PLAIN = (
    "image_format", "quality", "max_size", "short_edge", "bucket", "upscale", "resolution",
    "activation_tag", "threshold", "keep_character_tags", "keep_underscores", "overwrite",
)  # fmt: skip
"""Options that ExportOptions has by these names."""
OTHERS = ("layout", "layouts", "sidecars", "crop", "captions", "arrange", "balance", "copies", "dropped")
NO_CAPTIONS = "none"


def included(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return which frames an export takes besides those that `kept` has, as `Dataset.export` is told."""
    return {"include_copies": bool(said.get("copies")), "include_dropped": bool(said.get("dropped"))}


def described(said: Mapping[str, Any]) -> tuple[ExportOptions, Shape]:
    """Return options and shape of an export. Raises UsageError for what is not known, or makes no sense."""
    from animeds_db.export import ExportOptions
    from animeds_db.export.crops import CropOptions
    from animeds_db.export.selection.arrange import Arrangement
    from animeds_db.export.selection.balance import Balance
    from animeds_db.export.selection.shape import Shape, adjusted
    from animeds_db.export.typed import check_types

    said = {name: value for name, value in said.items() if value not in (None, "")}
    for name in said:
        if name not in (*PLAIN, *OTHERS):
            raise UsageError(
                f'an export has no option "{name[:40]}"', hint=did_you_mean(name, (*PLAIN, *OTHERS))
            )
    layouts = _words(said.get("layouts") or said.get("layout") or "plain")
    profile = _profile(said.get("captions"))
    try:
        check_types(ExportOptions, {name: said[name] for name in PLAIN if name in said})
        options = ExportOptions(
            layouts=layouts,
            sidecars=_words(said.get("sidecars") or ()),
            crops=CropOptions(kinds=_words(said.get("crop") or ())),
            captions=profile is not None,
            **{name: said[name] for name in PLAIN if name in said},
        )
        shape = Shape(
            captions=None if profile is None else adjusted(profile, options),
            threshold=said.get("threshold"),
            arrangement=Arrangement(str(said.get("arrange", ""))),
            balance=Balance() if said.get("balance") else None,
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"an option of this export is no value of its kind: {error}") from error
    return replace(options, workers=2), shape


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(str(part) for part in value)


def _profile(name: Any) -> CaptionProfile | None:
    """Return captions by the name of a profile that comes with the package; a path would be read."""
    from animeds_db.captions import load_profile
    from animeds_db.captions.profile import profile_names

    if name == NO_CAPTIONS:
        return None
    known = profile_names()
    if name is not None and name not in known:
        raise UsageError(
            f'there are no captions "{str(name)[:40]}"', hint=did_you_mean(str(name), [*known, "none"])
        )
    return load_profile(name or "seed-guide")

"""Caption profiles: every setting of a caption, and no code. SQL writes the captions.

profile = load_profile("kohya")                      # or a file: load_profile("mine.toml")
profile = profile.with_flags(activation_tag="waifu", threshold=0.5)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from animeds_db.captions.profile import PARTS, STYLE, CaptionProfile, load_profile
    from animeds_db.captions.shipped import DEFAULT_PROFILE, profile_names, profile_text

_HOMES = {
    "CaptionProfile": "profile",
    "DEFAULT_PROFILE": "shipped",
    "PARTS": "profile",
    "STYLE": "profile",
    "load_profile": "profile",
    "profile_names": "shipped",
    "profile_text": "shipped",
}
"""Public names and their modules, imported when needed: help uses only the names of the profiles."""

__all__ = [
    "DEFAULT_PROFILE",
    "PARTS",
    "STYLE",
    "CaptionProfile",
    "load_profile",
    "profile_names",
    "profile_text",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"animeds_db.captions.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'animeds_db.captions' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

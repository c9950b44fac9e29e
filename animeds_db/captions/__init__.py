"""Caption profiles: every setting of a caption, and no code. SQL writes the captions.

profile = load_profile("kohya")                      # or a file: load_profile("mine.toml")
profile = profile.with_flags(activation_tag="waifu", threshold=0.5)
"""

from __future__ import annotations

from animeds_db.captions.profile import (
    DEFAULT_PROFILE,
    PARTS,
    STYLE,
    CaptionProfile,
    load_profile,
    profile_names,
    profile_text,
)

__all__ = [
    "DEFAULT_PROFILE",
    "PARTS",
    "STYLE",
    "CaptionProfile",
    "load_profile",
    "profile_names",
    "profile_text",
]

"""Caption profiles: how captions are made, as data. The one rule: a profile decides, SQL does the work.

profile = load_profile("kohya")                      # or a file: load_profile("mine.toml")
profile = replace(profile, activation_tag="waifu")
"""

from __future__ import annotations

from animeds_db.captions.profile import (
    PARTS,
    STYLE,
    CaptionProfile,
    load_profile,
    profile_names,
    profile_text,
)

__all__ = [
    "PARTS",
    "STYLE",
    "CaptionProfile",
    "load_profile",
    "profile_names",
    "profile_text",
]

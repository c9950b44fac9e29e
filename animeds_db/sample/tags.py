"""All tags that a drawing can have, with their categories: the vocabulary of the sample and of the tiny tagger.

Drawings have no other tags than these, which a test checks.
"""

from __future__ import annotations

from .drawing.look import CLOTH_COLOURS, EYE_COLOURS, HAIR_COLOURS

_COUNTS = (
    *("1girl", "2girls", "3girls", "4girls", "5girls", "6+girls", "multiple_girls"),
    *("1boy", "2boys", "3boys", "4boys", "5boys", "6+boys", "multiple_boys"),
    *("solo", "no_humans"),
)
HAIR = (
    *(f"{colour}_hair" for colour in HAIR_COLOURS),
    *("short_hair", "medium_hair", "long_hair", "very_long_hair"),
    *("twintails", "ponytail", "bob_cut", "spiky_hair", "braid", "single_braid", "hair_bun", "double_bun"),
    *("blunt_bangs", "parted_bangs", "swept_bangs"),
)
FACE = (
    *(f"{colour}_eyes" for colour in EYE_COLOURS),
    *("closed_eyes", "smile", "open_mouth", "frown", "surprised", "angry", "v-shaped_eyebrows"),
    *("crying", "tears", "blush", "chibi"),
)
GLANCE = ("looking_at_viewer", "looking_to_the_side", "profile", "from_side", "from_behind", "facing_away")
GESTURES = ("arms_up", "arm_up", "waving", "hands_on_hips")
_VIEW = (
    *GLANCE,
    *("portrait", "upper_body", "cowboy_shot", "full_body", "head_out_of_frame"),
    *GESTURES,
)
GARMENTS = (
    *(
        "school_uniform",
        "serafuku",
        "gakuran",
        "dress",
        "hoodie",
        "suit",
        "kimono",
        "japanese_clothes",
        "obi",
    ),
    *("armor", "breastplate", "shoulder_armor", "shirt", "t-shirt", "sweater", "turtleneck"),
    *("swimsuit", "one-piece_swimsuit", "bare_shoulders", "bare_legs"),
    *(
        "skirt",
        "pleated_skirt",
        "pants",
        "bowtie",
        "necktie",
        "long_sleeves",
        "short_sleeves",
        "wide_sleeves",
    ),
)
WORN = (
    *(
        "glasses",
        "hat",
        "bow",
        "hair_bow",
        "hairband",
        "earrings",
        "jewelry",
        "scarf",
        "cat_ears",
        "animal_ears",
    ),
    *("hair_flower", "hair_ornament", "headphones"),
)
COLOURED = (
    *(
        "dress",
        "hoodie",
        "suit",
        "kimono",
        "shirt",
        "sweater",
        "one-piece_swimsuit",
        "sailor_collar",
        "jacket",
    ),
    *("skirt", "pants", "bowtie", "necktie", "hat", "bow", "hairband", "scarf"),
)
_PLACES = (
    *("indoors", "outdoors", "classroom", "chalkboard", "window", "bedroom", "curtains", "hallway"),
    *("street", "building", "park", "tree", "grass", "beach", "ocean", "forest", "nature"),
    *("sky", "blue_sky", "cloud", "day", "sunset", "night", "night_sky", "star_(sky)"),
    *("simple_background", "white_background", "gradient_background"),
)
_PICTURE = ("letterboxed", "subtitled", "blurry")

TAGS: tuple[tuple[str, str], ...] = (
    *(
        (tag, "general")
        for tag in (
            *(*_COUNTS, *HAIR, *FACE, *_VIEW, *GARMENTS, *WORN),
            *(f"{colour}_{thing}" for thing in COLOURED for colour in CLOTH_COLOURS),
            *(*_PLACES, *_PICTURE),
        )
    ),
    ("english_text", "meta"),
    ("general", "rating"),
    ("sensitive", "rating"),
)
"""(tag, category) pairs: danbooru names with underscores; categories as in `schema.CATEGORIES`."""

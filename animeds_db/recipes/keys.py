"""The keys of a recipe: one declaration, from which the checks, the JSON schema and the table in the docs are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

VERSION = 1
"""Version of the recipe format. A recipe of a newer version is refused."""
SELECTION = "character_set"
"""The named query whose parameters are keys of `[select]`."""
ORDER = ("sources", "dedup", "characters", "export")
"""Names of the steps in the order in which they are done."""

SPOKEN = {
    "text": "a text in quotes",
    "int": "a whole number",
    "real": "a number",
    "bool": "true or false",
    "texts": 'a text, or a list of texts: ["…"]',
    "ints": "a whole number, or a list of whole numbers: [1, 2]",
    "time": 'a number of seconds, or a time such as "1:30"',
    "table of texts": 'a table of texts: name = "…"',
    "table of numbers": "a table of numbers: name = 0.5",
    "table of lists": 'a table of lists: name = ["…"]',
    "values": "a table: name = value",
    "section": "a section in brackets",
}
"""Kinds of values, and what an error says that the value must be."""


@dataclass(frozen=True)
class Key:
    """One key of a section."""

    name: str
    kind: str
    help: str
    choices: tuple[str, ...] = ()
    """Allowed values of a text or of the texts in a list; empty: any."""
    low: float | None = None
    high: float | None = None
    required: bool = False
    needs: str | None = None
    """Name of the section whose keys a value of kind `section` has."""


@dataclass(frozen=True)
class Section:
    """A section of a recipe. `is_list`: it may occur several times, as `[[name]]`."""

    help: str
    keys: tuple[Key, ...]
    is_list: bool = False
    by_name: Mapping[str, Key] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {key.name: key for key in self.keys})


TOP = (
    Key("version", "int", f"Version of the recipe format. This release reads {VERSION}.", low=1),
    Key("database", "text", "Folder or URI of the database. Default: as for every command."),
)
"""Keys outside sections."""

SOURCES = Section(
    "Episodes, pictures and archives, and where they come from.",
    (
        Key("paths", "texts", "Files, folders or URIs, relative to the recipe.", required=True),
        Key("show", "text", "Name of the show. Default: from the file name."),
        Key("season", "int", "Season number. Default: from the file name.", low=0),
        Key("episode", "int", "Episode number, for a single file.", low=0),
        Key("sample", "text", "How to choose frames: keyframes, changes, scenes, shots, every=2s, …"),
        Key("start", "time", "Skip everything before this time."),
        Key("end", "time", "Skip everything after this time."),
        Key("credit", "text", "Who to credit. Included in every export."),
        Key("licence", "text", "Licence of the source. Included in every export."),
        Key("url", "text", "Web address of the source. Included in every export."),
        Key("image_type", "text", "What it is.", choices=("screenshot", "fanart", "regularization")),
        Key("profile", "text", "Profile of models for these sources, instead of that in [models]."),
    ),
    is_list=True,
)
MODELS = Section(
    "The models that look at the frames.",
    (
        Key("profile", "text", "Profile of models: anime, tiny, none, or one of your own."),
        Key("tagger", "text", 'Use this tagger instead of the profile\'s, or "none".'),
        Key("detector", "text", 'Use these detectors instead (separated by commas), or "none".'),
        Key("character", "text", 'Use this character embedder instead, or "none".'),
        Key("image", "text", 'Use this image embedder instead, or "none".'),
        Key("boxes", "text", 'Also tag these kinds of boxes one by one (separated by commas), or "none".'),
        Key("device", "text", "Device for the models.", choices=("auto", "cpu", "cuda")),
    ),
)
DEDUP = Section(
    "Find near-duplicates, which selections leave out. Without this section, none are looked for.",
    (
        Key("threshold", "real", "Minimum cosine of two near-duplicates.", low=0, high=1),
        Key("agree_bits", "int", "Maximum number of bits in which their hashes differ.", low=0, high=64),
        Key("phash_distance", "int", "Bits in which hashes alone make a pair.", low=0, high=8),
        Key("phash_cosine", "real", "Minimum cosine of those pairs.", low=0, high=1),
        Key("segment_s", "real", "Minimum length of a segment that episodes share, in seconds.", low=0),
        Key("gap_s", "real", "Longest gap in such a segment, in seconds.", low=0),
        Key("memory_mb", "real", "Memory for the comparison, in MB.", low=1),
        Key("rank", "text", "SQL file that decides which frame of a group stays."),
    ),
)
CHARACTERS = Section(
    "Who is who: examples of characters, and how faces are named by them.",
    (
        Key("examples", "texts", "Folders that contain a folder of pictures per character."),
        Key("clusters", "table of texts", 'Names of clusters, by number or by a face: 3 = "Emi".'),
        Key("faces", "table of lists", 'Faces that are examples: Emi = ["…"]. A saved recipe has them.'),
        Key("tags", "table of texts", "Characters that the tagger knows: name = tag."),
        Key("keep_unnamed", "bool", "Give clusters without a name the names unnamed_1, unnamed_2, …"),
        Key("rename", "text", "CSV file of old and new names."),
        Key("k", "int", "Number of nearest examples that vote.", low=1),
        Key("threshold", "real", "Minimum score of a name.", low=0, high=1),
        Key("margin", "real", "Minimum lead over the next character.", low=0, high=1),
        Key("tag_score", "real", "Minimum tag score to name a face by its tag.", low=0, high=1),
        Key("shots", "bool", "Also name faces by the rest of their shot."),
        Key("behind", "bool", "Also name people whose face is not visible."),
        Key("cluster_threshold", "real", "Minimum mean cosine of two joined clusters.", low=0, high=1),
        Key("min_cluster_size", "int", "Minimum number of faces in a cluster.", low=1),
    ),
)
EXPORT = Section(
    "A folder of pictures and captions. Several [[export]] sections make several folders.",
    (
        Key("folder", "text", "The folder, relative to the recipe, or a URI.", required=True),
        Key("layouts", "texts", "Formats of the folder: kohya, plain, …"),
        Key(
            "sidecars", "texts", "Metadata files beside each picture: json, tags, waifuc, bbox, nl, variants."
        ),
        Key("image", "text", "Format of the pictures.", choices=("png", "webp", "jpg")),
        Key("quality", "int", "Quality of WebP and JPEG.", low=1, high=100),
        Key("max_size", "int", "Maximum longer edge in pixels.", low=1),
        Key("short_edge", "int", "Maximum shorter edge in pixels.", low=1),
        Key("bucket", "int", "Edges in multiples of 64, with the area of a square of this side.", low=64),
        Key("upscale", "bool", "Enlarge smaller pictures as well."),
        Key(
            "crops", "texts", "What to cut out: frame, face, head, halfbody, person, or another kind of box."
        ),
        Key("trim", "texts", "What to remove before cropping: borders, subtitles."),
        Key("crop_margin", "real", "Margin on each side, as a share of the box.", low=0),
        Key("min_face_number", "int", "Minimum number of faces for a frame to be cropped.", low=0),
        Key("min_crop_size", "int", "Minimum shorter edge of a crop, in pixels of the frame.", low=1),
        Key("max_crop_share", "real", "Use the whole frame for larger crops.", low=0, high=1),
        Key("controls", "texts", "Controls of each picture: frame, mask, lines, flat, grade."),
        Key("mask", "texts", "What masks show: character, person, text, or the name of a character."),
        Key("mask_format", "text", "How masks are stored. Default: what the layout's trainer reads."),
        Key("mask_out", "texts", "Black in the masks: text, logo, border."),
        Key("background", "text", "What becomes of the rest: keep, remove, blur, or #RRGGBB."),
        Key("arrange", "text", "Folders by what is on the pictures: n_characters/character."),
        Key("max_character_number", "int", "This many characters or more share a folder.", low=1),
        Key("min_images_per_combination", "int", "Rarer combinations share a folder.", low=0),
        Key("face_ratio_step", "int", "Width of folders by face height, per cent.", low=1, high=100),
        Key("keep_source_structure", "bool", "Begin with the folders of the sources."),
        Key("balance", "bool", "Repeat folders, so that each gets its share of an epoch."),
        Key("weights", "text", "CSV file of folder patterns and weights, for the balance."),
        Key("min_repeats", "int", "Minimum number of repeats of a folder.", low=1),
        Key("max_repeats", "int", "Maximum number of repeats of a folder.", low=1),
        Key("trainer_root", "text", "Path at which the trainer will find the folder."),
        Key("resolution", "int", "Training resolution in configuration files.", low=64),
        Key("push", "text", "Also push the folder to the Hugging Face hub: hf://OWNER/NAME."),
        Key("public", "bool", "With push: let everybody see the dataset. Default: private."),
        Key("write_captions", "bool", "false: no caption files."),
        Key("select", "section", "A selection for this folder only, instead of [select].", needs="select"),
        Key("captions", "section", "Captions for this folder only, instead of [captions].", needs="captions"),
    ),
    is_list=True,
)
_ANY_SELECTION = (
    Key("query", "text", "Another named query, instead of the keys above."),
    Key("params", "values", "Parameters of the query or the SQL."),
    Key("sql", "text", "A SELECT with a column frame_id, instead of a named query."),
)
_KINDS = {
    "str": "text",
    "bool": "bool",
    "int": "int",
    "float": "real",
    "tuple[str, ...]": "texts",
    "Mapping[str, float]": "table of numbers",
    "Mapping[str, str]": "table of texts",
    "Mapping[str, tuple[str, ...]]": "table of lists",
}
"""Types of the settings of a caption profile, as kinds of keys."""
_PARAMETERS = {
    "text": "text",
    "int": "int",
    "real": "real",
    "bool": "bool",
    "character": "text",
    "show": "text",
    "condition": "text",
}
"""Types of the parameters of a named query, as kinds of keys. The others are lists."""


@cache
def sections() -> dict[str, Section]:
    """Return the sections of a recipe by name, in the order in which `make` obeys them."""
    return {
        "sources": SOURCES,
        "models": MODELS,
        "dedup": DEDUP,
        "characters": CHARACTERS,
        "select": _select(),
        "captions": _captions(),
        "export": EXPORT,
    }


def _select() -> Section:
    """Return the section [select]: the parameters of the built-in query SELECTION, or another query, or SQL."""
    import importlib_resources

    from animeds_db.session.queries.named import read

    query = read(Path(str(importlib_resources.files("animeds_queries").joinpath(f"{SELECTION}.sql"))))
    keys = []
    for param in query.params:
        low, high = param.bounds or (None, None)
        kind = "texts" if param.name == "characters" else _PARAMETERS.get(param.type, "texts")
        keys.append(Key(param.name, kind, param.help, param.choices, low, high))
    return Section("Which frames become pictures.", (*keys, *_ANY_SELECTION))


def _captions() -> Section:
    """Return the section [captions]: a profile, and its settings (see docs/captions.md)."""
    from dataclasses import fields

    from animeds_db.captions import CaptionProfile

    own = (
        Key("profile", "text", "Caption profile: a shipped one, or a TOML file."),
        Key("threshold", "real", "Minimum score of the tags of every category.", low=0, high=1),
        Key("character_tags", "bool", "Also write the tags of the category character."),
    )
    settings = tuple(
        Key(f.name, _KINDS[str(f.type)], f"The setting {f.name} of the caption profile.")
        for f in fields(CaptionProfile)
    )
    return Section("What captions say: a profile, and changes to it.", (*own, *settings))

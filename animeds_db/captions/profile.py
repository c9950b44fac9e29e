"""A caption profile, read from TOML and checked. The one rule: a wrong value is refused here, with its file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import importlib_resources
import pyarrow as pa

from animeds_db.errors import UsageError, did_you_mean

PARTS = (
    "activation", "people", "characters", "copyright", "general", "image_type", "artist", "rating", "crop",
    "faces", "tags",
)  # fmt: skip
"""What a caption can be made of."""

CATEGORIES = ("general", "character", "copyright", "artist", "rating", "meta")
LEFT_OUT = ("hair", "eyes", "outfit", "core")
_CHOICES = {
    "form": ("list", "sentence"),
    "sort": ("score", "original", "shuffle"),
    "face_words": ("seed", "plain"),
    "parts": PARTS,
    "keep_tokens_before": PARTS,
    "categories": CATEGORIES,
    "leave_out": LEFT_OUT,
    "probability": PARTS,
    "thresholds": CATEGORIES,
}
_SHARES = ("probability", "thresholds", "dropout")


@dataclass(frozen=True)
class CaptionProfile:
    """Every setting of a caption; what each means stands in sql/views/default_style.sql."""

    form: str = "list"
    parts: tuple[str, ...] = ("activation", "tags")
    probability: Mapping[str, float] = field(default_factory=dict)
    activation_tag: str = ""
    general_text: str = ""
    image_types: Mapping[str, str] = field(default_factory=dict)
    ratings: tuple[str, ...] = ("explicit",)
    face_words: str = "seed"
    inner_separator: str = ", "
    outer_separator: str = ", "
    character_separator: str = " "
    character_inner_separator: str = " "
    keep_tokens_separator: str = ""
    keep_tokens_before: str = "tags"
    categories: tuple[str, ...] = ("general",)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    characters_from_tags: bool = False
    sort: str = "score"
    people_first: bool = False
    max_tags: int = 0
    leave_out: tuple[str, ...] = ()
    core_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blacklist: tuple[str, ...] = ()
    prune_overlaps: bool = False
    overlapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    underscores: bool = False
    escape_brackets: bool = False
    dropout: float = 0.0
    seed: int = 0
    variants: int = 1

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            for one in [value] if isinstance(value, str) else value:
                if one not in known:
                    raise UsageError(
                        f'caption profile: {name} "{one}" is not known', hint=did_you_mean(one, known)
                    )
        for name in _SHARES:
            value = getattr(self, name)
            for share in value.values() if isinstance(value, Mapping) else [value]:
                if not 0 <= share <= 1:
                    raise UsageError(f"caption profile: {name} is {share}, and must be between 0 and 1")
        if not 1 <= self.variants <= 1000:
            raise UsageError(f"variants is {self.variants}, and must be between 1 and 1000")
        if self.max_tags < 0:
            raise UsageError(f"max-tags is {self.max_tags}, and must be at least 0 (all)")
        self._check_separators()

    def _check_separators(self) -> None:
        if self.keep_tokens_separator and self.keep_tokens_before not in self.parts:
            raise UsageError(
                f"caption profile: keep_tokens_before is {self.keep_tokens_before}, which is none of its parts",
                hint=f"its parts: {', '.join(self.parts)}",
            )
        for name, value in vars(self).items():
            if name.endswith("separator") and "\n" in value:
                raise UsageError(f"caption profile: {name} has a line break", hint="a caption is one line")

    def table(self) -> pa.Table:
        """Return the profile as the one row that captions_of() reads (schema STYLE)."""
        row = {
            name: list(value.items()) if isinstance(value, Mapping) else value
            for name, value in vars(self).items()
        }
        return pa.Table.from_pylist([row], STYLE)

    def record(self) -> dict[str, Any]:
        """Return what differs from the default, as JSON and TOML hold it."""
        plain = asdict(CaptionProfile())
        mine = {name: value for name, value in asdict(self).items() if value != plain[name]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in mine.items()}

    def with_threshold(self, threshold: float) -> CaptionProfile:
        """Return the profile with one threshold for the tags of every category."""
        return replace(self, thresholds=dict.fromkeys(CATEGORIES, threshold))


_TEXTS = pa.list_(pa.string())
_ARROW: dict[str, pa.DataType] = {
    "str": pa.string(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "tuple[str, ...]": _TEXTS,
    "Mapping[str, float]": pa.map_(pa.string(), pa.float64()),
    "Mapping[str, str]": pa.map_(pa.string(), pa.string()),
    "Mapping[str, tuple[str, ...]]": pa.map_(pa.string(), _TEXTS),
}
STYLE = pa.schema([pa.field(f.name, _ARROW[str(f.type)]) for f in fields(CaptionProfile)])
"""A profile as a row: the columns of the view default_style."""


def profile_names() -> list[str]:
    """Return the names of the shipped profiles."""
    files = importlib_resources.files("animeds_db.captions").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def profile_text(name: str) -> str:
    """Return the TOML of a shipped profile. Raises UsageError for another name."""
    if name not in profile_names():
        raise UsageError(
            f'there is no caption profile "{name}"',
            hint=f"{did_you_mean(name, profile_names())}; a file of your own ends in .toml",
        )
    return importlib_resources.files("animeds_db.captions").joinpath(f"{name}.toml").read_text("utf-8")


def load_profile(name: str | Path) -> CaptionProfile:
    """Return a shipped profile by name, or one from a TOML file. Raises UsageError, naming file and key.

    A file may begin with `like = "kohya"` and say only what differs, in its tables too.
    """
    text = str(name)
    if not text.endswith(".toml"):
        return _parsed(profile_text(text), text)
    try:
        return _parsed(Path(name).read_text("utf-8"), text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the caption profile {text} cannot be read: {error}") from error


def _parsed(text: str, name: str) -> CaptionProfile:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the caption profile {name} is not TOML: {error}") from error
    like = content.pop("like", None)
    if like is not None and like not in profile_names():
        raise UsageError(
            f'{name}: there is no caption profile "{like}"', hint=did_you_mean(str(like), profile_names())
        )
    base = CaptionProfile() if like is None else load_profile(like)
    kinds = {f.name: str(f.type) for f in fields(CaptionProfile)}
    values = {key: _value(name, key, value, kinds) for key, value in content.items()}
    # A table says what differs in it, as the file says what differs from the profile that it is like.
    values |= {
        key: {**getattr(base, key), **value} for key, value in values.items() if isinstance(value, dict)
    }
    try:
        return replace(base, **values)
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from error


def _value(name: str, key: str, value: Any, kinds: Mapping[str, str]) -> Any:
    if key not in kinds:
        raise UsageError(f'{name}: there is no setting "{key}"', hint=did_you_mean(key, kinds))
    if not _fits(kinds[key], value):
        raise UsageError(f"{name}: {key} is {value!r}, and must be {_SPOKEN[kinds[key]]}")
    if isinstance(value, dict):
        return {one: tuple(v) if isinstance(v, list) else v for one, v in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "str":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "tuple[str, ...]":
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
    inner = kind.removeprefix("Mapping[str, ").removesuffix("]")
    return isinstance(value, dict) and all(_fits(inner, one) for one in value.values())


_SPOKEN = {
    "str": "a text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "tuple[str, ...]": 'a list of texts, ["…"]',
    "Mapping[str, float]": "a table of numbers",
    "Mapping[str, str]": "a table of texts",
    "Mapping[str, tuple[str, ...]]": 'a table of lists: tag = ["longer_tag"]',
}

"""A caption profile: every setting of a caption, read from TOML and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from animeds_db.captions.shipped import profile_names, profile_text
from animeds_db.errors import UsageError, did_you_mean

PARTS = (
    "activation", "people", "characters", "copyright", "general", "image_type", "artist", "rating", "crop",
    "faces", "people_tags", "quality", "tags", "description", "positions",
)  # fmt: skip
"""The parts that a caption can consist of."""

CATEGORIES = ("general", "character", "copyright", "artist", "rating", "meta", "year", "quality", "model")
GROUPS = (
    "artist", "background", "body", "clothing", "expression", "eyes", "framing", "hair", "light", "people", "pose",
    "quality",
)  # fmt: skip
"""The groups of tags that sql/macros/tag_groups.sql knows, and artist: all tags of that category."""
DOCUMENTS = ("json", "bbox", "nl")
"""Forms of a caption that are JSON, in the formats of Ideogram 4, SimpleTuner and AnimaLoraStudio."""
LEFT_OUT = ("hair", "eyes", "outfit", "core")
_CHOICES = {
    "form": ("list", "sentence", *DOCUMENTS),
    "sort": ("score", "original", "shuffle"),
    "face_words": ("seed", "plain"),
    "parts": PARTS,
    "keep_tokens_before": PARTS,
    "categories": CATEGORIES,
    "leave_out": LEFT_OUT,
    "probability": PARTS,
    "prefixes": PARTS,
    "thresholds": CATEGORIES,
}
_SHARES = ("probability", "thresholds", "dropout", "group_dropout")


@dataclass(frozen=True)
class CaptionProfile:
    """Every setting of a caption. Raises UsageError for a value that is not valid.

    sql/views/default_style.sql describes each setting.
    """

    form: str = "list"
    parts: tuple[str, ...] = ("activation", "tags")
    probability: Mapping[str, float] = field(default_factory=dict)
    activation_tag: str = ""
    general_text: str = ""
    image_types: Mapping[str, str] = field(default_factory=dict)
    ratings: tuple[str, ...] = ("explicit",)
    rating_words: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=lambda: {"copyright": "from ", "artist": "by "})
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
    group_dropout: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)
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
                    if isinstance(value, Mapping):
                        raise _unknown(f"{name}.{one}", one, known)
                    raise UsageError(
                        f'"{one}" is not a valid value of {name}.', hint=_known_names(one, known)
                    )
        for group in self.group_dropout:
            known = (*GROUPS, *self.groups)
            if group not in known:
                raise UsageError(
                    f"group_dropout.{group} names no group of tags.", hint=_known_names(group, known)
                )
        for name in _SHARES:
            value = getattr(self, name)
            shares = (
                {f"{name}.{key}": share for key, share in value.items()}
                if isinstance(value, Mapping)
                else {name: value}
            )
            for path, share in shares.items():
                if not 0 <= share <= 1:
                    raise UsageError(f"{path} is {share}. It must be between 0 and 1.")
        if not 1 <= self.variants <= 1000:
            raise UsageError(f"variants is {self.variants}. It must be between 1 and 1000.")
        if self.max_tags < 0:
            raise UsageError(f"max_tags is {self.max_tags}. It must be at least 0 (no limit).")
        self._check_separators()

    def _check_separators(self) -> None:
        if self.keep_tokens_separator and self.keep_tokens_before not in self.parts:
            raise UsageError(
                f"keep_tokens_before is {self.keep_tokens_before}, which is not one of the profile's parts.",
                hint=f"Its parts are: {', '.join(self.parts)}.",
            )
        for name, value in vars(self).items():
            if name.endswith("separator") and "\n" in value:
                raise UsageError(f"{name} contains a line break.", hint="A caption is a single line.")

    @property
    def needs_more(self) -> bool:
        """True if its captions are made of more than tags and names: the relation more_about() of captions_of()."""
        return self.form in DOCUMENTS or bool({"description", "positions", "quality"} & set(self.parts))

    @property
    def is_plain(self) -> bool:
        """True if its captions are lists of parts with a separator between them: see listed_captions()."""
        return (
            self.form == "list"
            and not self.needs_more
            and not self.keep_tokens_separator
            and len(set(self.parts)) == len(self.parts)
        )

    def in_dialect(self, name: str) -> CaptionProfile:
        """Return a shipped profile with the activation tag, thresholds, variants and seed of this one.

        Raises UsageError for a name that is not shipped.
        """
        own = {"activation_tag": self.activation_tag, "variants": self.variants, "seed": self.seed}
        return replace(_parsed(profile_text(name), name), **own, thresholds=dict(self.thresholds))  # type: ignore[arg-type]

    def settled(self) -> CaptionProfile:
        """Return the profile without anything random: one caption with all that it may say, best score first."""
        return replace(
            self,
            variants=1,
            dropout=0.0,
            sort="score" if self.sort == "shuffle" else self.sort,
            probability={part: share for part, share in self.probability.items() if share == 0},
            group_dropout={group: share for group, share in self.group_dropout.items() if share == 1},
        )

    def table(self) -> pa.Table:
        """Return the profile as the one row that captions_of() reads (schema STYLE)."""
        row = {
            name: list(value.items()) if isinstance(value, Mapping) else value
            for name, value in vars(self).items()
        }
        return pa.Table.from_pylist([row], STYLE)

    def record(self) -> dict[str, Any]:
        """Return the settings that differ from the default, as JSON and TOML hold them."""
        plain = asdict(CaptionProfile())
        mine = {name: value for name, value in asdict(self).items() if value != plain[name]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in mine.items()}

    def merged(self, settings: Mapping[str, Any]) -> CaptionProfile:
        """Return the profile with these settings, as JSON and TOML hold them; tables are merged key by key.

        Raises UsageError for a setting that does not exist or has the wrong type; it names the path of the key.
        """
        values = {name: _value(name, value) for name, value in settings.items()}
        tables = {
            name: {**getattr(self, name), **value}
            for name, value in values.items()
            if isinstance(value, Mapping)
        }
        return replace(self, **(values | tables))

    def with_flags(
        self,
        *,
        activation_tag: str | None = None,
        threshold: float | None = None,
        character_tags: bool = False,
        underscores: bool = False,
        variants: int | None = None,
        seed: int | None = None,
    ) -> CaptionProfile:
        """Return the profile with the flags that `animeds export` and `animeds caption` have for captions.

        None and False leave the profile's own setting.

        threshold: minimum score of the tags of every category, 0…1.
        character_tags: also write the tags of the category `character`.
        underscores: keep underscores in tags.
        """
        settings: dict[str, Any] = {"activation_tag": activation_tag, "variants": variants, "seed": seed}
        settings = {name: value for name, value in settings.items() if value is not None}
        if threshold is not None:
            settings["thresholds"] = dict.fromkeys(CATEGORIES, threshold)
        if character_tags:
            settings["categories"] = list(dict.fromkeys((*self.categories, "character")))
        if underscores:
            settings["underscores"] = True
        return self.merged(settings)


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
"""Schema of a profile as a row: the columns of the view default_style."""
_KINDS = {f.name: str(f.type) for f in fields(CaptionProfile)}


def load_profile(name: str | Path) -> CaptionProfile:
    """Return a shipped profile by name, or one from a TOML file. Raises UsageError, naming file and key.

    A file may begin with `like = "kohya"` and contain only what differs, in its tables too.
    """
    text = str(name)
    if not text.endswith(".toml"):
        return _parsed(profile_text(text), text)
    try:
        return _parsed(Path(name).read_text("utf-8"), text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The caption profile {text} cannot be read: {error}") from error


def _parsed(text: str, name: str) -> CaptionProfile:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The caption profile {name} is not valid TOML: {error}") from error
    like = content.pop("like", None)
    if like is not None and like not in profile_names():
        raise UsageError(
            f'{name}: there is no caption profile "{like}".', hint=did_you_mean(str(like), profile_names())
        )
    base = CaptionProfile() if like is None else load_profile(like)
    try:
        return base.merged(content)
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from error


def _value(name: str, value: Any) -> Any:
    """Return the value of a setting as a profile holds it. Raises UsageError naming the path of the key."""
    if name not in _KINDS:
        raise _unknown(name, name, _KINDS)
    kind = _KINDS[name]
    if isinstance(value, dict) and kind.startswith("Mapping"):
        inner = kind.removeprefix("Mapping[str, ").removesuffix("]")
        return {key: _checked(f"{name}.{key}", inner, one) for key, one in value.items()}
    return _checked(name, kind, value)


def _checked(path: str, kind: str, value: Any) -> Any:
    if not _fits(kind, value):
        raise UsageError(f"{path} is {value!r}. It must be {_SPOKEN[kind]}.")
    return tuple(value) if isinstance(value, list) else value


def _unknown(path: str, name: str, known: Iterable[str]) -> UsageError:
    return UsageError(f"{path} is not a setting of a caption profile.", hint=_known_names(name, known))


def _known_names(name: str, known: Iterable[str]) -> str:
    """Return the closest names, if there are any, and all that are known."""
    close, names = did_you_mean(name, known), ", ".join(sorted(known))
    return f"known: {names}" if close.startswith("known") else f"{close} known: {names}"


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "str":
            return isinstance(value, str) and value == value.encode(errors="replace").decode()
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "tuple[str, ...]":
            return isinstance(value, list) and all(_fits("str", one) for one in value)
    return False


_SPOKEN = {
    "str": "text in quotes",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "tuple[str, ...]": 'a list of texts: ["…"]',
    "Mapping[str, float]": "a table of numbers",
    "Mapping[str, str]": "a table of texts",
    "Mapping[str, tuple[str, ...]]": 'a table of lists: tag = ["longer_tag"]',
}

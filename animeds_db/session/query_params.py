"""Parameters of named queries: their declarations, types and values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from animeds_db.errors import QueryError, did_you_mean

Value = str | int | float | bool | list[str] | None


class Condition(str):
    """An SQL condition. It is written into the SQL where its parameter is, while other values are bound."""

    __slots__ = ()


LISTS = ("list", "tags", "characters", "appearances", "shows", "episodes")
TYPES = ("text", "int", "real", "bool", "character", "show", "condition", *LISTS)
"""`tags`, `characters`, `appearances`, `shows` and `episodes` are lists; `character` and `show` are texts. Their values
must be in the database. A `condition` is SQL over the columns of the view frames."""
_YES = ("true", "yes", "1", "on")
_NO = ("false", "no", "0", "off")
_SIGNATURE = re.compile(
    r"^([A-Za-z_]\w*)\s*:\s*([a-z][a-z_-]*(?:\|[a-z][a-z_-]*)*)(\[\])?(?:(\s*=\s*)|(?=\s|$))(.*)$"
)
_RANGE = re.compile(r"(?:^|\s)(-?\d+(?:\.\d+)?)…(-?\d+(?:\.\d+)?)?(?=[\s;,.]|$)")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Param:
    """One parameter: `$name` in the SQL. `default` is used only if `required` is False."""

    name: str
    type: str
    required: bool
    default: Value = None
    help: str = ""
    choices: tuple[str, ...] = ()
    """Allowed values of a text, or of each item of a list; empty: any."""

    @property
    def bounds(self) -> tuple[float, float | None] | None:
        """The range of a number in its explanation: `0…1`, or `1…` without a maximum."""
        found = _RANGE.search(self.help) if self.type in ("int", "real") else None
        return None if found is None else (float(found[1]), None if found[2] is None else float(found[2]))

    def convert(self, value: Any) -> Value:
        """Convert a value, often text, to the type of this parameter. Raises ValueError."""
        if value is None:
            return None
        if self.type in LISTS:
            return split_list(value) if isinstance(value, str) else [str(item) for item in value]
        return _SCALARS[self.type](value)

    def fault(self, value: Value) -> str | None:
        """Return what is wrong with a value of this type, or None."""
        if value is None:
            return None
        for item in (value if isinstance(value, list) else [value]) if self.choices else ():
            if item not in self.choices:
                return f"{self.name} is {item}; it must be one of {', '.join(self.choices)}"
        if self.bounds is None or isinstance(value, str | list):
            return None
        low, high = self.bounds
        if low <= value and (high is None or value <= high):
            return None
        wanted = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        return f"{self.name} is {value:g}; it must be {wanted}"


def read_param(text: str, path: Path, line: int) -> Param:
    """Parse the declaration after `-- param`. Raises QueryError with file and line."""
    found = _SIGNATURE.match(text)
    if not found:
        raise broken(path, line, "A parameter must be written `-- param NAME: TYPE = DEFAULT   explanation`.")
    name, kind, many, equals, rest = found.groups()
    choices = tuple(kind.split("|")) if "|" in kind else ()
    kind = ("list" if many else "text") if choices else kind
    if kind not in TYPES or (many and not choices):
        raise broken(path, line, f'"{kind}" is not a parameter type.', hint=did_you_mean(kind, TYPES))
    if equals is None:
        return Param(name, kind, required=True, help=rest.strip(), choices=choices)
    default, words = _split_default(rest)
    if default == "null":
        return Param(name, kind, required=False, help=words, choices=choices)
    try:
        value = Param(name, kind, required=False).convert(default if kind in _PLAIN else _unquoted(default))
    except ValueError:
        raise broken(path, line, f"{default} is not {KIND_WORDS[kind]}.") from None
    return Param(name, kind, required=False, default=value, help=words, choices=choices)


def _split_default(text: str) -> tuple[str, str]:
    """Split `DEFAULT   explanation` at the first two spaces outside quotes."""
    outside = _QUOTED.sub(lambda m: "x" * len(m[0]), text)
    gap = re.search(r"\s{2,}", outside)
    if not gap:
        return text.strip(), ""
    return text[: gap.start()].strip(), text[gap.end() :].strip()


def split_list(text: str) -> list[str]:
    """Split `a, 'b, c', d` at its commas. An empty text gives an empty list; quotes protect commas and spaces."""
    items = []
    rest = text.strip()
    if rest.startswith("[") and rest.endswith("]"):
        rest = rest[1:-1].strip()
    while rest:
        quoted = re.match(rf"{_QUOTED.pattern}\s*(?:,|$)", rest)
        if quoted:
            items.append(quoted[1].replace("''", "'"))
            rest = rest[quoted.end() :].strip()
            continue
        item, _, rest = rest.partition(",")
        rest = rest.strip()
        if item.strip():
            items.append(item.strip())
    return items


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'") if _QUOTED.fullmatch(text) else text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def signature(param: Param) -> str:
    """Return the declaration of a parameter without its explanation."""
    kind = "|".join(param.choices) + "[]" * (param.type == "list") if param.choices else param.type
    if param.required:
        return f"{param.name}: {kind}"
    return f"{param.name}: {kind} = {_literal(param.default)}"


def _literal(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(_quoted(item) for item in value) + "]"
    return str(value).lower()


def _truth(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _YES + _NO:
        raise ValueError(value)
    return word in _YES


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


_SCALARS: dict[str, Callable[[Any], str | int | float | bool]] = {
    "text": str,
    "character": str,
    "show": str,
    "condition": Condition,
    "int": _whole,
    "real": float,
    "bool": _truth,
}
_PLAIN = ("int", "real", "bool", *LISTS)
"""Types whose default is not a quoted text."""
KIND_WORDS = {
    "text": "a text",
    "character": "the name of a character",
    "show": "the name of a show",
    "condition": "an SQL condition, such as sharpness > 60",
    "int": "a whole number",
    "real": "a number",
    "bool": "true or false",
    "list": "a list (a, b, c)",
    "tags": "a list of tags (a, b, c)",
    "characters": "a list of characters (a, b, c)",
    "appearances": "a list of appearances (a, b, c)",
    "shows": "a list of shows (a, b, c)",
    "episodes": "a list of episodes (3, S01E04, S02)",
}


def broken(path: Path, line: int, message: str, *, hint: str | None = None) -> QueryError:
    """Return an error with the file and line of a header."""
    return QueryError(message, hint=hint, file=str(path), line=line)

"""Reads a recipe and checks it against the declaration in keys.py. Errors name the file, the line and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from animeds_db.errors import AnimedsError, UsageError, did_you_mean
from animeds_db.recipes.keys import SPOKEN, TOP, VERSION, Key, Section, sections
from animeds_db.recipes.lines import line_of
from animeds_db.remote.storage import is_remote

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Recipe:
    """A recipe whose keys and types are valid. `content` is the TOML; lists of sections are always lists."""

    path: Path
    text: str
    content: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """The folder to which the paths in the recipe are relative."""
        return self.path.absolute().parent

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The sections [[sources]]."""
        return list(self.content.get("sources", []))

    @property
    def exports(self) -> list[dict[str, Any]]:
        """The sections [[export]]."""
        return list(self.content.get("export", []))

    def section(self, name: str) -> dict[str, Any]:
        """Return the section [name]; empty if the recipe does not have it."""
        return dict(self.content.get(name, {}))

    def located(self, path: str) -> str:
        """Return a path of the recipe as a path from here, or a URI unchanged."""
        return path if is_remote(path) else str(self.folder / Path(path).expanduser())

    def fault(self, path: KeyPath, what: str, hint: str | None = None) -> UsageError:
        """Return an error about the key at a path: `recipe.toml:12: select.count: …`."""
        line = line_of(self.text, path)
        where = f"{self.path}:{line}" if line else str(self.path)
        return UsageError(f"{where}: {spoken(path)}: {what}", hint=hint)

    def about(self, path: KeyPath, error: AnimedsError) -> UsageError:
        """Return an error of another part of the program as an error about a key."""
        return self.fault(path, error.headline, error.hint)


def spoken(path: KeyPath) -> str:
    """Return the path of a key as people write it: `select.count`. The number of a list's element is left out."""
    return ".".join(word for word in path if isinstance(word, str))


def read(path: str | Path) -> Recipe:
    """Read a recipe file. Raises UsageError for a file that cannot be read, and for what `parse` refuses."""
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"There is no recipe {path}.",
            hint="`animeds init FOLDER` writes one for the episodes in a folder.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The recipe {path} cannot be read: {error}") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Recipe:
    """Return the recipe in a TOML text. `path` is named in errors, and paths are relative to its folder.

    Raises UsageError for invalid TOML, a newer version, unknown keys, wrong types and values out of range.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path} is not valid TOML: {error}", hint="Texts need quotes, and a section starts with [name]."
        ) from error
    recipe = Recipe(path, text, content)
    _check_version(recipe)
    top = {key.name: key for key in TOP}
    for name, value in content.items():
        if name in top:
            _check_value(recipe, (name,), top[name], value)
        elif name not in sections():
            raise _unknown(recipe, (name,), [*top, *sections()])
    for name, section in sections().items():
        if name in content:
            content[name] = _checked_section(recipe, name, section)
    return Recipe(path, text, content)


def _check_version(recipe: Recipe) -> None:
    version = recipe.content.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise recipe.fault(
            ("version",),
            f"This recipe has version {version}, and this release of animeds-db reads version {VERSION}.",
            "pip install --upgrade animeds-db",
        )


def _checked_section(recipe: Recipe, name: str, section: Section) -> Any:
    """Check a section; return it, as a list if it may occur several times."""
    value = recipe.content[name]
    if not section.is_list:
        _check_table(recipe, (name,), section, value)
        return value
    several = [value] if isinstance(value, dict) else value
    if not isinstance(several, list):
        raise recipe.fault((name,), f"It must be a section, [{name}] or [[{name}]].")
    for number, one in enumerate(several):
        path: KeyPath = (name,) if isinstance(value, dict) else (name, number)
        _check_table(recipe, path, section, one)
    return several


def _check_table(recipe: Recipe, path: KeyPath, section: Section, table: Any) -> None:
    if not isinstance(table, dict):
        raise recipe.fault(path, f"It must be {SPOKEN['section']}: [{spoken(path)}].")
    for name, value in table.items():
        key = section.by_name.get(name)
        if key is None:
            raise _unknown(recipe, (*path, name), section.by_name)
        if key.needs is not None:
            _check_table(recipe, (*path, name), sections()[key.needs], value)
        else:
            _check_value(recipe, (*path, name), key, value)
    for key in section.keys:
        if key.required and key.name not in table:
            raise recipe.fault(path, f"The key {key.name} is missing. {key.help}")


def _check_value(recipe: Recipe, path: KeyPath, key: Key, value: Any) -> None:
    if not fits(key.kind, value):
        raise recipe.fault(path, f"{_shown(value)} is not valid here. It must be {SPOKEN[key.kind]}.")
    for one in value if isinstance(value, list) else [value]:
        if key.choices and one not in key.choices:
            raise recipe.fault(
                path,
                f"{_shown(one)} is not one of {', '.join(key.choices)}.",
                did_you_mean(str(one), key.choices),
            )
        if isinstance(one, int | float) and not isinstance(one, bool):
            _check_range(recipe, path, key, one)


def _check_range(recipe: Recipe, path: KeyPath, key: Key, value: float) -> None:
    low, high = key.low, key.high
    if (low is None or value >= low) and (high is None or value <= high):
        return
    bounds = f"at least {low:g}" if high is None else f"between {low or 0:g} and {high:g}"
    raise recipe.fault(path, f"It is {value:g}. It must be {bounds}.")


def fits(kind: str, value: Any) -> bool:
    """Return True if a value of a TOML file is of a kind (see SPOKEN)."""
    match kind:
        case "text":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
        case "real":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "time":
            return fits("text", value) or fits("real", value)
        case "texts" | "ints":
            item = {"texts": "text", "ints": "int"}[kind]
            return fits(item, value) or (isinstance(value, list) and all(fits(item, one) for one in value))
        case "values":
            return isinstance(value, dict)
    item = {"table of texts": "text", "table of numbers": "real", "table of lists": "texts"}[kind]
    return isinstance(value, dict) and all(fits(item, one) for one in value.values())


def texts(value: str | list[str] | None) -> list[str]:
    """Return a value of the kind `texts` as a list."""
    return [] if value is None else [value] if isinstance(value, str) else value


def _unknown(recipe: Recipe, path: KeyPath, known: Iterable[str]) -> UsageError:
    names = list(known)
    close = did_you_mean(str(path[-1]), names)
    hint = close if close.startswith("known") else f"{close} known: {', '.join(sorted(names))}"
    return recipe.fault(path, "There is no such key.", hint)


def _shown(value: Any) -> str:
    text = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return text if len(text) <= 60 else f"{text[:57]}…"


def words_of(recipe: Recipe) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Yield the path and the selection of every export: its own, else [select]."""
    for number, export in enumerate(recipe.exports):
        own = "select" in export
        yield (
            (("export", number, "select") if own else ("select",)),
            export.get("select", recipe.section("select")),
        )

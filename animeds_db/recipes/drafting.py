"""New recipes: for what is in a folder, like one that is shipped, or from a few answers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import importlib_resources

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.printable import counted
from animeds_db.recipes.edits import rewrite
from animeds_db.recipes.keys import VERSION
from animeds_db.recipes.reading import parse
from animeds_db.remote.storage import is_remote

if TYPE_CHECKING:
    from animeds_ingest.sources import SourceSpec

RECIPE = "recipe.toml"
"""Name of a recipe that is not given another one."""
SCHEMA = "https://raw.githubusercontent.com/animeds-db/animeds-db/main/animeds_db/recipes/recipe.schema.json"
"""Where editors find the schema of recipes."""
HEAD = f"#:schema {SCHEMA}\n"
_WRITTEN: dict[str, tuple[str, ...]] = {
    "version": (),
    "database": (),
    "sources": ("paths",),
    "models": ("profile",),
    "dedup": (),
    "characters": ("clusters",),
    "select": ("characters", "count", "per"),
    "captions": ("activation_tag",),
    "export": ("folder", "layouts"),
}
"""The sections and keys that the short form of `animeds make` can write."""


def shipped_names() -> list[str]:
    """Return the names of the shipped recipes."""
    files = importlib_resources.files("animeds_db.recipes.shipped").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def shipped_text(name: str) -> str:
    """Return the text of a shipped recipe. Raises UsageError for another name."""
    if name not in shipped_names():
        raise UsageError(f'There is no shipped recipe "{name}".', hint=did_you_mean(name, shipped_names()))
    return importlib_resources.files("animeds_db.recipes.shipped").joinpath(f"{name}.toml").read_text("utf-8")


def write_recipe(text: str, path: Path) -> Path:
    """Write a new recipe file. Raises UsageError if there is one already, or if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} exists already.", hint="Choose another name with --out, or edit that file."
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}") from error
    return path


@dataclass(frozen=True)
class ShortForm:
    """The options of the short form of `animeds make`: characters, number of pictures, their spread and layouts."""

    folders: tuple[str, ...]
    out: str
    characters: tuple[str, ...] = ()
    count: int | None = None
    per: str | None = None
    layouts: tuple[str, ...] = ()
    tag: str | None = None
    profile: str | None = None
    database: str | None = None

    def text(self, recipe: Path) -> str:
        """Return these options as a recipe that will be at the path `recipe`; its paths are relative to that folder."""
        base = recipe.absolute().parent
        select = {"characters": list(self.characters), "count": self.count, "per": self.per}
        lines = [HEAD + f"version = {VERSION}"]
        lines += [f"database = {quoted(near(self.database, base))}"] if self.database else []
        lines += ["", "[[sources]]", f"paths = {_listed([near(path, base) for path in self.folders])}"]
        lines += ["", "[models]", f"profile = {quoted(self.profile)}"] if self.profile else []
        lines += ["", "[dedup]", "", "[select]"]
        lines += [f"{name} = {_value(value)}" for name, value in select.items() if value]
        lines += ["", "[captions]", f"activation_tag = {quoted(self.tag)}"] if self.tag else []
        lines += ["", "[[export]]", f"folder = {quoted(near(self.out, base))}"]
        lines += [f"layouts = {_listed(self.layouts)}"] if self.layouts else []
        return "\n".join(lines) + "\n"


def recipe_of(form: ShortForm) -> tuple[Path, bool]:
    """Write the recipe of a short form beside its output (`out.toml`); return its path, and True if it was changed.

    Names of clusters that an earlier run added stay. Raises UsageError if the file has other keys by now, which would
    be lost, or if it cannot be written.
    """
    folder = Path(form.out)
    path = folder.parent / f"{folder.name}.toml"
    text = form.text(path)
    if not path.exists():
        return write_recipe(text, path), True
    before = path.read_text("utf-8")
    if other := _others(parse(before, path).content):
        raise UsageError(
            f"{path} has the key {other}, which the options of `animeds make` do not have.",
            hint=f"Change what you want in that file, then run: animeds make {path}",
        )
    names = before.find("\n[characters.clusters]")
    text += before[names:] if names >= 0 else ""
    if text == before:
        return path, False
    rewrite(text, path)
    return path, True


def _others(content: Mapping[str, Any]) -> str | None:
    """Return the first key that a short form cannot write, or None."""
    for name, value in content.items():
        for table in value if isinstance(value, list) else [value]:
            if name not in _WRITTEN:
                return name
            for key in table if isinstance(table, dict) else ():
                if key not in _WRITTEN[name]:
                    return f"{name}.{key}"
    return None


def draft(folder: str | Path, recipe: Path) -> str:
    """Return a commented recipe for the episodes and pictures in a folder; it will be written to `recipe`.

    Raises SourceError if the folder is missing or contains nothing to ingest.
    """
    from animeds_db.dataset import find_sources

    specs = find_sources([str(folder)])
    base = recipe.absolute().parent
    shows = Counter(spec.name.show for spec in specs if spec.name.show)
    text = importlib_resources.files("animeds_db.recipes").joinpath("draft.toml").read_text("utf-8")
    values = {
        "SCHEMA": HEAD.rstrip(),
        "VERSION": str(VERSION),
        "FOUND": _found(specs, shows),
        "PATH": quoted(near(str(folder), base)),
        "SHOW": f"show = {quoted(next(iter(shows)))}" if len(shows) == 1 else '# show = "My Show"',
        "MODELS": _models(),
        "EXAMPLES": _examples(Path(folder), base),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def quoted(text: str) -> str:
    """Return a text as a TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _listed(values: Sequence[str]) -> str:
    return "[" + ", ".join(quoted(value) for value in values) + "]"


def _value(value: object) -> str:
    return (
        _listed(value) if isinstance(value, list) else quoted(value) if isinstance(value, str) else str(value)
    )


def near(path: str, base: Path) -> str:
    """Return a path as a recipe in `base` writes it: relative if it is below that folder."""
    if is_remote(path):
        return path
    whole = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 (symbolic links stay as given)
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else whole.as_posix()


def _found(specs: Sequence[SourceSpec], shows: Counter[str]) -> str:
    """Return what is in the folder, as lines of a comment."""
    kinds = Counter("episode" if spec.kind == "video" else "set of pictures" for spec in specs)
    counts = " and ".join(
        counted(n, noun) if noun == "episode" else f"{n} set{'s' * (n != 1)} of pictures"
        for noun, n in kinds.items()
    )
    lines = [f"# Found: {counts}."]
    lines += [f"#   {show}: {n}" for show, n in sorted(shows.items())]
    return "\n".join(lines)


def _models() -> str:
    """Return a comment that says whether the default models are here."""
    from animeds_db import settings
    from animeds_db.models.catalogue import list_models

    profile = settings.resolve("profile").value
    rows = [row for row in list_models() if profile in str(row["profiles"]).split(", ")]
    absent = [row for row in rows if row["state"] == "not pulled"]
    size = sum(float(str(row["size_mb"] or 0)) for row in absent)
    state = f"{size:,.0f} MB are downloaded at the first ingest" if absent else "its models are here"
    return f"# The default profile is {profile}: {state}. `animeds models list` shows all."


def _examples(folder: Path, base: Path) -> str:
    """Return the key `examples`: the folder of that name beside the recipe or the episodes, if there is one."""
    for place in (base / "examples", folder / "examples", folder.parent / "examples"):
        if place.is_dir():
            return f"examples = {_listed([near(str(place), base)])}"
    return '# examples = ["examples"]   # a folder that contains a folder of pictures per character'

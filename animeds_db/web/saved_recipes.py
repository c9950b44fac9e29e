"""The recipes in the folder for exports: which there are, and whether the service may make them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.errors import AnimedsError, UsageError
from animeds_db.safe_files import UnsafePathError, inside, resolved_below
from animeds_db.web.download import checked_name
from animeds_db.web.errors import MissingError, RefusedError

if TYPE_CHECKING:
    from animeds_db.recipes import Making, Recipe
    from animeds_db.recipes.steps import Flags
    from animeds_db.web.workers.job_process import Reporter

SUFFIX = ".toml"
MOST = 500
"""Maximum number of recipes that are listed."""


def recipe_file(exports: Path, name: str) -> Path:
    """Return the path of a saved recipe. Raises UsageError for a name that is none, MissingError if it is not there."""
    path = new_recipe_file(exports, name)
    if not path.is_file():
        raise MissingError(f'There is no saved recipe "{name[:40]}".', hint="GET /api/recipes lists them.")
    return path


def new_recipe_file(exports: Path, name: str) -> Path:
    """Return the path at which a recipe of this name is saved, beside the folder of the same name."""
    return inside(exports, f"{checked_name(name)}{SUFFIX}")


def recipe_files(exports: Path) -> list[Path]:
    """Return the saved recipes, by name."""
    found = exports.glob(f"*{SUFFIX}") if exports.is_dir() else []
    return sorted(p for p in found if p.is_file() and not p.is_symlink() and p.name[0] != ".")[:MOST]


def described(path: Path) -> dict[str, Any]:
    """Return name, folders, n_sources and error of a recipe; error: why it cannot be made, null if it can be read."""
    from animeds_db.recipes import read

    about: dict[str, Any] = {"name": path.stem, "folders": [], "n_sources": 0, "error": None}
    try:
        recipe = read(path)
    except AnimedsError as error:
        return about | {"error": error.headline}
    folders = [export["folder"] for export in recipe.exports]
    return about | {"folders": folders, "n_sources": len(recipe.sources)}


def making_of(request: Mapping[str, Any], flags: Flags) -> Making:
    """Return the run of the saved recipe that a job asks for.

    Raises RefusedError for a recipe that reads or writes where this service may not, UsageError for one that is not
    valid.
    """
    from animeds_db.recipes import Making, read

    exports = Path(request["exports"])
    path = recipe_file(exports, request["arguments"]["recipe"])
    expect_allowed(read(path), exports, [Path(root) for root in request["roots"]])
    return Making(path, flags)


def expect_allowed(recipe: Recipe, exports: Path, roots: list[Path]) -> None:
    """Raise RefusedError if a recipe reads outside the folders of the service, or writes outside its exports."""
    from animeds_db.recipes.reading import texts

    for source in recipe.sources:
        for path in texts(source["paths"]):
            _expect_below(roots, recipe.located(path), recipe.path.name)
    for path in _files(recipe):
        _expect_below([*roots, exports], recipe.located(path), recipe.path.name)
    for export in recipe.exports:
        folder = Path(recipe.located(export["folder"]))
        try:
            inside(exports, str(folder.resolve().relative_to(exports.resolve())))
        except (ValueError, UnsafePathError) as error:
            raise RefusedError(
                f"{recipe.path.name} writes to {export['folder']}, which is outside the folder for exports.",
                hint=f"Make it with: animeds make {recipe.path}",
            ) from error


def _files(recipe: Recipe) -> Iterator[str]:
    """Yield the paths of all other files that a recipe reads."""
    from animeds_db.recipes.reading import texts

    characters = recipe.section("characters")
    yield from texts(characters.get("examples"))
    others = [characters.get("rename"), recipe.section("dedup").get("rank")]
    others += [export.get("weights") for export in recipe.exports]
    profiles = [recipe.section("captions"), *(export.get("captions", {}) for export in recipe.exports)]
    others += [p["profile"] for p in profiles if str(p.get("profile", "")).endswith(SUFFIX)]
    yield from (path for path in others if path is not None)


def _expect_below(roots: list[Path], path: str, recipe: str) -> None:
    try:
        if not roots:
            raise UsageError("This service reads no folders.")
        resolved_below(roots, path)
    except AnimedsError as error:
        raise RefusedError(
            f"{recipe} reads {path}, which this service may not.",
            hint="Start `animeds serve --roots FOLDER` with a folder that contains it, or use `animeds make`.",
        ) from error


class Watching:
    """Reports the progress of a run."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._title = ""

    def step(self, number: int, count: int, title: str) -> None:
        """Report that a step starts."""
        self._title = title
        self._reporter.tell(done=number - 1, total=count, part=0.0, step=title, urgent=True)

    def advance(self, done: float, total: float | None, detail: str = "") -> None:
        """Report how far the step is."""
        part = min(1.0, done / total) if total else 0.0
        self._reporter.tell(part=part, step=f"{self._title}: {detail}" if detail else self._title)

    def note(self, text: str) -> None:
        """Write a sentence to the log."""
        self._reporter.tell(line=text)

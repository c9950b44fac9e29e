"""`animeds init` and `animeds make`: a recipe is a dataset."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from animeds_db.cli import complete
from animeds_db.cli.common import DbOption
from animeds_db.cli.lists import ListsInHelp
from animeds_db.cli.output import talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from animeds_db.recipes import Made, Making, Planned, Question
    from animeds_db.recipes.drafting import ShortForm

SHORT = "Without a recipe"
"""Panel of `animeds make --help`."""
GAPS = 4
"""Maximum number of gaps printed per character."""
WAITING, PARTLY_FAILED = 1, 3


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("init")(init)
    app.command("make", cls=ListsInHelp)(make)


def init(
    folder: Annotated[
        str | None, typer.Argument(help="A folder of episodes or pictures. Not needed with --like.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            help="Write a shipped recipe instead: tag-guide, screenshot-pipeline, screencaps or anime2sd.",
            metavar="NAME",
            autocompletion=complete.recipes,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The recipe file to write.")] = Path("recipe.toml"),
) -> None:
    """Write a recipe for the episodes in a folder, with comments that explain it.

    animeds init ~/anime/MyShow
    """
    from animeds_db.recipes.drafting import draft, shipped_text, write_recipe

    if (folder is None) == (like is None):
        raise UsageError(
            "Give either a folder or --like NAME.",
            hint="animeds init ~/anime/MyShow, or animeds init --like tag-guide",
        )
    text = shipped_text(like) if like is not None else draft(str(folder), out)
    talk(f"written: {write_recipe(text, out)}")
    name = "" if out == Path("recipe.toml") else f" {out}"
    talk(f"Next: edit it, then see what it would do: animeds make{name} --dry-run")
    talk(f"Then: animeds make{name}")


def make(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="A recipe (default: recipe.toml). Or folders of episodes, then the folder to write, with the options "
            "below. After --name: further names.",
            metavar="[RECIPE | FOLDER… OUT]",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and do nothing.")] = False,
    until: Annotated[
        str | None,
        typer.Option(
            help="The last step to do: sources, dedup, characters or export.", autocompletion=complete.steps
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Name clusters of faces: --name 3=Emi 5=Aoi.", metavar="NUMBER=NAME"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask anything.")] = False,
    db: DbOption = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Profile of models, instead of the recipe's (`animeds models list`).",
            autocompletion=complete.model_profiles,
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Device for the models: auto, cpu or cuda.")] = None,
    character: Annotated[
        list[str] | None,
        typer.Option(help="Only pictures of this character. Can be repeated.", rich_help_panel=SHORT),
    ] = None,
    count: Annotated[
        int | None, typer.Option(help="Number of pictures.", min=1, rich_help_panel=SHORT)
    ] = None,
    per: Annotated[
        str | None,
        typer.Option(help="Spread evenly over: appearance, episode, shot or framing.", rich_help_panel=SHORT),
    ] = None,
    layout: Annotated[
        list[str] | None,
        typer.Option(help="Format of the folder: {layouts}. Can be repeated.", rich_help_panel=SHORT),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option(
            "--activation-tag", "--tag", help="First words of every caption.", rich_help_panel=SHORT
        ),
    ] = None,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
) -> None:
    """Bring a dataset up to date with its recipe. Only what changed is done. Can be interrupted and run again.

    animeds make

    animeds make ~/anime/MyShow --character Emi --count 40 --per appearance --layout kohya --tag emi out/
    """
    from animeds_db.recipes.drafting import ShortForm
    from animeds_db.recipes.making import Making
    from animeds_db.recipes.steps import Flags

    paths, answers = _sorted(words or [], name or [])
    short = (character, count, per, layout, tag)
    if any(short) or len(paths) > 1:
        if len(paths) < 2:
            raise UsageError(
                "Without a recipe, give folders of episodes and the folder to write.",
                hint="animeds make ~/anime/MyShow --character Emi out/",
            )
        form = ShortForm(
            tuple(paths[:-1]),
            paths[-1],
            tuple(character or ()),
            count,
            per,
            tuple(layout or ()),
            tag,
            profile,
            db,
        )
        recipe = _short_recipe(form)
    else:
        recipe = Path(paths[0] if paths else "recipe.toml")
    from animeds_db.cli.ingest import Loading

    with Making(recipe, Flags(db, profile, device, Loading())) as making:
        if not yes:
            _ask_about_exports(making)
        for cluster, called in answers.items():
            making.name(cluster, called)
        _print_plan(making.recipe.path, making.database, making.plan())
        if dry_run:
            return
        made = _run(making, until, progress)
        while made.question is not None and _can_ask(yes):
            for cluster, called in _ask(made.question).items():
                making.name(cluster, called)
            made = _run(making, until, progress)
    raise typer.Exit(_tell(made))


def _sorted(words: Sequence[str], names: Sequence[str]) -> tuple[list[str], dict[int, str]]:
    """Return the paths and the names of clusters; with --name, words such as 5=Aoi are names as well."""
    more = [word for word in words if names and word.partition("=")[0].isdigit() and "=" in word]
    return [word for word in words if word not in more], _answers([*names, *more])


def _answers(pairs: Sequence[str]) -> dict[int, str]:
    """Return `["3=Emi", "5=Aoi"]` as numbers and names. Raises UsageError."""
    found: dict[int, str] = {}
    for pair in pairs:
        number, _, called = pair.partition("=")
        if not number.strip().isdigit() or not called.strip():
            raise UsageError(
                f'"{pair}" is not of the form NUMBER=NAME.', hint="for example: --name 3=Emi 5=Aoi"
            )
        found[int(number)] = called.strip()
    return found


def _short_recipe(form: ShortForm) -> Path:
    """Write the recipe of the short form beside its output, or use the one that is there if it says the same."""
    from animeds_db.recipes.drafting import recipe_of

    path, is_new = recipe_of(form)
    talk(f"recipe: {path}" + ("" if is_new else " (unchanged)"))
    return path


def _ask_about_exports(making: Making) -> None:
    """Ask before ingesting pictures that an export wrote."""
    from animeds_db.cli.ingest import _ask_about_exports as ask

    recipe = making.recipe
    for source in recipe.sources:
        paths = source["paths"] if isinstance(source["paths"], list) else [source["paths"]]
        ask([recipe.located(path) for path in paths])


def _print_plan(recipe: Path, database: str, plan: Sequence[Planned]) -> None:
    talk(f"{recipe} → {database}")
    for planned in plan:
        state = "done" if planned.news is None else planned.news
        talk(f"  {planned.step:<11} {planned.title}: {state}")


def _run(making: Making, until: str | None, bar: bool) -> Made:
    with _watcher(bar and sys.stderr.isatty()) as watcher:
        return making.run(until=until, watcher=watcher)


def _can_ask(yes: bool) -> bool:
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def _ask(question: Question) -> dict[int, str]:
    """Ask who the clusters are; return the answers."""
    talk(f"Who is {' and '.join(question.characters)}? Look at {question.sheet}")
    while True:
        given = typer.prompt("Number and name of each cluster, e.g. 3=Emi 5=Aoi", err=True)
        try:
            return _answers(str(given).split())
        except UsageError as error:
            talk(str(error))


def _tell(made: Made) -> int:
    """Print what came out; return the exit code."""
    for report in made.exports:
        talk(f"{counted(report.n_pictures, 'picture')} in {report.folder}")
        for note in report.notes:
            talk(f"note: {note}")
    for name, gaps in made.gaps.items():
        if gaps:
            more = f" and {len(gaps) - GAPS} more" if len(gaps) > GAPS else ""
            talk(
                f"{name}: {'; '.join(gaps[:GAPS])}{more}. Frames that would fill the gaps: animeds coverage {name}"
            )
    if made.question is not None:
        _tell_question(made.recipe, made.question)
        return WAITING
    if not made.steps and not made.kept:
        talk("Everything is up to date.")
    elif made.exports:
        talk("To look at it: animeds serve; to check doubtful faces: animeds characters review")
    return PARTLY_FAILED if made.failed else 0


def _tell_question(recipe: Path, question: Question) -> None:
    largest = ", ".join(f"{row['cluster']} ({row['n_faces']} faces)" for row in question.clusters[:8])
    talk(f"Nobody is named {' or '.join(question.characters)} yet. Groups of faces: {largest}")
    talk(f"Look at {question.sheet}, then give the groups names, for example:")
    first = question.clusters[0]["cluster"]
    named = "" if recipe == Path("recipe.toml") else f" {recipe}"
    talk(f"  animeds make{named} --name {first}={question.characters[0]}")


@contextmanager
def _watcher(shown: bool) -> Iterator[Any]:
    """Yield a watcher that draws one bar for all steps on a terminal, and otherwise prints a line per step."""
    if not shown:
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar)


class _Lines:
    """Prints one line per step."""

    def step(self, number: int, count: int, title: str) -> None:
        """Print the start of a step."""
        talk(f"[{number}/{count}] {title}")

    def advance(self, done: float, total: float | None, detail: str = "") -> None:
        """Print nothing."""

    def note(self, text: str) -> None:
        """Print a note."""
        talk(f"note: {text}")


class _Bar(_Lines):
    """Draws the step that is running, above lines for the notes."""

    def __init__(self, bar: Any) -> None:
        self._bar, self._task = bar, None

    def step(self, number: int, count: int, title: str) -> None:
        """Begin the bar of a step."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        text = printable(f"[{number}/{count}] {title}")[:60].replace("[", "\\[")
        self._task = self._bar.add_task(text, total=None, detail="")

    def advance(self, done: float, total: float | None, detail: str = "") -> None:
        """Move the bar."""
        if self._task is not None:
            shown = printable(detail)[:40].replace("[", "\\[")
            self._bar.update(self._task, completed=done, total=total, detail=shown)

    def note(self, text: str) -> None:
        """Print a note above the bar."""
        self._bar.console.print(printable(f"note: {text}"), markup=False, highlight=False)

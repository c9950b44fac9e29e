"""Makes what a recipe says: plans the steps, runs those that have something to do, and reports what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.export.options import ExportReport
from animeds_db.recipes.building import exports_of
from animeds_db.recipes.edits import rewrite, with_names
from animeds_db.recipes.folders import Folder
from animeds_db.recipes.keys import ORDER
from animeds_db.recipes.people import Characters, Question, UnnamedError, face_of
from animeds_db.recipes.reading import Recipe, parse, read
from animeds_db.recipes.steps import Dedup, Flags, Ingest, Silent, Step, Watcher, Work, database_of

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset
    from animeds_ingest.outcomes import Outcome


@dataclass(frozen=True)
class Planned:
    """One step of a plan."""

    step: str
    """sources, dedup, characters or export."""
    title: str
    news: str | None
    """What there is to do; None: the step is done."""


@dataclass
class Made:
    """What a run did."""

    recipe: Path
    database: str
    steps: list[str] = field(default_factory=list)
    """Titles of the steps that were run; empty: everything was up to date."""
    failed: list[Outcome] = field(default_factory=list)
    """Sources that could not be read."""
    exports: list[ExportReport] = field(default_factory=list)
    """Folders that were written in this run."""
    folders: list[str] = field(default_factory=list)
    """All folders of the recipe that are up to date."""
    gaps: dict[str, list[str]] = field(default_factory=dict)
    """Per character: kinds of pictures that the folders written in this run lack, and frames of the database show."""
    kept: list[str] = field(default_factory=list)
    """Folders that stay as they are, because people have changed files in them."""
    question: Question | None = None
    """What a person must say before the run can go on; None: nothing."""


def make(
    recipe: str | Path,
    *,
    names: Mapping[int, str] | None = None,
    until: str | None = None,
    db: str | None = None,
    profile: str | None = None,
    device: str | None = None,
    progress: Watcher | None = None,
) -> Made:
    """Bring everything up to date with a recipe file: sources, near-duplicates, characters, exports.

    Only what changed is done; an interrupted run is continued by the next one. `names` gives clusters the names of
    characters, and is added to the recipe. `until` is the last step to do: sources, dedup, characters or export.
    db, profile and device beat the recipe. The result has a `question` if nobody has named a character of the
    selection yet. Raises UsageError for a recipe that is not valid, and what ingest, dedup and export raise.
    """
    with Making(recipe, Flags(db, profile, device)) as making:
        for number, name in (names or {}).items():
            making.name(number, name)
        return making.run(until=until, watcher=progress)


class Making:
    """One run of a recipe: a context manager that keeps its database open.

    Raises UsageError at once for a recipe that is not valid, or whose folders are not its own.
    """

    def __init__(self, recipe: str | Path, flags: Flags | None = None) -> None:
        self._flags = flags or Flags()
        self._begin(read(recipe))

    def _begin(self, recipe: Recipe, dataset: Dataset | None = None) -> None:
        self.recipe = recipe
        self.steps: list[Step] = _steps(recipe)
        self._work = Work(recipe, self._flags, dataset)

    def __enter__(self) -> Self:
        from animeds_db.dataset import open as open_database
        from animeds_db.store import Store

        if Store.exists(self.database):
            self._work.dataset = open_database(self.database)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._work.dataset is not None:
            self._work.dataset.close()

    @property
    def database(self) -> str:
        """Path or URI of the database."""
        return database_of(self.recipe, self._flags)

    def plan(self) -> list[Planned]:
        """Return every step with what there is to do. Nothing is written.

        A step after one with something to do is planned as if that step changed what it reads.
        """
        planned: list[Planned] = []
        for step in self.steps:
            news = step.news(self._work)
            if news is None and any(one.news and one.step != "export" for one in planned):
                news = "again, if something changes before"
            planned.append(Planned(step.name, step.title, news))
        return planned

    def name(self, cluster: int, character: str) -> None:
        """Name a cluster, and write the name into the recipe, by the cluster's most typical face."""
        face = face_of(self._work, cluster)
        text = with_names(self.recipe.text, {face: character}, f"cluster {cluster}")
        changed = parse(text, self.recipe.path)
        rewrite(text, self.recipe.path)
        self._begin(changed, self._work.dataset)

    def run(self, *, until: str | None = None, watcher: Watcher | None = None) -> Made:
        """Run the steps that have something to do, and report. See `make`."""
        if until is not None and until not in ORDER:
            raise UsageError(f'There is no step "{until}".', hint=did_you_mean(until, ORDER))
        last = ORDER.index(until or ORDER[-1])
        steps = [step for step in self.steps if ORDER.index(step.name) <= last]
        watcher = watcher or Silent()
        self._work.watcher = watcher
        made = Made(self.recipe.path, self.database)
        try:
            for number, step in enumerate(steps, start=1):
                if step.news(self._work) is not None:
                    watcher.step(number, len(steps), f"{step.name}: {step.title}")
                    step.run(self._work)
                    if not (isinstance(step, Folder) and step.is_kept):
                        made.steps.append(step.title)
                _report(step, made)
        except UnnamedError as stopped:
            made.question = stopped.question
        return made


def _report(step: Step, made: Made) -> None:
    if isinstance(step, Ingest):
        made.failed += step.failed
    if isinstance(step, Folder):
        (made.kept if step.is_kept else made.folders).append(step.folder)
        made.exports += [step.report] if step.report else []
        made.gaps |= step.gaps


def _steps(recipe: Recipe) -> list[Step]:
    """Return the steps of a recipe in their order. Raises UsageError for a recipe that is not valid."""
    exports = exports_of(recipe)
    steps: list[Step] = [Ingest(recipe, number) for number in range(len(recipe.sources))]
    if "dedup" in recipe.content:
        steps.append(Dedup(recipe))
    characters = Characters(recipe)
    if characters.is_needed:
        steps.append(characters)
    steps += [Folder(recipe, export) for export in exports]
    if not steps:
        raise UsageError(
            f"{recipe.path} says nothing to do.",
            hint="It needs sections such as [[sources]] and [[export]]; `animeds init` writes them.",
        )
    return steps

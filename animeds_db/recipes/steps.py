"""The steps of a recipe, in the order in which they are done. Each knows whether it is done already, and does it.

A step is done if it was recorded with the same inputs: its options, the versions of the tables that it reads, and the
files that it was given. The record is in the database (`record_step`); that of an export is in its manifest.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import xxhash

from animeds_db import settings
from animeds_db.errors import AnimedsError, UsageError
from animeds_db.printable import counted
from animeds_db.recipes.building import dedup_of, setting
from animeds_db.recipes.reading import Recipe, texts
from animeds_db.store.remembered import record_step, remember, remembered, step_record

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset
    from animeds_ingest.choice import Load
    from animeds_ingest.outcomes import Outcome
    from animeds_ingest.sources import SourceSpec

FRAMES = (
    *("sources", "frames", "detections", "detected", "taggings", "box_tags", "embeddings", "choices"),
    "vocabulary",
)
"""Tables that ingest and the later runs of models write."""
MODEL_PARTS = ("tagger", "detector", "character", "image", "boxes")
"""Keys of [models] that replace those of its profile."""


class Watcher(Protocol):
    """Receives the progress of a run."""

    def step(self, number: int, count: int, title: str) -> None:
        """A step starts; `number` counts from 1."""

    def advance(self, done: float, total: float | None, detail: str = "") -> None:
        """The step has got this far, in units of its own. `total` is None if it is not known."""

    def note(self, text: str) -> None:
        """Something that people should know, one sentence."""


class Silent:
    """A watcher that does nothing."""

    def step(self, number: int, count: int, title: str) -> None:
        """Do nothing."""

    def advance(self, done: float, total: float | None, detail: str = "") -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Flags:
    """What was given for one run, and beats the recipe. None: not given."""

    db: str | None = None
    profile: str | None = None
    device: str | None = None
    load: Load | None = None


@dataclass
class Work:
    """A recipe, the database that it is made in (None: it does not exist yet), and who is watching."""

    recipe: Recipe
    flags: Flags
    dataset: Dataset | None = None
    watcher: Watcher = field(default_factory=Silent)

    @property
    def data(self) -> Dataset:
        """The database. Steps after the ingest have one."""
        if self.dataset is None:
            raise UsageError(
                f"{self.recipe.path}: there is no database yet, and the recipe has no sources.",
                hint="Add a section [[sources]] with paths, or give an existing database with --db.",
            )
        return self.dataset

    def versions(self, tables: Sequence[str]) -> dict[str, int]:
        """Return the current versions of these tables."""
        return {name: self.data.store.version(name) for name in tables}


class Step(Protocol):
    """One step of a recipe."""

    name: str
    """One of keys.ORDER."""
    title: str

    def news(self, work: Work) -> str | None:
        """Return what there is to do, in a few words; None: the step is done."""

    def run(self, work: Work) -> None:
        """Do it."""


def mark(*inputs: Any) -> str:
    """Return a fingerprint of values that JSON can hold, 32 hex digits."""
    return xxhash.xxh3_128_hexdigest(json.dumps(inputs, sort_keys=True, default=str).encode())


def mark_of_files(paths: Sequence[Path]) -> str:
    """Return a fingerprint of files and folders: names, sizes and times. Hidden files do not count."""
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return mark(
        [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file() and f.name[0] != "."]
    )


def is_recorded(work: Work, step: str, inputs: str, outputs: Sequence[str] = ()) -> bool:
    """Return True if the step was done with these inputs, and nobody has written to its output tables since."""
    if work.dataset is None:
        return False
    record = json.loads(step_record(work.data.store, step) or "{}")
    return bool(record == {"inputs": inputs, "outputs": work.versions(outputs)})


def record(work: Work, step: str, inputs: str, outputs: Sequence[str] = ()) -> None:
    """Record that the step was done with these inputs."""
    value = {"inputs": inputs, "outputs": work.versions(outputs)}
    record_step(work.data.store, step, json.dumps(value, sort_keys=True))


@contextmanager
def timed(work: Work, step: str, units: int) -> Iterator[None]:
    """Record how long a step takes for this many units of its own, so that the next plan can say what it will cost."""
    began = time.monotonic()
    yield
    value = {"units": units, "seconds": round(time.monotonic() - began, 1)}
    record_step(work.data.store, f"time {step}", json.dumps(value))


def cost(work: Work, step: str, units: int) -> str:
    """Return how long a step will take for this many units: " (about 3 min, as the last time)"; "" if never done."""
    known = json.loads(step_record(work.data.store, f"time {step}") or "{}")
    if not known.get("units"):
        return ""
    seconds = units * known["seconds"] / known["units"]
    length = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{max(seconds, 1):.0f} s"
    return f" (about {length}, as the last time)"


class _IngestWatcher:
    """Passes the progress of an ingest on."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher, self._title = watcher, ""
        self._duration: float | None = None

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """A source starts."""
        self._title, self._duration = f"{title} ({index + 1} of {count})", duration_s
        self._watcher.advance(0, duration_s, self._title)

    def frames(self, done: int, position_s: float | None) -> None:
        """Frames of the source are done."""
        self._watcher.advance(position_s or 0, self._duration, f"{self._title}, {counted(done, 'frame')}")

    def outcome(self, outcome: Outcome) -> None:
        """A source is finished."""
        for note in outcome.notes if outcome.state != "skipped" else ():
            self._watcher.note(f"{outcome.title}: {note}")
        if outcome.error is not None:
            hint = f" ({outcome.error.hint})" if outcome.error.hint else ""
            self._watcher.note(f"failed: {outcome.title}: {outcome.error.headline}{hint}")


class Ingest:
    """Reads one section [[sources]] into the database."""

    name = "sources"

    def __init__(self, recipe: Recipe, number: int) -> None:
        self._recipe, self._number = recipe, number
        self._section = recipe.sources[number]
        self.title = ", ".join(texts(self._section["paths"]))
        self.failed: list[Outcome] = []
        self.frames = 0

    @cached_property
    def specs(self) -> list[SourceSpec]:
        """The sources at the paths. Raises UsageError, naming the key, for a path that is missing or empty."""
        from animeds_db.dataset import find_sources

        names = ("show", "season", "episode", "credit", "licence", "url", "image_type")
        about = {name: self._section[name] for name in names if name in self._section}
        paths = [self._recipe.located(path) for path in texts(self._section["paths"])]
        try:
            return find_sources(paths, **about)
        except AnimedsError as error:
            raise self._recipe.about(("sources", self._number, "paths"), error) from error

    def _options(self, work: Work) -> dict[str, Any]:
        models = self._recipe.section("models")
        profile = self._section.get("profile") or setting(
            "profile", work.flags.profile, models.get("profile")
        )
        return {
            "sample": setting("sampling", None, self._section.get("sample")),
            "start": self._section.get("start"),
            "end": self._section.get("end"),
            "profile": profile,
            "models": _parts(models),
        }

    def _key(self, work: Work) -> str:
        """Return the name of the record: one for each way to ingest these paths."""
        return f"sources {mark(self._section['paths'], self._options(work))}"

    def _waiting(self, work: Work) -> list[SourceSpec]:
        """Return the sources to hand to the ingest: all, if they were never ingested with these options."""
        if work.dataset is None or step_record(work.dataset.store, self._key(work)) is None:
            return self.specs
        return work.dataset.unfinished(self.specs)

    def news(self, work: Work) -> str | None:
        """Return the number of sources to ingest."""
        waiting = self._waiting(work)
        if not waiting:
            return None
        fresh = waiting if work.dataset is None else work.dataset.unfinished(waiting)
        if not fresh:
            return f"{counted(len(waiting), 'finished source')} to compare with the options"
        size = sum(spec.path.stat().st_size for spec in fresh if spec.kind in ("video", "archive"))
        pace = _pace(work) if size else None
        cost = [f"{size / 2**20:,.0f} MB"] if size else []
        cost += [f"about {max(1, round(size * pace / 60))} min, as earlier ones took"] if pace else []
        told = f" ({', '.join(cost)})" if cost else ""
        return f"{len(fresh)} of {counted(len(self.specs), 'source')} to ingest{told}"

    def run(self, work: Work) -> None:
        """Ingest what is not finished. A source that cannot be read is noted, and the others go on.

        Raises SourceError if nothing could be read at all.
        """
        from animeds_db.dataset import open_or_create

        options = self._options(work)
        device = setting("device", work.flags.device, self._recipe.section("models").get("device"))
        if work.dataset is None:
            work.dataset = open_or_create(database_of(self._recipe, work.flags), lambda: self._models(work))
        before = remembered(work.data.store)
        report = work.data.ingest(
            self._waiting(work),
            **options,
            device=device,
            progress=_IngestWatcher(work.watcher),
            load=work.flags.load,
        )
        if "profile" in self._section:  # a profile for these sources only, not for later ingests
            remember(work.data.store, before)
        self.failed = report.failed
        self.frames = sum(outcome.frames for outcome in report.outcomes if outcome.state != "skipped")
        if report.failed and not work.data.store.table("frames").count_rows():
            assert report.failed[0].error is not None
            raise report.failed[0].error
        if not report.failed:
            record_step(work.data.store, self._key(work), "done")

    def _models(self, work: Work) -> Any:
        """Load the models of [models], whose vectors decide the width of a new database's columns."""
        from animeds_db.models import load_profile

        models = self._recipe.section("models")
        profile = settings.resolve("profile", work.flags.profile, recipe=models.get("profile")).value
        device = settings.resolve("device", work.flags.device, recipe=models.get("device")).value
        overrides = _parts(models)
        if work.flags.load is not None:
            return work.flags.load(profile, device, overrides)
        return load_profile(profile, device=device, overrides=overrides)


def _pace(work: Work) -> float | None:
    """Return how long the ingest of earlier videos took, in seconds per byte; None: there are none to judge by."""
    if work.dataset is None:
        return None
    rows = work.dataset.sql(
        "SELECT uri, epoch(finished_at - started_at) AS seconds FROM sources"
        " WHERE kind = 'video' AND state = 'done' AND finished_at > started_at"
    ).fetchall()
    took = [(os.path.getsize(uri), seconds) for uri, seconds in rows if os.path.isfile(uri)]  # noqa: PTH113, PTH202
    size = sum(one for one, _ in took)
    return sum(seconds for _, seconds in took) / size if size else None


def _parts(models: Mapping[str, Any]) -> dict[str, str]:
    """Return the models of [models] that replace those of the profile."""
    return {part: models[part] for part in MODEL_PARTS if part in models}


class Dedup:
    """Finds near-duplicates."""

    name, title = "dedup", "near-duplicates"

    def __init__(self, recipe: Recipe) -> None:
        found = dedup_of(recipe)
        assert found is not None
        self._options, self._rank = found

    def _inputs(self, work: Work) -> str:
        ranking = None if self._rank is None else mark_of_files([self._rank])
        return mark(asdict(self._options), ranking, work.versions(FRAMES))

    def news(self, work: Work) -> str | None:
        """Return the number of frames to compare."""
        if work.dataset is None:
            return "every frame with every other one"
        if is_recorded(work, "dedup", self._inputs(work), ("duplicates", "segments")):
            return None
        n = work.data.store.table("frames").count_rows()
        return f"{counted(n, 'frame')} to compare{cost(work, self.name, n)}"

    def run(self, work: Work) -> None:
        """Find near-duplicates and write them."""
        inputs, n = self._inputs(work), work.data.store.table("frames").count_rows()
        with timed(work, self.name, n):
            found = work.data.dedup(self._options, rank=self._rank, progress=work.watcher.advance)
        record(work, "dedup", inputs, ("duplicates", "segments"))
        work.watcher.note(
            f"{found.copies} of {counted(found.frames, 'frame')} are near-duplicates, which are left out"
        )


def database_of(recipe: Recipe, flags: Flags) -> str:
    """Return the database of a recipe: flag > ANIMEDS_DB > recipe > settings files > ./anime.animeds."""
    named = recipe.content.get("database")
    return settings.resolve("db", flags.db, recipe=None if named is None else recipe.located(named)).value

"""What each kind of job does: it calls the Python API, and returns its result as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.dataset import Dataset, find_sources, open_or_create
from animeds_db.errors import StoreError
from animeds_db.models import load_profile
from animeds_db.printable import counted
from animeds_db.safe_files import inside, resolved_below
from animeds_db.session.sandbox import Bounds
from animeds_db.store import Store
from animeds_db.web.saved_recipes import Watching, making_of
from animeds_db.web.workers.confine import confine
from animeds_db.web.workers.export_request import described, described_clips, included
from animeds_db.web.workers.job import Kind

if TYPE_CHECKING:
    from animeds_db.models import Models
    from animeds_db.web.workers.job_process import Reporter
    from animeds_ingest.outcomes import Outcome

NICENESS = 10
"""Jobs have a lower CPU priority than queries, because somebody waits for those."""
Request = Mapping[str, Any]
Report = dict[str, Any]


def run(uri: str, request: Request, reporter: Reporter) -> Report:
    """Run a job and return its report. Raises the errors of the Python API."""
    return JOBS[request["kind"]](uri, request, reporter)


@contextmanager
def _limited(uri: str, request: Request, reporter: Reporter) -> Iterator[Dataset]:
    """Open the database in this process, with the limits of a query."""
    bounds = Bounds(f"{request['memory'] >> 20}MiB", request["threads"])
    with Dataset(Store.open(uri), unfinished=request["unfinished"], bounds=bounds) as dataset:
        dataset.sql("SELECT count(*) FROM frames").fetchall()  # loads libraries before the limits are set
        confine(request["memory"], niceness=NICENESS, writes=True)
        reporter.ready()
        yield dataset


def _ingest(uri: str, request: Request, reporter: Reporter) -> Report:
    """Ingest folders and files. Models and decoders need as much memory as `animeds ingest` does: it has no limit."""
    asked = request["arguments"]
    roots = [Path(root) for root in request["roots"]]
    confine(None, niceness=NICENESS, writes=True)
    reporter.ready()
    reporter.tell(step="looking for episodes and pictures", urgent=True)
    paths = [resolved_below(roots, path) for path in asked["paths"]]
    found = find_sources(paths, show=asked.get("show"))
    for spec in found:  # a folder can contain links
        resolved_below(roots, str(spec.path))
    reporter.tell(total=len(found), step="loading models", urgent=True)
    loaded = partial(_loaded, reporter=reporter)
    watching = _Watching(reporter)
    profile = asked.get("profile")
    with open_or_create(uri, lambda: loaded(profile or _default_profile(), "auto", {})) as dataset:
        report = dataset.ingest(
            found, sample=asked.get("sample"), profile=profile, load=loaded, progress=watching
        )
    failed = [
        {
            "title": one.title,
            "message": one.error.message if one.error else "",
            "hint": one.error and one.error.hint,
        }
        for one in report.failed
    ]
    frames = sum(outcome.frames for outcome in report.outcomes)
    return {"sources": len(report.outcomes), "frames": frames, "failed": failed, "done": len(report.outcomes)}


def _default_profile() -> str:
    from animeds_db import settings

    return settings.resolve("profile").value


def _loaded(profile: str, device: str, overrides: Mapping[str, str], *, reporter: Reporter) -> Models:
    def pulled(name: str, done: int, total: int | None) -> None:
        size = f" of {total >> 20}" if total else ""
        reporter.tell(step=f"downloading {name}: {done >> 20}{size} MB")

    models = load_profile(profile, device=device, overrides=overrides, progress=pulled)
    for note in models.notes:
        reporter.tell(line=note)
    return models


class _Watching:
    """Reports the progress of an ingest."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._title = ""
        self._duration_s: float | None = None

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """Report that a source starts."""
        self._title, self._duration_s = title, duration_s
        self._reporter.tell(done=index, total=count, part=0.0, step=title, urgent=True)

    def frames(self, done: int, position_s: float | None) -> None:
        """Report how far the source is."""
        part = min(1.0, position_s / self._duration_s) if position_s and self._duration_s else 0.0
        self._reporter.tell(part=part, step=f"{self._title}: {counted(done, 'frame')}")

    def outcome(self, outcome: Outcome) -> None:
        """Write the result of a source to the log."""
        if outcome.error is not None:
            line = f"{outcome.title}: failed. {outcome.error.message}"
        else:
            line = f"{outcome.title}: {counted(outcome.frames, 'frame')}, {outcome.state}"
        self._reporter.tell(line=line)
        for note in outcome.notes:
            self._reporter.tell(line=f"{outcome.title}: {note}")


def _dedup(uri: str, request: Request, reporter: Reporter) -> Report:
    from animeds_db.steps.dedup.find import DedupOptions

    options = DedupOptions(threshold=request["arguments"].get("threshold"))
    with _limited(uri, request, reporter) as dataset:
        if request["arguments"].get("preview"):
            return asdict(dataset.dedup_effects(options, progress=reporter))
        return asdict(dataset.dedup(options, progress=reporter))


def _cluster(uri: str, request: Request, reporter: Reporter) -> Report:
    with _limited(uri, request, reporter) as dataset:
        return asdict(dataset.clusters.find(**request["arguments"], progress=reporter))


def _classify(uri: str, request: Request, reporter: Reporter) -> Report:
    from animeds_db.steps.characters.classify import ClassifyOptions

    with _limited(uri, request, reporter) as dataset:
        done = dataset.characters.classify(ClassifyOptions(**request["arguments"]), progress=reporter)
    for note in done.notes:
        reporter.tell(line=note)
    return {"faces": done.faces, "examples": done.examples, "rows": done.rows, "notes": done.notes}


def _map(uri: str, request: Request, reporter: Reporter) -> Report:
    from animeds_db.steps.map import map_file

    of = request["arguments"]["of"]
    with _limited(uri, request, reporter) as dataset:
        if map_file(dataset.store, of) is None:
            raise StoreError(
                "A map of a database at an address is not kept, so the page cannot show it.",
                hint='In Python: ds.map("frames").table',
            )
        made = dataset.map(of, again=request["arguments"]["again"], progress=reporter)
    return {"of": of, "method": made.method, "model": made.model, "points": len(made.ids)}


def _export(uri: str, request: Request, reporter: Reporter) -> Report:
    asked = request["arguments"]
    given, out = asked["options"], inside(Path(request["exports"]), asked["out"])
    with _limited(uri, request, reporter) as dataset:
        if asked.get("clips"):
            report = dataset.export_clips(
                None, out, sql=asked["sql"], options=described_clips(given), progress=reporter
            )
        else:
            options = described(given)
            report = dataset.export(
                None, out, sql=asked["sql"], options=options, progress=reporter, **included(given)
            )
    return {
        "folder": report.folder.name,
        "n_pictures": report.n_pictures,
        "n_sources": report.n_sources,
        "n_bytes": report.n_bytes,
        "folders": report.folders,
        "notes": list(report.notes),
        "done": report.n_pictures,
    }


def _make(uri: str, request: Request, reporter: Reporter) -> Report:
    """Make a saved recipe. It may ingest, so it has the limits of an ingest."""
    from animeds_db.recipes.steps import Flags

    confine(None, niceness=NICENESS, writes=True)
    reporter.ready()
    loaded = partial(_loaded, reporter=reporter)
    with making_of(request, Flags(db=uri, load=loaded)) as making:
        made = making.run(watcher=Watching(reporter))
    return {
        "steps": made.steps,
        "question": list(made.question.characters) if made.question else [],
        "failed": [one.title for one in made.failed],
        "folders": [Path(folder).name for folder in made.folders],
        "kept": [Path(folder).name for folder in made.kept],
        "n_pictures": sum(report.n_pictures for report in made.exports),
        "notes": [note for report in made.exports for note in report.notes],
    }


JOBS: dict[Kind, Callable[[str, Request, Reporter], Report]] = {
    "ingest": _ingest,
    "dedup": _dedup,
    "cluster": _cluster,
    "classify": _classify,
    "map": _map,
    "export": _export,
    "make": _make,
}

"""The engine for one machine: source after source, each resumed, skipped or refused as its row says.

One bad source does not stop the others; what went wrong stands in the report and in `sources.error`.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import AnimedsError, SourceError, StoreError
from animeds_db.media import Pictures, Video, open_media
from animeds_db.models import Models
from animeds_db.store import Store
from animeds_ingest.pipeline import NOTHING, Progress, Writer, process
from animeds_ingest.rows import Analyser, stored_tag
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import SourceSpec, content_hash, fingerprint


@dataclass(frozen=True)
class Outcome:
    """What became of one source. `state` is new, resumed, grown, skipped or failed."""

    title: str
    state: str
    frames: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: AnimedsError | None = None


@dataclass
class Report:
    """What became of every source."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> list[Outcome]:
        """The sources that could not be ingested."""
        return [outcome for outcome in self.outcomes if outcome.state == "failed"]


class Watcher(Protocol):
    """Is told how far an ingest is."""

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """A source begins (`index` from 0)."""

    def frames(self, done: int, position_s: float | None) -> None:
        """So many frames of it are done, up to this time."""

    def outcome(self, outcome: Outcome) -> None:
        """A source has ended."""


class Silent:
    """A watcher that says nothing."""

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """Say nothing."""

    def frames(self, done: int, position_s: float | None) -> None:
        """Say nothing."""

    def outcome(self, outcome: Outcome) -> None:
        """Say nothing."""


def ingest(
    store: Store,
    specs: Sequence[SourceSpec],
    sampling: Sampling,
    models: Models,
    *,
    replace: bool = False,
    watcher: Watcher | None = None,
) -> Report:
    """Bring every source into the store. Raises StoreError when the database itself fails (a full disk)."""
    watcher = watcher or Silent()
    analyser = prepare(store, models)
    report = Report()
    for index, spec in enumerate(specs):
        watcher.source(index, len(specs), spec.name.title, None)
        job = _Job(store, spec, sampling, models, analyser, replace, watcher, (index, len(specs)))
        outcome = _guarded(job)
        report.outcomes.append(outcome)
        watcher.outcome(outcome)
    store.compact_if_needed()
    return report


def prepare(store: Store, models: Models) -> Analyser:
    """Write the models' rows and vocabulary, and return the analyser for this store."""
    widths = store.widths
    for task, model, width in (("image", models.image, widths[0]), ("character", models.character, widths[1])):
        if model and model.width != width:
            raise StoreError(
                f"{model.id} gives {task} vectors of width {model.width}; this database holds width {width}",
                hint="use the models the database was made with (`animeds status` lists them), or another --db",
            )
    now = _now()
    rows = [record | {"added_at": now} for record in models.records()]
    store.upsert("models", pa.Table.from_pylist(rows, schema.MODELS.schema))
    labels = models.tagger.labels if models.tagger else ()
    return Analyser(models, store.ensure_tags([(stored_tag(la), la.category) for la in labels]), widths)


def _guarded(job: _Job) -> Outcome:
    started = time.monotonic()
    try:
        return job.run()
    except SourceError as error:
        job.fail(error)
        return Outcome(job.title, "failed", seconds=time.monotonic() - started, error=error)


class _Job:
    """One source on its way into the store."""

    def __init__(
        self,
        store: Store,
        spec: SourceSpec,
        sampling: Sampling,
        models: Models,
        analyser: Analyser,
        replace: bool,
        watcher: Watcher,
        place: tuple[int, int],
    ) -> None:
        self.store, self.spec, self.sampling, self.models = store, spec, sampling, models
        self.analyser, self.replace, self.watcher, self.place = analyser, replace, watcher, place
        self.row: dict[str, object] | None = None

    @property
    def title(self) -> str:
        return self.spec.name.title

    @property
    def model_ids(self) -> list[str]:
        return [str(record["model_id"]) for record in self.models.records()]

    def run(self) -> Outcome:
        started = time.monotonic()
        print_ = fingerprint(self.spec)
        known = self._known(print_)
        if known and known["state"] == "done" and known["fingerprint"] == print_ and not self.replace:
            self._check_same(known)
            return Outcome(self.title, "skipped", frames=int(known["n_frames"] or 0))
        earlier = self._earlier(known, print_)
        state = "new" if known is None or self.replace else ("grown" if earlier.members else "resumed")
        with open_media(self.spec.path) as media:
            self._begin(media, known, print_)
            n = self._write(media, earlier)
            notes = tuple(media.warnings)
        self._finish(n, notes)
        return Outcome(self.title, state, n, time.monotonic() - started, notes)

    def fail(self, error: SourceError) -> None:
        """Keep the reason in the source's row, if it got as far as having one."""
        if self.row:
            self.row |= {"state": "failed", "error": str(error), "finished_at": _now()}
            self._save()

    def _known(self, print_: str) -> dict[str, object] | None:
        """Find this source's row: by place and fingerprint, by content, or a folder that has grown."""
        rows = self.store.table("sources").to_table().to_pylist()
        uri = str(self.spec.path.resolve())
        for row in rows:
            if row["uri"] == uri and row["fingerprint"] == print_:
                return dict(row)
        self._hash = content_hash(self.spec)
        same = [row for row in rows if row["content_hash"] == self._hash]
        grown = [row for row in rows if row["uri"] == uri and self.spec.kind != "video"]
        found = (same or grown or [None])[0]
        clash = [row for row in rows if row["source_id"] == schema.source_id(self._hash) and row not in same]
        if found is None and clash:
            raise SourceError(f"{self.spec.path} has the same short id as {clash[0]['uri']}, by chance; rename neither, use another --db for it")
        return dict(found) if found else None

    def _check_same(self, known: dict[str, object]) -> None:
        """Refuse quietly different work on what is there: other sampling or other models."""
        for what, now in (("sampling", str(self.sampling)), ("models", self.model_ids)):
            if known[what] != now:
                was = known[what] if isinstance(known[what], str) else ", ".join(known[what] or ["none"])  # type: ignore[arg-type, call-overload]
                is_ = now if isinstance(now, str) else ", ".join(now or ["none"])
                raise SourceError(
                    f"{self.title} was ingested with {what} {was}, not {is_}",
                    hint="`--replace` ingests it anew (its labels stay)",
                )

    def _earlier(self, known: dict[str, object] | None, print_: str) -> Progress:
        if known is None:
            return NOTHING
        source_id = str(known["source_id"])
        where = f"source_id = '{source_id}'"
        if self.replace:
            self._save_state(known, "running")
            for name in ("frames", "detections", "thumbnails"):
                self.store.delete(name, where)
            return NOTHING
        self._check_same(known)
        rows = self.store.table("frames").to_table(
            columns=["frame_id", "member", "content_hash", "ordinal", "shot"], filter=where
        )
        if not rows.num_rows:
            return NOTHING
        if known["fingerprint"] == print_ or self.spec.kind == "video":
            return Progress(ids=frozenset(rows["frame_id"].to_pylist()))
        members = zip(rows["member"].to_pylist(), rows["content_hash"].to_pylist(), strict=True)
        columns = rows.to_pydict()
        return Progress(frozenset(), frozenset(members), max(columns["ordinal"]) + 1, max(columns["shot"]) + 1)

    def _begin(self, media: Video | Pictures, known: dict[str, object] | None, print_: str) -> None:
        spec, info = self.spec, media.info
        self.watcher.source(*self.place, self.title, info.duration_s)
        self.row = {
            "source_id": known["source_id"] if known else schema.source_id(self._hash),
            "content_hash": getattr(self, "_hash", None) or (known or {}).get("content_hash"),
            "fingerprint": print_,
            "kind": spec.kind,
            "uri": str(spec.path.resolve()),
            "image_type": spec.image_type,
            "show": spec.name.show,
            "season": spec.name.season,
            "episode": spec.name.episode,
            "title": spec.name.title,
            "credit": spec.credit,
            "licence": spec.licence,
            "url": spec.url,
            "codec": info.codec,
            "width": info.width,
            "height": info.height,
            "fps": info.fps,
            "duration_s": info.duration_s,
            "colour": info.colour,
            "sampling": str(self.sampling),
            "models": self.model_ids,
            "n_frames": None,
            "state": "running",
            "error": None,
            "started_at": _now(),
            "finished_at": None,
        }
        self._save()

    def _write(self, media: Video | Pictures, earlier: Progress) -> int:
        assert self.row
        source_id = str(self.row["source_id"])
        writer = Writer(self.store)
        try:
            for chunk in process(
                media,
                source_id,
                self.sampling,
                self.analyser,
                earlier=earlier,
                advance=self.watcher.frames,
                workers=max(1, (os.cpu_count() or 2) - 1),
            ):
                writer.put(chunk)
        finally:
            writer.close()
        return int(self.store.table("frames").count_rows(f"source_id = '{source_id}'"))

    def _finish(self, n: int, notes: tuple[str, ...]) -> None:
        assert self.row
        if n == 0:
            raise SourceError(
                f"{self.spec.path} gave no frames" + (f" ({'; '.join(notes)})" if notes else ""),
                hint="check --start and --end, or that the file plays",
            )
        self.row |= {
            "state": "done",
            "n_frames": n,
            "error": "; ".join(notes) or None,
            "finished_at": _now(),
        }
        self._save()

    def _save(self) -> None:
        self.store.replace("sources", pa.Table.from_pylist([self.row], schema.SOURCES.schema))

    def _save_state(self, known: dict[str, object], state: str) -> None:
        row = known | {"state": state}
        self.store.replace("sources", pa.Table.from_pylist([row], schema.SOURCES.schema))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)

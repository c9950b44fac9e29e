"""A process that runs clients' SQL, one query at a time: `python -m animeds_db.web.workers.worker URI SETTINGS`.

A query cannot harm the service. The process only reads the database, cannot write files, has a memory limit, and is
ended from outside if it does not stop by itself: DuckDB can be interrupted between rows, but not while it computes one
value of two billion characters.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from animeds_db.dataset.playing import Playing, Stretch
from animeds_db.errors import AnimedsError, QueryError
from animeds_db.session.queries.named import find
from animeds_db.session.queries.values import check_known, check_values
from animeds_db.session.sandbox import Bounds
from animeds_db.session.session import BATCH
from animeds_db.session.statements import parameters
from animeds_db.steps.characters.review import review_faces
from animeds_db.web.errors import MissingError
from animeds_db.web.errors import as_json as error_as_json
from animeds_db.web.workers import framing, time_order
from animeds_db.web.workers.confine import confine
from animeds_db.web.workers.export_request import described, described_clips, included
from animeds_db.web.workers.framing import Ask
from animeds_db.web.workers.rendering import Cut, Sender, as_csv, as_json, send_arrow

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset

NICENESS = 5
"""Workers have a lower CPU priority than the service, and a higher one than exports."""
DROPPED = 100
"""Maximum number of clips that a preview names with the reason why they are left out."""
BUCKETS = pa.schema(
    [(name, pa.int64()) for name in ("width", "height", "frames", "clips")]
    + [(name, pa.float64()) for name in ("seconds", "cut_s")]
)


def answer(dataset: Dataset, ask: Ask, pipe: BinaryIO) -> dict[str, Any]:
    """Run a task, send its rows, and return the facts of the result: rows, truncated, seconds.

    Errors before the first row is sent are raised. JSON and CSV are complete before anything is sent, and their facts
    are sent first.
    """
    started = time.perf_counter()
    cut = Cut(ask.rows, ask.size)
    sender = Sender(lambda piece: framing.send(pipe, framing.ROWS, piece))

    def facts() -> dict[str, Any]:
        seconds = round(time.perf_counter() - started, 4)
        return {"rows": cut.count, "truncated": cut.truncated, "seconds": seconds}

    with TASKS[ask.task](dataset, ask) as reader:
        rows = cut.rows(iter(reader))
        if ask.form == "arrow":
            send_arrow(reader.schema, rows, sender)
            return facts()
        assert ask.size is not None
        body = (as_json if ask.form == "json" else as_csv)(reader.schema, rows, cut, ask.size)
    framing.send_json(pipe, framing.FACTS, facts() | {"size": len(body)})
    sender.write(body)
    return {}


@contextmanager
def _rows(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    limit = None if ask.rows is None else ask.rows + 1
    if ask.file is not None:
        check_values(dataset.session, find(ask.file), ask.params)
    reading = dataset.session.reading(ask.sql, ask.params, limit=limit, offset=ask.skip, file=ask.file)
    with reading as reader:
        yield reader


@contextmanager
def _search(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    with dataset.session.errors():
        relation = dataset.search(**ask.more)
        with relation.to_arrow_reader(BATCH) as reader:
            yield reader


@contextmanager
def _folders(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    shown = ask.more.pop("shown", 0)
    options = described(ask.more)
    preview = dataset.preview_export(None, sql=ask.sql, options=options, pictures=shown, **included(ask.more))
    table = pa.Table.from_pylist(preview.folders)
    facts = {"notes": preview.notes, "pictures": preview.pictures}
    yield table.replace_schema_metadata({"facts": json.dumps(facts)}).to_reader()


@contextmanager
def _buckets(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    """Give one row per bucket of an export of clips, and what it leaves out."""
    preview = dataset.preview_clips(None, sql=ask.sql, options=described_clips(ask.more))
    facts = {"notes": preview.notes, "dropped": preview.dropped[:DROPPED], "n_dropped": len(preview.dropped)}
    table = pa.Table.from_pylist(preview.buckets, BUCKETS)
    yield table.replace_schema_metadata({"facts": json.dumps(facts)}).to_reader()


@contextmanager
def _review(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    yield pa.Table.from_pylist(review_faces(dataset.session, **ask.more)).to_reader()


@contextmanager
def _video(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    """Give one row with the bytes of a light video."""
    find = STRETCHES[ask.more.pop("of")]
    try:
        stretch = find(dataset, **ask.more)
    except QueryError as error:
        raise MissingError(error.message, hint=error.hint) from None
    video = dataset.light_video(stretch, step=_stop_if_asked)
    yield pa.table({"video": pa.array([video], pa.binary())}).to_reader()


def _stop_if_asked() -> None:
    if STOPPED.is_set():
        raise QueryError("This video was stopped.")


@contextmanager
def _check(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    """Check the SQL by binding it, with NULL for its parameters."""
    nulls = dict.fromkeys(parameters(ask.sql))
    with dataset.session.reading(f"EXPLAIN\n{ask.sql}", nulls) as reader:
        yield reader


@contextmanager
def _names(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    check_known(dataset.session, [(kind, name) for kind, name in ask.more["names"]])
    yield pa.table({"name": []}).to_reader()


@contextmanager
def _page(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    assert ask.rows is not None
    # one row more than asked for, by which the caller sees whether there are more
    found = time_order.page(dataset.session, ask.sql, ask.more["groups"], ask.skip, ask.rows + 1)
    yield found.to_reader()


@contextmanager
def _within(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    (rows,) = dataset.session.by_source(ask.sql, [ask.more["sources"]])
    yield rows.to_reader()


TASKS = {
    "check": _check,
    "names": _names,
    "page": _page,
    "within": _within,
    "rows": _rows,
    "search": _search,
    "folders": _folders,
    "buckets": _buckets,
    "review": _review,
    "video": _video,
}
STRETCHES: dict[str, Callable[..., Stretch]] = {
    "frame": Playing.stretch_around,
    "shot_of_frame": Playing.shot_around,
    "shot": Playing.stretch_of_shot,
    "clip": Playing.stretch_of_clip,
}
STOPPED = threading.Event()
"""Set when the service wants the running task to stop."""


def _listen(pipe: BinaryIO, asked: queue.Queue[Any], dataset: Dataset, running: list[int]) -> None:
    """Read messages from the service; exit at once when it has ended."""
    while True:
        try:
            kind, body = framing.receive(pipe)
        except (EOFError, OSError):
            os._exit(0)
        if kind == framing.ASK:
            asked.put(json.loads(body))
        elif json.loads(body) in running:
            STOPPED.set()
            dataset.session.interrupt()


def _serve(dataset: Dataset, source: BinaryIO, target: BinaryIO) -> None:
    asked: queue.Queue[Any] = queue.Queue()
    running: list[int] = []
    threading.Thread(target=_listen, args=(source, asked, dataset, running), daemon=True).start()
    while True:
        framing.send(target, framing.READY)
        wanted = asked.get()
        STOPPED.clear()
        running[:] = [wanted.pop("number")]
        try:
            facts = answer(dataset, Ask(**wanted), target)
        except AnimedsError as error:
            framing.send_json(target, framing.FAILED, error_as_json(error))
        else:
            framing.send_json(target, framing.DONE, facts)
        finally:
            running.clear()


def main(uri: str, settings: str) -> None:
    """Run tasks until the service ends."""
    from animeds_db.dataset import Dataset
    from animeds_db.store import Store

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service handles Ctrl-C and ends its workers
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # prints must not end up in the results
    options = json.loads(settings)
    bounds = Bounds(f"{options['memory'] >> 20}MiB", options["threads"])
    dataset = Dataset(Store.open(uri), unfinished=options["unfinished"], bounds=bounds)
    dataset.sql("SELECT count(*) FROM frames").fetchall()  # loads all libraries before the limits are set
    confine(options["memory"], niceness=NICENESS)
    _serve(dataset, sys.stdin.buffer, target)


if __name__ == "__main__":
    main(*sys.argv[1:])

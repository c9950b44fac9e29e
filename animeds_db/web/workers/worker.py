"""A process of its own that runs strangers' SQL, one query at a time: `python -m animeds_db.web.workers.worker URI …`.

Its one rule: whatever a query does here, the service goes on. It reads the database and nothing else, cannot
write a file, may take so much memory, and is ended from outside when it does not end by itself: DuckDB can be
interrupted between rows, but not while it computes one value of two billion letters.
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

from animeds_db.errors import AnimedsError
from animeds_db.session.named_queries import find
from animeds_db.session.query_values import check_values
from animeds_db.session.sandbox import Bounds
from animeds_db.session.session import BATCH
from animeds_db.session.statements import parameters
from animeds_db.steps.characters.review import review_faces
from animeds_db.web.errors import as_json
from animeds_db.web.workers import framing
from animeds_db.web.workers.export_request import described, included
from animeds_db.web.workers.framing import Ask

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset

ROOM = 2 << 30
"""Bytes beyond its memory limit for DuckDB that a worker may take: Lance, Arrow and a text model."""


class _Pieces:
    """A file that Arrow writes to and that sends what it gets."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self.closed = False
        self.size = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        for start in range(0, len(view), framing.PIECE):
            self._send(bytes(view[start : start + framing.PIECE]))
        self.size += len(view)
        return len(view)

    def flush(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def answer(dataset: Dataset, ask: Ask, send: Callable[[bytes], None]) -> dict[str, Any]:
    """Do what is asked, send the rows as an Arrow IPC stream, and return what is to tell: rows, truncated, seconds.

    The stream begins with its first rows, so that whatever fails before them is told instead of it.
    """
    started, count, truncated = time.perf_counter(), 0, False
    sink = _Pieces(send)
    with TASKS[ask.task](dataset, ask) as reader:
        batches = iter(reader)
        batch = next(batches, None)
        with pa.ipc.new_stream(sink, reader.schema) as stream:
            while batch is not None and not truncated:
                room = batch.num_rows if ask.rows is None else ask.rows - count
                stream.write_batch(batch.slice(0, room))
                count += min(room, batch.num_rows)
                truncated = room < batch.num_rows
                batch = next(batches, None)
                truncated = truncated or (batch is not None and ask.size is not None and sink.size > ask.size)
    return {"rows": count, "truncated": truncated, "seconds": round(time.perf_counter() - started, 4)}


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
    options, shape = described(ask.more)
    preview = dataset.preview_export(None, sql=ask.sql, options=options, shape=shape, **included(ask.more))
    table = pa.Table.from_pylist(preview.folders)
    yield table.replace_schema_metadata({"notes": json.dumps(preview.notes)}).to_reader()


@contextmanager
def _review(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    yield pa.Table.from_pylist(review_faces(dataset.session, **ask.more)).to_reader()


@contextmanager
def _check(dataset: Dataset, ask: Ask) -> Iterator[pa.RecordBatchReader]:
    """Have the SQL bound, with its parameters null."""
    nulls = dict.fromkeys(parameters(ask.sql))
    with dataset.session.reading(f"EXPLAIN\n{ask.sql}", nulls) as reader:
        yield reader


TASKS = {"check": _check, "rows": _rows, "search": _search, "folders": _folders, "review": _review}


def _listen(pipe: BinaryIO, asked: queue.Queue[Any], dataset: Dataset, running: list[int]) -> None:
    """Take messages from the service; leave at once when it is gone."""
    while True:
        try:
            kind, body = framing.receive(pipe)
        except (EOFError, OSError):
            os._exit(0)
        if kind == framing.ASK:
            asked.put(json.loads(body))
        elif json.loads(body) in running:
            dataset.session.interrupt()


def _serve(dataset: Dataset, source: BinaryIO, target: BinaryIO) -> None:
    asked: queue.Queue[Any] = queue.Queue()
    running: list[int] = []
    threading.Thread(target=_listen, args=(source, asked, dataset, running), daemon=True).start()
    while True:
        framing.send(target, framing.READY)
        wanted = asked.get()
        running[:] = [wanted.pop("number")]
        try:
            told = answer(dataset, Ask(**wanted), lambda piece: framing.send(target, framing.ROWS, piece))
        except AnimedsError as error:
            framing.tell(target, framing.FAILED, as_json(error))
        else:
            framing.tell(target, framing.DONE, told)
        finally:
            running.clear()


def _confine(memory: int) -> None:
    """Have the system refuse files that are written, and memory beyond what is there now, `memory` and ROOM."""
    try:
        import resource
    except ImportError:  # Windows: the service watches over time only
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 (no Path for a file of the system)
        taken = int(file.read().split()[5]) * resource.getpagesize()
    most = taken + memory + ROOM
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main(uri: str, told: str) -> None:
    """Serve until the service is gone."""
    from animeds_db.dataset import Dataset
    from animeds_db.store import Store

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends its workers
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints does not print into the answers
    options = json.loads(told)
    bounds = Bounds(f"{options['memory'] >> 20}MiB", options["threads"])
    dataset = Dataset(Store.open(uri), unfinished=options["unfinished"], bounds=bounds)
    dataset.sql(
        "SELECT count(*) FROM frames"
    ).fetchall()  # all libraries are loaded before the limits are set
    _confine(options["memory"])
    _serve(dataset, sys.stdin.buffer, target)


if __name__ == "__main__":
    main(*sys.argv[1:])

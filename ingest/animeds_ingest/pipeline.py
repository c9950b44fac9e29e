"""Processes one source from file to committed rows. Decoding, measuring, models and writing overlap in limited memory.

    decode thread ─► measuring threads ─► models (this thread) ─► writer thread
          └── at most WAITING frames wait ──┘        └── one chunk waits ──┘

A chunk is one commit of CHUNK frames, or of the batches finished within COMMIT_S; its `frames` rows are written last.
Committed frames are never processed again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TypeVar

import pyarrow as pa

from animeds_db import schema
from animeds_db.cores import MAX_BYTES
from animeds_db.errors import SourceError
from animeds_db.media import Frame, Pictures, Video
from animeds_db.store import Store
from animeds_ingest.measures.frame import measure, thumbnail
from animeds_ingest.measures.shots import ShotCounter
from animeds_ingest.rows import Analyser, Chunk, Measured, join
from animeds_ingest.sampling import Sampling, sample

BATCH = 16
"""Number of frames that go through a model together."""
CHUNK = 16 * BATCH
"""Maximum number of frames per commit. A multiple of BATCH, so that a resumed source has the same batches."""
COMMIT_S = 10.0
"""Seconds after which finished batches are committed, however few. With slow models, an interruption loses no more."""
WAITING = BATCH
"""Maximum number of decoded frames that wait for the models, besides the batch (1080p: about 9 MB each). With fewer,
the models would wait for the decoder after every batch, although it could have worked while they ran."""

HINT_TIMES = "rewrite it with clean timestamps: ffmpeg -fflags +genpts -i IN -c copy OUT.mkv"

Item = TypeVar("Item")
Result = TypeVar("Result")

Numbered = tuple[Frame, str, int, int]
"""A frame, its id, its ordinal, its shot."""
Advance = Callable[[int, float | None], None]
"""Called with the number of frames done and the position in seconds (None for pictures)."""


@dataclass(frozen=True)
class Progress:
    """The part of a source that earlier runs committed, and the number of the next frame.

    `ids` are frame ids (of an interrupted source). `members` are (path, content hash) of pictures in a folder
    that has grown since. They are skipped, and new pictures are numbered after them. `ordinals` are the numbers of
    pictures of a damaged source. These keep them, and the others get the numbers in between and after them.
    """

    ids: frozenset[str] = frozenset()
    members: frozenset[tuple[str | None, str]] = frozenset()
    ordinals: Mapping[tuple[str | None, str], int] = field(default_factory=dict)
    first_ordinal: int = 0
    first_shot: int = 0


NOTHING = Progress()


@dataclass
class _End:
    error: BaseException | None


def process(
    media: Video | Pictures,
    source_id: str,
    sampling: Sampling,
    analyser: Analyser,
    *,
    earlier: Progress = NOTHING,
    advance: Advance = lambda _n, _s: None,
    workers: int = 2,
) -> Generator[Chunk]:
    """Yield the rows of a source, chunk by chunk. Frames that `earlier` runs did are skipped.

    Close the generator if you stop early, so that the decoder ends, too.

    Raises SourceError if two sampled frames would get the same id (timestamps that jump back).
    """
    frames = numbered(media, source_id, sampling, earlier)
    return chunks(frames, source_id, analyser, done=earlier.ids, advance=advance, workers=workers)


def chunks(
    numbered: Iterator[Numbered],
    source_id: str,
    analyser: Analyser,
    *,
    done: frozenset[str] = frozenset(),
    advance: Advance = lambda _n, _s: None,
    workers: int = 2,
) -> Generator[Chunk]:
    """Measure and analyse numbered frames, except those in `done`, and yield their rows chunk by chunk.

    After a KeyboardInterrupt, the finished batches are yielded before it is raised again.
    """
    batches = _batches(numbered, source_id, analyser, done=done, advance=advance, workers=workers)
    parts: list[Chunk] = []
    n_chunk, since = 0, time.monotonic()
    with closing(batches):
        try:
            for part in batches:
                parts.append(part)
                n_chunk += part.frames.num_rows
                if n_chunk >= CHUNK or time.monotonic() - since >= COMMIT_S:
                    whole, parts = join(parts), []
                    yield whole
                    n_chunk, since = 0, time.monotonic()
        except KeyboardInterrupt:
            if parts:
                yield join(parts)
            raise
    if parts:
        yield join(parts)


def _batches(
    numbered: Iterator[Numbered],
    source_id: str,
    analyser: Analyser,
    *,
    done: frozenset[str],
    advance: Advance,
    workers: int,
) -> Generator[Chunk]:
    """Yield the rows of BATCH frames at a time, without those in `done`."""
    batch: list[Measured] = []
    n_total = n_new = held = 0
    measure = partial(_measure, with_pixels=analyser.needs_pixels)
    with closing(_measured(numbered, measure, done, workers)) as frames:
        for measured in frames:
            n_total += 1
            if measured is None:
                continue
            batch.append(measured)
            n_new += 1
            held += _weight(measured.frame)
            if len(batch) == BATCH or n_new % CHUNK == 0 or held > MAX_BYTES:
                yield analyser.rows(source_id, batch)
                batch, held = [], 0
            advance(n_total, measured.frame.time_s)
    if batch:
        yield analyser.rows(source_id, batch)


def _measured(
    frames: Iterator[Numbered], measure: Callable[..., Measured], done: frozenset[str], workers: int
) -> Generator[Measured | None]:
    """Measure frames in order. Yields None for a frame in `done`."""

    def work(item: Numbered) -> Measured | None:
        return None if item[1] in done else measure(*item)

    return overlapped(frames, work, workers, weigh=lambda item: _weight(item[0]))


def _weight(frame: Frame) -> int:
    """Return the size of a frame's pixels in memory, in bytes."""
    return 3 * frame.width * frame.height


class _Room:
    """Limits the bytes in flight between two threads. A single item is always allowed, whatever its size."""

    def __init__(self) -> None:
        self._held = 0
        self._changed = threading.Condition()

    def take(self, weight: int, stop: threading.Event) -> None:
        """Wait until there is room, or until `stop` is set."""
        with self._changed:
            while self._held and self._held + weight > MAX_BYTES and not stop.is_set():
                self._changed.wait(0.1)
            self._held += weight

    def give(self, weight: int) -> None:
        """Release an item's bytes."""
        with self._changed:
            self._held -= weight
            self._changed.notify_all()


def overlapped(
    items: Iterator[Item],
    work: Callable[[Item], Result],
    workers: int = 2,
    weigh: Callable[[Item], int] = lambda _item: 0,
) -> Generator[Result]:
    """Decode `items` in one thread, run `work` on them in others, and yield the results in order.

    At most WAITING items are held, and fewer if they add up to more than MAX_BYTES; `weigh` returns an item's bytes.
    Without workers, items are done one after the other in this thread.
    """
    if not workers:
        yield from map(work, items)
        return
    waiting: queue.Queue[tuple[Future[Result], int] | _End] = queue.Queue(WAITING)
    stop, room = threading.Event(), _Room()

    def put(item: tuple[Future[Result], int] | _End) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def decode(pool: ThreadPoolExecutor) -> None:
        error: BaseException | None = None
        try:
            for item in items:
                weight = weigh(item)
                room.take(weight, stop)
                if stop.is_set() or not put((pool.submit(work, item), weight)):
                    return
        except BaseException as caught:  # noqa: BLE001 (raised again by the consumer)
            error = caught
        put(_End(error))

    with ThreadPoolExecutor(workers, thread_name_prefix="measure") as pool:
        thread = threading.Thread(target=decode, args=(pool,), name="decode", daemon=True)
        thread.start()
        try:
            while True:
                item = waiting.get()
                if isinstance(item, _End):
                    if item.error:
                        raise item.error
                    return
                future, weight = item
                yield future.result()
                room.give(weight)
        finally:
            stop.set()
            thread.join()


def numbered(
    media: Video | Pictures, source_id: str, sampling: Sampling, earlier: Progress
) -> Iterator[Numbered]:
    """Yield the sampled frames with their numbers. Frames already done are included, because shots depend on them.

    Raises SourceError if two of them would get the same id (timestamps that jump back).
    """
    shots = ShotCounter()
    last: str | None = None
    taken = frozenset(earlier.ordinals.values())
    free = (n for n in count(earlier.first_ordinal) if n not in taken)
    for frame in sample(media, sampling):
        if earlier.members and (frame.member, frame.content_hash()) in earlier.members:
            continue
        known = earlier.ordinals.get((frame.member, frame.content_hash())) if taken else None
        ordinal = next(free) if known is None else known
        position = _position(frame, ordinal)
        if position > schema.LAST_POSITION:
            raise SourceError(
                f"this file has a frame at {frame.time_s:.0f} s, which is more than eleven days after its start",
                hint=HINT_TIMES,
            )
        frame_id = schema.frame_id(source_id, position)
        if last is not None and frame_id <= last and not taken:
            raise SourceError(
                f"the timestamps of this file jump back or repeat at {frame.time_s or 0:.3f} s",
                hint=HINT_TIMES,
            )
        last = frame_id
        yield frame, frame_id, ordinal, earlier.first_shot + shots(frame)


def _position(frame: Frame, ordinal: int) -> int:
    return ordinal if frame.time_s is None else max(0, round(frame.time_s * 1000))


def _measure(frame: Frame, frame_id: str, ordinal: int, shot: int, *, with_pixels: bool) -> Measured:
    if with_pixels:
        frame.pixels()  # the frame keeps them for the models, whose thread would convert one frame after the other
    return Measured(frame, frame_id, ordinal, shot, frame.content_hash(), measure(frame), thumbnail(frame))


class Writer:
    """Commits chunks of one source in a separate thread, in order, with at most one waiting.

    Existing rows are kept, except those of a damaged source, which are replaced.

    A context manager that waits for the last commit at the end. Errors of a commit are raised by `put` or at the end.
    """

    def __init__(self, store: Store, source_id: str) -> None:
        is_damaged = store.take("sources", [source_id], ["state"])["state"].to_pylist() == [schema.DAMAGED]
        self._write: Callable[[str, pa.Table], object] = store.replace if is_damaged else store.upsert
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._pending: Future[None] | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._wait()
        finally:
            self._pool.shutdown()

    def put(self, chunk: Chunk) -> None:
        """Pass a chunk to the writer after the previous one is committed. Raises that commit's errors.

        The chunk is committed even if a KeyboardInterrupt ends the waiting.
        """
        before, self._pending = self._pending, self._pool.submit(self._commit, chunk)
        if before:
            before.result()

    def _wait(self) -> None:
        pending, self._pending = self._pending, None
        if pending:
            pending.result()

    def _commit(self, chunk: Chunk) -> None:
        self._write("thumbnails", chunk.thumbnails)
        self._write("detections", chunk.detections)
        if chunk.box_tags.num_rows:
            self._write("box_tags", chunk.box_tags)
        self._write("frames", chunk.frames)  # last, so that a visible frame is complete

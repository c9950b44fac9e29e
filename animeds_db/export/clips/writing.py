"""Decodes the clips of an export, makes their files and writes them.

One thread reads each source forward and decodes every frame once, even if several clips have it. Each clip is cropped,
scaled and encoded by a thread of its own, while the next one is decoded.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import groupby

from animeds_db.cores import MAX_BYTES, worker_count
from animeds_db.export.clips.feeds import Budget, Feed
from animeds_db.export.clips.making import make_clip
from animeds_db.export.clips.options import ClipOptions
from animeds_db.export.names import part_path
from animeds_db.export.pictures.picture import Picture, Source, mark_of
from animeds_db.export.pictures.pieces import Collect, Piece, Pieces
from animeds_db.media import VideoFrame
from animeds_db.media.clips import SoundTrack, Stretch, choose_track, frames_of, sound_tracks
from animeds_db.remote.paths import source_path

Write = Callable[[str, bytes], None]
"""Writes a file: (path, content)."""


@dataclass(frozen=True)
class _Task:
    """A stretch of a source to be made into a clip: the clip itself, or its control."""

    path: str
    picture: Picture
    source: Source
    stream: int | None
    is_control: bool

    @property
    def stretch(self) -> Stretch:
        assert self.picture.clip is not None
        return Stretch(self.picture.clip.first_pts, self.picture.clip.last_pts)


@dataclass
class _Open:
    """A task whose frames are being decoded, or whose files are being made."""

    task: _Task
    feed: Feed
    made: Future[Piece] = field(init=False)


def write_clips(
    jobs: Sequence[tuple[str, Picture]],
    sources: Mapping[str, Source],
    write: Write,
    options: ClipOptions,
    collect: Collect,
) -> None:
    """Write the files of all clips (path, picture). Raises SourceError, ExportError."""
    tasks = sorted(_tasks(jobs, sources), key=_order)
    pieces = Pieces(Counter(task.path for task in tasks), collect)
    _Writer(write, options, pieces).run(tasks)


def _tasks(jobs: Iterable[tuple[str, Picture]], sources: Mapping[str, Source]) -> Iterator[_Task]:
    for path, picture in jobs:
        yield _Task(path, picture, sources[picture.source_id], picture.stream, is_control=False)
        assert picture.clip is not None
        if picture.clip.control is not None:
            source_id, first, last = picture.clip.control
            clip = replace(picture.clip, first_pts=first, last_pts=last, path=(), control_id=None)
            # no frame of it was ingested for sure, so that none is compared
            control = replace(picture, clip=clip, source_id=source_id, pts=first - 1, beside=(), masks=())
            stream = picture.stream if source_id == picture.source_id else None
            yield _Task(path, control, sources[source_id], stream, is_control=True)


def _order(task: _Task) -> tuple[str, int, Stretch]:
    return task.source.source_id, -1 if task.stream is None else task.stream, task.stretch


class _Writer:
    def __init__(self, write: Write, options: ClipOptions, pieces: Pieces) -> None:
        self._write = write
        self._options = options
        self._pieces = pieces
        self._workers = options.workers or worker_count()
        self._budget = Budget(MAX_BYTES)
        self._decoding: list[_Open] = []
        self._making: deque[_Open] = deque()

    def run(self, tasks: Sequence[_Task]) -> None:
        """Make all clips. Tasks are sorted by source and time."""
        # a clip that is being decoded always has a thread, or the decoder would wait for it for ever
        pool = ThreadPoolExecutor(self._workers + _most_at_once(tasks), thread_name_prefix="animeds-clips")
        try:
            for _, of_stream in groupby(tasks, key=lambda task: _order(task)[:2]):
                self._stream(list(of_stream), pool)
            while self._making:
                self._finish_first()
        finally:
            for one in (*self._decoding, *self._making):
                one.feed.stop()
            pool.shutdown(wait=True, cancel_futures=True)

    def _stream(self, tasks: Sequence[_Task], pool: ThreadPoolExecutor) -> None:
        """Decode the clips of one stream."""
        source = tasks[0].source
        track = self._track(source)
        waiting = deque(tasks)
        path = source_path(source.uri)
        with closing(frames_of(path, tasks[0].stream, _joined(tasks))) as frames:
            for frame in frames:
                self._end_before(frame)
                while waiting and waiting[0].stretch.first_pts <= frame.pts:
                    self._begin(waiting.popleft(), pool, track)
                for one in self._decoding:
                    if frame.pts <= one.task.stretch.last_pts:
                        one.feed.add(frame)
        self._end_before(None)

    def _track(self, source: Source) -> SoundTrack | None:
        if self._options.sound is None:
            return None
        path = source_path(source.uri)
        return choose_track(sound_tracks(path), self._options.sound, path)

    def _begin(self, task: _Task, pool: ThreadPoolExecutor, track: SoundTrack | None) -> None:
        while len(self._making) > self._workers or (self._making and self._making[0].made.done()):
            self._finish_first()
        one = _Open(task, Feed(self._budget))
        one.made = pool.submit(self._make, one, None if task.is_control else track)
        self._decoding.append(one)

    def _end_before(self, frame: VideoFrame | None) -> None:
        """End the feeds of the clips that are over at this frame. None: all of them."""
        over = [one for one in self._decoding if frame is None or one.task.stretch.last_pts < frame.pts]
        for one in over:
            one.feed.end()
            self._making.append(one)
        self._decoding = [one for one in self._decoding if one not in over]

    def _make(self, one: _Open, track: SoundTrack | None) -> Piece:
        task = one.task
        options = replace(self._options, first_frame=False) if task.is_control else self._options
        try:
            made = make_clip(one.feed, task.picture, task.source, options, track)
        finally:
            one.feed.leave()
        marks = {}
        for name, content in made.files.items():
            part = _as_control(name, task.path) if task.is_control else name
            self._write(part_path(task.path, part), content)
            marks[part] = mark_of(content)
        return Piece(marks) if task.is_control else Piece(marks, made.size, made.shown)

    def _finish_first(self) -> None:
        """Wait for the clip that was decoded first, and report it."""
        one = self._making.popleft()
        self._pieces.add(one.task.path, one.made.result())


def _as_control(part: str, path: str) -> str:
    """Return the part under which a file of a control belongs to the clip at `path`."""
    return f"control.{path.rpartition('.')[2]}{part}"


def _joined(tasks: Sequence[_Task]) -> Iterator[Stretch]:
    """Yield the stretches of tasks, sorted; those that overlap are one."""
    current: Stretch | None = None
    for task in tasks:
        stretch = task.stretch
        if current is not None and stretch.first_pts <= current.last_pts:
            current = Stretch(current.first_pts, max(current.last_pts, stretch.last_pts))
        else:
            if current is not None:
                yield current
            current = stretch
    if current is not None:
        yield current


def _most_at_once(tasks: Sequence[_Task]) -> int:
    """Return the maximum number of clips of one stream that have a frame in common."""
    most = 0
    for _, of_stream in groupby(tasks, key=lambda task: _order(task)[:2]):
        stretches = [task.stretch for task in of_stream]
        events = [(s.first_pts, 1) for s in stretches] + [(s.last_pts + 1, -1) for s in stretches]
        running = 0
        for _, step in sorted(events):
            running += step
            most = max(most, running)
    return most

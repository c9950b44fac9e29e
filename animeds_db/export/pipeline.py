"""Decode frames again, render, encode and write pictures. Only a few pictures are in memory at a time.

One thread decodes, source by source, each stretch of video once; a pool crops, scales, encodes and writes.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import xxhash
from PIL import Image

from animeds_db.cores import MAX_BYTES, core_count
from animeds_db.export.clips.options import ClipOptions
from animeds_db.export.clips.writing import write_clips
from animeds_db.export.folder.writer import NewFolder
from animeds_db.export.names import part_path
from animeds_db.export.options import ExportOptions
from animeds_db.export.pictures.looks import LOOKS
from animeds_db.export.pictures.masks import learnt, painted, subject
from animeds_db.export.pictures.picture import Origin, Part, Picture, Source, Written, mark_of
from animeds_db.export.pictures.pieces import Collect, Piece, Pieces
from animeds_db.export.pictures.render import Rendered, encode, format_of, render, rendered_pixels
from animeds_db.media import Frame, fetch

Progress = Callable[[int, int], None]
"""(number of pictures written, number of all pictures)"""

MAX_WORKERS = 8
"""Maximum number of threads. A 4K picture takes up to 60 MB (decoded, RGB, encoded)."""

PIXELS_AT_ONCE = 96 << 20
"""Maximum pixels of all pictures that are scaled and encoded at the same time; each takes about ten bytes."""

Job = tuple[str, Picture]
"""(path at which the picture is written, picture)"""


def write_pictures(
    jobs: Sequence[Job],
    sources: Mapping[str, Source],
    folder: NewFolder,
    options: ExportOptions,
    versions: Mapping[str, str],
    progress: Progress | None,
) -> list[Written]:
    """Write all pictures except those that an interrupted export left. Return the file of each."""
    recipes = {path: _made_of(picture, options, versions) for path, picture in jobs}
    done = folder.resume(recipes)
    missing = [(path, picture) for path, picture in jobs if path not in done]
    if done and progress is not None:
        progress(len(done), len(jobs))

    def collect(path: str, written: Written) -> None:
        folder.done(path, recipes[path], written)
        done[path] = written
        if progress is not None:
            progress(len(done), len(jobs))

    if isinstance(options, ClipOptions):
        write_clips(missing, sources, folder.write_picture, options, collect)
    else:
        _Pipeline(folder, options).run(missing, sources, collect)
    return [done[path] for path, _ in jobs]


def _made_of(picture: Picture, options: ExportOptions, versions: Mapping[str, str]) -> str:
    """Return a key for everything on which the bytes of a picture depend."""
    facts: list[Any] = [
        picture.content_hash,
        picture.crop,
        vars(options.resize),
        options.image_format,
        options.quality,
        [asdict(part) for part in picture.beside],
        [asdict(mask) for mask in picture.masks],
        [options.masks.background, options.mask_format],
    ]
    if picture.clip is not None and isinstance(options, ClipOptions):
        facts += [picture.source_id, asdict(picture.clip), options.encoded()]
    text = json.dumps([facts, dict(versions)], sort_keys=True)
    return xxhash.xxh3_128_hexdigest(text.encode())


@dataclass(frozen=True)
class _Task:
    """Files that are made of one frame: a picture, parts of it, or both."""

    path: str
    """Path of the picture."""
    picture: Picture
    origin: Origin
    """The frame."""
    parts: tuple[Part, ...]


_ITSELF = Part("")
"""The picture, as a part of itself."""


class Room:
    """Limits the sum that several threads hold at once. An amount above the limit waits until it is alone."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        """Wait until `amount` is available, and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + amount <= self._most)
            self._held += amount
        try:
            yield
        finally:
            with self._changed:
                self._held -= amount
                self._changed.notify_all()


class _Pipeline:
    """Runs pictures through decode, render, encode and write."""

    def __init__(self, folder: NewFolder, options: ExportOptions) -> None:
        self._folder = folder
        self._options = options
        self._resize = options.resize
        self._room = Room(PIXELS_AT_ONCE)
        self._workers = options.workers or min(usable_cores(), MAX_WORKERS)

    def run(self, jobs: Sequence[Job], sources: Mapping[str, Source], collect: Collect) -> None:
        """Write the pictures. `collect` is called for each, in the calling thread."""
        tasks = sorted((task for job in jobs for task in _tasks(*job)), key=_order)
        pieces = Pieces(Counter(task.path for task in tasks), collect)
        waiting: deque[tuple[Future[list[tuple[str, Piece]]], int]] = deque()
        held = 0

        def finish_first() -> None:
            nonlocal held
            future, weight = waiting.popleft()
            held -= weight
            for path, piece in future.result():
                pieces.add(path, piece)

        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="animeds-export")
        try:
            with closing(_decoded(tasks, sources)) as decoded:
                for frame, wanted in decoded:
                    weight = 3 * frame.width * frame.height
                    while waiting and (len(waiting) > self._workers or held + weight > MAX_BYTES):
                        finish_first()
                    waiting.append((pool.submit(self._write_frame, frame, wanted), weight))
                    held += weight
            while waiting:
                finish_first()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _write_frame(self, frame: Frame, tasks: Sequence[_Task]) -> list[tuple[str, Piece]]:
        pixels = frame.pixels()
        return [(task.path, self._write(pixels, task)) for task in tasks]

    def _write(self, pixels: np.ndarray, task: _Task) -> Piece:
        marks, own = {}, None
        for part in task.parts:
            rendered, content = self._made(pixels, task, part)
            self._folder.write_picture(part_path(task.path, part.name), content)
            marks[part.name] = mark_of(content)
            own = own if part.name else rendered
        return Piece(marks) if own is None else Piece(marks, own.image.size, own.shown)

    def _made(self, pixels: np.ndarray, task: _Task, part: Part) -> tuple[Rendered, bytes]:
        """Return a picture, or a part of one, and its bytes."""
        is_other = task.origin != task.picture.origin
        crop = part.crop if part.crop is not None or is_other else task.picture.crop
        image_format = format_of(part.name) if part.name else self._options.image_format
        with self._room.taken(rendered_pixels(pixels, crop, self._resize)):
            rendered = render(LOOKS[part.look](pixels, task.picture), crop, self._resize)
            if not part.name and task.picture.masks:
                rendered = replace(rendered, image=self._masked(rendered.image, pixels, task.picture))
            return rendered, encode(rendered.image, image_format, self._options.quality)

    def _masked(self, image: Image.Image, pixels: np.ndarray, picture: Picture) -> Image.Image:
        """Return the picture with the background and the alpha channel that were asked for."""
        height, width = pixels.shape[:2]
        if self._options.masks.paints:
            mask = render(subject(picture.masks, width, height), picture.crop, self._resize).image
            image = painted(image, mask, self._options.masks.background)
        if self._options.mask_format == "alpha":
            image.putalpha(render(learnt(picture.masks, width, height), picture.crop, self._resize).image)
        return image


def _tasks(path: str, picture: Picture) -> Iterator[_Task]:
    """Yield a task for each frame of which a picture and its parts are made."""
    frames: dict[Origin, list[Part]] = {picture.origin: [_ITSELF]}
    for part in picture.beside:
        frames.setdefault(part.origin or picture.origin, []).append(part)
    for origin, parts in frames.items():
        yield _Task(path, picture, origin, tuple(parts))


def _order(task: _Task) -> tuple[str, int, int, str]:
    return task.origin.source_id, task.origin.stream, task.origin.pts, task.origin.frame_id


def _decoded(tasks: Sequence[_Task], sources: Mapping[str, Source]) -> Generator[tuple[Frame, list[_Task]]]:
    """Yield each frame once, with all files that are made of it."""
    for source_id, of_source in groupby(tasks, key=lambda task: task.origin.source_id):
        wanted: dict[str, list[_Task]] = {}
        for task in of_source:
            wanted.setdefault(task.origin.frame_id, []).append(task)
        keys = [same[0].origin.key for same in wanted.values()]
        for key, frame in fetch(sources[source_id].uri, sources[source_id].kind, keys):
            yield frame, wanted[key.frame_id]


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return core_count()

"""Decode frames again, render, encode and write pictures. Only a few pictures are in memory at a time.

One thread decodes, source by source, each stretch of video once; a pool crops, scales, encodes and writes.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict
from itertools import groupby
from typing import Any

import numpy as np
import xxhash

from animeds_db.cores import MAX_BYTES, core_count
from animeds_db.export.clips.options import ClipOptions
from animeds_db.export.clips.writing import write_clips
from animeds_db.export.folder.writer import NewFolder
from animeds_db.export.options import ExportOptions
from animeds_db.export.picture import Picture, Source, Written
from animeds_db.export.render import encode, render, rendered_pixels
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
    ]
    if picture.clip is not None and isinstance(options, ClipOptions):
        facts += [picture.source_id, asdict(picture.clip), options.encoded()]
    text = json.dumps([facts, dict(versions)], sort_keys=True)
    return xxhash.xxh3_128_hexdigest(text.encode())


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

    def run(
        self, jobs: Sequence[Job], sources: Mapping[str, Source], collect: Callable[[str, Written], None]
    ) -> None:
        """Write the pictures. `collect` is called for each, in the calling thread."""
        waiting: deque[tuple[Future[list[tuple[str, Written]]], int]] = deque()
        held = 0

        def finish_first() -> None:
            nonlocal held
            future, weight = waiting.popleft()
            held -= weight
            for path, written in future.result():
                collect(path, written)

        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="animeds-export")
        try:
            with closing(_decoded(jobs, sources)) as decoded:
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

    def _write_frame(self, frame: Frame, jobs: Sequence[Job]) -> list[tuple[str, Written]]:
        pixels = frame.pixels()
        return [(path, self._write(pixels, path, picture)) for path, picture in jobs]

    def _write(self, pixels: np.ndarray, path: str, picture: Picture) -> Written:
        with self._room.taken(rendered_pixels(pixels, picture.crop, self._resize)):
            rendered = render(pixels, picture.crop, self._resize)
            content = encode(rendered.image, self._options.image_format, self._options.quality)
        self._folder.write_picture(path, content)
        size = rendered.image.size
        return Written(*size, len(content), xxhash.xxh3_128_hexdigest(content), rendered.shown)


def _decoded(jobs: Sequence[Job], sources: Mapping[str, Source]) -> Generator[tuple[Frame, list[Job]]]:
    """Yield each frame once, with all pictures that are made of it."""
    for source_id, of_source in groupby(jobs, key=lambda job: job[1].source_id):
        wanted: dict[str, list[Job]] = {}
        for job in of_source:
            wanted.setdefault(job[1].frame_id, []).append(job)
        keys = [same[0][1].key for same in wanted.values()]
        for key, frame in fetch(sources[source_id].uri, sources[source_id].kind, keys):
            yield frame, wanted[key.frame_id]


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return core_count()

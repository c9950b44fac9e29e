"""Decode again, render, write, and tell. The one rule: memory holds a handful of pictures, never all.

One thread decodes, source by source, each stretch of video once; a pool crops, scales, encodes and writes.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from animeds_db.errors import SourceError
from animeds_db.export.layouts import USES_REPEATS
from animeds_db.export.manifest import (
    CREDITS_NAME,
    MANIFEST_NAME,
    Manifest,
    current_versions,
    read_manifest,
    used_sources,
)
from animeds_db.export.options import ExportOptions, ExportReport, Provenance
from animeds_db.export.picture import Picture, Source, Written
from animeds_db.export.plan import read_plan, read_sources
from animeds_db.export.render import encode, render
from animeds_db.export.writer import NewFolder
from animeds_db.media import Frame, fetch

Progress = Callable[[int, int], None]
"""(pictures written, pictures in all)"""

MAX_WORKERS = 8
"""A 4K picture in work takes up to 60 MB (decoded, RGB, encoded): more threads want too much memory."""


def export(
    plan: pa.Table,
    source_rows: pa.Table,
    out: str | Path,
    *,
    options: ExportOptions | None = None,
    provenance: Provenance | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Write the pictures of a plan to the folder `out`, with captions, CREDITS.txt and a manifest.

    `plan` and `source_rows` are what `plan.select` returns (schema `PLAN`, `SOURCE_COLUMNS`). The folder
    appears when it is complete. Raises ExportError when it cannot or must not be written or the selection
    is empty, SourceError when a source is gone or changed; nothing is left behind then.
    """
    options = options or ExportOptions()
    sources = read_sources(source_rows)
    pictures = read_plan(plan, sources, options)
    manifest = Manifest(
        current_versions(),
        provenance or Provenance(),
        options.recorded(),
        used_sources(sources, pictures),
        tuple(pictures),
        (),
    )
    _, report = _build(manifest, Path(out), options, {}, progress)
    return report


def rebuild(
    manifest: str | Path,
    out: str | Path,
    *,
    moved: Mapping[str, str] | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Build a folder again from its manifest (or from the folder that holds one), without the database.

    `moved` maps source ids to where those sources are now. The bytes are those of the first time;
    pictures for which another version of an encoder gave other bytes are in the report's `differing`.
    Raises as `export` does.
    """
    recipe = read_manifest(Path(manifest))
    options = ExportOptions.from_record(recipe.options, overwrite=overwrite, workers=workers)
    again = replace(recipe, versions=current_versions(), written=())
    built, report = _build(again, Path(out), options, moved or {}, progress)
    pairs = zip(recipe.pictures, recipe.written, built.written, strict=True)
    return replace(report, differing=tuple(p.path for p, then, now in pairs if then.xxh3 != now.xxh3))


def _build(
    manifest: Manifest, out: Path, options: ExportOptions, moved: Mapping[str, str], progress: Progress | None
) -> tuple[Manifest, ExportReport]:
    sources = {s.source_id: replace(s, uri=moved.get(s.source_id, s.uri)) for s in manifest.sources}
    _check_present(sources.values())
    with NewFolder(out, overwrite=options.overwrite) as folder:
        written = _Writer(folder, options).run(manifest.pictures, sources, progress)
        done = replace(manifest, written=tuple(written))
        folder.write(CREDITS_NAME, done.credits().encode())
        folder.write(MANIFEST_NAME, done.text().encode())
        folder.commit()
    return done, _report(done, folder.out, options)


def _check_present(sources: Iterable[Source]) -> None:
    """Refuse before the first picture is decoded, not after the ten thousandth."""
    gone = [source.uri for source in sources if not Path(source.uri).exists()]
    if gone:
        more = f" (and {len(gone) - 1} more sources)" if len(gone) > 1 else ""
        raise SourceError(
            f"{gone[0]} is not there any more{more}",
            hint="connect the disk, or move the file back to where it was",
        )


class _Writer:
    """Runs the pictures of a manifest through decode, render, encode and write."""

    def __init__(self, folder: NewFolder, options: ExportOptions) -> None:
        self._folder = folder
        self._options = options
        self._workers = options.workers or min(usable_cores(), MAX_WORKERS)

    def run(
        self, pictures: Sequence[Picture], sources: Mapping[str, Source], progress: Progress | None
    ) -> list[Written]:
        """Write all pictures; return what became of them, in the same order."""
        results: dict[str, Written] = {}
        waiting: deque[Future[dict[str, Written]]] = deque()

        def collect() -> None:
            results.update(waiting.popleft().result())
            if progress is not None:
                progress(len(results), len(pictures))

        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="animeds-export")
        try:
            with closing(_decoded(pictures, sources)) as decoded:
                for frame, wanted in decoded:
                    waiting.append(pool.submit(self._write_frame, frame, wanted))
                    while len(waiting) > self._workers + 1:
                        collect()
            while waiting:
                collect()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return [results[picture.path] for picture in pictures]

    def _write_frame(self, frame: Frame, pictures: Sequence[Picture]) -> dict[str, Written]:
        pixels = frame.pixels()
        return {picture.path: self._write(pixels, picture) for picture in pictures}

    def _write(self, pixels: np.ndarray, picture: Picture) -> Written:
        image = render(pixels, picture.crop, self._options.max_size)
        content = encode(image, self._options.image_format, self._options.quality)
        self._folder.write(picture.path, content)
        if picture.caption is not None:
            self._folder.write(picture.caption_path, picture.caption.encode())
        return Written(image.width, image.height, len(content), xxhash.xxh3_128_hexdigest(content))


def _decoded(
    pictures: Sequence[Picture], sources: Mapping[str, Source]
) -> Generator[tuple[Frame, list[Picture]]]:
    """Yield each frame once, with all pictures that are made of it."""
    for source_id, of_source in groupby(pictures, key=lambda p: p.source_id):
        wanted: dict[str, list[Picture]] = {}
        for picture in of_source:
            wanted.setdefault(picture.frame_id, []).append(picture)
        keys = [same[0].key for same in wanted.values()]
        for key, frame in fetch(sources[source_id].uri, sources[source_id].kind, keys):
            yield frame, wanted[key.frame_id]


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _report(manifest: Manifest, folder: Path, options: ExportOptions) -> ExportReport:
    return ExportReport(
        folder=folder,
        n_pictures=len(manifest.pictures),
        n_sources=len(manifest.sources),
        n_bytes=sum(written.n_bytes for written in manifest.written),
        folders=dict(sorted(Counter(picture.folder for picture in manifest.pictures).items())),
        notes=tuple(_notes(manifest.pictures, options)),
    )


def _notes(pictures: Sequence[Picture], options: ExportOptions) -> Iterator[str]:
    empty = sum(picture.caption == "" for picture in pictures)
    if empty:
        yield f"{empty} captions are empty: no tag reaches {options.threshold:g}, no activation tag is given"
    if options.layout not in USES_REPEATS and any(picture.repeats != 1 for picture in pictures):
        yield f"the layout {options.layout} has no place for repeats: they are only in the manifest"

"""From a plan to a folder, and from a manifest to the same folder. The folder appears only when it is complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from animeds_db.errors import ExportError, SourceError
from animeds_db.export.clips.options import ClipOptions
from animeds_db.export.folder.bucket import sent
from animeds_db.export.folder.furnish import furnish, own_path
from animeds_db.export.folder.writer import NewFolder
from animeds_db.export.manifest import (
    CREDITS_NAME,
    MANIFEST_NAME,
    Manifest,
    current_versions,
    read_manifest,
    used_sources,
)
from animeds_db.export.notes import notes, refuse_remote, refuse_unreadable
from animeds_db.export.options import ExportOptions, ExportReport, Provenance
from animeds_db.export.pictures.picture import Source
from animeds_db.export.pipeline import Progress, write_pictures
from animeds_db.export.plan import read_plan, read_sources
from animeds_db.remote.paths import are_there, source_path
from animeds_db.remote.storage import is_remote


def export(
    plan: pa.Table,
    source_rows: pa.Table,
    out: str | Path,
    *,
    options: ExportOptions | None = None,
    provenance: Provenance | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Write the pictures of a plan to the folder (or s3://, gs://, az:// URI) `out`, with captions and a manifest.

    `plan` and `source_rows` are what `plan.select` returns (schema `PLAN`, `SOURCE_COLUMNS`). The folder
    appears when it is complete. Raises ExportError if it cannot or must not be written or if the selection
    is empty, SourceError if a source is missing or has changed. After an error nothing is left behind.
    """
    options = options or ExportOptions()
    sources = read_sources(source_rows)
    pictures = read_plan(plan, sources, options)
    refuse_unreadable(pictures, options)
    manifest = Manifest(
        current_versions(),
        provenance or Provenance(),
        options,
        used_sources(sources, pictures),
        tuple(pictures),
        (),
    )
    chosen = options
    if is_remote(str(out)):
        refuse_remote(str(out), options)
        return sent(str(out), lambda folder: _build(manifest, folder, chosen, {}, progress)[1])
    return _build(manifest, Path(out), options, {}, progress)[1]


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

    `moved` maps source ids to the paths at which those sources are now. The folder is the same byte for byte;
    files that differ, because an encoder has another version now, are in the report's `differing`.
    Raises as `export` does.
    """
    recipe = read_manifest(Path(manifest))
    if not recipe.pictures:
        raise ExportError(
            f"{manifest} has no pictures to build again.",
            hint="Export it again. For a folder of voices: animeds export --voices NAME OUT",
        )
    options = replace(recipe.options, overwrite=overwrite, workers=workers)
    again = replace(recipe, versions=current_versions(), written=(), files={})
    built, report = _build(again, Path(out), options, moved or {}, progress)
    pairs = zip(recipe.pictures, recipe.written, built.written, strict=True)
    pictures = [p.path for p, then, now in pairs if then.xxh3 != now.xxh3]
    placed = _placed_files(options)
    files = [
        name for name, mark in built.files.items() if recipe.files.get(name) != mark and name not in placed
    ]
    return replace(report, differing=(*pictures, *files))


def _placed_files(options: ExportOptions) -> set[str]:
    """Return the files that contain the path of the folder, and so differ in every folder."""
    if options.trainer_root:
        return set()
    return {f"{options.folder_of(one)}/{one.absolute}".lstrip("/") for one in options.chosen if one.absolute}


def _build(
    manifest: Manifest, out: Path, options: ExportOptions, moved: Mapping[str, str], progress: Progress | None
) -> tuple[Manifest, ExportReport]:
    sources = {s.source_id: replace(s, uri=moved.get(s.source_id, s.uri)) for s in manifest.sources}
    _check_present(sources.values())
    with NewFolder(out, overwrite=options.overwrite) as folder:
        jobs = [(own_path(picture, options), picture) for picture in manifest.pictures]
        written = write_pictures(jobs, sources, folder, options, manifest.versions, progress)
        shared = furnish(folder, manifest.pictures, written, options)
        folder.write(CREDITS_NAME, manifest.credits().encode())
        done = replace(manifest, written=tuple(written), files=dict(sorted(folder.files.items())))
        folder.write(MANIFEST_NAME, done.text().encode())
        folder.commit()
    return done, _report(done, folder.out, options, shared)


def _check_present(sources: Iterable[Source]) -> None:
    """Raise SourceError for a missing source before the first picture is decoded."""
    uris = [source.uri for source in sources]
    there = are_there([source_path(uri) for uri in uris])
    gone = [uri for uri, is_there in zip(uris, there, strict=True) if not is_there]
    if gone:
        more = f" (and {len(gone) - 1} more sources)" if len(gone) > 1 else ""
        raise SourceError(
            f"{gone[0]} no longer exists{more}.",
            hint=f"Connect the disk, or tell the database the new path: animeds sources relocate '{gone[0]}' NEW",
        )


def _report(manifest: Manifest, folder: Path, options: ExportOptions, shared: Counter[str]) -> ExportReport:
    return ExportReport(
        folder=folder,
        n_pictures=len(manifest.pictures),
        n_sources=len(manifest.sources),
        n_bytes=sum(written.n_bytes for written in manifest.written),
        folders=dict(sorted(Counter(picture.folder for picture in manifest.pictures).items())),
        notes=tuple(notes(manifest, options, folder, shared)),
        noun="clip" if isinstance(options, ClipOptions) else "picture",
    )

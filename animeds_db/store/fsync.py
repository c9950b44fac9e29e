"""Does what Lance does not: syncs commits to disk, and sets aside a version that a power cut left incomplete.

An incomplete manifest is moved to `_torn/` beside the versions. Only the manifest of a commit that failed just now is
deleted.

Lance commits atomically (a manifest is linked under its final name) but never calls fsync. So a crash of
the process loses nothing, but a crash of the machine may leave a newest manifest that is empty or filled with
zeros. The first makes the table unreadable; the second makes it look empty, without an error.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from animeds_db.store.manifests import is_whole, manifest_names, newest_manifest

if TYPE_CHECKING:
    import lance

TORN = "_torn"
_log = logging.getLogger("animeds")


def stored_files(dataset: lance.LanceDataset) -> frozenset[str]:
    """Return the paths of a version's data files and lists of deleted rows, relative to the table."""
    return frozenset(path for fragment in dataset.get_fragments() for path in fragment_files(fragment))


def fragment_files(fragment: lance.LanceFragment) -> list[str]:
    """Return the paths of a fragment's data files, and of its list of deleted rows, relative to the table."""
    deleted = fragment.metadata.deletion_file
    files = [f"data/{file.path}" for file in fragment.metadata.files]
    return [*files, deleted.path(fragment.fragment_id)] if deleted else files


def short_file(
    table: Path, dataset: lance.LanceDataset, new_files: Collection[str]
) -> tuple[str, int, int] | None:
    """Return path, bytes here, and bytes due of one of these data files that is not whole; None when all are.

    Lance commits a file of which one write failed and the next one succeeded: on a disk that was full for a moment.
    """
    for fragment in dataset.get_fragments():
        for file in fragment.metadata.files:
            path, size = f"data/{file.path}", file.file_size_bytes
            if path in new_files and size and (here := (table / path).stat().st_size) != size:
                return path, here, size
    return None


def withdraw(table: Path, version: int) -> None:
    """Delete the manifest of a version, so that the version before it is the newest one again."""
    for name in manifest_names(version):
        (table / name).unlink(missing_ok=True)
    flush_folder(table / "_versions")


def flush(table: Path, version: int, new_files: Iterable[str]) -> None:
    """Sync a commit to disk: its new files, its manifest, and the folders that contain them."""
    folders = [table / name for name in ("data", "_deletions", "_versions")]
    _sync_all([*(table / name for name in (*new_files, *manifest_names(version))), *folders, table])


def flush_tree(folder: Path) -> None:
    """Sync every file and folder below `folder`, and `folder` itself, to disk."""
    _sync_all([*folder.rglob("*"), folder])


def flush_files(paths: Sequence[Path]) -> None:
    """Sync these files, and the entries of their folders, to disk."""
    if paths:
        _sync_all([*paths, *{path.parent for path in paths}])


def flush_folder(path: Path) -> None:
    """Sync the entries of a folder, that is, the names in it, to disk."""
    _sync(path)


def heal(table: Path) -> None:
    """Set incomplete manifests aside until the newest one is complete. Logs a warning for each."""
    while (newest := newest_manifest(table)) is not None and not is_whole(newest):
        set_aside(table, newest)
        _log.warning(
            "%s: the newest version was not completely written (a power cut?) and was moved to %s; "
            "`animeds check` shows what was lost, and `animeds check --repair` restores what it can",
            table,
            table / TORN,
        )


def set_aside(table: Path, manifest: Path) -> None:
    """Move a manifest to `_torn/`, so that the version before it becomes the newest one."""
    aside = table / TORN
    aside.mkdir(exist_ok=True)
    manifest.replace(aside / manifest.name)
    flush_folder(table / "_versions")


def torn(table: Path) -> list[Path]:
    """Return the manifests that were set aside and not yet handled by `animeds check --repair`."""
    return sorted((table / TORN).glob("*.manifest"))


def _sync_all(paths: Sequence[Path]) -> None:
    """Sync several files at once. A file system writes its journal for many files as fast as for one."""
    with ThreadPoolExecutor(min(16, len(paths))) as pool:
        for _ in pool.map(_sync, paths):
            pass


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder, but writes its entries immediately
        return
    try:
        handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    except FileNotFoundError:  # not in this table, replaced by a compaction, or named the other way
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

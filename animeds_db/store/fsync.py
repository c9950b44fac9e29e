"""What Lance leaves out: syncing commits to disk, and setting aside a version that a power cut tore.

Its one rule: it never deletes anything; a torn manifest is moved to `_torn/` beside the versions.

Lance commits atomically (a manifest is linked into place) but never calls fsync, so that a crash of
the process loses nothing, while a crash of the machine may leave a newest manifest of zero bytes or
of zeros. The first makes the table unreadable, the second an empty table without a word.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import lance

MAGIC = b"LANC"
"""The last four bytes of every Lance manifest (lance-table, io/manifest.rs)."""
TORN = "_torn"
_log = logging.getLogger("animeds")


def data_files(dataset: lance.LanceDataset) -> frozenset[str]:
    """Return the paths of a version's data files, relative to the table."""
    return frozenset(
        f"data/{file.path}" for fragment in dataset.get_fragments() for file in fragment.metadata.files
    )


def flush(table: Path, version: int, new_files: Iterable[str]) -> None:
    """Sync a commit: its new data files, its manifest, and the folders that name them."""
    manifests = (f"_versions/{2**64 - 1 - version}.manifest", f"_versions/{version}.manifest")
    folders = [table / name for name in ("data", "_deletions", "_versions")]
    _sync_all([*(table / name for name in (*new_files, *manifests)), *folders, table])


def flush_tree(folder: Path) -> None:
    """Sync every file and folder below `folder`, and `folder` itself."""
    _sync_all([*folder.rglob("*"), folder])


def flush_files(paths: Sequence[Path]) -> None:
    """Sync these files, and the entries of their folders."""
    if paths:
        _sync_all([*paths, *{path.parent for path in paths}])


def flush_folder(path: Path) -> None:
    """Sync the entries of a folder: which names it holds."""
    _sync(path)


def heal(table: Path) -> None:
    """Set torn manifests aside until the newest one is whole. Logs a warning for each."""
    while (newest := _newest_manifest(table)) is not None and not _is_whole(newest):
        aside = table / TORN
        aside.mkdir(exist_ok=True)
        newest.rename(aside / newest.name)
        flush_folder(table / "_versions")
        _log.warning(
            "%s: the newest version was not wholly written (power cut?) and was set aside in %s; "
            "run the last ingest again to bring its rows back",
            table,
            aside,
        )


def _newest_manifest(table: Path) -> Path | None:
    """Return the manifest with the highest version; names count down from 2**64 - 1, older ones count up."""
    found = [path for path in (table / "_versions").glob("*.manifest") if path.stem.isdecimal()]
    return max(found, key=_version_of, default=None)


def _version_of(manifest: Path) -> int:
    number = int(manifest.stem)
    return 2**64 - 1 - number if number >= 2**63 else number


def _is_whole(manifest: Path) -> bool:
    with manifest.open("rb") as file:
        if file.seek(0, os.SEEK_END) < 16:  # the footer alone is that long
            return False
        file.seek(-len(MAGIC), os.SEEK_END)
        return file.read() == MAGIC


def _sync_all(paths: Sequence[Path]) -> None:
    """Sync at once what belongs together: a file system writes its journal for many as fast as for one."""
    with ThreadPoolExecutor(min(16, len(paths))) as pool:
        for _ in pool.map(_sync, paths):
            pass


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder, and writes its entries through
        return
    try:
        handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    except (
        FileNotFoundError
    ):  # no such folder in this table, rewritten by a compaction, or named the other way
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

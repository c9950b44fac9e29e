"""Deletes old versions and orphan files. Nothing that a current reader or writer may need is deleted.

A process that began to read before the next version was written still needs the old one. So the age of a version
counts from when it was replaced, not from when it was written.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from animeds_db.store.history import Commit
from animeds_db.store.location import read_errors, write_errors

if TYPE_CHECKING:
    import lance

    from animeds_db.store import Store

ORPHAN_AGE = datetime.timedelta(days=1)
"""Files that no version refers to are deleted if they are older than this. Interrupted runs leave them: a commit
takes seconds, and the compaction of a large table minutes."""
_KINDS = r"^(data/[^/]+\.lance|_deletions/[^/]+|_transactions/[^/]+\.txn|_indices/.+|_versions/.+#\d+)$"


def replaced(commits: Sequence[Commit], before: datetime.datetime) -> list[int]:
    """Return the versions of a table that were replaced before a time, given its commits (oldest first)."""
    return [old.version for old, new in pairwise(commits) if new.at < before]


def clean(store: Store, name: str, versions: Sequence[int]) -> int:
    """Delete these versions of a table, except named ones, and return the number of bytes freed."""
    if not versions:
        return 0
    store.expect_writable()
    with write_errors(store.uri):
        done = store.table(name).cleanup_old_versions(
            versions=list(versions), error_if_tagged_old_versions=False
        )
    return int(done.bytes_removed)


def remove_orphans(store: Store, name: str, before: datetime.datetime) -> tuple[int, int]:
    """Delete files that no version of a table refers to and that were last written before a time.

    Returns the number of files and of bytes deleted.
    """
    store.expect_writable()
    dataset = store.table(name)
    with read_errors(store.uri):
        orphans = _orphans(dataset, before)
    with write_errors(store.uri):
        files = dataset.new_file_session()
        for path, _ in orphans:
            if files.contains(path):
                files.delete_file(path)
    return len(orphans), sum(size for _, size in orphans)


def _orphans(dataset: lance.LanceDataset, before: datetime.datetime) -> list[tuple[str, int]]:
    """Return path and size of the files that no version refers to. The files are listed before the versions are read,
    so that a file that is committed in between is not returned."""
    there = dataset.all_files().read_all()
    old = pc.less(there["last_modified"], before)
    there = there.filter(pc.and_(old, pc.match_substring_regex(there["path"], _KINDS)))
    if not there.num_rows:
        return []
    named = dataset.tracked_files().read_all()["path"].unique()
    there = there.filter(pc.invert(pc.is_in(there["path"], named)))
    return list(zip(there["path"].to_pylist(), there["size_bytes"].to_pylist(), strict=True))

"""What no version needs any more. Its one rule: nothing goes that a reader or a writer of now may need.

A version is needed by whoever began to read before the next one was written. So versions go by when they were
replaced, not by when they were written: the one that counted at the time from which on all are kept stays.
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
"""Files that no version names and that are older than this are left by a run that was killed: a commit takes
seconds, and the compaction of a large table minutes."""
_KINDS = r"^(data/[^/]+\.lance|_deletions/[^/]+|_transactions/[^/]+\.txn|_indices/.+|_versions/.+#\d+)$"


def replaced(commits: Sequence[Commit], before: datetime.datetime) -> list[int]:
    """Return the versions of a table, of its commits (oldest first), that were replaced before some time."""
    return [old.version for old, new in pairwise(commits) if new.at < before]


def clean(store: Store, name: str, versions: Sequence[int]) -> int:
    """Delete these versions of a table, but none with a name, and return how many bytes that freed."""
    if not versions:
        return 0
    store.expect_writable()
    with write_errors(store.uri):
        done = store.table(name).cleanup_old_versions(
            versions=list(versions), error_if_tagged_old_versions=False
        )
    return int(done.bytes_removed)


def remove_orphans(store: Store, name: str, before: datetime.datetime) -> tuple[int, int]:
    """Delete what no version of a table names and was last written before some time; return files and bytes."""
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
    """Return path and size of the files that are in no version. First what is there, then what is named: what a
    writer commits in between is named."""
    there = dataset.all_files().read_all()
    old = pc.less(there["last_modified"], before)
    there = there.filter(pc.and_(old, pc.match_substring_regex(there["path"], _KINDS)))
    if not there.num_rows:
        return []
    named = dataset.tracked_files().read_all()["path"].unique()
    there = there.filter(pc.invert(pc.is_in(there["path"], named)))
    return list(zip(there["path"].to_pylist(), there["size_bytes"].to_pylist(), strict=True))

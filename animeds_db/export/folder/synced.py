"""Which deletions in an exported folder `animeds sync` has already read: those may be overwritten."""

from __future__ import annotations

import json
from pathlib import Path

RECORD_NAME = ".animeds-sync.json"
"""Notes of `animeds sync`, in the folder. Hidden, so that no trainer or loader takes it for a part of the dataset."""


def deletions_read(folder: Path) -> frozenset[str]:
    """Return the pictures that the latest sync found deleted, by their paths in the export.

    Empty without a record, and for one that cannot be read: `animeds sync` says what is wrong with it.
    """
    latest: dict[str, str | None] = {}
    try:
        for entry in json.loads((folder / RECORD_NAME).read_text("utf-8"))["syncs"]:
            latest |= {path: found["path"] for path, found in entry["pictures"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return frozenset()
    return frozenset(path for path, found in latest.items() if found is None)

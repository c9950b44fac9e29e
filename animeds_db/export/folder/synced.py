"""Deletions in an exported folder that `animeds sync` has already read. They may be overwritten."""

from __future__ import annotations

import json
from pathlib import Path

RECORD_NAME = ".animeds-sync.json"
"""Record of `animeds sync` in the folder. It is hidden, so that trainers and loaders ignore it."""


def deletions_read(folder: Path) -> frozenset[str]:
    """Return the pictures that the latest sync found deleted, by their paths in the export.

    Empty if there is no record, or if it cannot be read: `animeds sync` reports that.
    """
    latest: dict[str, str | None] = {}
    try:
        for entry in json.loads((folder / RECORD_NAME).read_text("utf-8"))["syncs"]:
            latest |= {path: found["path"] for path, found in entry["pictures"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return frozenset()
    return frozenset(path for path, found in latest.items() if found is None)

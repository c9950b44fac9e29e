"""`.animeds-sync.json`: what earlier syncs have read from a folder.

Each run adds one entry: its change set, and the status of the pictures that it labelled. The next run compares with
that, so that a restored file is a change again. If a change set is undone, its entry no longer counts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from animeds_db.errors import ExportError
from animeds_db.export.folder.synced import RECORD_NAME
from animeds_db.export.pictures.picture import Picture
from animeds_db.safe_files import UnsafePathError, inside, relative, whole_file
from animeds_db.sync.folder import Status

FORMAT = 1

_log = logging.getLogger("animeds")

Entry = dict[str, Any]


def read_record(folder: Path) -> list[Entry]:
    """Return the entries of earlier runs, oldest first. Raises ExportError for a damaged record."""
    path = inside(folder, RECORD_NAME)
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["animeds_sync"] > FORMAT:
            raise ExportError(
                f"{path} was written by a newer version of animeds-db.",
                hint="pip install --upgrade animeds-db",
            )
        return [
            {"act": entry["act"], "pictures": {k: _status(**v) for k, v in entry["pictures"].items()}}
            for entry in content["syncs"]
        ]
    except (UnsafePathError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(
            f"{path} is damaged: {error!r}",
            hint="Delete it. The next sync then compares with the export itself.",
        ) from error


def _status(path: str | None, **rest: Any) -> Status:
    if path is not None:
        relative(path, "the export")
    return Status(path, **rest)


def last_statuses(
    pictures: Sequence[Picture], entries: Sequence[Entry], acts: Collection[str]
) -> list[Status]:
    """Return the last status of each picture: as exported, or as found by a run whose change set counts (`acts`)."""
    latest: dict[str, Status] = {}
    for entry in entries:
        if entry["act"] is None or entry["act"] in acts:
            latest |= entry["pictures"]
    return [latest.get(picture.path, Status(picture.path, picture.caption)) for picture in pictures]


def add_entry(
    folder: Path, entries: Sequence[Entry], act: str | None, statuses: Mapping[str, Status]
) -> None:
    """Add an entry with the status of pictures, by their paths in the export. Logs a warning if that is impossible."""
    every = [*entries, {"act": act, "pictures": dict(statuses)}]
    syncs = [
        {"act": e["act"], "pictures": {k: asdict(v) for k, v in sorted(e["pictures"].items())}} for e in every
    ]
    text = json.dumps({"animeds_sync": FORMAT, "syncs": syncs}, ensure_ascii=False, indent=1)
    try:
        with whole_file(folder / RECORD_NAME) as file:
            file.write(f"{text}\n".encode())
    except OSError as error:
        _log.warning("%s cannot be written (%s): the next sync will compare with the export", folder, error)

"""`.animeds-sync.json`: what earlier runs have read out of a folder. The one rule: what was taken back is not said.

Each run adds one entry: its act, and where it found the pictures about which it said something. The next run
compares with that, so that a file which came back is a change again. When the act is undone, so is its entry.
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
from animeds_db.export.picture import Picture
from animeds_db.safe_files import UnsafePathError, inside, relative, whole_file
from animeds_db.sync.folder import Standing

FORMAT = 1

_log = logging.getLogger("animeds")

Entry = dict[str, Any]


def read_record(folder: Path) -> list[Entry]:
    """Return what earlier runs noted, oldest first. Raises ExportError for a damaged record."""
    path = inside(folder, RECORD_NAME)
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["animeds_sync"] > FORMAT:
            raise ExportError(
                f"{path} was written by a newer animeds-db", hint="pip install --upgrade animeds-db"
            )
        return [
            {"act": entry["act"], "pictures": {k: _standing(**v) for k, v in entry["pictures"].items()}}
            for entry in content["syncs"]
        ]
    except (UnsafePathError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(
            f"{path} is damaged: {error!r}",
            hint="delete it: everything since the export is then compared anew",
        ) from error


def _standing(path: str | None, **rest: Any) -> Standing:
    if path is not None:
        relative(path, "the export")
    return Standing(path, **rest)


def last_standings(
    pictures: Sequence[Picture], entries: Sequence[Entry], acts: Collection[str]
) -> list[Standing]:
    """Return where each picture was last: as exported, or as a run whose act still counts (`acts`) found it."""
    latest: dict[str, Standing] = {}
    for entry in entries:
        if entry["act"] is None or entry["act"] in acts:
            latest |= entry["pictures"]
    return [latest.get(picture.path, Standing(picture.path, picture.caption)) for picture in pictures]


def add_entry(
    folder: Path, entries: Sequence[Entry], act: str | None, standings: Mapping[str, Standing]
) -> None:
    """Write what a run has found, by the pictures' paths in the export. A folder that is read-only is told."""
    every = [*entries, {"act": act, "pictures": dict(standings)}]
    syncs = [
        {"act": e["act"], "pictures": {k: asdict(v) for k, v in sorted(e["pictures"].items())}} for e in every
    ]
    text = json.dumps({"animeds_sync": FORMAT, "syncs": syncs}, ensure_ascii=False, indent=1)
    try:
        with whole_file(folder / RECORD_NAME) as file:
            file.write(f"{text}\n".encode())
    except OSError as error:
        _log.warning("%s cannot be written (%s): a later sync compares with the export", folder, error)

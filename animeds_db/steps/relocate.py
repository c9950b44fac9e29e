"""Sources that have moved. A new path is accepted only if frames there have the stored hashes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from animeds_db.errors import SourceError, UsageError
from animeds_db.media import FrameKey, fetch
from animeds_db.remote.paths import SourcePath, inner_path, source_path
from animeds_db.store.store import Store, quoted

CHECKED = 8
"""Number of frames of each source that are decoded at its new path. An export checks every frame that it needs."""

KEYS = ["frame_id", "stream", "pts", "key_pts", "member", "content_hash"]


@dataclass(frozen=True)
class Moved:
    """A source that has moved, with its old and its new path."""

    source_id: str
    old: str
    new: str


def relocate(store: Store, old: str, new: str | Path) -> list[Moved]:
    """Change the stored path of a file or folder, or of all sources below a folder, to `new`.

    `old` is a source id, or the path stored in the database; both may be URIs (s3://, gs://, az://). Either all paths
    are changed or none. Raises UsageError if no source has the old path, SourceError if the new path does not exist
    or has other content.
    """
    rows = store.table("sources").to_table().to_pylist()
    moved = _moves(rows, old, source_path(new).expanduser().absolute())
    for move in moved:
        _check(store, next(row for row in rows if row["source_id"] == move.source_id), move)
    places = {move.source_id: move.new for move in moved}
    changed = [{**row, "uri": places[row["source_id"]]} for row in rows if row["source_id"] in places]
    store.replace("sources", pa.Table.from_pylist(changed, store.schema("sources").schema))
    return moved


def _moves(rows: list[dict[str, Any]], old: str, new: SourcePath) -> list[Moved]:
    place = source_path(old).expanduser().absolute()
    moves = []
    for row in rows:
        path = source_path(row["uri"])
        inner = inner_path(path, place)
        if row["source_id"] == old or path == place:
            # a file that moved into another folder keeps its name
            target = new / path.name if row["kind"] == "video" and new.is_dir() else new
            moves.append(Moved(row["source_id"], row["uri"], str(target)))
        elif inner is not None:
            moves.append(Moved(row["source_id"], row["uri"], str(new / inner)))
    if not moves:
        raise UsageError(f"No source was at {old}.", hint="`animeds sources list` shows their paths.")
    return moves


def _check(store: Store, row: dict[str, Any], move: Moved) -> None:
    if not source_path(move.new).exists():
        raise SourceError(
            f"{move.new} does not exist, so {move.old} cannot have moved there.",
            hint="Nothing was changed. Check the new path.",
        )
    keys = _some_keys(store, move.source_id)
    try:
        for _ in fetch(move.new, row["kind"], keys):
            pass
    except SourceError as error:
        raise SourceError(
            f"{move.new} is not the {source_path(move.old).name} that was ingested: {error.headline}",
            hint="Nothing was changed. Find the original file, or ingest this one as a new source.",
        ) from error


def _some_keys(store: Store, source_id: str) -> list[FrameKey]:
    table = store.table("frames").to_table(columns=KEYS, filter=f"source_id = {quoted(source_id)}")
    rows = table.sort_by([("stream", "ascending"), ("pts", "ascending")]).to_pylist()
    last = len(rows) - 1
    places = sorted({last * i // (CHECKED - 1) for i in range(CHECKED)}) if rows else []
    return [FrameKey(**rows[place]) for place in places]

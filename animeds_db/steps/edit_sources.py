"""Changes the facts about sources after an ingest: show, season, episode, credit, licence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.remote.paths import inner_path, source_path
from animeds_db.store import Store

Row = dict[str, Any]

TEXTS = ("show", "credit", "licence")
NUMBERS = ("season", "episode")


def edit_sources(store: Store, sources: Sequence[str], values: Mapping[str, str | int | None]) -> list[Row]:
    """Change columns of the sources with these ids or paths, or below these folders; return their new rows.

    `values` maps show, season, episode, credit, licence to a value; an empty text or None removes it. Either all
    changes are made or none. Raises UsageError for an unknown source or an invalid value.
    """
    columns = {name: _value(name, value) for name, value in values.items()}
    if not columns:
        raise UsageError("There is nothing to change.", hint="For example: --show 'My Show' --season 2")
    rows = store.table("sources").to_table().to_pylist()
    chosen = {row["source_id"]: row for source in sources for row in _meant(rows, source)}
    changed = [row | columns for row in chosen.values()]
    if any(row != chosen[row["source_id"]] for row in changed):
        store.replace("sources", pa.Table.from_pylist(changed, store.schema("sources").schema))
    return changed


def _meant(rows: Sequence[Row], source: str) -> list[Row]:
    """Return the sources with an id or a path, or below a folder."""
    by_id = [row for row in rows if row["source_id"] == source]
    if by_id:
        return by_id
    top = source_path(source).expanduser().absolute()
    found = [row for row in rows if any(inner_path(path, top) is not None for path in _paths(row))]
    if not found:
        raise UsageError(
            f"There is no source {source}, nor any below it.",
            hint="`animeds sources list` shows ids and paths.",
        )
    return found


def _paths(row: Row) -> list[Any]:
    return [source_path(uri) for uri in (row["uri"], *(row["other_uris"] or []))]


def _value(name: str, value: str | int | None) -> str | int | None:
    if name not in TEXTS + NUMBERS:
        raise UsageError(f"{name} cannot be changed.", hint=did_you_mean(name, TEXTS + NUMBERS))
    if value is None or value == "":
        return None
    if name in TEXTS:
        return str(value)
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and int(text) < 2**31):
        raise UsageError(
            f'{name} must be a whole number of at least 0, not "{value}".',
            hint='An empty value ("") removes it.',
        )
    return int(text)

"""Selections that people saved by name. They are kept in the database, in the table `settings`."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import UsageError, did_you_mean
from animeds_db.steps.labels.changes import speaker
from animeds_db.store import Store
from animeds_db.store.remembered import SELECTION
from animeds_db.store.store import quoted

LONGEST_NAME = 80
LONGEST_SQL = 100_000
"""Maximum number of characters of the SQL of a saved selection."""
MOST_FRAMES = 100_000
"""Maximum number of frames that are saved one by one."""


@dataclass(frozen=True)
class SavedSelection:
    """A selection that was saved: SQL with a column frame_id."""

    name: str
    sql: str
    address: str = ""
    """The filters of the page, as a query string; empty if it was not saved there."""
    who: str = ""
    saved_at: str = ""
    """UTC, ISO 8601."""
    frames: Sequence[str] = ()
    """The frames that were saved one by one: saved_frames('name') in SQL."""


def saved_selections(store: Store) -> list[SavedSelection]:
    """Return all saved selections, sorted by name."""
    rows = store.table("settings").to_table().to_pylist()
    found = [
        SavedSelection(row["name"].removeprefix(SELECTION), **json.loads(row["value"]))
        for row in rows
        if row["name"].startswith(SELECTION)
    ]
    return sorted(found, key=lambda one: (one.name.lower(), one.name))


def saved_selection(store: Store, name: str) -> SavedSelection:
    """Return a saved selection. Raises UsageError if there is none of this name."""
    known = {one.name: one for one in saved_selections(store)}
    if name not in known:
        raise UsageError(f'There is no saved selection "{name[:80]}".', hint=did_you_mean(name, known))
    return known[name]


def save_frames(store: Store, name: str, frames: Sequence[str], *, who: str | None = None) -> SavedSelection:
    """Save frames one by one under a name; a selection of the same name is replaced. Raises UsageError."""
    if not 0 < len(frames) <= MOST_FRAMES:
        raise UsageError(f"{len(frames)} frames cannot be saved. Choose 1 to {MOST_FRAMES}.")
    sql = f"SELECT frame_id FROM saved_frames({quoted(name.strip())})"
    return save_selection(store, name, sql, frames=list(dict.fromkeys(frames)), who=who)


def save_selection(
    store: Store,
    name: str,
    sql: str,
    *,
    address: str = "",
    frames: Sequence[str] = (),
    who: str | None = None,
) -> SavedSelection:
    """Save a selection; one of the same name is replaced. The SQL must have been checked. Raises UsageError."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(
            "The name of a selection must have 1 to 80 printable characters.", hint="Choose another name."
        )
    if len(sql) > LONGEST_SQL:
        raise UsageError(f"The SQL has {len(sql)} characters. At most {LONGEST_SQL} can be saved.")
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    saved = SavedSelection(name, sql, address, speaker(who), now, frames)
    value = {key: text for key, text in asdict(saved).items() if key != "name"}
    row = {"name": SELECTION + name, "value": json.dumps(value, ensure_ascii=False)}
    store.replace("settings", pa.Table.from_pylist([row], schema.SETTINGS.schema))
    return saved


def delete_selection(store: Store, name: str) -> None:
    """Delete a saved selection, not its frames. Raises UsageError if there is none of this name."""
    saved_selection(store, name)
    store.delete("settings", f"name = {quoted(SELECTION + name)}")

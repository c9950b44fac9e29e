"""Labels of frames, faces and characters by people. Rows are only appended, never changed.

Every call is one change set: its rows appear together, and an undo reverts them together, by one more row. The
views (`labels`, `tags`, `faces`, `kept`, …) let the newest label that was not undone win over any model.
"""

from __future__ import annotations

import datetime
import getpass
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import StoreError, UsageError, did_you_mean
from animeds_db.session import Session
from animeds_db.store import Store
from animeds_db.tagtext import expect_name
from animeds_db.upkeep.compaction import MAX_PIECES

OPS = {
    "character": ("set", "remove"),
    "appearance": ("set", "remove"),
    "tag": ("add", "remove"),
    "frame": ("set", "remove"),
    "description": ("set", "remove"),
    "crop": ("set", "remove"),
    "name": ("set", "remove"),
}
"""Operations on each field. `remove` removes earlier labels, and for a tag also the tag itself. A description is one
line of text about a frame or a box."""
NAMES = ("character", "appearance", "tag", "name")
"""Fields whose values are names."""
FRAME_VALUES = ("keep", "drop")
MIN_CROP = 0.01
"""Minimum width and height of a drawn crop, as a share of the frame. A smaller box is a slip of the hand."""
CLOCK = "%Y%m%d%H%M%S%f"


@dataclass(frozen=True)
class Word:
    """One label: of a frame, of a box in it (kind and left, top, right, bottom, 0…1), or of a name."""

    field: str
    op: str
    value: str | None
    frame_id: str | None = None
    source_id: str | None = None
    kind: str | None = None
    box: tuple[float, float, float, float] | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Act:
    """One change set: its id, its number of labels, and notes for the user."""

    id: str
    n: int
    notes: list[str] = field(default_factory=list)


def checked(name: str, op: str, value: str | None) -> str | None:
    """Return the value as it is stored. Raises UsageError for a field, op or value that is not valid."""
    if name not in OPS:
        raise UsageError(f'There is no field "{name}" to label.', hint=did_you_mean(name, OPS))
    if op not in OPS[name]:
        raise UsageError(f'"{op}" is not possible for {name}.', hint=f"Possible: {', '.join(OPS[name])}.")
    value = (value or "").strip()
    if not value:
        if op == "remove" and name != "tag":
            return None
        raise UsageError(f"The {name} to {op} is empty.", hint=f"Give a {name}.")
    if name == "description":
        return " ".join(value.split())
    expect_name(name, value)
    if name == "tag":
        return value.replace(" ", "_")
    if name == "frame" and value not in FRAME_VALUES:
        raise UsageError(f'"{value}" is not possible for a frame.', hint="Use keep or drop.")
    return _crop(value) if name == "crop" else value


def _crop(text: str) -> str:
    """Return left,top,right,bottom in one form. Raises UsageError unless they are a part of the frame."""
    hint = "Give left,top,right,bottom as shares of the frame, for example 0.1,0.2,0.6,0.9"
    try:
        left, top, right, bottom = edges = [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f'"{text[:80]}" is not a crop.', hint=hint) from None
    if not all(0 <= edge <= 1 for edge in edges) or right - left < MIN_CROP or bottom - top < MIN_CROP:
        raise UsageError(f"{text[:80]} is not a part of the frame, or too small.", hint=hint)
    return ",".join(f"{edge:.6g}" for edge in edges)


def speak(store: Store, words: Sequence[Word], who: str | None = None) -> Act:
    """Write these labels as one change set. Unknown tags join the vocabulary.

    Raises UsageError for no labels, and for a tag or name that is not valid.
    """
    if not words:
        raise UsageError("There is nothing to label: no frame or face was given.")
    for word in words:
        if word.field in NAMES:
            expect_name(word.field, word.value or "")
    tags = {word.value for word in words if word.field == "tag" and word.op == "add" and word.value}
    known = set(store.table("vocabulary").to_table(columns=["tag"])["tag"].to_pylist())
    store.ensure_tags([(tag, "general") for tag in sorted(tags)])
    act = _write(store, [_row(word) for word in words], who)
    new = sorted(tags - known)
    notes = [f"new tags, which no model knows: {', '.join(new)}"] if new else []
    return Act(act, len(words), notes)


def undo(store: Store, session: Session, act: str | None = None, who: str | None = None) -> Act:
    """Undo one change set. Without an id: the latest one that is not itself an undo. An undo can be undone by its id.

    `act` may be the start or the end of an id if only one id matches. Raises UsageError for a change set that does
    not exist or was already undone.
    """
    acts = session.arrow(
        "SELECT act, what, counts FROM label_history ORDER BY said_at DESC, act DESC"
    ).to_pylist()
    found = _newest(acts) if act is None else _one(acts, act)
    if not found["counts"]:
        raise UsageError(
            f"The change set {found['act']} has already been undone.",
            hint="`animeds label history` shows by which change set.",
        )
    undone = _write(store, [{"field": "act", "op": "undo", "value": found["act"]}], who)
    return Act(undone, 1, [f"undone: {found['act']} ({found['what']})"])


def history(session: Session) -> duckdb.DuckDBPyRelation:
    """Return one row per change set, newest first: act, said_at, who, what, n, counts, n_gone."""
    return session.sql("SELECT * FROM label_history ORDER BY said_at DESC, act DESC")


def speaker(who: str | None = None) -> str:
    """Return the author of labels: `who`, else ANIMEDS_WHO, else the name of the account, else ""."""
    if who or (who := os.environ.get("ANIMEDS_WHO")):
        return who
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without an account
        return ""


def _newest(acts: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    for act in acts:
        if act["counts"] and not act["what"].startswith("undo "):
            return act
    raise UsageError("There is nothing to undo.", hint="`animeds label history` lists all change sets.")


def _one(acts: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any]:
    exact = [act for act in acts if act["act"] == wanted]
    found = exact or [
        a for a in acts if wanted and (a["act"].startswith(wanted) or a["act"].endswith(wanted))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(act["act"] for act in found[:4])
        raise UsageError(
            f'"{wanted}" matches {len(found)} change sets: {listed}', hint="Give more of the id."
        )
    raise UsageError(
        f'There is no change set "{wanted}".',
        hint="`animeds label history` lists them." if acts else "Nothing has been labelled yet.",
    )


def _row(word: Word) -> dict[str, Any]:
    row: dict[str, Any] = {
        "field": word.field,
        "op": word.op,
        "value": word.value,
        "frame_id": word.frame_id,
        "source_id": word.source_id,
        "subject": word.subject,
        "kind": word.kind,
    }
    if word.box is not None:
        row |= dict(zip(("left", "top", "right", "bottom"), word.box, strict=True))
    return row


def _write(store: Store, rows: Sequence[Mapping[str, Any]], who: str | None) -> str:
    """Append rows as one new change set. Return its id."""
    at, tail = _next_time(store), _random(6)
    act = f"{at:%y%m%d-%H%M%S}-{tail}"
    common = {"act": act, "who": speaker(who), "at": at}
    rows = [
        dict(row) | common | {"label_id": f"{at:{CLOCK}}-{tail}-{number:06d}"}
        for number, row in enumerate(rows)
    ]
    table = pa.Table.from_pylist(rows, schema=schema.LABELS.schema)
    if store.upsert("labels", table) != len(rows):
        raise StoreError(f"{store.uri} already has labels of this change set.", hint="Try again.")
    if len(store.table("labels").get_fragments()) > MAX_PIECES:
        from animeds_db.upkeep.optimize import tend_if_worth_it

        tend_if_worth_it(store)
    return act


def _next_time(store: Store) -> datetime.datetime:
    """Return the current time, but later than every label so far, even if the clock of another machine is ahead."""
    import pyarrow.compute as pc

    newest = pc.max(store.table("labels").to_table(columns=["at"])["at"]).as_py()
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return now if newest is None or newest < now else newest + datetime.timedelta(microseconds=1)


def _random(n: int) -> str:
    return "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(n))

"""The history of a database for users: one line per command, and named states."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from animeds_db import schema
from animeds_db.errors import UsageError
from animeds_db.store.history import At, Commit, History, Versions, checked_name, in_local_time
from animeds_db.store.location import read_errors, write_errors

if TYPE_CHECKING:
    from animeds_db.store import Store

WORK = {
    "ingest": ("sources", "frames", "detections", "thumbnails", "lines", "chapters", "shots"),
    "other models": (*schema.RERUNS, "choices"),
    "dedup": ("duplicates", "segments"),
    "labels": ("labels",),
    "characters": ("examples", "identities", "clusters"),
}
"""Kinds of work, by the tables that they write. Any of them may also write `vocabulary` and `models`."""
UPKEEP = "upkeep"
MADE, OLDEST = "made", "the oldest here"
PAUSES = {"ingest": 600.0, "other models": 600.0, "dedup": 60.0, UPKEEP: 60.0}
"""Maximum number of seconds between two commits of the same step. Other work makes its commits at once."""
_WORK_OF = {table: work for work, tables in WORK.items() for table in tables}
_UPKEEP_OPERATIONS = (
    "Rewrite",
    "CreateIndex",
    "BaseOperation",
    "ReserveFragments",
    "Project",
    "UpdateConfig",
)


@dataclass
class Step:
    """The commits of one piece of work, such as an ingest, up to one state of the database."""

    number: int
    at: datetime.datetime
    work: str
    versions: Versions
    rows: Mapping[str, int]
    changed: dict[str, int] = field(default_factory=dict)
    """Change in the number of rows of each table that was written."""

    @property
    def what(self) -> str:
        """The step as text: "ingest: sources +1, frames +120"."""
        changes = [(table, self.changed[table]) for table in self.versions if table in self.changed]
        parts = [f"{table} {n:+d}" if n else f"{table} changed" for table, n in changes]
        return f"{self.work}: {', '.join(parts)}" if parts and self.work != UPKEEP else self.work


def steps(store: Store, history: History) -> list[Step]:
    """Return the steps since the oldest complete state, oldest first."""
    done: list[Step] = []
    rows: dict[str, int] = {}
    before: dict[str, Commit] = {}
    for number, commit, versions in history.states():
        if commit is None:
            rows = {name: history.commit(name, version).rows for name, version in versions.items()}
            before = {name: history.commit(name, version) for name, version in versions.items()}
            work = MADE if set(versions.values()) == {1} else OLDEST
            done.append(Step(number, history.since, work, versions, dict(rows)))
            continue
        earlier = before[commit.table]
        work = UPKEEP if _is_upkeep(store, earlier, commit) else _WORK_OF.get(commit.table, "")
        step = done[-1] if _goes_on(done[-1], work, commit) else None
        if step is None:
            step = Step(number, commit.at, work, versions, rows)
            done.append(step)
        step.work = step.work or work
        step.number, step.at, step.versions = number, commit.at, versions
        if work != UPKEEP:
            gained = commit.rows - earlier.rows
            step.changed[commit.table] = step.changed.get(commit.table, 0) + gained
        rows = rows | {commit.table: commit.rows}
        step.rows, before[commit.table] = rows, commit
    return done


def _goes_on(step: Step, work: str, commit: Commit) -> bool:
    """Return True if a commit belongs to the step before it."""
    if step.work in (MADE, OLDEST):
        return False
    pause = (commit.at - step.at).total_seconds()
    if not work or not step.work:  # a vocabulary, a model
        return pause <= 2
    return work == step.work and pause <= PAUSES.get(work, 2.0)


def _is_upkeep(store: Store, before: Commit, commit: Commit) -> bool:
    """Return True if a commit changed no rows: the same number of rows, in the same number of pieces or fewer."""
    if commit.rows != before.rows or commit.pieces > before.pieces:
        return False
    with read_errors(store.uri):
        transaction = store.table(commit.table).read_transaction(commit.version)
    return transaction is not None and type(transaction.operation).__name__ in _UPKEEP_OPERATIONS


def listed(store: Store) -> list[dict[str, object]]:
    """Return one row per step, newest first: version, at (local time), what, frames, name."""
    history = store.history()
    names = {history.number(versions): name for name, versions in sorted(history.names.items())}
    rows = [_row(step, names) for step in steps(store, history)]
    here = {row["version"] for row in rows}
    rows += [
        _kept(history, name) for name, state in history.names.items() if history.number(state) not in here
    ]
    return sorted(rows, key=lambda row: -int(str(row["version"])))


def _row(step: Step, names: Mapping[int, str]) -> dict[str, object]:
    return {
        "version": step.number,
        "at": in_local_time(step.at),
        "what": step.what,
        "frames": step.rows["frames"],
        "name": names.get(step.number),
    }


def _kept(history: History, name: str) -> dict[str, object]:
    """Return the row of a named state that is older than all steps, or in the middle of one."""
    state = history.names[name]
    commits = [history.commit(table, version) for table, version in state.items()]
    return {
        "version": history.number(state),
        "at": in_local_time(max(commit.at for commit in commits)),
        "what": "kept",
        "frames": history.commit("frames", state["frames"]).rows,
        "name": name,
    }


def keep(store: Store, name: str, at: At | None = None) -> int:
    """Name a state and return its number. Named states can be opened by name and are never deleted.

    Raises UsageError if the name is taken or could mean something else.
    """
    history = store.history()
    if checked_name(name) in history.names:
        raise UsageError(
            f'a version named "{name}" already exists',
            hint=f"remove the name first: animeds versions --forget {name}",
        )
    state = history.now() if at is None else history.resolve(at)
    store.expect_writable()
    for table in _tagged_last_first(store):
        with write_errors(store.uri):
            tags = store.table(table).tags
            if name in tags.list():  # left by an interrupted run
                tags.delete(name)
            tags.create(name, state[table])
    return history.number(state)


def forget(store: Store, name: str) -> None:
    """Remove a state's name. Raises UsageError if no state has that name."""
    names = store.history().names
    if name not in names:
        raise UsageError(
            f'there is no version named "{name}"',
            hint="names: " + ", ".join(names) if names else "no version has a name",
        )
    store.expect_writable()
    for table in reversed(list(_tagged_last_first(store))):
        with write_errors(store.uri):
            tags = store.table(table).tags
            if name in tags.list():
                tags.delete(name)


def _tagged_last_first(store: Store) -> Iterator[str]:
    """Yield the tables with `sources` last, because a name is valid only if that table has it."""
    return reversed(store.names())

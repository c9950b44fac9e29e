"""The history of a database: the versions of all its tables on one timeline.

Each commit of each table is a version of the database. Its number is the sum of the version numbers of its
tables: it grows by one with each commit, and does not change when older versions are deleted.
The state at a given time is, for every table, the newest version that is not after that time.
"""

from __future__ import annotations

import datetime
import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from animeds_db.errors import StoreError, UsageError
from animeds_db.store.location import Location, read_errors

At = int | str | datetime.datetime
"""A version's number or name, a time (aware, or else local), an age ("3d"), or an exported folder."""
Versions = Mapping[str, int]
"""The version number of each table."""

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)(?:\s+ago)?")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
MANIFEST_NAME = "animeds-export.json"
SKEW = datetime.timedelta(minutes=5)
"""Maximum difference between the clocks of two machines that write to the same database."""
_LIST = "`animeds versions` lists the versions"


@dataclass(frozen=True)
class Commit:
    """One version of one table: when it was written (aware, UTC), and its size at that time."""

    table: str
    version: int
    at: datetime.datetime
    rows: int
    pieces: int
    n_bytes: int


class History:
    """The commits of every table, oldest first, and the named states."""

    def __init__(
        self, commits: Mapping[str, Sequence[Commit]], names: Mapping[str, Versions], uri: str
    ) -> None:
        self._commits = commits
        self.names = names
        """Named states, with the versions of their tables."""
        self._uri = uri

    @classmethod
    def of(cls, location: Location, tables: Sequence[str]) -> History:
        """Read the history of these tables. The first of them must be the one that is written last."""
        commits = {name: _commits(location, name) for name in tables}
        tags = {name: _tags(location, name) for name in tables}
        named = {
            tag: {name: tags[name].get(tag, commits[name][0].version) for name in tables}
            for tag in tags[tables[0]]
        }
        return cls(commits, named, location.uri)

    @property
    def since(self) -> datetime.datetime:
        """The time of the oldest complete state. Earlier ones were deleted or never existed."""
        first = [commits[0] for commits in self._commits.values()]
        made = next(iter(self._commits.values()))[0].at
        return max([made, *(commit.at for commit in first if commit.version > 1)])

    def now(self) -> Versions:
        """Return the newest state."""
        return {name: commits[-1].version for name, commits in self._commits.items()}

    def of_table(self, table: str) -> Sequence[Commit]:
        """Return a table's commits, oldest first."""
        return self._commits[table]

    def commit(self, table: str, version: int) -> Commit:
        """Return the commit that created a version of a table."""
        return next(commit for commit in self._commits[table] if commit.version == version)

    def commits(self) -> list[Commit]:
        """Return the commits after `since`, oldest first."""
        order = list(self._commits)[::-1]
        later = [commit for commits in self._commits.values() for commit in commits if commit.at > self.since]
        return sorted(later, key=lambda c: (c.at, order.index(c.table), c.version))

    def states(self) -> Iterator[tuple[int, Commit | None, Versions]]:
        """Yield each state, oldest first: its number, the commit that created it, and its versions."""
        state = dict(self.at_time(self.since))
        yield self.number(state), None, dict(state)
        for commit in self.commits():
            state[commit.table] = commit.version
            yield self.number(state), commit, dict(state)

    def number(self, versions: Versions) -> int:
        """Return a state's number."""
        return sum(versions.values())

    def resolve(self, at: At) -> Versions:
        """Return the state for `at`. Raises UsageError if it is not valid, StoreError if the state was deleted."""
        if isinstance(at, int):
            return self._numbered(at)
        if isinstance(at, datetime.datetime):
            return self._timed(at.astimezone(datetime.UTC))
        text = at.strip()
        if text.isdecimal():
            return self._numbered(int(text))
        if text in self.names:
            return self.names[text]
        if (Path(text) / MANIFEST_NAME).is_file():
            return self._exported(Path(text))
        return self._timed(moment(text))

    def _numbered(self, wanted: int) -> Versions:
        for number, _, versions in self.states():
            if number == wanted:
                return versions
        for versions in self.names.values():
            if self.number(versions) == wanted:
                return versions
        oldest, newest = next(self.states())[0], self.number(self.now())
        if wanted > newest:
            raise UsageError(f"version {wanted} does not exist: the newest is {newest}", hint=_LIST)
        raise StoreError(
            f"{self._uri}: version {wanted} was deleted; the oldest one left is {oldest}",
            hint=f"{_LIST}; `animeds versions --keep NAME` keeps a version permanently",
        )

    def _timed(self, time: datetime.datetime) -> Versions:
        if time > datetime.datetime.now(datetime.UTC) + SKEW:
            raise UsageError(f"{in_local_time(time)} is in the future", hint=_LIST)
        if time < self.since:
            raise StoreError(
                f"{self._uri}: {in_local_time(time)} is before the oldest version, {in_local_time(self.since)}",
                hint=f"{_LIST}; `animeds versions --keep NAME` keeps a version permanently",
            )
        return self.at_time(time)

    def at_time(self, time: datetime.datetime) -> Versions:
        """Return each table's newest version that is not after this time. A table created later is still empty."""
        state = {}
        for name, commits in self._commits.items():
            after = bisect_right([commit.at for commit in commits], time)
            state[name] = commits[max(0, after - 1)].version
        return state

    def _exported(self, folder: Path) -> Versions:
        try:
            selection = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))["selection"]
            versions, database = selection["versions"], selection["database"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{folder / MANIFEST_NAME} does not record the versions that it was exported from"
            ) from error
        if database and Location(database).uri != self._uri and _is_there(database):
            raise UsageError(
                f"{folder} was exported from {database}, not from {self._uri}", hint=f"use --db '{database}'"
            )
        known = {name: {commit.version for commit in commits} for name, commits in self._commits.items()}
        gone = [name for name, version in versions.items() if version not in known.get(name, ())]
        if gone:
            raise StoreError(
                f"{self._uri}: the versions that {folder} was exported from were deleted ({', '.join(gone)})",
                hint=f"use `animeds rebuild '{folder}' OUT`, which needs only the episodes",
            )
        return {name: versions.get(name, commits[0].version) for name, commits in self._commits.items()}


def moment(text: str) -> datetime.datetime:
    """Return the time written as "2026-07-01", "2026-07-01 14:30", "2026-07-01T14:30Z" or "3d" (ago).

    A time without a zone is local. Raises UsageError.
    """
    found = _AGO.fullmatch(text)
    if found:
        ago = datetime.timedelta(seconds=float(found[1]) * _SECONDS[found[2]])
        return datetime.datetime.now(datetime.UTC) - ago
    try:
        return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f'"{text}" is not a version, a time or an exported folder',
            hint='for example --at 123, --at "2026-07-01 14:30", --at 2h; `animeds versions` lists them',
        ) from None


def span(text: str) -> datetime.timedelta:
    """Return the length of time written as "7d" or "12h". Raises UsageError."""
    found = _AGO.fullmatch(text.strip())
    if not found:
        raise UsageError(f'"{text}" is not a valid length of time', hint="for example 7d, 12h or 90m")
    return datetime.timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def in_local_time(time: datetime.datetime) -> str:
    """Return a time as local text, rounded up to the second, so that `--at` with it finds the same state."""
    up = time + datetime.timedelta(microseconds=-time.microsecond % 1_000_000)
    return up.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def checked_name(name: str) -> str:
    """Return the name if it can name a state. Raises UsageError if it could mean something else."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{name}" is not a valid name for a version',
            hint="use a letter, then letters, digits, . - and _",
        )
    return name


def _commits(location: Location, name: str) -> list[Commit]:
    with read_errors(location.table(name)):
        versions = sorted(location.dataset(name).versions(), key=lambda v: int(v["version"]))
    commits: list[Commit] = []
    for version in versions:
        about = version["metadata"]
        at = version["timestamp"].astimezone(datetime.UTC)  # Lance returns local time
        commits.append(
            Commit(
                name,
                int(version["version"]),
                max(at, commits[-1].at) if commits else at,  # the clock of another machine may be behind
                int(about["total_rows"]),
                int(about["total_fragments"]),
                int(about["total_files_size"]),
            )
        )
    return commits


def _tags(location: Location, name: str) -> dict[str, int]:
    with read_errors(location.table(name)):
        return {tag: int(about["version"]) for tag, about in location.dataset(name).tags.list().items()}


def _is_there(uri: str) -> bool:
    try:
        return Location(uri).has_table("sources")
    except StoreError:
        return False

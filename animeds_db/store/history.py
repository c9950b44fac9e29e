"""What the database was, and when: the versions of all its tables on one line of time.

Each commit of each table is a version of the database. Its number is the sum of the numbers of its tables'
versions: it grows by one with each commit, and stays what it is when older versions are cleaned away.
The state at some time is, for every table, the newest version that is not after it.
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
from animeds_db.store.location import Place, read_errors

At = int | str | datetime.datetime
"""A version's number, its name, a time (aware, or local), how long ago ("3d"), or a folder that was exported."""
Versions = Mapping[str, int]
"""The version of each table."""

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)(?:\s+ago)?")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
MANIFEST_NAME = "animeds-export.json"
SKEW = datetime.timedelta(minutes=5)
"""How far the clocks of two machines that write may differ."""
_LIST = "`animeds versions` lists what is there"


@dataclass(frozen=True)
class Commit:
    """One version of one table: when it was written (aware, UTC), and what the table then held."""

    table: str
    version: int
    at: datetime.datetime
    rows: int
    pieces: int
    n_bytes: int


class History:
    """The commits of every table, oldest first, and the states that were given names."""

    def __init__(
        self, commits: Mapping[str, Sequence[Commit]], names: Mapping[str, Versions], uri: str
    ) -> None:
        self._commits = commits
        self.names = names
        """Named states, with the versions of their tables."""
        self._uri = uri

    @classmethod
    def of(cls, place: Place, tables: Sequence[str]) -> History:
        """Read the history of these tables of a database; the first of them is the last to be written."""
        commits = {name: _commits(place, name) for name in tables}
        tags = {name: _tags(place, name) for name in tables}
        named = {
            tag: {name: tags[name].get(tag, commits[name][0].version) for name in tables}
            for tag in tags[tables[0]]
        }
        return cls(commits, named, place.uri)

    @property
    def since(self) -> datetime.datetime:
        """The time from which on every state is here; what was before was cleaned away, or never was."""
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
        """Return the commit that made a version of a table."""
        return next(commit for commit in self._commits[table] if commit.version == version)

    def commits(self) -> list[Commit]:
        """Return the commits after `since`, oldest first."""
        order = list(self._commits)[::-1]
        later = [commit for commits in self._commits.values() for commit in commits if commit.at > self.since]
        return sorted(later, key=lambda c: (c.at, order.index(c.table), c.version))

    def states(self) -> Iterator[tuple[int, Commit | None, Versions]]:
        """Yield the number and the versions of each state, oldest first, and the commit that made it."""
        state = dict(self.at_time(self.since))
        yield self.number(state), None, dict(state)
        for commit in self.commits():
            state[commit.table] = commit.version
            yield self.number(state), commit, dict(state)

    def number(self, versions: Versions) -> int:
        """Return a state's number."""
        return sum(versions.values())

    def resolve(self, at: At) -> Versions:
        """Return the state that is meant. Raises UsageError for what is none, StoreError for one that is gone."""
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
            raise UsageError(f"there is no version {wanted}: the newest is {newest}", hint=_LIST)
        raise StoreError(
            f"{self._uri}: version {wanted} is not here any more; what is here begins with {oldest}",
            hint=f"{_LIST}; `animeds versions --keep NAME` keeps one for good",
        )

    def _timed(self, time: datetime.datetime) -> Versions:
        if time > datetime.datetime.now(datetime.UTC) + SKEW:
            raise UsageError(f"{told(time)} lies in the future", hint=_LIST)
        if time < self.since:
            raise StoreError(
                f"{self._uri}: what is here begins on {told(self.since)}; {told(time)} is before that",
                hint=f"{_LIST}; `animeds versions --keep NAME` keeps one for good",
            )
        return self.at_time(time)

    def at_time(self, time: datetime.datetime) -> Versions:
        """Return the newest version of each table that is not after this time; one made later is yet empty."""
        state = {}
        for name, commits in self._commits.items():
            place = bisect_right([commit.at for commit in commits], time)
            state[name] = commits[max(0, place - 1)].version
        return state

    def _exported(self, folder: Path) -> Versions:
        try:
            selection = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))["selection"]
            versions, database = selection["versions"], selection["database"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{folder / MANIFEST_NAME} does not tell which versions it is from") from error
        if database and Place(database).uri != self._uri and _is_there(database):
            raise UsageError(
                f"{folder} was exported from {database}, not from {self._uri}", hint=f"--db '{database}'"
            )
        known = {name: {commit.version for commit in commits} for name, commits in self._commits.items()}
        gone = [name for name, version in versions.items() if version not in known.get(name, ())]
        if gone:
            raise StoreError(
                f"{self._uri}: the versions that {folder} was exported from were cleaned away ({', '.join(gone)})",
                hint=f"`animeds rebuild '{folder}' OUT` needs only the episodes",
            )
        return {name: versions.get(name, commits[0].version) for name, commits in self._commits.items()}


def moment(text: str) -> datetime.datetime:
    """Return the time that words mean: "2026-07-01", "2026-07-01 14:30", "2026-07-01T14:30Z", "3d" (ago).

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
            f'"{text}" is no version, no time and no exported folder',
            hint='for example --at 123, --at "2026-07-01 14:30", --at 2h; `animeds versions` lists them',
        ) from None


def span(text: str) -> datetime.timedelta:
    """Return how long words mean: "7d", "12h". Raises UsageError."""
    found = _AGO.fullmatch(text.strip())
    if not found:
        raise UsageError(f'"{text}" is no length of time', hint="for example 7d, 12h or 90m")
    return datetime.timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def told(time: datetime.datetime) -> str:
    """Return a time in local words, to the second, rounded up: `--at` finds again what it speaks of."""
    up = time + datetime.timedelta(microseconds=-time.microsecond % 1_000_000)
    return up.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def checked_name(name: str) -> str:
    """Return a name for a state. Raises UsageError for one that could be meant as something else."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{name}" cannot name a version', hint="a letter, then letters, digits, points, - and _"
        )
    return name


def _commits(place: Place, name: str) -> list[Commit]:
    with read_errors(place.table(name)):
        versions = sorted(place.dataset(name).versions(), key=lambda v: int(v["version"]))
    commits: list[Commit] = []
    for version in versions:
        about = version["metadata"]
        at = version["timestamp"].astimezone(datetime.UTC)  # Lance gives local time
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


def _tags(place: Place, name: str) -> dict[str, int]:
    with read_errors(place.table(name)):
        return {tag: int(about["version"]) for tag, about in place.dataset(name).tags.list().items()}


def _is_there(uri: str) -> bool:
    try:
        return Place(uri).has_table("sources")
    except StoreError:
        return False

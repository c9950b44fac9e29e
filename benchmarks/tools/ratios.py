"""Ratios of our time to that of what we are compared with: those of this run beside those committed.

Lower is better in every row. A row is worse when its ratio is more than SLACK above the committed one in each of
ROUNDS rounds: one slow round may be another program's fault.
"""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.timing import table

SLACK = 0.25
"""Share by which a ratio may be above the committed one: what medians of ratios differ by on a quiet machine."""
ROUNDS = 3

HEAD = """\
# Our time divided by that of what it is compared with, so lower is better. `make bench` fails when a ratio is more
# than 25 % above the one here in three rounds. `python benchmarks/run.py --commit` writes the ratios of a run here.
"""

Committed = Mapping[str, Mapping[str, float]]
"""Section → row → ratio."""


@dataclass(frozen=True)
class Section:
    """A section of the report: its text, and the ratio of each row that is compared with the committed one."""

    text: str
    ratios: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text


def joined(*sections: Section) -> Section:
    """Return several sections as one."""
    ratios = {name: ratio for section in sections for name, ratio in section.ratios.items()}
    return Section("\n\n".join(section.text for section in sections), ratios)


@dataclass(frozen=True)
class Row:
    """One row of one section: the committed ratio (None: there is none yet), and one ratio for each round."""

    section: str
    name: str
    committed: float | None
    rounds: tuple[float, ...]

    @property
    def is_suspect(self) -> bool:
        """True if no round so far was good enough. A row that the benchmark no longer has is suspect, too."""
        return self.committed is not None and all(r > self.committed * (1 + SLACK) for r in self.rounds)

    @property
    def is_worse(self) -> bool:
        """True if the row was measured often enough and never was good enough, or is no longer measured."""
        return self.is_suspect and (len(self.rounds) >= ROUNDS or not self.rounds)


def read(path: Path) -> Committed:
    """Return the committed ratios."""
    return tomllib.loads(path.read_text("utf-8"))


def write(path: Path, ratios: Committed) -> None:
    """Write ratios with three significant digits, in the order of their sections and rows."""
    parts = [HEAD]
    for section, rows in ratios.items():
        lines = [f"{json.dumps(name, ensure_ascii=False)} = {value:.3g}" for name, value in rows.items()]
        parts.append("\n".join([f"[{section}]", *lines]) + "\n")
    path.write_text("\n".join(parts), "utf-8")


def compared(committed: Committed, measured: Mapping[str, Sequence[Section]]) -> list[Row]:
    """Return the rows of the sections that were measured; `measured` has a Section for each round."""
    rows = []
    for section, rounds in measured.items():
        known = committed.get(section, {})
        for name in dict.fromkeys([*known, *(name for one in rounds for name in one.ratios)]):
            found = tuple(one.ratios[name] for one in rounds if name in one.ratios)
            rows.append(Row(section, name, known.get(name), found))
    return rows


def measured_in_rounds(
    names: Sequence[str],
    measure: Callable[[str], str | Section],
    committed: Committed,
    *,
    limit_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[dict[str, list[Section]], list[Row]]:
    """Measure each section once, and those that look worse up to ROUNDS times; return the sections and the rows.

    No further round begins that would end after limit_s seconds, as long as a section takes as long as before.
    """
    began = clock()
    measured: dict[str, list[Section]] = {}
    took: dict[str, float] = {}

    def measure_once(name: str) -> None:
        start = clock()
        found = measure(name)
        section = found if isinstance(found, Section) else Section(found)
        measured.setdefault(name, []).append(section)
        took[name] = clock() - start
        print(section, flush=True)

    def has_time(name: str) -> bool:
        return clock() - began + took[name] < limit_s

    for name in names:
        measure_once(name)
    rows = compared(committed, measured)
    while again := [name for name in suspects(rows) if has_time(name)]:
        measure_once(again[0])
        rows = compared(committed, measured)
    return measured, rows


def suspects(rows: Sequence[Row]) -> list[str]:
    """Return the sections that another round could clear, in order."""
    return list(dict.fromkeys(row.section for row in rows if row.is_suspect and not row.is_worse))


def verdict(rows: Sequence[Row]) -> str:
    """Return a table of the rows that got worse, and sentences about those that are new or not decided."""
    worse = [row for row in rows if row.is_worse]
    undecided = [row for row in rows if row.is_suspect and not row.is_worse]
    new = [row for row in rows if row.committed is None]
    lines = [f"## Ratios: {len(rows) - len(new)} compared with the committed ones"]
    if worse:
        cells = [[row.section, row.name, f"{row.committed:.3g}", _told(row)] for row in worse]
        lines.append(f"**Worse by more than {SLACK:.0%} in {ROUNDS} rounds, or missing:**")
        lines.append(table(["section", "row", "committed", "measured"], cells))
    else:
        lines.append(f"None is worse by more than {SLACK:.0%} in {ROUNDS} rounds.")
    if undecided:
        names = "; ".join(f"{row.section}: {row.name} ({_told(row)})" for row in undecided)
        sections = " ".join(suspects(undecided))
        lines.append(
            f"Worse so far, but there was no time for {ROUNDS} rounds: {names}. "
            f"Run `python benchmarks/run.py {sections}`."
        )
    if new:
        lines.append(
            "Not committed yet: " + "; ".join(f"{row.section}: {row.name} ({_told(row)})" for row in new)
        )
    return "\n\n".join(lines)


def _told(row: Row) -> str:
    return ", ".join(f"{ratio:.3g}" for ratio in row.rounds) or "not measured"


def merged(committed: Committed, rows: Sequence[Row]) -> Committed:
    """Return the committed ratios with those of this run: the median of a row's rounds. Other sections stay."""
    new: dict[str, dict[str, float]] = {name: dict(old) for name, old in committed.items()}
    for section in {row.section for row in rows}:
        new[section] = {}
    for row in rows:
        if row.rounds:
            new[row.section][row.name] = sorted(row.rounds)[len(row.rounds) // 2]
    return {name: found for name, found in new.items() if found}

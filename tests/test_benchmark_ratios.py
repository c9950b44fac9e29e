"""`make bench` fails when a ratio got worse than the committed one in three rounds, and only then."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools.ratios import (
    ROUNDS,
    SLACK,
    Row,
    Section,
    compared,
    measured_in_rounds,
    merged,
    read,
    verdict,
    write,
)

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
COMMITTED = {"ingest": {"÷ ffmpeg": 1.0, "÷ the seed": 0.07}, "tags": {"÷ files": 0.02}}


def sections(**ratios: list[float]) -> Callable[[str], Section]:
    """Return a measurement that gives the ratios of `÷ ffmpeg` and `÷ files` one after the other."""
    names = {"ingest": "÷ ffmpeg", "tags": "÷ files"}
    rest: dict[str, Iterator[float]] = {name: iter(values) for name, values in ratios.items()}

    def measure(name: str) -> Section:
        more = {"÷ the seed": 0.07} if name == "ingest" else {}
        return Section(f"## {name}", {names[name]: next(rest[name]), **more})

    return measure


def run(measure: Callable[[str], Section], *, limit_s: float = 1e9, seconds: float = 1.0) -> list[Row]:
    """Measure both sections with a clock that moves on by `seconds` each time it is read."""
    times = iter(range(10_000))
    _, rows = measured_in_rounds(
        ["ingest", "tags"], measure, COMMITTED, limit_s=limit_s, clock=lambda: next(times) * seconds
    )
    return rows


def test_a_ratio_within_the_slack_is_measured_once_and_is_not_worse() -> None:
    rows = run(sections(ingest=[1.0 + SLACK], tags=[0.001]))
    assert [(row.name, row.rounds) for row in rows] == [
        ("÷ ffmpeg", (1.25,)),
        ("÷ the seed", (0.07,)),
        ("÷ files", (0.001,)),
    ]
    assert not any(row.is_suspect or row.is_worse for row in rows)
    assert "None is worse by more than 25%" in verdict(rows)


def test_one_good_round_of_three_clears_a_ratio() -> None:
    rows = run(sections(ingest=[2.0, 1.9, 1.1], tags=[0.02]))
    assert rows[0].rounds == (2.0, 1.9, 1.1) and not rows[0].is_worse


def test_a_ratio_that_is_worse_in_three_rounds_fails_and_is_shown_with_all_of_them() -> None:
    rows = run(sections(ingest=[2.0, 1.9, 1.8], tags=[0.02]))
    assert [row.name for row in rows if row.is_worse] == ["÷ ffmpeg"]
    assert "| ingest | ÷ ffmpeg | 1 | 2, 1.9, 1.8 |" in verdict(rows)


def test_without_time_for_three_rounds_nothing_fails_and_the_command_for_more_is_named() -> None:
    rows = run(sections(ingest=[2.0, 1.9, 1.8], tags=[0.02]), limit_s=12, seconds=2.0)
    assert len(rows[0].rounds) < ROUNDS and rows[0].is_suspect and not rows[0].is_worse
    assert "Run `python benchmarks/run.py ingest`." in verdict(rows)


def test_a_row_that_is_no_longer_measured_fails_and_a_new_one_is_only_named() -> None:
    rows = compared({"tags": {"÷ files": 0.02}}, {"tags": [Section("", {"÷ a new peer": 3.0})]})
    assert [(row.name, row.is_worse) for row in rows] == [("÷ files", True), ("÷ a new peer", False)]
    told = verdict(rows)
    assert "| tags | ÷ files | 0.02 | not measured |" in told
    assert "Not committed yet: tags: ÷ a new peer (3)" in told


def test_committed_ratios_are_the_medians_of_the_rounds_and_other_sections_stay(tmp_path: Path) -> None:
    name = 'sql "SELECT 1" ÷ files'
    rows = compared(COMMITTED, {"tags": [Section("", {name: r}) for r in (0.0412345, 0.02, 0.05)]})
    write(tmp_path / "expected.toml", merged(COMMITTED, rows))
    found = read(tmp_path / "expected.toml")
    assert found == {"ingest": COMMITTED["ingest"], "tags": {name: 0.0412}}


@pytest.mark.source_tree
def test_make_bench_can_start_and_every_committed_section_is_one_that_it_measures() -> None:
    sections = runpy.run_path(str(BENCHMARKS / "run.py"))["SECTIONS"]
    committed = read(BENCHMARKS / "expected.toml")
    assert committed and set(committed) <= set(sections)
    assert all(0 < ratio < 100 for rows in committed.values() for ratio in rows.values())

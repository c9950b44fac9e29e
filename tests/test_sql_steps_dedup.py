"""The statements of sql/steps/dedup, over a few rows each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sqlrows import (
    Database,
    columns,
    frame,
    frame_id,
)


@pytest.mark.sql("steps/dedup/block_vectors.sql")
def test_the_vectors_of_a_range_of_frames() -> None:
    found = Database(frames=[frame(n, embedder="e@1") for n in range(4)])
    rows = found.step("dedup/block_vectors.sql", {"first": frame_id(1), "last": frame_id(2)})
    assert sorted(r["frame_id"] for r in rows) == [frame_id(1), frame_id(2)]


@pytest.mark.sql("steps/dedup/keeper_rank.sql")
def test_the_best_frame_of_a_group_has_the_lowest_rank() -> None:
    blank: dict[str, Any] = {"is_blank": True, "text_upper": 0.0, "text_lower": 0.0, "sharpness": 99.0}
    clear = blank | {"is_blank": False}
    frames = [
        frame(0, **blank),
        frame(1, **clear | {"text_lower": 0.5}),
        frame(2, **clear | {"sharpness": 5.0}),
        frame(3, **clear),
        frame(4, **clear | {"width": 2000}),
    ]
    rows = Database(frames=frames).step("dedup/keeper_rank.sql")
    assert [r["frame_id"] for r in sorted(rows, key=lambda r: r["rank"])] == [
        frame_id(n) for n in (4, 3, 2, 1, 0)
    ]


EDGES = columns(better=[1, 2, 3], worse=[2, 3, 4])


@pytest.mark.sql("steps/dedup/leaders_round.sql")
@pytest.mark.sql("steps/dedup/leaders.sql")
def test_a_chain_of_near_duplicates_is_cut_into_groups_around_leaders() -> None:
    rows = Database().step("dedup/leaders_round.sql", edges=EDGES, open=columns(rank=[1, 2, 3, 4]))
    assert sorted((r["rank"], r["leads"]) for r in rows) == [(1, True), (2, False)]
    decided = columns(rank=[1, 2, 3, 4], leads=[True, False, True, False])
    rows = Database().step("dedup/leaders.sql", edges=EDGES, decided=decided)
    assert [(r["rank"], r["leader"]) for r in rows] == [(1, 1), (2, 1), (3, 3), (4, 3)]


@pytest.mark.sql("steps/dedup/phash_pairs.sql")
def test_pairs_of_hashes_that_differ_in_few_bits() -> None:
    hashed = columns(row=[1, 2, 3, 4], phash=pa.array([0, 1, 7, 0], pa.int64()))
    rows = Database().step("dedup/phash_pairs.sql", {"distance": 1}, hashed=hashed)
    assert [(r["a"], r["b"]) for r in rows] == [(1, 2), (1, 4)]


@pytest.mark.sql("steps/dedup/duplicate_rows.sql")
def test_groups_of_two_or_more_with_the_keeper_first() -> None:
    given = {
        "decided_frames": columns(rank=[1, 2, 3, 4], leader=[1, 1, 1, 4]),
        "names": columns(rank=[1, 2, 3, 4], frame_id=["a", "b", "c", "d"], source_id=["s"] * 4),
        "similar_frames": columns(
            better=[1, 1], worse=[2, 3], cosine=[0.5, float("nan")], by_phash=[False, True]
        ),
    }
    rows = Database().step("dedup/duplicate_rows.sql", {"parameters": "{}"}, **given)
    assert [(r["frame_id"], r["group_id"], r["keeper"], r["similarity"], r["reason"]) for r in rows] == [
        ("a", "a", True, 1.0, "keeper"),
        ("b", "a", False, 0.5, "embedding"),
        ("c", "a", False, None, "phash"),
    ]


def two_episodes() -> pa.Table:
    """Frames of two sources: a second each, two per shot. Rows 0 to 19 and 20 to 39."""
    seconds = [float(n) for n in range(20)]
    return columns(
        row=list(range(40)),
        source_id=["a"] * 20 + ["b"] * 20,
        shot=[int(s) // 2 for s in seconds] * 2,
        time_s=seconds * 2,
        season=[1] * 40,
        episode=[1] * 20 + [2] * 20,
    )


@pytest.mark.sql("steps/dedup/matching_stretches.sql")
@pytest.mark.sql("steps/dedup/shared_runs.sql")
def test_an_opening_that_two_episodes_share() -> None:
    found = Database()
    given = {"frames": two_episodes()}
    matches = columns(a=list(range(2, 8)), b=list(range(22, 28)))
    stretches = found.step("dedup/matching_stretches.sql", {"gap_s": 2.0}, matches=matches, **given)
    assert {(r["source_id"], r["other"]) for r in stretches} == {("a", "b"), ("b", "a")}
    assert sorted(r["time_s"] for r in stretches if r["source_id"] == "a") == [2, 3, 4, 5, 6, 7]
    runs = found.step(
        "dedup/shared_runs.sql", {"min_s": 4.0}, stretches=pa.Table.from_pylist(stretches), **given
    )
    assert [(r["source_id"], r["kind"], r["first_shot"], r["last_shot"], r["shared_with"]) for r in runs] == [
        ("a", "opening", 1, 3, ["b"]),
        ("b", "opening", 1, 3, ["a"]),
    ]
    nothing = found.step(
        "dedup/shared_runs.sql", {"min_s": 9.0}, stretches=pa.Table.from_pylist(stretches), **given
    )
    assert nothing == []

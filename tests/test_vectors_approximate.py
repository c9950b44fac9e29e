"""The approximate join gives true pairs only, and says how many it misses."""

from __future__ import annotations

import numpy as np
import pytest
from planted import planted
from similarity_reference import Matrix, all_cosines

from animeds_db.errors import UsageError
from animeds_db.vectors import (
    Pairs,
    approximate_between,
    approximate_pairs,
    similar_between,
    similar_pairs,
    similarity_index,
)


@pytest.fixture(scope="module")
def show() -> Matrix:
    return planted(4000, 64, scene=80)


def keys(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))


@pytest.mark.parametrize("visits", [1, 2, 6])
def test_the_recall_told_is_close_to_the_true_one(show: Matrix, visits: int) -> None:
    true = keys(similar_pairs(show, 0.95))
    got = approximate_pairs(show, 0.95, visits=visits, cells=150, sample_rows=2000)
    found = keys(got.pairs)
    assert len(found) == len(got.pairs)  # no pair twice
    assert found <= true
    assert got.recall.estimate is not None and got.recall.pairs > 500 and got.recall.rows == 2000
    assert got.recall.low <= len(found) / len(true)
    assert abs(got.recall.estimate - len(found) / len(true)) < 0.02


def test_more_visits_find_more_until_all_are_found(show: Matrix) -> None:
    index = similarity_index(show, 0.95, components=32, cells=60)
    counts = [
        len(approximate_pairs(show, 0.95, visits=v, index=index, sample_rows=50).pairs) for v in (1, 3, 60)
    ]
    assert counts[0] < counts[1] <= counts[2] == len(similar_pairs(show, 0.95))


def test_pairs_are_sorted_with_their_exact_cosine(show: Matrix) -> None:
    pairs = approximate_pairs(show[:2000], 0.95, cells=40).pairs
    assert (pairs.a < pairs.b).all()
    assert (np.diff(pairs.a * 2000 + pairs.b) > 0).all()
    np.testing.assert_array_equal(pairs.cosine, all_cosines(show[:2000], show[:2000])[pairs.a, pairs.b])


def test_a_set_without_pairs_has_no_recall_to_tell() -> None:
    got = approximate_pairs(np.eye(300, dtype=np.float32), 0.9, cells=10)
    assert len(got.pairs) == 0
    assert got.recall.estimate is None


def test_few_rows_and_unusable_rows_are_joined_like_any_others() -> None:
    assert len(approximate_pairs(np.ones((1, 4)), 0.5).pairs) == 0
    x = np.ones((4, 3), np.float32)
    x[1] = np.nan
    got = approximate_pairs(x, 0.5)
    assert keys(got.pairs) == {(0, 2), (0, 3), (2, 3)}
    assert got.recall.estimate == 1.0


def test_bad_arguments_are_refused(show: Matrix) -> None:
    with pytest.raises(UsageError, match="visits and sample_rows must be 1 or more, not 0 and 1000"):
        approximate_pairs(show, 0.9, visits=0)
    with pytest.raises(UsageError, match="between 0 and 1"):
        approximate_pairs(show, 1.5)


@pytest.mark.parametrize("visits", [1, 3, 150])
def test_between_two_sets_the_recall_told_is_close_to_the_true_one(show: Matrix, visits: int) -> None:
    queries, itself = show[1000:1600], np.arange(1000, 1600)
    pairs = similar_between(queries, show, 0.95)
    true = {pair for pair in keys(pairs) if pair[0] + 1000 != pair[1]}
    got = approximate_between(queries, show, 0.95, itself=itself, visits=visits, cells=150, sample_rows=300)
    found = keys(got.pairs)
    assert len(found) == len(got.pairs) and found <= true
    assert visits < 150 or found == true
    assert got.recall.estimate is not None and got.recall.rows == 300
    assert got.recall.low <= len(found) / len(true)
    assert abs(got.recall.estimate - len(found) / len(true)) < 0.05


def test_a_few_queries_are_compared_without_an_index_and_give_the_same_pairs(show: Matrix) -> None:
    expected = all_cosines(show[:5], show) >= np.float32(0.95)
    a, b = np.nonzero(expected)
    assert keys(similar_between(show[:5], show, 0.95)) == set(zip(a.tolist(), b.tolist(), strict=True))
    for queries in (show[:0], np.full((2, 64), np.nan)):
        assert len(approximate_between(queries, show, 0.95).pairs) == 0
    with pytest.raises(UsageError, match="queries has vectors of width 3"):
        approximate_between(np.ones((1, 3)), show, 0.95)

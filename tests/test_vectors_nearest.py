"""The nearest rows are the true ones, in the right order, ties by row number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import planted
from similarity_reference import Matrix, all_cosines, matrices

from animeds_db.errors import UsageError
from animeds_db.vectors import Nearest, nearest, normalise


def by_sorting(queries: Matrix, x: Matrix, k: int) -> Nearest:
    """Return the answer from all cosines, sorted."""
    cosine = all_cosines(queries, x)
    ranked = np.argsort(np.where(np.isnan(cosine), np.inf, -cosine), axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(cosine, ranked, axis=1)
    short = k - ranked.shape[1]
    rows = np.pad(np.where(np.isnan(best), -1, ranked), ((0, 0), (0, short)), constant_values=-1)
    return Nearest(rows, np.pad(best, ((0, 0), (0, short)), constant_values=np.nan))


def assert_same(got: Nearest, expected: Nearest) -> None:
    np.testing.assert_array_equal(got.rows, expected.rows)
    np.testing.assert_array_equal(got.cosine, expected.cosine)


@settings(max_examples=60, deadline=None)
@given(matrices(), matrices(), st.integers(1, 12), st.integers(1, 3))
def test_the_nearest_rows_are_those_that_sorting_gives(
    queries: Matrix, x: Matrix, k: int, threads: int
) -> None:
    width = min(queries.shape[1], x.shape[1])
    queries, x = queries[:, :width], x[:, :width]
    assert_same(nearest(queries, x, k, threads=threads), by_sorting(queries, x, k))


@pytest.mark.parametrize(("queries", "k", "threads"), [(1, 5, 2), (700, 10, 2), (3, 4000, 1), (40, 1, 3)])
def test_blocks_and_threads_do_not_show_in_the_answer(queries: int, k: int, threads: int) -> None:
    x = planted(3500, 64)
    got = nearest(x[:queries], x, k, threads=threads)
    assert_same(got, by_sorting(x[:queries], x, k))
    assert (got.rows[:, 0] == np.arange(queries)).mean() > 0.99  # itself, unless an equal one came before


def test_vectors_already_of_unit_length_give_the_same_rows() -> None:
    x = planted(2000, 64)
    x[7] = 0
    x[8, 3] = np.nan
    plain = nearest(x[:50], x, 3)
    ready = nearest(normalise(x[:50]), normalise(x), 3)
    np.testing.assert_array_equal(ready.rows, plain.rows)
    np.testing.assert_allclose(ready.cosine, plain.cosine, atol=1e-6)
    assert (plain.rows[[7, 8]] == -1).all()


def test_among_equal_rows_the_lower_number_comes_first() -> None:
    x = np.tile(np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32), (1500, 1))
    got = nearest(x[:3], x, 4, threads=2)
    np.testing.assert_array_equal(got.rows, [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]])


def test_more_neighbours_than_rows_are_filled_up_with_none() -> None:
    got = nearest(np.eye(2, 3), np.eye(2, 3), 4)
    np.testing.assert_array_equal(got.rows, [[0, 1, -1, -1], [1, 0, -1, -1]])
    np.testing.assert_array_equal(got.cosine, [[1, 0, np.nan, np.nan]] * 2)


def test_no_queries_and_no_rows_are_fine() -> None:
    assert nearest(np.zeros((0, 3)), np.eye(3), 2).rows.shape == (0, 2)
    assert (nearest(np.eye(3), np.zeros((0, 3)), 2).rows == -1).all()


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="k must be 1 or more, not 0"):
        nearest(np.eye(3), np.eye(3), 0)
    with pytest.raises(UsageError, match="queries has vectors of width 2, x of width 3"):
        nearest(np.eye(2), np.eye(3), 1)
    with pytest.raises(UsageError, match="1 dimension"):
        nearest(np.ones(3), np.eye(3), 1)
    with pytest.raises(UsageError, match="too small for 3 queries with 1 neighbours") as refused:
        nearest(np.eye(3), np.eye(3), 1, memory_mb=0.1)
    enough = int(str(refused.value.hint).split(",")[0].removeprefix("allow at least ").removesuffix(" MB"))
    assert nearest(np.eye(3), np.eye(3), 1, memory_mb=enough).rows.tolist() == [[0], [1], [2]]


def test_progress_ends_at_all_queries() -> None:
    seen: list[tuple[int, int]] = []
    nearest(planted(1200, 16), planted(300, 16), 2, progress=lambda *now: seen.append(now), threads=2)
    assert seen[-1] == (1200, 1200)
    assert seen == sorted(seen)

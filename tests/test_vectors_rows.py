"""Unit vectors, runs of still frames, and how BLAS threads are held back."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from planted import planted
from similarity_reference import Matrix, all_cosines, matrices, thresholds
from threadpoolctl import threadpool_info, threadpool_limits

from animeds_db.errors import UsageError
from animeds_db.vectors import cosines, normalise, run_leaders, similar_pairs
from animeds_db.vectors.parallel import one_blas_thread, run_blocks


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@settings(max_examples=40, deadline=None)
@given(matrices())
def test_usable_rows_get_norm_one_and_the_others_zero(x: Matrix) -> None:
    got = normalise(x)
    assert got.unit.dtype == np.float32 and len(got) == len(x)
    np.testing.assert_array_equal(got.usable, np.isfinite(x).all(axis=1) & (x != 0).any(axis=1))
    norms = np.linalg.norm(got.unit.astype(np.float64), axis=1)
    np.testing.assert_allclose(norms, got.usable, atol=1e-6)


def test_cosines_of_a_dense_block_and_of_scattered_pairs_are_the_same() -> None:
    x = planted(400, 32)
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(60), np.arange(300), indexing="ij"))
    dense = cosines(x, a, x, b)
    scattered = np.concatenate([cosines(x, a[i : i + 1], x, b[i : i + 1]) for i in range(0, len(a), 37)])
    np.testing.assert_array_equal(scattered, dense[::37])
    np.testing.assert_array_equal(dense.reshape(60, 300), all_cosines(x[:60], x[:300]))


@settings(max_examples=60, deadline=None)
@given(matrices(max_rows=150, max_width=4), thresholds)
def test_each_row_of_a_run_is_near_its_leader_and_the_row_before(x: Matrix, threshold: float) -> None:
    near = all_cosines(x, x) >= np.float32(threshold)
    expected: list[int] = []
    for row in range(len(x)):
        goes_on = row > 0 and near[row, row - 1] and near[row, expected[-1]]
        expected.append(expected[-1] if goes_on else row)
    assert run_leaders(x, threshold).tolist() == expected


def test_a_long_still_shot_is_one_run_and_a_pan_is_cut_by_its_width() -> None:
    angle = np.concatenate([np.zeros(10_000), np.linspace(0, np.pi, 3000)])
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    leaders = run_leaders(x, 0.985)
    assert (leaders[:10_000] == 0).all()
    assert (np.diff(leaders) >= 0).all()
    assert 18 <= len(np.unique(leaders)) <= 19  # 180° in steps of arccos 0.985 = 9.9°


def test_leaders_of_runs_keep_the_pairs_of_a_still_shot_within_memory() -> None:
    x = np.concatenate([np.ones((4000, 8), np.float32), np.eye(8, dtype=np.float32)])
    with pytest.raises(UsageError, match="run_leaders|pairs"):
        similar_pairs(x, 0.985, memory_mb=32)
    leaders = np.flatnonzero(run_leaders(x, 0.99) == np.arange(len(x)))
    assert len(leaders) == 9
    assert len(similar_pairs(x[leaders], 0.985, memory_mb=32)) == 0


def test_runs_refuse_a_threshold_outside_zero_to_one() -> None:
    with pytest.raises(UsageError, match="between 0 and 1, not 2"):
        run_leaders(np.eye(3), 2)


def test_blas_has_one_thread_while_any_caller_is_inside_and_its_own_number_after() -> None:
    before = blas_threads()
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with one_blas_thread():
            inside.set()
            leave.wait(10)

    first = threading.Thread(target=hold)
    first.start()
    inside.wait(10)
    with one_blas_thread():
        assert blas_threads() == {1}
        leave.set()
        first.join()
        assert blas_threads() == {1}  # whoever came first has left: it still holds
    assert blas_threads() == before


def test_an_application_can_set_its_own_blas_threads_after_a_join() -> None:
    similar_pairs(planted(300, 16), 0.9)
    with threadpool_limits(3, user_api="blas"):
        assert blas_threads() == {3}


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_a_block_reaches_the_caller_and_frees_blas(threads: int) -> None:
    before = blas_threads()

    def work(block: int) -> int:
        if block == 4:
            raise UsageError("block 4")
        return block

    with pytest.raises(UsageError, match="block 4"):
        run_blocks(work, range(50), threads)
    assert blas_threads() == before

"""The similarity join gives exactly the pairs of a full product, however it gets them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import planted
from similarity_reference import Matrix, all_cosines, all_pairs, matrices, thresholds

from animeds_db.errors import StoreError, UsageError
from animeds_db.vectors import (
    Pairs,
    SimilarityIndex,
    similar_between,
    similar_pairs,
    similarity_index,
)

WAYS = [(None, None), (0, None), (1, 1), (3, 1), (2, 4), (5, 9), (8, 40)]
"""components and cells: chosen, full GEMM, bound only, bound and cells."""


def listed(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))


@pytest.fixture(scope="module")
def show() -> Matrix:
    """1500 frames of a show with near-duplicates planted, one black frame, one broken one."""
    x = planted(1500, 96, scene=60)
    x[600] = 0
    x[1000, 5] = np.nan
    return x


@pytest.fixture(scope="module")
def near(show: Matrix) -> list[tuple[int, int]]:
    """Its pairs at 0.985, from a full product."""
    return all_pairs(show, 0.985)


@settings(max_examples=80, deadline=None)
@given(matrices(), thresholds, st.sampled_from(WAYS))
def test_the_pairs_are_those_of_a_full_product(
    x: Matrix, threshold: float, way: tuple[int | None, int | None]
) -> None:
    components = way[0] and min(way[0], x.shape[1])
    index = similarity_index(x, threshold, components=components, cells=way[1])
    pairs = similar_pairs(x, threshold, index=index, threads=1)
    assert listed(pairs) == all_pairs(x, threshold)
    np.testing.assert_array_equal(pairs.cosine, all_cosines(x, x)[pairs.a, pairs.b])


@settings(max_examples=50, deadline=None)
@given(matrices(), thresholds, st.sampled_from(WAYS), st.data())
def test_with_new_rows_the_pairs_are_those_that_touch_one(
    x: Matrix, threshold: float, way: tuple[int | None, int | None], data: st.DataObject
) -> None:
    new = np.array(data.draw(st.lists(st.booleans(), min_size=len(x), max_size=len(x))), bool)
    components = way[0] and min(way[0], x.shape[1])
    index = similarity_index(x, threshold, components=components, cells=way[1])
    expected = [(a, b) for a, b in all_pairs(x, threshold) if new[a] or new[b]]
    assert listed(similar_pairs(x, threshold, new=new, index=index, threads=1)) == expected
    assert listed(similar_pairs(x, threshold, new=np.flatnonzero(new), threads=1)) == expected


@settings(max_examples=50, deadline=None)
@given(matrices(), matrices(), thresholds, st.sampled_from(WAYS))
def test_between_two_matrices_the_pairs_are_those_of_their_product(
    queries: Matrix, x: Matrix, threshold: float, way: tuple[int | None, int | None]
) -> None:
    width = min(queries.shape[1], x.shape[1])
    queries, x = queries[:, :width], x[:, :width]
    index = similarity_index(x, threshold, components=way[0] and min(way[0], width), cells=way[1])
    pairs = similar_between(queries, x, threshold, index=index, threads=1)
    a, b = np.nonzero(all_cosines(queries, x) >= np.float32(threshold))
    assert listed(pairs) == list(zip(a.tolist(), b.tolist(), strict=True))


@pytest.mark.parametrize("threshold", [0.985, 0.9, 0.75])
@pytest.mark.parametrize(("components", "cells"), [(None, None), (0, 1), (16, 1), (24, 30), (48, 200)])
def test_a_show_has_the_same_pairs_by_every_way(
    show: Matrix, threshold: float, components: int | None, cells: int | None
) -> None:
    index = similarity_index(show, threshold, components=components, cells=cells)
    pairs = similar_pairs(show, threshold, index=index)
    assert listed(pairs) == all_pairs(show, threshold)
    assert len(pairs) > 500


def test_cells_leave_most_of_a_show_uncompared(show: Matrix) -> None:
    from animeds_db.vectors import bound
    from animeds_db.vectors.cells import reach_of

    index = similarity_index(show, 0.985, components=48, cells=100)
    assert index.plan.cells is not None and index.features is not None
    reach = reach_of(0.985, bound.slack(index.columns))
    assert index.plan.cells.share_compared(index.features, reach) < 0.5


def test_threads_and_memory_do_not_change_the_answer(show: Matrix) -> None:
    first = similar_pairs(show, 0.9, threads=1)
    for threads, memory_mb in [(2, 1024), (5, 64), (1, 32)]:
        again = similar_pairs(show, 0.9, threads=threads, memory_mb=memory_mb)
        for name in ("a", "b", "cosine"):
            assert getattr(again, name).tobytes() == getattr(first, name).tobytes()


def test_a_slice_of_new_rows_and_an_index_of_the_old_ones_complete_the_pairs(
    show: Matrix, near: list[tuple[int, int]]
) -> None:
    before = similarity_index(show[:1450], 0.985, components=24, cells=50)
    old = similar_pairs(show[:1450], 0.985, index=before)
    added = similar_pairs(show, 0.985, new=slice(1450, None), index=before)
    assert sorted(listed(old) + listed(added)) == near
    after = before.extended(show)
    assert after.rows == 1500 and after.extended(show) is after
    assert listed(similar_pairs(show, 0.985, index=after)) == near


def test_an_index_extended_from_nothing_is_an_index(show: Matrix, near: list[tuple[int, int]]) -> None:
    empty = similarity_index(show[:0], 0.985)
    assert listed(similar_pairs(show, 0.985, index=empty)) == near


@pytest.mark.parametrize(("components", "cells"), [(0, 1), (16, 1), (24, 30)])
def test_a_saved_index_gives_the_same_pairs(
    show: Matrix, near: list[tuple[int, int]], tmp_path: Path, components: int, cells: int
) -> None:
    file = tmp_path / "frames.index"
    similarity_index(show, 0.985, components=components, cells=cells).save(file)
    loaded = SimilarityIndex.load(file)
    assert listed(similar_pairs(show, 0.985, index=loaded)) == near
    assert [path.name for path in tmp_path.iterdir()] == ["frames.index"]


def test_a_damaged_index_file_is_named(show: Matrix, tmp_path: Path) -> None:
    file = tmp_path / "frames.index"
    similarity_index(show[:100], 0.985).save(file)
    for content in (b"", b"not an index", file.read_bytes()[:-200]):
        file.write_bytes(content)
        with pytest.raises(StoreError, match=r"frames\.index is not a similarity index"):
            SimilarityIndex.load(file)
    with pytest.raises(StoreError, match=r"missing\.index"):
        SimilarityIndex.load(tmp_path / "missing.index")


def test_an_index_of_other_rows_is_refused(show: Matrix) -> None:
    index = similarity_index(show, 0.985)
    with pytest.raises(UsageError, match="1500 vectors of width 96, but x has 10 of width 96"):
        similar_pairs(show[:10], 0.985, index=index)
    with pytest.raises(UsageError, match="x has 1500 of width 64"):
        similar_pairs(show[:, :64], 0.985, index=index)


def test_one_row_and_no_row_have_no_pairs() -> None:
    assert len(similar_pairs(np.ones((1, 4), np.float32), 0.0)) == 0
    assert len(similar_pairs(np.zeros((0, 4), np.float32), 0.0)) == 0
    assert len(similar_between(np.zeros((0, 4)), np.ones((3, 4)), 0.5)) == 0


@pytest.mark.parametrize(("components", "cells"), [(None, None), (4, 1), (4, 8)])
def test_equal_rows_are_all_pairs_with_cosine_exactly_one(components: int | None, cells: int | None) -> None:
    row = np.random.default_rng(1).standard_normal(64).astype(np.float32)
    x = np.repeat(row[None], 200, axis=0) * np.linspace(0.01, 50, 200, dtype=np.float32)[:, None]
    x[1::2] = row
    equal = similar_pairs(
        x[1::2], 1.0, index=similarity_index(x[1::2], 1.0, components=components, cells=cells)
    )
    assert len(equal) == 100 * 99 // 2
    assert (equal.cosine == 1).all()
    assert len(similar_pairs(x, 0.999999)) == 200 * 199 // 2


def test_rows_without_a_direction_are_in_no_pair() -> None:
    x = np.ones((6, 3), np.float32)
    x[1], x[3, 0], x[4, 2] = 0, np.nan, np.inf
    assert listed(similar_pairs(x, 0.0)) == [(0, 2), (0, 5), (2, 5)]
    assert len(similar_pairs(np.full((5, 3), np.nan, np.float32), 0.0)) == 0
    assert (
        len(similar_pairs(np.zeros((5, 3)), 0.0, index=similarity_index(np.zeros((5, 3)), 0.5, cells=3))) == 0
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32])
def test_other_kinds_of_numbers_are_taken_too(dtype: type[np.number]) -> None:
    x = np.random.default_rng(3).integers(-2, 3, (80, 5)).astype(dtype)
    assert listed(similar_pairs(x, 0.9)) == all_pairs(x, 0.9)


def test_a_matrix_that_is_not_in_row_order_or_writable_is_taken(show: Matrix) -> None:
    x = np.asfortranarray(show[:500])
    x.flags.writeable = False
    assert listed(similar_pairs(x, 0.985)) == all_pairs(x, 0.985)


@pytest.mark.parametrize("threshold", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_threshold_outside_zero_to_one_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        similar_pairs(np.ones((3, 3)), threshold)
    with pytest.raises(UsageError, match="between 0 and 1"):
        similarity_index(np.ones((3, 3)), threshold)


def test_what_is_not_a_table_of_vectors_is_refused() -> None:
    with pytest.raises(UsageError, match="1 dimension") as one:
        similar_pairs(np.ones(3), 0.5)
    assert "vector[None, :]" in str(one.value.hint)
    with pytest.raises(UsageError, match="real numbers, not object"):
        similar_pairs(np.array([[1, None], [2, 3]], dtype=object), 0.5)
    with pytest.raises(UsageError, match="width 0"):
        similar_pairs(np.ones((3, 0)), 0.5)
    with pytest.raises(UsageError, match="queries has vectors of width 3, x of width 4"):
        similar_between(np.ones((2, 3)), np.ones((2, 4)), 0.5)


def test_new_rows_that_do_not_exist_are_refused() -> None:
    x = np.ones((4, 2))
    with pytest.raises(UsageError, match="mask of new rows has 3 entries, but there are 4"):
        similar_pairs(x, 0.5, new=np.ones(3, bool))
    with pytest.raises(UsageError, match="does not fit the 4 vectors"):
        similar_pairs(x, 0.5, new=np.array([4]))


def test_a_thread_count_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="threads must be 1 or more, not 0"):
        similar_pairs(np.ones((4, 2)), 0.5, threads=0)


@pytest.mark.parametrize("memory_mb", [0, -1, float("nan"), 0.5])
def test_memory_too_small_for_one_block_is_refused_with_what_would_do(
    show: Matrix, near: list[tuple[int, int]], memory_mb: float
) -> None:
    with pytest.raises(UsageError, match="too small for one block of 1500 vectors") as refused:
        similar_pairs(show, 0.985, memory_mb=memory_mb)
    enough = int(str(refused.value.hint).removeprefix("allow at least ").removesuffix(" MB"))
    assert listed(similar_pairs(show, 0.985, memory_mb=enough)) == near


def test_more_pairs_than_memory_holds_stop_the_join_with_a_way_out() -> None:
    still = np.ones((3000, 8), np.float32)
    with pytest.raises(UsageError, match="pairs have a cosine of 0.9 or more") as refused:
        similar_pairs(still, 0.9, memory_mb=32)
    assert "run_leaders" in str(refused.value.hint)


@pytest.mark.parametrize(("components", "cells"), [(0, 1), (48, 1), (32, 90)])
def test_the_memory_used_stays_below_the_bound(components: int, cells: int) -> None:
    x = planted(6000, 256)
    similar_pairs(x[:200], 0.985)  # what is allocated once
    tracemalloc.start()
    similar_pairs(
        x,
        0.95,
        index=similarity_index(x, 0.95, components=components, cells=cells, memory_mb=48),
        memory_mb=48,
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 << 20


def test_little_memory_means_a_narrower_bound_or_none_kept_not_an_error() -> None:
    x = planted(6000, 64)
    wide = similarity_index(x, 0.9, memory_mb=512, threads=1)
    with pytest.raises(UsageError) as refused:
        similarity_index(x, 0.9, memory_mb=1)
    least = int(str(refused.value.hint).removeprefix("allow at least ").removesuffix(" MB"))
    narrow = similarity_index(x, 0.9, memory_mb=least, threads=1)
    assert narrow.nbytes < wide.nbytes
    assert listed(similar_pairs(x, 0.9, index=narrow)) == listed(similar_pairs(x, 0.9, index=wide))


def test_progress_counts_rows_up_to_all_of_them(show: Matrix) -> None:
    seen: list[tuple[int, int]] = []
    similar_pairs(show, 0.985, progress=lambda done, total: seen.append((done, total)), threads=2)
    assert seen == sorted(seen)
    assert seen[-1] == (1498, 1498)  # the two unusable rows have nothing to be compared


def test_what_the_progress_callback_raises_stops_the_join(show: Matrix) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        similar_pairs(show, 0.985, progress=stop, threads=2)

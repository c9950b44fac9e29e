"""Average linkage: against a plain implementation, and what it must never do."""

from __future__ import annotations

import numpy as np
import pytest
from framestore import unit
from hypothesis import given, settings
from hypothesis import strategies as st

from animeds_db.errors import UsageError
from animeds_db.vectors import average_linkage

NONE = (np.zeros(0, np.int64), np.zeros(0, np.int64))


def plain(x: np.ndarray, least: float, apart: tuple[np.ndarray, np.ndarray] = NONE) -> list[set[int]]:
    """Join the pair of clusters with the highest mean cosine until none reaches the threshold."""
    u = unit(x.astype(np.float64))
    cosine = u @ u.T
    clusters = [{i} for i in range(len(x))]
    banned = {frozenset(p) for p in zip(*(side.tolist() for side in apart), strict=True)}
    while True:
        best, pair = least, None
        for i, a in enumerate(clusters):
            for j in range(i):
                if any(frozenset((p, q)) in banned for p in a for q in clusters[j]):
                    continue
                mean = cosine[np.ix_(sorted(a), sorted(clusters[j]))].mean()
                if mean >= best:
                    best, pair = mean, (j, i)
        if pair is None:
            return sorted(clusters, key=min)
        clusters[pair[0]] |= clusters.pop(pair[1])


def as_sets(labels: np.ndarray) -> list[set[int]]:
    return [set(np.flatnonzero(labels == c).tolist()) for c in range(labels.max() + 1)]


def arc(degrees: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], axis=1).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.integers(0, 10_000), st.floats(0.1, 0.95), st.integers(0, 12))
def test_it_joins_what_a_plain_implementation_joins(rows: int, seed: int, least: float, pairs: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 5)) + 2 * rng.standard_normal((4, 5))[rng.integers(4, size=rows)]
    apart = rng.integers(rows, size=pairs), rng.integers(rows, size=pairs)
    apart = tuple(side[apart[0] != apart[1]] for side in apart)
    assert as_sets(average_linkage(x, least, apart=apart)) == plain(x, least, apart)


def test_a_chain_does_not_make_one_cluster_of_its_ends() -> None:
    chain = arc(np.arange(0, 181, 2.0))  # neighbours have a cosine of 0.9994
    labels = average_linkage(chain, 0.8)
    assert labels[0] != labels[-1]
    cosine = chain @ chain.T
    for members in as_sets(labels):
        some = sorted(members)
        assert cosine[np.ix_(some, some)].mean() >= 0.8


def test_a_bridge_between_two_groups_does_not_join_them() -> None:
    left, right = arc(np.linspace(-5, 5, 40)), arc(np.linspace(85, 95, 40))
    bridge = arc(np.linspace(8, 82, 30))
    labels = average_linkage(np.concatenate([left, right, bridge]), 0.85)
    assert len(set(labels[:40])) == len(set(labels[40:80])) == 1
    assert labels[0] != labels[40]


def test_rows_kept_apart_never_meet_even_through_others() -> None:
    x = np.tile(arc(np.array([0.0])), (6, 1))
    labels = average_linkage(x, 0.9, apart=(np.array([0, 2]), np.array([1, 3])))
    assert labels[0] != labels[1]
    assert labels[2] != labels[3]
    assert len(set(labels)) == 2


def test_rows_known_as_two_people_never_meet() -> None:
    x = arc(np.array([0.0, 0.1, 0.2, 0.3, 0.4]))
    labels = average_linkage(x, 0.9, known=np.array([0, -1, 1, -1, 0]))
    assert labels[2] not in (labels[0], labels[4])
    assert labels.tolist() == average_linkage(x, 0.9, known=np.array([5, -1, 3, -1, 5])).tolist()


def test_tied_rows_are_one_cluster_and_count_with_all_their_rows() -> None:
    x = arc(np.array([0.0, 60.0, 90.0, 180.0]))
    assert average_linkage(x, 0.8).tolist() == [0, 1, 1, 2]
    assert average_linkage(x, 0.8, tied=np.array([7, 7, -1, -1])).tolist() == [0, 0, 1, 2]
    assert average_linkage(x, 0.6, tied=np.array([2, -1, -1, 2])).tolist() == [0, 1, 1, 0]


def test_rows_stay_tied_within_their_stretch() -> None:
    x = arc(np.repeat([0.0, 60.0, 120.0, 180.0], 8))
    tied = np.repeat([3, 3, -1, -1], 8)
    labels = average_linkage(x, 0.9, tied=tied, stretch=16)
    assert labels.tolist() == np.repeat([0, 0, 1, 2], 8).tolist()


def test_rows_that_cannot_be_used_are_in_no_cluster() -> None:
    x = arc(np.array([0.0, 1.0, 2.0, 3.0, 90.0]))
    x[1], x[2, 0] = 0, np.nan
    assert average_linkage(x, 0.9, apart=(np.array([0]), np.array([1]))).tolist() == [0, -1, -1, 0, 1]


@pytest.mark.parametrize(("rows", "expected"), [(0, []), (1, [0])])
def test_none_and_one(rows: int, expected: list[int]) -> None:
    assert average_linkage(np.ones((rows, 3)), 0.5).tolist() == expected


def test_only_unusable_rows() -> None:
    assert average_linkage(np.full((3, 2), np.nan), 0.5).tolist() == [-1, -1, -1]


def test_stretches_and_threads_find_the_same_people() -> None:
    rng = np.random.default_rng(3)
    centres = unit(rng.standard_normal((6, 32)))
    who = rng.integers(6, size=900)
    x = unit(centres[who] + 0.05 * rng.standard_normal((900, 32)))
    apart = np.arange(0, 898, 2), np.arange(1, 899, 2)
    apart = tuple(side[who[apart[0]] != who[apart[1]]] for side in apart)
    whole = average_linkage(x, 0.7, apart=apart, threads=1)
    assert len(set(whole)) == 6
    assert (whole == average_linkage(x, 0.7, apart=apart, stretch=64, threads=2)).all()
    assert all(len(set(who[whole == c])) == 1 for c in range(6))


def test_equal_rows_in_great_number_are_one_cluster() -> None:
    assert set(average_linkage(np.ones((700, 8)), 1.0 - 1e-6).tolist()) == {0}


def test_a_threshold_outside_0_to_1_is_refused() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        average_linkage(np.ones((2, 2)), 1.5)

"""What episodes share is named by where it stands: openings, endings, recaps; what a recap repeats is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from framestore import dataset_of, frame_rows, unit

from animeds_db.dataset import Dataset
from animeds_db.steps.dedup.matches import DedupOptions

ONLY_VECTORS = DedupOptions(phash_distance=None)
NAMES = ("aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd")


def scenes(n: int, seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(n, 16)))


def again(x: np.ndarray) -> np.ndarray:
    """Return the same pictures as another encode has them."""
    return unit(x + 0.001)


def series(folder: Path, *episodes: np.ndarray) -> Dataset:
    return dataset_of(
        folder,
        {name: frame_rows(name, x, len(x)) for name, x in zip(NAMES, episodes, strict=False)},
    )


def segments(dataset: Dataset) -> list[tuple[int, str, int, int]]:
    dataset.dedup(ONLY_VECTORS)
    return dataset.sql("SELECT episode, kind, first_shot, last_shot FROM segments ORDER BY 1, 3").fetchall()


def test_a_recap_is_marked_where_it_is_shown_again_and_not_where_it_comes_from(tmp_path: Path) -> None:
    first, second = scenes(40, 1), scenes(40, 2)
    second[:6] = again(first[30:36])
    assert segments(series(tmp_path, first, second)) == [(2, "recap", 0, 5)]


def test_an_ending_is_told_from_an_opening(tmp_path: Path) -> None:
    opening, ending = scenes(6, 8), scenes(6, 9)
    episodes = [np.concatenate([again(opening), scenes(24, i), again(ending)]) for i in range(3)]
    expected = [row for n in (1, 2, 3) for row in ((n, "opening", 0, 5), (n, "ending", 30, 35))]
    assert segments(series(tmp_path, *episodes)) == expected


def test_of_four_episodes_what_only_two_share_at_the_start_is_a_recap(tmp_path: Path) -> None:
    opening = scenes(6, 8)
    episodes = [np.concatenate([scenes(8, 20 + i), again(opening), scenes(30, i)]) for i in range(4)]
    episodes[2][:6] = again(episodes[1][1:7])
    found = segments(series(tmp_path, *episodes))
    assert [row for row in found if row[1] == "recap"] == [(3, "recap", 0, 5)]
    assert [row for row in found if row[1] == "opening"] == [(n, "opening", 8, 13) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("episodes", [1, 2])
def test_without_shared_footage_there_are_no_segments(tmp_path: Path, episodes: int) -> None:
    assert segments(series(tmp_path, *(scenes(20, i) for i in range(episodes)))) == []

"""The map of the frames: similar ones are near each other, it is kept, and the page selects from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cli_run import Runner
from framestore import dataset_of, frame_rows
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.errors import StoreError, UsageError
from animeds_db.steps.map import is_current, kept_map, map_file
from animeds_db.steps.map.plane import WIDEST, in_plane, nearer, principal

GROUPS, EACH = 3, 12


def groups(width: int = 16) -> np.ndarray:
    """Return vectors of three groups, one after the other."""
    rng = np.random.default_rng(4)
    middle = np.repeat(rng.standard_normal((GROUPS, width)), EACH, axis=0)
    return np.asarray(middle + 0.05 * rng.standard_normal(middle.shape), np.float32)


def mixed(xy: np.ndarray) -> float:
    """Return the share of points whose nearest other point is of another group."""
    group = np.repeat(np.arange(GROUPS), EACH)
    away = np.linalg.norm(xy[:, None] - xy[None], axis=2) + 9 * np.eye(len(xy))
    return float(np.mean(group[away.argmin(axis=1)] != group))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", groups(), GROUPS * EACH)})


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(capsys, monkeypatch)


def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animeds_db.steps.map.plane.find_spec", lambda _name: None)


def test_similar_vectors_are_neighbours_by_either_method(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openTSNE", reason="needs the extra [map]")
    xy, method = in_plane(groups())
    again, _ = in_plane(groups())
    assert (method, mixed(xy)) == ("t-SNE", 0)
    assert np.array_equal(xy, again)
    without_library(monkeypatch)
    xy, method = in_plane(groups())
    assert (method, mixed(xy)) == ("PCA", 0)
    assert xy.min() >= 0 and xy.max() <= 1 and np.ptp(xy, axis=0).max() == pytest.approx(1)


def test_principal_components_are_those_of_a_singular_value_decomposition() -> None:
    x = groups()
    around = x - x.mean(axis=0)
    expected = np.abs(np.linalg.svd(around, full_matrices=False)[1][:2])
    assert np.linalg.norm(principal(x, 2), axis=0) == pytest.approx(expected, rel=1e-4)
    assert principal(x[:, :1], 2)[:, 1].tolist() == [0] * len(x)


@given(
    arrays(np.float32, st.tuples(st.integers(12, 60), st.just(2)), elements=st.floats(-1e6, 1e6, width=32))
)
def test_no_point_is_so_far_away_that_the_others_lie_on_one_spot(points: np.ndarray) -> None:
    near = nearer(points)
    for axis in range(2):
        order = points[:, axis].argsort(kind="stable")
        gaps = np.diff(near[order, axis])
        assert (gaps >= 0).all()
        distinct = len(np.unique(points[:, axis])) - 1
        if distinct:
            assert gaps.max() <= 1.02 * max(WIDEST, 1 / distinct) * np.ptp(near[:, axis])
            assert np.ptp(near[:, axis]) > 0


def test_points_without_a_wide_gap_stay_as_they_are() -> None:
    points = np.random.default_rng(0).random((200, 2), np.float32)
    assert nearer(points) == pytest.approx(points - points.min(axis=0), abs=1e-5)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_few_points_have_a_place_too(n: int) -> None:
    xy, _ = in_plane(np.eye(8, dtype=np.float32)[:n])
    assert xy.shape == (n, 2) and np.isfinite(xy).all()


def test_a_map_is_kept_until_frames_are_added(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    without_library(monkeypatch)
    made = dataset.map()
    assert made.table.column_names == ["frame_id", "x", "y"]
    assert made.model == "drawn@1"
    kept = kept_map(dataset.store)
    assert kept is not None and is_current(dataset.session, kept)
    assert kept.table.equals(made.table)
    monkeypatch.setattr("animeds_db.steps.map.in_plane", lambda *_: pytest.fail("it was computed again"))
    assert dataset.map().table.equals(made.table)
    monkeypatch.undo()
    without_library(monkeypatch)

    more = frame_rows("aaaaaaaa", groups()[:1], 1, ordinal=[99])
    more[0] |= {"frame_id": "aaaaaaaa-099999999", "pts": 99}
    dataset.store.upsert("frames", pa.Table.from_pylist(more, schema.frames(16).schema))
    assert not is_current(dataset.session, kept)
    assert len(dataset.map().ids) == GROUPS * EACH + 1


def test_a_damaged_file_is_computed_again(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    without_library(monkeypatch)
    made = dataset.map()
    file = map_file(dataset.store, "frames")
    assert file is not None and file.parent.name == "remembered"
    file.write_bytes(file.read_bytes()[:-100] + b"x" * 100)
    assert kept_map(dataset.store) is None
    assert dataset.map().table.equals(made.table)


def test_what_has_no_map_is_said(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No face has a vector"):
        dataset.map("faces")
    with pytest.raises(UsageError, match='no map of "face"'):
        dataset.map("face")
    two = frame_rows("bbbbbbbb", groups(), 2)
    two[1]["embedder"] = "other@2"
    (tmp_path / "two").mkdir()
    with (
        dataset_of(tmp_path / "two", {"bbbbbbbb": two}) as mixed_models,
        pytest.raises(StoreError, match="drawn@1, other@2"),
    ):
        mixed_models.map()


def test_the_command_prints_points_and_says_what_pca_lacks(
    run: Runner, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_library(monkeypatch)
    done = run("map", "--format", "csv", "--db", dataset.uri)
    assert done.out.splitlines()[0] == "frame_id,x,y"
    assert len(done.out.splitlines()) == GROUPS * EACH + 1
    assert "by PCA" in done.err and "pip install 'animeds-db[map]'" in done.err


def test_frames_saved_one_by_one_are_a_selection(dataset: Dataset) -> None:
    ids = [f"aaaaaaaa-{1000 * n:09d}" for n in (2, 5)]
    dataset.save_selection("it's mine", ids)
    assert sorted(dataset.selection("it's mine").fetchall()) == [(frame,) for frame in ids]
    with pytest.raises(UsageError, match="0 frames cannot be saved"):
        dataset.save_selection("none", [])

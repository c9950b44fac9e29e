"""Comparisons cut into pieces for workers find what one machine finds, to the last bit."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from castings import MODEL, PEOPLE, Face, around, faces_of, identities, three_people
from cli_run import Runner
from framestore import dataset_of, frame_rows, unit
from hypothesis import given
from hypothesis import strategies as st
from ray_here import Assassin, ray_here

from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.steps.characters.classify import gather
from animeds_db.steps.characters.compared import Chosen, Comparison, compared, pieces, together
from animeds_db.steps.dedup import spread_vectors
from animeds_db.steps.dedup.find import DedupOptions, frame_ranks
from animeds_db.steps.dedup.frame_vectors import HeldVectors, exact_join
from animeds_db.steps.dedup.matches import find_matches, read_frames, read_frames_only
from animeds_db.steps.dedup.spread_vectors import SpreadVectors, rows_of_a_block, tool
from animeds_db.workers import Ray, spread

WRITTEN = ("duplicates", "segments")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three episodes that share an opening, with a long still, frames without a vector and equal hashes."""
    chance = np.random.default_rng(3)
    opening = unit(chance.normal(size=(12, 16)))
    opening_hashes = chance.integers(-(2**62), 2**62, 12).tolist()
    sources = {}
    for number, name in enumerate(("aaaaaaaa", "bbbbbbbb", "cccccccc")):
        own = unit(chance.normal(size=(50, 16)))
        own[5:45] = own[5]  # a still
        own[47] = np.nan
        x = np.concatenate([unit(opening + 0.01 * chance.normal(size=opening.shape)), own])
        hashes = chance.integers(-(2**62), 2**62, 62).tolist()
        hashes[:12] = opening_hashes
        hashes[17:57] = [hashes[17]] * 40
        hashes[60:] = [4711, 4711 + number]
        sources[name] = frame_rows(name, x, 62, phash=hashes, sharpness=(100 + chance.random(62)).tolist())
    return dataset_of(tmp_path_factory.mktemp("spread"), sources)


def tables(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """Return what dedup has written."""
    return {
        name: dataset.store.table(name).to_table().sort_by(dataset.store.schema(name).key).to_pylist()
        for name in WRITTEN
    }


@pytest.mark.parametrize("rows", [25, 62, 1000])
def test_blocks_of_any_size_give_the_pairs_of_all_vectors_together(dataset: Dataset, rows: int) -> None:
    options = DedupOptions(threshold=0.9)
    frames, x = read_frames(dataset.session)
    ranks = frame_ranks(dataset.session, frames)
    expected = find_matches(frames, HeldVectors(frames, x, exact_join(64)), ranks, options, 0.9)
    assert len(expected) > 60
    only, width = read_frames_only(dataset.session)
    assert width == 16 and only.equals(frames)
    with spread(dataset.store, dataset.session, tool(64), None) as here:
        found = find_matches(only, SpreadVectors(only, rows, here, 64, None), ranks, options, 0.9)
    for name in ("a", "b", "cosine", "bits"):
        assert np.array_equal(getattr(found, name), getattr(expected, name), equal_nan=name == "cosine"), name


def test_progress_counts_pieces_to_the_end(dataset: Dataset) -> None:
    told: list[tuple[int, int]] = []
    frames, _ = read_frames_only(dataset.session)
    with spread(dataset.store, dataset.session, tool(64), None) as here:
        vectors = SpreadVectors(frames, 62, here, 64, lambda *done: told.append(done))
        assert np.count_nonzero(~vectors.usable()) == 3
        vectors.pairs(0.9, np.zeros(0, np.int64))
    assert told == [(done, 6) for done in range(1, 7)]


def test_more_pairs_than_memory_are_refused(dataset: Dataset) -> None:
    frames, _ = read_frames_only(dataset.session)
    with spread(dataset.store, dataset.session, tool(64), None) as here:
        vectors = SpreadVectors(frames, 62, here, 0.01, None)
        with pytest.raises(UsageError, match="do not fit in memory_mb"):
            vectors.pairs(0.9, np.zeros(0, np.int64))


def test_frames_that_came_or_went_meanwhile_are_told(dataset: Dataset) -> None:
    frames, _ = read_frames_only(dataset.session)
    fewer = frames.take(np.delete(np.arange(frames.num_rows), 20))
    with (
        spread(dataset.store, dataset.session, tool(64), None) as here,
        pytest.raises(StoreError, match="are not the same on every worker") as told,
    ):
        SpreadVectors(fewer, 100, here, 64, None).usable()
    assert "Run this again" in str(told.value.hint)


@given(frames=st.integers(1, 10**8), width=st.integers(8, 2048), memory_mb=st.floats(1, 10**5))
def test_two_blocks_take_half_of_a_workers_memory(frames: int, width: int, memory_mb: float) -> None:
    rows = rows_of_a_block(frames, width, memory_mb)
    assert rows >= 1
    assert rows == 1 or 2 * rows * width * 4 <= memory_mb * 2**20 / 2


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 10**6), max_size=80))
def test_sources_are_shared_out_once_each_in_pieces_of_like_size(faces: dict[str, int]) -> None:
    found = pieces(faces)
    assert sorted(source for piece in found for source in piece.sources) == sorted(faces)
    fair = max(1, -(-sum(faces.values()) // 32))
    assert all(
        sum(faces[s] for s in piece.sources[:-1]) < fair for piece in found
    )  # a piece is closed when it has its share
    assert len(found) <= 64


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three episodes with three people and a stranger, and five examples of each of the three."""
    folder = tmp_path_factory.mktemp("cast")
    ds = faces_of(folder, [[Face(around(0, 1))], [Face(around(1, 1))]])
    for number, source in enumerate(("bbbbbbbb", "cccccccc")):
        people = [0, 2, 9, 1][number:]
        faces_of(folder, [[Face(around(p, 7 + number))] for p in people], source=source, into=ds.store)
    three_people(ds)
    return ds


def test_faces_in_pieces_get_the_votes_that_all_together_get(cast: Dataset) -> None:
    chosen, references = Chosen(MODEL, None), gather(cast.session, MODEL)
    ids, votes = together(compared(cast.store, cast.session, chosen, references, 2, None))
    assert len(ids) == sum(chosen.count(cast.session).values()) == 9
    comparison = Comparison(cast.session, chosen, references, 2)
    parts = together(piece.by(comparison) for piece in pieces(chosen.count(cast.session)))
    assert named(*parts) == named(ids, votes) and len(named(*parts)) == 9


def test_only_faces_of_the_chosen_frames_are_shared_out(cast: Dataset) -> None:
    assert Chosen(MODEL, "frame_id < 'b'").count(cast.session) == {"aaaaaaaa": 2}
    with pytest.raises(QueryError, match="--where"):
        Chosen(MODEL, "no_such_column").count(cast.session)


def named(ids: Any, votes: Any) -> list[dict[str, Any]]:
    """Return the votes with the ids of the faces, in their order."""
    rows = [row | {"face": ids[row["face"]].as_py()} for row in votes.to_pylist()]
    return sorted(rows, key=lambda row: str(row["face"]))


ON_RAY = Ray(workers=2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Ray on this machine, for all tests of this file."""
    with ray_here() as ray:
        yield ray


@pytest.mark.filterwarnings("ignore")  # those of Ray
def test_on_ray_dedup_and_classify_write_what_one_machine_writes(
    cluster: Any, dataset: Dataset, cast: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread_vectors, "FEWEST", 1)  # else so few frames are one block
    here = dataset.dedup(DedupOptions(threshold=0.9))
    expected = tables(dataset)
    assert here.segments and here.copies > 100
    dataset.store.delete("duplicates", "true")
    assert dataset.dedup(DedupOptions(threshold=0.9), on=ON_RAY) == here
    assert tables(dataset) == expected

    named_here = cast.characters.classify().rows
    expected_names = identities(cast)
    cast.store.delete("identities", "true")
    assert cast.characters.classify(on=ON_RAY).rows == named_here
    assert identities(cast) == expected_names
    assert {row["character"] for row in expected_names.values()} == {*PEOPLE, "unknown"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_workers_killed_while_they_compare_change_nothing(
    cluster: Any,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(spread_vectors, "FEWEST", 1)
    monkeypatch.setattr(spread_vectors, "BLOCKS", 20)
    here = dataset.dedup(DedupOptions(threshold=0.9))
    expected = tables(dataset)
    assassin = Assassin(2, 0)
    log = logging.getLogger("animeds")
    log.addHandler(assassin)
    try:
        with caplog.at_level(logging.INFO, "animeds"):
            assert dataset.dedup(DedupOptions(threshold=0.9), on=ON_RAY) == here
    finally:
        log.removeHandler(assassin)
    assert "was lost" in caplog.text
    assert tables(dataset) == expected


@pytest.mark.parametrize("command", [["dedup"], ["characters", "classify"]])
def test_flags_of_workers_want_the_engine_ray(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Runner(capsys, monkeypatch)(*command, "--workers", "2", "--db", tmp_path)
    assert done.code == 2 and "need --engine ray" in done.err


@pytest.mark.parametrize(
    "command", [["dedup", "--preview", "p.html"], ["characters", "classify", "--preview"]]
)
def test_a_preview_is_made_on_this_machine(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'animeds-db[ray]'")
    done = Runner(capsys, monkeypatch)(*command, "--engine", "ray", "--db", tmp_path)
    assert done.code == 2 and "remove --engine ray" in done.err


def test_without_ray_dedup_names_the_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = Runner(capsys, monkeypatch)("dedup", "--engine", "ray", "--db", tmp_path)
    assert done.code == 1 and 'pip install "animeds-db[ray]"' in done.err

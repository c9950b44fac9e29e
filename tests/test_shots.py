"""`animeds shots`: exact shots of the drawn show in the database, and frames that carry their numbers."""

from __future__ import annotations

import pickle
import shlex
import shutil
from pathlib import Path

import pytest
import sampleshow
from cli_run import Runner
from documented import blocks
from ingesting import WITHOUT_MODELS, a_store, rows, run
from videos import shared_clip

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.errors import UsageError
from animeds_db.sample.truth import EpisodeTruth, Truth
from animeds_db.store import Store
from animeds_db.workers import Seat, versions
from animeds_ingest.engines.local import ingest
from animeds_ingest.engines.shots import Job, ShotWorker
from animeds_ingest.sampling import Sampling
from animeds_ingest.shot_finding import ShotsFound
from animeds_ingest.sources import discover

PAGE = Path(__file__).parents[1] / "docs" / "shots.md"


@pytest.fixture(scope="module")
def truth() -> EpisodeTruth:
    return Truth.load(sampleshow.episodes()).episodes[0]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, truth: EpisodeTruth) -> Path:
    """A database of one episode whose shots were found. Do not change it."""
    folder = tmp_path_factory.mktemp("shots")
    shutil.copy(sampleshow.episodes() / truth.file, folder)
    store = a_store(folder)
    assert not run(store, folder / truth.file, how="every=0.5s").failed
    with Dataset(store) as dataset:
        (outcome,) = dataset.shots().outcomes
    assert (outcome.state, outcome.frames) == ("done", truth.frames)
    return Path(store.uri)


@pytest.fixture
def store(measured: Path, tmp_path: Path) -> Store:
    shutil.copytree(measured, tmp_path / "show.animeds")
    return Store.open(str(tmp_path / "show.animeds"))


@pytest.fixture
def animeds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(capsys, monkeypatch)


def test_the_cuts_of_the_drawn_show_are_exact(measured: Path, truth: EpisodeTruth) -> None:
    with animeds_db.open(measured) as dataset:
        found = dataset.sql("SELECT round(first_s * 12)::INT, frames FROM shots ORDER BY shot").fetchall()
    assert len(found) == len(truth.cuts)
    off = [abs(first - cut) for (first, _), cut in zip(found, truth.cuts, strict=True)]
    assert max(off) <= 2 and sum(o > 0 for o in off) <= 1
    assert sum(n for _, n in found) == truth.frames


def test_ingested_frames_have_the_numbers_of_the_shots_that_they_are_in(
    measured: Path, truth: EpisodeTruth
) -> None:
    with animeds_db.open(measured) as dataset:
        outside = dataset.sql(
            "SELECT f.frame_id FROM frames AS f LEFT JOIN shots AS s ON f.source_id = s.source_id AND f.shot = s.shot "
            "WHERE f.pts BETWEEN s.first_pts AND s.last_pts IS NOT TRUE"
        ).fetchall()
        frames = dataset.sql("SELECT time_s, shot FROM frames").fetchall()
        counted = dataset.sql("SELECT sum(n_frames)::INT, count(frame_id) FROM shots").fetchall()[0]
    assert outside == []
    assert counted[0] == len(frames) and counted[1] > 20
    right = [shot == truth.frame(round(time_s * truth.fps)).shot for time_s, shot in frames]
    assert sum(right) >= len(right) - 1


def test_a_pan_a_still_and_talk_on_twos_are_told_apart(measured: Path) -> None:
    with animeds_db.open(measured) as dataset:
        kinds = dataset.sql("SELECT motion, count(*) FROM shots GROUP BY ALL").fetchall()
        talk = dataset.sql("SELECT count(*) FROM shots WHERE cadence = 2 AND drawn_fps < 7").fetchall()[0]
    assert {"pan", "moving"} <= dict(kinds).keys()
    assert talk[0] >= 2


def test_shots_are_found_once_and_again_on_request(store: Store, animeds: Runner) -> None:
    before, version = rows(store, "shots"), store.version("shots")
    ran = animeds("shots", "--db", store.uri)
    assert ran.code == 0 and "skipped" in ran.err and store.version("shots") == version
    assert f"1 of 1 video, {before.num_rows} shots" in ran.err and ran.out == ""
    ran = animeds("shots", "--again", "--db", store.uri)
    assert ran.code == 0 and "done" in ran.err
    assert rows(store, "shots").equals(before)


def test_a_later_ingest_numbers_its_frames_by_the_shots(store: Store) -> None:
    before = rows(store, "frames")
    path = store.table("sources").to_table()["uri"][0].as_py()
    report = ingest(store, discover([path]), Sampling.parse("every=0.5s"), WITHOUT_MODELS, replace=True)
    assert not report.failed
    assert rows(store, "frames").equals(before)


def test_a_video_that_is_gone_fails_alone_and_keeps_its_shots(
    store: Store, tmp_path: Path, animeds: Runner
) -> None:
    before = rows(store, "shots")
    path = Path(store.table("sources").to_table()["uri"][0].as_py())
    aside = path.rename(path.with_suffix(".aside"))
    try:
        ran = animeds("shots", "--again", "--db", store.uri)
    finally:
        aside.rename(path)
    assert ran.code == 1 and "failed" in ran.err
    assert rows(store, "shots").equals(before)
    assert animeds("shots", "nosuchid", "--db", store.uri).code == 2
    with Dataset(store) as dataset, pytest.raises(UsageError, match="no finished video nosuchid"):
        dataset.shots(["nosuchid"])


def test_the_page_about_shots_works_as_written(
    store: Store, animeds: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEDS_DB", store.uri)
    commands = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    for command in commands:
        if not command.startswith("animeds ingest"):
            ran = animeds(*shlex.split(command, comments=True)[1:])
            assert ran.code == 0, (command, ran.err)
    with animeds_db.open(store.uri) as dataset:
        for statement in blocks(PAGE, "sql"):
            assert dataset.sql(statement).fetchall(), statement


def test_ingest_finds_shots_on_request(tmp_path: Path, animeds: Runner, truth: EpisodeTruth) -> None:
    ran = animeds(
        "ingest", shared_clip("h264 mp4"), "--profile", "none", "--shots", "--db", tmp_path / "a.animeds"
    )
    assert ran.code == 0 and "1 of 1 video, " in ran.err


def test_a_worker_finds_the_same_shots(store: Store) -> None:
    before = rows(store, "shots")
    worker = ShotWorker(1)
    assert isinstance(worker.begin(versions(), pickle.dumps(Job(store.uri, again=True))), Seat)
    (row,) = store.table("sources").to_table().to_pylist()
    outcome = worker.do(row)
    assert isinstance(outcome, ShotsFound) and (outcome.state, outcome.shots) == ("done", before.num_rows)
    assert worker.done() > 0
    assert rows(store, "shots").equals(before)

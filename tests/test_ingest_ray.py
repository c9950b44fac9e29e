"""Workers on Ray write the rows that one machine writes, whatever happens to them; and what goes wrong is told."""

from __future__ import annotations

import logging
import os
import pickle
import re
import shlex
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import videos
from cli_run import Ran, Runner
from ingesting import WITHOUT_MODELS, a_store, everything, rows, run
from ray_here import Assassin, ray_here

import animeds_db
from animeds_db.errors import EngineError, StoreError
from animeds_db.media import choose_hardware
from animeds_db.media.hardware import DEVICES
from animeds_db.models import Models, load_profile
from animeds_db.store import Store
from animeds_db.workers import Ray, Seat, handout, sole_coordinator, versions
from animeds_ingest.engines import ray as ray_engine
from animeds_ingest.engines.ray_worker import Job, SourceWorker, Whole
from animeds_ingest.outcomes import Outcome, Report
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

pytestmark = pytest.mark.filterwarnings("ignore")  # those of Ray


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Ray on this machine, for all tests of this file."""
    with ray_here() as ray:
        yield ray


def on_ray(
    store: Store,
    *paths: Path,
    how: str = "keyframes",
    load: Callable[[], Models] = Models,
    on: Ray | None = None,
) -> Report:
    specs, sampling = discover(list(paths)), Sampling.parse(how)
    return ray_engine.ingest(store, specs, sampling, load(), load, on or Ray())


def stores(folder: Path) -> tuple[Store, Store]:
    for name in ("local", "ray"):
        (folder / name).mkdir()
    return a_store(folder / "local"), a_store(folder / "ray")


def test_rows_are_those_of_the_local_engine_and_a_bad_source_stops_no_other(
    cluster: Any, tmp_path: Path
) -> None:
    local, ray = stores(tmp_path)
    clips = [videos.shared_clip(name) for name in ("h264 open", "vp9", "vfr")]
    broken = tmp_path / "a broken.mkv"
    broken.write_text("this is no video")
    expected = run(local, broken, *clips)
    report = on_ray(ray, broken, *clips)
    assert [(o.title, o.state, o.frames) for o in report.outcomes] == [
        (o.title, o.state, o.frames) for o in expected.outcomes
    ]
    assert str(report.failed[0].error) == str(expected.failed[0].error)
    assert report.failed[0].error is not None and report.failed[0].error.hint
    assert everything(ray) == everything(local)
    again = on_ray(ray, *clips)
    assert {o.state for o in again.outcomes} == {"skipped"}
    assert everything(ray) == everything(local)


def test_models_see_on_a_worker_what_they_see_here(cluster: Any, tmp_path: Path) -> None:
    clip = videos.shared_clip("h264 open")
    load = partial(load_profile, "tiny", device="cpu")
    models = load()
    assert models.image and models.character
    local, ray = (
        Store.create(str(tmp_path / name), models.image.width, models.character.width)
        for name in ("local.animeds", "ray.animeds")
    )
    run(local, clip, models=models)
    on_ray(ray, clip, load=load)
    assert rows(ray, "frames")["tags"].to_pylist() == rows(local, "frames")["tags"].to_pylist()
    for name in ("models", "vocabulary", "thumbnails"):
        assert rows(ray, name).to_pylist() == rows(local, name).to_pylist()
    assert rows(ray, "detections").num_rows == rows(local, "detections").num_rows


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_workers_killed_at_random_lose_and_double_nothing(
    cluster: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    local, ray = stores(tmp_path)
    clips = [
        videos.write_video(tmp_path / f"{i}.mkv", pictures=list(videos.moving_pictures(300 + i, 64, 48)))
        for i in range(2)
    ]
    run(local, *clips, how="all")
    assassin = Assassin(2, 0.5)
    log = logging.getLogger("animeds")
    log.addHandler(assassin)
    try:
        with caplog.at_level(logging.INFO, "animeds"):
            report = on_ray(ray, *clips, how="all")
    finally:
        log.removeHandler(assassin)
    assert not report.failed
    assert "was lost" in caplog.text
    assert everything(ray) == everything(local)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_one_film_is_shared_out_in_stretches_also_when_a_worker_is_killed(
    cluster: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    local, ray = stores(tmp_path)
    film = videos.write_video(tmp_path / "film.mkv", pictures=list(videos.moving_pictures(600, 64, 48)))
    load = partial(load_profile, "none", device="cpu", overrides={"detector": "tiny-face"})
    run(local, film, how="all", models=load())
    assassin = Assassin(1, 1)
    log = logging.getLogger("animeds")
    log.addHandler(assassin)
    try:
        with caplog.at_level(logging.INFO, "animeds"):
            report = on_ray(ray, film, how="all", load=load, on=Ray(workers=2))
    finally:
        log.removeHandler(assassin)
    assert [(o.frames, o.error) for o in report.outcomes] == [(600, None)]
    assert "was lost" in caplog.text and caplog.text.count("is ready") == 3
    assert everything(ray) == everything(local)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_source_that_keeps_killing_workers_is_given_up_and_named(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(handout, "LOSSES", 2)
    clip = videos.write_video(tmp_path / "big.mkv", size=(640, 480), count=150)
    caplog.set_level(logging.INFO, "animeds")
    assassin = Assassin(2, 0)
    logging.getLogger("animeds").addHandler(assassin)
    try:
        failed = on_ray(a_store(tmp_path), clip, how="all").failed
    finally:
        logging.getLogger("animeds").removeHandler(assassin)
    assert "2 workers died while reading it" in str(failed[0].error)


def test_workers_that_cannot_start_are_told(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handout, "FALSE_STARTS", 1)
    with pytest.raises(EngineError, match="died before they were ready") as told:
        specs = discover([videos.shared_clip("vp9")])
        die = partial(os._exit, 9)
        ray_engine.ingest(a_store(tmp_path), specs, Sampling.parse("keyframes"), WITHOUT_MODELS, die, Ray())
    assert "animeds-db[ray]" in str(told.value.hint)


def test_other_versions_on_a_worker_are_named(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handout, "versions", lambda: versions() | {"animeds-db": "9.8.7"})
    with pytest.raises(EngineError, match=rf"animeds-db {animeds_db.__version__}, not 9\.8\.7") as told:
        on_ray(a_store(tmp_path), videos.shared_clip("vp9"))
    assert "animeds-db==9.8.7" in str(told.value.hint)


def test_a_worker_that_sees_another_database_at_that_place_is_found_out(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, other = stores(tmp_path)
    monkeypatch.setattr(ray_engine, "Job", lambda _uri, *rest: Job(other.uri, *rest))
    with pytest.raises(EngineError, match="but into another database"):
        on_ray(local, videos.shared_clip("vp9"))


def test_a_second_coordinator_is_refused_while_the_first_is_at_work(cluster: Any, tmp_path: Path) -> None:
    store = a_store(tmp_path)
    with (
        sole_coordinator(cluster, store.uri),
        pytest.raises(EngineError, match=rf"another ingest for .*process {os.getpid()} on"),
    ):
        on_ray(store, videos.shared_clip("vp9"))
    assert not on_ray(store, videos.shared_clip("vp9")).failed


def test_more_than_the_cluster_has_is_told(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not enough for a worker with 64 cores and 0 GPUs") as told:
        on_ray(a_store(tmp_path), videos.shared_clip("vp9"), on=Ray(cpus=64))
    assert "--worker-cpus" in str(told.value.hint)


@pytest.mark.parametrize(
    ("on", "workers"),
    [
        (Ray(cpus=4, gpus=1), 4),  # one for each card
        (Ray(cpus=8, gpus=1), 2),  # as many as there are cores for
        (Ray(gpus=0.25), 16),
        (Ray(workers=3, gpus=1), 3),
        (Ray(gpus=4), 1),
    ],
)
def test_each_worker_gets_the_share_of_the_cards_that_it_reserves(on: Ray, workers: int) -> None:
    class Cluster:
        """A cluster of 16 cores and four cards, as Ray describes it."""

        def cluster_resources(self) -> dict[str, float]:
            return {"CPU": 16.0, "GPU": 4.0}

    job = Job("show.animeds", Sampling.parse("all"), Models, (), False)
    assert handout.HandOut(Cluster(), SourceWorker, job, on).most() == workers


def test_the_command_line_ingests_on_ray(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Runner(capsys, monkeypatch)
    (tmp_path / "in").mkdir()
    shutil.copyfile(videos.shared_clip("vp9"), tmp_path / "in" / "Show - 01.webm")
    (tmp_path / "in" / "Show - 02.mkv").write_text("no video")
    monkeypatch.chdir(tmp_path)  # workers have other folders to start from
    words = ["in", "--db", "a.animeds", "--profile", "none", "--engine", "ray", "--workers", "1"]
    done = command("ingest", *words)
    assert done.code == 3, done.err
    assert "1 of 2 sources, 4 frames in" in done.err
    assert "failed: Show - 02" in done.err
    assert (
        command("sql", "SELECT count(*) AS n FROM frames", "--db", "a.animeds", "--format", "csv").out
        == "n\n4\n"
    )


def test_the_page_on_many_workers_works_as_written(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANIMEDS_PROFILE", "none")
    (tmp_path / "episodes").mkdir()
    (tmp_path / "episodes" / "Show - 01.webm").symlink_to(videos.shared_clip("vp9"))
    page = (Path(__file__).parents[1] / "docs" / "scale.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", page[: page.index("## Object storage")], re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert "characters classify" in lines.pop()  # wants faces and examples: see test_steps_on_workers
    for line in lines:
        done = Runner(capsys, monkeypatch)(*shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)
    assert Store.open("anime.animeds").table("frames").count_rows() == 4


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> SourceWorker:
    """A worker, in this process."""
    monkeypatch.setenv("ANIMEDS_THREADS", "1")
    return SourceWorker(1)


def job(uri: str, *ids: str) -> bytes:
    return pickle.dumps(Job(uri, Sampling.parse("keyframes"), Models, ids, False))


def test_a_source_that_is_not_on_the_workers_machine_fails_alone(
    worker: SourceWorker, tmp_path: Path
) -> None:
    clip = videos.write_clip(tmp_path, "vp9")
    spec = discover([clip])[0]
    clip.unlink()
    assert isinstance(worker.begin(versions(), job(a_store(tmp_path).uri)), Seat)
    outcome = worker.do(Whole(spec))
    assert isinstance(outcome, Outcome) and outcome.state == "failed"
    assert f"{clip} is not on {socket.gethostname()}, where this worker runs" in str(outcome.error)


def test_a_worker_without_the_card_that_should_decode_notes_it_with_the_source(
    worker: SourceWorker, tmp_path: Path
) -> None:
    absent = next(device for device in reversed(DEVICES) if choose_hardware(device).device is None)
    wanted = Job(a_store(tmp_path).uri, Sampling.parse("all"), Models, (), False, hwaccel=absent)
    assert isinstance(worker.begin(versions(), pickle.dumps(wanted)), Seat)
    outcome = worker.do(Whole(discover([videos.shared_clip("vp9")])[0]))
    assert isinstance(outcome, Outcome) and (outcome.state, outcome.frames) == ("new", 48)
    assert outcome.notes == (choose_hardware(absent).note,)


def test_a_database_that_is_not_on_the_workers_machine_is_told(worker: SourceWorker, tmp_path: Path) -> None:
    told = worker.begin(versions(), job(str(tmp_path / "x.animeds")))
    assert isinstance(told, StoreError)
    assert f"the worker on {socket.gethostname()} cannot open the database" in str(told)
    assert "s3://" in str(told.hint)


def test_other_models_on_a_worker_are_named(worker: SourceWorker, tmp_path: Path) -> None:
    told = worker.begin(versions(), job(a_store(tmp_path).uri, "wd-swinv2-v3@abc"))
    assert isinstance(told, EngineError)
    assert "has other models: none, not wd-swinv2-v3@abc" in str(told)


def test_another_python_on_a_worker_is_told_before_anything_is_unpickled(worker: SourceWorker) -> None:
    told = worker.begin(versions() | {"Python": "3.99"}, b"not to be unpickled")
    assert isinstance(told, EngineError) and "not 3.99" in str(told)


@pytest.fixture
def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """`animeds ingest CLIP --engine …` in an empty folder; nothing may be left there."""
    monkeypatch.chdir(tmp_path)
    clip = videos.shared_clip("vp9")
    return lambda *words: Runner(capsys, monkeypatch)("ingest", clip, "--profile", "none", *words)


def test_without_ray_the_error_names_the_extra(
    command: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = command("--engine", "ray")
    assert done.code == 1
    assert 'pip install "animeds-db[ray]"' in done.err
    assert not list(tmp_path.iterdir())


def test_an_address_where_nobody_answers_is_told_at_once(command: Callable[..., Ran], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'animeds-db[ray]'")
    started = time.monotonic()
    done = command("--engine", "ray", "--address", "127.0.0.1:1")
    assert done.code == 1 and time.monotonic() - started < 30
    assert "no Ray cluster can be reached at 127.0.0.1:1" in done.err and "ray start --head" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--engine", "rai"], 'did you mean "ray"?'), (["--workers", "2"], "need --engine ray")],
)
def test_wrong_words_are_refused(command: Callable[..., Ran], words: list[str], told: str) -> None:
    done = command(*words)
    assert done.code == 2 and told in done.err


def test_shots_found_by_workers_are_those_found_here(cluster: Any, tmp_path: Path) -> None:
    local, ray = stores(tmp_path)
    clips = [videos.shared_clip(name) for name in ("h264 open", "vp9")]
    for store, on in ((local, None), (ray, Ray())):
        run(store, *clips)
        with animeds_db.open(store.uri) as dataset:
            assert [outcome.state for outcome in dataset.shots(on=on).outcomes] == ["done", "done"]
    assert everything(ray) == everything(local)

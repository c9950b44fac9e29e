"""What an ingest remembers and keeps: profile and sampling of a database, and the frames done before Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import videos
from cli_run import Runner
from ingesting import a_store, everything, run

from animeds_db.store import Store
from animeds_ingest import pipeline

SCRIPT = """
import sys, time
from pathlib import Path
from animeds_ingest import pipeline
from animeds_ingest.engines import local
from animeds_ingest.outcomes import Silent
from ingesting import WITHOUT_MODELS
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover
from animeds_db.store import Store

class Told(Silent):
    def frames(self, done, position_s):
        if done == 30:
            print("30 frames", flush=True)
            time.sleep(60)

pipeline.BATCH = 8
local.ingest(Store.open(sys.argv[1]), discover(sys.argv[2:]), Sampling.parse("all"), WITHOUT_MODELS, watcher=Told())
"""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    for name in ("ANIMEDS_DB", "ANIMEDS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return Runner(capsys, monkeypatch)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(Path("no-cache").absolute()))


def versions(store: Store) -> dict[str, int]:
    return {name: store.version(name) for name in store.names()}


def sources(store: Store) -> list[dict[str, object]]:
    rows = store.table("sources").to_table().to_pylist()
    return sorted(rows, key=lambda row: str(row["title"]))


@pytest.mark.skipif(os.name != "posix", reason="this system has no SIGINT between processes")
def test_ctrl_c_keeps_the_batches_that_are_done_and_marks_the_source_as_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 8)
    clip = videos.shared_clip("h264 open")
    (tmp_path / "calm").mkdir()
    calm, store = a_store(tmp_path / "calm"), a_store(tmp_path)
    run(calm, clip, how="all")
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, store.uri, str(clip)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent / "support")},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"30 frames\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
    [row] = sources(store)
    assert row["state"] == "interrupted"
    assert store.table("frames").count_rows() == 24  # three batches of eight
    assert [outcome.state for outcome in run(store, clip, how="all").outcomes] == ["resumed"]
    assert everything(store) == everything(calm)


@pytest.mark.parametrize(("seconds", "commits"), [(3600.0, 1), (0.0, 6)])
def test_frames_are_committed_after_some_time_however_few_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, commits: int
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 8)
    monkeypatch.setattr(pipeline, "COMMIT_S", seconds)
    store = a_store(tmp_path)
    before = store.version("frames")
    run(store, videos.shared_clip("h264 open"), how="all")  # 48 frames
    assert store.version("frames") - before == commits


def test_a_second_ingest_needs_no_flags_no_network_and_writes_nothing(cli: Runner, offline: None) -> None:
    Path("in").mkdir()
    for number in (1, 2):
        videos.write_video(Path(f"in/Show - {number:02}.mkv"), count=8 + number)
    assert cli("ingest", "in", "--profile", "none", "--sample", "every=0.1s").code == 0
    store = Store.open("anime.animeds")
    before = versions(store)
    again = cli("ingest", "in")
    assert again.code == 0, again.err
    assert again.err.count("skipped") == 2 and "no models" not in again.err
    assert versions(store) == before


def test_new_episodes_are_ingested_as_the_last_ones_were(cli: Runner, offline: None) -> None:
    first, second, third = (videos.write_video(Path(f"Show - {n:02}.mkv"), count=20 + n) for n in (1, 2, 3))
    asked = ["--profile", "tiny", "--embedder", "none", "--sample", "every=0.1s", "--start", "0.1"]
    assert cli("ingest", first, *asked).code == 0
    assert cli("ingest", second).code == 0
    rows = sources(Store.open("anime.animeds"))
    assert rows[0]["models"] == rows[1]["models"] and len(rows[1]["models"] or []) == 3  # type: ignore[arg-type]
    assert [row["sampling"] for row in rows] == ["every=0.1s 0.1..", "every=0.1s"]
    assert cli("ingest", third, "--profile", "none", "--sample", "all").code == 0
    assert sources(Store.open("anime.animeds"))[2]["models"] == []
    assert cli("ingest", first, second, third).err.count("skipped") == 3


def test_a_setting_of_this_machine_comes_before_what_the_database_remembers(
    cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (videos.write_video(Path(f"Show - {n:02}.mkv"), count=20 + n) for n in (1, 2))
    cli("ingest", first, "--profile", "tiny", "--sample", "all")
    monkeypatch.setenv("ANIMEDS_PROFILE", "none")
    monkeypatch.setenv("ANIMEDS_SAMPLING", "every=0.5s")
    assert cli("ingest", first).code == 0
    assert cli("ingest", second).code == 0
    row = sources(Store.open("anime.animeds"))[1]
    assert (row["models"], row["sampling"]) == ([], "every=0.5s")


def test_one_cause_is_told_once_however_many_sources_it_stops(cli: Runner) -> None:
    Path("in").mkdir()
    for number in range(1, 8):
        videos.write_video(Path(f"in/Show - {number:02}.mkv"), count=6 + number)
    (Path("in") / "Show - 08.mkv").write_text("no video")
    cli("ingest", "in", "--profile", "none")
    again = cli("ingest", "in", "--sample", "all")
    failed = [line for line in again.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 2
    assert failed[0].startswith("failed: Show - 01, Show - 02, Show - 03, Show - 04, Show - 05 and 2 more: ")
    assert "was ingested with sampling keyframes, not all" in failed[0]
    assert failed[1].startswith("failed: Show - 08: ")
    assert again.err.count("hint: ") == 2


def test_an_interrupted_source_goes_on_with_its_own_sampling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from animeds_ingest.engines import local
    from animeds_ingest.sampling import Sampling
    from animeds_ingest.sources import discover

    clip = videos.shared_clip("h264 open")
    store = a_store(tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    from ingesting import WITHOUT_MODELS

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pipeline.Writer, "_commit", stop)
        run(store, clip, how="every=0.5s")
    assert sources(store)[0]["state"] == "interrupted"
    how = Sampling.parse("keyframes")
    local.ingest(store, discover([clip]), how, WITHOUT_MODELS, asked=frozenset())
    assert (sources(store)[0]["state"], sources(store)[0]["sampling"]) == ("done", "every=0.5s")

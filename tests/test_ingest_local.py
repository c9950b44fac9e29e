"""What the engine promises: run it twice, stop it anywhere, and the rows are the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import videos
from cli_run import Runner
from fastapi.testclient import TestClient
from ingesting import WITHOUT_MODELS, a_store, everything, rows, run
from PIL import Image

from animeds_db.session import Session
from animeds_db.store import Store
from animeds_db.web import create_app
from animeds_ingest import pipeline
from animeds_ingest.engines import local
from animeds_ingest.rows import Chunk


@pytest.fixture
def clip() -> Path:
    return videos.shared_clip("h264 open")


def pictures(folder: Path, count: int, start: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for i, picture in enumerate(videos.moving_pictures(start + count, 96, 64)):
        if i >= start:
            Image.fromarray(np.asarray(picture)).save(folder / f"cap {i}.png")
    return folder


def test_a_finished_source_is_skipped(tmp_path: Path, clip: Path) -> None:
    store = a_store(tmp_path)
    first = run(store, clip)
    before = everything(store)
    second = run(store, clip)
    assert [o.state for o in first.outcomes] == ["new"]
    assert [o.state for o in second.outcomes] == ["skipped"]
    assert everything(store) == before


def test_a_copy_of_a_file_is_known_by_its_content(tmp_path: Path, clip: Path) -> None:
    store = a_store(tmp_path)
    copy = tmp_path / "Another Name - 02.mkv"
    shutil.copyfile(clip, copy)
    run(store, clip)
    run(store, copy)
    assert rows(store, "sources").num_rows == 1


def test_rows_are_the_same_on_every_run(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = a_store(tmp_path / "a"), a_store(tmp_path / "b")
    run(one, clip, how="all")
    run(other, clip, how="all")
    assert everything(one) == everything(other)


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_an_interrupted_source_goes_on_after_its_last_commit(
    tmp_path: Path, clip: Path, commits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 4)
    monkeypatch.setattr(pipeline, "CHUNK", 8)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    undisturbed, stopped = a_store(tmp_path / "a"), a_store(tmp_path / "b")
    run(undisturbed, clip, how="all")

    class Stop(KeyboardInterrupt):
        pass

    written = 0
    commit = pipeline.Writer._commit

    def commit_then_stop(self: pipeline.Writer, chunk: Chunk) -> None:
        nonlocal written
        if written == commits:
            raise Stop
        written += 1
        commit(self, chunk)

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(pipeline.Writer, "_commit", commit_then_stop)
        run(stopped, clip, how="all")
    assert rows(stopped, "frames").num_rows == 8 * commits
    assert Session(stopped).sql("SELECT count(*) FROM frames").fetchall() == [(0,)]
    assert Session(stopped, unfinished=True).sql("SELECT count(*) FROM frames").fetchall() == [(8 * commits,)]

    report = run(stopped, clip, how="all")
    assert report.outcomes[0].state == "resumed"
    assert everything(stopped) == everything(undisturbed)


def test_one_bad_source_does_not_stop_the_others(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a broken.mkv").write_text("this is no video")
    shutil.copyfile(clip, tmp_path / "in" / "b good.mkv")
    store = a_store(tmp_path)
    report = run(store, tmp_path / "in")
    assert [o.state for o in report.outcomes] == ["failed", "new"]
    assert "a broken.mkv" in str(report.failed[0].error)
    assert rows(store, "frames").num_rows > 0


def test_other_sampling_of_a_finished_source_is_refused_with_the_way_out(tmp_path: Path, clip: Path) -> None:
    store = a_store(tmp_path)
    run(store, clip)
    before = everything(store)
    error = run(store, clip, how="all").failed[0].error
    assert error is not None
    assert "was ingested with sampling keyframes, not all" in str(error)
    assert "--replace" in str(error.hint)
    assert everything(store) == before


def test_replace_ingests_a_source_anew(tmp_path: Path, clip: Path) -> None:
    store = a_store(tmp_path)
    run(store, clip)
    few = rows(store, "frames").num_rows
    run(store, clip, how="all", replace=True)
    frames = rows(store, "frames")
    assert frames.num_rows > few
    assert rows(store, "thumbnails").num_rows == frames.num_rows
    assert rows(store, "sources")["n_frames"].to_pylist() == [frames.num_rows]


def test_new_pictures_in_a_known_folder_are_added_and_the_old_ones_keep_their_ids(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = pictures(tmp_path / "caps", 4)
    run(store, folder)
    old = rows(store, "frames")
    pictures(folder, 3, start=4)
    report = run(store, folder)
    new = rows(store, "frames")
    assert report.outcomes[0].state == "grown"
    assert new.num_rows == 7
    kept = {row["frame_id"]: row["member"] for row in new.to_pylist()}
    assert all(kept[row["frame_id"]] == row["member"] for row in old.to_pylist())
    assert sorted(new["ordinal"].to_pylist()) == list(range(7))


def test_a_source_without_frames_in_the_wanted_stretch_is_told(tmp_path: Path, clip: Path) -> None:
    from animeds_ingest.sampling import Sampling
    from animeds_ingest.sources import discover

    store = a_store(tmp_path)
    how = Sampling.parse("keyframes", "1000", None)
    report = local.ingest(store, discover([clip]), how, WITHOUT_MODELS)
    assert "no frames were found" in str(report.failed[0].error)


def test_a_database_for_other_vectors_is_refused(tmp_path: Path, clip: Path) -> None:
    from animeds_db.errors import StoreError
    from animeds_db.models import load_profile

    store = Store.create(str(tmp_path / "x.animeds"), 3, 3)
    with pytest.raises(StoreError, match="this database has width 3"):
        run(store, clip, models=load_profile("tiny"))


def test_what_damage_cost_is_stored_with_the_source_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = videos.write_clip(tmp_path, "hevc open", count=96)
    data = bytearray(path.read_bytes())
    data[len(data) * 4 // 10 : len(data) * 6 // 10] = bytes(len(data) * 6 // 10 - len(data) * 4 // 10)
    path.write_bytes(data)
    monkeypatch.chdir(tmp_path)
    run_cli = Runner(capsys, monkeypatch)
    told = run_cli("ingest", path, "--profile", "none", "--sample", "all", "--db", "show.animeds").err
    assert "frames lost to damage" in told and "gaps without a frame" in told
    [row] = Store.open("show.animeds").table("sources").to_table().to_pylist()
    assert row["n_damaged"] > 0 and row["n_gaps"] > 0
    assert row["n_frames"] < 96
    [shown] = json.loads(run_cli("status", "--db", "show.animeds", "--format", "json").out)
    assert (shown["n_damaged"], shown["n_gaps"]) == (row["n_damaged"], row["n_gaps"])
    assert "frames lost to damage" in shown["noticed"]
    whole = videos.shared_clip("h264 open")
    run_cli("ingest", whole, "--profile", "none", "--db", "show.animeds")
    with TestClient(create_app("show.animeds"), base_url="http://localhost") as client:
        assert client.get("/api/status").json()["damaged"] == 1

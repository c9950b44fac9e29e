"""One content is one source: files that moved, were renamed, or are there twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import videos
from cli_run import Runner
from ingesting import a_store, everything, rows, run
from PIL import Image

import animeds_db
from animeds_db.store import Store


@pytest.fixture
def show(tmp_path: Path) -> Path:
    folder = tmp_path / "Show"
    folder.mkdir()
    shutil.copyfile(videos.shared_clip("h264 open"), folder / "Show - 01.mkv")
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    return Runner(capsys, monkeypatch)


def source(store: Store) -> dict[str, object]:
    [row] = store.table("sources").to_table().to_pylist()
    return dict(row)


def picture(path: Path, colour: str = "red") -> Path:
    Image.new("RGB", (64, 48), colour).save(path)
    return path


def test_a_renamed_file_is_found_by_its_content_and_the_new_path_is_used(tmp_path: Path, show: Path) -> None:
    store = a_store(tmp_path)
    old, new = show / "Show - 01.mkv", show / "Show - 01 [BD].mkv"
    run(store, old)
    frames = rows(store, "frames")
    old.rename(new)
    [outcome] = run(store, new).outcomes
    assert outcome.state == "skipped"
    assert f"was moved from {old} to {new}" in outcome.notes[0]
    assert (source(store)["uri"], source(store)["title"]) == (str(new), "Show - 01 [BD]")
    assert rows(store, "frames") == frames
    with animeds_db.open(store.uri) as dataset:
        assert dataset.image(frames["frame_id"][0].as_py()).size == (160, 96)
    assert run(store, new).outcomes[0].notes == ()


def test_a_moved_file_is_exported_from_its_new_path(cli: Runner, tmp_path: Path, show: Path) -> None:
    assert cli("ingest", show, "--profile", "none").code == 0
    shutil.move(show, tmp_path / "disk")
    told = cli("ingest", tmp_path / "disk")
    assert told.code == 0, told.err
    assert f"to {tmp_path / 'disk' / 'Show - 01.mkv'};" in told.err
    assert cli("export", "--sql", "SELECT frame_id FROM frames", tmp_path / "out").code == 0
    assert len(list((tmp_path / "out").rglob("*.png"))) > 0


def test_a_copy_adds_a_path_which_is_used_when_the_first_one_is_gone(tmp_path: Path, show: Path) -> None:
    store = a_store(tmp_path)
    first, copy = show / "Show - 01.mkv", tmp_path / "copy.mkv"
    run(store, first)
    shutil.copyfile(first, copy)
    [outcome] = run(store, copy).outcomes
    assert "has the same content as" in outcome.notes[0]
    assert (source(store)["uri"], source(store)["other_uris"]) == (str(first), [str(copy)])
    first.unlink()
    with animeds_db.open(store.uri) as dataset:
        frame = dataset.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
        assert dataset.image(frame).size == (160, 96)
        dataset.export(None, tmp_path / "out", sql="SELECT frame_id FROM frames")
    run(store, copy)
    assert (source(store)["uri"], source(store)["other_uris"]) == (str(copy), None)


@pytest.mark.parametrize("both", [True, False], ids=["beside it", "after it is gone"])
def test_a_picture_with_the_bytes_of_a_video_leaves_the_video_as_it_is(
    tmp_path: Path, show: Path, both: bool
) -> None:
    store = a_store(tmp_path)
    video, stray = show / "Show - 01.mkv", tmp_path / "stray.png"
    run(store, video)
    before = everything(store)
    shutil.copyfile(video, stray)
    if not both:
        video.unlink()
    for replace in (False, True):
        [outcome] = run(store, stray, replace=replace).outcomes
        if both and not replace:
            assert outcome.state == "skipped"
        else:
            assert "which was ingested as a video" in str(outcome.error)
    after = everything(store)
    for row in after["sources"]:
        row["other_uris"] = None
    assert after == before


def test_a_video_counts_though_its_bytes_failed_as_a_picture_before(tmp_path: Path, show: Path) -> None:
    store = a_store(tmp_path)
    stray = tmp_path / "stray.png"
    shutil.copyfile(show / "Show - 01.mkv", stray)
    assert run(store, stray).failed
    assert not run(store, show / "Show - 01.mkv").failed
    row = source(store)
    assert (row["kind"], row["state"], row["title"]) == ("video", "done", "Show - 01")
    n = rows(store, "frames").num_rows
    assert n > 1 and row["n_frames"] == n


def test_two_identical_pictures_are_one_source_and_one_frame(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    first, second = picture(tmp_path / "a.png"), picture(tmp_path / "b.png")
    run(store, first, second)
    assert source(store)["other_uris"] == [str(second)]
    assert rows(store, "frames").num_rows == 1
    first.unlink()
    run(store, second)
    with animeds_db.open(store.uri) as dataset:
        [frame] = rows(store, "frames")["frame_id"].to_pylist()
        assert np.asarray(dataset.image(frame))[0, 0].tolist() == [255, 0, 0]


def test_a_file_whose_time_changed_is_not_decoded_again(tmp_path: Path, show: Path) -> None:
    store = a_store(tmp_path)
    file = show / "Show - 01.mkv"
    run(store, file)
    before = store.table("frames").version
    file.touch()
    assert [run(store, file).outcomes[0].state for _ in range(2)] == ["skipped", "skipped"]
    assert store.table("frames").version == before


def test_values_given_for_finished_sources_are_mentioned_with_the_way_to_change_them(
    cli: Runner, show: Path
) -> None:
    assert cli("ingest", show, "--profile", "none").code == 0
    again = cli("ingest", show, "--show", "Other Show", "--licence", "CC0")
    [line] = [line for line in again.err.splitlines() if "Other Show" in line]
    assert 'show is still "Show", not "Other Show"' in line
    command = line.partition("`animeds ")[2].partition("`")[0]
    words = command.replace("'Other Show'", "Other_Show").split()
    assert words[:2] == ["sources", "edit"] and words[3:] == ["--show", "Other_Show"]
    assert "licence is still empty" in again.err
    assert cli("ingest", show, "--show", "Show").err.count("still") == 0


def test_sources_edit_changes_what_is_said_of_them(cli: Runner, show: Path) -> None:
    cli("ingest", show, "--profile", "none", "--credit", "Studio")
    told = cli("sources", "edit", show, "--show", "Ünï", "--season", 2, "--episode", 3, "--licence", "CC0")
    assert (told.code, told.err) == (0, "Show - 01: show Ünï, season 2, episode 3, licence CC0\n")
    columns = (
        'SELECT DISTINCT "show", season, episode, credit, licence FROM frames JOIN sources USING (source_id)'
    )
    columns = columns.replace('"show", season, episode', 'sources."show", sources.season, sources.episode')
    assert cli("sql", columns, "--format", "csv").out.splitlines()[1] == "Ünï,2,3,Studio,CC0"
    cli("sources", "edit", show / "Show - 01.mkv", "--credit", "", "--episode", "")
    assert cli("sql", columns, "--format", "csv").out.splitlines()[1] == "Ünï,2,,,CC0"
    assert cli("ingest", show).code == 0
    assert cli("sql", columns, "--format", "csv").out.splitlines()[1] == "Ünï,2,,,CC0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.mkv", "--show", "X"], "no source nowhere.mkv"),
        (["Show", "--season", "two"], 'season must be a whole number of at least 0, not "two"'),
        (["Show", "--episode", "-1"], 'episode must be a whole number of at least 0, not "-1"'),
        (["Show"], "There is nothing to change"),
    ],
)
def test_a_wrong_edit_is_refused_and_changes_nothing(
    cli: Runner, show: Path, words: list[str], message: str
) -> None:
    cli("ingest", show, "--profile", "none")
    store = Store.open("anime.animeds")
    before = store.table("sources").version
    done = cli("sources", "edit", *words)
    assert done.code == 2 and message in done.err
    assert store.table("sources").version == before


def test_what_a_person_changed_stays_when_a_folder_grows(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = tmp_path / "caps"
    folder.mkdir()
    picture(folder / "1.png")
    run(store, folder)
    with animeds_db.open(store.uri) as dataset:
        dataset.edit_sources([str(folder)], show="Mine", episode=7)
    picture(folder / "2.png", "blue")
    assert run(store, folder).outcomes[0].state == "grown"
    assert (source(store)["show"], source(store)["episode"]) == ("Mine", 7)

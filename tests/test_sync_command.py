"""`animeds sync` as a user sees it, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_run import Runner
from PIL import Image
from synced import FACE_CROPS, content, export, pictures, said, show

from animeds_db.errors import ExportError, UsageError


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(capsys, monkeypatch)


def test_the_table_says_what_would_be_labelled_and_then_it_is(tmp_path: Path, run: Runner) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out")
        gone = pictures(out)[0]
        (out / gone).unlink()
        dry = run("sync", out, "--db", dataset.uri, "--dry-run")
        assert dry.out.splitlines() == ["file\twhat\tfrom\tto", f"{gone}\tdropped\t{gone}\t"]
        assert "Nothing was written" in dry.err
        assert said(dataset) == []
        done = run("sync", out, "--db", dataset.uri, "--who", "me", "--format", "json")
        assert json.loads(done.out)[0]["what"] == "dropped"
        assert "1 dropped" in done.err
        assert "animeds label undo" in done.err
        assert run("label", "undo", "--db", dataset.uri).code == 0
        assert said(dataset) == []
        run("sync", out, "--db", dataset.uri)
        again = run("sync", out, "--db", dataset.uri)
        assert (again.code, again.out) == (0, "")
        assert "Nothing to do" in again.err


def test_new_files_are_told_with_the_command_that_brings_them_in(tmp_path: Path, run: Runner) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out")
        Image.new("RGB", (20, 20), (9, 99, 9)).save(out / "mine.png")
        (out / "mine.txt").write_text("red hair")
        done = run("sync", out, "--db", dataset.uri)
        assert f"animeds ingest '{out}/mine.png' --image-type fanart" in done.err
        brought = run(
            "ingest", out / "mine.png", "--image-type", "fanart", "--profile", "none", "--db", dataset.uri
        )
        assert brought.code == 0, brought.err
        assert dataset.sql(
            "SELECT tag FROM tags JOIN sources USING (source_id) WHERE image_type = 'fanart'"
        ).fetchall() == [("red_hair",)]


def test_a_folder_that_is_no_export_is_named_with_a_way_out(tmp_path: Path, run: Runner) -> None:
    with show(tmp_path) as dataset:
        (tmp_path / "mine").mkdir()
        done = run("sync", tmp_path / "mine", "--db", dataset.uri)
        assert done.code == 1
        assert f"{tmp_path / 'mine'} has no animeds-export.json" in done.err
        assert "animeds ingest" in done.err
        assert "does not exist" in run("sync", tmp_path / "gone", "--db", dataset.uri).err


def test_a_folder_of_another_database_is_refused_and_that_one_named(tmp_path: Path, run: Runner) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with show(tmp_path / "a") as mine, show(tmp_path / "b") as other:
        out = export(mine, tmp_path / "out")
        (out / pictures(out)[0]).unlink()
        done = run("sync", out, "--db", other.uri)
        assert done.code == 1
        assert f"was exported from {mine.uri}, not from {other.uri}" in done.err
        assert f"--db '{mine.uri}'" in done.err
        assert said(other) == []


def test_a_database_that_was_moved_still_knows_its_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with show(tmp_path / "a") as mine, show(tmp_path / "b") as other:
        out = export(mine, tmp_path / "out")
        (out / pictures(out)[0]).unlink()
        shutil.rmtree(mine.uri)
        assert other.sync(out).counts == {"dropped": 1}


def test_an_emptied_folder_drops_nothing(tmp_path: Path) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out")
        for path in pictures(out):
            (out / path).unlink()
        with pytest.raises(ExportError, match="None of the exported pictures"):
            dataset.sync(out)
        assert said(dataset) == []


def test_an_export_in_archives_cannot_be_read_back(tmp_path: Path) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out", layouts=("zip",))
        with pytest.raises(ExportError, match="in archives"):
            dataset.sync(out)


def test_a_wrong_format_is_refused(tmp_path: Path) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out")
        with pytest.raises(UsageError, match="has no folder for characters"):
            dataset.sync(out, form="*/*")


def test_edits_in_any_of_several_layouts_count(tmp_path: Path) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out", FACE_CROPS, layouts=("plain", "kohya"))
        crop = next(p for p in pictures(out / "kohya") if p.startswith("1_Nanoha/"))
        (out / "kohya" / crop).rename(out / "kohya" / "1_Fate" / Path(crop).name)
        (out / "plain" / pictures(out / "plain")[0]).unlink()
        assert dataset.sync(out).counts == {"character": 1, "dropped": 1}
        assert dataset.sync(out).changes == ()


def test_a_layout_without_caption_files_is_read_by_its_pictures(tmp_path: Path) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out", layouts=("imagefolder",))
        assert dataset.sync(out).changes == ()
        (out / pictures(out)[0]).unlink()
        assert dataset.sync(out).counts == {"dropped": 1}


def test_a_tag_that_another_crop_of_the_frame_bears_stays(tmp_path: Path) -> None:
    with show(tmp_path, [("Nanoha", "Fate")]) as dataset:
        out = export(dataset, tmp_path / "out", FACE_CROPS)
        first, second = ((out / p).with_suffix(".txt") for p in pictures(out))
        first.write_text(first.read_text().replace(", smile", ""))
        (told,) = dataset.sync(out).changes
        assert (told.what, told.before) == ("left alone", "- smile")
        second.write_text(second.read_text().replace(", smile", ""))
        assert dataset.sync(out).counts == {"tag removed": 1}


def test_a_synced_folder_of_which_pictures_were_deleted_can_be_overwritten(tmp_path: Path) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out", "SELECT frame_id FROM kept")
        gone = pictures(out)[0]
        before = content(out)
        (out / gone).unlink()
        with pytest.raises(ExportError, match=r"\(deleted\)"):
            export(dataset, out, "SELECT frame_id FROM kept", overwrite=True)
        dataset.sync(out)
        export(dataset, out, "SELECT frame_id FROM kept", overwrite=True)
        assert content(out) == {
            k: v for k, v in before.items() if not k.startswith(gone.removesuffix(".png"))
        }
        assert dataset.sync(out).changes == ()

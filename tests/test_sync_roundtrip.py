"""Export, edit as a person would, sync, export again: exactly those changes, nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sampleshow
from synced import ARRANGED, FACE_CROPS, content, export, pictures, said, show

import animeds_db
from animeds_db.captions import CaptionProfile
from animeds_db.dataset import Dataset
from animeds_db.export import ExportOptions

Arranged = tuple[Dataset, Path]
"""A database and the folder that was exported from it."""


@pytest.fixture
def arranged(tmp_path: Path) -> Iterator[Arranged]:
    with show(tmp_path) as dataset:
        yield dataset, export(dataset, tmp_path / "out")


def test_an_untouched_folder_says_nothing(arranged: Arranged) -> None:
    dataset, out = arranged
    before = content(out)
    report = dataset.sync(out)
    assert (report.changes, report.act, report.notes) == ((), None, ())
    assert content(out) == before
    assert not (out / ".animeds-sync.json").exists()


def test_deleting_moving_and_editing_come_back_and_nothing_else(arranged: Arranged, tmp_path: Path) -> None:
    dataset, out = arranged
    first, second, third, _ = pictures(out)  # two of Fate, two of Nanoha
    assert first.startswith("1_character/Fate/") and third.startswith("1_character/Nanoha/")
    before = content(out)
    (out / first).unlink()
    (out / second).rename(out / "1_character/Nanoha" / Path(second).name)
    caption = (out / third).with_suffix(".txt")
    caption.write_text("hat, red hair, 1girl")  # smile is gone, the order is another one

    report = dataset.sync(out)
    assert report.counts == {"dropped": 1, "character": 1, "tag added": 1, "tag removed": 1}

    again = content(export(dataset, tmp_path / "again", ARRANGED.replace("FROM frames", "FROM kept")))
    moved = second.replace("Fate", "Nanoha")
    expected = {
        name.replace("Fate", "Nanoha"): data
        for name, data in before.items()
        if not name.startswith(first.removesuffix(".png"))
    }
    expected[third.replace(".png", ".txt")] = b"hat, 1girl, red hair"
    assert moved in again
    assert again == expected


def test_syncing_twice_says_nothing_new(arranged: Arranged) -> None:
    dataset, out = arranged
    (out / pictures(out)[0]).unlink()
    assert dataset.sync(out).act is not None
    labels = said(dataset)
    again = dataset.sync(out)
    assert (again.changes, again.act) == ((), None)
    assert said(dataset) == labels


def test_one_undo_takes_a_sync_back_and_the_next_sync_says_it_again(arranged: Arranged) -> None:
    dataset, out = arranged
    (out / pictures(out)[0]).unlink()
    (out / pictures(out)[-1]).with_suffix(".txt").write_text("1girl, red hair, smile, hat")
    act = dataset.sync(out).act
    assert len(said(dataset)) == 2
    dataset.undo(act)
    assert said(dataset) == []
    assert dataset.sync(out).counts == {"dropped": 1, "tag added": 1}


def test_what_comes_back_into_the_folder_takes_its_drop_back(arranged: Arranged, tmp_path: Path) -> None:
    dataset, out = arranged
    path = out / pictures(out)[0]
    shutil.move(path, tmp_path / "trash.png")
    dataset.sync(out)
    assert dataset.sql("SELECT count(*) FROM kept").fetchall() == [(3,)]
    shutil.move(tmp_path / "trash.png", path)
    assert dataset.sync(out).counts == {"restored": 1}
    assert dataset.sql("SELECT count(*) FROM kept").fetchall() == [(4,)]
    assert dataset.sync(out).changes == ()


def test_a_later_word_is_not_overruled_by_syncing_an_old_folder(arranged: Arranged) -> None:
    dataset, out = arranged
    (out / pictures(out)[0]).unlink()
    dataset.sync(out)
    frame = said(dataset)[0][3]
    dataset.label("frame", "set", "keep", [frame])
    assert dataset.sync(out).changes == ()
    assert said(dataset) == [("frame", "set", "keep", frame)]


def test_a_dry_run_writes_nothing(arranged: Arranged) -> None:
    dataset, out = arranged
    (out / pictures(out)[0]).unlink()
    before = sorted(p.name for p in out.rglob("*"))
    report = dataset.sync(out, dry_run=True)
    assert report.counts == {"dropped": 1}
    assert report.act is None
    assert said(dataset) == []
    assert sorted(p.name for p in out.rglob("*")) == before


def test_a_deleted_face_crop_is_not_cut_out_again_and_its_frame_stays(tmp_path: Path) -> None:
    with show(tmp_path, [("Nanoha", "Fate"), ("Nanoha",)]) as dataset:
        out = export(dataset, tmp_path / "out", FACE_CROPS)
        gone, *rest = pictures(out)
        assert gone.startswith("Fate/") and len(rest) == 2
        before = content(out)
        (out / gone).unlink()
        assert dataset.sync(out).counts == {"dropped": 1}
        again = content(export(dataset, tmp_path / "again", FACE_CROPS))
        assert again == {k: v for k, v in before.items() if not k.startswith(gone.removesuffix(".png"))}
        assert dataset.sql("SELECT count(*) FROM kept").fetchall() == [(2,)]
        assert ("Fate",) in dataset.sql("SELECT character FROM faces").fetchall()


def test_a_face_crop_in_another_folder_is_that_other_character(tmp_path: Path) -> None:
    with show(tmp_path, [("Nanoha", "Fate"), ("Nanoha",)]) as dataset:
        out = export(dataset, tmp_path / "out", FACE_CROPS)
        path = pictures(out)[1]
        (out / path).rename(out / "Fate" / Path(path).name)
        assert dataset.sync(out).counts == {"character": 1}
        again = export(dataset, tmp_path / "again", FACE_CROPS)
        assert set(pictures(again)) == {
            p.replace("Nanoha", "Fate") if p == path else p for p in pictures(again)
        }
        assert sorted(p.split("/")[0] for p in pictures(again)) == ["Fate", "Fate", "Nanoha"]


def test_the_sample_show_goes_out_is_corrected_and_goes_out_again(tmp_path: Path) -> None:
    shutil.copytree(sampleshow.database(), tmp_path / "show.animeds")
    sql = "SELECT frame_id FROM kept ORDER BY frame_id LIMIT 6"
    everything = f"SELECT frame_id FROM kept WHERE frame_id IN (SELECT frame_id FROM ({sql.replace('kept', 'frames')}))"
    with animeds_db.open(tmp_path / "show.animeds") as dataset:
        options = ExportOptions(
            max_size=64, profile=CaptionProfile().with_flags(activation_tag="waifu", threshold=0.6)
        )
        dataset.export(None, tmp_path / "out", sql=sql, options=options)
        before = content(tmp_path / "out")
        gone, edited = pictures(tmp_path / "out")[0], pictures(tmp_path / "out")[1].replace(".png", ".txt")
        (tmp_path / "out" / gone).unlink()
        text = before[edited].decode()
        (tmp_path / "out" / edited).write_text(f"{text}, striped scarf")
        report = dataset.sync(tmp_path / "out", who="me")
        assert report.counts == {"dropped": 1, "tag added": 1}
        dataset.export(None, tmp_path / "again", sql=everything, options=options)
        again = content(tmp_path / "again")
        rest = {k: v for k, v in before.items() if not k.startswith(gone.removesuffix(".png"))}
        told = set(again.pop(edited).decode().split(", "))
        assert told == {*rest.pop(edited).decode().split(", "), "striped scarf"}
        assert again == rest
        assert [row[2] for row in dataset.history().fetchall()] == ["me"]

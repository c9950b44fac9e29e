"""A check says what is lost, a repair leaves a database that works, and the next ingest restores the rows."""

from __future__ import annotations

import datetime
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_run import Runner
from damages import (
    FEW_SEEDS,
    a_database,
    bits_flipped,
    body_zeroed,
    contents,
    damage,
    deleted,
    emptied,
    ingest_again,
)
from ingesting import a_store, run
from PIL import Image
from rerunning import second
from tables import add_source, frames, new_store

import animeds_db
from animeds_db.errors import StoreError
from animeds_db.store import Store
from animeds_db.store.manifests import manifests
from animeds_db.upkeep import repair
from animeds_db.upkeep.check import INTERVAL, RECORD, check, due
from animeds_db.upkeep.copying import backup
from animeds_db.upkeep.optimize import optimize
from animeds_ingest.reruns.running import rerun


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def newest(store: Store, table: str) -> Path:
    return manifests(Path(store.uri, f"{table}.lance"))[0]


def a_data_file(store: Store, table: str) -> Path:
    return sorted(Path(store.uri, f"{table}.lance", "data").iterdir())[0]


@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_a_repair_and_an_ingest_bring_back_what_a_damage_took(tmp_path: Path, seed: int) -> None:
    store = a_database(tmp_path)
    before = contents(store)
    how = damage(store, seed)
    damaged = files_of(tmp_path)

    seen = check(store.uri)
    told = "\n".join(seen.lines())
    assert not seen.is_whole, how
    assert {path: c for path, c in files_of(tmp_path).items() if path in damaged} == damaged, how

    done = check(store.uri, repair=True)
    assert done.repaired, how
    assert done.lost == seen.lost
    left = contents(Store.open(store.uri))
    keys = {name: "tag" if name == "vocabulary" else store.schema(name).key for name in before}
    for name, key in keys.items():
        gone = {row[key] for row in before[name]} - {row[key] for row in left[name]}
        assert done.lost.get(name, 0) == len(gone), (how, name)
        assert bool(gone) <= (f"{name}: " in told), (how, name)

    again = Store.open(store.uri)
    ingest_again(again)
    after = contents(Store.open(store.uri))
    for name, rows in before.items():
        if name == "vocabulary":
            assert [row for row in after[name] if not row["tag"].startswith("lost_tag_")] == rows, how
        elif name == "labels" and done.lost.get(name):
            assert "labels" in told and "only a backup" in told
            assert all(row in rows for row in after[name])
        else:
            assert after[name] == rows, (how, name)
    assert check(store.uri).is_whole, how


def test_a_whole_database_is_told_to_be_whole_and_stays_as_it_is(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    before = files_of(tmp_path)
    report = check(store.uri, repair=True)
    assert report.is_whole
    assert not report.repaired
    after = files_of(tmp_path)
    assert {path for path in after if after[path] != before.get(path)} == {f"show.animeds/{RECORD}"}


def test_only_the_sources_with_lost_rows_are_done_again(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    rows = store.table("detections").get_fragments()[0]
    lost = set(rows.to_table(columns=["source_id"])["source_id"].to_pylist())
    assert len(lost) == 1
    bits_flipped(Path(store.uri, "detections.lance", "data", rows.metadata.files[0].path), random.Random(1))
    report = check(store.uri, repair=True)
    assert set(report.damaged) == lost
    rows_now = Store.open(store.uri).table("sources").to_table().to_pylist()
    assert {row["source_id"] for row in rows_now if row["state"] == "damaged"} == lost
    assert {row["state"] for row in rows_now if row["source_id"] not in lost} == {"done"}


def test_a_damaged_source_stays_so_until_an_ingest_has_ended(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    before = contents(store)
    deleted(a_data_file(store, "detections"), None)  # type: ignore[arg-type]
    check(store.uri, repair=True)
    store = Store.open(store.uri)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("animeds_ingest.one_source.conclude", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            ingest_again(store)
    assert "damaged" in store.table("sources").to_table()["state"].to_pylist()
    ingest_again(store)
    assert contents(store) == before


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_manifest_with_a_zeroed_body_is_noticed_on_opening(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    store.upsert("frames", frames(store, "aaaaaaaa", 2, first=2))
    body_zeroed(newest(store, "frames"), None)  # type: ignore[arg-type]
    assert Store.open(store.uri).table("frames").count_rows() == 2
    assert "animeds check --repair" in caplog.text


def test_labels_whose_newest_version_is_torn_come_back_from_their_data_files(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    before = contents(store)["labels"]
    emptied(newest(store, "labels"), None)  # type: ignore[arg-type]
    report = check(store.uri, repair=True)
    assert "labels" not in report.lost
    assert contents(Store.open(store.uri))["labels"] == before


def test_a_table_that_is_gone_and_had_rows_is_not_made_again_empty(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    shutil.rmtree(Path(store.uri, "labels.lance"))
    with pytest.raises(StoreError, match=r"its table labels\.lance is missing") as caught:
        Store.open(store.uri)
    assert "animeds check" in str(caught.value)
    assert check(store.uri).lost == {"labels": 3}


def test_without_checksums_a_database_is_read_and_given_some(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    shutil.rmtree(Path(store.uri, "_checksums"))
    assert check(store.uri, repair=True).is_whole
    bits_flipped(a_data_file(store, "thumbnails"), random.Random(3))
    assert not check(store.uri).is_whole


def test_without_checksums_lost_boxes_make_every_source_damaged(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    before = contents(store)
    shutil.rmtree(Path(store.uri, "_checksums"))
    deleted(a_data_file(store, "detections"), None)  # type: ignore[arg-type]
    assert len(check(store.uri, repair=True).damaged) == 2
    ingest_again(Store.open(store.uri))
    assert contents(Store.open(store.uri)) == before


def test_boxes_of_a_rerun_come_back_by_the_same_rerun(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    rerun(store, second("detect"))
    before = contents(store)
    newest_boxes = store.table("detections").get_fragments()[-1]
    Path(store.uri, "detections.lance", "data", newest_boxes.metadata.files[0].path).unlink()
    told = "\n".join(check(store.uri, repair=True).lines())
    assert "animeds detect" in told
    ingest_again(Store.open(store.uri))
    rerun(Store.open(store.uri), second("detect"))
    after = contents(Store.open(store.uri))
    assert after["detections"] == before["detections"]
    assert after["detected"] == before["detected"]


def test_compaction_and_backup_carry_the_checksums_on(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    optimize(store)
    assert check(store.uri).is_whole
    backup(store, str(tmp_path / "copy"))
    assert check(str(tmp_path / "copy")).is_whole
    bits_flipped(
        Path(
            tmp_path,
            "copy",
            "frames.lance",
            "data",
            store.table("frames").get_fragments()[0].metadata.files[0].path,
        ),
        random.Random(5),
    )
    assert check(str(tmp_path / "copy")).lost == {"frames": store.table("frames").count_rows()}


def test_a_backup_of_a_damaged_file_is_refused(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    bits_flipped(a_data_file(store, "thumbnails"), random.Random(5))
    with pytest.raises(StoreError, match="does not match its checksum"):
        backup(store, str(tmp_path / "copy"))


def test_status_says_when_a_check_is_due(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    assert due(store) is None
    check(store.uri)
    assert due(store) is None
    old = datetime.datetime.now(datetime.UTC) - INTERVAL - datetime.timedelta(days=1)
    Path(store.uri, RECORD).write_text(json.dumps({"at": old.isoformat()}))
    assert "31 days ago" in (due(store) or "")
    with animeds_db.open(store.uri) as dataset:
        assert dataset.check().is_whole
        assert not any("animeds check" in line for line in dataset.summary())


def test_status_asks_for_a_check_while_a_torn_version_lies_aside(tmp_path: Path) -> None:
    store = a_database(tmp_path)
    emptied(newest(store, "frames"), None)  # type: ignore[arg-type]
    store = Store.open(store.uri)
    assert "frames" in (due(store) or "")
    check(store.uri, repair=True)
    assert due(Store.open(store.uri)) is None


def test_the_command_line_checks_a_database_that_cannot_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_database(tmp_path)
    shutil.rmtree(Path(store.uri, "frames.lance"))
    cli = Runner(capsys, monkeypatch)
    assert cli("status", "--db", store.uri).code == 1
    seen = cli("check", "--db", store.uri)
    assert (seen.code, "frames.lance: the table is missing" in seen.out) == (1, True)
    assert "Traceback" not in seen.out + seen.err
    assert cli("check", "--repair", "--db", store.uri).code == 0
    assert cli("status", "--db", store.uri).code == 0


@pytest.mark.parametrize("table", ["frames", "detections", "thumbnails", "sources"])
def test_a_damaged_data_file_is_an_error_that_names_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    store = a_database(tmp_path)
    for file in Path(store.uri, f"{table}.lance", "data").iterdir():
        file.write_bytes(bytes(file.stat().st_size))
    cli = Runner(capsys, monkeypatch)
    for words in (("sql", f"SELECT * FROM {table}"), ("status",)):
        done = cli(*words, "--db", store.uri)
        if table == "thumbnails" and words == ("status",):
            continue
        assert done.code == 1, (words, done.out)
        assert "animeds check" in done.err
        assert "Traceback" not in done.err


def test_where_no_database_is_a_check_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        check(str(tmp_path / "nothing"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("")
    before = sorted(os.listdir(tmp_path / "other"))  # noqa: PTH208
    with pytest.raises(StoreError):
        check(str(tmp_path / "other"), repair=True)
    assert sorted(os.listdir(tmp_path / "other")) == before  # noqa: PTH208


def test_pictures_of_a_folder_that_has_grown_keep_their_ids(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in (3, 5, 7):
        a_picture(folder / f"{number}.png", number)
    store = a_store(tmp_path)
    run(store, folder)
    for number in (1, 4):  # they sort before and between the others, and have later numbers
        a_picture(folder / f"{number}.png", number)
    run(store, folder)
    before = contents(store)
    lost = store.table("frames").get_fragments()[0]
    Path(store.uri, "frames.lance", "data", lost.metadata.files[0].path).unlink()
    assert check(store.uri, repair=True).lost == {"frames": 3}
    run(Store.open(store.uri), folder)
    assert {row["member"]: row["frame_id"] for row in contents(Store.open(store.uri))["frames"]} == {
        row["member"]: row["frame_id"] for row in before["frames"]
    }


def a_picture(path: Path, number: int) -> None:
    Image.fromarray(np.full((64, 64, 3), 30 * number, np.uint8)).save(path)


def test_a_lost_list_of_deleted_rows_costs_only_the_rows_of_its_file(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa", n_frames=5)
    store.upsert("frames", frames(store, "aaaaaaaa", 4))
    store.upsert("frames", frames(store, "aaaaaaaa", 2, first=4))
    store.delete("frames", "ordinal = 1")
    for file in Path(store.uri, "frames.lance", "_deletions").iterdir():
        file.unlink()
    assert check(store.uri, repair=True).lost == {"frames": 3}
    assert Store.open(store.uri).table("frames").count_rows() == 2


def test_a_newest_version_that_was_deleted_is_missed(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa", n_frames=4)
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    store.upsert("frames", frames(store, "aaaaaaaa", 2, first=2))
    newest(store, "frames").unlink()
    report = check(store.uri, repair=True)
    assert report.lost == {"frames": 2}
    assert report.damaged == ["aaaaaaaa"]
    assert [gap.kind for gap in check(store.uri).gaps] == ["waiting"]
    assert not any(table.problems for table in check(store.uri).tables)


@pytest.mark.parametrize("step", ["add_missing_tables", "_drop_fragments", "_reserve_tags", "_settle"])
def test_a_repair_that_was_killed_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store = a_database(tmp_path)
    before = contents(store)
    shutil.rmtree(Path(store.uri, "detections.lance"))
    emptied(newest(store, "thumbnails"), None)  # type: ignore[arg-type]
    real, calls = getattr(repair, step), []

    def killed(*given: object) -> None:
        calls.append(given)
        if step == "_reserve_tags" or len(calls) > 3:
            raise KeyboardInterrupt
        real(*given)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(repair, step, killed)
        check(store.uri, repair=True)
    check(store.uri, repair=True)
    ingest_again(Store.open(store.uri))
    assert contents(Store.open(store.uri)) == before

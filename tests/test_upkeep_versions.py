"""The past can be read: by number, time, name or exported folder; and cannot be changed."""

from __future__ import annotations

import datetime
import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import sampleshow
from cli_run import Runner
from tables import add_source, frame, frames, new_store, rows

import animeds_db
from animeds_db.errors import StoreError, UsageError
from animeds_db.store import Store
from animeds_db.store.history import moment
from animeds_db.upkeep.optimize import tend_if_worth_it


def newest(store: Store) -> int:
    return store.history().number(store.history().now())


def content(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {name: store.table(name).to_table().to_pylist() for name in ("sources", "frames", "labels")}


def label(store: Store, number: int) -> None:
    store.upsert("labels", rows(store, "labels", {"label_id": f"{number:04d}", "op": "add"}))


def work(store: Store, chance: random.Random, number: int) -> None:
    """Do one thing at random: frames come, a source changes, a label is said, frames go."""
    kind = chance.randrange(4)
    if kind == 0:
        store.upsert("frames", frames(store, "aaaaaaaa", 2, first=10 * number))
    elif kind == 1:
        add_source(store, "aaaaaaaa", title=str(number))
    elif kind == 2:
        label(store, number)
    else:
        store.delete("frames", f"ordinal < {10 * number - 15}")


def test_every_state_is_found_again_by_its_number_and_by_its_time(tmp_path: Path) -> None:
    store, chance = new_store(tmp_path), random.Random(5)
    then: list[tuple[int, datetime.datetime, dict[str, list[dict[str, Any]]]]] = []
    for number in range(12):
        work(store, chance, number)
        then.append((newest(store), datetime.datetime.now(datetime.UTC), content(store)))
    assert len({number for number, _, _ in then}) >= 9  # a delete of nothing is no version
    for number, at, was in then:
        assert content(Store.open(store.uri, number)) == was
        assert content(Store.open(store.uri, at)) == was


def test_a_session_reads_the_past_through_the_same_views(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    number = newest(store)
    store.upsert("frames", frames(store, "aaaaaaaa", 4, first=3))
    with animeds_db.open(store.uri, at=number) as past, animeds_db.open(store.uri) as present:
        assert past.sql("SELECT count(*) FROM frames").fetchall() == [(3,)]
        assert present.sql("SELECT count(*) FROM frames").fetchall() == [(7,)]
        store.upsert("frames", frames(store, "aaaaaaaa", 1, first=7))
        assert past.sql("SELECT count(*) FROM frames").fetchall() == [(3,)]
        assert "3 frames" in past.summary()[0]


def test_the_past_cannot_be_changed(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    number = newest(store)
    label(store, 1)
    with animeds_db.open(store.uri, at=number) as past:
        with pytest.raises(
            StoreError, match=f"is open at the old version {number}, which cannot be changed"
        ) as told:
            past.label("frame", "set", "drop", ["aaaaaaaa-000000000"])
        assert "--at" in str(told.value.hint)
        for write in (
            lambda: past.store.delete("frames", "true"),
            lambda: tend_if_worth_it(past.store, 0),
            lambda: past.keep_version("x"),
        ):
            with pytest.raises(StoreError, match="old version .* cannot be changed"):
                write()
    assert store.table("labels").count_rows() == 1


@pytest.mark.parametrize(
    ("at", "error", "words"),
    [
        (10_000, UsageError, "version 10000 does not exist: the newest is"),
        (1, StoreError, "version 1 was deleted"),
        ("2001-05-01", StoreError, "2001-05-01 00:00:00 is before the oldest version"),
        ("2999-01-01", UsageError, "is in the future"),
        ("next week", UsageError, '"next week" is not a version, a time'),
        ("", UsageError, "is not a version"),
    ],
)
def test_what_is_no_state_is_told(tmp_path: Path, at: Any, error: type[Exception], words: str) -> None:
    store = new_store(tmp_path)
    with pytest.raises(error, match=words):
        Store.open(store.uri, at)


def test_times_are_said_in_several_ways() -> None:
    noon = moment("2026-07-01T12:00Z")
    assert noon == datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
    assert moment("2026-07-01 14:30").astimezone().strftime("%H:%M") == "14:30"
    ago = datetime.datetime.now(datetime.UTC) - moment("90m")
    assert abs(ago.total_seconds() - 5400) < 60
    assert moment("3d ago") < moment("2h")


def test_a_version_with_a_name_is_found_by_it(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    with animeds_db.open(store.uri) as dataset:
        number = dataset.keep_version("before")
        store.upsert("frames", frames(store, "aaaaaaaa", 5))
        assert Store.open(store.uri, "before").table("frames").count_rows() == 2
        assert {row["version"]: row["name"] for row in dataset.versions()}[number] == "before"
        with pytest.raises(UsageError, match="already"):
            dataset.keep_version("before")
        with pytest.raises(UsageError, match="is not a valid name for a version"):
            dataset.keep_version("2026-01-01")
        dataset.forget_version("before")
        with pytest.raises(UsageError, match='no version named "before"'):
            dataset.forget_version("before")


def test_the_list_of_versions_says_what_was_done(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa", "running")
    store.upsert("frames", rows(store, "frames", frame("aaaaaaaa", 1), frame("aaaaaaaa", 2)))
    add_source(store, "aaaaaaaa", "done")
    label(store, 1)
    store.upsert("frames", frames(store, "aaaaaaaa", 5))
    tend_if_worth_it(store, 1)
    with animeds_db.open(store.uri) as dataset:
        found = [(row["what"], row["frames"]) for row in dataset.versions()]
    assert found == [
        ("upkeep", 5),
        ("ingest: frames +3", 5),
        ("labels: labels +1", 2),
        ("ingest: sources +1, frames +2", 2),
        ("made", 0),
    ]


def export(dataset: animeds_db.Dataset, out: Path) -> dict[str, bytes]:
    sql = "SELECT frame_id FROM kept WHERE episode = 1 ORDER BY sharpness DESC LIMIT 3"
    dataset.export(None, out, sql=sql)
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_an_export_of_an_old_version_equals_the_one_made_then(tmp_path: Path) -> None:
    path = shutil.copytree(sampleshow.database(), tmp_path / "show.animeds")
    with animeds_db.open(path) as dataset:
        then = export(dataset, tmp_path / "then")
        number = newest(dataset.store)
        best = "SELECT frame_id FROM kept WHERE episode = 1 ORDER BY sharpness DESC LIMIT 1"
        first = dataset.sql(best).fetchall()[0][0]
        dataset.label("tag", "add", "later", [first])
        dataset.label("frame", "set", "drop", [first])
        dataset.store.delete("frames", "sharpness < 10")
        assert export(dataset, tmp_path / "now") != then
    for at in (number, str(tmp_path / "then")):
        with animeds_db.open(path, at=at) as past:
            assert export(past, tmp_path / f"again{type(at).__name__}") == then


def test_a_folder_exported_from_elsewhere_is_refused(tmp_path: Path) -> None:
    path = shutil.copytree(sampleshow.database(), tmp_path / "show.animeds")
    with animeds_db.open(path) as dataset:
        export(dataset, tmp_path / "out")
    other = new_store(tmp_path, "other.animeds")
    with pytest.raises(UsageError, match=r"was exported from .*show\.animeds, not from .*other\.animeds"):
        Store.open(other.uri, str(tmp_path / "out"))


def test_commands_take_when(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(tmp_path, "anime.animeds")
    add_source(store, "aaaaaaaa")
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    number = newest(store)
    time.sleep(0.01)
    store.upsert("frames", frames(store, "aaaaaaaa", 5))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    run = Runner(capsys, monkeypatch)
    assert run("sql", "SELECT count(*) AS n FROM frames", "--at", number).out == "n\n3\n"
    assert run("query", "best_frames", "--at", number).code == 0
    assert "3 frames" in run("status", "--at", number, "--format", "table").out
    listed = run("versions")
    assert listed.out.splitlines()[0] == "version\tat\twhat\tframes\tname"
    assert "will be kept" in run("versions", "--keep", "three", "--at", number).err
    assert run("sql", "SELECT count(*) AS n FROM frames", "--at", "three").out == "n\n3\n"
    gone = run("sql", "SELECT 1", "--at", "1")
    assert (gone.code, "was deleted" in gone.err, "hint:" in gone.err) == (1, True, True)
    assert run("versions", "--forget", "three").code == 0
    assert run("versions", "--at", number).code == 2

"""Databases of other releases: older ones are opened and go on, newer ones are refused."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import zipfile
from pathlib import Path

import lance
import pyarrow as pa
import pytest
import videos
from ingesting import run
from tables import add_source, frames, new_store, rows

import animeds_db
from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.models import load_profile
from animeds_db.store import Store, older_tags, upgrade
from animeds_db.store.location import Location
from animeds_db.store.remembered import remember, remembered

FIXTURES = sorted((Path(__file__).parent / "data").glob("database-*.zip"))
COLUMNS = {
    1: "bded36b5",
    2: "f90f3989",
    3: "965fde0f",
    4: "cd8a6599",
    5: "846069f0",
    6: "c194c55d",
    7: "d50cf24e",
}
"""Of each SCHEMA_VERSION, a hash of its tables' columns."""


def unpacked(fixture: Path, folder: Path) -> Path:
    with zipfile.ZipFile(fixture) as archive:
        archive.extractall(folder / "old.animeds")
    return folder / "old.animeds"


@pytest.mark.parametrize("fixture", FIXTURES, ids=[path.stem for path in FIXTURES])
def test_a_database_of_an_earlier_release_is_read_and_goes_on(fixture: Path, tmp_path: Path) -> None:
    path = unpacked(fixture, tmp_path)
    with animeds_db.open(path, unfinished=True) as dataset:
        assert dataset.sql("SELECT count(*), count(embedding) FROM frames").fetchall() == [(7, 7)]
        assert dataset.sql("SELECT DISTINCT episode FROM frames").fetchall()[0][0] == 1
        assert dataset.query("by_tags", {"has": "by_hand"}).fetchall()
        assert dataset.sql("SELECT DISTINCT character FROM characters").fetchall() == [("Emi",)]
        assert dataset.sql("SELECT count(*) FROM kept").fetchall()[0][0] < 7
        frame = dataset.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
        assert dataset.thumbnail(frame).size[0] > 100
        assert dataset.search(frame_id=frame, k=3).fetchall()[0][0] == frame
        dataset.label("tag", "add", "new_word", [frame])
        assert dataset.query("by_tags", {"has": "new_word"}).fetchall()
        dataset.label("description", "set", "Emi waves.", [frame])
        assert ("Emi waves.",) in dataset.sql("SELECT text FROM descriptions").fetchall()
        models = load_profile("tiny", device="cpu")
        report = run(
            dataset.store, videos.shared_clip("vp9"), models=dataclasses.replace(models, detectors=())
        )
        assert not report.failed
        assert dataset.sql("SELECT count(*) FROM sources").fetchall() == [(2,)]
        assert any(row["what"] == "made" for row in dataset.versions())
    with animeds_db.open(path, at="ingested") as past:
        assert past.sql("SELECT count(*), count(DISTINCT frame_id) FROM frames").fetchall() == [(7, 7)]
        assert past.sql("SELECT count(*) FROM labels").fetchall() == [(0,)]


def test_an_upgrade_adds_paths_damage_and_what_ingests_remember(tmp_path: Path) -> None:
    store = Store.open(str(unpacked(FIXTURES[0], tmp_path)))
    [source] = store.table("sources").to_table().to_pylist()
    assert [source[name] for name in ("other_uris", "n_damaged", "n_gaps")] == [None] * 3
    assert source["state"] == "done" and source["n_frames"] == 7
    assert remembered(store) == {}
    remember(store, {"profile": "tiny"})
    assert remembered(Store.open(store.uri)) == {"profile": "tiny"}


def test_there_is_a_fixture_of_this_version() -> None:
    assert FIXTURES[-1].stem == f"database-{schema.SCHEMA_VERSION}"
    assert FIXTURES[-1].stat().st_size < 300_000


def test_other_columns_are_another_version() -> None:
    """A column that is added needs a new SCHEMA_VERSION: that is when a database is upgraded."""
    columns = [
        f"{table.name}.{field.name} {field.type}" for table in schema.all_tables() for field in table.schema
    ]
    found = hashlib.sha256("\n".join(columns).encode()).hexdigest()[:8]
    assert COLUMNS[schema.SCHEMA_VERSION] == found, "raise SCHEMA_VERSION, note its hash, make its fixture"


def test_a_newer_database_is_refused_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_store(tmp_path)
    store.table("sources").update_schema_metadata({schema.VERSION_KEY.decode(): "99"})
    with pytest.raises(
        StoreError, match="created by a newer animeds-db: its tables have version 99"
    ) as error:
        Store.open(store.uri)
    assert "pip install -U" in str(error.value.hint)


@pytest.fixture
def next_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the next release had a column more in two tables."""
    really = schema.all_tables

    def tables(*widths: int) -> tuple[schema.Table, ...]:
        more = {"labels": pa.field("why", pa.string()), "frames": pa.field("noise", pa.float32())}
        return tuple(
            dataclasses.replace(table, schema=table.schema.append(more[table.name]))
            if table.name in more
            else table
            for table in really(*widths)
        )

    monkeypatch.setattr(schema, "all_tables", tables)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 1)


def old_store(folder: Path) -> Store:
    store = new_store(folder)
    add_source(store, "aaaaaaaa")
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    return store


def test_an_older_database_is_upgraded_when_it_is_opened(
    tmp_path: Path, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    old = old_store(tmp_path)
    before = old.history().number(old.history().now())
    was = old.table("frames").to_table()
    request.getfixturevalue("next_release")
    with caplog.at_level(logging.INFO, "animeds.upkeep"):
        store = Store.open(old.uri)
    now = schema.SCHEMA_VERSION
    assert f"tables upgraded from version {now - 1} to {now} (new: labels.why, frames.noise)" in caplog.text
    upgraded = store.table("frames").to_table()
    assert upgraded.drop_columns(["noise"]).to_pylist() == was.to_pylist()
    assert upgraded["noise"].null_count == 3
    store.upsert("frames", frames(store, "aaaaaaaa", 2, first=3, noise=0.5))
    with animeds_db.open(store.uri) as dataset:
        assert dataset.sql("SELECT count(*), count(noise) FROM frames").fetchall() == [(5, 2)]
    caplog.clear()
    with caplog.at_level(logging.INFO, "animeds.upkeep"):
        Store.open(old.uri)
    assert not caplog.text
    with animeds_db.open(store.uri, at=before) as past:  # where that column was not yet
        assert past.sql("SELECT count(*), count(noise) FROM frames").fetchall() == [(3, 0)]
        assert past.sql("SELECT frame_id FROM frames WHERE noise > 0").fetchall() == []
        assert past.sql("SELECT noise FROM frames").fetchall() == [(None,)] * 3


def test_an_upgrade_that_was_killed_is_done_again(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    old = old_store(tmp_path)
    request.getfixturevalue("next_release")
    tables = schema.all_tables(*old.widths)
    upgrade._add_columns(
        old.location, next(t for t in tables if t.name == "labels")
    )  # and then the power went
    store = Store.open(old.uri)
    assert "noise" in store.table("frames").schema.names
    assert upgrade.stored_version(store.location) == schema.SCHEMA_VERSION
    store.upsert("labels", rows(store, "labels", {"label_id": "1", "why": "because"}))


def test_steps_run_in_order_and_before_the_version_is_written(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = old_store(tmp_path)
    request.getfixturevalue("next_release")
    seen: list[int] = []
    monkeypatch.setattr(
        upgrade, "STEPS", {schema.SCHEMA_VERSION: lambda place: seen.append(upgrade.stored_version(place))}
    )
    Store.open(old.uri)
    Store.open(old.uri)
    assert seen == [schema.SCHEMA_VERSION - 1]


def test_two_processes_can_convert_the_same_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "taggings.lance")
    rows = {"tagging_id": ["a"], "tag_scores": pa.array([[90, 34]], pa.list_(pa.int8()))}
    lance.write_dataset(pa.table(rows), place)
    seen: list[int] = []

    def raced(dataset: lance.LanceDataset, table: schema.Table) -> None:
        if not seen:  # the other process starts in between
            scores = pa.array([[900, 340]], pa.list_(pa.int16()))
            lance.dataset(place).add_columns(pa.table({f"tag_scores{older_tags.MARK}": scores}).to_reader())
        seen.append(dataset.version)
        older_tags.renew(dataset, table)

    monkeypatch.setattr(upgrade, "renew", raced)
    monkeypatch.setattr(upgrade, "PAUSE_S", 0.0)
    upgrade._renew_tags(Location(str(tmp_path)), schema.TAGGINGS)
    assert lance.dataset(place).to_table().to_pydict() == {"tagging_id": ["a"], "tag_scores": [[900, 340]]}
    assert seen == [1, 2]


@pytest.mark.parametrize("done", ["nothing", "added", "dropped", "all"])
def test_tags_are_converted_once_wherever_an_upgrade_was_stopped(tmp_path: Path, done: str) -> None:
    numbers, per_cent = pa.list_(pa.int16()), pa.list_(pa.int8())
    lists, scores = [[3, 1], None, []], [[90, 34], None, []]
    rows = {
        "tagging_id": ["a", "b", "c"],
        "tags": pa.array(lists, numbers),
        "tag_scores": pa.array(scores, per_cent),
    }
    old = lance.write_dataset(pa.table(rows), str(tmp_path / "taggings.lance"))
    renewed = [(pa.int32(), lists), (pa.int16(), [[900, 340], None, []])]
    if done in ("added", "dropped"):
        marked = {
            f"{name}{older_tags.MARK}": pa.array(values, pa.list_(kind))
            for name, (kind, values) in zip(("tags", "tag_scores"), renewed, strict=True)
        }
        old.add_columns(pa.table(marked).to_reader())
        if done == "dropped":
            old.drop_columns(["tags", "tag_scores"])
    for _ in range(2 if done == "all" else 1):
        older_tags.renew(lance.dataset(str(tmp_path / "taggings.lance")), schema.TAGGINGS)
    found = (
        lance.dataset(str(tmp_path / "taggings.lance"))
        .to_table()
        .select(["tagging_id", "tags", "tag_scores"])
    )
    assert [field.type for field in found.schema][1:] == [pa.list_(pa.int32()), pa.list_(pa.int16())]
    assert found.to_pydict() == {"tagging_id": ["a", "b", "c"], "tags": lists, "tag_scores": renewed[1][1]}

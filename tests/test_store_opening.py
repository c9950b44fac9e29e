"""Creating and opening a database: what is there instead, what is too new, what a power cut tore."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import lance
import pyarrow as pa
import pytest
from tables import WIDTH, frames, new_store

from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.store import Store
from animeds_db.store.location import Location, create_database


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_new_database_is_empty_and_knows_its_widths(tmp_path: Path) -> None:
    store = Store.create(str(tmp_path / "a.animeds"), 16, 24)
    assert Store.open(store.uri).widths == (16, 24)
    assert all(store.table(name).count_rows() == 0 for name in store.names())
    assert [p.name for p in tmp_path.iterdir()] == ["a.animeds"]


@pytest.mark.parametrize("name", ["[Group] Show #1 100%.animeds", "日本 アニメ.animeds", "a?b&c=d"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    store = new_store(tmp_path, name)
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    assert Path(store.uri).name == name
    assert Store.open(store.uri).table("frames").count_rows() == 2


def test_an_empty_folder_may_become_a_database(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    Store.create(str(tmp_path / "new"), WIDTH, WIDTH)
    assert Store.exists(str(tmp_path / "new"))


def test_folders_above_are_made(tmp_path: Path) -> None:
    assert Store.exists(new_store(tmp_path / "some" / "where").uri)


def test_a_file_uri_is_a_path(tmp_path: Path) -> None:
    store = new_store(tmp_path, "my show")
    assert Store.open(Path(store.uri).as_uri()).uri == store.uri


def make_nothing(path: Path) -> None:
    pass


def make_file(path: Path) -> None:
    path.write_text("hello")


def make_empty(path: Path) -> None:
    path.mkdir()


def make_other(path: Path) -> None:
    path.mkdir()
    (path / "episode.mkv").write_text("")


def make_single_table(path: Path) -> None:
    lance.write_dataset(pa.table({"a": [1]}), str(path))


@pytest.mark.parametrize(
    ("make", "words", "hint"),
    [
        (make_nothing, "there is no database at .*: no such folder", "animeds ingest"),
        (make_file, "is a file, not a database", "--db"),
        (make_empty, "is an empty folder, not a database", "animeds ingest"),
        (make_other, r"is a folder with other files \(episode.mkv\), not a database", "--db"),
        (make_single_table, "is a single Lance table", "--db"),
    ],
)
def test_what_is_no_database_is_told_apart(tmp_path: Path, make: object, words: str, hint: str) -> None:
    path = tmp_path / "thing"
    make(path)  # type: ignore[operator]
    before = everything(tmp_path)
    assert not Store.exists(str(path))
    with pytest.raises(StoreError, match=words) as caught:
        Store.open(str(path))
    assert hint in (caught.value.hint or "")
    assert str(path) in str(caught.value)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("make", [make_file, make_other, make_single_table])
def test_create_never_replaces_anything(tmp_path: Path, make: object) -> None:
    path = tmp_path / "thing"
    make(path)  # type: ignore[operator]
    before = everything(tmp_path)
    with pytest.raises(StoreError, match="thing"):
        Store.create(str(path), WIDTH, WIDTH)
    assert everything(tmp_path) == before


def test_create_refuses_where_a_database_is(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    with pytest.raises(StoreError, match="is already a database"):
        Store.create(store.uri, WIDTH, WIDTH)
    assert store.table("frames").count_rows() == 2


def test_a_creation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    bad = schema.Table("bad", "k", pa.schema([pa.field("k", pa.month_day_nano_interval())]))
    with pytest.raises(StoreError, match="cannot write"):
        create_database(Location(str(tmp_path / "a.animeds")), [bad, schema.MODELS])
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_a_newer_version_is_refused_by_both_numbers(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    newer = schema.SOURCES.schema.with_metadata({schema.VERSION_KEY: b"99"})
    shutil.rmtree(f"{store.uri}/sources.lance")
    lance.write_dataset(newer.empty_table(), f"{store.uri}/sources.lance")
    with pytest.raises(StoreError, match=rf"newer .* 99, .* {schema.SCHEMA_VERSION}") as caught:
        Store.open(store.uri)
    assert caught.value.hint == "upgrade: pip install -U animeds-db"


def test_tables_of_somebody_else_are_refused(tmp_path: Path) -> None:
    for table in schema.all_tables():
        lance.write_dataset(pa.table({"a": [1]}), str(tmp_path / f"{table.name}.lance"))
    with pytest.raises(StoreError, match="animeds-db did not create"):
        Store.open(str(tmp_path))


def test_a_lost_table_is_named(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    shutil.rmtree(f"{store.uri}/frames.lance")
    with pytest.raises(StoreError, match=r"damaged: its table frames\.lance is missing"):
        Store.open(store.uri)


def test_a_table_that_came_later_is_added_on_opening(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    shutil.rmtree(f"{store.uri}/duplicates.lance")
    opened = Store.open(store.uri)
    assert opened.table("duplicates").count_rows() == 0
    assert opened.table("frames").count_rows() == 2


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    Path(store.uri).chmod(0)
    try:
        with pytest.raises(StoreError, match="no permission"):
            Store.open(store.uri)
    finally:
        Path(store.uri).chmod(0o755)


def newest_manifest(store: Store, name: str) -> Path:
    return Path(store.uri, f"{name}.lance", "_versions", f"{2**64 - 1 - store.version(name)}.manifest")


@pytest.mark.parametrize("torn", [b"", b"\0" * 4096, "half"], ids=["no bytes", "zeros", "half"])
def test_a_torn_newest_version_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, torn: bytes | str
) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    store.upsert("frames", frames(store, "bbbbbbbb", 3))
    manifest = newest_manifest(store, "frames")
    whole = manifest.read_bytes()
    manifest.write_bytes(torn if isinstance(torn, bytes) else whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING, "animeds"):
        opened = Store.open(store.uri)
    assert "was not completely written" in caplog.text
    assert "frames.lance" in caplog.text
    assert opened.table("frames").count_rows() == 3
    assert (manifest.parent.parent / "_torn" / manifest.name).exists()
    assert opened.upsert("frames", frames(opened, "bbbbbbbb", 3)) == 3
    assert Store.open(store.uri).table("frames").count_rows() == 6


def test_a_whole_database_is_not_touched_by_opening(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    before = everything(tmp_path)
    Store.open(store.uri)
    assert everything(tmp_path) == before
    assert not caplog.text

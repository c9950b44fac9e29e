"""What is read from a table's manifests without Lance is what Lance says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lance
import pyarrow as pa
import pytest
from tables import frames, new_store

from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.session import Session
from animeds_db.store import Store
from animeds_db.store.manifests import is_surely_empty, is_whole, newest_manifest, newest_version, noted


def test_the_newest_version_and_whether_a_table_is_empty_are_what_lance_says(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for write in (
        lambda: None,
        lambda: store.upsert("frames", frames(store, "aaaaaaaa", 3)),
        lambda: store.upsert("frames", frames(store, "bbbbbbbb", 2)),
        lambda: store.delete("frames", "source_id = 'aaaaaaaa'"),
        lambda: store.delete("frames", "true"),
        lambda: store.upsert("frames", frames(store, "cccccccc", 1)),
    ):
        write()
        for name in store.names():
            table = lance.dataset(store.location.table(name))
            assert store.version(name) == newest_version(Path(store.location.table(name))) == table.version
            assert store.is_empty(name) == (table.count_rows() == 0), name
    assert is_surely_empty(Path(store.location.table("frames")), 1)
    assert not is_surely_empty(Path(store.location.table("frames")), 2)
    assert store.is_empty("frames", 1)
    assert not store.is_empty("frames", 2)


def test_a_version_that_is_not_there_is_not_called_empty(tmp_path: Path) -> None:
    assert newest_version(tmp_path / "nothing.lance") is None
    assert not is_surely_empty(tmp_path / "nothing.lance", 1)


@pytest.mark.parametrize("names", [[], ["animeds_schema_version", "\n\x16animeds_schema_version\x12\x0299"]])
def test_metadata_is_read_by_its_key_whatever_the_columns_are_called(
    tmp_path: Path, names: list[str]
) -> None:
    table = tmp_path / "t.lance"
    columns = pa.schema([pa.field(name, pa.int32()) for name in ("a", *names)])
    lance.write_dataset(columns.empty_table(), str(table))
    assert noted(table, schema.VERSION_KEY) is None
    metadata = {schema.VERSION_KEY: b"12", b"other": "…".encode() * 300}
    lance.write_dataset(columns.with_metadata(metadata).empty_table(), str(table), mode="overwrite")
    assert noted(table, schema.VERSION_KEY) == "12"
    assert noted(table, b"other") == "…" * 300
    assert noted(table, b"missing") is None


def test_opening_a_database_opens_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 3))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a table was opened")

    monkeypatch.setattr(lance, "dataset", refuse)
    opened = Store.open(store.uri)
    assert opened.versions()["frames"] == 2
    monkeypatch.undo()
    assert opened.table("frames").count_rows() == 3
    assert opened.widths == store.widths


def zeros(body: bytes) -> bytes:
    return bytes(len(body))


def ones(body: bytes) -> bytes:
    return b"\xff" * len(body)


def zeros_after_two_bytes(body: bytes) -> bytes:
    return body[:2] + bytes(len(body) - 2)


@pytest.mark.parametrize("with_checksums", [True, False])
@pytest.mark.parametrize("damage", [zeros, ones, zeros_after_two_bytes])
def test_a_damaged_manifest_is_an_error_and_no_empty_table(
    tmp_path: Path, damage: Callable[[bytes], bytes], with_checksums: bool
) -> None:
    """Its name and its footer may be whole while its body is not."""
    store = new_store(tmp_path)
    label = {"label_id": "1", "act": "1", "frame_id": "a", "field": "frame", "op": "set", "value": "drop"}
    store.upsert("labels", pa.Table.from_pylist([label], store.schema("labels").schema))
    if not with_checksums:
        (Path(store.uri) / "_checksums" / "labels.jsonl").unlink()
    manifest = newest_manifest(Path(store.location.table("labels")))
    assert manifest is not None
    content = manifest.read_bytes()
    start = int.from_bytes(content[-16:-8], "little") + 4
    manifest.write_bytes(content[:start] + damage(content[start:-16]) + content[-16:])
    assert is_whole(manifest)
    session = Session(Store.open(store.uri))
    with pytest.raises(StoreError, match="animeds check"):
        session.sql("SELECT count(*) FROM frame_labels").fetchall()
    session.close()

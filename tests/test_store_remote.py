"""A database on object storage: the commands work, writers in several processes lose nothing, errors name the thing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import videos
from ingesting import a_store, everything, run
from objectstore import BUCKET, DENIED, EXPIRED, ObjectStore
from tables import frames

from animeds_db.errors import StoreError
from animeds_db.store import Store

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning"
)  # of moto, boto3


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    pytest.importorskip("moto.server", reason="there is no S3 stand-in here: pip install 'animeds-db[dev]'")
    store = ObjectStore()
    store.make_bucket()
    yield store
    store.stop()


@pytest.fixture(autouse=True)
def environment(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environ().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def one(server: ObjectStore) -> str:
    """The URI of a database with one source, for reading."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environ().items():
            patch.setenv(name, value)
        store = Store.create(f"s3://{BUCKET}/one.animeds", 8, 8)
        run(store, videos.shared_clip("vp9"))
        return store.uri


def test_rows_in_a_bucket_are_those_on_a_disk(one: str, tmp_path: Path) -> None:
    local = a_store(tmp_path)
    run(local, videos.shared_clip("vp9"))
    assert everything(Store.open(one)) == everything(local)


@pytest.mark.parametrize("uri", ["s3:///x", "ftp://host/x.animeds", "s4://bucket/x"])
def test_other_uris_are_refused(uri: str) -> None:
    with pytest.raises(StoreError, match="is no place for a database") as told:
        Store.exists(uri)
    assert "s3://BUCKET/NAME" in str(told.value.hint)


def test_nothing_there_is_told() -> None:
    assert not Store.exists(f"s3://{BUCKET}/none.animeds")
    with pytest.raises(StoreError, match=f"there is no database at s3://{BUCKET}/none.animeds"):
        Store.open(f"s3://{BUCKET}/none.animeds")


def test_no_bucket_is_told() -> None:
    for act in (Store.exists, Store.create, Store.open):
        with pytest.raises(StoreError, match="there is no bucket s3://nowhere"):
            act("s3://nowhere/x.animeds")


def test_a_second_creation_is_refused(one: str) -> None:
    with pytest.raises(StoreError, match="there is a database at"):
        Store.create(one, 8, 8)


def test_missing_credentials_are_told(one: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match=f"there are no credentials for s3://{BUCKET}") as told:
        Store.open(one)
    assert "AWS_ACCESS_KEY_ID" in str(told.value.hint)


def test_expired_credentials_are_told(one: str, server: ObjectStore) -> None:
    store = Store.open(one)
    with server.refusing(EXPIRED):
        for act in (lambda: Store.open(one), lambda: store.upsert("frames", frames(store, "aaaaaaaa", 1))):
            with pytest.raises(StoreError, match=f"the credentials for s3://{BUCKET} have expired"):
                act()


def test_a_bucket_for_reading_only_is_read_and_what_would_write_is_told(
    one: str, server: ObjectStore
) -> None:
    with server.refusing(DENIED, "PUT POST DELETE"):
        store = Store.open(one)
        assert store.table("frames").count_rows() == 4
        with pytest.raises(StoreError, match=f"no permission to write {one}"):
            store.upsert("frames", frames(store, "aaaaaaaa", 1))
        with pytest.raises(StoreError, match="no permission to write"):
            Store.create(f"s3://{BUCKET}/new.animeds", 8, 8)


def test_a_server_where_nobody_answers_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreError, match=r"nobody answers at http://127\.0\.0\.1:1") as told:
        Store.open(f"s3://{BUCKET}/x.animeds")
    assert "AWS_ENDPOINT_URL" in str(told.value.hint)

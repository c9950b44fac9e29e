"""Writing into a store: once, whole, in order, beside other writers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from tables import WIDTH, add_source, frame, frames, new_store, rows

from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.store.store import Store
from animeds_db.upkeep.optimize import tend_if_worth_it


def content(store: Store, name: str) -> list[dict[str, object]]:
    key = store.schema(name).key
    return sorted(store.table(name).to_table().to_pylist(), key=lambda row: row[key])


def test_rows_written_twice_are_there_once(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    batch = frames(store, "aaaaaaaa", 5, embedding=[1.0] * WIDTH)
    assert store.upsert("frames", batch) == 5
    before = content(store, "frames")
    assert store.upsert("frames", batch) == 0
    assert content(store, "frames") == before


def test_a_batch_that_is_half_known_adds_the_other_half(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 4))
    assert store.upsert("frames", frames(store, "aaaaaaaa", 4, first=2)) == 2
    assert store.table("frames").count_rows() == 6


def test_an_insert_never_overwrites(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 1, sharpness=1.0))
    store.upsert("frames", frames(store, "aaaaaaaa", 1, sharpness=2.0))
    assert content(store, "frames")[0]["sharpness"] == 1.0


def test_no_rows_make_no_version(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    before = store.version("frames")
    assert store.upsert("frames", frames(store, "aaaaaaaa", 0)) == 0
    assert store.version("frames") == before


def test_a_key_that_is_twice_in_one_batch_is_refused(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    twice = rows(store, "frames", frame("aaaaaaaa", 1), frame("aaaaaaaa", 1))
    with pytest.raises(StoreError, match="same frame_id"):
        store.upsert("frames", twice)
    assert store.table("frames").count_rows() == 0


def test_vectors_of_another_width_are_refused(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    wide = Store.create(str(tmp_path / "wide.animeds"), 8, 8)
    with pytest.raises(StoreError, match="do not fit the table frames"):
        store.upsert("frames", frames(wide, "aaaaaaaa", 1, embedding=[1.0] * 8))


def test_a_vector_with_a_nan_is_stored_as_null(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    vectors = [[1.0] * WIDTH, None, [1.0, float("nan"), 0.0, 0.0]]
    given = [frame("aaaaaaaa", number, embedding=vector) for number, vector in enumerate(vectors)]
    store.upsert("frames", rows(store, "frames", *given))
    assert [row["embedding"] for row in content(store, "frames")] == [[1.0] * WIDTH, None, None]
    widths = [[1.0, 0.0], None, [float("nan")] * 3, [0.0, 1.0, 0.0]]
    given = [{"embedding_id": str(number), "vector": vector} for number, vector in enumerate(widths)]
    store.rewrite("embeddings", rows(store, "embeddings", *given))
    assert [row["vector"] for row in content(store, "embeddings")] == [widths[0], None, None, widths[3]]


def test_replace_updates_rows_and_inserts_the_others(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa", "running")
    add_source(store, "aaaaaaaa", "done")
    add_source(store, "bbbbbbbb", "running")
    assert [row["state"] for row in content(store, "sources")] == ["done", "running"]


def test_replace_for_a_source_deletes_only_that_sources_other_rows(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 5))
    store.upsert("frames", frames(store, "bbbbbbbb", 5))
    store.replace("frames", frames(store, "aaaaaaaa", 2, sharpness=7.0), where_source="aaaaaaaa")
    left = content(store, "frames")
    assert [row["sharpness"] for row in left if row["source_id"] == "aaaaaaaa"] == [7.0, 7.0]
    assert sum(row["source_id"] == "bbbbbbbb" for row in left) == 5


def test_delete_removes_what_meets_the_condition(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    store.delete("frames", "ordinal > 0")
    assert [row["ordinal"] for row in content(store, "frames")] == [0]


def test_take_gives_rows_in_the_order_asked_and_leaves_out_the_unknown(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 4))
    ids = [schema.frame_id("aaaaaaaa", ms) for ms in (3000, 99, 1000, 3000)]
    taken = store.take("frames", ids, ["ordinal"])
    assert taken.column_names == ["ordinal"]
    assert taken["ordinal"].to_pylist() == [3, 1, 3]
    assert store.take("frames", [], ["ordinal", "pts"]).num_rows == 0


def test_tags_get_lasting_numbers_from_one(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    assert store.ensure_tags([("a", "general"), ("b", "meta")]) == {"a": 1, "b": 2}
    assert store.ensure_tags([("c", "general"), ("b", "meta")]) == {"c": 3, "b": 2}
    assert Store.open(store.uri).ensure_tags([("a", "general")]) == {"a": 1}


def test_more_tags_than_a_database_can_have_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("animeds_db.store.store.MAX_TAGS", 1200)
    store = new_store(tmp_path)
    names = [(f"tag{i}", "general") for i in range(1201)]
    with pytest.raises(
        StoreError, match="0 tags and room for 1,200 more; 1,201 new ones are needed"
    ) as error:
        store.ensure_tags(names)
    assert "a database can have at most 1,200 tags" in str(error.value.hint)
    assert len(store.ensure_tags(names[:-1])) == 1200
    with pytest.raises(StoreError, match="room for 0 more; 1 new ones") as error:
        store.ensure_tags([("another", "general")])
    assert "another database with --db" in str(error.value.hint)


def test_writers_that_name_tags_at_once_agree_on_their_numbers(tmp_path: Path) -> None:
    new_store(tmp_path)
    uri = str(tmp_path / "test.animeds")
    answers: list[dict[str, int]] = []

    def name_tags(own: int) -> None:
        store = Store.open(uri)
        labels = [(f"{own}-{i}", "general") for i in range(5)] + [(f"both{i}", "general") for i in range(5)]
        store.ensure_tags(labels)
        answers.append(store.ensure_tags(labels))

    threads = [threading.Thread(target=name_tags, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 3
    final = Store.open(uri).ensure_tags([(tag, "general") for answer in answers for tag in answer])
    assert all(final[tag] == number for answer in answers for tag, number in answer.items())
    assert len(set(final.values())) == len(final)


WRITER = """
import sys
from animeds_db.store import Store
from tables import frames
store = Store.open(sys.argv[1])
for first in range(0, 60, 10):
    store.upsert("frames", frames(store, "aaaaaaaa", 20, first=first))
"""


def test_two_processes_that_write_the_same_rows_write_them_once(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent / "support")}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, store.uri], env=environment) for _ in range(2)]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    ids = store.table("frames").to_table(columns=["frame_id"])["frame_id"].to_pylist()
    assert len(ids) == len(set(ids)) == 70


def test_of_tables_written_anew_at_once_one_stays_whole(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    versions = [frames(store, source, n) for source, n in (("aaaaaaaa", 3), ("bbbbbbbb", 5))]

    def write_again_and_again(version: pa.Table) -> None:
        for _ in range(8):
            store.rewrite("frames", version)

    threads = [threading.Thread(target=write_again_and_again, args=(version,)) for version in versions]
    with pytest.MonkeyPatch.context() as patch:
        failed: list[object] = []
        patch.setattr(threading, "excepthook", failed.append)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failed
    found = store.table("frames").to_table()
    assert any(found.equals(version) for version in versions)


def test_compaction_joins_the_pieces_and_keeps_every_row(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for first in range(0, 12, 2):
        store.upsert("frames", frames(store, "aaaaaaaa", 2, first=first))
    before = content(store, "frames")
    assert tend_if_worth_it(store) == []
    assert tend_if_worth_it(store, 3) == ["frames"]
    assert len(store.table("frames").get_fragments()) == 1
    assert content(store, "frames") == before


def test_compaction_beside_a_writer_loses_nothing(tmp_path: Path) -> None:
    store = new_store(tmp_path)

    def write() -> None:
        mine = Store.open(store.uri)
        for first in range(0, 30, 2):
            mine.upsert("frames", frames(mine, "aaaaaaaa", 2, first=first))

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        tend_if_worth_it(store, 3)
    writer.join()
    assert [row["ordinal"] for row in content(store, "frames")] == list(range(30))


def test_a_commit_is_synced_before_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_store(tmp_path)
    synced: list[Path] = []
    really_sync = os.fsync

    def note(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").resolve())
        really_sync(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to see which file a handle is of")
    monkeypatch.setattr(os, "fsync", note)
    before = {p for p in Path(store.uri).rglob("*") if p.is_file()}
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    written = {p for p in Path(store.uri).rglob("*") if p.is_file()} - before
    needed = {p for p in written if p.suffix in (".lance", ".manifest")}
    assert len(needed) == 2
    assert needed | {p.parent for p in needed} <= set(synced)


def torn_write(store: Store, number: int) -> None:
    """Add rows, and lose the first of the writes to their data file, as Lance does when only that one fails."""
    before = set(Path(store.uri, "frames.lance", "data").glob("*"))
    store.lancedb_table("frames").add(frames(store, "bbbbbbbb", number))
    (new,) = set(Path(store.uri, "frames.lance", "data").glob("*")) - before
    new.write_bytes(new.read_bytes()[500:])


def test_a_commit_that_the_disk_did_not_take_whole_is_taken_back(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 3))
    before = content(store, "frames")
    with pytest.raises(StoreError, match=r"data/\w+\.lance has \d+ of \d+ bytes") as raised:
        store.commit("frames", lambda _: torn_write(store, 2))
    assert "free some space" in str(raised.value)
    assert content(store, "frames") == before
    assert content(Store.open(store.uri), "frames") == before
    assert store.upsert("frames", frames(store, "bbbbbbbb", 2)) == 2
    assert len(content(Store.open(store.uri), "frames")) == 5


def test_a_torn_commit_below_that_of_another_writer_stays_and_is_reported(tmp_path: Path) -> None:
    store = new_store(tmp_path)

    def write(_: object) -> None:
        torn_write(store, 2)
        Store.open(store.uri).lancedb_table("frames").add(frames(store, "cccccccc", 1))

    with pytest.raises(StoreError, match="animeds check --repair"):
        store.commit("frames", write)
    assert store.table("frames").count_rows() == 3


FULL = """
import os, resource, sys
import pyarrow as pa
from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.store import Store

def thumbnails(first):
    ids = [schema.frame_id("aaaaaaaa", first + i) for i in range(20)]
    return pa.table([ids, ["aaaaaaaa"] * 20, [os.urandom(20_000) for _ in ids]], schema=schema.THUMBNAILS.schema)

store = Store.open(sys.argv[1])
store.upsert("thumbnails", thumbnails(0))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.upsert("thumbnails", thumbnails(100))
except StoreError as error:
    print(error, "|", error.hint)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes, as a small disk")
def test_without_room_nothing_stored_is_lost(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    done = subprocess.run([sys.executable, "-c", FULL, store.uri], capture_output=True, text=True, check=True)
    assert "the disk is full" in done.stdout
    assert "thumbnails.lance" in done.stdout
    assert "what was already stored is safe" in done.stdout
    assert Store.open(store.uri).table("thumbnails").count_rows() == 20


def test_size_counts_what_is_written(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    before = store.size_bytes()
    picture = os.urandom(50_000)
    store.upsert(
        "thumbnails", rows(store, "thumbnails", {"frame_id": "a", "source_id": "b", "webp": picture})
    )
    assert store.size_bytes() - before > 50_000


def test_tables_open_with_lancedb(tmp_path: Path) -> None:
    import lancedb

    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    assert lancedb.connect(store.uri).open_table("frames").count_rows() == 2


def test_every_table_declares_its_key(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for name in store.names():
        field = store.table(name).schema.field(store.schema(name).key)
        assert (field.metadata or {}).get(b"lance-schema:unenforced-primary-key") == b"true"
        assert not field.nullable


def test_a_table_survives_the_round_trip(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    detection: dict[str, object] = {
        "detection_id": "aaaaaaaa-000000000-f0",
        "frame_id": "aaaaaaaa-000000000",
        "source_id": "aaaaaaaa",
        "kind": "face",
        "left": 0.25,
        "top": 0.5,
        "right": 0.75,
        "bottom": 1.0,
        "score": 0.875,
        "model": "m@1",
        "vector": [0.5, -0.5, 0.5, -0.5],
        "vector_model": "v@1",
    }
    batch = rows(store, "detections", detection)
    store.upsert("detections", batch)
    assert store.table("detections").to_table().equals(pa.table(batch))

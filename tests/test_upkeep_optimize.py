"""Upkeep: the same rows in fewer pieces and bytes, beside readers and writers, and killed at any time."""

from __future__ import annotations

import datetime
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from cli_run import Runner
from tables import add_source, frames, new_store, rows

import animeds_db
from animeds_db.errors import UsageError
from animeds_db.store import Store
from animeds_db.upkeep.cleaning import clean, remove_orphans, replaced
from animeds_db.upkeep.compaction import is_worth_it
from animeds_db.upkeep.optimize import kept, optimize, tend_if_worth_it

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parent / "support")}


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def pieces(folder: Path, n: int = 8) -> Store:
    """Return a store whose frames came in n pieces of two rows."""
    store = new_store(folder)
    add_source(store, "aaaaaaaa")
    for number in range(n):
        store.upsert("frames", frames(store, "aaaaaaaa", 2, first=2 * number))
    return store


def ordinals(store: Store) -> list[int]:
    return sorted(store.table("frames").to_table(columns=["ordinal"])["ordinal"].to_pylist())


def files(store: Store) -> set[Path]:
    return {path for path in Path(store.uri).rglob("*") if path.is_file()}


def test_optimize_joins_the_pieces_and_keeps_young_versions(tmp_path: Path) -> None:
    store = pieces(tmp_path)
    before = store.history()
    report = optimize(store)
    assert len(store.table("frames").get_fragments()) == 1
    assert ordinals(store) == list(range(16))
    assert report.freed == 0
    assert report.waiting > 8
    assert ordinals(Store.open(store.uri, before.number(before.now()) - 1)) == list(range(14))
    again = optimize(store)
    assert next(iter(again.lines())) == "nothing to do"


def test_versions_go_by_when_they_were_replaced(tmp_path: Path) -> None:
    store = pieces(tmp_path, 3)
    commits = store.history().of_table("frames")
    last_but_one = commits[-1].at
    assert replaced(commits, last_but_one) == [1, 2]  # 3 was the newest until just then
    assert replaced(commits, now()) == [1, 2, 3]
    assert replaced(commits, commits[0].at) == []


def test_cleaning_frees_what_only_old_versions_hold(tmp_path: Path) -> None:
    store = pieces(tmp_path)
    cut = store.history().number(store.history().now())
    optimize(store)
    history, size = store.history(), store.size_bytes()
    with animeds_db.open(store.uri) as dataset:
        dataset.keep_version("first", at=history.number(history.now()) - 8)
    kept_rows = ordinals(Store.open(store.uri, "first"))
    freed = sum(clean(store, name, replaced(history.of_table(name), now())) for name in store.names())
    assert freed > 0
    assert store.size_bytes() <= size - freed + 10_000  # the names themselves take some bytes
    assert ordinals(store) == list(range(16))
    assert ordinals(Store.open(store.uri, "first")) == kept_rows != list(range(16))
    with pytest.raises(animeds_db.AnimedsError, match="was deleted"):
        Store.open(store.uri, cut)


def test_a_reader_goes_on_while_its_version_is_replaced_and_cleaned(tmp_path: Path) -> None:
    store = pieces(tmp_path)
    began = now()
    reader = store.table("frames")
    time.sleep(0.01)
    store.upsert("frames", frames(store, "aaaaaaaa", 2, first=16))
    optimize(store)
    for name in store.names():  # as an upkeep an hour later, when this is what is kept
        clean(store, name, replaced(store.history().of_table(name), began))
    assert reader.to_table().num_rows == 16
    assert len(replaced(store.history().of_table("frames"), began)) == 0


def test_files_of_killed_runs_go_when_they_are_old(tmp_path: Path) -> None:
    store = pieces(tmp_path, 2)
    whole = files(store)
    table = Path(store.uri) / "frames.lance"
    for name in ("data/dead.lance", "_transactions/1-dead.txn", "_deletions/0-1-1.arrow", "data/young.lance"):
        (table / name).parent.mkdir(exist_ok=True)
        (table / name).write_bytes(b"x" * 1000)
        os.utime(table / name, (0, 0) if "young" not in name else None)
    (table / "notes.txt").write_text("mine")
    os.utime(table / "notes.txt", (0, 0))
    assert remove_orphans(store, "frames", now() - datetime.timedelta(days=1)) == (3, 3000)
    assert files(store) - whole == {table / "data/young.lance", table / "notes.txt"}
    assert whole <= files(store)
    assert ordinals(store) == list(range(4))


def test_no_file_of_a_version_is_taken_for_an_orphan(tmp_path: Path) -> None:
    store = pieces(tmp_path, 3)
    store.delete("frames", "ordinal = 3")
    optimize(store)
    store.table("frames").create_scalar_index("frame_id", "BTREE")
    whole = files(store)
    for name in store.names():
        assert remove_orphans(store, name, now() + datetime.timedelta(days=1)) == (0, 0)
    assert files(store) == whole


def test_many_deleted_rows_are_worth_a_compaction(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 5000))
    assert not is_worth_it(store.table("frames"))
    store.delete("frames", "ordinal < 2500")
    assert is_worth_it(store.table("frames"))
    assert tend_if_worth_it(store) == ["frames"]
    assert not is_worth_it(store.table("frames"))


@pytest.mark.parametrize("keep", ["0s", "59m", datetime.timedelta(0)])
def test_less_than_an_hour_is_refused(keep: Any) -> None:
    with pytest.raises(UsageError, match="at least an hour"):
        kept(keep)


def test_how_long_versions_stay_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept() == datetime.timedelta(days=7)
    monkeypatch.setenv("ANIMEDS_KEEP", "3d")
    assert kept() == datetime.timedelta(days=3)
    assert kept("12h") == datetime.timedelta(hours=12)


def test_optimize_beside_a_writer_and_a_reader_loses_nothing(tmp_path: Path) -> None:
    store = pieces(tmp_path, 1)
    wrong: list[str] = []

    def write() -> None:
        mine = Store.open(store.uri)
        for number in range(1, 12):
            mine.upsert("frames", frames(mine, "aaaaaaaa", 2, first=2 * number))

    def read() -> None:
        with animeds_db.open(store.uri) as dataset:
            while writer.is_alive():
                n = dataset.sql("SELECT count(*), count(DISTINCT frame_id) FROM frames").fetchall()[0]
                if n[0] % 2 or n[0] != n[1]:
                    wrong.append(str(n))

    writer = threading.Thread(target=write)
    reader = threading.Thread(target=read)
    writer.start()
    reader.start()
    while writer.is_alive():
        optimize(Store.open(store.uri))
        for name in ("frames", "sources"):
            clean(
                store, name, replaced(store.history().of_table(name), now() - datetime.timedelta(seconds=5))
            )
    writer.join()
    reader.join()
    assert not wrong
    assert ordinals(store) == list(range(24))


UPKEEP = """
import datetime, sys
from animeds_db.store import Store
from animeds_db.upkeep.cleaning import clean, replaced, remove_orphans
from animeds_db.upkeep.optimize import optimize
store = Store.open(sys.argv[1])
print("ready", flush=True)
for _ in range(int(sys.argv[2])):
    optimize(store)
    now = datetime.datetime.now(datetime.UTC)
    for name in store.names():
        clean(store, name, replaced(store.history().of_table(name), now))
        remove_orphans(store, name, now - datetime.timedelta(minutes=5))
"""


def upkeep(store: Store, times: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", UPKEEP, store.uri, str(times)], stdout=subprocess.PIPE, env=ENVIRONMENT
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_killed_upkeep_leaves_every_row_readable(tmp_path: Path) -> None:
    store, chance = pieces(tmp_path, 2), random.Random(3)
    label = {"label_id": "1", "op": "add"}
    store.upsert("labels", rows(store, "labels", label))
    n = 2
    for _ in range(int(os.environ.get("ANIMEDS_KILLS", "2"))):
        for _ in range(3):
            store.upsert("frames", frames(store, "aaaaaaaa", 2, first=2 * n))
            n += 1
        process = upkeep(store, 100)
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        process.communicate()
        opened = Store.open(store.uri)
        assert ordinals(opened) == list(range(2 * n))
        assert opened.table("labels").to_table().num_rows == 1
    optimize(store)
    assert ordinals(store) == list(range(2 * n))


def test_two_upkeeps_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    store = pieces(tmp_path, 6)
    others = [upkeep(store, 1) for _ in range(2)]
    assert [other.wait(120) for other in others] == [0, 0]
    for other in others:
        other.communicate()
    assert ordinals(store) == list(range(12))


def test_the_command_says_what_it_freed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = pieces(tmp_path)
    run = Runner(capsys, monkeypatch)
    first = run("optimize", "--db", store.uri)
    assert (first.code, first.out) == (0, "")
    assert "frames: 8 pieces joined into 1" in first.err
    assert "old versions are kept for 7 days (see --keep)" in first.err
    assert "at least an hour" in run("optimize", "--db", store.uri, "--keep", "5m").err
    assert run("optimize", "--db", store.uri, "--keep", "soon").code == 2

"""A copy is a database: of one state, checked, brought up to date, refused where it would undo somebody's work."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import pytest
from cli_run import Runner
from tables import add_source, frames, new_store, rows

import animeds_db
from animeds_db.errors import AnimedsError, StoreError, UsageError
from animeds_db.store import Store
from animeds_db.upkeep.copying import backup
from animeds_db.upkeep.optimize import optimize

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parent / "support")}


def a_store(folder: Path, n: int = 3) -> Store:
    store = new_store(folder)
    add_source(store, "aaaaaaaa")
    for number in range(n):
        grow(store, number)
    return store


def grow(store: Store, number: int) -> None:
    store.upsert("frames", frames(store, "aaaaaaaa", 2, first=2 * number))


def content(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {name: store.table(name).to_table().to_pylist() for name in store.names()}


def test_a_backup_opens_like_the_database_and_has_what_it_had(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    store.delete("frames", "ordinal = 1")
    done = backup(store, str(tmp_path / "copy"))
    copy = Store.open(str(tmp_path / "copy"))
    assert content(copy) == content(store)
    assert done.number == copy.history().number(copy.history().now())
    assert done.rows["frames"] == 5
    grow(copy, 9)
    assert copy.table("frames").count_rows() == 7
    assert store.table("frames").count_rows() == 5


def test_a_second_backup_copies_only_what_is_new(tmp_path: Path) -> None:
    store, to = a_store(tmp_path), str(tmp_path / "copy")
    first = backup(store, to)
    assert backup(store, to).n_files == 0
    state = Store.open(to).history()
    for number in range(3, 8):  # several versions at once: a backup has gaps
        grow(store, number)
    second = backup(store, to)
    assert 0 < second.n_files <= 10 < first.n_files
    assert content(Store.open(to)) == content(store)
    optimize(store)
    backup(store, to)
    assert content(Store.open(to)) == content(store)
    then = Store.open(to, state.number(state.now()))
    assert then.table("frames").count_rows() == 6  # the earlier backup is still there to be read


def test_an_old_version_can_be_copied(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    number = store.history().number(store.history().now())
    grow(store, 3)
    with animeds_db.open(store.uri, at=number) as past:
        done = past.backup(tmp_path / "copy")
    assert done.number == number
    assert Store.open(str(tmp_path / "copy")).table("frames").count_rows() == 6


def test_a_backup_and_back_again(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    backup(store, str(tmp_path / "copy"))
    was = content(store)
    shutil.rmtree(store.uri)
    backup(Store.open(str(tmp_path / "copy")), store.uri)
    assert content(Store.open(store.uri)) == was


def test_places_where_a_backup_would_undo_something_are_refused(tmp_path: Path) -> None:
    store, to = a_store(tmp_path), str(tmp_path / "copy")
    with pytest.raises(UsageError, match="is the database itself"):
        backup(store, store.uri)
    other = new_store(tmp_path, "other.animeds")
    with pytest.raises(StoreError, match="is already a database"):
        backup(store, other.uri)
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "a.txt").write_text("mine")
    with pytest.raises(StoreError, match="a folder with other files"):
        backup(store, str(tmp_path / "things"))
    backup(store, to)
    with pytest.raises(StoreError, match="is a backup of a different database, .*test.animeds|newer state"):
        backup(other, to)
    grow(Store.open(to), 7)
    with pytest.raises(StoreError, match=r"was changed since it was copied \(frames\)"):
        backup(store, to)


def test_a_backup_does_not_go_back_in_time(tmp_path: Path) -> None:
    store, to = a_store(tmp_path), str(tmp_path / "copy")
    number = store.history().number(store.history().now())
    grow(store, 3)
    backup(store, to)
    with pytest.raises(StoreError, match="newer state"):
        backup(Store.open(store.uri, number), to)


def test_a_damaged_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store(tmp_path)
    really = shutil.copyfileobj

    def torn(source: IO[bytes], target: IO[bytes], length: int) -> None:
        really(source, target, length)
        if source.name.endswith(".lance"):
            target.truncate(target.tell() - 1)

    monkeypatch.setattr(shutil, "copyfileobj", torn)
    with pytest.raises(StoreError, match="differs from the original after copying"):
        backup(store, str(tmp_path / "copy"))
    with pytest.raises(StoreError, match="is an unfinished backup") as told:
        Store.open(str(tmp_path / "copy"))
    assert "again" in str(told.value.hint)
    monkeypatch.undo()
    backup(store, str(tmp_path / "copy"))
    assert content(Store.open(str(tmp_path / "copy"))) == content(store)


def test_a_backup_beside_a_writer_is_one_state(tmp_path: Path) -> None:
    store, to = a_store(tmp_path), str(tmp_path / "copy")

    def write() -> None:
        mine = Store.open(store.uri)
        for number in range(3, 15):
            mine.upsert("labels", rows(mine, "labels", {"label_id": f"{number:03d}"}))
            grow(mine, number)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        backup(Store.open(store.uri), to)
        copy = Store.open(to)
        n = copy.table("frames").to_table().num_rows // 2
        assert copy.table("labels").to_table().num_rows in (n - 3, n - 2)  # a label comes before its frames
    writer.join()
    backup(store, to)
    assert content(Store.open(to)) == content(store)


COPY = """
import sys
from animeds_db.store import Store
from animeds_db.upkeep.copying import backup
store = Store.open(sys.argv[1])
print("ready", flush=True)
backup(store, sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_killed_backup_goes_on_and_never_shows_half(tmp_path: Path) -> None:
    store, to, chance = a_store(tmp_path), str(tmp_path / "copy"), random.Random(1)
    for number in range(3, 3 + int(os.environ.get("ANIMEDS_KILLS", "2"))):
        grow(store, number)
        with subprocess.Popen(
            [sys.executable, "-c", COPY, store.uri, to], stdout=subprocess.PIPE, env=ENVIRONMENT
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
        try:
            n = Store.open(to).table("frames").to_table().num_rows
        except AnimedsError as error:
            assert "unfinished" in str(error) or "no such folder" in str(error) or "empty" in str(error)
        else:
            assert n <= 2 * (number + 1)
    backup(store, to)
    assert content(Store.open(to)) == content(store)


def test_the_command_says_what_is_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(tmp_path)
    run = Runner(capsys, monkeypatch)
    first = run("backup", tmp_path / "copy", "--db", store.uri)
    assert (first.code, first.out) == (0, "")
    assert "1 sources, 6 frames" in first.err
    assert "checked" in first.err
    assert "no new files" in run("backup", tmp_path / "copy", "--db", store.uri).err

"""What a stranger's database and export may name: files inside their own folder, and no others."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import synced
from cli_run import Runner
from export_material import content, picture_source, tables
from framestore import dataset_of, frame_rows
from tables import add_source, frames, new_store

from animeds_db.errors import AnimedsError, ExportError, ModelError, StoreError
from animeds_db.export import ExportOptions, export
from animeds_db.export.folder import writer
from animeds_db.export.folder.synced import RECORD_NAME
from animeds_db.export.manifest import MANIFEST_NAME, read_manifest
from animeds_db.models.files import Record
from animeds_db.models.manifest import load_manifest
from animeds_db.models.named import named_entry, remember_used
from animeds_db.safe_files import locked_file
from animeds_db.session import Session
from animeds_db.store import Store
from animeds_db.upkeep.copying import backup


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too, in order."""
    return sorted(path.name for path in folder.iterdir())


def crafted(store: Store, target: str) -> None:
    """Let the newest version of `frames` name `target` instead of its newest data file."""
    table = Path(store.uri) / "frames.lance"
    files = [
        file.path for fragment in store.table("frames").get_fragments() for file in fragment.metadata.files
    ]
    name = files[-1]
    start = f"{target}/"
    wanted = start + "v" * (len(name) - len(start) - len(".lance")) + ".lance"
    newest = min((table / "_versions").glob("*.manifest"))  # names count down
    data = newest.read_bytes()
    assert data.count(name.encode()) >= 1 and len(wanted) == len(name)
    newest.write_bytes(data.replace(name.encode(), wanted.encode()))
    for folder in (table / "data" / target, Path(store.uri).parent):
        (folder / Path(wanted).name).resolve().write_bytes((table / "data" / name).read_bytes())


@pytest.mark.parametrize("target", ["../../..", "../..", "a/../../../.."])
def test_a_database_whose_manifest_leaves_its_folder_is_neither_read_nor_copied(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "received").mkdir()
    store = new_store(tmp_path / "received")
    add_source(store, "aaaaaaaa")
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    (Path(store.uri) / "frames.lance" / "data" / "a").mkdir()
    crafted(store, target)
    (tmp_path / "mine").mkdir()
    before = {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*")}
    with pytest.raises(StoreError, match="not a path inside"):
        Store.open(store.uri).table("frames")
    with pytest.raises(StoreError, match="not a path inside"):
        Session(Store.open(store.uri)).sql("SELECT * FROM frames").fetchall()
    with pytest.raises(AnimedsError, match="not a path inside"):
        backup(Store(store.location, store.widths), str(tmp_path / "mine" / "copy"))
    assert {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*")} == before


def test_a_data_file_that_is_a_link_is_neither_read_nor_copied(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    data = next((Path(store.uri) / "sources.lance" / "data").iterdir())
    data.rename(tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link"):
        Store.open(store.uri).table("sources")
    with pytest.raises(AnimedsError, match="is a link"):
        backup(Store(store.location, store.widths), str(tmp_path / "copy"))


def test_a_version_whose_files_are_links_is_not_read_by_a_search_of_words_either(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    old = store.versions()
    data = next((Path(store.uri) / "sources.lance" / "data").iterdir())
    store.delete("sources", "true")
    data.rename(tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    past = Store.open(store.uri)
    past.pinned = old
    with pytest.raises(StoreError, match="is a link"):
        past.lancedb_table("sources")


def test_a_backup_does_not_write_through_links_in_its_target(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    backup(store, str(tmp_path / "copy"))
    data = tmp_path / "copy" / "frames.lance" / "data"
    (tmp_path / "mine").mkdir()
    data.mkdir(exist_ok=True)
    data.rmdir()
    data.symlink_to(tmp_path / "mine")
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    with pytest.raises(AnimedsError, match="is a link"):
        backup(store, str(tmp_path / "copy"))
    assert names_in(tmp_path / "mine") == []


def test_a_disk_that_is_full_when_a_backup_is_synced_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        backup(store, str(tmp_path / "copy"))
    monkeypatch.undo()
    backup(store, str(tmp_path / "copy"))
    assert Store.open(str(tmp_path / "copy")).table("sources").count_rows() == 1


def test_an_export_does_not_write_through_links_that_lie_in_its_place(tmp_path: Path) -> None:
    caps = picture_source(tmp_path / "caps")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "journal").write_text("mine")
    partial = tmp_path / ".out.partial"
    partial.mkdir()
    (partial / writer.MARK).write_text("")
    (partial / "images").symlink_to(mine)
    for name in ("a.png", "caps-000000000.png", "CREDITS.txt", MANIFEST_NAME):
        (partial / name).symlink_to(mine / "journal")
    export(*tables([caps]), tmp_path / "out")
    assert content(mine) == {"journal": b"mine"}
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))


@pytest.mark.parametrize("name", ["", writer.MARK])
def test_a_partial_folder_or_mark_that_is_a_link_is_refused(tmp_path: Path, name: str) -> None:
    caps = picture_source(tmp_path / "caps")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / writer.MARK).write_text("mine")
    partial = tmp_path / ".out.partial"
    if name:
        partial.mkdir()
        (partial / name).symlink_to(mine / writer.MARK)
    else:
        partial.symlink_to(mine)
    with pytest.raises(AnimedsError, match="is a link"):
        export(*tables([caps]), tmp_path / "out")
    assert content(mine) == {writer.MARK: b"mine"}


def test_a_manifest_that_names_files_outside_is_refused(tmp_path: Path) -> None:
    export(*tables([picture_source(tmp_path / "caps")]), tmp_path / "out")
    path = tmp_path / "out" / MANIFEST_NAME
    told = json.loads(path.read_text())
    told["files"]["../../.bashrc"] = "1:0"
    path.write_text(json.dumps(told))
    with pytest.raises(ExportError, match="damaged.*not a path inside"):
        read_manifest(tmp_path / "out")


def received(tmp_path: Path) -> tuple[Any, Path, Path]:
    """Return a database, its export in which a caption was edited, and a secret beside it."""
    dataset = synced.show(tmp_path)
    out = synced.export(dataset, tmp_path / "out", captions=True)
    secret = tmp_path / "secret.txt"
    secret.write_text("a password")
    return dataset, out, secret


def test_sync_refuses_a_caption_that_is_a_link(tmp_path: Path) -> None:
    dataset, out, secret = received(tmp_path)
    caption = next(path for path in out.rglob("*.txt") if path.name != "CREDITS.txt")
    caption.unlink()
    caption.symlink_to(secret)
    before = synced.said(dataset)
    with pytest.raises(AnimedsError, match="is a link"):
        dataset.sync(out)
    assert synced.said(dataset) == before


def test_sync_refuses_pictures_and_folders_that_are_links_and_says_nothing_of_them(tmp_path: Path) -> None:
    dataset, out, _ = received(tmp_path)
    picture = next(out.rglob("*.png"))
    picture.rename(tmp_path / "elsewhere.png")
    picture.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(AnimedsError, match="is a link"):
        dataset.sync(out)
    picture.unlink()
    (tmp_path / "elsewhere.png").rename(picture)
    picture.parent.rename(tmp_path / "moved")
    picture.parent.symlink_to(tmp_path / "moved")
    with pytest.raises(AnimedsError, match="is a link"):
        dataset.sync(out)
    assert synced.said(dataset) == []


def test_sync_neither_reads_nor_writes_its_record_through_a_link(tmp_path: Path) -> None:
    dataset, out, secret = received(tmp_path)
    next(out.rglob("*.png")).unlink()
    (out / f"{RECORD_NAME}.partial").symlink_to(secret)
    dataset.sync(out)
    assert secret.read_text() == "a password"
    (out / RECORD_NAME).unlink()
    (out / RECORD_NAME).symlink_to(secret)
    with pytest.raises(AnimedsError, match="is a link"):
        dataset.sync(out)
    assert secret.read_text() == "a password"


def test_a_sync_record_that_names_files_outside_is_refused(tmp_path: Path) -> None:
    dataset, out, _ = received(tmp_path)
    first = read_manifest(out).pictures[0].path
    pictures = {first: {"path": "../secret.png", "caption": None, "beside": None}}
    (out / RECORD_NAME).write_text(
        json.dumps({"animeds_sync": 1, "syncs": [{"act": None, "pictures": pictures}]})
    )
    with pytest.raises(ExportError, match="damaged"):
        dataset.sync(out)


class FullDisk:
    """An open file on a disk that has just become full."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        self._file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_when_a_picture_is_noted_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "locked_file", lambda path: FullDisk(locked_file(path)))  # type: ignore[arg-type]
    with pytest.raises(ExportError, match="no space left"):
        export(*tables([picture_source(tmp_path / "caps")]), tmp_path / "out")
    assert sorted(names_in(tmp_path)) == ["caps"]


def test_the_journal_of_an_export_holds_nothing_back_that_closing_could_fail_on(tmp_path: Path) -> None:
    caps = picture_source(tmp_path / "caps")
    with writer.NewFolder(tmp_path / "out", overwrite=False) as folder:
        assert folder._lock is not None
        assert type(folder._lock).__name__ == "FileIO"  # unbuffered
    export(*tables([caps]), tmp_path / "out", options=ExportOptions())


@pytest.fixture
def own_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who has used no models yet."""
    monkeypatch.setenv("ANIMEDS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ANIMEDS_MODELS", str(tmp_path / "models.toml"))


STRANGE = "open_clip:hf-hub:somebody/harmful"


@pytest.mark.usefixtures("own_record")
def test_a_model_that_only_a_database_names_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="not in your manifest") as caught:
        named_entry(STRANGE, load_manifest())
    assert "ANIMEDS_ALLOW_MODELS" in (caught.value.hint or "")
    monkeypatch.setenv("ANIMEDS_ALLOW_MODELS", f"other, {STRANGE}")
    assert named_entry(STRANGE, load_manifest()).name == STRANGE


@pytest.mark.usefixtures("own_record")
def test_a_flag_allows_a_model_that_only_a_database_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEDS_ALLOW_MODELS", "")  # so that what the flag sets does not outlive the test
    strange = f"{STRANGE}@1"
    rows = frame_rows("aaaaaaaa", np.eye(8, dtype=np.float32)[:2], 1, embedder=[strange] * 2)
    dataset_of(tmp_path, {"aaaaaaaa": rows}, width=8).close()
    run, search = Runner(capsys, monkeypatch), ("search", "red hair", "--db", tmp_path / "frames.animeds")
    refused = run(*search)
    assert refused.code == 1 and "not in your manifest" in refused.err and "--allow-models" in refused.err
    allowed = run("--allow-models", STRANGE, *search)
    assert allowed.code == 1 and "not in your manifest" not in allowed.err and "open" in allowed.err


@pytest.mark.usefixtures("own_record")
def test_a_model_that_this_person_used_may_be_named_by_a_database() -> None:
    remember_used(["clip-vit-b32", STRANGE])
    assert Record.load().used == [STRANGE]
    assert named_entry(STRANGE, load_manifest()).name == STRANGE
    assert named_entry("clip-vit-b32", load_manifest()).name == "clip-vit-b32"


@pytest.mark.usefixtures("own_record")
def test_a_search_in_a_strangers_database_loads_no_strange_model(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    vector = [1.0] + [0.0] * (store.widths[0] - 1)
    store.upsert("frames", frames(store, "aaaaaaaa", 2, embedder=f"{STRANGE}@main", embedding=vector))
    from animeds_db.dataset import Dataset

    with Dataset(Store.open(store.uri)) as dataset:
        with pytest.raises(ModelError, match="not in your manifest"):
            dataset.search("red hair")
        (tmp_path / "a.png").write_bytes(next(iter(_png())))
        with pytest.raises(ModelError, match="not in your manifest"):
            dataset.search(image=tmp_path / "a.png")


def _png() -> list[bytes]:
    from stills import encoded, two_tone

    return [encoded(two_tone())]

"""Pictures are found again by their bytes, whatever they are called and wherever they lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import xxhash

from animeds_db.errors import ExportError
from animeds_db.export.folder.synced import RECORD_NAME
from animeds_db.export.pictures.picture import Picture, Written
from animeds_db.sync.folder import Found, Status, look
from animeds_db.sync.record import add_entry, last_statuses, read_record

FILES = {"a/1.png": b"one", "a/2.png": b"two!", "b/3.png": b"six", "b/4.png": b"threes"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).with_suffix(".txt").write_text(f"tag {name}")
    return tmp_path


def pictures() -> list[Picture]:
    return [Picture(name, f"tag {name}", name, "s", 0, 0, 0, None, "", None, 1) for name in FILES]


def found(
    folder: Path, before: list[Status] | None = None, *, parts: Mapping[str, str] = MappingProxyType({})
) -> Found:
    written = [
        Written(1, 1, len(data), xxhash.xxh3_128_hexdigest(data), parts=dict(parts))
        for data in FILES.values()
    ]
    start = [Status(p.path, p.caption) for p in pictures()]
    return look(folder, pictures(), written, before or start)


def paths(found: Found) -> list[str | None]:
    return [status.path for status in found.statuses]


def test_an_untouched_folder_is_as_it_was(folder: Path) -> None:
    assert found(folder) == Found(tuple(Status(p.path, p.caption) for p in pictures()))


def test_a_deleted_picture_is_gone_although_its_caption_is_there(folder: Path) -> None:
    (folder / "a/1.png").unlink()
    assert paths(found(folder)) == [None, "a/2.png", "b/3.png", "b/4.png"]


def test_a_renamed_picture_is_known_by_its_bytes(folder: Path) -> None:
    (folder / "a/1.png").rename(folder / "b/another name.png")
    assert paths(found(folder))[0] == "b/another name.png"


def test_a_caption_that_was_left_behind_goes_along(folder: Path) -> None:
    (folder / "a/1.png").rename(folder / "b/1.png")
    assert found(folder).statuses[0] == Status("b/1.png", "tag a/1.png")
    (folder / "b/1.txt").write_text("new")
    assert found(folder).statuses[0] == Status("b/1.png", "new")


def test_two_pictures_of_one_size_that_changed_places_are_told_apart(folder: Path) -> None:
    (folder / "a/1.png").rename(folder / "x.png")
    (folder / "b/3.png").rename(folder / "a/1.png")
    (folder / "x.png").rename(folder / "b/3.png")
    assert paths(found(folder)) == ["b/3.png", "a/2.png", "a/1.png", "b/4.png"]


def test_a_copy_is_told_and_its_original_stays(folder: Path) -> None:
    (folder / "b/copy.png").write_bytes(FILES["a/1.png"])
    now = found(folder)
    assert paths(now)[0] == "a/1.png"
    assert now.copies == ("b/copy.png",)


def test_a_picture_that_was_drawn_over_or_converted_is_not_gone(folder: Path) -> None:
    (folder / "a/1.png").write_bytes(b"drawn over")
    (folder / "a/2.png").unlink()
    (folder / "a/2.webp").write_bytes(b"converted")
    now = found(folder)
    assert paths(now)[:2] == ["a/1.png", "a/2.webp"]
    assert now.changed == ("a/1.png", "a/2.webp")


def test_pictures_of_others_are_strangers_and_hidden_files_are_passed_over(folder: Path) -> None:
    (folder / "new.jpg").write_bytes(b"fan art")
    (folder / ".trash").mkdir()
    (folder / ".trash/old.png").write_bytes(b"old")
    (folder / "notes.md").write_text("mine")
    assert found(folder).strangers == ("new.jpg",)


def test_the_parts_of_a_picture_are_neither_strangers_nor_another_picture(folder: Path) -> None:
    parts = {"control.png": "3:x", "-masklabel.png": "3:x"}
    for name in ("a/1-masklabel.png", "a.control/2.png", "b.control/3.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(FILES["a/1.png"])
    (folder / "a/1.png").unlink()
    (folder / "b").rename(folder / "c")
    (folder / "b.control").rename(folder / "c.control")
    now = found(folder, parts=parts)
    assert paths(now) == [None, "a/2.png", "c/3.png", "c/4.png"]
    assert now.strangers == now.copies == now.changed == ()


def test_an_entry_counts_while_its_act_does(folder: Path) -> None:
    moved = Status("b/1.png", "tag")
    add_entry(folder, [], "act-1", {"a/1.png": moved})
    add_entry(folder, read_record(folder), None, {"a/2.png": Status(None, None)})
    entries = read_record(folder)
    assert last_statuses(pictures(), entries, {"act-1"})[:2] == [moved, Status(None, None)]
    assert last_statuses(pictures(), entries, set())[0] == Status("a/1.png", "tag a/1.png")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"animeds_sync": 99, "syncs": []}', '{"animeds_sync": 1, "syncs": [{}]}']
)
def test_a_damaged_record_is_named(folder: Path, text: str) -> None:
    (folder / RECORD_NAME).write_text(text)
    with pytest.raises(ExportError, match=RECORD_NAME):
        read_record(folder)

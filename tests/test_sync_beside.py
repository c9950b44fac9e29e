"""Edits in sidecars and in trainers' own lists come back, as those in captions do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from synced import ARRANGED, export, pictures, said, show

from animeds_db.dataset import Dataset

NAMES = (("Nanoha",), ("Fate", "Nanoha"))
SIDECARS = ("json", "tags", "waifuc")


@pytest.fixture
def dataset(tmp_path: Path) -> Iterator[Dataset]:
    with show(tmp_path, NAMES) as dataset:
        yield dataset


@pytest.fixture
def out(dataset: Dataset, tmp_path: Path) -> Path:
    return export(dataset, tmp_path / "out", sidecars=SIDECARS)


def single(out: Path) -> Path:
    return out / next(p for p in pictures(out) if p.startswith("1_"))


def couple(out: Path) -> Path:
    return out / next(p for p in pictures(out) if p.startswith("2_"))


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads(path.read_text("utf-8"))
    change(values)
    path.write_text(json.dumps(values, indent=2), "utf-8")


def told(dataset: Dataset, out: Path) -> list[tuple[str, str, str]]:
    return [(c.what, c.before, c.after) for c in dataset.sync(out).changes]


def waifuc(picture: Path) -> Path:
    return picture.with_name(f".{picture.stem}_meta.json")


def test_nothing_edited_says_nothing(dataset: Dataset, out: Path) -> None:
    assert dataset.sync(out).changes == ()
    tags = single(out).with_name(single(out).name + ".tags")
    tags.write_text("smile, 1girl, red hair", "utf-8")  # another order, another spelling
    changed(single(out).with_suffix(".json"), lambda values: values.pop("fh_ratio"))
    assert dataset.sync(out).changes == ()


def test_tags_edited_in_each_kind_of_sidecar_are_labels(dataset: Dataset, out: Path) -> None:
    picture = single(out)
    picture.with_name(picture.name + ".tags").write_text("1girl, red_hair, smile, in_tags\n", "utf-8")
    changed(picture.with_suffix(".json"), lambda values: values["tags"].append("in json"))
    changed(waifuc(picture), lambda values: values["tags"].pop("smile"))
    assert sorted(told(dataset, out)) == [
        ("tag added", "", "in json"),
        ("tag added", "", "in_tags"),
        ("tag removed", "smile", ""),
    ]
    assert {(op, value) for _, op, value, _ in said(dataset)} == {
        ("add", "in_json"), ("add", "in_tags"), ("remove", "smile"),
    }  # fmt: skip
    assert dataset.sync(out).changes == ()


def test_the_same_edit_in_two_files_is_one(dataset: Dataset, out: Path) -> None:
    picture = single(out)
    picture.with_suffix(".txt").write_text("1girl, red hair, smile, hat", "utf-8")
    changed(picture.with_suffix(".json"), lambda values: values["tags"].append("hat"))
    assert told(dataset, out) == [("tag added", "", "hat")]


def test_an_edit_that_is_taken_back_is_a_change_again(dataset: Dataset, out: Path) -> None:
    sidecar = single(out).with_suffix(".json")
    before = sidecar.read_bytes()
    changed(sidecar, lambda values: values["tags"].remove("smile"))
    assert told(dataset, out) == [("tag removed", "smile", "")]
    sidecar.write_bytes(before)
    assert told(dataset, out) == [("tag added", "", "smile")]


def test_names_in_the_pipelines_file_belong_to_the_faces_in_their_order(dataset: Dataset, out: Path) -> None:
    sidecar = couple(out).with_suffix(".json")
    assert json.loads(sidecar.read_text("utf-8"))["characters"] == ["Fate", "Nanoha"]
    changed(sidecar, lambda values: values.update(characters=["Nanoha", "Fate"]))
    assert told(dataset, out) == [("character", "Fate", "Nanoha"), ("character", "Nanoha", "Fate")]
    names = dataset.sql("SELECT character FROM characters ORDER BY frame_id, face_id").fetchall()
    assert [row[0] for row in names] == ["Nanoha", "Nanoha", "Fate"]
    changed(sidecar, lambda values: values.update(characters=["unknown", "Fate"]))
    assert told(dataset, out) == [("character", "Nanoha", "unknown")]


def test_names_in_waifucs_file_are_read_as_a_folder_of_them(dataset: Dataset, out: Path) -> None:
    changed(waifuc(single(out)), lambda values: values.update(characters=["Fate"]))
    assert told(dataset, out) == [("character", "Nanoha", "Fate")]
    changed(waifuc(single(out)), lambda values: values.update(characters=["Fait"]))
    ((what, where, why),) = told(dataset, out)
    assert (what, where) == ("left alone", "waifuc characters: Fait") and "Fate" in why


def test_sidecars_that_were_left_behind_still_belong_to_their_picture(dataset: Dataset, out: Path) -> None:
    picture, sidecar = single(out), single(out).with_suffix(".json")
    changed(sidecar, lambda values: values["tags"].append("hat"))
    (out / "1_character" / "Fate").mkdir(exist_ok=True)
    picture.rename(out / "1_character" / "Fate" / picture.name)
    assert {what for what, _, _ in told(dataset, out)} >= {"tag added"}


def test_a_broken_sidecar_is_told_and_left_alone(dataset: Dataset, out: Path) -> None:
    single(out).with_suffix(".json").write_text('{"tags": ["1girl"', "utf-8")
    couple(out).with_suffix(".json").write_text('{"tags": 3}', "utf-8")
    report = dataset.sync(out)
    assert report.changes == () and len(report.notes) == 2
    assert all(".json cannot be read" in note for note in report.notes)


@pytest.mark.parametrize(
    ("layout", "file", "edit"),
    [
        ("imagefolder", "train/metadata.jsonl", lambda row: row.update(text="1girl, red hair, hat")),
        ("imagefolder", "train/metadata.jsonl", lambda row: row.update(tags=["1girl", "red_hair", "hat"])),
    ],
)
def test_edits_in_a_list_of_all_pictures_come_back(
    dataset: Dataset, tmp_path: Path, layout: str, file: str, edit: Callable[[dict[str, Any]], object]
) -> None:
    out = export(dataset, tmp_path / "out", sql=ARRANGED, layouts=("plain", layout))
    path = out / layout / file
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    edit(rows[0])
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[::-1]), "utf-8")
    assert sorted(told(dataset, out)) == [("tag added", "", "hat"), ("tag removed", "smile", "")]
    assert dataset.sync(out).changes == ()

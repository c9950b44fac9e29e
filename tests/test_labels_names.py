"""Renaming and merging characters: everywhere at once, and undoable."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled import dataset, face_of, identify, named
from tables import rows

from animeds_db.dataset import Dataset
from animeds_db.errors import UsageError


@pytest.fixture
def ds(tmp_path: Path) -> Dataset:
    ds = dataset(tmp_path)
    identify(ds.store, aaaaaaaa_000000000_f0=("nanoha", 0.9), aaaaaaaa_000002000_f0=("Fate", 0.9))
    ds.label("character", "set", "nanoha", [face_of(1)])
    return ds


def test_a_rename_holds_for_answers_and_labels_and_comes_off_again(ds: Dataset) -> None:
    act = ds.rename_characters({"nanoha": "Takamachi Nanoha"})
    assert named(ds) == {face_of(0): "Takamachi Nanoha", face_of(1): "Takamachi Nanoha", face_of(2): "Fate"}
    ds.undo(act.id)
    assert set(named(ds).values()) == {"nanoha", "Fate"}


def test_a_rename_that_already_holds_is_not_written_again(ds: Dataset) -> None:
    act = ds.rename_characters({"nanoha": "Takamachi Nanoha"})
    history = ds.history().fetchall()
    again = ds.rename_characters({"nanoha": "Takamachi Nanoha"})
    assert (again.id, again.n, again.notes) == (act.id, 0, ["nanoha is already called Takamachi Nanoha"])
    assert ds.history().fetchall() == history
    assert ds.rename_characters({"nanoha": "Takamachi Nanoha", "Fate": "Fate Testarossa"}).n == 1


def test_renaming_to_a_name_that_is_taken_merges_and_undo_parts_them(ds: Dataset) -> None:
    ds.rename_characters({"nanoha": "Fate"})
    assert set(named(ds).values()) == {"Fate"}
    ds.undo()
    assert sorted(named(ds).values()) == ["Fate", "nanoha", "nanoha"]


def test_a_rename_reaches_the_next_character_of_each_answer(ds: Dataset) -> None:
    answers = [
        {
            "detection_id": face,
            "frame_id": face[:18],
            "source_id": face[:8],
            "character": who,
            "second": next_one,
        }
        for face, who, next_one in ((face_of(0), "Fate", "nanoha"), (face_of(2), "unknown", "nanoha"))
    ]
    ds.store.rewrite("identities", rows(ds.store, "identities", *answers))
    ds.rename_characters({"nanoha": "N", "Fate": "F"})
    seconds = dict(ds.sql("SELECT detection_id, second FROM identities").fetchall())
    assert seconds == {face_of(0): "N", face_of(2): "N"}
    nearest = ds.query("unknown_faces", {"min_height": 0}).select("face_id, nearest").fetchall()
    assert (face_of(2), "N") in nearest and "nanoha" not in {name for _, name in nearest}


def test_chains_are_followed_and_renaming_back_is_no_circle(ds: Dataset, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("old,new\nnanoha,N\nN,Nanoha\nFate,Fate\n")
    assert ds.rename_characters(mapping).n == 2
    assert set(named(ds).values()) == {"Nanoha", "Fate"}
    ds.rename_characters({"Nanoha": "nanoha"})
    assert set(named(ds).values()) == {"nanoha", "Fate"}
    assert dict(ds.sql("SELECT name, final FROM names").fetchall()) == {"N": "nanoha", "Nanoha": "nanoha"}


def test_a_mapping_may_name_people_who_are_not_here_yet(ds: Dataset, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("﻿hayate,Yagami Hayate\n", encoding="utf-8")
    act = ds.rename_characters(mapping)
    assert act.notes == ["there is no character hayate so far"]
    ds.label("character", "set", "hayate", [face_of(0)])
    assert named(ds)[face_of(0)] == "Yagami Hayate"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nanoha\n", r":1: 1 column instead of two"),
        ("nanoha,N\nFate,F,x\n", r":2: 3 columns"),
        ("nanoha,N\n\nFate,\n", r":3: the new name is empty"),
        (" ,N\n", r":1: the old name is empty"),
        ("a,b\nb,c\nc,a\n", r":1: these renames form a circle: a → b → c → a"),
        ("a,b\na,c\n", r':2: "a" has two new names: b and c'),
        ("unknown,N\n", r':1: "unknown" is not a character'),
        ("", "is empty"),
        ("a,a\n", "Nothing is renamed"),
    ],
)
def test_a_bad_mapping_is_told_by_its_line_and_nothing_is_written(
    ds: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(text)
    before = ds.store.version("labels")
    with pytest.raises(UsageError, match=message):
        ds.rename_characters(mapping)
    assert ds.store.version("labels") == before


def test_an_unknown_name_is_told_with_the_closest_one(ds: Dataset) -> None:
    with pytest.raises(UsageError, match='no character "Fat"') as caught:
        ds.rename_characters({"Fat": "x"})
    assert caught.value.hint == 'did you mean "Fate"?'


def test_a_mapping_that_is_not_text_is_told(ds: Dataset, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.csv"
    mapping.write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(UsageError, match="cannot be read"):
        ds.rename_characters(mapping)

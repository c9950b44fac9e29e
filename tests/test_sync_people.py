"""Who is meant when a picture lies in another character's folder, and when that cannot be known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from synced import ARRANGED, export, pictures, said, show

from animeds_db.dataset import Dataset
from animeds_db.export.pictures.picture import Picture
from animeds_db.sync.facts import Box, Facts
from animeds_db.sync.folder import Status
from animeds_db.sync.grammar import Grammar
from animeds_db.sync.places import Change, Export
from animeds_db.sync.places import moved as moved_pictures

Move = Callable[..., tuple[list[str | None], Sequence[Change]]]

NAMES: dict[str, tuple[str | None, ...]] = {
    "one": ("Nanoha",),
    "two": ("Nanoha", "Fate"),
    "some": ("Nanoha", None),
    "none": (),
    "strangers": (None, None),
}
FOLDERS = {
    "one": "Nanoha",
    "two": "Fate+Nanoha",
    "some": "Nanoha",
    "none": "character_others",
    "strangers": "character_others",
}


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Move]:
    """Return a function that moves the picture of a frame to a folder and says who its faces are then."""
    with show(tmp_path, tuple(NAMES.values())) as dataset:
        out = export(
            dataset,
            tmp_path / "out",
            ARRANGED.replace("frame_id,", "frame_id, 'p' || f.ordinal AS filename,"),
        )

        def move(which: str, folder: str, **options: Any) -> tuple[list[str | None], Sequence[Change]]:
            number = list(NAMES).index(which)
            (path,) = [p for p in pictures(out) if p.endswith(f"p{number}.png")]
            target = out / "moved" / folder / Path(path).name
            target.parent.mkdir(parents=True)
            (out / path).rename(target)
            report = dataset.sync(out, **options)
            return faces(dataset, number), report.changes

        yield move


def faces(dataset: Dataset, number: int) -> list[str | None]:
    rows = dataset.sql(
        "SELECT character FROM faces JOIN frames USING (frame_id) WHERE ordinal = $n ORDER BY face_id",
        {"n": number},
    ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("which", "folder", "names"),
    [
        ("one", "Fate", ["Fate"]),
        ("one", "ood", ["ood"]),
        ("two", "Nanoha", ["Nanoha", "unknown"]),
        ("two", "ood", ["ood", "ood"]),
        ("some", "Fate+Nanoha", ["Nanoha", "Fate"]),
        ("some", "Fate", ["Fate", "unknown"]),
        ("two", "Fate Hairdown+Nanoha", ["Nanoha", "Fate"]),
    ],
)
def test_a_picture_in_another_folder_names_its_faces(
    moved: Move, which: str, folder: str, names: list[str]
) -> None:
    found, changes = moved(which, folder)
    assert found == names
    assert all(change.what != "left alone" for change in changes)
    assert changes[0].before == FOLDERS[which].replace("character_others", "")


@pytest.mark.parametrize(
    ("which", "folder", "why"),
    [
        ("strangers", "Nanoha", "any of"),
        ("none", "Nanoha", "no unnamed face or person"),
        ("one", "Fat", "did you mean"),
        ("one", "val", "there is no character"),
        ("one", "character_others", "this folder does not say who it is"),
    ],
)
def test_what_is_not_clear_is_told_and_left_alone(moved: Move, which: str, folder: str, why: str) -> None:
    found, changes = moved(which, folder)
    assert found == list({"one": ["Nanoha"], "strangers": ["unknown"] * 2, "none": []}[which])
    assert [change.what for change in changes] == ["left alone"]
    assert why in changes[0].after


def test_the_same_characters_in_another_folder_are_no_change(moved: Move) -> None:
    assert moved("two", "9_characters/Nanoha+Fate")[1] == ()


def test_a_listed_name_may_be_new(moved: Move, tmp_path: Path) -> None:
    (tmp_path / "cast.txt").write_text("Hayate\nNanoha\nFate")
    found, _ = moved("one", "Hayate", characters=tmp_path / "cast.txt")
    assert found == ["Hayate"]


def box(number: int, kind: str, left: float, name: str | None = None) -> Box:
    return Box(f"f-{kind[0]}{number}", "s", kind, left, 0.2, left + 0.2, 0.6, name, None)


def test_a_person_seen_from_behind_takes_the_name_that_is_left() -> None:
    boxes = [box(0, "face", 0.1, "Nanoha"), box(0, "head", 0.1), box(1, "head", 0.6), box(0, "person", 0.6)]
    picture = Picture("Nanoha/a.png", None, "f", "s", 0, 0, 0, None, "", None, 1)
    places = Export([picture], [Status("Nanoha/a.png", None)], [Status("Fate+Nanoha/a.png", None)])
    facts = Facts({0: boxes}, {}, {}, frozenset())
    ((_, change),) = moved_pictures(places, facts, Grammar(("Nanoha", "Fate")), frozenset({"f"}))
    assert [(word.kind, word.value, word.box) for word in change.words] == [
        ("head", "Fate", (0.6, 0.2, 0.8, 0.6))
    ]


def test_an_appearance_in_the_folder_is_that_of_the_face(tmp_path: Path) -> None:
    with show(tmp_path) as dataset:
        out = export(dataset, tmp_path / "out")
        path = pictures(out)[0]
        (out / "1_character/Fate Hairdown").mkdir()
        (out / path).rename(out / "1_character/Fate Hairdown" / Path(path).name)
        assert dataset.sync(out).counts == {"appearance": 1}
        assert [row[:3] for row in said(dataset)] == [("appearance", "set", "Hairdown")]
        shown = dataset.sql("SELECT character, appearance FROM faces WHERE appearance IS NOT NULL").fetchall()
        assert shown == [("Fate", "Hairdown")]

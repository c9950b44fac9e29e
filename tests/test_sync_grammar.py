"""Folder names are read as the anime screenshot pipeline writes them, and a name that is not known is never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animeds_db.errors import UsageError
from animeds_db.export.names import safe_name
from animeds_db.sync.grammar import Grammar, Person, read_names

KNOWN = ("AobaKokona", "KuraueHinata", "Saitou Kaede", "Re:Zero", "nanoha")


@pytest.mark.parametrize(
    ("folder", "people"),
    [
        ("1_character/AobaKokona/face_height_ratio_25-50", {"AobaKokona"}),
        ("AobaKokona", {"AobaKokona"}),
        ("2_characters/AobaKokona+KuraueHinata", {"AobaKokona", "KuraueHinata"}),
        ("6+_characters/KuraueHinata+nanoha/face_height_ratio_0-25", {"KuraueHinata", "nanoha"}),
        ("KuraueHinata Hairdown", {"KuraueHinata Hairdown"}),
        ("Saitou Kaede", {"Saitou Kaede"}),
        ("Saitou Kaede winter coat", {"Saitou Kaede winter coat"}),
        ("screenshots/AobaKokona+unknown", {"AobaKokona"}),
        ("aobakokona", {"AobaKokona"}),
        ("Re_Zero", {"Re:Zero"}),
        ("1_character/ood", set()),
        ("AobaKokona/x3", {"AobaKokona"}),
    ],
)
def test_folders_that_name_characters(folder: str, people: set[str]) -> None:
    reading = Grammar(KNOWN).read(folder)
    assert reading.people is not None
    assert {str(person) for person in reading.people} == people


@pytest.mark.parametrize(
    "folder",
    ["", "others", "1_character/character_others/face_height_ratio_0-25", "3_faces", "no_characters"],
)
def test_folders_that_say_nothing(folder: str) -> None:
    reading = Grammar(KNOWN).read(folder)
    assert (reading.people, reading.why) == (None, None)


def test_a_name_that_nobody_has_is_told_with_the_closest_one() -> None:
    reading = Grammar(KNOWN).read("1_character/AobaKokon")
    assert reading.people is None
    assert "AobaKokona" in str(reading.why)


def test_a_list_of_names_allows_those_and_no_others() -> None:
    grammar = Grammar(["Newcomer"], listed_in="cast.txt")
    assert grammar.read("Newcomer").people == frozenset({Person("Newcomer")})
    assert "cast.txt does not contain" in str(grammar.read("AobaKokona").why)


def test_a_format_is_laid_over_the_folders_from_the_right() -> None:
    grammar = Grammar(KNOWN, "*/character/*")
    assert grammar.read("nanoha/AobaKokona/nanoha").people == frozenset({Person("AobaKokona")})
    assert grammar.read("AobaKokona/nanoha").people == frozenset({Person("AobaKokona")})
    assert grammar.read("nanoha").people is None
    same = Grammar(KNOWN, "character/*")
    assert same.read("a/b/AobaKokona/x").people == grammar.read("a/b/AobaKokona/x").people


def test_a_format_without_a_character_is_refused() -> None:
    with pytest.raises(UsageError, match="has no folder for characters"):
        Grammar(KNOWN, "*/fh_ratio")


@pytest.mark.parametrize(
    ("folder", "people"),
    [
        ("3_AobaKokona", {"AobaKokona"}),
        ("10_nanoha", {"nanoha"}),
        ("2_1_character_AobaKokona_face_height_ratio_25-50", {"AobaKokona"}),
        ("2_2_characters_AobaKokona+nanoha", {"AobaKokona", "nanoha"}),
        ("reg/1_Saitou Kaede", {"Saitou Kaede"}),
    ],
)
def test_the_repeats_of_a_kohya_folder_are_no_character(folder: str, people: set[str]) -> None:
    reading = Grammar(KNOWN, has_repeats=True).read(folder)
    assert reading.people is not None
    assert {str(person) for person in reading.people} == people


def test_names_are_listed_by_line_or_comma(tmp_path: Path) -> None:
    (tmp_path / "cast.txt").write_text("A, B C\n\nD\n", "utf-8")
    assert read_names(tmp_path / "cast.txt") == {"A", "B C", "D"}
    with pytest.raises(UsageError, match=r"gone\.txt"):
        read_names(tmp_path / "gone.txt")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(UsageError, match="no names"):
        read_names(tmp_path / "empty.txt")


NAME = st.text(st.characters(categories=("L", "Nd")), min_size=1, max_size=8).filter(
    lambda n: n.casefold() not in ("ood", "others", "unknown") and safe_name(n) == n
)


@given(st.sets(NAME, min_size=1, max_size=4).filter(lambda s: len({n.casefold() for n in s}) == len(s)))
def test_the_folder_that_an_arrangement_makes_is_read_as_its_characters(names: set[str]) -> None:
    folder = f"{len(names)}_characters/{'+'.join(sorted(names))}/face_height_ratio_0-25"
    reading = Grammar(names).read(folder)
    assert reading.people == frozenset(Person(name) for name in names)
    assert str(reading) == "+".join(sorted(names))

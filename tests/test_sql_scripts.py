"""The texts that Python puts into a script: `{name}`, and nothing else that has braces."""

from __future__ import annotations

import pytest

from animeds_db.session.scripts import with_texts


def test_a_text_replaces_its_name_in_braces() -> None:
    assert with_texts("SELECT {what} FROM frames WHERE {where}", what="1", where="a < 2") == (
        "SELECT 1 FROM frames WHERE a < 2"
    )


def test_structs_maps_and_format_strings_stay() -> None:
    script = "SELECT {'tag': 1}, MAP {}, format('{}-{:05d}', 1, 2), {x}"
    assert with_texts(script, x=3) == "SELECT {'tag': 1}, MAP {}, format('{}-{:05d}', 1, 2), 3"


def test_comments_stay_so_a_text_of_several_lines_cannot_leave_one() -> None:
    assert with_texts("-- {where}  a condition\nSELECT {where}", where="true\nAND 1 = 1") == (
        "-- {where}  a condition\nSELECT true\nAND 1 = 1"
    )


def test_a_name_in_a_text_is_not_replaced_again() -> None:
    assert with_texts("{a} {b}", a="{b}", b="2") == "{b} 2"


def test_a_name_without_a_text_is_an_error() -> None:
    with pytest.raises(KeyError, match="where"):
        with_texts("SELECT {where}", what="1")

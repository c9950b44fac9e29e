"""The macros of sql/macros: what they answer for a few values. Those of tags and captions have a file of their own."""

from __future__ import annotations

from typing import Any

import pytest
from sqlvalues import database, value


@pytest.mark.sql("macros/box_kind.sql")
@pytest.mark.parametrize(
    ("letter", "kind"),
    [
        ("f", "face"),
        ("h", "head"),
        ("b", "halfbody"),
        ("p", "person"),
        ("eye", "eye"),
        ("left_eye", "left_eye"),
    ],
)
def test_the_letters_in_a_box_id_give_its_kind(letter: str, kind: str) -> None:
    assert value("box_kind($id, 'aaaaaaaa-000001000')", id=f"aaaaaaaa-000001000-{letter}12") == kind


@pytest.mark.sql("macros/boxes.sql")
def test_boxes_share_an_area_and_equal_boxes_share_all() -> None:
    assert value("box_area(0.1, 0.2, 0.3, 0.7)") == pytest.approx(0.1)
    assert value("box_area(0.3, 0.2, 0.1, 0.7)") == 0
    assert value("shared_area(0, 0, 0.5, 1, 0.25, 0, 1, 1)") == pytest.approx(0.25)
    assert value("iou(0, 0, 0.5, 1, 0.25, 0, 1, 1)") == pytest.approx(0.25)
    assert value("iou(0, 0, 0.5, 1, 0, 0, 0.5, 1)") == 1
    assert value("iou(0, 0, 0, 0, 0, 0, 0, 0)") == 0
    assert value("inside(0, 0, 0.5, 1, 0.25, 0, 1, 1)") == pytest.approx(0.5)


@pytest.mark.sql("macros/in_crop.sql")
@pytest.mark.parametrize(
    ("edges", "crop", "wanted"),
    [
        ((0.1, 0.1, 0.3, 0.3), (0, 0, 0.5, 0.5), True),
        (
            (0.39, 0.1, 0.59, 0.3),
            (0, 0, 0.5, 0.5),
            False,
        ),  # its middle is inside, but not the fifth around it
        ((0.37, 0.1, 0.57, 0.3), (0, 0, 0.5, 0.5), True),
        ((0.1, 0.6, 0.3, 0.8), (0, 0, 0.5, 0.5), False),
        ((0.1, 0.1, 0.3, 0.3), None, None),
    ],
)
def test_a_box_is_in_a_crop_when_its_middle_fifth_is(edges: Any, crop: Any, wanted: bool | None) -> None:
    left, top, right, bottom = edges
    crop = None if crop is None else list(crop)
    assert value(f"in_crop({left}, {top}, {right}, {bottom}, $crop::DOUBLE[])", crop=crop) is wanted


@pytest.mark.sql("macros/is_known.sql")
@pytest.mark.parametrize(
    ("name", "wanted"), [("Fate", True), ("unknown", False), ("ood", False), (None, None)]
)
def test_unknown_and_ood_are_not_names_of_characters(name: str | None, wanted: bool | None) -> None:
    assert value("is_known($name::VARCHAR)", name=name) is wanted


@pytest.mark.sql("macros/chance.sql")
def test_chance_is_the_same_on_every_machine() -> None:
    assert value("shuffled('7/frame')") == value("shuffled('7/frame')") != value("shuffled('8/frame')")
    assert value("chance('a')") == pytest.approx(0.38, abs=0.005)
    low, high, mean = database().sql(
        "SELECT min(c), max(c), avg(c) FROM (SELECT chance(i) AS c FROM range(2000) AS r(i))"
    )[0]
    assert 0 <= low < 0.01
    assert 0.99 < high < 1
    assert mean == pytest.approx(0.5, abs=0.03)


@pytest.mark.sql("macros/character_sets.sql")
def test_questions_about_who_is_on_a_frame() -> None:
    both = "['Fate', 'Arf']"
    assert value(f"has_character({both}, 'Arf')") is True
    assert value(f"has_exactly({both}, ['Arf', 'Fate'])") is True
    assert value(f"has_exactly({both}, ['Arf'])") is False
    assert value("has_exactly([]::VARCHAR[], [])") is True
    assert value(f"has_all_characters({both}, ['Arf'])") is True
    assert value(f"has_all_characters({both}, ['Arf', 'Nanoha'])") is False
    assert value(f"has_any_character({both}, ['Arf', 'Nanoha'])") is True
    assert value("is_alone(['Arf'], 1, 'Arf')") is True
    assert value("is_alone(['Arf'], 2, 'Arf')") is False


@pytest.mark.sql("macros/cosine.sql")
def test_the_cosine_of_two_vectors() -> None:
    assert value("cosine([1, 0]::FLOAT[2], [1, 0]::FLOAT[2])") == 1
    assert value("cosine([1, 0]::FLOAT[2], [0, 1]::FLOAT[2])") == 0
    assert value("cosine([1, 0]::FLOAT[2], NULL::FLOAT[2])") is None


@pytest.mark.sql("macros/crops.sql")
def test_borders_and_subtitles_are_cut_off() -> None:
    assert value("without_borders(0.1, 0, 0.1, 0)") == pytest.approx([0.1, 0, 0.9, 1])
    assert value("without_text(0, 0.1, 0, 0, 0.0, 0.5)") == pytest.approx([0, 0.1, 1, 0.7])
    assert value("trimmed(['borders'], 0.1, 0, 0.1, 0, 0, 0.5)") == pytest.approx([0.1, 0, 0.9, 1])
    assert value("trimmed(['subtitles'], 0.1, 0, 0.1, 0, 0, 0.5)") == pytest.approx([0, 0, 1, 0.7])
    assert value("trimmed(['borders', 'subtitles'], 0.1, 0, 0.1, 0, 0, 0.5)") == pytest.approx(
        [0.1, 0, 0.9, 0.7]
    )
    assert value("trimmed([]::VARCHAR[], 0.1, 0, 0.1, 0, 0, 0.5)") is None


@pytest.mark.sql("macros/crops.sql")
def test_a_crop_that_cuts_off_nothing_or_nearly_everything_is_none() -> None:
    assert value("usable_crop([0, 0, 1, 1]::DOUBLE[])") is None
    assert value("usable_crop([0.5, 0, 0.55, 1]::DOUBLE[])") is None
    assert value("usable_crop([NULL, 0, 1, 1]::DOUBLE[])") is None
    assert value("usable_crop([0, 0, 0.9, 1]::DOUBLE[])") == [0, 0, 0.9, 1]


@pytest.mark.sql("macros/face_words.sql")
def test_the_position_of_a_face_in_words() -> None:
    assert value("face_words(0.2, 0.05, 0.4, 0.25)") == "fhml fvtp"
    assert value("face_words(0.9, 0.9, 1.0, 1.0)") == "fhri fvbt"
    assert [value(f"face_place({x}, {x})") for x in (0.1, 0.5, 0.9)] == [
        "at left",
        "in the middle",
        "at right",
    ]


@pytest.mark.sql("macros/fh_bucket.sql")
@pytest.mark.parametrize(
    ("ratio", "step", "wanted"),
    [(0.31, 25, "25-50"), (1, 25, "75-100"), (0, 25, "0-25"), (0.31, 10, "30-40")],
)
def test_the_folder_of_a_face_height(ratio: float, step: int, wanted: str) -> None:
    assert value("fh_bucket($ratio, $step)", ratio=ratio, step=step) == f"face_height_ratio_{wanted}"


@pytest.mark.sql("macros/folder_names.sql")
def test_the_names_of_folders() -> None:
    assert [value(f"n_people_folder({n})") for n in ("NULL", 1, 2, 6)] == [
        "0_people",
        "1_person",
        "2_people",
        "many_people",
    ]
    assert [value(f"n_faces_folder({n})") for n in (0, 1, 2)] == ["0_faces", "1_face", "2_faces"]
    assert [value(f"n_characters_folder({n})") for n in (1, 2, 7)] == [
        "1_character",
        "2_characters",
        "6+_characters",
    ]
    assert [value(f"character_folder({name})") for name in ("'a/b'", "NULL", "repeat('a', 100)")] == [
        "a_b",
        "character_others",
        "character_others",
    ]
    assert [value(f"episode_folder({n})") for n in (4, 123, "NULL")] == ["EP04", "EP123", "episode_others"]
    assert [value(f"value_folder({v}, 'rating')") for v in ("'a\\b'", "' '", "NULL")] == [
        "a_b",
        "rating_others",
        "rating_others",
    ]


@pytest.mark.sql("macros/periods.sql")
def test_episodes_periods_and_times_as_people_write_them() -> None:
    assert [
        value(f"episode_name({s}, {e})") for s, e in ((1, 2), ("NULL", 2), (1, "NULL"), ("NULL", "NULL"))
    ] == [
        "S01E02",
        "E02",
        "S01",
        None,
    ]
    assert [value(f"period('{per}', 1, 2)") for per in ("series", "season", "episode")] == [
        None,
        "S01",
        "S01E02",
    ]
    with pytest.raises(Exception, match="per must be series, season or episode, not week"):
        value("period('week', 1, 2)")
    assert value("clock(75.4)") == "1:15"


@pytest.mark.sql("macros/periods.sql")
@pytest.mark.parametrize(
    ("entries", "is_in"),
    [(["2"], True), (["S01E02"], True), (["S01"], True), (["3", "S02", "S01E03"], False), ([], False)],
)
def test_a_list_of_episodes_names_numbers_episodes_and_seasons(entries: list[str], is_in: bool) -> None:
    assert value("is_episode(1, 2, $entries)", entries=entries) is is_in
    assert value("is_episode(NULL, NULL, $entries)", entries=entries) is not True


@pytest.mark.sql("macros/sight.sql")
def test_a_face_in_the_dark_or_at_the_edge_is_hard_to_see() -> None:
    assert value("hard_to_see(0.1, 0.2, 0.2, 0.4, 0.4)") is True
    assert value("hard_to_see(0.5, 0.2, 0.2, 0.4, 0.999)") is True
    assert value("hard_to_see(0.5, 0.2, 0.2, 0.4, 0.4)") is False
    assert value("hard_to_see(NULL, 0.2, 0.2, 0.4, 0.4)") is False


@pytest.mark.sql("macros/squares.sql")
def test_squares_around_a_face_and_margins_around_a_box() -> None:
    assert value("face_square([0.4, 0.2, 0.6, 0.4], 1000, 500)") == pytest.approx([0.25, 0, 0.75, 1])
    assert value("face_square([0.4, 0.4, 0.6, 0.6], 1000, 1000, margin := 0.5)") == pytest.approx(
        [0.3, 0.3, 0.7, 0.7]
    )
    assert value("face_square([0, 0, 0.6, 1], 1000, 500)") is None
    assert value("with_margin([0.4, 0.4, 0.6, 0.6], 0.5, bounds := [0, 0, 0.65, 1])") == pytest.approx(
        [0.3, 0.3, 0.65, 0.7]
    )

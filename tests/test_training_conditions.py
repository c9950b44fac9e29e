"""The evaluation by condition: what counts as right, as false and as known, on cases made by hand."""

from __future__ import annotations

import numpy as np
from PIL import Image

from animeds_db.models import Box
from animeds_db.sample.cast import draw_cast
from animeds_db.sample.drawing.look import DetailedLook
from animeds_db.sample.scene import Drawn
from training.conditions import Case, as_table, draw_cases, face_figures, tag_figures
from training.drawn.lights import Light, Wash
from training.drawn.shows import in_light, varied_cast

NAMES = ("1girl", "1boy", "brown_hair", "grey_hair")


def _case(tags: set[str], *faces: tuple[float, float, float, float]) -> Case:
    boxes: list[list[object]] = [["face", *face] for face in faces]
    return Case(
        np.zeros((2, 2, 3), np.uint8),
        Drawn(Image.new("RGB", (2, 2)), (), frozenset(tags)),
        boxes,
        frozenset({"plain"}),
    )


def test_a_face_on_nothing_is_false_and_one_that_is_a_little_off_is_found() -> None:
    cases = [_case({"solo"}, (0.2, 0.2, 0.4, 0.4)), _case({"no_humans"})]
    found = [
        [Box("face", 0.21, 0.2, 0.41, 0.4, 0.9), Box("head", 0.7, 0.7, 0.9, 0.9, 0.9)],
        [Box("face", 0.5, 0.5, 0.7, 0.7, 0.4)],
    ]
    figures = face_figures(found, cases)
    assert figures["false_boxes"] == 0.5
    assert figures["faces_found"] == 1.0 and figures["face_ap50"] == 1.0


def test_a_missed_face_halves_what_is_found() -> None:
    case = _case({"2girls"}, (0.1, 0.1, 0.3, 0.3), (0.6, 0.6, 0.8, 0.8))
    figures = face_figures([[Box("face", 0.1, 0.1, 0.3, 0.3, 0.9)]], [case])
    assert figures == {"false_boxes": 0.0, "face_ap50": 0.5, "faces_found": 0.5}


def test_hair_is_right_if_its_colour_has_the_highest_score_and_boys_are_counted() -> None:
    brown, boy = {"solo", "1girl", "brown_hair"}, {"solo", "1boy", "grey_hair"}
    cases = [_case(brown)] * 5 + [_case(boy)] * 5
    scores = np.array([[0.9, 0.1, 0.3, 0.6]] * 5 + [[0.9, 0.1, 0.3, 0.6]] * 5)
    figures = tag_figures(NAMES, scores, cases)
    assert figures["hair_right"] == 0.5 and figures["lone"] == 10
    assert figures["boy_f1"] == 0.0
    assert (
        tag_figures(NAMES, np.array([[1, 0, 1, 0]] * 5 + [[0, 1, 0, 1]] * 5, float), cases)["tags_f1"] == 1.0
    )


def test_cases_have_both_kinds_of_light_and_say_who_is_shown() -> None:
    cases = draw_cases(48, 5)
    kinds = [sum(kind in case.conditions for case in cases) for kind in ("plain", "tinted")]
    assert kinds == [24, 24]
    for case in cases:
        assert ("boy" in case.conditions) == ({"solo", "1boy"} <= case.drawn.tags)
        assert "nobody" not in case.conditions or case.drawn.tags >= {"no_humans"}


def test_a_table_leaves_out_what_was_not_measured() -> None:
    text = as_table({"all": {"pictures": 3, "hair": 0.5}, "boy": {"pictures": 1}})
    assert text.splitlines()[2:] == ["| all | 3 | 0.500 |", "| boy | 1 |  |"]


def test_a_varied_cast_keeps_names_and_hair_colours() -> None:
    plain, varied = draw_cast(901, 4), varied_cast(901)
    assert [c.name for c in plain.characters] == [c.name for c in varied.characters]
    for before, after in zip(plain.characters, varied.characters, strict=True):
        assert before.looks[0].hair_colour == after.looks[0].hair_colour
        assert all(isinstance(look, DetailedLook) for look in after.looks)
        first, second = (look for look in after.looks if isinstance(look, DetailedLook))
        assert first.hair_rgb == second.hair_rgb and first.cut == second.cut


def test_bars_of_a_lit_frame_stay_black() -> None:
    frame = np.full((20, 30, 3), 120, np.uint8)
    frame[:4] = 16
    lit = np.asarray(in_light(Image.fromarray(frame), Light("fog", Wash(screen=(0.5, 0.5, 0.5)))))
    assert np.all(lit[:4] == 16) and np.all(lit[4:] > 150)

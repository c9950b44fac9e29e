"""Drawn figures and scenes: boxes lie where the drawing is, tags say only what can be seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from animeds_db.sample.drawing.figure import HAIR_COLOURS, Look, Pose, Style, draw_figure, random_look
from animeds_db.sample.drawing.look import DetailedLook
from animeds_db.sample.scene import Background, Drawn, Effects, Placed, Scene, compose, place, random_scene
from animeds_db.sample.tags import TAGS
from animeds_db.schema import CATEGORIES

LOOK = Look(gender="girl", hair_colour="pink", hair_length="long", eye_colour="green", outfit="dress",
            outfit_colour="red", accessory="glasses")  # fmt: skip
PLAIN = Style(tint=(1.0, 1.0, 1.0), saturation=1.0)


def _drawn(look: Look = LOOK, pose: Pose | None = None, crop: str = "upper_body", **effects: Any) -> Drawn:
    pose = pose or Pose()
    scene = Scene(Background("plain", "day", 1), (place(look, pose, PLAIN, crop, 0.5),), PLAIN,
                  Effects(**effects))  # fmt: skip
    return compose(scene, (320, 180))


def test_the_same_random_state_draws_the_same_pixels() -> None:
    one, two = (compose(random_scene(np.random.default_rng(4)), (160, 90)) for _ in range(2))
    assert np.array_equal(np.asarray(one.image), np.asarray(two.image))
    assert (one.tags, one.figures) == (two.tags, two.figures)


def test_another_random_state_draws_another_picture() -> None:
    one, two = (compose(random_scene(np.random.default_rng(seed)), (160, 90)) for seed in (4, 5))
    assert not np.array_equal(np.asarray(one.image), np.asarray(two.image))


def test_the_vocabulary_is_large_unique_and_in_known_categories() -> None:
    assert len(TAGS) >= 60
    assert len({tag for tag, _ in TAGS}) == len(TAGS)
    assert {category for _, category in TAGS} <= set(CATEGORIES)


def test_random_scenes_use_the_vocabulary_and_most_of_it() -> None:
    known = {tag for tag, _ in TAGS}
    rng = np.random.default_rng(1)
    used: set[str] = set()
    for _ in range(80):
        used |= compose(random_scene(rng), (64, 36), supersample=1).tags
    assert used <= known
    assert len(used) > 180


@pytest.mark.parametrize("colour", sorted(HAIR_COLOURS))
def test_hair_colour_is_in_the_pixels_above_the_face(colour: str) -> None:
    drawn = _drawn(replace(LOOK, hair_colour=colour, bangs="blunt", accessory=None))
    left, top, right, _ = drawn.figures[0].face or (0, 0, 0, 0)
    head = drawn.figures[0].head or (0, 0, 0, 0)
    strip = np.asarray(drawn.image)[int(head[1] + 6) : int(top + 4), int(left + 8) : int(right - 8)]
    away = np.abs(strip.reshape(-1, 3).astype(int) - HAIR_COLOURS[colour]).max(axis=1)
    assert (away < 14).mean() > 0.5


def test_a_front_view_tells_face_hair_clothes_and_glasses() -> None:
    assert {"1girl", "solo", "pink_hair", "long_hair", "green_eyes", "dress", "red_dress", "glasses",
            "looking_at_viewer", "upper_body"} <= _drawn().tags  # fmt: skip


def test_from_behind_there_is_no_face_no_eyes_and_no_glasses() -> None:
    drawn = _drawn(pose=Pose("behind", "smile"))
    assert drawn.figures[0].face is None and drawn.figures[0].head is not None
    assert "from_behind" in drawn.tags
    assert not drawn.tags & {"green_eyes", "smile", "glasses", "closed_eyes", "looking_at_viewer"}


def test_closed_eyes_have_no_colour() -> None:
    tags = _drawn(pose=Pose(eyes_closed=True)).tags
    assert "closed_eyes" in tags and "green_eyes" not in tags


def test_a_portrait_does_not_tell_what_is_worn_below() -> None:
    uniform = replace(LOOK, outfit="school_uniform", outfit_colour="blue")
    assert not _drawn(uniform, crop="portrait").tags & {"skirt", "blue_skirt", "pleated_skirt"}
    assert {"skirt", "blue_skirt"} <= _drawn(uniform, crop="cowboy_shot").tags


@pytest.mark.parametrize("crop", ["portrait", "upper_body", "cowboy_shot", "full_body"])
@pytest.mark.parametrize("heads", [2.8, 5.2, 6.6])
def test_a_crop_earns_its_own_tag_and_no_other(crop: str, heads: float) -> None:
    style = replace(PLAIN, heads=heads)
    scene = Scene(Background("plain"), (place(LOOK, Pose(), style, crop, 0.5),), style)
    tags = compose(scene, (160, 90)).tags
    assert tags & {"portrait", "upper_body", "cowboy_shot", "full_body"} == {crop}
    assert ("chibi" in tags) == (heads < 3.6 and crop != "portrait")


def test_letterbox_bars_are_black_and_outside_every_box() -> None:
    drawn = _drawn(letterbox=0.125)
    pixels = np.asarray(drawn.image)
    assert not pixels[:22].any() and not pixels[-22:].any()
    assert "letterboxed" in drawn.tags
    person = drawn.figures[0].person
    assert person is not None and person[1] >= 22 and person[3] <= 158.5


def test_subtitles_are_white_text_in_the_lower_band_and_tagged() -> None:
    bare, titled = _drawn(), _drawn(subtitle="Good morning!")
    changed = np.abs(np.asarray(titled.image).astype(int) - np.asarray(bare.image)).max(axis=(1, 2)) > 0
    assert changed.any() and np.flatnonzero(changed).min() > 180 * 0.8
    assert "subtitled" in titled.tags and "subtitled" not in bare.tags


def test_people_are_counted_by_gender() -> None:
    boy = replace(LOOK, gender="boy", outfit="suit", hair_length="short")
    figures = tuple(
        place(look, Pose(), PLAIN, "cowboy_shot", x) for look, x in ((LOOK, 0.2), (LOOK, 0.5), (boy, 0.8))
    )
    tags = compose(Scene(Background("park", "day", 3), figures, PLAIN), (160, 90)).tags
    assert {"2girls", "multiple_girls", "1boy", "outdoors"} <= tags
    assert not tags & {"1girl", "solo", "no_humans", "2boys", "indoors"}


def test_an_empty_place_has_no_humans() -> None:
    drawn = compose(Scene(Background("beach", "day", 2)), (160, 90))
    assert {"no_humans", "beach", "outdoors"} <= drawn.tags and not drawn.figures


def test_somebody_outside_the_picture_is_not_there() -> None:
    drawn = compose(
        Scene(Background("plain"), (place(LOOK, Pose(), PLAIN, "upper_body", 3.0),), PLAIN), (160, 90)
    )
    assert drawn.figures[0].person is None and "no_humans" in drawn.tags


def _row(*people: Placed) -> Drawn:
    return compose(Scene(Background("plain", "day", 1), people, PLAIN), (320, 180))


def test_somebody_in_front_hides_the_clothes_of_somebody_behind_but_not_the_head() -> None:
    skirt = replace(LOOK, outfit="school_uniform", hair_length="short", accessory=None)
    behind = Placed(skirt, Pose(arms="hip"), 0.5, 0.05, 1.0)
    alone, nearer = _row(behind), Placed(replace(LOOK, outfit="suit"), Pose(), 0.5, 0.24, 1.0)
    hidden, both = _row(behind, nearer).figures[0], _row(behind, nearer)
    worn = {"school_uniform", "skirt", "hands_on_hips"}
    assert worn <= alone.figures[0].tags and not worn & hidden.tags and not worn & both.tags
    assert {"pink_hair", "green_eyes", "1girl"} <= hidden.tags
    assert hidden.head == alone.figures[0].head and hidden.person == alone.figures[0].person
    assert both.figures[1] == _row(nearer).figures[0], "nobody hides the nearest one"


def test_somebody_beside_hides_nothing() -> None:
    left, right = (Placed(LOOK, Pose(), x, 0.05, 1.0) for x in (0.25, 0.75))
    assert _row(left, right).figures == (*_row(left).figures, *_row(right).figures)


def test_a_hidden_face_and_head_have_no_box() -> None:
    behind, nearer = (Placed(LOOK, Pose(), 0.5, top, 1.0) for top in (0.1, 0.12))
    figure = _row(behind, nearer).figures[0]
    assert figure.face is None and figure.head is None
    assert not {"pink_hair", "green_eyes", "glasses"} & figure.tags


def test_a_hood_hides_ears_and_from_behind_all_hair() -> None:
    hooded = DetailedLook(**vars(replace(LOOK, outfit="hoodie", accessory="cat_ears")), hood=True)
    assert {"pink_hair", "long_hair", "hoodie"} <= _drawn(hooded).tags
    assert "cat_ears" not in _drawn(hooded).tags
    assert "cat_ears" in _drawn(replace(hooded, hood=False)).tags
    assert not {"pink_hair", "long_hair"} & _drawn(hooded, Pose(facing="behind")).tags


@pytest.mark.parametrize(("arms", "tag"), [("wave", "waving"), ("hip", "hands_on_hips"), ("up", "arms_up")])
def test_a_gesture_counts_only_while_its_hands_are_in_the_picture(arms: str, tag: str) -> None:
    middle, edge = (_row(Placed(LOOK, Pose(arms=arms), x, 0.1, 1.6)) for x in (0.5, 0.95))
    assert tag in middle.tags and edge.figures[0].head is not None
    assert not {tag, "arm_up"} & edge.tags


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), x=st.floats(-80, 200), y=st.floats(-100, 140), height=st.floats(8, 900))
def test_boxes_stay_in_the_canvas_wherever_the_figure_stands(
    seed: int, x: float, y: float, height: float
) -> None:
    rng = np.random.default_rng(seed)
    canvas = Image.new("RGB", (128, 96))
    figure = draw_figure(canvas, random_look(rng), Pose(), PLAIN, x, y, height)
    for box in (figure.face, figure.head, figure.halfbody, figure.person):
        if box is not None:
            assert 0 <= box[0] < box[2] <= 128 and 0 <= box[1] < box[3] <= 96
    if figure.person is None:
        assert not figure.tags


def test_the_person_box_encloses_every_drawn_pixel() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        canvas = Image.new("RGB", (300, 300), (1, 2, 3))
        figure = draw_figure(canvas, random_look(rng), Pose(arms="wave"), PLAIN, 150, 60, 200)
        rows, columns = np.nonzero((np.asarray(canvas) != (1, 2, 3)).any(axis=2))
        left, top, right, bottom = figure.person or (0, 0, 0, 0)
        slack = 3  # half an outline
        assert left - slack <= columns.min() and columns.max() <= right + slack
        assert top - slack <= rows.min() and rows.max() <= bottom + slack

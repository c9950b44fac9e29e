"""Varied drawings for training: the demo's drawings stay as they are, boxes hold what was drawn, colours keep names."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from animeds_db.sample.drawing.cuts import CUTS
from animeds_db.sample.drawing.figure import (
    HAIR_COLOURS,
    Figure,
    Look,
    Pose,
    Style,
    draw_figure,
    random_look,
    random_pose,
    random_style,
)
from animeds_db.sample.drawing.gestures import COVERS
from animeds_db.sample.drawing.headwear import HATS
from animeds_db.sample.drawing.look import DetailedLook
from animeds_db.sample.scene import Background, Effects, Scene, place, scene_shapes
from animeds_db.sample.tags import TAGS
from training.drawn.drapery import DRAPERY
from training.drawn.faces import FACES
from training.drawn.heads import alike, draw_head, identity, strangers
from training.drawn.lights import Light, Wash, random_light
from training.drawn.negatives import THINGS, scatter
from training.drawn.pictures import group, light_of_tags, picture, varied_scene
from training.drawn.scenes import covered, drawn_picture, sibling, varied_picture
from training.drawn.variety import HAIR_RANGES, varied_look, varied_pose, varied_style

EMPTY = (1, 2, 3)


def _drawn(
    look: Look, pose: Pose, style: Style, size: int = 320, head: float = 130
) -> tuple[np.ndarray, Figure]:
    canvas = Image.new("RGB", (size, size), EMPTY)
    figure = draw_figure(canvas, look, pose, style, size / 2, size * 0.28, head * style.heads)
    return np.asarray(canvas), figure


def test_a_detailed_look_without_details_is_drawn_as_the_plain_one() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        look, pose, style = random_look(rng), random_pose(rng), random_style(rng)
        one, two = _drawn(look, pose, style), _drawn(DetailedLook(**vars(look)), pose, style)
        assert np.array_equal(one[0], two[0]) and one[1] == two[1]


def test_the_same_seed_draws_the_same_picture_and_another_seed_another_one() -> None:
    def drawn(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return np.asarray(picture(varied_picture(rng), rng, (160, 90)).drawn.image)

    assert np.array_equal(drawn(3), drawn(3))
    assert not np.array_equal(drawn(3), drawn(4))


def test_tags_of_varied_pictures_are_those_of_the_sample() -> None:
    known = {tag for tag, _ in TAGS}
    used: set[str] = set()
    rng = np.random.default_rng(0)
    for _ in range(40):
        used |= picture(varied_picture(rng), rng, (64, 36)).drawn.tags
    assert used <= known and "1boy" in used and len(used) > 120


@pytest.mark.parametrize("colour", sorted(HAIR_COLOURS))
def test_varied_hair_has_its_own_shade_of_the_named_colour(colour: str) -> None:
    shades = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        look = replace(varied_look(rng, "girl", colour), hair_style="straight", cut="", bangs="blunt", accessory=None,
                       tips=None, hood=False, strands=0, gloss="none")  # fmt: skip
        style = replace(varied_style(rng, "demo"), tint=(1.0, 1.0, 1.0), saturation=1.0, shading="flat")
        pixels, figure = _drawn(look, Pose(), style)
        assert f"{colour}_hair" in figure.tags and figure.face and figure.head
        top = pixels[int(figure.head[1] + 20) : int(figure.face[1]), 130:190].reshape(-1, 3).astype(int)
        assert look.hair_rgb is not None
        assert (np.abs(top - np.array(look.hair_rgb)).max(axis=1) < 6).mean() > 0.3
        shades.add(look.hair_rgb)
    assert len(shades) == 12


def test_ranges_of_hair_colours_do_not_overlap() -> None:
    """The middle of each range is nearest to its own ranges: grey has no colour, brown has some, blonde is lighter."""

    def inside(name: str, rgb: tuple[float, ...]) -> bool:
        h, lightness, s = colorsys.rgb_to_hls(*rgb)
        return any(
            (r[0] <= h * 360 <= r[1] or r[0] <= h * 360 + 360 <= r[1])
            and r[2] <= lightness <= r[3]
            and r[4] <= s <= r[5]
            for r in HAIR_RANGES[name]
        )

    rng = np.random.default_rng(0)
    for name, ranges in HAIR_RANGES.items():
        for h0, h1, l0, l1, s0, s1 in ranges:
            for _ in range(200):
                hue, lightness, s = rng.uniform(h0, h1) % 360 / 360, rng.uniform(l0, l1), rng.uniform(s0, s1)
                rgb = colorsys.hls_to_rgb(hue, lightness, s)
                others = [other for other in HAIR_RANGES if other != name and inside(other, rgb)]
                assert not others, (name, others, hue * 360, lightness, s)


def test_the_person_box_of_varied_people_encloses_every_drawn_pixel() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pixels, figure = _drawn(varied_look(rng), varied_pose(rng), varied_style(rng), 300, 40)
        rows, columns = np.nonzero((pixels != EMPTY).any(axis=2))
        left, top, right, bottom = figure.person or (0, 0, 0, 0)
        slack = 5  # the band of headphones is a thick line, which boxes leave out
        assert left - slack <= columns.min() and columns.max() <= right + slack, seed
        assert top - slack <= rows.min() and rows.max() <= bottom + slack, seed


@pytest.mark.parametrize("name", sorted(FACES))
def test_a_face_lies_inside_its_box_in_each_style(name: str) -> None:
    """The skin between brows and chin is in the face box; the picture changes there when the eyes close."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        look = replace(varied_look(rng, "girl"), accessory=None, hood=False, cut="", bangs="parted")
        style = replace(varied_style(rng, name), tint=(1.0, 1.0, 1.0))
        pose = Pose(yaw=float(rng.uniform(-0.7, 0.7)), pitch=float(rng.uniform(-0.8, 0.8)))
        opened, figure = _drawn(look, pose, style)
        shut, _ = _drawn(look, replace(pose, eyes_closed=True), style)
        assert figure.face is not None and figure.head is not None
        rows, columns = np.nonzero((opened != shut).any(axis=2))
        left, top, right, bottom = figure.face
        assert left <= columns.min() and columns.max() <= right and top <= rows.min() and rows.max() <= bottom
        assert figure.head[1] < top and figure.head[3] >= bottom - 8


@pytest.mark.parametrize("cut", sorted(CUTS))
def test_short_cuts_are_short_hair_inside_the_head_box(cut: str) -> None:
    hair = (250, 10, 250)
    for facing in ("front", "behind", "profile_left"):
        look = DetailedLook("boy", "pink", "short", "straight", hair_rgb=hair, cut=cut, bangs="cut", gloss="none",
                            fringe=4)  # fmt: skip
        pixels, figure = _drawn(look, Pose(facing), Style(shading="flat"))
        assert {"short_hair", "pink_hair", "1boy"} <= figure.tags and figure.head
        rows, columns = np.nonzero((np.abs(pixels.astype(int) - hair) < 4).all(axis=2))
        left, top, right, bottom = figure.head
        assert rows.min() >= top - 3 and rows.max() <= bottom + 3
        assert columns.min() >= left - 12 and columns.max() <= right + 12


@pytest.mark.parametrize("hat", sorted(HATS))
def test_a_hat_of_any_form_shows_its_colour_and_tag(hat: str) -> None:
    look = DetailedLook(accessory="hat", accessory_colour="green", trim_rgb=(20, 200, 40), hat=hat)
    pixels, figure = _drawn(look, Pose(), Style())
    assert {"hat", "green_hat"} <= figure.tags
    assert (np.abs(pixels.astype(int) - (20, 200, 40)) < 4).all(axis=2).sum() > 800


@pytest.mark.parametrize("cover", sorted(COVERS))
def test_a_hand_before_the_face_changes_pixels_and_a_hidden_mouth_has_no_tag(cover: str) -> None:
    pose = Pose(expression="smile")
    bare, _ = _drawn(Look(), pose, Style())
    pixels, figure = _drawn(Look(), replace(pose, cover=cover), Style())
    assert (bare != pixels).any(axis=2).sum() > 500
    assert ("smile" in figure.tags) == (cover != "mouth")


def test_bars_stay_black_in_any_light_and_the_light_is_that_of_the_request() -> None:
    scene = Scene(Background("park", "day", 1), (place(Look(), Pose(), Style(), "upper_body", 0.5),),
                  effects=Effects(letterbox=0.125))  # fmt: skip
    light = Light("fog", Wash(screen=(0.5, 0.5, 0.5)))
    made = picture(scene, np.random.default_rng(1), (160, 90), light)
    pixels = np.asarray(made.drawn.image)
    assert made.light == light and not pixels[:10].any() and pixels[45].min() > 100


def test_there_is_no_night_under_a_blue_sky() -> None:
    rng = np.random.default_rng(0)
    lights = {light_of_tags(frozenset({"day", "sky", "blue_sky"}), rng).name for _ in range(200)}
    assert "shadow" in lights and not lights & {"night", "moonlight", "sunset", "dusk", "lamp", "neon"}


NO_FACES = THINGS | DRAPERY


@pytest.mark.parametrize("name", sorted(NO_FACES))
def test_each_thing_that_is_no_face_is_drawn_and_leaves_people_free(name: str) -> None:
    free = (60.0, 20.0, 120.0, 90.0)
    changed = np.zeros((100, 200), bool)
    for seed in range(30):
        image = Image.new("RGB", (200, 100), EMPTY)
        scatter(image, np.random.default_rng(seed), 3, (free,), {name: NO_FACES[name]})
        changed |= (np.asarray(image) != EMPTY).any(axis=2)
    assert changed.any()
    assert not changed[45:65, 85:95].any()


def test_drapery_changes_neither_boxes_nor_heads() -> None:
    changed = 0
    for seed in range(12):
        scene = varied_scene(np.random.default_rng(seed), 1)
        plain, draped = (
            picture(scene, np.random.default_rng(1), (320, 180), Light("none"), draped=d).drawn
            for d in (False, True)
        )
        assert covered(plain) == covered(draped)
        differs = (np.asarray(plain.image) != np.asarray(draped.image)).any(axis=2)
        changed += differs.mean() > 0.02
        for _, *sides in (b for b in covered(plain) if b[0] == "face"):
            left, top, right, bottom = (float(str(s)) for s in sides)
            middle = int((top + bottom) / 2 * 180), int((left + right) / 2 * 320)
            assert not differs[middle]
    assert changed >= 6


def test_a_group_has_three_to_nine_small_faces_with_boxes() -> None:
    counts = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scene = varied_scene(rng)
        scene = replace(scene, figures=group(rng, scene.style))
        drawn = picture(scene, rng, (320, 180)).drawn
        heads = [b for b in covered(drawn) if b[0] == "head"]
        counts.append(len(heads))
        assert all(float(str(b[4])) - float(str(b[2])) < 0.36 for b in heads)
    assert min(counts) >= 3 and max(counts) <= 9 and len(set(counts)) > 3


def test_shapes_of_varied_people_are_where_they_were_drawn() -> None:
    rng = np.random.default_rng(8)
    scene = replace(varied_scene(rng, 1), background=Background("plain", "day", 1), effects=Effects())
    shape = scene_shapes(scene, (320, 180))[0] > 127
    elsewhere = replace(scene, figures=(replace(scene.figures[0], x=9.0),))
    without = picture(elsewhere, np.random.default_rng(1), (320, 180), Light("none")).drawn.image
    drawn = picture(scene, np.random.default_rng(1), (320, 180), Light("none")).drawn.image
    changed = (np.abs(np.asarray(drawn).astype(int) - np.asarray(without)) > 8).any(axis=2)
    assert (changed & shape).sum() > 0.95 * changed.sum() and shape.sum() > 100


def test_strangers_share_a_hair_colour_and_alike_ones_differ_in_one_attribute() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        looks = strangers(rng)
        assert len({look.hair_colour for look in looks}) == 1
        assert len({identity(look) for look in looks}) == 4
        base, *others = alike(varied_look(rng), varied_look, rng)
        for other in others:
            assert identity(other) != identity(base)
            assert other.hair_colour != base.hair_colour or getattr(other, "hair_rgb", 0) == getattr(
                base, "hair_rgb", 0
            )


def test_a_head_crop_is_lit_as_asked() -> None:
    rng = np.random.default_rng(1)
    look, style = varied_look(rng), varied_style(rng)
    night = random_light(rng, ("night",))
    day = np.asarray(draw_head(look, Pose(), style, np.random.default_rng(2)), float)
    dark = np.asarray(draw_head(look, Pose(), style, np.random.default_rng(2), light=night), float)
    assert day.shape == dark.shape == (128, 128, 3)
    assert dark.mean() < 0.8 * day.mean()


def test_siblings_of_varied_people_keep_their_looks() -> None:
    rng = np.random.default_rng(3)
    scene = varied_scene(rng, 2)
    other = sibling(scene, rng)
    assert [p.look for p in scene.figures] == [p.look for p in other.figures]
    assert [p.pose for p in scene.figures] != [p.pose for p in other.figures]


def test_a_varied_picture_of_nobody_has_its_own_ground_and_things_too() -> None:
    scene = varied_scene(np.random.default_rng(1), 0)
    first, second = (drawn_picture(scene, seed, (480, 270), varied=True) for seed in (1, 2))
    assert "no_humans" in first.tags and "no_humans" in second.tags
    assert np.mean(np.asarray(first.image) != np.asarray(second.image)) > 0.5

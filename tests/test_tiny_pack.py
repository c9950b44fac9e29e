"""The embedded tiny pack: its files keep the signatures of the big models, and it can do what it is for."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from animeds_db.models import Models, load_profile
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runners.crops import head_crop
from animeds_db.models.runners.text import embed_text
from animeds_db.sample.drawing.figure import Look, Pose, Style
from animeds_db.sample.scene import Background, Drawn, Placed, Scene, compose

PACK = Path(str(files("animeds_db.models.tiny")))
SIGNATURES = {
    "tagger.onnx": (["input"], [["batch", 288, 480, 3]], ["output", "image_embeds"]),
    "face.onnx": (["images"], [["batch", 3, 224, 384]], ["output0"]),
    "character.onnx": (["input"], [["batch", 3, 96, 96]], ["output"]),
    "mask.onnx": (["img"], [["batch", 3, 192, 320]], ["mask"]),
    "text.onnx": (["input_ids", "attention_mask"], [["batch", "length"]] * 2, ["text_embeds"]),
}
STYLE = Style()
RIN = Look(hair_colour="red", hair_length="long", eye_colour="green", outfit="school_uniform")
AOI = Look(hair_colour="blue", hair_length="short", hair_style="bob", eye_colour="yellow", outfit="hoodie")
KEN = Look("boy", "black", "short", "spiky", "brown", outfit="suit", outfit_colour="grey")


PEOPLE = (RIN, AOI, replace(RIN, hair_style="bun", eye_colour="brown", bangs="parted"))
"""The last one has the hair colour of the first."""


@cache
def tiny() -> Models:
    """Load the pack once."""
    return load_profile("tiny", device="cpu")


def draw(
    *people: tuple[Look, Pose],
    place: str = "classroom",
    time: str = "day",
    height: float = 1.9,
    seed: int = 5,
) -> Drawn:
    """Draw people side by side, upper bodies, before a place."""
    spots = [(i + 0.5) / len(people) for i in range(len(people))]
    placed = tuple(Placed(look, pose, x, 0.15, height) for (look, pose), x in zip(people, spots, strict=True))
    return compose(Scene(Background(place, time, seed), placed, STYLE))


def pixels(drawn: Drawn) -> np.ndarray:
    """Return the drawing as the runners take it."""
    return np.asarray(drawn.image)


@pytest.mark.parametrize("name", SIGNATURES)
def test_every_file_has_the_names_and_shapes_of_its_big_model(name: str) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(PACK / name), providers=["CPUExecutionProvider"])
    inputs, shapes, outputs = SIGNATURES[name]
    assert [i.name for i in session.get_inputs()] == inputs
    assert [list(i.shape) for i in session.get_inputs()] == shapes
    assert [o.name for o in session.get_outputs()] == outputs


def test_the_whole_pack_is_at_most_seven_megabytes() -> None:
    assert sum(p.stat().st_size for p in PACK.iterdir() if p.is_file()) <= 7_000_000


def test_ratings_come_first_and_at_least_sixty_general_tags_follow() -> None:
    with (PACK / "selected_tags.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == ["tag_id", "name", "category", "count"]
    assert [r["name"] for r in rows[:4]] == ["general", "sensitive", "questionable", "explicit"]
    assert [r["category"] for r in rows[:4]] == ["9"] * 4
    names = [r["name"] for r in rows[4:]]
    assert len(names) >= 60
    assert {r["category"] for r in rows[4:]} == {"0"}
    assert {"1girl", "1boy", "2girls", "multiple_girls", "solo", "red_hair", "green_eyes", "long_hair", "indoors",
            "outdoors", "night", "smile", "closed_eyes", "subtitled", "letterboxed"} <= set(names)  # fmt: skip


def test_the_detector_says_its_classes_and_size_in_its_metadata() -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(PACK / "face.onnx"), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["names"] == "{0: 'face', 1: 'head', 2: 'person'}"
    assert json.loads(metadata["imgsz"]) == [224, 384]


def test_a_face_is_found_where_it_was_drawn() -> None:
    drawn = draw((RIN, Pose()), (KEN, Pose()))
    boxes = tiny().detectors[0]([pixels(drawn)])[0]
    faces = sorted((b for b in boxes if b.kind == "face" and b.score > 0.5), key=lambda b: b.left)
    assert len(faces) == 2
    for found, figure in zip(faces, drawn.figures, strict=True):
        assert figure.face
        assert (found.left + found.right) / 2 == pytest.approx(
            (figure.face[0] + figure.face[2]) / 2 / 640, abs=0.03
        )
        assert (found.top + found.bottom) / 2 == pytest.approx(
            (figure.face[1] + figure.face[3]) / 2 / 360, abs=0.04
        )


def test_an_empty_room_holds_no_face() -> None:
    assert not tiny().detectors[0]([pixels(draw(place="street"))])[0]


@pytest.mark.parametrize(
    ("people", "place", "time", "yes", "no"),
    [
        (
            [(RIN, Pose(expression="smile"))],
            "classroom",
            "day",
            "1girl solo red_hair indoors",
            "2girls night 1boy",
        ),
        ([(KEN, Pose())], "street", "night", "1boy solo black_hair outdoors night", "2girls red_hair"),
        ([(RIN, Pose()), (AOI, Pose())], "beach", "day", "2girls blue_hair outdoors", "solo indoors"),
    ],
)
def test_the_tagger_says_what_was_drawn(
    people: Sequence[tuple[Look, Pose]], place: str, time: str, yes: str, no: str
) -> None:
    tagger = tiny().tagger
    assert tagger
    scores = dict(
        zip(
            [label.tag for label in tagger.labels],
            tagger([pixels(draw(*people, place=place, time=time))])[0],
            strict=True,
        )
    )
    assert {t for t in yes.split() if scores[t] < 0.5} == set()
    assert {t for t in no.split() if scores[t] >= 0.5} == set()


def test_a_character_in_other_clothes_is_nearer_than_another_character() -> None:
    crops = []
    for look, pose, place in [
        (RIN, Pose(), "classroom"),
        (RIN, Pose("left", "smile"), "beach"),
        (AOI, Pose(), "classroom"),
    ]:
        drawn = draw((look, pose), place=place)
        box = max(
            (b for b in tiny().detectors[0]([pixels(drawn)])[0] if b.kind == "face"), key=lambda b: b.score
        )
        crops.append(head_crop(pixels(drawn), box))
    character = tiny().character
    assert character
    first, same, other = character(crops)
    assert first @ same > 0.6 > first @ other


@pytest.mark.parametrize("light", [(0.35, 0.42, 0.75), (1.0, 0.62, 0.42), (0.5, 0.38, 0.25)])
def test_a_character_at_night_at_sunset_or_by_a_lamp_is_nearer_than_another_by_day(
    light: tuple[float, float, float],
) -> None:
    crops = []
    for look in PEOPLE:
        drawn = draw((look, Pose(expression="smile")))
        box = max(
            (b for b in tiny().detectors[0]([pixels(drawn)])[0] if b.kind == "face"), key=lambda b: b.score
        )
        crops.append(head_crop(pixels(drawn), box))
    character = tiny().character
    assert character
    by_day = character(crops)
    lit = character([(crop * np.array(light)).astype(np.uint8) for crop in crops])
    similar = lit @ by_day.T
    assert (similar.argmax(axis=1) == np.arange(len(crops))).all()
    assert (np.diag(similar) > 0.85).all(), similar


def test_words_find_the_picture_they_describe() -> None:
    pictures = [
        draw((RIN, Pose(expression="smile")), place="beach"), draw((KEN, Pose()), place="street", time="night"),
        draw((AOI, Pose()), place="classroom"), draw(place="forest"),
    ]  # fmt: skip
    image = tiny().image
    assert image
    texts = embed_text(image.id, ["girl with red hair smiling at the beach", "a boy in a suit at night",
                                  "blue-haired girl in a hoodie, classroom", "nobody, trees"])  # fmt: skip
    nearest = (texts @ image([pixels(p) for p in pictures]).T).argmax(axis=1)
    assert nearest.tolist() == [0, 1, 2, 3]


def test_a_frame_moved_by_a_pixel_stays_nearer_than_another_pose() -> None:
    image = tiny().image
    assert image
    first = pixels(draw((RIN, Pose())))
    moved = np.roll(first, (1, 2), axis=(0, 1))
    other = pixels(draw((RIN, Pose("left", "laugh", arms="up"))))
    vectors = image([first, moved, other])
    assert vectors[0] @ vectors[1] > 0.985
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


@pytest.mark.parametrize("pose", [Pose(eyes_closed=True), Pose(mouth_open=True)], ids=["blink", "word"])
def test_a_blink_or_a_word_makes_no_new_picture_but_another_place_does(pose: Pose) -> None:
    image = tiny().image
    assert image
    threshold = load_manifest().entry("tiny-image").thresholds["near_duplicate"]
    first, later, elsewhere = image(
        [pixels(draw((RIN, Pose()))), pixels(draw((RIN, pose))), pixels(draw((RIN, pose), place="beach"))]
    )
    assert first @ later >= threshold > first @ elsewhere


def test_no_words_and_unknown_words_still_give_a_vector() -> None:
    image = tiny().image
    assert image
    vectors = embed_text(image.id, ["", "xyzzy 赤い髪"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-4)

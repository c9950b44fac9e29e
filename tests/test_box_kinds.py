"""Kinds of boxes besides those of people: they come from the detector, and everything that takes boxes takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from castings import PEOPLE, Face, around, face_id, faces_of, identities, three_people
from model_files import detector
from rerunning import CPU, a_detector, an_embedder, copy_of_ingested, files, second

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.errors import ModelError, UsageError
from animeds_db.export.columns.crops import CropOptions, crop_selection
from animeds_db.models import Box, Detector, Models, load_profile
from animeds_db.models.manifest import Output, load_manifest
from animeds_db.models.runners.crops import character_crop, to_embed
from animeds_db.steps.characters.classify import classify

EYES = np.array([[16, 40, 32], [30, 30, 50], [8, 8, 12], [6, 6, 12], [0.9, 0.8, 0], [0, 0, 0.7]], np.float32)
"""Two eyes and a hand, in 64 × 64."""


def eye_detector(folder: Path, output: Output | None = None) -> Detector:
    names = "{0: 'eye', 1: 'Left Hand'}"
    made = files(
        "eyes",
        "eye-v1.0-s",
        detector(folder / "eyes" / "model.onnx", EYES, names=names, sides=(64, 64), imgsz=None),
    )
    if output is not None:
        made = replace(made, entry=replace(made.entry, output=output))
    return Detector(made, CPU)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """Two clips with faces; every frame also has two eyes and a hand."""
    folder = tmp_path_factory.mktemp("kinds")
    finder = eye_detector(folder, Output(name="output0"))
    with Dataset(copy_of_ingested(folder / "show.animeds")) as opened:
        opened.detect("eyes", character="none", load=lambda *_a, **_k: Models(detectors=(finder,)))
        yield opened


def test_each_class_of_a_detector_becomes_a_kind_with_ids_and_a_table(dataset: Dataset) -> None:
    n = dataset.sql("SELECT count(*) FROM frames").fetchall()[0][0]
    assert dataset.sql("SELECT count(*), count(DISTINCT frame_id) FROM boxes('eye')").fetchall() == [
        (2 * n, n)
    ]
    [(box, frame)] = dataset.sql(
        "SELECT detection_id, frame_id FROM boxes('left_hand') ORDER BY 1 LIMIT 1"
    ).fetchall()
    assert box == f"{frame}-left_hand0" and schema.index_of_detection(box) == 0
    assert dataset.sql("SELECT count(*) FROM faces").fetchall() == [(2 * n,)]
    kinds = dataset.sql("SELECT DISTINCT kind, box_kind(detection_id, frame_id) FROM detections ORDER BY 1")
    assert kinds.fetchall() == [(kind, kind) for kind in ("eye", "face", "left_hand")]


def test_such_boxes_are_tagged_cropped_and_labelled(dataset: Dataset) -> None:
    tagger = second("tag").tagger
    dataset.tag("t", boxes=["eye"], load=lambda *_a, **_k: Models(tagger=tagger))
    assert dataset.sql("SELECT DISTINCT kind FROM box_tags").fetchall() == [("eye",)]
    chosen = dataset.session.arrow("SELECT frame_id FROM frames ORDER BY frame_id LIMIT 1")
    options = CropOptions(kinds=("eye",), margin=0)
    crops = crop_selection(dataset.session, chosen, options, chosen["frame_id"]).to_pylist()
    assert sorted((row["crop_kind"], row["crop_number"]) for row in crops) == [("eye", 1), ("eye", 2)]
    eye = crops[0]["face_id"]
    dataset.label("description", "set", "a blue eye", [eye])
    assert dataset.sql("SELECT detection_id, text FROM descriptions").fetchall() == [(eye, "a blue eye")]


@pytest.mark.parametrize("asked", ["eyes", "nose"])
def test_a_kind_that_is_not_there_is_refused(dataset: Dataset, asked: str) -> None:
    with pytest.raises(UsageError, match=f'There are no boxes "{asked}"') as error:
        dataset.tag("t", boxes=[asked])
    assert "eye" in str(error.value)
    chosen = dataset.session.arrow("SELECT frame_id FROM frames")
    with pytest.raises(UsageError, match=f'There are no boxes "{asked}"'):
        crop_selection(dataset.session, chosen, CropOptions((asked,)), chosen["frame_id"])


def test_an_entry_decides_which_classes_are_stored_and_under_which_name(tmp_path: Path) -> None:
    assert eye_detector(tmp_path).kinds == ("eye",)  # the entry says nothing of hands
    assert eye_detector(tmp_path, Output(kinds={"LEFT HAND": "hand", "eye": ""})).kinds == ("hand",)
    with pytest.raises(ModelError, match="detects eye, Left Hand; the entry eyes expects eye, nose"):
        eye_detector(tmp_path, Output(kinds={"eye": "eye", "nose": "nose"}))


def test_profiles_may_tag_boxes_that_some_detector_finds() -> None:
    assert "hand" in {
        kind for entry in load_manifest().entries.values() for kind in entry.output.kinds.values()
    }
    with pytest.raises(ModelError, match='there is no kind of box "hands"'):
        load_profile("tiny", device="cpu", overrides={"boxes": "hands"})


def test_of_each_person_the_face_or_else_the_head_or_else_all_of_it_is_embedded() -> None:
    face, head = Box("face", 0.1, 0.1, 0.2, 0.2, 1), Box("head", 0.05, 0.05, 0.25, 0.25, 1)
    person, behind = Box("person", 0.0, 0.0, 0.3, 1.0, 1), Box("head", 0.6, 0.1, 0.8, 0.3, 1)
    far, eye = Box("person", 0.85, 0.0, 1.0, 1.0, 1), Box("eye", 0.86, 0.1, 0.9, 0.2, 1)
    every = [face, head, person, behind, far, eye]
    assert to_embed(every, ("face", "head", "person")) == [True, False, False, True, True, False]
    assert to_embed(every, ("face", "head")) == [True, False, False, True, False, False]
    assert to_embed([head, behind], ("face", "head"), [face]) == [False, True]
    image = np.arange(64 * 48 * 3, dtype=np.uint8).reshape(48, 64, 3)
    assert character_crop(image, behind).shape == (14, 14, 3)
    assert character_crop(image, far).shape[0] == 48


def test_heads_without_a_face_get_vectors_where_the_model_allows(tmp_path: Path) -> None:
    store = copy_of_ingested(tmp_path / "show.animeds")
    character = an_embedder(tmp_path, "c", store.widths[1], "character")
    character.entry = replace(character.entry, boxes=("face", "head"))
    middle = np.array(
        [[32, 16], [16, 34], [20, 10], [20, 10], [0.7, 0.6]], np.float32
    )  # the second holds a face
    heads = a_detector(tmp_path, "heads", middle, "head")
    with Dataset(store) as opened:
        opened.detect(
            "heads", load=lambda *_a, **_k: Models(detectors=(heads,), character=character), character="c"
        )
        asked = "SELECT count(*), count(vector), count(DISTINCT frame_id) FROM heads"
        [(n, n_vectors, n_frames)] = opened.sql(asked).fetchall()
        assert n == 2 * n_frames and n_vectors == n_frames


def test_people_without_faces_are_recognised_by_their_heads(tmp_path: Path) -> None:
    frames = [[Face(around(n % 3, n), kind="head")] for n in range(9)]
    frames += [[Face(around(20, 7), kind="head")], [Face(around(0, 50)), Face(around(1, 51), kind="head")]]
    with faces_of(tmp_path, frames) as ds:  # in the last frame, the head has a face in it
        three_people(ds)
        classify(ds.store, ds.session)
        found = {key: row["character"] for key, row in identities(ds).items()}
        wanted = {face_id(n, 0, "h"): PEOPLE[n % 3] for n in range(9)} | {face_id(10): "Akari"}
        assert found == wanted
        assert ds.sql("SELECT DISTINCT kind FROM characters ORDER BY 1").fetchall() == [("face",), ("head",)]

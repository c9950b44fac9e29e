"""Segmenters: what they see in pictures of any shape, and files that are not segmenters."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ingesting import rows
from model_files import embedder, picture, segmenter, yolo_segmenter
from rerunning import a_detector, copy_of_ingested

import animeds_db
from animeds_db.errors import ModelError, UsageError
from animeds_db.media.masks import Shape, drawn
from animeds_db.models import Models, Segmenter
from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry, Input, Output, load_manifest
from animeds_db.models.runners import pixels
from animeds_db.models.runtime import Device
from animeds_ingest.reruns.running import rerun

CPU = Device("cpu", "test")
PERSONS = np.array([[16, 48], [32, 32], [20, 20], [60, 60], [0.9, 0.8]], np.float32)  # in 64 × 64


def opened(model: Path, entry: Entry | None = None, **changes: Any) -> Segmenter:
    """A file with the inputs and outputs of isnetis, with some of them changed."""
    entry = entry or replace(load_manifest().entry("isnetis"), **changes)
    sha = hashlib.sha256(model.read_bytes()).hexdigest()
    return Segmenter(Files(entry, {"model": model}, sha, sha), CPU)


@pytest.mark.parametrize("size", [(320, 180), (90, 200), (64, 64), (1000, 31)])
def test_a_mask_covers_the_whole_picture_without_the_padding(tmp_path: Path, size: tuple[int, int]) -> None:
    image = picture(*size)
    longest = max(size)
    mask = opened(segmenter(tmp_path / "m.onnx", (longest, longest)))([image])[0].mask
    assert mask.shape == image.shape[:2]  # the network is as large as the picture: nothing is resized
    np.testing.assert_allclose(mask, image[..., 0] / 255, atol=1e-6)
    halved = opened(segmenter(tmp_path / "n.onnx", (96, 96)))([image])[0].mask
    assert max(halved.shape) == 96 and abs(halved.shape[1] * size[1] - halved.shape[0] * size[0]) <= max(size)


def test_pictures_padded_to_a_square_or_stretched_are_undone_too(tmp_path: Path) -> None:
    model, image = segmenter(tmp_path / "m.onnx", (64, 64)), picture(128, 64)
    wanted = pixels.fit(image, Input(filter="box"), (32, 64))[..., 0] / 255
    for fit in ("pad", "letterbox"):
        mask = opened(model, input=Input(name="img", fit=fit, filter="box"))([image])[0].mask
        np.testing.assert_allclose(mask, wanted, atol=1e-6)
    stretched = opened(model, input=Input(name="img", fit="stretch", filter="box"))([image])[0].mask
    assert stretched.shape == (64, 64)


def test_linear_is_exact_between_pixels() -> None:
    row = np.array([[0, 10, 20, 40]], np.uint8)
    assert pixels.linear(row, 1, 8).tolist() == [[0, 2.5, 7.5, 12.5, 17.5, 25, 35, 40]]
    assert pixels.linear(row, 1, 2).tolist() == [[5, 30]]
    assert pixels.linear(row, 3, 4).tolist() == row.tolist() * 3


def test_logits_and_other_outputs_are_refused_with_the_key_to_set(tmp_path: Path) -> None:
    logits = segmenter(tmp_path / "logits.onnx", (64, 64), scale=12, offset=-6)
    with pytest.raises(ModelError, match=r"values from -6 to 5\.88, which are not probabilities") as error:
        opened(logits)
    assert 'activation = "sigmoid"' in str(error.value.hint)
    image = picture(64, 64)
    mask = opened(logits, output=Output(activation="sigmoid"))([image])[0].mask
    np.testing.assert_allclose(mask, 1 / (1 + np.exp(6 - image[..., 0] / 255 * 12)), atol=1e-5)
    with pytest.raises(ModelError, match="which are probabilities already"):
        opened(segmenter(tmp_path / "m.onnx", (64, 64)), output=Output(activation="sigmoid"))
    vectors = embedder(tmp_path / "vectors.onnx", 4, (64, 64))
    plain = Entry("plain", "segmenter", files={"model": "x"}, input=Input(size=(64, 64)))
    with pytest.raises(ModelError, match="not with a mask"):
        opened(vectors, plain)
    with pytest.raises(ModelError, match="may not see the whole picture"):
        opened(segmenter(tmp_path / "m.onnx", (64, 64)), input=Input(name="img", fit="crop"))
    steps = tmp_path / "preprocess.json"
    steps.write_text('{"stages": [{"type": "pad_to_size", "size": [64, 64]}, {"type": "to_tensor"}]}')
    paths = {"model": segmenter(tmp_path / "m.onnx", (64, 64)), "preprocess": steps}
    with pytest.raises(ModelError, match="with steps of its own, a segmenter may not see the whole picture"):
        Segmenter(Files(load_manifest().entry("isnetis"), paths, "", ""), CPU)


def test_where_boxes_overlap_a_pixel_belongs_to_the_nearer_person(tmp_path: Path) -> None:
    seen = opened(segmenter(tmp_path / "m.onnx", (60, 60)))([np.full((60, 60, 3), 255, np.uint8)])[0]
    masks = seen.of_boxes(np.array([[0.0, 0.0, 0.6, 1.0], [0.4, 0.0, 1.0, 1.0]]))
    assert masks[0, :, :30].all() and not masks[0, :, 31:].any()
    assert masks[1, :, 30:].all() and not masks[1, :, :29].any()


def test_the_persons_of_a_yolo_segmenter_are_apart(tmp_path: Path) -> None:
    """Two persons and a cat; the first prototype is positive in the upper half, the second everywhere."""
    classes = np.array([[0.9, 0.8, 0.0], [0.0, 0.0, 0.9]])
    boxes = np.array([[16, 48, 32], [32, 32, 32], [20, 20, 64], [60, 60, 64]])
    factors = np.array([[1, 0, 0], [0, 1, 1]])
    upper = np.where(np.arange(16)[:, None] < 8, 1.0, -1.0) * np.ones((16, 16))
    model = yolo_segmenter(
        tmp_path / "seg.onnx",
        np.concatenate([boxes, classes, factors]),
        np.stack([upper, np.ones((16, 16))]),
        "{0: 'person', 1: 'cat'}",
    )
    entry = Entry(
        "yolo",
        "segmenter",
        files={"model": "x"},
        input=Input(size=(64, 64)),
        output=Output(kinds={"person": "character"}),
    )
    seen = opened(model, entry)([picture(64, 64)])[0]
    assert np.allclose(seen.boxes * 64, [[6, 2, 26, 62], [38, 2, 58, 62]])
    assert (seen.instances > 0).sum(axis=(1, 2)).tolist() == [20 * 30, 20 * 60]
    assert np.array_equal(seen.mask, seen.instances.max(axis=0))
    [mask] = seen.of_boxes(np.array([[0.1, 0.05, 0.4, 0.95]]))
    assert np.array_equal(mask, seen.instances[0])
    padded = replace(entry, input=Input(size=(64, 64), fit="letterbox"))
    wide = opened(model, padded)([picture(64, 32)])[0]  # the picture is from 16 to 48 down
    assert np.array_equal(wide.instances, seen.instances[:, 16:48])
    assert np.allclose(wide.boxes * 64, [[6, 0, 26, 64], [38, 0, 58, 64]])


def test_frames_and_persons_get_masks_once(tmp_path: Path) -> None:
    store = copy_of_ingested(tmp_path / "show.animeds")
    model = opened(segmenter(tmp_path / "m.onnx", (128, 128)))
    with animeds_db.open(store.uri) as dataset:
        n = rows(store, "frames").num_rows
        done = dataset.segment("m", load=lambda *_: Models(segmenter=model))
        assert sum(outcome.frames for outcome in done.outcomes) == n
        assert dataset.sql(
            "SELECT count(*), count(detection_id) FROM masks WHERE part = 'character'"
        ).fetchall() == [(n, 0)]
        with pytest.raises(UsageError, match="contains no person boxes"):
            dataset.segment("m", boxes=["person"], load=lambda *_: Models(segmenter=model))
        rerun(store, Models(detectors=(a_detector(tmp_path, "persons", PERSONS, "person"),)))
        again = dataset.segment("m", load=lambda *_: Models(segmenter=model))
        assert sum(outcome.frames for outcome in again.outcomes) == n  # now with their persons
        counts = (
            "SELECT count(*), count(detection_id), count(DISTINCT kind) FROM masks WHERE part = 'character'"
        )
        assert dataset.sql(counts).fetchall() == [(3 * n, 2 * n, 1)]
        third = dataset.segment("m", load=lambda *_: Models(segmenter=model))
        assert [outcome.state for outcome in third.outcomes] == ["skipped"] * len(third.outcomes)
        frame = dataset.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
        shapes = dataset.sql(
            'SELECT "left", top, "right", bottom, shape FROM masks WHERE frame_id = ? AND part = ? '
            "ORDER BY detection_id NULLS FIRST",
            [frame, "character"],
        ).fetchall()
        image = np.asarray(dataset.image(frame))
        whole = drawn([Shape(*shapes[0])], image.shape[1], image.shape[0]).astype(int)
        assert np.abs(whole - image[..., 0]).mean() < 10  # the network's answer is the red of the picture
        left, top, right, bottom, _ = shapes[1]
        assert 6 / 64 - 0.01 < left < right < 26 / 64 + 0.01 and 0 <= top < bottom < 1
        assert dataset.drop_model("isnetis") == n
        assert dataset.sql("SELECT count(*) FROM masks WHERE part = 'character'").fetchall() == [(0,)]

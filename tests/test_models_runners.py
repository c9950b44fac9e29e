"""Taggers, detectors, embedders and text towers on files with the real signatures."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from model_files import (
    WD_TAGS,
    YOLO,
    ccip_metric,
    detector,
    embedder,
    greedy_embedder,
    picture,
    selected_tags,
    text_tower,
    tokenizer,
    wd_tagger,
    wd_tagger_with_vectors,
)

from animeds_db.errors import ModelError, UsageError
from animeds_db.models.files import Files
from animeds_db.models.manifest import Input, Output, load_manifest
from animeds_db.models.runners import pixels
from animeds_db.models.runners.detector import Box, Detector, suppress
from animeds_db.models.runners.embedder import Embedder, difference, metric_error, unit
from animeds_db.models.runners.tagger import Tagger, TagLabel
from animeds_db.models.runners.text_tower import TextTower
from animeds_db.models.runtime import Device, choose_device

CPU = Device("cpu", "test")


def files(name: str, model: Path, **changes: Any) -> Files:
    """The files of a manifest entry, changed; companions lie beside the model under their usual names."""
    entry = load_manifest().entry(name)
    paths = {role: model.parent / Path(usual).name for role, usual in entry.files.items()} | {"model": model}
    sha = hashlib.sha256(model.read_bytes()).hexdigest() if model.is_file() else ""
    return Files(replace(entry, **changes), paths, sha, sha)


@pytest.fixture(scope="module")
def wd(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    folder = tmp_path_factory.mktemp("wd")
    selected_tags(folder / "selected_tags.csv")
    return Tagger(files("wd-swinv2-v3", wd_tagger(folder / "model.onnx", start=200_000)), CPU)


def test_a_wd_tagger_has_its_10861_labels_in_their_categories(wd: Tagger) -> None:
    assert len(wd.labels) == WD_TAGS
    assert [label.tag for label in wd.labels[:4]] == ["general", "sensitive", "questionable", "explicit"]
    counts = {c: sum(label.category == c for label in wd.labels) for c in ("rating", "general", "character")}
    assert counts == {"rating": 4, "general": 8106, "character": 2751}
    assert wd.labels[-1] == TagLabel("someone_10860_(show)", "character")
    assert wd.id.startswith("wd-swinv2-v3@")


def test_a_tagger_scores_what_the_reference_input_says_for_pictures_of_any_size(wd: Tagger) -> None:
    images = [picture(640, 360), picture(200, 300, 2), picture(448, 448, 3)]
    fed = pixels.prepare(images, wd.entry.input, (448, 448)).reshape(3, -1)
    scores = wd(images)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(fed[:, 200_000 : 200_000 + WD_TAGS] / 255, scores, atol=1e-6)
    assert wd([]).shape == (0, WD_TAGS)


def test_more_pictures_than_a_batch_give_the_same_scores(wd: Tagger) -> None:
    images = [picture(64, 36, seed) for seed in range(11)]
    scores = wd(images)
    np.testing.assert_array_equal(scores[9:10], wd([images[9]]))


def test_tags_are_predicted_again_from_stored_vectors(tmp_path: Path) -> None:
    model, _ = wd_tagger_with_vectors(tmp_path / "model.onnx")
    selected_tags(tmp_path / "tags_info.csv", 30)
    tagger = Tagger(files("wd-swinv2-v3-vectors", model), CPU)
    images = [picture(100, 80), picture(80, 100, 2)]
    scores, vectors = tagger.with_vectors(images)
    assert vectors.shape == (2, 1024) and vectors.dtype == np.float32
    np.testing.assert_array_equal(scores, tagger(images))
    np.testing.assert_allclose(scores, tagger.from_vectors(vectors), atol=1e-5)


def test_a_tagger_without_vectors_says_so(wd: Tagger) -> None:
    with pytest.raises(ModelError, match="has no vector output"):
        wd.with_vectors([picture(10, 10)])


def test_logits_where_probabilities_are_promised_are_refused_with_the_file_named(tmp_path: Path) -> None:
    selected_tags(tmp_path / "selected_tags.csv", 40)
    model = wd_tagger(tmp_path / "model.onnx", 40, divide=1.0)
    with pytest.raises(ModelError, match=r"model\.onnx returns scores of .* not probabilities") as caught:
        Tagger(files("wd-swinv2-v3", model), CPU)
    assert "sigmoid" in (caught.value.hint or "")
    calm = Tagger(files("wd-swinv2-v3", model, output=Output(activation="sigmoid")), CPU)
    scores = calm([picture(50, 50)])
    assert scores.min() >= 0.5 and scores.max() <= 1


def test_tags_that_do_not_match_the_output_are_refused_with_both_files_named(tmp_path: Path) -> None:
    selected_tags(tmp_path / "selected_tags.csv", 39)
    with pytest.raises(ModelError, match=r"model\.onnx returns 40 scores, but .*selected_tags\.csv lists 39"):
        Tagger(files("wd-swinv2-v3", wd_tagger(tmp_path / "model.onnx", 40)), CPU)


def test_a_list_of_tags_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "selected_tags.csv").write_text("<html>nope</html>\n", "utf-8")
    with pytest.raises(ModelError, match=r"selected_tags\.csv is not a list of tags"):
        Tagger(files("wd-swinv2-v3", wd_tagger(tmp_path / "model.onnx", 40)), CPU)


def test_deepdanbooru_ratings_lose_their_prefix_and_take_todays_names(tmp_path: Path) -> None:
    rows = ["name,real_name,category", "1girl,1girl,0", "rating:safe,rating:safe,9", "miku,miku,4"]
    (tmp_path / "deepdanbooru_tags.csv").write_text("\n".join(rows), "utf-8")
    tagger = Tagger(files("deepdanbooru", wd_tagger(tmp_path / "m.onnx", 3, 512)), CPU)
    assert [(label.tag, label.category) for label in tagger.labels] == [
        ("1girl", "general"),
        ("general", "rating"),
        ("miku", "character"),
    ]


def test_an_embedder_gives_unit_vectors_of_the_reference_input(tmp_path: Path) -> None:
    model = embedder(tmp_path / "model_feat.onnx", 768, (384, 384), start=150_000)
    ccip = Embedder(files("ccip-caformer-24", model), CPU)
    images = [picture(90, 90), picture(200, 200, 2)]
    fed = pixels.prepare(images, ccip.entry.input, (384, 384)).reshape(2, -1)[:, 150_000 : 150_000 + 768]
    vectors = ccip(images)
    assert ccip.width == 768 and vectors.dtype == np.float32
    np.testing.assert_allclose(fed / np.linalg.norm(fed, axis=1, keepdims=True), vectors, atol=1e-6)
    assert ccip([]).shape == (0, 768)


def test_clip_takes_its_projected_output_of_two(tmp_path: Path) -> None:
    names = ("pixel_values", "embeddings")
    model = embedder(tmp_path / "image_encode.onnx", 512, (224, 224), names=names, start=9000, encodings=768)
    clip = Embedder(files("clip-vit-b32", model), CPU)
    fed = pixels.prepare([picture(320, 180)], clip.entry.input, (224, 224)).reshape(1, -1)[:, 9000:9512]
    np.testing.assert_allclose(unit(fed), clip([picture(320, 180)]), atol=1e-6)


def test_an_embedder_of_another_width_is_refused(tmp_path: Path) -> None:
    model = embedder(tmp_path / "image_encode.onnx", 768, (224, 224), names=("pixel_values", "embeddings"))
    with pytest.raises(ModelError, match=r"image_encode\.onnx returns vectors of width 768; .* says 512"):
        Embedder(files("clip-vit-b32", model), CPU)


def test_ccips_metric_model_is_half_of_one_minus_cosine(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(0, 3, (6, 768)).astype(np.float32)
    metric = files("ccip-caformer-24-metric", ccip_metric(tmp_path / "model_metrics.onnx"))
    assert metric_error(metric, vectors, CPU) < 1e-6
    same = difference(np.stack([vectors[0], vectors[0] * 2, -vectors[0]]))
    np.testing.assert_allclose(same[0], [0, 0, 1], atol=1e-6)


WANTED = [
    Box("face", 0.2, 0.4, 0.3, 0.6, 0.9),
    Box("face", 0.65, 0.2, 0.85, 0.3, 0.6),
]


def assert_boxes(wanted: list[Box], found: list[Box]) -> None:
    assert [b.kind for b in wanted] == [b.kind for b in found]
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(numbers(one), numbers(other), atol=1e-5)


def numbers(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom, box.score]


def test_one_to_many_boxes_are_thresholded_suppressed_and_made_relative(tmp_path: Path) -> None:
    model = Detector(files("face-v1.4-s", detector(tmp_path / "model.onnx", YOLO)), CPU)
    assert model.kinds == ("face",)
    for found in model([picture(640, 360), picture(100, 300)]):
        assert_boxes(WANTED, found)
    assert model([]) == []


def test_aspect_keeping_boxes_are_relative_to_what_was_fed(tmp_path: Path) -> None:
    model = Detector(files("face-v1.4-s-keep", detector(tmp_path / "model.onnx", YOLO[:, :1])), CPU)
    wide, tall = model([picture(1280, 720), picture(320, 640)])
    assert_boxes([Box("face", 0.2, 256 / 384, 0.3, 1.0, 0.9)], wide)  # fed 384 × 640
    assert_boxes([Box("face", 0.4, 0.4, 0.6, 0.6, 0.9)], tall)  # fed 640 × 320


def test_boxes_in_a_padded_picture_are_relative_to_the_picture(tmp_path: Path) -> None:
    made = detector(tmp_path / "model.onnx", YOLO[:, :1])  # from 128 to 192 across, from 256 to 384 down
    for fit in ("letterbox", "pad"):
        model = Detector(files("face-v1.4-s", made, input=Input(name="images", fit=fit)), CPU)
        wide, tall = model([picture(640, 320), picture(256, 512)])
        assert_boxes([Box("face", 0.2, 96 / 320, 0.3, 224 / 320, 0.9)], wide)  # the picture is 160 … 480 down
        assert_boxes([Box("face", 0, 0.4, 32 / 320, 0.6, 0.9)], tall)  # the picture is 160 … 480 across
    with pytest.raises(ModelError, match="with fit = crop, a detector may not see the whole picture"):
        Detector(files("face-v1.4-s", made, input=Input(name="images", fit="crop")), CPU)


def test_end_to_end_boxes_need_no_decoding(tmp_path: Path) -> None:
    rows = np.array([[128, 256, 192, 384, 0.9, 0], [416, 128, 544, 192, 0.6, 0], [0, 0, 9, 9, 0.1, 0]])
    model = Detector(files("face-v1.4-s", detector(tmp_path / "model.onnx", rows)), CPU)
    assert_boxes(WANTED, model([picture(640, 360)])[0])


def test_rt_detr_boxes_are_relative_already(tmp_path: Path) -> None:
    rows = (YOLO / np.array([640, 640, 640, 640, 1])[:, None]).T
    name, made = "face-v1.4-s", detector(tmp_path / "model.onnx", rows)
    decode = replace(load_manifest().entry(name).output, decode="rt-detr")
    model = Detector(files(name, made, output=decode), CPU)
    assert_boxes(WANTED, model([picture(640, 360)])[0])


def test_classes_become_the_kinds_that_the_entry_says_or_without_that_their_own(tmp_path: Path) -> None:
    answer = np.zeros((4 + 3, 3), np.float32)
    answer[:4] = [[100, 300, 500], [100, 100, 100], [50, 50, 50], [50, 50, 50]]
    answer[4, 0] = answer[5, 1] = answer[6, 2] = 0.8
    made = detector(tmp_path / "model.onnx", answer, names="{0: 'person', 1: 'cat', 2: 'head'}")
    model = Detector(files("person-v1.1-m", made), CPU)
    assert model.kinds == ("person",)
    assert [box.kind for box in model([picture(64, 64)])[0]] == ["person"]
    both = replace(model.files, entry=replace(model.entry, output=replace(model.entry.output, kinds={})))
    assert Detector(both, CPU).kinds == ("person", "cat", "head")


def test_boxes_outside_the_picture_are_clipped(tmp_path: Path) -> None:
    answer = np.array([[10], [630], [100], [100], [0.9]], np.float32)
    model = Detector(files("face-v1.4-s", detector(tmp_path / "model.onnx", answer)), CPU)
    assert_boxes([Box("face", 0, 580 / 640, 60 / 640, 1, 0.9)], model([picture(64, 64)])[0])


def test_a_detector_whose_output_fits_no_decoding_is_refused(tmp_path: Path) -> None:
    made = detector(tmp_path / "model.onnx", np.zeros((9, 7), np.float32))
    with pytest.raises(ModelError, match=r"model\.onnx returns .* shape \[1, 9, 7\].*1 classes \(face\)"):
        Detector(files("face-v1.4-s", made), CPU)


def test_a_detector_of_fixed_batch_one_takes_many_pictures(tmp_path: Path) -> None:
    made = detector(tmp_path / "model.onnx", YOLO, batch=1, sides=(640, 640), imgsz=None)
    found = Detector(files("face-v1.4-s", made), CPU)([picture(64, 36), picture(36, 64), picture(9, 9)])
    assert [len(boxes) for boxes in found] == [2, 2, 2]


def test_suppression_counts_edge_pixels_and_keeps_the_better() -> None:
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 6], [0, 0, 9, 5]], np.float32)  # IoU with the first: 0.7, 0.6
    assert suppress(boxes, np.array([0.5, 0.9, 0.8]), 0.7) == [1, 0]  # 0.857 between second and third
    assert suppress(boxes, np.array([0.9, 0.5, 0.4]), 0.69) == [0, 2]
    assert suppress(boxes, np.array([0.9, 0.5, 0.4]), 0.7) == [0, 1]


def test_a_text_tower_pads_cuts_and_masks(tmp_path: Path) -> None:
    made = text_tower(tmp_path / "text_encode.onnx")
    tokenizer(tmp_path / "tokenizer.json")
    tokens = replace(load_manifest().entry("clip-vit-b32-text").tokens, pad=2, length=6)
    tower = TextTower(files("clip-vit-b32-text", made, tokens=tokens), CPU)
    vectors = tower(["red hair", "red hair smiling blue red red red red"])
    table = np.random.default_rng(5).normal(0, 1, (50, 512)).astype(np.float32)
    np.testing.assert_allclose(unit(table[[0, 3, 4, 1]].sum(0)[None])[0], vectors[0], atol=1e-6)
    np.testing.assert_allclose(unit(table[[0, 3, 4, 5, 6, 1]].sum(0)[None])[0], vectors[1], atol=1e-6)
    assert tower([]).shape == (0, 512)


def test_a_text_tower_without_a_mask_input_is_fed_without(tmp_path: Path) -> None:
    made = text_tower(tmp_path / "text_model.onnx", mask=False, output="text_embeds")
    tokenizer(tmp_path / "tokenizer.json")
    tower = TextTower(files("clip-vit-b32-xenova-text", made, tokens=replace(Tokens, pad=1)), CPU)
    assert np.linalg.norm(tower(["blue hair"])) == pytest.approx(1, abs=1e-5)


Tokens = load_manifest().entry("clip-vit-b32-text").tokens


def test_a_text_tower_of_another_width_or_kind_is_refused(tmp_path: Path) -> None:
    tokenizer(tmp_path / "tokenizer.json")
    made = text_tower(tmp_path / "text_encode.onnx", width=768)
    with pytest.raises(ModelError, match=r"shape \[1, 768\], not vectors of width 512"):
        TextTower(files("clip-vit-b32-text", made, tokens=replace(Tokens, pad=1)), CPU)
    picture_tower = embedder(tmp_path / "image.onnx", 512, (224, 224), names=("pixel_values", "embeddings"))
    with pytest.raises(ModelError, match=r"has the inputs pixel_values, not input_ids"):
        TextTower(files("clip-vit-b32-text", picture_tower), CPU)
    (tmp_path / "tokenizer.json").write_text("{}", "utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json is not a tokenizer"):
        TextTower(files("clip-vit-b32-text", made), CPU)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty"),
        (b"\n <!DOCTYPE html><html>log in</html>", r"is a web page, not a model"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab", r"is a git-lfs pointer"),
        (b"\x00\x01 nonsense " * 50, r"is not an ONNX model that can be run"),
    ],
)
def test_files_that_are_no_models_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx " + message):
        Embedder(files("ccip-caformer-24", tmp_path / "model.onnx"), CPU)


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    whole = embedder(tmp_path / "model.onnx", 768, (384, 384))
    whole.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(ModelError, match=r"model\.onnx is not an ONNX model that can be run"):
        Embedder(files("ccip-caformer-24", whole), CPU)
    with pytest.raises(ModelError, match=r"gone\.onnx is missing"):
        Embedder(files("ccip-caformer-24", tmp_path / "gone.onnx"), CPU)


def test_another_input_or_output_name_or_shape_is_refused(tmp_path: Path) -> None:
    made = embedder(tmp_path / "model.onnx", 768, (384, 384), names=("x", "y"))
    with pytest.raises(ModelError, match=r'model\.onnx has no input "input"; it has x'):
        Embedder(files("ccip-caformer-24", made), CPU)
    with pytest.raises(ModelError, match=r'model\.onnx has no output "output"; it has y'):
        Embedder(files("ccip-caformer-24", made, input=Input()), CPU)
    with pytest.raises(ModelError, match=r"not NHWC with three colours"):
        Embedder(files("ccip-caformer-24", made, input=Input(layout="NHWC"), output=Output()), CPU)


def test_where_models_run_is_said_with_the_reason() -> None:
    assert choose_device("cpu") == Device("cpu", "models run on the CPU, as requested")
    auto = choose_device("auto")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        assert auto.name == "cpu" and "no CUDA provider" in auto.reason
        with pytest.raises(ModelError, match="cannot run on CUDA: this onnxruntime has no CUDA") as caught:
            choose_device("cuda")
        assert "animeds-db[gpu]" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="tpu"):
        choose_device("tpu")


def test_batches_are_halved_and_told_when_memory_runs_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    greedy = Embedder(files("tiny-character", greedy_embedder(tmp_path / "greedy.onnx", fits=4)), CPU)
    with caplog.at_level("WARNING", "animeds"):
        vectors = greedy([picture(20, 20, seed) for seed in range(10)])
    assert "greedy.onnx: out of memory, continuing with batches of 4" in caplog.text
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.ones(10), atol=1e-5)
    with pytest.raises(ModelError, match=r"vast\.onnx: not enough memory for one picture"):
        Embedder(files("tiny-character", greedy_embedder(tmp_path / "vast.onnx", fits=0)), CPU)


@pytest.mark.parametrize(
    ("names", "told"),
    [("{0: 'eye'}", "detects eye;"), ("{0: 'eye', 1: 'nose', 2: 'mouth'}", "detects eye, nose, mouth;")],
)
def test_a_detector_of_other_things_is_refused_by_name(tmp_path: Path, names: str, told: str) -> None:
    made = detector(tmp_path / "model.onnx", np.zeros((4 + names.count(":"), 3), np.float32), names=names)
    with pytest.raises(ModelError, match=f"{told} the entry face-v1.4-s expects face") as error:
        Detector(files("face-v1.4-s", made), CPU)
    assert 'kinds = { "eye" = "eye" }' in str(error.value.hint)


def test_a_class_of_another_name_is_a_face_where_the_entry_says_so(tmp_path: Path) -> None:
    made = detector(tmp_path / "model.onnx", YOLO, names="{0: 'Visage'}")
    output = replace(load_manifest().entry("face-v1.4-s").output, kinds={"visage": "face"})
    assert Detector(files("face-v1.4-s", made, output=output), CPU).kinds == ("face",)

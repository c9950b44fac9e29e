"""`animeds models add`: options, files beside the model, and files that cannot work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_run import Runner
from model_files import YOLO, detector, picture, save, selected_tags, stretch_of
from model_places import only_here
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from animeds_db.errors import ModelError
from animeds_db.models import Detector, Tagger
from animeds_db.models.adding import add_model
from animeds_db.models.files import locate
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runtime import LARGEST_FILE, Device

CPU = Device("cpu", "test")
TAGS = 8


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return only_here(monkeypatch, tmp_path)


@pytest.fixture
def tagger_file(tmp_path: Path) -> Path:
    """A tagger that says what it is fed: NCHW, of free size; its output is the first values of the middle row."""
    folder = tmp_path / "net"
    selected_tags(folder / "selected_tags.csv", TAGS)
    nodes, constants = stretch_of(16 * 32, TAGS, "pixels", "logits")
    return save(
        folder / "mine.onnx", nodes, {"pixels": ["n", 3, "h", "w"]}, {"logits": ["n", TAGS]}, constants
    )


def loaded(name: str) -> Tagger:
    files = locate(load_manifest().entry(name))
    assert files is not None
    return Tagger(files, CPU)


def squashed(image: np.ndarray, size: int) -> np.ndarray:
    """What the network should be fed: stretched, 0…1, (x - 0.5) / 0.25."""
    small = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    values: np.ndarray = ((np.asarray(small).astype(np.float32) / 255 - 0.5) / 0.25).transpose(2, 0, 1)
    return values


def test_options_describe_a_tagger_of_another_kind(
    own: Path, tagger_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    animeds = Runner(capsys, monkeypatch)
    words = (
        "--layout NCHW --size 32x32 --colour RGB --divide 255 --mean 0.5 --std 0.25,0.25,0.25 --fit stretch"
    )
    more = "--activation sigmoid --threshold general=0.4 --threshold character=0.8"
    done = animeds("models", "add", tagger_file, "--like", "wd-swinv2-v3", *words.split(), *more.split())
    assert done.code == 0, done.err
    tagger = loaded("mine")
    assert tagger.entry.thresholds == {"general": 0.4, "character": 0.8}
    image = picture(40, 30)
    wanted = 1 / (1 + np.exp(-squashed(image, 32).ravel()[16 * 32 : 16 * 32 + TAGS]))
    np.testing.assert_allclose(tagger([image])[0], wanted, atol=1e-6)
    one = ("--name", "one", *words.split(), "--activation", "sigmoid", "--threshold", "general=0.4")
    assert animeds("models", "add", tagger_file, "--like", "wd-swinv2-v3", *one).code == 0
    assert loaded("one").entry.thresholds == {"general": 0.4, "character": 0.85}
    for wrong in (
        "--mean=a",
        "--std=1,2",
        "--threshold=general",
        "--size=1x2x3",
        "--size=nan",
        "--size=inf",
        "--size=448.5",
        "--size=0",
    ):
        assert animeds("models", "add", tagger_file, "--like", "wd-swinv2-v3", wrong).code == 2
    refused = animeds("models", "add", tagger_file, "--like", "wd-swinv2-v3", "--name", "b", "--fit", "zoom")
    assert refused.code == 1 and "fit is 'zoom'" in refused.err


def test_files_beside_a_model_say_how_it_works(own: Path, tagger_file: Path) -> None:
    stages = [
        {"type": "resize", "size": [32, 32], "interpolation": "bicubic"},
        {"type": "maybe_to_tensor"},
        {"type": "normalize", "mean": [0.5], "std": [0.25, 0.25, 0.25]},
    ]
    (tagger_file.parent / "preprocess.json").write_text(json.dumps({"stages": stages}))
    (tagger_file.parent / "thresholds.csv").write_text(
        "category,name,threshold\n0,general,0.31\n4,character,0.82\n"
    )
    settings = {"output": {"activation": "sigmoid"}}
    add_model(tagger_file, "wd-swinv2-v3", settings=settings)
    tagger = loaded("mine")
    assert tagger.entry.thresholds == {"general": 0.31, "character": 0.82}
    image = picture(40, 30)
    wanted = 1 / (1 + np.exp(-squashed(image, 32).ravel()[16 * 32 : 16 * 32 + TAGS]))
    np.testing.assert_allclose(tagger([image])[0], wanted, atol=1e-6)
    add_model(
        tagger_file,
        "wd-swinv2-v3",
        name="other",
        settings=settings
        | {"thresholds": {"general": 0.2}, "input": {"layout": "NCHW", "size": 16, "divide": 255}},
    )
    other = loaded("other").entry
    assert other.thresholds == {"general": 0.2, "character": 0.82} and not other.input.steps
    (tagger_file.parent / "preprocess.json").write_text('{"steps": []}')
    with pytest.raises(ModelError, match="are prepared: it has no list of steps"):
        add_model(tagger_file, "wd-swinv2-v3", name="third", settings=settings)
    (tagger_file.parent / "preprocess.json").unlink()
    with pytest.raises(ModelError, match="a model like pixai-v0.9 needs a preprocess file"):
        add_model(tagger_file, "pixai-v0.9", name="third")
    (tagger_file.parent / "preprocess.json").write_text('{"stages": [{"type": "solarize"}]}')
    with pytest.raises(ModelError, match='the step "solarize" is not supported'):
        add_model(tagger_file, "wd-swinv2-v3", name="third", settings=settings)


def test_a_detector_of_eyes_is_added_with_its_kind_and_refused_without(own: Path, tmp_path: Path) -> None:
    file = detector(tmp_path / "eyes.onnx", YOLO, names="{0: 'Eye'}")
    with pytest.raises(ModelError, match="detects Eye; the entry eyes expects face") as error:
        add_model(file, "face-v1.4-s")
    assert "--kind Eye=eye" in str(error.value.hint)
    add_model(file, "face-v1.4-s", settings={"output": {"kinds": {"Eye": "eye"}}})
    files = locate(load_manifest().entry("eyes"))
    assert files is not None and Detector(files, CPU).kinds == ("eye",)


def network(path: Path, operator: str = "MatMul", **external: str) -> Path:
    """A tagger of one matrix product, whose weights may be in another file (`location`)."""
    weights = numpy_helper.from_array(np.full((192, 4), 0.001, np.float32), "w")
    shape = numpy_helper.from_array(np.array([0, -1], np.int64), "shape")
    if external:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        for key, value in {**external, "offset": "0", "length": str(192 * 4 * 4)}.items():
            entry = weights.external_data.add()
            entry.key, entry.value = key, value
    nodes = [
        helper.make_node("Reshape", ["input", "shape"], ["flat"]),
        helper.make_node(operator, ["flat", "w"], ["output"]),
    ]
    sides: dict[str, Any] = {"input": ["n", 3, 8, 8], "output": ["n", 4]}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in sides.items()
    }
    graph = helper.make_graph(nodes, "made", [values["input"]], [values["output"]], [weights, shape])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.SerializeToString())
    selected_tags(path.parent / "selected_tags.csv", 4)
    return path


HOW = {"input": {"layout": "NCHW", "divide": 255.0}}


def test_a_model_with_its_weights_beside_it_is_added_and_its_weights_are_checked(
    own: Path, tmp_path: Path
) -> None:
    file = network(tmp_path / "net" / "big.onnx", location="big.onnx.data")
    np.full((192, 4), 0.001, np.float32).tofile(tmp_path / "net" / "big.onnx.data")
    add_model(file, "wd-swinv2-v3", settings=HOW)
    assert loaded("big")([picture(9, 9)]).shape == (1, 4)
    np.full((192, 4), 0.002, np.float32).tofile(tmp_path / "net" / "big.onnx.data")
    with pytest.raises(ModelError, match=r"big\.onnx\.data has changed since it was added"):
        loaded("big")


@pytest.mark.parametrize(
    ("made", "message", "hint"),
    [
        ({"operator": "FancyPool"}, "uses the operator FancyPool", "custom operators"),
        (
            {"location": "gone.bin"},
            r"keeps its weights in the file .*gone\.bin, which does not exist",
            "beside",
        ),
        ({"location": "../outside.bin"}, "keeps its weights in a file outside its own folder", "beside it"),
    ],
)
def test_a_model_that_cannot_run_is_refused_with_the_reason(
    own: Path, tmp_path: Path, made: dict[str, Any], message: str, hint: str
) -> None:
    (tmp_path / "outside.bin").write_bytes(bytes(192 * 4 * 4))
    file = network(tmp_path / "net" / "big.onnx", **made)
    with pytest.raises(ModelError, match=message) as error:
        add_model(file, "wd-swinv2-v3", settings=HOW)
    assert hint in str(error.value.hint) and not own.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(own: Path, tmp_path: Path) -> None:
    selected_tags(tmp_path / "selected_tags.csv", 4)
    with (tmp_path / "huge.onnx").open("wb") as file:
        file.truncate(10_000_000_000)  # of nothing: it takes no room
    with pytest.raises(ModelError, match=r"huge\.onnx has 10\.0 GB; an ONNX file can have at most 2\.1 GB"):
        add_model(tmp_path / "huge.onnx", "wd-swinv2-v3")
    assert LARGEST_FILE < 10_000_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "input = { size = 64 }\nfiles = { model = 'm', tags = 't', preprocess = 'p' }",
            "files.preprocess and input.size both",
        ),
        ("files = { model = 'm', tag = 't' }", 'there is no role "tag" for a file'),
        ("output = { labels = ['a'] }", "labels are in files.tags and in output.labels"),
        (
            "output = { kinds = { a = 'face' } }",
            "output.kinds is for a detector or segmenter, but this is a tagger",
        ),
        ("input = { fit = 'keep' }", "needs pictures of one size"),
        ("input = { mean = [0.5] }", "input.mean has 1 values"),
        ("input = { std = [1, 0, 1] }", "must not be 0"),
        ("input = { size = 0 }", "sides must be above 0"),
        ("thresholds = { general = 35 }", "the threshold of general is 35"),
        ("sha256 = { model = 'a', weights = 'b' }", "has a checksum of weights, but no such file"),
    ],
)
def test_an_entry_that_contradicts_itself_is_named(own: Path, text: str, message: str) -> None:
    own.write_text(f'[models.x]\nlike = "wd-swinv2-v3"\n{text}\n')
    with pytest.raises(ModelError) as error:
        load_manifest()
    assert message in str(error.value) and 'model "x"' in str(error.value)

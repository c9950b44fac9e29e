"""Files in half precision give what their float32 originals give, near enough, and are models of their own."""

from __future__ import annotations

import re
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from model_files import picture

from animeds_db.models import load_profile
from animeds_db.models.files import Files
from animeds_db.models.runners.embedder import Embedder
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runtime import choose_device

DOCS = Path(__file__).parents[1] / "docs" / "models.md"
CPU = choose_device("cpu")


def halved(files: Files, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Return the files of a model with its ONNX file converted as docs/models.md says."""
    script = next(
        b for b in re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.S) if "float16" in b
    )
    monkeypatch.chdir(folder)
    shutil.copy(files.paths["model"], folder / "model.onnx")
    with warnings.catch_warnings():  # the converter tells each weight that becomes zero
        warnings.simplefilter("ignore")
        exec(compile(script, str(DOCS), "exec"), {})
    half = folder / "model-fp16.onnx"
    assert any(w.data_type == onnx.TensorProto.FLOAT16 for w in onnx.load(half).graph.initializer)
    return replace(files, paths={**files.paths, "model": half})


def test_vectors_and_scores_of_a_converted_file_are_those_of_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = load_profile("tiny", device="cpu")
    assert profile.image is not None and profile.tagger is not None
    pictures = [picture(160, 90, seed) for seed in range(6)]
    vectors = Embedder(halved(profile.image.files, tmp_path, monkeypatch), CPU)(pictures)
    assert vectors.dtype == np.float32
    exact = profile.image(pictures)
    assert (np.vecdot(vectors, exact) > 0.999).all() and not np.array_equal(vectors, exact)
    scores = Tagger(halved(profile.tagger.files, tmp_path, monkeypatch), CPU)(pictures)
    assert np.abs(scores - profile.tagger(pictures)).max() < 0.02

"""A network that returns both tags and vectors runs once for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from model_files import picture, selected_tags, wd_tagger_with_vectors

from animeds_db.models.files import Files
from animeds_db.models.manifest import Output, load_manifest
from animeds_db.models.profile import Models, load_profile
from animeds_db.models.runners.embedder import Embedder, TaggerVectors
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runtime import Device, Network

CPU = Device("cpu", "test")
VECTORS = "core_model/head/flatten"
PICTURES = [picture(100, 80), picture(80, 100, 2)]


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    folder = tmp_path_factory.mktemp("tagger")
    model, _ = wd_tagger_with_vectors(folder / "model.onnx")
    tags = selected_tags(folder / "tags_info.csv", 30)
    entry = load_manifest().entry("wd-swinv2-v3-vectors")
    return Tagger(Files(entry, {"model": model, "tags": tags}, "0" * 40, ""), CPU)


def _embedder(tagger: Tagger, divide: float) -> Embedder:
    """Return an embedder with an entry of its own that reads the tagger's file."""
    entry = replace(
        load_manifest().entry("tiny-image"),
        input=replace(tagger.entry.input, divide=divide),
        output=Output(name=VECTORS),
        width=1024,
    )
    return Embedder(Files(entry, {"model": tagger.files.paths["model"]}, "1" * 40, ""), CPU)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Return a list that gets the names of the outputs of every run."""
    told: list[Sequence[str]] = []
    run = Network.run

    def noted(self: Network, feeds: dict[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
        told.append(outputs)
        return run(self, feeds, outputs)

    monkeypatch.setattr(Network, "run", noted)
    return told


def _gives_the_same_in(count: int, tagger: Tagger, image: Embedder, runs: list[Sequence[str]]) -> np.ndarray:
    """Check that both models together return in so many runs what each returns alone; return the vectors."""
    tags, vectors = tagger(PICTURES), image(PICTURES)
    runs.clear()
    scores, embedded = Models(tagger=tagger, image=image).tags_and_vectors(PICTURES)
    assert len(runs) == count
    assert scores is not None and embedded is not None
    np.testing.assert_array_equal(scores, tags)
    np.testing.assert_array_equal(embedded, vectors)
    return embedded


@pytest.mark.parametrize("length_1", [True, False], ids=["an entry of its own", "the tagger's own entry"])
def test_tags_and_vectors_of_one_network_take_one_run(
    tagger: Tagger, runs: list[Sequence[str]], length_1: bool
) -> None:
    image = _embedder(tagger, tagger.entry.input.divide) if length_1 else TaggerVectors(tagger.files, CPU)
    embedded = _gives_the_same_in(1, tagger, image, runs)
    assert np.allclose(np.linalg.norm(embedded, axis=1), 1) == length_1


def test_a_file_of_two_models_of_a_profile_is_in_memory_once() -> None:
    models = load_profile("tiny", device="cpu")
    assert models.tagger and models.image
    assert models.tagger.id != models.image.id
    assert models.tagger.vision.network is models.image.vision.network


def test_a_network_that_sees_pictures_in_two_ways_runs_twice(
    tagger: Tagger, runs: list[Sequence[str]]
) -> None:
    _gives_the_same_in(2, tagger, _embedder(tagger, 127.5), runs)


def test_a_model_that_is_not_there_has_no_answer(tagger: Tagger) -> None:
    scores, embedded = Models(tagger=tagger).tags_and_vectors(PICTURES)
    assert scores is not None and embedded is None
    assert Models().tags_and_vectors(PICTURES) == (None, None)

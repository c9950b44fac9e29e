"""Classifiers: what they answer, where it is stored, and the views and gates that use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_run import Runner
from model_files import embedder, picture
from model_places import only_here
from rerunning import CPU, copy_of_ingested, files

from animeds_db.dataset import Dataset
from animeds_db.errors import ModelError
from animeds_db.models import Classifier, load_profile
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runners.classifier import percentile_of
from animeds_db.store import Store

RANKED = ("worst", "low", "normal", "good", "great", "best", "masterpiece")


def network(folder: Path, labels: int) -> Path:
    """A network whose scores are input values, to be made probabilities by a softmax."""
    return embedder(folder / "model.onnx", labels, (448, 448))


def aesthetic(folder: Path, labels: tuple[str, ...] = RANKED[::-1], **output: object) -> Classifier:
    """The aesthetic model of the manifest; its file lists the labels from the best to the worst."""
    made = files("anime-aesthetic", "anime-aesthetic", network(folder, len(labels)))
    (folder / "meta.json").write_text(json.dumps({"labels": labels}))
    grid = np.linspace(0, 6, 61)
    np.savez(folder / "samples.npz", np.stack([grid, grid / 6]))
    changes = replace(made.entry.output, **({"activation": "softmax"} | output))  # type: ignore[arg-type]
    return Classifier(replace(made, entry=replace(made.entry, output=changes)), CPU)


def test_labels_with_an_order_give_a_value_a_percentile_and_the_label_at_it(tmp_path: Path) -> None:
    model = aesthetic(tmp_path)
    (probabilities,) = model([picture(30, 40)]).astype(np.float64)
    (answer,) = model.answers([picture(30, 40)])
    wanted = (probabilities * np.arange(6, -1, -1)).sum()  # the outputs are in the other order
    assert answer.value == pytest.approx(wanted, rel=1e-6)
    assert answer.percentile == pytest.approx(wanted / 6, abs=0.02)
    cuts = model.entry.output.cuts
    assert answer.label == max(
        (k for k in cuts if cuts[k] <= (answer.percentile or 0)), key=lambda k: cuts[k]
    )
    assert answer.score == pytest.approx(probabilities.max(), rel=1e-6)
    assert list(answer.scores) == sorted(answer.scores, reverse=True) and sum(answer.scores) == pytest.approx(
        1
    )
    assert dict(zip(answer.labels, answer.scores, strict=True))["best"] == pytest.approx(probabilities[1])


def test_a_percentile_lies_between_those_of_the_samples_around_a_value() -> None:
    samples = np.array([[0.0, 1.0, 3.0, 3.0], [0.1, 0.2, 0.8, 0.9]])
    assert percentile_of(-5, samples) == pytest.approx(0.1)
    assert percentile_of(1.0, samples) == pytest.approx(0.2)
    assert percentile_of(9.0, samples) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("labels", "output", "message"),
    [
        (RANKED[:5], {}, "its entry ranks worst, low"),
        (RANKED, {"activation": "none"}, 'activation = "softmax"'),
    ],
)
def test_what_is_not_that_classifier_is_refused(
    tmp_path: Path, labels: tuple[str, ...], output: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError) as error:
        aesthetic(tmp_path, labels, **output)
    assert message in str(error.value)


def test_damaged_samples_and_labels_are_named(tmp_path: Path) -> None:
    model = aesthetic(tmp_path)
    (tmp_path / "samples.npz").write_bytes(b"no")
    with pytest.raises(ModelError, match=r"cannot read the samples in .*samples\.npz"):
        Classifier(model.files, CPU)
    (tmp_path / "meta.json").write_text("[]")
    with pytest.raises(ModelError, match=r"meta\.json does not list labels"):
        Classifier(model.files, CPU)


@pytest.fixture
def animeds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Runner]:
    """The commands, over a database of two clips, with a classifier of styles and one of ratings."""
    own = only_here(monkeypatch, tmp_path)
    store = copy_of_ingested(tmp_path / "show.animeds")
    network(tmp_path, 3)
    (tmp_path / "meta.json").write_text('{"labels": ["comic", "bangumi", "3d"]}')
    shared = 'files = { model = "model.onnx", labels = "meta.json" }\n'
    own.write_text(
        f'[models.styles]\nlike = "anime-style"\n{shared}output = {{ activation = "softmax" }}\n'
        f'[models.ages]\nlike = "anime-style"\n{shared}output = {{ activation = "softmax", about = "style_age" }}\n'
    )
    monkeypatch.setenv("ANIMEDS_DB", store.uri)
    yield Runner(capsys, monkeypatch)


def test_frames_are_classified_once_asked_for_gated_and_dropped(animeds: Runner, tmp_path: Path) -> None:
    done = animeds("classify-frames", "--model", "styles", "--device", "cpu")
    assert done.code == 0 and "styles: 16 frames processed in 2 sources" in done.err
    assert "skipped" in animeds("classify-frames", "--model", "styles", "--device", "cpu").err
    assert (
        animeds("classify-frames", "--model", "ages", "--where", "ordinal < 2", "--device", "cpu").code == 0
    )
    refused = animeds("classify-frames", "--model", "wd-swinv2-v3", "--device", "cpu")
    assert refused.code == 1 and "not classifier" in refused.err
    with Dataset(Store.open(str(tmp_path / "show.animeds"))) as dataset:
        rows = dataset.sql("SELECT label, score, all_scores, value FROM classifications").fetchall()
        assert len(rows) == 20 and all(scores[label] == score for label, score, scores, _ in rows)
        assert {value for *_, value in rows} == {None}
        [(n, n_ages)] = dataset.sql("SELECT count(style), count(style_age) FROM frame_classes").fetchall()
        assert (n, n_ages) == (16, 4)
        [(style,)] = dataset.sql("SELECT mode(style) FROM frame_classes").fetchall()
        asked = "SELECT count(*) FROM gates(unwanted := ['style:{}'], {}) WHERE gate = 'class'"
        loose = "min_height := 0, min_sharpness := 0, max_text := 1, max_border := 1, min_brightness := 0"
        [(n_gated,)] = dataset.sql(asked.format(style, loose)).fetchall()
        [(n_blank,)] = dataset.sql("SELECT count(*) FROM frames WHERE is_blank").fetchall()
        [(n_style,)] = dataset.sql(f"SELECT count(*) FROM frame_classes WHERE style = '{style}'").fetchall()
        assert 0 < n_style - n_blank <= n_gated <= n_style
        assert dataset.drop_model("styles") == 16
        assert dataset.sql("SELECT count(*) FROM classifications").fetchall() == [(4,)]


def test_every_classifier_of_the_manifest_says_what_it_decides() -> None:
    about = {e.name: e.output.about for e in load_manifest().entries.values() if e.task == "classifier"}
    assert {"style", "rating", "portrait", "real", "ai", "monochrome", "completeness", "aesthetic"} <= set(
        about.values()
    )
    assert None not in about.values()


def test_a_classifier_given_as_a_tagger_is_refused_with_its_command() -> None:
    with pytest.raises(
        ModelError, match="anime-aesthetic is a model for the task classifier, not tagger"
    ) as error:
        load_profile("none", overrides={"tagger": "anime-aesthetic"}, device="cpu")
    assert "animeds classify-frames" in str(error.value.hint)

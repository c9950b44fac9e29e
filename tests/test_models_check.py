"""animeds models check: does a model see what is on ten drawn pictures?"""

from __future__ import annotations

from pathlib import Path

import model_files
import pytest
from cli_run import Runner

from animeds_db.errors import ModelError
from animeds_db.models.adding import add_model
from animeds_db.models.checking import check_model

PACK = ("tiny-tagger", "tiny-face", "tiny-character", "tiny-image", "tiny-text", "tiny-mask")
WRONG = """
[models.swapped]
like = "tiny-tagger"
input = { colour = "RGB" }

[models.unscaled]
like = "tiny-face"
input = { divide = 1.0 }

[models.mirrored]
like = "tiny-image"
input = { colour = "RGB" }
"""


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries with a wrong pre-processing: they run, and their answers are wrong."""
    (tmp_path / "models.toml").write_text(WRONG)
    monkeypatch.setenv("ANIMEDS_MODELS", str(tmp_path / "models.toml"))


@pytest.mark.parametrize("name", PACK)
def test_the_tiny_pack_sees_what_is_on_the_pictures(name: str) -> None:
    checked = check_model(name, device="cpu")
    assert checked.is_plausible and checked.summary == f"{name} sees what is on the pictures."
    assert all(finding.is_plausible for finding in checked.findings)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("swapped", 'With input = { colour = "BGR" } in its manifest entry it would.'),
        ("unscaled", "With input = { divide = 255.0"),
        ("mirrored", 'With input = { colour = "BGR" } in its manifest entry it would.'),
    ],
)
@pytest.mark.usefixtures("wrong")
def test_a_wrong_preprocessing_is_found_and_the_right_one_named(name: str, hint: str) -> None:
    checked = check_model(name, device="cpu")
    assert not checked.is_plausible
    assert checked.summary.startswith(f"{name} does not see what is on the pictures. {hint}")


@pytest.mark.usefixtures("wrong")
def test_a_model_of_noise_is_not_plausible_with_any_preprocessing(tmp_path: Path) -> None:
    model_files.wd_tagger(tmp_path / "noise.onnx", tags=30, size=64)
    tags = model_files.selected_tags(tmp_path / "selected_tags.csv", 30)
    tags.write_text(tags.read_text("utf-8").replace("tag_4,", "1girl,"), "utf-8")
    add_model(tmp_path / "noise.onnx", "wd-swinv2-v3", name="noise")
    checked = check_model("noise", device="cpu")
    assert not checked.is_plausible and checked.hint is None and "model card" in checked.summary


@pytest.mark.usefixtures("wrong")
def test_the_command_prints_a_table_and_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    animeds = Runner(capsys, monkeypatch)
    fine = animeds("models", "check", "tiny-tagger", "--format", "json")
    assert fine.code == 0 and '"6 of 6"' in fine.out
    assert "tiny-tagger sees what is on the pictures." in fine.err
    bad = animeds("models", "check", "swapped")
    assert bad.code == 1 and "not plausible" in bad.out and 'colour = "BGR"' in bad.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wd-swinv2-v3", "wd-swinv2-v3 is not on this disk"),
        ("ollama-qwen3-vl", "not an ONNX file"),
        ("nothing", 'there is no model "nothing"'),
    ],
)
def test_a_model_that_cannot_be_checked_is_refused(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEDS_DATA", str(tmp_path))
    with pytest.raises(ModelError, match=message):
        check_model(name, device="cpu")

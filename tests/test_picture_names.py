"""Names on pictures without a face of their own: fan art whose sidecars say who is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_run import Ran, Runner
from PIL import Image

Run = Callable[..., Ran]

SIDECARS = {
    "alone.png.tags": "character: aoba kokona\ngeneral: 1girl, smile",
    "both.tag": "character: aoba kokona, O'Rin Ünï\ngeneral: 2girls",
    "nobody.tags": "general: scenery",
}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line, after `ingest` of three pictures of which two have names beside them."""
    folder = tmp_path / "art"
    folder.mkdir()
    for number, name in enumerate(("alone", "both", "nobody")):
        Image.new("RGB", (32, 24), (60 * number, 90, 200)).save(folder / f"{name}.png")
    for name, text in SIDECARS.items():
        (folder / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    runner = Runner(capsys, monkeypatch)

    def done(*words: object) -> Ran:
        ran = runner(*words)
        assert ran.code == 0, ran.err
        return ran

    done("ingest", folder, "--profile", "none", "--image-type", "fanart", "--show", "Show")
    return done


def exported(run: Run, out: Path, *words: str) -> dict[str, str]:
    """Export everything, and return path → caption of each picture."""
    run("export", "--sql", "SELECT frame_id FROM frames", out, "--arrange", "n_characters/character", *words)
    return {
        path.relative_to(out).with_suffix("").as_posix(): path.with_suffix(".txt").read_text("utf-8").strip()
        for path in out.rglob("*.png")
    }


def test_names_reach_folders_and_captions_as_they_are_written(run: Run, tmp_path: Path) -> None:
    found = exported(run, tmp_path / "out", "--captions", "screenshot-pipeline")
    folders = sorted(path.rpartition("/")[0] for path in found)
    assert folders == [
        "0_characters/character_others",
        "1_character/aoba kokona",
        "2_characters/O'Rin Ünï+aoba kokona",
    ]
    captions = {path.rpartition("/")[0]: caption for path, caption in found.items()}
    both = captions["2_characters/O'Rin Ünï+aoba kokona"]
    assert both.count("aoba kokona") == 1 and both.count("O'Rin Ünï") == 1


@pytest.mark.parametrize("old", ["aoba kokona", "aoba_kokona"])
def test_renames_match_a_name_with_spaces_or_underscores(run: Run, tmp_path: Path, old: str) -> None:
    (tmp_path / "names.csv").write_text(f"{old},AobaKokona\nO'Rin_Ünï,Orin\n", "utf-8")
    renamed = run("characters", "rename", "--csv", tmp_path / "names.csv")
    assert "there is no character" not in renamed.err
    found = exported(run, tmp_path / "out", "--captions", "screenshot-pipeline")
    assert sorted(path.rpartition("/")[0] for path in found) == [
        "0_characters/character_others",
        "1_character/AobaKokona",
        "2_characters/AobaKokona+Orin",
    ]
    assert not any("aoba kokona" in caption for caption in found.values())


def test_a_rename_can_change_only_the_form_of_a_name(run: Run) -> None:
    run("characters", "rename", "aoba_kokona", "aoba_kokona_2")
    run("characters", "rename", "aoba_kokona_2", "aoba kokona")
    rows = run(
        "sql", "SELECT DISTINCT character FROM frame_characters WHERE n_characters = 1", "--format", "csv"
    )
    assert rows.out.splitlines()[1:] == ["aoba kokona"]


def test_a_name_that_a_person_takes_away_is_gone_from_the_picture(run: Run) -> None:
    run("label", "tag", "-aoba_kokona", "--where", "has_tag(tags, 'O''Rin_Ünï')")
    rows = run("sql", "SELECT character FROM frame_characters ORDER BY frame_id", "--format", "csv")
    assert sorted(rows.out.splitlines()[1:]) == ['""', "O'Rin Ünï", "aoba kokona"]


def test_a_crop_of_one_face_does_not_get_the_names_of_the_whole_picture(run: Run) -> None:
    sql = """SELECT d.characters FROM described('cropped') AS d"""
    box = "[0.1, 0.1, 0.5, 0.5]"
    selection = f"SELECT frame_id AS picture, frame_id, {box} AS crop, 'face' AS crop_kind FROM frames"
    rows = run("sql", f"WITH cropped AS ({selection}) {sql}", "--format", "csv")
    assert set(rows.out.splitlines()[1:]) == {"[]"}

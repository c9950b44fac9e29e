"""Few-shot examples: what folders say, which pictures will do, faces, tags; adding twice, removing, looking anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from castings import Face, around, face_id, faces_of, give_examples, portrait, tiny, tiny_database
from cli_run import Runner
from PIL import Image

from animeds_db.dataset import Dataset
from animeds_db.errors import ModelError, QueryError, SourceError, StoreError, UsageError
from animeds_db.models import Box
from animeds_db.models.runners.crops import head_crop
from animeds_db.steps.characters.folders import checked_name, name_notes, read_folder, summary
from animeds_db.steps.characters.pictures import heads


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(capsys, monkeypatch)


def touch(folder: Path, *files: str) -> Path:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["Nanoha/1.png", "Nanoha/2.JPG"], [("Nanoha", "", 2)]),
        (["Nanoha/Swimsuit/1.png", "Nanoha/1.png"], [("Nanoha", "", 1), ("Nanoha", "Swimsuit", 1)]),
        (["Nanoha/Swimsuit/Wet/1.png"], [("Nanoha", "Swimsuit Wet", 1)]),
        (["KuraueHinata Hairdown/1.png"], [("KuraueHinata", "Hairdown", 1)]),
        (["Takamachi Nanoha/1.png", "Takamachi Yuki/1.png"], [("Takamachi Nanoha", "", 1), ("Takamachi Yuki", "", 1)]),
        (["Aoi Kan/1.png", "Aoi Kan Young/1.png"], [("Aoi Kan", "", 1), ("Aoi Kan", "Young", 1)]),
        (["1_Nanoha/1.png", "20_Fate/1.png"], [("Fate", "", 1), ("Nanoha", "", 1)]),
        (["class1/1.png", "ood/1.png", "noise_crowd/1.png"], [("class1", "", 1), ("ood", "", 2)]),
        (["Nanoha_1.png", "Nanoha_2.png", "Fate.webp"], [("Fate", "", 1), ("Nanoha", "", 2)]),
        (["Nanoha/1.png", "Nanoha/1.txt", ".thumbs/1.png", "Nanoha/.hidden.png"], [("Nanoha", "", 1)]),
    ],
)  # fmt: skip
def test_paths_tell_who_is_on_a_picture(
    tmp_path: Path, files: list[str], told: list[tuple[str, str, int]]
) -> None:
    rows = summary(read_folder(touch(tmp_path, *files)))
    assert [(row["character"], row["appearance"], row["pictures"]) for row in rows] == told


def test_a_known_character_claims_the_folder_of_its_appearance(tmp_path: Path) -> None:
    touch(tmp_path, "Hinata Hairdown/1.png")
    assert read_folder(tmp_path)[0].character == "Hinata Hairdown"
    told = read_folder(tmp_path, known=["Hinata"])[0]
    assert (told.character, told.appearance) == ("Hinata", "Hairdown")


def test_folders_that_say_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a folder"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="no pictures"):
        read_folder(touch(tmp_path / "texts", "Nanoha/1.txt"))
    with pytest.raises(UsageError, match=r"0001\.png does not name a character") as error:
        read_folder(touch(tmp_path / "flat", "0001.png"))
    assert "--from" in str(error.value.hint)
    with pytest.raises(UsageError, match="cannot be the name of a character"):
        read_folder(touch(tmp_path / "reserved", "Unknown/1.png"))


def test_names_that_are_no_file_names_are_fine_and_told() -> None:
    assert checked_name("  Re:Zero   Rem ") == "Re:Zero Rem"
    assert name_notes(["Re:Zero Rem", "Nanoha"]) == [
        '"Re:Zero Rem" cannot be the name of a file everywhere: exported folders will say Re_Zero Rem'
    ]
    with pytest.raises(UsageError, match="no name"):
        checked_name("  ")


def box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box("face", left, top, right, bottom, 0.9)


def test_which_face_of_a_picture_is_meant() -> None:
    wide, square = np.zeros((180, 320, 3), np.uint8), np.zeros((128, 128, 3), np.uint8)
    large, small, like = box(0.1, 0.1, 0.4, 0.7), box(0.6, 0.3, 0.7, 0.5), box(0.6, 0.1, 0.9, 0.7)
    assert np.shares_memory(heads(wide, [large])[0][0], head_crop(wide, large))
    crops, note = heads(wide, [small, large])
    assert (len(crops), note) == (1, "2 faces found; the largest is used")
    assert crops[0].shape == head_crop(wide, large).shape
    assert heads(wide, [large, like])[0] == []
    assert "of similar size; left out" in str(heads(wide, [large, like])[1])
    assert len(heads(wide, [large, like], every=True)[0]) == 2
    assert heads(wide, [large, replace(like, score=0.3)])[1] is None  # a doubt of the detector does not count
    assert heads(square, [])[0][0] is square
    assert heads(wide, [])[0] == []
    assert heads(np.zeros((900, 900, 3), np.uint8), [])[0] == []


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of examples as a person has it: two characters, a crowd, an empty landscape, a broken file."""
    folder = tmp_path_factory.mktemp("examples")
    for name, people in {
        "Akari/1.png": (0,),
        "Akari/hairdown/2.png": (4,),
        "Mio/1.png": (1,),
        "Mio/two.png": (1, 2),
        "ood/crowd.png": (5, 6),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        portrait(*people).save(folder / name)
    Image.new("RGB", (320, 180), (90, 160, 220)).save(folder / "Mio" / "sky.png")
    (folder / "Mio" / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[Dataset]:
    with tiny_database(tmp_path_factory.mktemp("looked")) as ds:
        ds.characters.add_folder(drawn)
        yield ds


def examples(ds: Dataset) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ds.store.table("examples").to_table().to_pylist()
    return rows


def test_heads_are_cut_out_of_pictures_and_embedded(looked_at: Dataset, drawn: Path) -> None:
    rows = [(row["character"], row["appearance"], Path(str(row["uri"])).name) for row in examples(looked_at)]
    assert {("Akari", None, "1.png"), ("Akari", "hairdown", "2.png"), ("Mio", None, "1.png")} <= set(rows)
    assert rows.count(("ood", None, "crowd.png")) == 2  # every face is a negative
    for row in examples(looked_at):
        assert np.linalg.norm(np.array(row["vector"])) == pytest.approx(1, abs=1e-4)
        assert row["vector_model"] == tiny().character.id  # type: ignore[union-attr]
        assert bytes(row["webp"])[8:12] == b"WEBP"


def test_adding_twice_is_harmless_and_what_is_left_out_is_told_by_file(
    looked_at: Dataset, drawn: Path
) -> None:
    before = looked_at.store.version("examples")
    again = looked_at.characters.add_folder(drawn)
    assert again.new == 0
    assert again.known == 4
    assert looked_at.store.version("examples") == before
    told = "\n".join(again.notes)
    assert f"{drawn / 'Mio' / 'sky.png'}: no face found; left out" in told
    assert f"{drawn / 'Mio' / 'two.png'}: 2 faces of similar size; left out" in told
    assert f"{drawn / 'Mio' / 'broken.png'}: cannot be read as a picture" in told
    assert again.left_out == 3


def test_the_same_picture_under_two_names_is_an_error_naming_both(
    looked_at: Dataset, drawn: Path, tmp_path: Path
) -> None:
    picture = (drawn / "Akari" / "1.png").read_bytes()
    for name in ("Rin/1.png", "Emi/2.png"):
        touch(tmp_path / "twice", name).joinpath(name).write_bytes(picture)
    with pytest.raises(UsageError, match=r"2\.png \(Emi\) and .*1\.png \(Rin\) are the same picture"):
        looked_at.characters.add_folder(tmp_path / "twice")
    with pytest.raises(UsageError, match=r"2\.png is already an example of Akari") as error:
        looked_at.characters.add_pictures("Emi", [tmp_path / "twice" / "Emi"])
    assert 'animeds characters remove "Akari"' in str(error.value.hint)


def test_examples_of_another_model_are_looked_at_anew_by_their_picture(
    tmp_path: Path, drawn: Path, run: Runner
) -> None:
    with tiny_database(tmp_path) as ds:
        ds.characters.add_folder(drawn / "Akari" / "..")
        rows = ds.store.table("examples").to_table().to_pylist()
        wrong = np.roll(np.array(rows[0]["vector"], np.float32), 1)
        other = [row | {"vector": wrong, "vector_model": "other@1"} for row in rows]
        other[0]["webp"] = None
        ds.store.replace("examples", pa.Table.from_pylist(other, schema=ds.store.schema("examples").schema))
        ran = run("characters", "embed", "--db", ds.uri)
        assert f"{len(rows) - 1} examples embedded again" in ran.err
        assert f"note: {rows[0]['example_id']} has no stored picture" in ran.err
        now = {row["example_id"]: row for row in examples(ds)}
        for row in rows[1:]:  # the kept crop is smaller and lossy: nearly the same vector
            assert np.dot(now[row["example_id"]]["vector"], row["vector"]) > 0.9


ASIDE = (0.0, 0.2, 0.2, 0.5)


@pytest.fixture
def faces(tmp_path: Path) -> Iterator[Dataset]:
    """Two shots with Akari alone, one with her and another, a head, and a face without a vector."""
    akari, mio = Face(around(0, 0)), Face(around(1, 0), ASIDE)
    head = Face(None, (0.35, 0.1, 0.65, 0.6), "head")
    tags = [{"akari": 95}, {"akari": 90}, {"akari": 99}, {"akari": 99}, {"akari": 50}, {}]
    frames = [[akari, head], [akari], [akari, mio], [Face(None)], [akari], [akari]]
    with faces_of(tmp_path, frames, shots=[0, 0, 1, 2, 3, 4], tags=tags) as ds:
        yield ds


def test_faces_of_the_database_become_examples_once(faces: Dataset, run: Runner) -> None:
    ids = f"{face_id(0)},{face_id(1)}"
    ran = run(
        "characters",
        "add",
        "Akari",
        "--face",
        ids,
        "--face",
        face_id(0),
        "--appearance",
        "School",
        "--db",
        faces.uri,
    )
    assert (ran.code, "2 examples added" in ran.err) == (0, True)
    again = faces.characters.add_faces("Akari", [face_id(0)])
    assert (again.new, again.known) == (0, 1)
    row = examples(faces)[0]
    assert (row["origin"], row["appearance"], row["face_id"]) == ("face", "School", face_id(0))
    assert row["vector"] == pytest.approx(around(0, 0).tolist())
    with pytest.raises(
        UsageError, match=r"is already an example of Akari, so it cannot be an example of Mio"
    ):
        faces.characters.add_faces("Mio", [face_id(1)])


def test_what_is_no_face_cannot_be_an_example(faces: Dataset) -> None:
    with pytest.raises(QueryError, match="There is no face nonsense"):
        faces.characters.add_faces("Akari", ["nonsense"])
    with pytest.raises(UsageError, match="is a head, not a face"):
        faces.characters.add_faces("Akari", [face_id(0, 1, "h")])
    with pytest.raises(StoreError, match="has no character vector"):
        faces.characters.add_faces("Akari", [face_id(3)])


def test_a_tag_gives_lone_faces_of_many_shots(faces: Dataset, run: Runner) -> None:
    ran = run(
        "characters", "add", "Akari", "--tag", "akari", "--min-score", "0.4", "--most", "2", "--db", faces.uri
    )
    assert ran.code == 0
    assert [row["face_id"] for row in examples(faces)] == [face_id(0), face_id(4)]  # one of each shot first
    assert examples(faces)[0]["origin"] == "tag"
    ran = run("characters", "add", "Akari", "--tag", "akarin", "--db", faces.uri)
    assert 'No tagger of this database knows "akarin"' in ran.err
    assert 'did you mean "akari"?' in ran.err
    ran = run("characters", "add", "Akari", "--tag", "akari", "--min-score", "0.97", "--db", faces.uri)
    assert "No frame with a single face has the tag" in ran.err


def test_examples_are_listed_and_removed(faces: Dataset, run: Runner) -> None:
    give_examples(
        faces, ("a", "Akari", around(0, 1)), ("b", "Akari/Hairdown", around(0, 2)), ("o", "ood", around(5, 1))
    )
    faces.label("character", "set", "Mio", [face_id(2, 1)])
    faces.rename_characters({"Akari": "Akari K."})
    ran = run("characters", "list", "--db", faces.uri, "--format", "json")
    rows = [(row["character"], row["appearance"], row["examples"]) for row in json.loads(ran.out)]
    assert rows == [("Akari K.", None, 1), ("Akari K.", "Hairdown", 1), ("Mio", None, 1), ("ood", None, 1)]
    assert faces.characters.remove("Akari K.", appearance="Hairdown") == 1
    assert "1 example deleted" in run("characters", "remove", "--example", "o", "--db", faces.uri).err
    assert [row["example_id"] for row in examples(faces)] == ["a"]
    assert 'did you mean "Akari K."?' in run("characters", "remove", "Akari", "--db", faces.uri).err
    assert run("characters", "remove", "--db", faces.uri).code == 2


def test_a_wrong_way_of_adding_is_told(faces: Dataset, run: Runner, tmp_path: Path) -> None:
    ran = run("characters", "add", "Akari", "--db", faces.uri)
    assert (ran.code, "Akari is not a folder" in ran.err) == (2, True)
    assert "--face ID" in ran.err
    ran = run("characters", "add", "Akari", "--tag", "akari", "--face", face_id(0), "--db", faces.uri)
    assert (ran.code, "one of --face, --tag and --from" in ran.err) == (2, True)
    ran = run("characters", "add", tmp_path, "--appearance", "x", "--db", faces.uri)
    assert (ran.code, "--appearance cannot be used with a folder of characters" in ran.err) == (2, True)


def test_a_detector_that_is_not_here_is_told(faces: Dataset, tmp_path: Path) -> None:
    portrait(0).save(tmp_path / "Akari_1.png")
    with pytest.raises(ModelError):  # the faces are of finder@1, which no manifest knows
        faces.characters.add_pictures("Akari", [tmp_path / "Akari_1.png"])

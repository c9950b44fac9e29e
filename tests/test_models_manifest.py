"""The manifest, profiles, and a user's own models: listed, added, verified, removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_files import YOLO, detector, embedder, picture, selected_tags, wd_tagger
from model_places import only_here

from animeds_db.errors import ModelError
from animeds_db.models import Models, load_profile
from animeds_db.models.adding import add_model
from animeds_db.models.catalogue import list_models, pull_models, remove_model, verify_models
from animeds_db.models.manifest import SHIPPED, load_manifest, read_toml


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the user's manifest; it does not exist yet."""
    return only_here(monkeypatch, tmp_path)


@pytest.fixture
def tagger_file(tmp_path: Path) -> Path:
    selected_tags(tmp_path / "mine" / "selected_tags.csv", 40)
    return wd_tagger(tmp_path / "mine" / "my-tagger.onnx", 40, 64)


def test_every_shipped_entry_says_what_people_need_to_know(own: Path) -> None:
    manifest = load_manifest()
    for entry in manifest.entries.values():
        assert entry.title and entry.licence, entry.name
        if entry.task in ("character", "image", "text"):
            assert entry.width, entry.name
        if entry.origin_kind == "hub":
            assert entry.source.startswith("https://huggingface.co/" + str(entry.repo)), entry.name
        for other in (entry.text, entry.metric):
            assert other is None or other in manifest.entries, entry.name
        if entry.text:
            assert manifest.entry(entry.text).width == entry.width, entry.name


def test_profiles_name_models_of_the_right_task(own: Path) -> None:
    manifest = load_manifest()
    assert set(manifest.profiles) == {"anime", "tiny"}
    for profile in manifest.profiles.values():
        assert manifest.entry(str(profile.tagger)).task == "tagger"
        assert {manifest.entry(name).task for name in profile.detectors} == {"detector"}
        assert manifest.entry(str(profile.character)).task == "character"
        assert manifest.entry(str(profile.image)).task == "image"


def test_like_inherits_what_is_not_said_and_drops_checksums_of_other_files(own: Path) -> None:
    own.write_text(
        '[models.mine]\nlike = "face-v1.4-s"\nfiles = { model = "mine.onnx" }\ninput = { size = 512 }\n'
        '[models.pinned]\nlike = "wd-swinv2-v3"\nrevision = "abc"\nsha256 = { model = "00" }\n'
        '[models.derived]\nlike = "pinned"\nfiles = { model = "d.onnx", tags = "t.csv" }\n',
        "utf-8",
    )
    manifest = load_manifest()
    mine = manifest.entry("mine")
    assert (mine.repo, mine.folder, mine.size_mb) == (None, own.parent, None)
    assert mine.input.size == (512, 512) and mine.input.name == "images"
    assert mine.thresholds == {"conf": 0.25, "iou": 0.7}
    pinned, derived = manifest.entry("pinned"), manifest.entry("derived")
    assert pinned.repo == "SmilingWolf/wd-swinv2-tagger-v3" and pinned.sha256 == {"model": "00"}
    assert derived.repo is None and derived.sha256 == {} and derived.input.colour == "BGR"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models = [", r"cannot read the manifest .*models\.toml"),
        ("[model.x]\n", r'models\.toml has an unknown key "model"'),
        ("[models.x]\ntask = 'tager'\nfiles = { model = 'm' }\n", r"model \"x\": task is 'tager'"),
        ("[models.x]\ntask = 'tagger'\n", r'model "x" names no file'),
        ("[models.x]\nlike = 'wd-swinv2-v3'\nwidht = 3\n", r'model "x" has an unknown key "widht"'),
        ("[models.x]\nlike = 'y'\n", r'model "x" is like "y", which is not in the manifest'),
        ("[models.x]\nlike = 'x'\n", r'model "x" is like "x", which is itself'),
        ("[models.x]\nlike = 'clip-vit-b32'\ninput = { fit = 'zoom' }\n", r"input: fit is 'zoom'"),
        ("[models.x]\nlike = 'clip-vit-b32'\ninput = { colours = 'RGB' }\n", r'unknown key "colours"'),
        ("[models.tiny-face]\ntask = 'detector'\n", r'"tiny-face" already exists in .*manifest\.toml'),
        ("[profiles.p]\ntager = 'x'\n", r'profile "p" has an unknown key "tager"'),
    ],
)
def test_mistakes_in_a_manifest_are_named_with_file_and_entry(own: Path, text: str, message: str) -> None:
    own.write_text(text, "utf-8")
    with pytest.raises(ModelError, match=message):
        load_manifest()


def test_an_added_model_works_like_its_pattern_and_stays_where_it_lies(own: Path, tagger_file: Path) -> None:
    row = add_model(tagger_file, "wd-swinv2-v3")
    assert row["name"] == "my-tagger" and row["state"] == "here" and row["where"] == str(tagger_file)
    models = load_profile("none", overrides={"tagger": "my-tagger"}, device="cpu")
    assert models.tagger is not None
    assert models.tagger([picture(30, 20)]).shape == (1, 40)
    (record,) = models.records()
    assert record["name"] == "my-tagger" and record["repo"] == "file"
    assert record["model_id"] == f"my-tagger@{str(record['sha256'])[:8]}"


def test_an_added_model_can_differ_from_its_pattern(own: Path, tmp_path: Path) -> None:
    file = detector(tmp_path / "faces" / "model.onnx", YOLO)
    settings = {"input": {"fit": "keep", "size": [320, 640]}, "thresholds": {"conf": 0.7, "iou": 0.5}}
    add_model(file, "face-v1.4-s", name="my.faces", settings=settings)
    entry = load_manifest().entry("my.faces")
    assert entry.input.fit == "keep" and entry.input.size == (320, 640) and entry.input.name == "images"
    assert entry.thresholds == {"conf": 0.7, "iou": 0.5}
    (found,) = load_profile("none", overrides={"detector": "my.faces"}, device="cpu").detectors
    assert [box.score for box in found([picture(1280, 640)])[0]] == pytest.approx([0.9])


def test_adding_keeps_what_the_user_wrote_and_removing_takes_only_that_entry(
    own: Path, tagger_file: Path
) -> None:
    before = '# mine\n[profiles.mine]\ntagger = "my-tagger" # soon\n\n[models.kept]\nlike = "face-v1.4-n"\n'
    own.write_text(before, "utf-8")
    add_model(tagger_file, "wd-swinv2-v3")
    add_model(tagger_file, "wd-swinv2-v3", name="second")
    assert remove_model("my-tagger")["what"] == "entry removed, file kept"
    assert tagger_file.is_file()
    assert "my-tagger" not in load_manifest().entries
    assert {"second", "kept"} <= set(load_manifest().entries)
    assert own.read_text("utf-8").startswith(before)


def test_a_model_that_does_not_work_is_not_added(own: Path, tmp_path: Path) -> None:
    narrow = embedder(tmp_path / "narrow.onnx", 100, (384, 384))
    with pytest.raises(ModelError, match=r"narrow\.onnx returns vectors of width 100; .* says 768"):
        add_model(narrow, "ccip-caformer-24")
    assert not own.exists()
    add_model(narrow, "ccip-caformer-24", settings={"width": 100})
    assert load_manifest().entry("narrow").width == 100


def test_names_that_exist_or_are_none_are_refused(own: Path, tagger_file: Path) -> None:
    with pytest.raises(ModelError, match='a model named "wd-vit-v3" already exists') as caught:
        add_model(tagger_file, "wd-swinv2-v3", name="wd-vit-v3")
    assert "--name" in (caught.value.hint or "")
    with pytest.raises(ModelError, match='"a b" is not a valid model name'):
        add_model(tagger_file, "wd-swinv2-v3", name="a b")
    with pytest.raises(ModelError, match='there is no model "wd-swin"') as caught:
        add_model(tagger_file, "wd-swin")
    assert "wd-swinv2-v3" in (caught.value.hint or "")
    with pytest.raises(ModelError, match="does not exist or is not a file"):
        add_model(tagger_file.with_name("nothing.onnx"), "wd-swinv2-v3")


def test_a_missing_list_of_tags_is_asked_for(own: Path, tmp_path: Path, tagger_file: Path) -> None:
    alone = wd_tagger(tmp_path / "alone" / "model.onnx", 40, 64)
    with pytest.raises(ModelError, match="needs a tags file") as caught:
        add_model(alone, "wd-swinv2-v3", name="alone")
    assert "--companion tags=" in (caught.value.hint or "")
    tags = tagger_file.with_name("selected_tags.csv")
    assert add_model(alone, "wd-swinv2-v3", name="alone", companions={"tags": tags})["state"] == "here"


def test_an_added_model_that_changed_is_refused_until_it_is_added_again(own: Path, tagger_file: Path) -> None:
    add_model(tagger_file, "wd-swinv2-v3")
    wd_tagger(tagger_file, 40, 64, start=100)
    with pytest.raises(ModelError, match=r"my-tagger: .*my-tagger\.onnx has changed since it was added"):
        load_profile("none", overrides={"tagger": "my-tagger"})
    assert [row["state"] for row in verify_models(["my-tagger"])] == ["damaged", "ok"]
    tagger_file.unlink()
    assert [row["state"] for row in verify_models(["my-tagger"])] == ["missing", "ok"]
    (row,) = [row for row in list_models() if row["name"] == "my-tagger"]
    assert "is missing" in str(row["state"])


def test_embedded_models_and_unpulled_ones_cannot_be_removed(own: Path) -> None:
    with pytest.raises(ModelError, match="tiny-face is part of animeds-db"):
        remove_model("tiny-face")
    with pytest.raises(ModelError, match="wd-vit-v3 is not on this disk"):
        remove_model("wd-vit-v3")


def test_names_nobody_knows_are_answered_with_near_ones(own: Path) -> None:
    with pytest.raises(ModelError, match='there is no profile "anme"') as caught:
        load_profile("anme")
    assert 'did you mean "anime"?' in (caught.value.hint or "")
    with pytest.raises(ModelError, match='there is no model or profile "face"'):
        pull_models(["face"])
    with pytest.raises(ModelError, match='a profile has no part "tager"'):
        load_profile("none", overrides={"tager": "x"})


def test_a_model_for_another_task_is_refused(own: Path, tagger_file: Path) -> None:
    add_model(tagger_file, "wd-swinv2-v3")
    with pytest.raises(ModelError, match="my-tagger is a model for the task tagger, not image"):
        load_profile("none", overrides={"image": "my-tagger"})
    with pytest.raises(ModelError, match="only one tagger"):
        load_profile("none", overrides={"tagger": "my-tagger,wd-vit-v3"})


def test_a_profile_of_ones_own_and_parts_turned_off(own: Path, tmp_path: Path, tagger_file: Path) -> None:
    add_model(tagger_file, "wd-swinv2-v3")
    add_model(detector(tmp_path / "f" / "faces.onnx", YOLO), "face-v1.4-s")
    heads = detector(tmp_path / "f" / "heads.onnx", YOLO, names="{0: 'head'}")
    add_model(heads, "head-v2.0-s")
    with own.open("a", encoding="utf-8") as file:
        file.write('[profiles.mine]\ntagger = "my-tagger"\ndetectors = ["faces", "heads"]\n')
    models = load_profile("mine", device="cpu")
    assert models.profile == "mine" and models.tagger is not None
    assert [d.kinds for d in models.detectors] == [("face",), ("head",)]
    assert models.character is None and models.image is None
    fewer = load_profile("mine", overrides={"tagger": "none", "detector": "heads"}, device="cpu")
    assert fewer.tagger is None and [d.kinds for d in fewer.detectors] == [("head",)]


def test_no_models_is_a_profile_too(own: Path) -> None:
    models = load_profile("none")
    assert models == Models(profile="none", notes=models.notes)
    assert models.records() == [] and "measured only" in models.notes[0]


def test_the_record_is_refused_when_it_is_rubbish_not_lost(own: Path) -> None:
    data = own.parent / "data"
    data.mkdir()
    (data / "models.json").write_text("rubbish", "utf-8")
    with pytest.raises(ModelError, match=r"cannot read the record of pulled models .*models\.json"):
        load_profile("anime")
    assert (data / "models.json").read_text("utf-8") == "rubbish"


def test_the_shipped_manifest_has_no_duplicate_sources_of_truth() -> None:
    tables = read_toml(SHIPPED)["models"]
    sums = [table["sha256"] for table in tables.values() if "sha256" in table]
    assert not sums or all(len(value) == 64 for table in sums for value in table.values())
    sizes = [table.get("size_mb") for table in tables.values()]
    assert np.all([size is None or size > 0 for size in sizes])

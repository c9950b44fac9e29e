"""What a trainer would get wrong without a word: odd names, empty captions, regularization, paths, class tokens."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from export_material import Measured, content, database, picture_source, tables, video_source
from trainer_readers import READERS, kohya_folders

from animeds_db.captions import CaptionProfile
from animeds_db.errors import ExportError, UsageError
from animeds_db.export import LAYOUTS, ExportOptions, export, rebuild, select
from animeds_db.session import Session

FANSUBS = [f"[SubsPlease] Show - {number:02} (1080p) [ABCD123{number}].mkv" for number in (1, 2)]
ALL = tuple(LAYOUTS)


@pytest.fixture(scope="module")
def fansubs(tmp_path_factory: pytest.TempPathFactory) -> list[Measured]:
    folder = tmp_path_factory.mktemp("[SubsPlease] Show (01-02) [1080p]")
    return [video_source(folder / name, f"{number}" * 8) for number, name in enumerate(FANSUBS)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return picture_source(tmp_path_factory.mktemp("caps") / "caps")


@pytest.fixture(scope="module")
def regularization(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    source = picture_source(tmp_path_factory.mktemp("reg") / "reg", "cccccccc", 2)
    source.facts = {"image_type": "regularization"}
    return source


def test_every_trainer_finds_all_pictures_of_a_fansub_release(
    fansubs: list[Measured], tmp_path: Path
) -> None:
    def steer(i: int, row: dict[str, Any]) -> dict[str, Any]:
        return {"folder": FANSUBS[i // 4].removesuffix(".mkv"), "repeats": 1 + i // 4}

    plan, sources = tables(fansubs, steer=steer)
    out = tmp_path / "[SubsPlease] out"
    report = export(
        plan, sources, out, options=ExportOptions(layouts=ALL, profile=CaptionProfile(activation_tag="waifu"))
    )
    assert report.n_pictures == 8
    for layout in ALL:
        found = READERS[layout](out / layout)
        repeats = [1] * 8 if LAYOUTS[layout].repeats is None else [1] * 4 + [2] * 4
        assert sorted(times for _, times in found.values()) == repeats, layout
        assert [caption for caption, _ in found.values()] == ["waifu, 1girl, red hair"] * 8, layout


def test_folders_that_differ_in_brackets_only_share_one_for_a_reader_that_globs(
    pictures: Measured, tmp_path: Path
) -> None:
    plan, sources = tables([pictures], steer=lambda i, row: {"folder": ["[a]", "(a)", "a"][i]})
    export(plan, sources, tmp_path / "out", options=ExportOptions(layouts=("musubi",)))
    assert len(READERS["musubi"](tmp_path / "out")) == 3
    folders = {path.parent.name for path in (tmp_path / "out").rglob("*.png")}
    assert folders == {"(a)", "a"}


def test_a_trainer_root_with_brackets_is_refused_for_a_reader_that_globs() -> None:
    with pytest.raises(UsageError, match="musubi would read") as caught:
        ExportOptions(layouts=("kohya-toml", "musubi"), trainer_root="/data/[SubsPlease]")
    assert caught.value.hint
    assert ExportOptions(layouts=("kohya-toml",), trainer_root="/data/[SubsPlease]").trainer_root


@pytest.mark.parametrize(
    ("layouts", "why"),
    [
        (("kohya",), "sd-scripts stop at an empty caption"),
        (("plain", "kohya-toml"), "sd-scripts stop at an empty caption"),
        (("everydream",), "EveryDream2 trains on the file name"),
    ],
)
def test_empty_captions_are_refused_where_the_reader_cannot_take_them(
    pictures: Measured, tmp_path: Path, layouts: tuple[str, ...], why: str
) -> None:
    plan, sources = tables([pictures], steer=lambda i, row: {"caption": " \n" if i else "1girl"})
    with pytest.raises(ExportError, match="2 of 3 captions are empty") as caught:
        export(plan, sources, tmp_path / "out", options=ExportOptions(layouts=layouts))
    assert why in caught.value.message and pictures.frame_ids[1] in caught.value.message
    assert "--activation-tag" in (caught.value.hint or "") and "onetrainer" in (caught.value.hint or "")
    assert not (tmp_path / "out").exists()
    readable = tuple(layout for layout in ALL if LAYOUTS[layout].reads_empty)
    report = export(plan, sources, tmp_path / "out", options=ExportOptions(layouts=readable))
    assert any(note.startswith("2 captions are empty: the caption profile") for note in report.notes)


@pytest.fixture
def mixed(pictures: Measured, regularization: Measured, tmp_path: Path) -> Iterator[Session]:
    session = Session(database(tmp_path / "db", [pictures, regularization]))
    yield session
    session.close()


@pytest.mark.parametrize("form", ["list", "sentence"])
def test_regularization_pictures_never_carry_the_activation_tag(
    mixed: Session, tmp_path: Path, form: str
) -> None:
    options = ExportOptions(layouts=ALL, profile=CaptionProfile(activation_tag="waifu", form=form))
    plan, sources, _ = select(mixed, "SELECT frame_id FROM frames", options=options)
    report = export(plan, sources, tmp_path / "out", options=options)
    texts = {
        path: text.decode()
        for path, text in content(tmp_path / "out").items()
        if path.endswith((".txt", ".toml", ".yaml"))
    }
    of_reg = {
        path: text for path, text in texts.items() if "/regularization/" in path and "CREDITS" not in path
    }
    of_kohya = {path: text for path, text in texts.items() if "/reg/" in path}
    assert of_reg and len(of_kohya) == 2
    assert not [path for path, text in (of_reg | of_kohya).items() if "waifu" in text]
    ordinary = [text for path, text in texts.items() if path.startswith("plain/screenshots/")]
    assert len(ordinary) == 3 and all("waifu" in text for text in ordinary)
    said = [note for note in report.notes if "cannot mark regularization pictures" in note]
    assert [note.split()[0] for note in said] == ["diffusion-pipe", "everydream", "musubi"]
    assert all("those 2" in note for note in said)


def test_what_stays_in_front_of_captions_is_not_counted_for_regularization_pictures(
    mixed: Session, tmp_path: Path
) -> None:
    options = ExportOptions(layouts=("kohya-toml",), profile=CaptionProfile(activation_tag="a"))
    plan, sources, _ = select(mixed, "SELECT frame_id FROM frames", options=options)
    export(plan, sources, tmp_path / "out", options=options)
    config = tomllib.loads((tmp_path / "out" / "dataset_config.toml").read_text())
    kept = {s.get("is_reg", False): s.get("keep_tokens") for s in config["datasets"][0]["subsets"]}
    assert kept == {True: None, False: 1}


def test_a_folder_of_regularization_pictures_alone_is_not_called_by_the_activation_tag(
    regularization: Measured, tmp_path: Path
) -> None:
    options = ExportOptions(layouts=("kohya",), profile=CaptionProfile(activation_tag="waifu"))
    export(*tables([regularization]), tmp_path / "out", options=options)
    assert {p.parent.name for p in (tmp_path / "out").rglob("*.png")} == {"1_regularization"}


def test_onetrainer_gets_absolute_paths_for_it_changes_the_folder(pictures: Measured, tmp_path: Path) -> None:
    options = ExportOptions(layouts=("onetrainer", "plain"))
    report = export(*tables([pictures]), tmp_path / "out", options=options)
    (concept,) = json.loads((tmp_path / "out" / "onetrainer" / "concepts.json").read_text())
    assert Path(concept["path"]) == tmp_path / "out" / "onetrainer" / "pictures"
    assert any("concepts.json contains the path" in note for note in report.notes)
    # Built elsewhere it says so, and that is no difference of versions.
    again = rebuild(tmp_path / "out", tmp_path / "again")
    (moved,) = json.loads((tmp_path / "again" / "onetrainer" / "concepts.json").read_text())
    assert Path(moved["path"]).is_relative_to(tmp_path / "again") and again.differing == ()


def test_onetrainer_finds_the_folder_where_trainer_root_says(pictures: Measured, tmp_path: Path) -> None:
    options = ExportOptions(layouts=("onetrainer",), trainer_root="/workspace/set/")
    export(*tables([pictures]), tmp_path / "out", options=options)
    (concept,) = json.loads((tmp_path / "out" / "concepts.json").read_text())
    assert concept["path"] == "/workspace/set/pictures"


def test_absolute_paths_of_a_bucket_are_refused(pictures: Measured) -> None:
    with pytest.raises(UsageError, match="needs absolute paths") as caught:
        export(*tables([pictures]), "s3://bucket/set", options=ExportOptions(layouts=("onetrainer",)))
    assert "--trainer-root" in (caught.value.hint or "")


@pytest.mark.parametrize("layout", ["kohya", "kohya-toml"])
def test_without_captions_the_activation_tag_is_the_class_token(
    pictures: Measured, regularization: Measured, tmp_path: Path, layout: str
) -> None:
    def steer(i: int, row: dict[str, Any]) -> dict[str, Any]:
        return {"folder": ["a", "b", "b", "girl", "girl"][i], "repeats": [2, 2, 3, 1, 1][i]}

    plan, sources = tables([pictures, regularization], steer=steer)
    options = ExportOptions(layouts=(layout,), captions=False, profile=CaptionProfile(activation_tag="waifu"))
    export(plan, sources, tmp_path / "out", options=options)
    assert not [path for path in content(tmp_path / "out") if path.endswith(".txt") and path != "CREDITS.txt"]
    if layout == "kohya":
        trees = {kind: kohya_folders(tmp_path / "out" / kind) for kind in ("train", "reg")}
        assert {path.partition("/")[0] for path in trees["train"]} == {"2_waifu", "3_waifu"}
        assert {path.partition("/")[0] for path in trees["reg"]} == {"1_girl"}
        assert len(trees["train"]) == 3 and len(trees["reg"]) == 2
        return
    config = tomllib.loads((tmp_path / "out" / "dataset_config.toml").read_text())
    tokens = {(s.get("is_reg", False), s["class_tokens"]) for s in config["datasets"][0]["subsets"]}
    assert tokens == {(False, "waifu"), (True, "girl")}


def test_class_tokens_that_no_folder_can_carry_are_refused() -> None:
    with pytest.raises(UsageError, match='"re:zero" is not a valid folder name'):
        ExportOptions(layouts=("kohya",), captions=False, profile=CaptionProfile(activation_tag="re:zero"))
    with pytest.raises(UsageError, match="plain does not use --activation-tag without captions"):
        ExportOptions(captions=False, profile=CaptionProfile(activation_tag="waifu"))


def test_diffusion_pipe_gets_variants_as_lists(pictures: Measured, tmp_path: Path) -> None:
    texts = ["one\nanother", "alone", "elsewhere"]
    plan, sources = tables(
        [pictures], steer=lambda i, row: {"caption": texts[i], "folder": "b" if i == 2 else "a"}
    )
    report = export(plan, sources, tmp_path / "out", options=ExportOptions(layouts=("diffusion-pipe",)))
    listed = json.loads((tmp_path / "out" / "pictures" / "a" / "captions.json").read_text())
    assert listed == {"picture 1.png": ["one", "another"], "picture 2.png": ["alone"]}
    texts_there = [path for path in content(tmp_path / "out") if path.endswith(".txt")]
    assert texts_there == ["CREDITS.txt", "pictures/b/picture 3.txt"]
    assert any("captions.json" in note for note in report.notes)
    found = READERS["diffusion-pipe"](tmp_path / "out")
    assert sorted(str(caption) for caption, _ in found.values()) == ["alone", "elsewhere", "one\nanother"]

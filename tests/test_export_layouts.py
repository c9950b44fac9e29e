"""Each layout as its trainer reads it: every picture, its caption, its repeats, and nothing else."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from export_material import Measured, content, picture_source, tables
from trainer_readers import READERS, kohya_folders

from animeds_db.captions import CaptionProfile
from animeds_db.errors import UsageError
from animeds_db.export import LAYOUTS, ExportOptions, export, rebuild
from animeds_db.export.columns.balance import Balance, balanced
from animeds_db.export.layouts import webdataset

STEERED: list[dict[str, Any]] = [
    {"folder": "1_character/Aoba", "repeats": 3, "filename": "v1.5 first"},
    {"folder": "1_character/Aoba", "repeats": 3},
    {"folder": "1_character/Aoba", "repeats": 1, "caption": "one\nanother"},
    {"folder": "1_character", "repeats": 2, "filename": "multiply"},
    {"repeats": 1},
    {"folder": "1_Character/aoba", "repeats": 2},
]
TIMES = sorted([3, 3, 1, 2, 1, 2])
CAPTIONS = sorted(["waifu, 1girl, red hair"] * 5 + ["one\nanother"])
NO_REPEATS = ("plain", "zip")

TREES = {
    "plain": "1_Character_2/aoba 1_character/Aoba 1_character .",
    "kohya": "1_1_character_Aoba 1_waifu 2_1_Character_aoba 2_1_character 3_1_character_Aoba",
    "kohya-toml": "pictures pictures/1_Character_2/aoba pictures/1_character pictures/1_character/Aoba/x1 "
    "pictures/1_character/Aoba/x3",
    "everydream": ". 1_Character_2/aoba 1_character 1_character/Aoba/x1 1_character/Aoba/x3",
    "ai-toolkit": "pictures/all pictures/1_Character_aoba_2 pictures/1_character "
    "pictures/1_character_Aoba/x1 pictures/1_character_Aoba/x3",
    "imagefolder": "train train/1_Character_2/aoba train/1_character train/1_character/Aoba",
}
"""Folders with pictures; those of the other trainers are the same as one of these."""
SAME = {
    "onetrainer": "kohya-toml",
    "diffusion-pipe": "kohya-toml",
    "musubi": "kohya-toml",
    "simpletuner": "ai-toolkit",
}
FILES = {
    "kohya-toml": {"dataset_config.toml"},
    "onetrainer": {"concepts.json"},
    "ai-toolkit": {"datasets.yaml"},
    "diffusion-pipe": {"dataset.toml", "pictures/1_character/Aoba/x1/captions.json"},
    "simpletuner": {"multidatabackend.json"},
    "musubi": {"dataset_config.toml"},
    "imagefolder": {"train/metadata.jsonl"},
    "webdataset": {"pictures-000000.tar"},
    "zip": {"dataset.zip"},
}


@pytest.fixture(scope="module")
def caps(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return picture_source(tmp_path_factory.mktemp("caps") / "caps", count=6)


def exported(caps: Measured, out: Path, *layouts: str, **options: Any) -> Path:
    plan, sources = tables([caps], steer=lambda i, row: STEERED[i])
    profile = CaptionProfile(activation_tag=options.pop("activation_tag", "waifu"))
    wanted = {"profile": profile, "layouts": layouts, **options}
    export(plan, sources, out, options=ExportOptions(**wanted))
    return out


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_a_trainer_finds_every_picture_with_its_caption_and_its_repeats(
    caps: Measured, tmp_path: Path, layout: str
) -> None:
    out = exported(caps, tmp_path / "out", layout)
    found = READERS[layout](out)
    assert len(found) == 6
    assert sorted(text or "" for text, _ in found.values()) == CAPTIONS
    if layout not in NO_REPEATS:
        assert sorted(times for _, times in found.values()) == TIMES
    by_caption = dict(found.values())
    assert by_caption["one\nanother"] == 1


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_no_file_lies_there_that_nobody_reads(caps: Measured, tmp_path: Path, layout: str) -> None:
    out = exported(caps, tmp_path / "out", layout)
    files = set(content(out)) - {"CREDITS.txt", "animeds-export.json"}
    found = READERS[layout](out) if LAYOUTS[layout].pack is None else {}
    texts = {path.rpartition(".")[0] + ".txt" for path in found} if LAYOUTS[layout].texts else set()
    if layout == "diffusion-pipe":
        texts = {path for path in texts if "/x1/" not in path}
    more = {path for path in files if path.endswith("multiply.txt")} if layout == "everydream" else set()
    assert files == set(found) | texts | more | FILES.get(layout, set())


def test_a_balance_gives_fractions_to_the_readers_that_take_them(caps: Measured, tmp_path: Path) -> None:
    plan, sources = tables([caps], steer=lambda i, row: {"folder": "rare" if i < 2 else "common"})
    plan = balanced(plan.slice(0, 5), Balance())  # two and three pictures
    layouts = ("everydream", "onetrainer", "kohya", "musubi")
    export(plan, sources, tmp_path / "out", options=ExportOptions(layouts=layouts))
    times = {
        layout: {times for _, times in READERS[layout](tmp_path / "out" / layout).values()}
        for layout in layouts
    }
    assert times == {"everydream": {1.5, 1}, "onetrainer": {1.5, 1}, "kohya": {3, 2}, "musubi": {3, 2}}
    rebuild(tmp_path / "out", tmp_path / "again")
    assert (tmp_path / "again" / "everydream" / "rare" / "multiply.txt").read_text() == "1.5"


@pytest.mark.parametrize("layout", [*TREES, *SAME])
def test_the_tree_of_a_layout(caps: Measured, tmp_path: Path, layout: str) -> None:
    out = exported(caps, tmp_path / "out", layout)
    folders = {path.parent.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert folders == set(TREES[SAME.get(layout, layout)].split())


def test_several_layouts_at_once_store_each_picture_once(caps: Measured, tmp_path: Path) -> None:
    together = exported(caps, tmp_path / "all", *LAYOUTS)
    assert {p.name for p in together.iterdir()} == {*LAYOUTS, "CREDITS.txt", "animeds-export.json"}
    for layout in LAYOUTS:
        alone = content(exported(caps, tmp_path / layout, layout))
        found = content(together / layout)
        own = {"CREDITS.txt", "animeds-export.json", LAYOUTS[layout].absolute}
        assert {k: v for k, v in found.items() if k not in own} == {
            k: v for k, v in alone.items() if k not in own
        }
        assert len(READERS[layout](together / layout)) == 6
    if hasattr(os, "link") and os.name == "posix":
        loose = sum(layout.pack is None for layout in LAYOUTS.values())
        picture = next((together / "plain").glob("*.png"))
        blocks = {(p.stat().st_ino, p.stat().st_nlink) for p in together.rglob(picture.name)}
        assert len(blocks) == 1 or {links for _, links in blocks} == {1}, "hard links, or clones"
        assert next(iter(blocks))[1] in (1, loose)


def test_a_file_system_without_links_gets_copies(
    caps: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    monkeypatch.setattr("animeds_db.export.folder.partial._clone", lambda place, other: False)
    plan, sources = tables([caps])
    report = export(plan, sources, tmp_path / "out", options=ExportOptions(layouts=("plain", "everydream")))
    found = content(tmp_path / "out")
    assert found["plain/picture 1.png"] == found["everydream/picture 1.png"]
    assert any("own copy of the pictures" in note for note in report.notes)


def test_all_layouts_are_the_same_to_the_byte_when_built_again(caps: Measured, tmp_path: Path) -> None:
    options = {"sidecars": ("json", "tags", "waifuc"), "image_format": "webp", "max_size": 40}
    options["trainer_root"] = "/data"
    first = exported(caps, tmp_path / "first", *LAYOUTS, **options)
    second = exported(caps, tmp_path / "second", *LAYOUTS, **options)
    report = rebuild(first, tmp_path / "again" / "elsewhere")
    assert content(first) == content(second) == content(tmp_path / "again" / "elsewhere")
    assert report.differing == ()


def test_an_archive_alone_leaves_no_loose_picture(caps: Measured, tmp_path: Path) -> None:
    out = exported(caps, tmp_path / "out", "zip", "webdataset")
    assert sorted(content(out)) == [
        "CREDITS.txt",
        "animeds-export.json",
        "webdataset/pictures-000000.tar",
        "zip/dataset.zip",
    ]
    export(*tables([caps]), out, options=ExportOptions(overwrite=True))
    assert len(list(out.glob("*.png"))) == 6


def test_shards_are_closed_when_they_are_full(
    caps: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webdataset, "SHARD_BYTES", 6000)
    out = exported(caps, tmp_path / "out", "webdataset")
    assert len(list(out.glob("pictures-*.tar"))) > 1
    assert len(READERS["webdataset"](out)) == 6


def test_regularization_pictures_and_fan_art_get_trees_of_their_own(caps: Measured, tmp_path: Path) -> None:
    art = picture_source(tmp_path / "art", "cccccccc", 1)
    other = picture_source(tmp_path / "other", "dddddddd", 1)
    art.facts, other.facts = {"image_type": "fanart"}, {"image_type": "regularization"}
    plan, sources = tables([caps, art, other])
    layouts = ("plain", "kohya", "kohya-toml", "onetrainer", "simpletuner", "ai-toolkit")
    export(
        plan,
        sources,
        tmp_path / "out",
        options=ExportOptions(layouts=layouts, profile=CaptionProfile(activation_tag="a")),
    )
    folders = {p.parent.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")}
    assert {f for f in folders if f.startswith("plain")} == {
        "plain/screenshots", "plain/fanart", "plain/regularization",
    }  # fmt: skip
    assert {f for f in folders if f.startswith("kohya/")} == {
        "kohya/train/1_screenshots", "kohya/train/1_fanart", "kohya/reg/1_regularization",
    }  # fmt: skip
    assert len(kohya_folders(tmp_path / "out" / "kohya" / "train")) == 7
    config = tomllib.loads((tmp_path / "out" / "kohya-toml" / "dataset_config.toml").read_text())
    assert [s.get("is_reg", False) for s in config["datasets"][0]["subsets"]] == [False, True, False]
    concepts = json.loads((tmp_path / "out" / "onetrainer" / "concepts.json").read_text())
    assert sorted(c["type"] for c in concepts) == ["PRIOR_PREDICTION", "STANDARD", "STANDARD"]
    backends = json.loads((tmp_path / "out" / "simpletuner" / "multidatabackend.json").read_text())
    assert [b.get("is_regularisation_data") for b in backends].count(True) == 1


def test_configuration_says_where_the_trainer_will_find_the_folder(caps: Measured, tmp_path: Path) -> None:
    out = exported(
        caps, tmp_path / "out", "kohya-toml", "musubi", trainer_root="/workspace/data", resolution=768
    )
    config = tomllib.loads((out / "kohya-toml" / "dataset_config.toml").read_text())
    dirs = [subset["image_dir"] for subset in config["datasets"][0]["subsets"]]
    assert "/workspace/data/kohya-toml/pictures" in dirs and config["datasets"][0]["resolution"] == 768
    musubi = tomllib.loads((out / "musubi" / "dataset_config.toml").read_text())
    assert musubi["general"]["resolution"] == [768, 768]
    assert all(d["image_directory"].startswith("/workspace/data/musubi/pictures") for d in musubi["datasets"])


def test_kohya_without_captions_trains_on_class_tokens(caps: Measured, tmp_path: Path) -> None:
    out = exported(caps, tmp_path / "out", "kohya-toml", captions=False)
    config = tomllib.loads((out / "dataset_config.toml").read_text())
    assert {s["class_tokens"] for s in config["datasets"][0]["subsets"]} == {"waifu"}
    assert not list(out.rglob("*.txt")) or [p.name for p in out.rglob("*.txt")] == ["CREDITS.txt"]


def test_kohya_is_told_of_captions_with_variants_and_of_what_stays_in_front(tmp_path: Path) -> None:
    caps = picture_source(tmp_path / "caps", count=2)
    texts = ["waifu, Aoba &&& 1girl, smile", "one\nanother"]
    plan, sources = tables([caps], steer=lambda i, row: {"caption": texts[i], "folder": f"f{i}"})
    options = ExportOptions(
        layouts=("kohya-toml",),
        profile=CaptionProfile(activation_tag="waifu, tv style", keep_tokens_separator="&&&"),
    )
    export(plan, sources, tmp_path / "out", options=options)
    config = tomllib.loads((tmp_path / "out" / "dataset_config.toml").read_text())
    first, second = config["datasets"][0]["subsets"]
    assert first["keep_tokens_separator"] == "&&&" and first["shuffle_caption"] and "keep_tokens" not in first
    assert second["enable_wildcard"] and second["keep_tokens"] == 2 and "keep_tokens_separator" not in second


def test_what_the_command_line_of_kohya_must_be_told_is_said(tmp_path: Path) -> None:
    caps = picture_source(tmp_path / "caps", count=1)
    plan, sources = tables([caps], steer=lambda i, row: {"caption": "a ||| b\na ||| c"})
    options = ExportOptions(layouts=("kohya",), profile=CaptionProfile(keep_tokens_separator="|||"))
    notes = " ".join(export(plan, sources, tmp_path / "out", options=options).notes)
    assert "--enable_wildcard" in notes and '--keep_tokens_separator "|||"' in notes


def test_trainers_that_count_what_stays_in_front_are_told(caps: Measured, tmp_path: Path) -> None:
    out = exported(caps, tmp_path / "out", "onetrainer", "ai-toolkit", activation_tag="waifu, tv style")
    concepts = json.loads((out / "onetrainer" / "concepts.json").read_text())
    assert {c["text"]["keep_tags_count"] for c in concepts} == {2}
    assert "keep_tokens: 2" in (out / "ai-toolkit" / "datasets.yaml").read_text()


@pytest.mark.parametrize(
    ("layouts", "profile", "message"),
    [
        (("everydream",), {"variants": 2}, "everydream reads one caption per picture"),
        (("kohya", "musubi", "ai-toolkit"), {"variants": 2}, "musubi, ai-toolkit reads one caption"),
        (("onetrainer",), {"keep_tokens_separator": "|||"}, "no keep_tokens_separator"),
        (("kohya-toml",), {"dropout": 0.1}, "no empty caption"),
    ],
)
def test_captions_that_a_trainer_would_not_understand_are_refused(
    layouts: tuple[str, ...], profile: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        ExportOptions(layouts=layouts, profile=CaptionProfile(**profile))
    assert caught.value.hint
    without = ExportOptions(layouts=("kohya", "plain"), captions=False, profile=CaptionProfile(dropout=0.1))
    assert not without.chosen[0].reads_empty


def test_sidecars_in_the_forms_of_the_tools_people_come_from(caps: Measured, tmp_path: Path) -> None:
    box = {"detection_id": "x", "kind": "face", "character": "Aoba", "score": 0.9}
    box |= {"left": 0.1, "top": 0.2, "right": 0.3, "bottom": 0.6}
    plan, sources = tables(
        [caps], steer=lambda i, row: {"boxes": [box], "crop_kind": "face", "crop_number": 1}
    )
    sidecars = ("json", "tags", "waifuc")
    export(plan, sources, tmp_path / "out", options=ExportOptions(sidecars=sidecars))
    found = content(tmp_path / "out")
    told = json.loads(found["picture 1_face1.json"])
    assert told["facepos"] == [[0.1, 0.2, 0.3, 0.6]] and round(told["fh_ratio"], 6) == 0.4
    assert (told["n_faces"], told["cropped"], told["characters"]) == (1, True, ["Aoba"])
    assert told["n_people"] == 1
    assert found["picture 1_face1.png.tags"] == b"1girl, red_hair\n"
    hidden = json.loads(found[".picture 1_face1_meta.json"])
    assert hidden["crop"] == {"type": "face"} and hidden["image_size"] == [64, 48]
    assert hidden["tags"] == {"1girl": 0.98, "red_hair": 0.9} and hidden["characters"] == ["Aoba"]


def test_hugging_face_datasets_loads_an_imagefolder(
    caps: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="pip install datasets to check with the real reader")
    out = exported(caps, tmp_path / "out", "imagefolder")
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(out), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert sorted(loaded["text"]) == CAPTIONS and sorted(loaded["repeats"]) == TIMES
    assert loaded[0]["image"].size == (loaded[0]["width"], loaded[0]["height"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layouts": ("kohia",)}, "kohia"),
        ({"layouts": ("plain", "plain")}, "given twice"),
        ({"layouts": ()}, "at least one layout"),
        ({"sidecars": ("jason",)}, "jason"),
        ({"sidecars": ("json",), "layouts": ("imagefolder",)}, "does not need sidecars"),
        ({"captions": False, "layouts": ("kohya", "musubi")}, "musubi trains on captions"),
        ({"trainer_root": "/data"}, "trainer-root has no effect"),
        ({"resolution": 512, "layouts": ("kohya",)}, "resolution has no effect"),
        ({"max_size": 512, "bucket": 512}, "cannot be combined"),
        ({"upscale": True}, "needs a size"),
        ({"bucket": 63}, "between 64"),
    ],
)
def test_what_contradicts_itself_or_is_unknown_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        ExportOptions(**wrong)
    assert caught.value.hint or "given twice" in message or "64" in message

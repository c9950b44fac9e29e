"""The same export gives the same bytes, and so does its manifest alone."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import pytest
from export_material import Measured, content, picture_source, tables, video_source

from animeds_db.captions import CaptionProfile
from animeds_db.errors import ExportError, SourceError
from animeds_db.export import ExportOptions, Provenance, export, rebuild
from animeds_db.export.manifest import read_manifest

OPTIONS = ExportOptions(
    image_format="jpg",
    max_size=100,
    profile=CaptionProfile(activation_tag="waifu"),
    layouts=("kohya",),
    quality=80,
)
ORIGIN = Provenance(
    "/data/show.animeds",
    {"frames": 3},
    "by_tags",
    "SELECT frame_id FROM frames WHERE x = $x",
    {"x": "魔法", "day": datetime.date(2024, 1, 2)},
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Measured]:
    place = tmp_path_factory.mktemp("sources")
    return [video_source(place / "Show - 01.mkv"), picture_source(place / "caps")]


@pytest.fixture(scope="module")
def exported(sources: list[Measured], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    plan, rows = tables(
        sources, steer=lambda i, row: {"crop": [0.0, 0.1, 0.9, 1.0]} if i % 2 else {"caption": "“a”\nb"}
    )
    export(plan, rows, out, options=OPTIONS, provenance=ORIGIN)
    return out


def test_two_exports_are_the_same_to_the_byte(
    sources: list[Measured], exported: Path, tmp_path: Path
) -> None:
    plan, rows = tables(
        sources, steer=lambda i, row: {"crop": [0.0, 0.1, 0.9, 1.0]} if i % 2 else {"caption": "“a”\nb"}
    )
    mixed = plan.take([4, 1, 6, 0, 2, 5, 3])
    export(mixed, rows.take([1, 0]), tmp_path / "elsewhere", options=OPTIONS, provenance=ORIGIN)
    assert content(tmp_path / "elsewhere") == content(exported)


def test_the_manifest_alone_builds_the_same_folder(exported: Path, tmp_path: Path) -> None:
    manifest = shutil.copy(exported / "animeds-export.json", tmp_path / "recipe.json")
    report = rebuild(manifest, tmp_path / "again", workers=1)
    assert content(tmp_path / "again") == content(exported)
    assert report.differing == () and report.n_pictures == 7
    rebuild(tmp_path / "again", tmp_path / "and again")
    assert content(tmp_path / "and again") == content(exported)


def test_a_manifest_tells_where_everything_came_from(exported: Path) -> None:
    told = json.loads((exported / "animeds-export.json").read_text("utf-8"))
    assert told["selection"]["params"] == {"x": "魔法", "day": "2024-01-02"}
    assert told["selection"]["versions"] == {"frames": 3}
    assert told["options"]["max_size"] == 100 and "overwrite" not in told["options"]
    assert set(told["versions"]) >= {"animeds", "av", "pillow"}
    assert {line["path"] for line in told["pictures"]} == {n for n in content(exported) if n.endswith(".jpg")}
    assert str(exported) not in json.dumps(told)


def test_sources_that_moved_can_be_told(sources: list[Measured], exported: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.mkv"
    recipe = tmp_path / "recipe.json"
    text = (exported / "animeds-export.json").read_text("utf-8")
    recipe.write_text(text.replace("Show - 01.mkv", "nowhere.mkv"), "utf-8")
    with pytest.raises(SourceError, match=r"nowhere\.mkv"):
        rebuild(recipe, tmp_path / "again")
    shutil.copy(sources[0].path, moved)
    report = rebuild(recipe, tmp_path / "again", moved={sources[0].source_id: str(moved)})
    assert report.differing == ()
    pictures = {name: data for name, data in content(exported).items() if name.endswith(".jpg")}
    assert pictures.items() <= content(tmp_path / "again").items()


def test_bytes_that_differ_from_the_first_time_are_named(exported: Path, tmp_path: Path) -> None:
    manifest = read_manifest(exported)
    text = manifest.text().replace(manifest.written[2].xxh3, "0" * 32)
    (tmp_path / "recipe.json").write_text(text, "utf-8")
    report = rebuild(tmp_path / "recipe.json", tmp_path / "again")
    assert report.differing == (manifest.pictures[2].path,)
    assert content(tmp_path / "again") == content(exported)


def _as_format_1(path: Path, shape: dict[str, object]) -> str:
    """Return a manifest as it was written before captions had one owner."""
    manifest = json.loads(path.read_text("utf-8"))
    manifest["animeds_export"] = 1
    del manifest["options"]["profile"], manifest["options"]["arrangement"]
    manifest["options"] |= {"activation_tag": "waifu", "threshold": None, "keep_character_tags": False}
    manifest["options"] |= {"keep_underscores": False, "keep_tokens_separator": ""}
    manifest["selection"]["shape"] = shape
    return json.dumps(manifest)


@pytest.mark.parametrize("shape", [{}, {"captions": {"activation_tag": "waifu"}, "arrangement": "n_faces"}])
def test_a_manifest_of_an_older_version_builds_the_same_folder(
    exported: Path, tmp_path: Path, shape: dict[str, object]
) -> None:
    old = tmp_path / "old.json"
    old.write_text(_as_format_1(exported / "animeds-export.json", shape), "utf-8")
    options = read_manifest(old).options
    assert options.profile == OPTIONS.profile and options.arrangement.form == shape.get("arrangement", "")
    report = rebuild(old, tmp_path / "again")
    assert report.differing == () and report.n_pictures == 7
    made, first = content(tmp_path / "again"), content(exported)
    assert made.pop("animeds-export.json") and first.pop("animeds-export.json")
    assert made == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": {"max_tag": 3}}, "max_tag is not a setting"),
        ({"profile": {"probability": {"tags": "often"}}}, "probability.tags is 'often'"),
        ({"profile": {"activation_tag": "\ud800"}}, "activation_tag is"),
        ({"profile": []}, "not a valid value"),
        ({"arrangement": {"form": 3}}, "form is 3"),
        ({"threshold": 0.5}, '"threshold"'),
    ],
)
def test_a_manifest_with_options_that_are_not_valid_is_refused(
    exported: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    manifest = json.loads((exported / "animeds-export.json").read_text("utf-8"))
    manifest["options"] |= options
    (tmp_path / "recipe.json").write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match=message):
        read_manifest(tmp_path / "recipe.json")


def test_a_manifest_survives_reading_and_writing(exported: Path) -> None:
    path = exported / "animeds-export.json"
    assert read_manifest(path).text() == path.read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "not the manifest"),
        ('{"animeds_export": 99}', "newer"),
        ('{"animeds_export": 1}', "damaged"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(ExportError, match=message):
        rebuild(tmp_path / "recipe.json", tmp_path / "out")


@pytest.mark.parametrize("path", ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg", "con.jpg"])
def test_a_manifest_cannot_write_outside_its_folder(exported: Path, tmp_path: Path, path: str) -> None:
    manifest = read_manifest(exported)
    text = manifest.text().replace(json.dumps(manifest.pictures[0].path), json.dumps(path))
    (tmp_path / "recipe.json").write_text(text, "utf-8")
    with pytest.raises(ExportError, match="unsafe path"):
        rebuild(tmp_path / "recipe.json", tmp_path / "out")


def test_an_option_that_this_version_does_not_know_is_named(exported: Path, tmp_path: Path) -> None:
    text = (exported / "animeds-export.json").read_text("utf-8").replace('"max_size"', '"max_sise"')
    (tmp_path / "recipe.json").write_text(text, "utf-8")
    with pytest.raises(ExportError, match="max_sise"):
        rebuild(tmp_path / "recipe.json", tmp_path / "out")

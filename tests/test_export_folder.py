"""What an exported folder holds: pictures as they were measured, captions, credits, names."""

from __future__ import annotations

import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from export_material import Measured, content, picture_source, tables, video_source
from PIL import Image

from animeds_db.captions import CaptionProfile, load_profile
from animeds_db.errors import ExportError, UsageError
from animeds_db.export import PLAN, ExportOptions, export, rebuild
from animeds_db.export.columns.schema import BESIDE
from animeds_db.export.pictures.render import crop_box
from animeds_db.export.pictures.sizes import Resize


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return video_source(tmp_path_factory.mktemp("show") / "Magical Girl - S04E01.mkv")


@pytest.fixture(scope="module")
def caps(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return picture_source(tmp_path_factory.mktemp("caps") / "caps")


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_the_folder_looks_like_the_one_of_the_guide(show: Measured, caps: Measured, tmp_path: Path) -> None:
    report = export(
        *tables([show, caps]),
        tmp_path / "out",
        options=ExportOptions(profile=CaptionProfile(activation_tag="waifu")),
    )
    stems = [f"Magical Girl - S04E01-000000{ms}" for ms in ("000", "250", "500", "750")]
    stems += [f"picture {i + 1}" for i in range(3)]
    files = [f"{stem}{suffix}" for stem in stems for suffix in (".png", ".txt")]
    found = content(tmp_path / "out")
    assert sorted(found) == sorted([*files, "CREDITS.txt", "animeds-export.json"])
    assert {found[f"{stem}.txt"] for stem in stems} == {b"waifu, 1girl, red hair"}
    assert (report.n_pictures, report.n_sources, report.folders) == (7, 2, {"": 7})
    assert report.n_bytes == sum(len(found[f"{stem}.png"]) for stem in stems)


@pytest.mark.parametrize("clip", ["plain", "open gop", "10 bit"])
def test_a_png_has_the_very_pixels_that_ingest_measured(tmp_path: Path, clip: str) -> None:
    arguments: dict[str, Any] = {
        "plain": {},
        "open gop": {"params": "open-gop=1"},
        "10 bit": {"pix_fmt": "yuv420p10le"},
    }[clip]
    source = video_source(tmp_path / "a.mkv", **arguments)
    export(*tables([source]), tmp_path / "out")
    assert not all(row["is_keyframe"] for row in source.rows)
    for frame, seen in source.pixels.items():
        assert np.array_equal(pixels(tmp_path / "out" / f"a-{frame[-9:]}.png"), seen)


def test_pictures_of_a_folder_come_out_as_they_went_in(caps: Measured, tmp_path: Path) -> None:
    export(*tables([caps]), tmp_path / "out")
    for frame, seen in caps.pixels.items():
        assert np.array_equal(pixels(tmp_path / "out" / f"picture {int(frame[-9:]) + 1}.png"), seen)


@pytest.mark.parametrize(("image_format", "error"), [("webp", 2), ("jpg", 1)])
def test_lossy_formats_stay_close(show: Measured, tmp_path: Path, image_format: str, error: float) -> None:
    export(*tables([show]), tmp_path / "out", options=ExportOptions(image_format=image_format))
    first = show.frame_ids[0]
    there = pixels(tmp_path / "out" / f"Magical Girl - S04E01-{first[-9:]}.{image_format}")
    assert np.abs(there.astype(int) - show.pixels[first]).mean() < error


def test_jpegs_keep_their_colour_at_full_resolution(show: Measured, tmp_path: Path) -> None:
    from PIL import JpegImagePlugin

    export(*tables([show]), tmp_path / "out", options=ExportOptions(image_format="jpg"))
    with Image.open(next((tmp_path / "out").glob("*.jpg"))) as image:
        assert JpegImagePlugin.get_sampling(image) == 0


def test_the_longer_edge_is_bounded_and_small_pictures_are_never_enlarged(
    show: Measured, caps: Measured, tmp_path: Path
) -> None:
    export(*tables([show, caps]), tmp_path / "out", options=ExportOptions(max_size=80))
    sizes = {p.name[:4]: pixels(p).shape[:2] for p in sorted((tmp_path / "out").glob("*.png"), reverse=True)}
    assert sizes == {"Magi": (48, 80), "pict": (48, 64)}
    assert Resize(768).sizes(1920, 1080)[0] == (768, 432)
    assert Resize(100).sizes(4000, 2)[0] == (100, 1)


def test_crops_are_cut_before_scaling(show: Measured, tmp_path: Path) -> None:
    plan, sources = tables([show], steer=lambda i, row: {"crop": [0.25, 0.0, 0.75, 0.5]})
    export(plan, sources, tmp_path / "out")
    first = show.frame_ids[0]
    there = pixels(tmp_path / "out" / f"Magical Girl - S04E01-{first[-9:]}.png")
    assert np.array_equal(there, show.pixels[first][0:48, 40:120])


def test_a_crop_always_keeps_a_pixel_and_stays_inside() -> None:
    assert crop_box((0.0, 0.0, 1.0, 1.0), 160, 96) == (0, 0, 160, 96)
    assert crop_box((0.999, 0.999, 1.0, 1.0), 160, 96) == (159, 95, 160, 96)
    assert crop_box((0.5, 0.5, 0.501, 0.501), 3, 3) == (2, 2, 3, 3)


@pytest.mark.parametrize(
    "crop", [[0.5, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, float("nan"), 1.0], [2, 0, 3, 1]]
)
def test_a_crop_that_is_no_box_is_refused_by_name(show: Measured, tmp_path: Path, crop: list[float]) -> None:
    plan, sources = tables([show], steer=lambda i, row: {"crop": crop})
    with pytest.raises(ExportError, match=f"Frame {show.frame_ids[0]}: the crop"):
        export(plan, sources, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_columns_of_the_selection_steer_names_folders_and_captions(show: Measured, tmp_path: Path) -> None:
    steered: list[dict[str, Any]] = [
        {"folder": "1_character/AobaKokona", "filename": "first.png", "caption": "by hand\nsecond line"},
        {"folder": "1_Character", "filename": "first"},
        {"filename": "a/b: c?"},
        {"caption": ""},
    ]
    plan, sources = tables([show], steer=lambda i, row: steered[i])
    export(
        plan, sources, tmp_path / "out", options=ExportOptions(profile=CaptionProfile(activation_tag="waifu"))
    )
    found = content(tmp_path / "out")
    assert found["1_character/AobaKokona/first.txt"] == b"by hand\nsecond line"
    assert found["1_Character_2/first.txt"] == b"waifu, 1girl, red hair"
    assert {"a_b_ c_.png", "Magical Girl - S04E01-000000750.png"} <= set(found)
    assert found["Magical Girl - S04E01-000000750.txt"] == b""


def test_one_frame_may_become_several_pictures(show: Measured, tmp_path: Path) -> None:
    plan, sources = tables([show])
    halves = pa.array([[0.0, 0.0, 0.5, 1.0]] * 4, plan.schema.field("crop").type)
    left = plan.set_column(plan.schema.get_field_index("crop"), plan.schema.field("crop"), halves)
    done: list[int] = []
    export(
        pa.concat_tables([plan, left]), sources, tmp_path / "out", progress=lambda n, total: done.append(n)
    )
    names = sorted(p.name for p in (tmp_path / "out").glob("*.png"))
    assert names[:2] == ["Magical Girl - S04E01-000000000.png", "Magical Girl - S04E01-000000000_2.png"]
    assert len(names) == 8 and done[-1] == 8
    assert pixels(tmp_path / "out" / names[1]).shape == (96, 80, 3)


def test_kohya_folders_carry_the_repeats(show: Measured, tmp_path: Path) -> None:
    steered: list[dict[str, Any]] = [{"repeats": 3, "folder": "a/b"}, {"repeats": 2}, {}, {}]
    plan, sources = tables([show], steer=lambda i, row: steered[i])
    options = ExportOptions(layouts=("kohya",), profile=CaptionProfile(activation_tag="waifu"))
    report = export(plan, sources, tmp_path / "out", options=options)
    assert report.folders == {"1_waifu": 2, "2_waifu": 1, "3_a_b": 1}
    assert (tmp_path / "out" / "3_a_b" / "Magical Girl - S04E01-000000000.png").is_file()


def test_repeats_that_a_layout_cannot_hold_are_said_and_recorded(show: Measured, tmp_path: Path) -> None:
    plan, sources = tables([show], steer=lambda i, row: {"repeats": 5})
    report = export(plan, sources, tmp_path / "out")
    assert "repeats" in report.notes[0]
    manifest = json.loads((tmp_path / "out" / "animeds-export.json").read_text("utf-8"))
    assert [picture["repeats"] for picture in manifest["pictures"]] == [5] * 4


def test_repeats_below_one_are_refused(show: Measured, tmp_path: Path) -> None:
    plan, sources = tables([show], steer=lambda i, row: {"repeats": 0})
    with pytest.raises(ExportError, match="repeats is 0"):
        export(plan, sources, tmp_path / "out")


def test_empty_captions_are_counted(show: Measured, tmp_path: Path) -> None:
    report = export(*tables([show], steer=lambda i, row: {"caption": ""}), tmp_path / "out")
    assert report.notes == (
        "4 captions are empty: the caption profile found nothing to write about the picture "
        f"(the first: frame {show.frame_ids[0]})",
    )


def test_captions_that_say_nothing_but_the_activation_tag_are_counted(show: Measured, tmp_path: Path) -> None:
    options = ExportOptions(profile=replace(load_profile("prose"), activation_tag="emi"))
    plan = tables([show], steer=lambda i, row: {"caption": "emi" if i else "emi smiles."})
    report = export(*plan, tmp_path / "out", options=options)
    assert report.notes[0].startswith("3 captions are only the activation tag. `animeds describe` writes")


def test_a_picture_without_a_caption_gets_no_file_for_one(show: Measured, tmp_path: Path) -> None:
    plan, sources = tables([show], steer=lambda i, row: {"caption": None if i else "first"})
    export(plan, sources, tmp_path / "out")
    assert [name for name in content(tmp_path / "out") if name.endswith("0.txt")] == [
        "Magical Girl - S04E01-000000000.txt"
    ]


def test_captions_can_be_left_out(show: Measured, tmp_path: Path) -> None:
    export(*tables([show]), tmp_path / "out", options=ExportOptions(captions=False))
    assert [name for name in content(tmp_path / "out") if name.endswith(".txt")] == ["CREDITS.txt"]


def test_credits_name_each_source_once(show: Measured, caps: Measured, tmp_path: Path) -> None:
    facts = {"credit": "Studio\nX", "licence": "CC-BY 4.0", "url": "https://example.org"}
    export(*tables([replace(show, facts=facts), caps]), tmp_path / "out")
    assert (tmp_path / "out" / "CREDITS.txt").read_text("utf-8") == (
        "The pictures in this folder come from:\n\n"
        "Magical Girl - S04E01\n    show: Show\n    credit: Studio X\n    licence: CC-BY 4.0\n"
        "    url: https://example.org\n    pictures: 4\n\n"
        "caps\n    show: Show\n    licence: not given\n    pictures: 3\n"
    )


def test_an_empty_selection_is_an_error_and_makes_no_folder(show: Measured, tmp_path: Path) -> None:
    plan, sources = tables([show])
    with pytest.raises(ExportError, match="empty") as caught:
        export(plan.slice(0, 0), sources, tmp_path / "out")
    assert caught.value.hint and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"image_format": "jepg"}, "jepg"),
        ({"layouts": ("koyha",)}, "koyha"),
        ({"quality": 101}, "between 1 and 100"),
        ({"max_size": 0}, "between 1 and 16384"),
        ({"max_size": 60000}, "between 1 and 16384"),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ExportOptions(**wrong)


def test_a_picture_too_large_for_the_format_is_refused(tmp_path: Path) -> None:
    from animeds_db.export.pictures.render import encode

    with pytest.raises(ExportError, match="16383"):
        encode(Image.new("RGB", (16384, 1)), "webp", 95)


def with_parts(show: Measured) -> tuple[pa.Table, pa.Table]:
    """A plan in which every picture is a crop with a part beside it, and one has another frame in a folder beside."""
    last = show.rows[-1]
    names = ("source_id", "frame_id", "stream", "pts", "key_pts", "member", "content_hash")
    other = {name: last[name] for name in names}

    def steer(i: int, row: dict[str, Any]) -> dict[str, Any]:
        beside: list[dict[str, Any]] = [
            {
                "name": "control.png",
                "look": "frame",
                "origin": other if i == 0 else None,
                "crop": None,
            }
        ]
        beside += [{"name": ".mask", "look": "frame", "origin": None, "crop": [0, 0, 1, 1]}]
        return {"beside": beside, "crop": [0.25, 0.25, 0.75, 1], "folder": "emi"}

    return tables([show], steer=steer)


def test_a_picture_has_parts_of_its_own_frame_and_of_others(show: Measured, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ExportOptions(layouts=("plain", "zip", "webdataset"))
    plan, sources = with_parts(show)
    export(plan, sources, out, options=options)
    names = [f"Magical Girl - S04E01-{frame[-9:]}" for frame in show.frame_ids]
    first, last = show.frame_ids[0], show.frame_ids[-1]
    for name, frame in zip(names, show.frame_ids, strict=True):
        seen = show.pixels[frame]
        height, width, _ = seen.shape
        left, top, right, bottom = crop_box((0.25, 0.25, 0.75, 1), width, height)
        assert np.array_equal(pixels(out / f"plain/emi/{name}.png"), seen[top:bottom, left:right])
        assert np.array_equal(pixels(out / f"plain/emi/{name}.mask"), seen)
        control = show.pixels[last] if frame == first else seen[top:bottom, left:right]
        assert np.array_equal(pixels(out / f"plain/emi.control/{name}.png"), control)
    with zipfile.ZipFile(out / "zip/dataset.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == content(out / "plain")
    with tarfile.open(out / "webdataset/pictures-000000.tar") as shard:
        suffixes = [name.partition(".")[2] for name in shard.getnames()]
    assert sorted(suffixes) == sorted(["png", "control.png", "mask", "txt", "json"] * 4)


def test_an_export_with_parts_is_rebuilt_continued_and_replaced(show: Measured, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan, sources = with_parts(show)
    export(plan, sources, out)
    assert rebuild(out, tmp_path / "again").differing == ()
    assert content(tmp_path / "again") == content(out)

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(plan, sources, tmp_path / "new", progress=stop)
    there = content(tmp_path / ".new.partial")
    seen: list[int] = []
    export(plan, sources, tmp_path / "new", progress=lambda done, _: seen.append(done))
    assert seen[0] == 2 and sum(name.endswith(".mask") for name in there) >= 2
    assert content(tmp_path / "new") == content(out)
    next(out.glob("emi.control/*.png")).unlink()
    with pytest.raises(ExportError, match="has been changed since it was exported: emi.control/"):
        export(plan, sources, out, options=ExportOptions(overwrite=True))


def test_a_name_is_taken_by_the_parts_of_a_picture_too(show: Measured, tmp_path: Path) -> None:
    beside = [{"name": "-masklabel.png", "look": "frame"}, {"name": "control.png", "look": "frame"}]
    names = [("a", ""), ("a-masklabel", ""), ("b", "control"), ("b", "emi.control")]
    plan, sources = tables(
        [show], steer=lambda i, _: dict(zip(("filename", "folder"), names[i], strict=True))
    )
    plan = plan.set_column(
        plan.column_names.index("beside"), PLAN.field("beside"), pa.array([beside] * 4, BESIDE)
    )
    export(plan, sources, tmp_path / "out")
    pictures = [name for name in content(tmp_path / "out") if name.endswith(".png")]
    assert len({name.casefold() for name in pictures}) == 12
    assert "a-masklabel_2.png" in pictures and "control_2/b.png" in pictures

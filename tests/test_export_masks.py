"""Masks of an export: read by the trainers' code as mask_readers.py restates it, aligned with their pictures."""

from __future__ import annotations

import tarfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mask_readers
import numpy as np
import pytest
from export_material import content, database, picture_source
from PIL import Image
from trainer_readers import READERS

from animeds_db.captions import CaptionProfile
from animeds_db.dataset import Dataset
from animeds_db.errors import ExportError, SourceError, UsageError
from animeds_db.export import LAYOUTS, ExportOptions, MaskOptions, rebuild
from animeds_db.export.columns.masking import _parted
from animeds_db.export.hub.card import card
from animeds_db.export.manifest import read_manifest
from animeds_db.export.pictures.masks import FORMATS

SIZE = (300, 200)
SPOTS = [(40, 30, 150, 170), (100, 20, 290, 120), (90, 90, 210, 199)]
"""What is white in each picture, in pixels: left, top, right, bottom."""
TEXT = "SELECT frame_id FROM masks WHERE part = 'text'"
CROPPED = "SELECT frame_id, [0.1, 0.05, 0.9, 1.0] AS crop, 'emi' AS folder, 'emi' AS caption FROM frames"


def drawn(spot: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = spot
    pixels = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    pixels[top:bottom, left:right] = 255
    return pixels


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """Three pictures with a white rectangle each, which is their mask, and a fourth one that has none."""
    folder = tmp_path_factory.mktemp("masks")
    shown = [drawn(spot) for spot in SPOTS] + [np.full((SIZE[1], SIZE[0]), 90, np.uint8)]
    source = picture_source(folder / "caps", pictures=[np.stack([one] * 3, axis=2) for one in shown])
    for row, text in zip(source.rows, (0.0, 0.4, 0.0, 0.0), strict=True):
        row["text_lower"] = text
    store = database(folder / "db", [source])
    with Dataset(store) as dataset:
        for frame_id, mask in zip(source.frame_ids, shown[:3], strict=False):
            dataset.set_mask(frame_id, mask)
        yield dataset


def options(*layouts: str, **masks: Any) -> ExportOptions:
    profile = CaptionProfile(activation_tag="emi")
    return ExportOptions(bucket=128, layouts=layouts, profile=profile, masks=MaskOptions(**masks))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32)[..., 0] / 255


TOGETHER = (
    (None, ("kohya-toml", "diffusion-pipe", "ai-toolkit", "simpletuner")),
    ("alpha", ("kohya", "kohya-toml", "ai-toolkit")),
    (".mask", ("kohya", "plain")),
    (None, ("onetrainer", "plain")),
)
"""Mask formats (None: that of the trainers), and the layouts that are exported with them at once."""


@pytest.mark.parametrize(("kind", "layouts"), TOGETHER)
def test_a_trainer_learns_exactly_what_was_masked(
    dataset: Dataset, tmp_path: Path, kind: str | None, layouts: tuple[str, ...]
) -> None:
    wanted = options(*layouts, parts=("character",), format=kind)
    report = dataset.export(None, tmp_path / "out", sql=CROPPED, options=wanted)
    assert report.n_pictures == 3
    assert any("1 of 4 pictures have no mask of character and are left out" in note for note in report.notes)
    for layout in set(layouts) - {"plain"}:
        root = tmp_path / "out" / layout
        found = mask_readers.READERS[layout, wanted.mask_format](root)
        assert len(found) == 3
        if layout != "onetrainer":  # whose masks lie among its pictures
            assert READERS[layout](root).keys() == found.keys()
        for path, weights in found.items():
            assert_aligned(pixels(root / path), weights)


def assert_aligned(seen: np.ndarray, weights: np.ndarray) -> None:
    """The white of a picture is that of its mask: the same pixels, but for the one on an edge that may be grey."""
    assert seen.shape == weights.shape and 0.1 < weights.mean() < 0.7
    assert (seen[weights > 0.6] > 0.5).all() and (seen[weights < 0.4] < 0.5).all()
    down, across = np.mgrid[: seen.shape[0], : seen.shape[1]]
    for axis in (down, across):
        assert np.average(axis, weights=seen.clip(0, 1)) == pytest.approx(
            np.average(axis, weights=weights), abs=0.1
        )


def test_a_layout_that_trains_on_files_beside_pictures_refuses_masks_there() -> None:
    every = {layout.masks[0] for layout in LAYOUTS.values() if layout.masks}
    assert every <= set(FORMATS) and {name for name, _ in mask_readers.READERS} < set(LAYOUTS)
    read = {
        (layout, kind)
        for _, layouts in TOGETHER
        for layout, kind in mask_readers.READERS
        if layout in layouts
    }
    assert read == set(mask_readers.READERS)
    wrong_options: list[tuple[dict[str, Any], str]] = [
        ({"layouts": ("musubi",)}, "musubi cannot hold masks"),
        ({"layouts": ("kohya-toml", "onetrainer")}, "No mask format suits all layouts"),
        ({"layouts": ("kohya",), "masks": MaskOptions(("person",), format="folder")}, "does not suit"),
        ({"layouts": ("kohya",), "image_format": "jpg"}, "JPEG has no transparency"),
        ({"layouts": ("simpletuner",), "image_format": "webp"}, "masks are PNG"),
        ({"layouts": ("kohya-toml",), "captions": False}, "sd-scripts need captions"),
    ]
    for wrong, why in wrong_options:
        with pytest.raises(UsageError, match=why):
            ExportOptions(**{"masks": MaskOptions(("character",)), **wrong})
    wrong_masks: list[tuple[dict[str, Any], str]] = [
        ({"background": "pink"}, "It must be keep, remove, blur, or a colour"),
        ({"format": "alpha"}, "--mask-format needs a mask"),
        ({"parts": ("character",), "format": "red"}, 'no mask format "red"'),
    ]
    for masks, why in wrong_masks:
        with pytest.raises(UsageError, match=why):
            MaskOptions(**masks)
    several = ExportOptions(layouts=("kohya-toml", "diffusion-pipe"), masks=MaskOptions(("character",)))
    assert several.mask_format == "folder"


def test_text_is_black_and_all_else_is_learnt(dataset: Dataset, tmp_path: Path) -> None:
    report = dataset.export(
        None,
        tmp_path / "out",
        sql="SELECT frame_id FROM frames",
        options=ExportOptions(masks=MaskOptions(out=("text",)), max_size=150, captions=False),
    )
    assert report.n_pictures == 4
    masks = [pixels(tmp_path / "out" / f"mask/picture {n}.png") for n in (1, 2, 3, 4)]
    assert [mask.mean() for mask in masks] == pytest.approx([1, 0.7, 1, 1], abs=0.01)
    assert not masks[1][72:].any()
    both = MaskOptions(("character",), out=("text",), format=".mask")
    dataset.export(
        None,
        tmp_path / "both",
        sql="SELECT frame_id FROM frames",
        options=ExportOptions(masks=both, captions=False),
    )
    left = drawn(SPOTS[1]).copy()
    left[140:] = 0
    with Image.open(tmp_path / "both" / "picture 2.mask") as mask:
        assert mask.mode == "L" and np.array_equal(np.asarray(mask), left)


def test_a_background_is_removed_blurred_or_painted(dataset: Dataset, tmp_path: Path) -> None:
    seen = {}
    for background in ("remove", "blur", "#00ff80"):
        chosen = ExportOptions(masks=MaskOptions(background=background), captions=False)
        out = tmp_path / background.strip("#")
        dataset.export(None, out, sql="SELECT frame_id FROM frames LIMIT 1", options=chosen)
        with Image.open(out / "picture 1.png") as image:
            seen[background] = np.asarray(image)
        assert not (out / "mask").exists()
    inside = drawn(SPOTS[0]) > 0
    assert np.array_equal(seen["remove"][..., 3] > 0, inside)
    assert (seen["remove"][..., :3] == 255).all()  # for readers that ignore transparency
    assert (seen["#00ff80"][~inside] == (0, 255, 128)).all() and (seen["#00ff80"][inside] == 255).all()
    assert (seen["blur"][inside] == 255).all() and not seen["blur"][~inside].any(), (
        "the rectangle leaves a shadow"
    )


def test_masks_are_packed_rebuilt_and_belong_to_their_pictures(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    wanted = replace(options("plain", "zip", "webdataset", parts=("character",)), bucket=None)
    dataset.export(None, out, sql=CROPPED, options=wanted)
    assert rebuild(out, tmp_path / "again").differing == ()
    assert content(tmp_path / "again") == content(out)
    mask = (out / "plain/emi.mask/picture 1.png").read_bytes()
    with zipfile.ZipFile(out / "zip/dataset.zip") as archive:
        assert archive.read("emi.mask/picture 1.png") == mask
    with tarfile.open(out / "webdataset/pictures-000000.tar") as shard:
        member = shard.extractfile("emi/picture 1.mask.png")
        assert member is not None and member.read() == mask
    assert dataset.sync(out, dry_run=True).changes == ()
    page = card(read_manifest(out), "mika/emi", list(content(out)))
    assert "picture 1.png" in page.replace("%20", " ") and "emi.mask" not in page


def test_an_archive_of_pictures_without_a_folder_leaves_nothing_beside_it(
    dataset: Dataset, tmp_path: Path
) -> None:
    wanted = options("zip", parts=("character",))
    for overwrite in (False, True):
        dataset.export(None, tmp_path / "out", sql=TEXT, options=replace(wanted, overwrite=overwrite))
        assert set(content(tmp_path / "out")) == {"CREDITS.txt", "animeds-export.json", "dataset.zip"}


def test_what_is_missing_is_said_before_and_after(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "SELECT frame_id FROM frames"
    preview = dataset.preview_export(None, sql=rows, options=options("plain", parts=("person", "text")))
    assert preview.folders[0]["pictures"] == 1
    assert any("2 frames have a mask of the whole frame only" in note for note in preview.notes)
    none = options("plain", parts=("logo", "text"))
    dataset.set_mask(
        dataset.sql("SELECT max(frame_id) FROM frames").fetchall()[0][0], np.zeros((9, 9)), "logo"
    )
    shown = dataset.preview_export(
        None, sql="SELECT max(frame_id) AS frame_id FROM frames UNION ALL " + TEXT, options=none
    )
    assert any("The masks of their frames show that it is not there" in note for note in shown.notes)
    dataset.undo()
    nothing = dataset.preview_export(None, sql=rows, options=options("plain", out=("logo", "border")))
    assert any("nothing is masked out: no picture has logo or border" in note for note in nothing.notes)
    with pytest.raises(ExportError, match='No mask shows "caracter"') as caught:
        dataset.preview_export(None, sql=rows, options=options("plain", parts=("caracter",)))
    assert "character" in str(caught.value)
    with pytest.raises(ExportError, match="None of 4 pictures has a mask of person") as caught:
        dataset.preview_export(None, sql=rows, options=options("plain", parts=("person",)))
    assert "segment --boxes person" in str(caught.value)


def test_pictures_of_a_large_export_are_parted_in_one_go() -> None:
    rows = {n: [{"shown": [n] if n % 2 else []}] for n in range(40_000)}
    began = time.process_time()
    kept, without = _parted(rows, 40_001)
    assert time.process_time() - began < 2
    assert kept == list(range(1, 40_000, 2)) and without == list(range(0, 40_000, 2))


def test_a_mask_is_a_control_too(dataset: Dataset, tmp_path: Path) -> None:
    control = replace(options("kohya-toml"), controls=("mask",))
    dataset.export(None, tmp_path / "out", sql=CROPPED, options=control)
    for path in sorted((tmp_path / "out/pictures/emi").glob("*.png")):
        assert_aligned(pixels(path), pixels(tmp_path / "out/pictures/emi.control" / path.name))


def test_a_mask_is_deleted_with_its_picture_and_a_changed_frame_is_refused(tmp_path: Path) -> None:
    shown = [np.stack([drawn(spot)] * 3, axis=2) for spot in SPOTS[:2]]
    source = picture_source(tmp_path / "caps", pictures=shown)
    with Dataset(database(tmp_path / "db", [source])) as dataset:
        for frame_id, spot in zip(source.frame_ids, SPOTS, strict=False):
            dataset.set_mask(frame_id, drawn(spot))
        rows, out = "SELECT frame_id FROM frames", tmp_path / "out"
        options = ExportOptions(masks=MaskOptions(("character",)), captions=False, overwrite=True)
        dataset.export(None, out, sql=rows, options=options)
        (out / "picture 1.png").unlink()
        assert [change.what for change in dataset.sync(out).changes] == ["dropped"]
        (out / "mask" / "picture 1.png").unlink()
        dataset.export(None, out, sql=rows, options=options)
        assert sorted(path.name for path in out.rglob("*.png")) == ["picture 2.png"] * 2
        Image.fromarray(255 - shown[1]).save(tmp_path / "caps" / "picture 2.png")
        with pytest.raises(SourceError, match="picture 2"):
            dataset.export(None, tmp_path / "changed", sql=rows, options=options)

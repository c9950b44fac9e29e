"""Logos: what stays still over a whole video."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from tables import add_source, frames, new_store, rows

import animeds_db
from animeds_db.media.masks import Shape, drawn
from animeds_ingest.measures.logos import components, find_logos

PLACE = (200, 8, 244, 24)
"""The box around the logo, in pixels of 256 × 144."""


def shots(n: int, *, logo: bool, faint: float = 0.5) -> list[Image.Image]:
    """Shots of random rectangles under black bars, some with a half transparent logo in the upper right corner."""
    rng = np.random.default_rng(7)
    pictures = []
    for shot in range(n):
        picture = Image.new("RGB", (256, 144), tuple(rng.integers(60, 200, 3).tolist()))
        draw = ImageDraw.Draw(picture)
        for _ in range(12):
            x, y = int(rng.integers(-40, 256)), int(rng.integers(-40, 144))
            draw.rectangle((x, y, x + 70, y + 50), fill=tuple(rng.integers(40, 220, 3).tolist()))
        if logo and shot % 8:  # the opening has none
            stamped = picture.copy()
            pen = ImageDraw.Draw(stamped)
            pen.rectangle(PLACE, outline=(255, 255, 255), width=3)
            pen.line((210, 12, 234, 20), fill=(255, 255, 255), width=3)
            picture = Image.blend(picture, stamped, faint)
        ImageDraw.Draw(picture).rectangle((0, 130, 256, 144), fill=(0, 0, 0))
        pictures.append(picture.filter(ImageFilter.GaussianBlur(0.6)))
    return pictures


def grey(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(picture.convert("L")) for picture in pictures])


def test_a_logo_is_found_and_the_scene_and_bars_are_not() -> None:
    bars = {"top": 0.0, "bottom": 14 / 144}
    [logo] = find_logos(grey(shots(40, logo=True)), **bars)
    rows_, columns = np.flatnonzero(logo.any(axis=1)), np.flatnonzero(logo.any(axis=0))
    found = (columns[0], rows_[0], columns[-1], rows_[-1])
    assert np.abs(np.subtract(found, PLACE)).max() <= 5
    assert find_logos(grey(shots(40, logo=False)), **bars) == []
    assert find_logos(grey(shots(11, logo=True)), **bars) == []


def test_parts_that_touch_are_one() -> None:
    mask = np.array([[1, 1, 0, 0, 1], [0, 0, 0, 0, 1], [1, 0, 1, 1, 0]], np.bool_)
    assert components(mask).tolist() == [[1, 1, 0, 0, 3], [0, 0, 0, 0, 3], [2, 0, 3, 3, 0]]


def test_every_frame_of_a_video_has_its_logo(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa", kind="video")
    ids = store_shots(store, shots(24, logo=True))
    with animeds_db.open(store.uri) as dataset:
        assert dataset.mask_logos() == {"aaaaaaaa": 1}
        assert dataset.mask_logos() == {"aaaaaaaa": 1}  # and not twice
        sql = """SELECT frame_id, "left", top, "right", bottom, shape FROM masks WHERE part = 'logo' ORDER BY 1"""
        found = dataset.sql(sql).fetchall()
        assert [row[0] for row in found] == ids
        seen = drawn([Shape(*found[3][1:])], 256, 144) > 127
        assert seen[PLACE[1] : PLACE[3], PLACE[0] : PLACE[2]].mean() > 0.9 and seen.mean() < 0.05
        dataset.set_mask(ids[3], np.zeros((9, 16)), part="logo")
        assert dataset.sql(
            "SELECT coverage FROM masks WHERE part = 'logo' AND \"by\" = 'person'"
        ).fetchall() == [(0,)]
        assert dataset.drop_model("logos") == len(ids)
        assert len(dataset.sql(sql).fetchall()) == 1


def store_shots(store: animeds_db.store.Store, pictures: list[Image.Image]) -> list[str]:
    """Write a frame and a thumbnail per shot, and return the ids of the frames."""
    wanted = frames(
        store, "aaaaaaaa", len(pictures), shot=0, is_blank=False, border_top=0.0, border_bottom=14 / 144
    )
    numbered = [row | {"shot": n} for n, row in enumerate(wanted.to_pylist())]
    store.upsert("frames", rows(store, "frames", *numbered))
    ids = [row["frame_id"] for row in numbered]
    thumbnails = []
    for frame_id, picture in zip(ids, pictures, strict=True):
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=80)
        thumbnails.append({"frame_id": frame_id, "source_id": "aaaaaaaa", "webp": buffer.getvalue()})
    store.upsert("thumbnails", rows(store, "thumbnails", *thumbnails))
    return ids

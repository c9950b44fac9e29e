"""Searching by a picture: it is decoded as ingest decodes it, so each picture finds its own frame first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli_run import Runner
from PIL import Image

from animeds_db.dataset import Dataset, open_or_create
from animeds_db.errors import SourceError
from animeds_db.models import load_profile
from animeds_ingest.engines.local import ingest
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

TURNED = 6
"""The Exif orientation of a picture that must be turned clockwise to be upright."""


def drawn(seed: int) -> Image.Image:
    """A picture with rectangles at random positions."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (160, 96), tuple(rng.integers(0, 256, 3).tolist()))
    for _ in range(6):
        x, y, w, h = (int(v) for v in rng.integers((0, 0, 20, 20), (120, 70, 60, 60)))
        image.paste(tuple(rng.integers(0, 256, 3).tolist()), (x, y, x + w, y + h))
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of every kind that must be converted before a model sees them."""
    folder = tmp_path_factory.mktemp("pictures")
    drawn(1).save(folder / "plain.png")
    cut_out = drawn(2).convert("RGBA")
    alpha = np.tile(np.where(np.arange(160) < 100, 0, 255).astype(np.uint8), (96, 1))
    cut_out.putalpha(Image.fromarray(alpha))
    cut_out.save(folder / "transparent.png")
    drawn(3).quantize(8).save(folder / "palette.gif", transparency=0)
    exif = Image.Exif()
    exif[274] = TURNED
    drawn(4).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(np.asarray(drawn(5).convert("L")).astype(np.uint16) * 257).save(folder / "grey16.png")
    return folder


@pytest.fixture(scope="module")
def dataset(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    models = load_profile("none", overrides={"image": "tiny-image"}, device="cpu")
    with open_or_create(str(tmp_path_factory.mktemp("db") / "pictures.animeds"), models) as dataset:
        assert not ingest(dataset.store, discover([folder]), Sampling.parse("all"), models).failed
        yield dataset


@pytest.mark.parametrize("name", ["plain.png", "transparent.png", "palette.gif", "turned.jpg", "grey16.png"])
def test_a_picture_finds_its_own_frame_at_one(dataset: Dataset, folder: Path, name: str) -> None:
    found = dataset.search(image=folder / name, k=2).project("frame_id, similarity").fetchall()
    sql = "SELECT member FROM frames WHERE frame_id = $id"
    assert dataset.sql(sql, {"id": found[0][0]}).fetchall() == [(name,)]
    assert found[0][1] == pytest.approx(1.0, abs=1e-5)


def test_a_file_that_is_not_a_picture_is_refused_by_name(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    with pytest.raises(SourceError, match=r"broken\.png cannot be read as a picture"):
        dataset.search(image=broken)
    missing = Runner(capsys, monkeypatch)("search", "--image", tmp_path / "nowhere.png", "--db", dataset.uri)
    assert missing.code == 1
    assert "nowhere.png cannot be read: No such file or directory" in missing.err

"""From the hub to a search: pull and ingest the profile "anime" over real HTTP, with files of the real signatures."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import anime_profile
import numpy as np
import pytest
import videos
from cli_run import Runner
from hub_server import COMMIT, Hub, running
from model_places import only_here
from PIL import Image

import animeds_db
from animeds_db.models.runners.crops import head_square
from animeds_db.models.runners.detector import Box

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    only_here(monkeypatch, tmp_path / "models")
    (tmp_path / "made").mkdir()
    with running(Hub()) as served:
        served.files.update(anime_profile.contents(tmp_path / "made"))
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("ANIMEDS_DB", str(tmp_path / "show.animeds"))
        monkeypatch.setenv("ANIMEDS_DEVICE", "cpu")
        monkeypatch.chdir(tmp_path)
        yield served


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def unit(x: np.ndarray) -> np.ndarray:
    units: np.ndarray = x / np.linalg.norm(x)
    return units


def clip_statistics(picture: Image.Image) -> np.ndarray:
    """Return the picture as CLIP and CCIP are fed: [3,h,w]."""
    return ((np.asarray(picture) / 255 - CLIP_MEAN) / CLIP_STD).transpose(2, 0, 1)


def wd_scores(picture: Image.Image) -> np.ndarray:
    """What the tagger must answer: white square, bicubic 448, BGR, 0…255, NHWC."""
    side = max(picture.size)
    square = Image.new("RGB", (side, side), (255, 255, 255))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    fed = np.asarray(square.resize((448, 448), Image.Resampling.BICUBIC))[:, :, ::-1].reshape(-1)
    return fed[anime_profile.WD_FROM :][:10_861] / anime_profile.WD_DIVIDE


def clip_vector(picture: Image.Image) -> np.ndarray:
    """What the picture tower must answer: shorter side to 224, centre, CLIP's statistics."""
    width = 224 * picture.width // picture.height
    left = (width - 224) // 2
    small = picture.resize((width, 224), Image.Resampling.BICUBIC).crop((left, 0, left + 224, 224))
    return unit(clip_statistics(small).reshape(-1)[anime_profile.CLIP_FROM :][:512])


def ccip_vector(picture: Image.Image, box: Box) -> np.ndarray:
    """What the character model must answer: the head's square, bilinear 384, CLIP's statistics."""
    head = picture.crop(head_square(*picture.size, box)).resize((384, 384), Image.Resampling.BILINEAR)
    return unit(clip_statistics(head).reshape(-1)[anime_profile.CCIP_FROM :][:768])


def test_the_anime_profile_from_the_hub_to_a_search(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    animeds = Runner(capsys, monkeypatch)
    pulled = animeds("models", "pull", "anime", "--format", "csv")
    assert pulled.code == 0, pulled.err
    names = ["wd-swinv2-v3", "face-v1.4-s", "ccip-caformer-24", "clip-vit-b32", "clip-vit-b32-text"]
    assert [row["name"] for row in rows(pulled.out)] == names
    assert {row["revision"] for row in rows(pulled.out)} == {COMMIT[:12]}
    assert {row["state"] for row in rows(animeds("models", "verify", *names, "--format", "csv").out)} == {
        "ok"
    }
    asked = len(hub.requests)

    shutil.copyfile(videos.shared_clip("h264 mp4"), tmp_path / "Show - 01.mp4")
    ingested = animeds("ingest", "Show - 01.mp4", "--profile", "anime", "--sample", "every=0.5s")
    assert ingested.code == 0, ingested.err
    assert "models run on the CPU, as requested" in ingested.err
    assert len(hub.requests) == asked  # what was pulled is used without asking again

    found = animeds("search", "red hair", "-k", "99", "--format", "csv")
    assert found.code == 0, found.err
    refused = animeds("search", "red hair", "--tower", "tiny-text")
    assert refused.code == 1 and "tiny-text does not share a space with clip-vit-b32" in refused.err
    with animeds_db.open() as dataset:
        expect_what_the_models_answer(dataset)
        expect_the_order_of_cosines(dataset, rows(found.out))


def expect_what_the_models_answer(dataset: animeds_db.Dataset) -> None:
    ids = [row[0] for row in dataset.sql("SELECT frame_id FROM frames ORDER BY 1").fetchall()]
    assert len(ids) >= 3
    assert dataset.sql(
        "SELECT DISTINCT tagger, embedder, len(embedding::FLOAT[]) FROM frames"
    ).fetchall() == [("wd-swinv2-v3@01234567", "clip-vit-b32@01234567", 512)]
    assert dataset.sql("SELECT count(*) FROM vocabulary").fetchall() == [(10_861,)]
    assert dataset.sql("SELECT task, width, licence FROM models ORDER BY 1").fetchall() == [
        ("character", 768, "openrail"),
        ("detector", None, "MIT"),
        ("image", 512, "MIT"),
        ("tagger", None, "apache-2.0"),
    ]
    vocabulary = dataset.sql("SELECT tag FROM vocabulary ORDER BY tag_id").fetchall()
    for frame_id, picture in dataset.images(ids):
        scores = np.floor(wd_scores(picture) * 1000 + 1e-3)
        wanted = {vocabulary[place][0]: scores[place] / 1000 for place in np.flatnonzero(scores > 100)}
        got = dict(
            dataset.sql(
                "SELECT tag, score FROM scored_tags WHERE frame_id = $id AND score > 0.1", {"id": frame_id}
            ).fetchall()
        )
        assert got == wanted and len(got) > 1000
        ((vector,),) = dataset.sql(
            "SELECT embedding::FLOAT[] FROM frames WHERE frame_id = $id", {"id": frame_id}
        ).fetchall()
        np.testing.assert_allclose(vector, clip_vector(picture), atol=1e-5)
        faces = dataset.sql(
            'SELECT f."left", f.top, f."right", f.bottom, f.score, vector::FLOAT[] FROM faces AS f'
            " WHERE frame_id = $id ORDER BY face_id",
            {"id": frame_id},
        ).fetchall()
        np.testing.assert_allclose(
            [face[:5] for face in faces], [[0.2, 0.4, 0.3, 0.6, 0.9], [0.65, 0.2, 0.85, 0.3, 0.6]], atol=1e-5
        )
        for face in faces:
            np.testing.assert_allclose(face[5], ccip_vector(picture, Box("face", *face[:5])), atol=1e-5)


def expect_the_order_of_cosines(dataset: animeds_db.Dataset, found: list[dict[str, str]]) -> None:
    """The words' vector is the sum of the rows of the four tokens (see model_files.text_tower)."""
    table = np.random.default_rng(5).normal(0, 1, (50, 512)).astype(np.float32)
    words = unit(table[[0, 3, 4, 1]].sum(0))
    frames = dataset.sql("SELECT frame_id, embedding::FLOAT[] FROM frames").fetchall()
    cosines = {frame_id: float(np.dot(words, vector)) for frame_id, vector in frames}
    assert [row["frame_id"] for row in found] == sorted(cosines, key=lambda i: (-cosines[i], i))
    np.testing.assert_allclose(
        [float(row["similarity"]) for row in found], sorted(cosines.values(), reverse=True), atol=1e-4
    )
    in_sql = dataset.sql("SELECT frame_id FROM search_text('red hair')").fetchall()
    assert [row[0] for row in in_sql] == [row["frame_id"] for row in found]

"""The same episode twice, in another size and another encode: recognised as copies, and the larger one stays."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
import sampleshow
from cli_run import Runner
from measuring import MATERIAL
from PIL import Image
from videos import write_video

from animeds_db.dataset.dataset import Dataset, open_or_create
from animeds_db.models import load_profile
from animeds_ingest.engines.local import ingest
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

REAL = MATERIAL / "real_clip.mp4"
SECONDS = 20


def pictures(path: Path) -> tuple[list[np.ndarray], int]:
    """Return every third picture (RGB) of the first seconds of a video, and how many a second that makes."""
    with av.open(str(path)) as container:
        fps = round(float(container.streams.video[0].average_rate or 24)) // 3
        frames = islice(container.decode(video=0), 0, 3 * fps * SECONDS, 3)
        return [frame.to_ndarray(format="rgb24") for frame in frames], fps


def scaled(picture: np.ndarray, height: int) -> np.ndarray:
    width = round(picture.shape[1] * height / picture.shape[0] / 2) * 2
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


@pytest.fixture(scope="module", params=["real", "drawn"])
def twice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A database of one clip, a copy of its file under another name, and a smaller encode of it."""
    folder = tmp_path_factory.mktemp(str(request.param))
    if request.param == "real":
        if not REAL.exists():
            pytest.skip("the real clip is not here")
        original, small = REAL, 360
    else:
        original, small = next(iter(sorted(sampleshow.episodes().glob("*.mkv")))), 216
    clip, fps = pictures(original)
    first = write_video(folder / "Show - S01E01.mkv", pictures=clip, fps=fps, params="crf=18")
    shutil.copy(first, folder / "the same file.mkv")
    smaller = [scaled(picture, small) for picture in clip]
    write_video(folder / "Show - S01E01 small.mkv", pictures=smaller, fps=fps, params="crf=26")
    models = load_profile("tiny", device="cpu")
    dataset = open_or_create(str(folder / "show.animeds"), models)
    report = ingest(dataset.store, discover([folder]), Sampling.parse("every=0.25s"), models)
    assert not report.failed
    return dataset


def test_a_file_under_another_name_is_the_same_source(twice: Dataset) -> None:
    assert twice.sql("SELECT count(*) FROM sources").fetchall() == [(2,)]


def test_every_frame_of_the_small_encode_is_a_copy_and_the_larger_stays(twice: Dataset) -> None:
    twice.dedup()
    counts = twice.sql(
        """SELECT count(*) FILTER (is_small), count(*) FILTER (is_small AND NOT d.keeper AND larger_stays)
        FROM (SELECT *, height < (SELECT max(height) FROM frames) AS is_small FROM frames WHERE NOT is_blank) AS f
        LEFT JOIN (
            SELECT d.frame_id, d.keeper, k.height > s.height AS larger_stays
            FROM duplicates AS d JOIN frames AS k ON k.frame_id = d.group_id JOIN frames AS s ON s.frame_id = d.frame_id
        ) AS d USING (frame_id)"""
    ).fetchall()
    small, copies = counts[0]
    assert small >= 30
    assert copies >= 0.95 * small
    heights = twice.sql("SELECT DISTINCT height FROM kept WHERE NOT is_blank").fetchall()
    assert len(heights) == 1 or copies < small


def test_crops_without_borders_and_subtitles_can_be_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suggestions of sql/macros/crops.sql, from the measures of a letterboxed clip to the pictures."""
    rng = np.random.default_rng(3)
    picture = np.kron(rng.integers(60, 220, (12, 16, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    picture[:30] = picture[-30:] = 0
    write_video(tmp_path / "Boxed.mkv", pictures=[picture] * 12, fps=12)
    run = Runner(capsys, monkeypatch)
    db = tmp_path / "boxed.animeds"
    assert run("ingest", tmp_path / "Boxed.mkv", "--db", db, "--profile", "none").code == 0
    sql = (
        "SELECT frame_id, without_text(border_left, border_top, border_right, border_bottom, text_upper, text_lower)"
        " AS crop FROM frames"
    )
    done = run("export", "--sql", sql, tmp_path / "out", "--db", db)
    assert done.code == 0, done.err
    sizes = set()
    for file in (tmp_path / "out").rglob("*.png"):
        with Image.open(file) as exported:
            sizes.add(exported.size)
    assert sizes == {(320, 180)}

"""Clips of the drawn show: their frames are in the videos, and people's corrections count."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import av
import pytest
import sampleshow
from cli_run import Runner
from documented import blocks

import animeds_db
from animeds_db.sample.truth import Truth
from animeds_db.store import Store

PAGE = Path(__file__).parents[1] / "docs" / "clips.md"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    shutil.copytree(sampleshow.measured(), tmp_path / "show.animeds")
    return Store.open(str(tmp_path / "show.animeds"))


@pytest.fixture
def animeds(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setenv("ANIMEDS_DB", store.uri)
    return Runner(capsys, monkeypatch)


def test_every_clip_has_its_frames_in_the_video_and_stays_within_its_shot(store: Store) -> None:
    sql = """
        SELECT c.first_pts, c.last_pts, c.source_frames, c.n_frames, c.seconds
        FROM clips AS c JOIN shots AS s USING (shot_id)
        WHERE c.episode = $n AND c.first_pts >= s.first_pts AND c.last_pts <= s.last_pts
    """
    with animeds_db.open(store.uri) as dataset:
        in_all = dataset.sql("SELECT count(*) FROM clips").fetchall()[0][0]
        for n, drawn in enumerate(Truth.load(sampleshow.episodes()).episodes, start=1):
            with av.open(str(sampleshow.episodes() / drawn.file)) as video:
                pts = [packet.pts for packet in video.demux(video=0) if packet.pts is not None]
            for first, last, source_frames, n_frames, seconds in dataset.sql(sql, n=n).fetchall():
                in_all -= 1
                assert sum(first <= one <= last for one in pts) == source_frames
                assert n_frames % 4 == 1 and 16 <= n_frames <= seconds * 16 < n_frames + 16 / drawn.fps
    assert in_all == 0


def test_the_page_about_clips_works_as_written(store: Store, animeds: Runner) -> None:
    for block in blocks(PAGE, "sh"):
        for command in block.splitlines():
            ran = animeds(*shlex.split(command, comments=True)[1:])
            assert ran.code == 0, (command, ran.err)
    with animeds_db.open(store.uri) as dataset:
        for statement in blocks(PAGE, "sql"):
            assert dataset.sql(statement).fetchall(), statement

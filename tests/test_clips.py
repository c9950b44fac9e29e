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
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, UsageError
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


def shown(dataset: Dataset, shot_id: str) -> list[tuple[str, bool]]:
    sql = "SELECT clip_id, is_kept FROM clips WHERE shot_id = $shot ORDER BY first_pts"
    return dataset.sql(sql, shot=shot_id).fetchall()


def test_clips_are_trimmed_dropped_and_kept_and_every_step_is_undone(store: Store, animeds: Runner) -> None:
    """A shot of 3 s at 12 frames per second, whose pts are milliseconds."""
    with animeds_db.open(store.uri) as dataset:
        asked = "SELECT shot_id, clip_id, first_s FROM clips WHERE seconds BETWEEN 2.5 AND 3 AND first_s > 0 LIMIT 1"
        shot, clip, first_s = dataset.sql(asked).fetchall()[0]
        before = shown(dataset, shot)
        trimmed = animeds("label", "clip", "trim", clip, "--first", first_s + 0.5, "--last", first_s + 1.75)
        (after,) = shown(dataset, shot)
        assert trimmed.out.split() == [after[0]] and after[1]
        sql = "SELECT round((first_s - $start) * 12)::INT, source_frames FROM clips WHERE clip_id = $clip"
        assert dataset.sql(sql, start=first_s, clip=after[0]).fetchall() == [(6, 16)]
        again = dataset.trim_clip(after[0], first_s=first_s)
        assert dataset.sql(sql, start=first_s, clip=again.clip_id).fetchall() == [(0, 22)]
        assert shown(dataset, shot) == [(again.clip_id, True)], (
            "the clip that was trimmed twice is there once"
        )
        dataset.undo()
        dataset.undo()
        assert shown(dataset, shot) == before

        assert animeds("label", "clip", "drop", "--query", f"SELECT '{shot}' AS shot_id").code == 0
        assert shown(dataset, shot) == []
        assert animeds("label", "clip", "keep", clip).code == 0
        assert shown(dataset, shot) == [(clip, True)]
        what = dataset.sql("SELECT what FROM label_history ORDER BY said_at DESC").fetchall()
        assert [row[0] for row in what[:2]] == ["clip kept", "clip dropped"]
        assert dataset.sql("SELECT field, in_database FROM labels").fetchall() == [("stretch", True)] * 2


def test_no_clip_crosses_a_cut_that_a_person_added(store: Store, animeds: Runner) -> None:
    with animeds_db.open(store.uri) as dataset:
        asked = "SELECT shot_id, first_s FROM shots WHERE seconds > 2.9 ORDER BY shot_id LIMIT 1"
        shot, first_s = dataset.sql(asked).fetchall()[0]
        assert animeds("label", "clip", "split", shot, first_s + 1.25).code == 0
        sql = "SELECT round((first_s - $start) * 12)::INT AS n FROM clips WHERE shot_id = $shot ORDER BY n"
        assert dataset.sql(sql, start=first_s, shot=shot).fetchall() == [(0,), (15,)]
        with pytest.raises(UsageError, match=f"99999 s is not within shot {shot}"):
            dataset.split_shot(shot, 99999)


def test_what_is_no_clip_is_refused(store: Store, animeds: Runner) -> None:
    with animeds_db.open(store.uri) as dataset:
        (clip,) = dataset.sql("SELECT clip_id FROM clips ORDER BY clip_id LIMIT 1").fetchall()[0]
        with pytest.raises(QueryError, match="No shots were found in source nosuch"):
            dataset.keep_clip("nosuch-c0_9")
        with pytest.raises(QueryError, match="no clip or shot clip"):
            dataset.keep_clip("clip")
        with pytest.raises(QueryError, match="ends before it begins"):
            dataset.keep_clip(f"{clip[:8]}-c9_0")
        with pytest.raises(QueryError, match="no column clip_id or shot_id"):
            dataset.drop_clips("SELECT frame_id FROM frames")
        with pytest.raises(UsageError, match="would not change"):
            dataset.trim_clip(clip)
        with pytest.raises(UsageError, match="would end before it begins"):
            dataset.trim_clip(clip, first_s=9, last_s=8)
        assert dataset.history().fetchall() == []
    assert animeds("label", "clip", "drop").code == 2


def test_without_shots_a_query_for_clips_says_what_to_run() -> None:
    with animeds_db.open(sampleshow.database()) as dataset:
        notes = dataset.why_empty(None, sql="SELECT clip_id FROM clips WHERE motion = 'pan'")
    assert notes[-1] == "no shots were found yet, so there are no clips: run animeds shots"


def test_the_page_about_clips_works_as_written(
    store: Store, animeds: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(PAGE, "sh"):
        for command in block.splitlines():
            ran = animeds(*shlex.split(command, comments=True)[1:])
            assert ran.code == 0, (command, ran.err)
    with animeds_db.open(store.uri) as dataset:
        for statement in blocks(PAGE, "sql"):
            assert dataset.sql(statement).fetchall(), statement

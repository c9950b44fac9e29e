"""Light videos of the service: what they hold, ranges of their bytes, limits, and clients that leave."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import av
import httpx2
import movingshow
import numpy as np
import pytest
from fastapi import Request
from videos import write_video
from webserving import ONE, client_of, workers_of

import animeds_db
from animeds_db.errors import QueryError
from animeds_db.media.light import small_size
from animeds_db.web import Options
from animeds_db.web.moving import MovingPictures
from animeds_db.web.pictures import Kept


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with client_of(movingshow.database(), Options(limits=ONE)) as there:
        yield there


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    """A frame, its shot and a clip of the episode."""
    with animeds_db.open(movingshow.database()) as dataset:
        sql = """
            SELECT f.frame_id, f.time_s, s.shot_id, s.source_id, s.frames, c.clip_id, c.source_frames
            FROM shots AS s JOIN frames AS f USING (source_id, shot) JOIN clips AS c ON c.shot_id = s.shot_id
            WHERE s.first_s > 12 AND s.seconds < 9 AND c.source_frames < s.frames ORDER BY f.frame_id, c.first_s
        """
        found: dict[str, Any] = dataset.sql(sql).pl().row(0, named=True)
        return found


def decoded(content: bytes) -> tuple[list[av.VideoFrame], np.ndarray, int]:
    """Return the frames of a video, and the samples and the rate of its sound."""
    with av.open(io.BytesIO(content), "r") as file:
        assert [stream.codec_context.name for stream in file.streams] == ["h264", "aac"]
        frames = list(file.decode(video=0))
    with av.open(io.BytesIO(content), "r") as file:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
        return frames, samples, file.streams.audio[0].rate


def test_the_seconds_around_a_frame_are_an_mp4_with_the_sound_of_that_time(
    client: httpx2.Client, rows: dict[str, Any]
) -> None:
    answer = client.get(f"/api/frames/{rows['frame_id']}/video")
    assert answer.status_code == 200 and answer.headers["content-type"] == "video/mp4"
    frames, samples, rate = decoded(answer.content)
    assert len(frames) == pytest.approx(6 * 12, abs=1) and frames[0].height == 360
    middle = samples[rate : rate + 8192] * np.hanning(8192)
    pitch = np.argmax(np.abs(np.fft.rfft(middle))) * rate / 8192
    assert pitch == pytest.approx(110 * 2 ** ((rows["time_s"] - 1) // 10), rel=0.05)


def test_a_shot_and_a_clip_have_exactly_their_frames(client: httpx2.Client, rows: dict[str, Any]) -> None:
    for path, count in (
        (f"/api/shots/{rows['shot_id']}/video", rows["frames"]),
        (f"/api/frames/{rows['frame_id']}/video?shot=true", rows["frames"]),
        (f"/api/clips/{rows['clip_id']}/video", rows["source_frames"]),
        (f"/api/clips/{rows['clip_id']}/video?margin=0.1", rows["source_frames"] + 2),
    ):
        frames, samples, rate = decoded(client.get(path).content)
        assert len(frames) == count
        assert len(samples) / rate == pytest.approx(count / 12, abs=0.11)


def test_a_video_is_never_longer_than_ten_seconds_or_higher_than_480_pixels(
    client: httpx2.Client, rows: dict[str, Any]
) -> None:
    frames, _, _ = decoded(client.get(f"/api/frames/{rows['frame_id']}/video?before=10&after=10").content)
    assert len(frames) == pytest.approx(10 * 12, abs=1)
    assert client.get(f"/api/frames/{rows['frame_id']}/video?after=11").status_code == 422
    assert small_size(1920, 1080) == (854, 480)
    assert small_size(853, 481) == (852, 480)
    assert small_size(33, 21) == (32, 20)


def test_ranges_of_bytes_are_parts_of_the_same_video(client: httpx2.Client, rows: dict[str, Any]) -> None:
    path = f"/api/shots/{rows['shot_id']}/video"
    whole = client.get(path)
    size = len(whole.content)
    assert whole.headers["accept-ranges"] == "bytes"
    for wanted, part, told in (
        ("bytes=0-", whole.content, f"bytes 0-{size - 1}/{size}"),
        ("bytes=100-199", whole.content[100:200], f"bytes 100-199/{size}"),
        ("bytes=-50", whole.content[-50:], f"bytes {size - 50}-{size - 1}/{size}"),
        (f"bytes=10-{10**14}", whole.content[10:], f"bytes 10-{size - 1}/{size}"),
    ):
        answer = client.get(path, headers={"range": wanted})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"] == told
    beyond = client.get(path, headers={"range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for ignored in ("bytes=-", "bytes=0-1,4-5", "seconds=0-1", "bytes=5-2"):
        assert client.get(path, headers={"range": ignored}).content == whole.content


def test_what_does_not_exist_is_not_found(client: httpx2.Client, rows: dict[str, Any]) -> None:
    for path in (
        "/api/frames/nothing-000000000/video",
        "/api/shots/nothing-s00001/video",
        "/api/clips/nothing-c1_2/video",
        "/api/clips/..%2F..%2Fetc%2Fpasswd/video",
        "/api/sources/nothing/timeline",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, (path, answer.text)
    beyond = client.get(f"/api/clips/{rows['source_id']}-c900000000_900000001/video")
    assert beyond.status_code == 409 and "has no frame between" in beyond.json()["error"]["message"]


def test_a_file_that_has_changed_or_is_gone_is_an_error_and_silent_ones_have_no_sound(tmp_path: Path) -> None:
    film, database = tmp_path / "Show - 01.mkv", tmp_path / "show.animeds"
    write_video(film)
    with animeds_db.create(database) as dataset:
        dataset.ingest([film], sample="every=1s", profile="none")
        frame = dataset.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
    with client_of(database, Options(limits=ONE)) as client:
        path = f"/api/frames/{frame}/video"
        with av.open(io.BytesIO(client.get(path).content), "r") as video:
            assert [stream.type for stream in video.streams] == ["video"]
        whole = film.read_bytes()
        film.write_bytes(whole + b"more")
        changed = client.get(f"{path}?after=1")
        assert changed.status_code == 409 and "has changed" in changed.json()["error"]["message"]
        film.unlink()
        gone = client.get(f"{path}?after=1").json()["error"]
        assert gone["kind"] == "SourceError" and str(film) in gone["message"] and gone["hint"]


def test_a_video_is_stopped_when_its_last_client_leaves_and_its_worker_goes_on(
    rows: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("animeds_db.web.workers.pool.SHORT_S", 600)  # no second worker starts meanwhile
    asked = {"of": "frame", "frame_id": rows["frame_id"], "before_s": 10.0, "after_s": 10.0}

    async def watched() -> None:
        moving = MovingPictures(str(movingshow.database()), Options(limits=ONE))
        try:
            await moving.video(_client(stays_s=60), 1, of="shot", shot_id=rows["shot_id"])
            workers = workers_of(os.getpid())
            with pytest.raises(QueryError, match="disconnected"):
                await moving.video(_client(stays_s=0.05), 1, **asked)
            await moving.video(_client(stays_s=60), 1, of="clip", clip_id=rows["clip_id"], margin_s=0.0)
            assert workers_of(os.getpid()) == workers
            leaves, stays = await asyncio.gather(
                moving.video(_client(stays_s=0.05), 1, **asked),
                moving.video(_client(stays_s=60), 1, **asked),
                return_exceptions=True,
            )
            assert isinstance(leaves, QueryError) and isinstance(stays, bytes)
            assert await moving.video(_client(stays_s=60), 1, **asked) is stays
        finally:
            await moving.close()

    asyncio.run(watched())


def _client(stays_s: float) -> Request:
    """Return a request whose client closes its connection after some seconds."""

    async def receive() -> dict[str, str]:
        await asyncio.sleep(stays_s)
        return {"type": "http.disconnect"}

    return cast(Request, SimpleNamespace(receive=receive))


def test_the_cache_never_holds_more_bytes_than_allowed_and_forgets_what_was_not_used() -> None:
    kept = Kept(10)
    kept.put(("a",), b"1234")
    kept.put(("b",), b"1234")
    assert kept.get(("a",))
    kept.put(("c",), b"1234")
    assert [kept.get((name,)) for name in "abc"] == [b"1234", None, b"1234"]


def test_the_timeline_has_shots_characters_lines_and_chapters(
    client: httpx2.Client, rows: dict[str, Any]
) -> None:
    known = client.get(f"/api/sources/{rows['source_id']}/timeline").json()
    shots = known["shots"]
    assert [shot["shot"] for shot in shots] == list(range(len(shots)))
    assert shots[-1]["end_s"] == pytest.approx(known["duration_s"], abs=0.2)
    assert [(line["speaker"], line["first_s"]) for line in known["lines"]] == [
        ("Emi", 2.0), ("Shiori", 5.0), ("Emi", 20.0),
    ]  # fmt: skip
    assert [(one["title"], one["end_s"]) for one in known["chapters"]] == [
        ("Prologue", 10.0),
        ("Part A", 60.0),
    ]
    assert {one["name"] for one in known["characters"]} >= {"Emi", "Shiori"}


def test_an_export_of_clips_is_tried_first_and_says_what_it_leaves_out(
    client: httpx2.Client, rows: dict[str, Any]
) -> None:
    found = client.get("/api/clips", params={"motion": "moving", "max_s": 2}).json()["clips"]
    assert found and all(clip["motion"] == "moving" and clip["seconds"] <= 2.1 for clip in found)
    body = {"dry_run": True, "layout": "musubi", "options": {"short_edge": 256}}
    told = client.post("/api/clips/export?motion=moving&max_s=2", json=body).json()
    without = [clip["clip_id"] for clip in found if clip["frame_id"] is None]
    assert {clip["clip_id"] for clip in told["dropped"]} == set(without)
    assert sum(bucket["clips"] for bucket in told["buckets"]) == len(found) - len(without) > 0
    assert {bucket["height"] for bucket in told["buckets"]} == {256}
    short = {"dry_run": True, "clips": [rows["clip_id"]], "options": {"frames": "800"}}
    none = client.post("/api/clips/export", json=short).json()
    assert (none["buckets"], none["n_dropped"]) == ([], 1)
    assert "too short" in none["dropped"][0]["why"]
    for wrong in ({"layout": "nothing"}, {"options": {"sound": "/etc/passwd", "wav": True}}, {"out": "../x"}):
        assert client.post("/api/clips/export", json=wrong).status_code in (400, 403)

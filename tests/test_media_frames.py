"""Reading frames: exactly the key frames, all I-frames, all frames, from and to a moment."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Generator
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType
from videos import ALL_CLIPS, decode_everything, frame_times, moving_pictures, shared_clip, write_video

from animeds_db.media import Video, open_media

MATERIAL = Path(os.environ.get("ANIMEDS_TEST_MATERIAL", Path(__file__).parents[2] / "shared" / "data"))


def plane_bytes(frame: av.VideoFrame) -> list[bytes]:
    """The visible bytes of each plane, cut out without the code under test."""
    parts = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        parts.append(rows[:, : plane.width * (2 if "10" in frame.format.name else 1)].tobytes())
    return parts


def key_packets(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        packets = container.demux(video=0)
        return [p.pts for p in packets if p.size and p.is_keyframe and p.pts is not None]


@pytest.mark.parametrize("name", ALL_CLIPS)
def test_keyframes_are_exactly_those_of_the_container_and_identical_to_a_full_decode(name: str) -> None:
    path = shared_clip(name)
    reference = {frame.pts: plane_bytes(frame) for frame in decode_everything(path)}

    frames = list(Video(path).keyframes())

    assert [frame.pts for frame in frames] == key_packets(path)
    for frame in frames:
        assert [plane.tobytes() for plane in frame.planes()] == reference[frame.pts]
        assert frame.is_keyframe
        assert frame.key_pts == frame.pts


@pytest.mark.parametrize("name", ALL_CLIPS)
def test_all_frames_come_in_order_of_presentation_with_the_key_frame_they_hang_on(name: str) -> None:
    path = shared_clip(name)
    keys = key_packets(path)

    frames = list(Video(path).frames())

    assert [frame.pts for frame in frames] == [frame.pts for frame in decode_everything(path)]
    assert [frame.pts for frame in frames if frame.is_keyframe] == keys
    assert all(frame.key_pts == max(k for k in keys if k <= frame.pts) for frame in frames)


@pytest.mark.parametrize("name", ALL_CLIPS)
def test_intra_frames_are_all_frames_that_refer_to_no_other(name: str) -> None:
    path = shared_clip(name)
    reference = [f.pts for f in decode_everything(path) if f.pict_type == PictureType.I]
    assert [frame.pts for frame in Video(path).intra_frames()] == reference


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_intra_frames_that_are_no_key_frames_are_found_and_identical(tmp_path: Path, codec: str) -> None:
    # Cuts closer than min-keyint become I-frames that one cannot seek to.
    shots = np.random.default_rng(1).integers(0, 255, (6, 96, 160, 3), np.uint8)
    cuts = [shots[i // 7] for i in range(42)]
    path = write_video(
        tmp_path / "a.mkv", codec=codec, gop=100, params="min-keyint=60:scenecut=60", pictures=cuts
    )
    everything = {f.pts: f for f in decode_everything(path)}
    reference = [pts for pts, f in everything.items() if f.pict_type == PictureType.I]

    video = Video(path)
    frames = list(video.intra_frames())

    assert [frame.pts for frame in frames] == reference
    assert len(reference) > 3
    assert [frame.pts for frame in frames if frame.is_keyframe] == [f.pts for f in video.keyframes()] == [0]
    for frame in frames:
        assert [plane.tobytes() for plane in frame.planes()] == plane_bytes(everything[frame.pts])


@pytest.mark.parametrize("name", ["h264 closed", "h264 open ts", "av1", "mpeg2 ps"])
def test_start_and_end_are_seconds_from_the_streams_start_and_inclusive(name: str) -> None:
    video = Video(shared_clip(name))
    everything = list(video.frames())
    assert everything[0].time_s == 0.0

    some = list(video.frames(start=0.75, end=1.5))
    expected = [f for f in everything if f.time_s is not None and 0.749 <= f.time_s <= 1.501]
    assert [(f.pts, f.content_hash()) for f in some] == [(f.pts, f.content_hash()) for f in expected]
    assert [f.key_pts for f in some] == [f.key_pts for f in expected]

    keys = list(video.keyframes(start=0.4, end=1.1))
    assert [f.pts for f in keys] == [
        f.pts for f in everything if f.is_keyframe and 0.4 < (f.time_s or 0) < 1.1
    ]
    assert video.warnings == []


def test_a_stretch_beyond_the_end_is_empty_and_no_reason_to_warn() -> None:
    video = Video(shared_clip("h264 closed"))
    assert list(video.keyframes(start=100)) == []
    assert list(video.frames(start=100)) == []
    assert video.warnings == []


def test_times_of_variable_frame_rate_are_kept() -> None:
    frames = list(Video(shared_clip("vfr")).frames())
    assert [frame.pts for frame in frames] == frame_times(48)


def test_the_header_is_told_as_displayed() -> None:
    info = Video(shared_clip("hevc 10-bit")).info
    assert (info.kind, info.codec, info.width, info.height, info.fps) == ("video", "hevc", 160, 96, 24.0)
    assert info.duration_s == pytest.approx(2.0, abs=0.01)
    assert info.stream == 0
    assert info.colour == "bt601 limited"


def test_one_iteration_can_be_left_and_another_begun_while_a_third_goes_on() -> None:
    with Video(shared_clip("h264 closed")) as video:
        first = video.keyframes()
        next(first)
        second = video.frames()
        next(second)
        assert isinstance(first, Generator)
        first.close()
        assert len(list(video.keyframes())) == 4
        assert len(list(second)) == 47


def test_frames_stay_valid_after_the_video_was_closed() -> None:
    with Video(shared_clip("h264 closed")) as video:
        frames = list(video.frames())
    assert len({frame.content_hash() for frame in frames}) == 48


def test_intra_refresh_is_told_because_its_key_frames_do_not_stand_alone(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", params="intra-refresh=1", size=(320, 192))
    video = Video(path)
    assert [frame.pts for frame in video.keyframes()] == [0]
    assert video.warnings == [
        "key frames that cannot be decoded alone (intra refresh) left out: 3, first at 0.5 s"
    ]
    assert len(list(video.frames())) == 48


def test_frames_are_freed_as_soon_as_they_are_let_go() -> None:
    gc.collect()
    gc.disable()  # a frame that only the collector frees would pile up: they are large
    try:
        kept = [weakref.ref(frame) for frame in Video(shared_clip("h264 closed")).frames()]
        kept += [weakref.ref(frame) for frame in Video(shared_clip("hevc 10-bit")).keyframes()]
        assert sum(frame() is not None for frame in kept) == 0
        assert sum(isinstance(o, av.VideoFrame) for o in gc.get_objects()) <= 6
    finally:
        gc.enable()


def test_cover_art_is_not_taken_for_the_video(tmp_path: Path) -> None:
    path = tmp_path / "cover.mkv"
    write_with_cover(path, with_video=True)
    video = Video(path)
    assert (video.info.codec, video.info.width) == ("h264", 160)
    assert len(list(video.keyframes())) == 4


def write_with_cover(path: Path, *, with_video: bool) -> None:
    from io import BytesIO

    from PIL import Image
    from videos import _write_silence

    cover = BytesIO()
    Image.new("RGB", (640, 640), "red").save(cover, "PNG")
    source = shared_clip("h264 closed")
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48000)
        stream = container.add_stream_from_template(given.streams.video[0]) if with_video else None
        container.add_attachment("cover.png", "image/png", cover.getvalue())
        for packet in given.demux(video=0):
            if packet.size and stream is not None:
                packet.stream = stream
                container.mux(packet)
        _write_silence(container, sound, 1.0)


def test_a_file_with_only_cover_art_has_no_video(tmp_path: Path) -> None:
    from animeds_db.errors import SourceError

    path = tmp_path / "song.mkv"
    write_with_cover(path, with_video=False)
    with pytest.raises(SourceError, match="has no video"):
        Video(path)


def test_sound_beside_the_video_changes_nothing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", audio=True)
    video = Video(path)
    assert len(list(video.keyframes())) == 4
    assert len(list(video.frames())) == 48
    assert video.warnings == []


def test_odd_sizes_and_unicode_names_are_read(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "[字幕] Märchen – 01 (1080p).mkv",
        pictures=moving_pictures(5, 85, 49),
        pix_fmt="yuv444p",
    )
    frames = list(open_media(path).frames())
    assert [frame.pixels().shape for frame in frames] == [(49, 85, 3)] * 5


@pytest.mark.skipif(
    not (MATERIAL / "real_clip.mp4").exists(), reason="no material for trials on this machine"
)
def test_the_real_clip_has_two_keyframes() -> None:
    frames = list(Video(MATERIAL / "real_clip.mp4").keyframes())
    assert [frame.pts for frame in frames] == [0, 80000]


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="this system has no scheduling policies")
def test_encoding_av1_does_not_make_the_tests_a_real_time_process(tmp_path: Path) -> None:
    before = os.sched_getscheduler(0)
    write_video(tmp_path / "a.mkv", codec="libsvtav1", count=2)
    assert os.sched_getscheduler(0) == before

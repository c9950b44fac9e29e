"""Which frames of a video each way of sampling takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from videos import moving_pictures, write_clip, write_video

from animeds_db.errors import UsageError
from animeds_db.media import Pictures, Video
from animeds_ingest.measures.changes import FRACTION, HI, LO, ChangeFilter, block_sums, plane_changed
from animeds_ingest.sampling import Sampling, sample

FFMPEG = shutil.which("ffmpeg")
MATERIAL = Path(os.environ.get("ANIMEDS_TEST_MATERIAL", Path(__file__).parents[2] / "shared" / "data"))


def taken(path: Path, how: str, start: float | None = None, end: float | None = None) -> list[int]:
    with Video(path) as video:
        return [frame.pts for frame in sample(video, Sampling.parse(how, start, end))]


def seconds(path: Path, how: str, start: float | None = None, end: float | None = None) -> list[float]:
    with Video(path) as video:
        return [round(frame.time_s or 0.0, 3) for frame in sample(video, Sampling.parse(how, start, end))]


# Reading what --sample says


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("keyframes", "keyframes"),
        ("IFrames", "iframes"),
        (" all ", "all"),
        ("every=2s", "every=2s"),
        ("every=2", "every=2s"),
        ("every=500ms", "every=0.5s"),
        ("every=1.5s", "every=1.5s"),
        ("every=2m", "every=120s"),
        ("every=1:30", "every=90s"),
        ("changes 60..120", "changes 60..120"),
        ("scenes 60..", "scenes 60.."),
        ("scenes ..1:00", "scenes ..60"),
        ("Shots", "shots"),
        ("shots=1", "shots"),
        ("shots=3 60..120", "shots=3 60..120"),
    ],
)
def test_a_sampling_has_one_canonical_text(text: str, canonical: str) -> None:
    assert str(Sampling.parse(text)) == canonical


def test_start_and_end_are_seconds_or_a_clock() -> None:
    assert str(Sampling.parse("keyframes", "1:30", "0:02:00.5")) == "keyframes 90..120.5"
    assert str(Sampling.parse("every=2s", 60, 120.25)) == "every=2s 60..120.25"
    assert str(Sampling.parse("keyframes", "", None)) == "keyframes"
    assert str(Sampling.parse("keyframes", end="90s")) == "keyframes ..90"


@pytest.mark.parametrize(
    ("text", "start", "end", "message", "hint"),
    [
        ("keyframe", None, None, 'unknown sampling "keyframe"', 'did you mean "keyframes"'),
        ("", None, None, "unknown sampling", "every=2s"),
        ("fast", None, None, "unknown sampling", "keyframes"),
        ("every", None, None, "needs a time", "every=2s"),
        ("every=", None, None, "needs a time", "every=2s"),
        ("every=0", None, None, "above 0", "all"),
        ("every=-1s", None, None, "not a valid time", "seconds"),
        ("every=soon", None, None, 'not a valid time: "soon"', "seconds"),
        ("every=nan", None, None, "not a valid time", "seconds"),
        ("every=" + "9" * 400, None, None, "not a valid time", "seconds"),
        ("keyframes=2s", None, None, "takes no value", "keyframes"),
        ("shots=0", None, None, "needs a number from 1 to 100", "shots=3"),
        ("shots=2s", None, None, "needs a number", "shots=3"),
        ("keyframes 60", None, None, "unknown sampling", "60..120"),
        ("keyframes", "later", None, 'start is not a valid time: "later"', "seconds"),
        ("keyframes", -1.0, None, "start is not a valid time", "from 0"),
        ("keyframes", float("nan"), None, "start is not a valid time", "from 0"),
        ("keyframes", 5.0, 5.0, "must be after start", "swap"),
        ("keyframes", None, 0.0, "must be after start", "swap"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_a_way_out(
    text: str, start: float | str | None, end: float | str | None, message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        Sampling.parse(text, start, end)
    assert hint in (caught.value.hint or "")


TIMES = st.none() | st.floats(0, 1e6).map(lambda value: round(value, 6))


@given(
    st.sampled_from(["keyframes", "iframes", "changes", "scenes", "shots", "shots=2", "all"])
    | st.floats(1e-6, 1e5),
    TIMES,
    TIMES,
)
def test_the_canonical_text_reads_back_as_the_same_sampling(
    how: str | float, start: float | None, end: float | None
) -> None:
    if end is not None and end <= (start or 0.0):
        start, end = end, start if start and start > (end or 0.0) else None
    text = how if isinstance(how, str) else f"every={how:.6f}"
    sampling = Sampling.parse(text, start, end)
    assert Sampling.parse(str(sampling)) == sampling


@given(st.text(max_size=20))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        sampling = Sampling.parse(text)
    except UsageError as error:
        assert error.hint
    else:
        assert Sampling.parse(str(sampling)) == sampling


# Taking frames


def test_key_frames_are_the_default_and_every_frame_can_be_had(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", count=48, gop=12)
    assert seconds(path, "keyframes") == [0.0, 0.5, 1.0, 1.5]
    assert len(taken(path, "all")) == 48
    with Video(path) as video:
        assert [f.is_keyframe for f in sample(video, Sampling())] == [True] * 4


def test_i_frames_that_are_no_key_frames_are_taken_too(tmp_path: Path) -> None:
    path = write_clip(tmp_path, "h264 open")
    assert set(taken(path, "keyframes")) <= set(taken(path, "iframes"))
    assert len(taken(path, "iframes")) == 4


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("every=0.5s", [0.0, 0.5, 1.0, 1.5]),
        ("every=0.45s", [0.0, 0.458, 0.917, 1.375, 1.833]),  # the first frame at or after the tick
        ("every=1s", [0.0, 1.0]),
        ("every=1h", [0.0]),
    ],
)
def test_every_takes_the_first_frame_at_or_after_each_tick(
    tmp_path: Path, every: str, expected: list[float]
) -> None:
    path = write_video(tmp_path / "a.mp4", count=48)
    assert seconds(path, every) == pytest.approx(expected, abs=0.001)


def test_ticks_closer_than_frames_give_each_frame_once(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", count=24)
    assert taken(path, "every=1ms") == taken(path, "all")


def test_with_uneven_times_every_still_goes_by_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", count=48, vfr=True)
    times = seconds(path, "every=0.25s")
    everything = seconds(path, "all")
    ticks = [tick * 0.25 for tick in range(int(everything[-1] / 0.25) + 1)]
    assert times == sorted({min(t for t in everything if t >= tick - 1e-6) for tick in ticks})


@pytest.mark.parametrize("how", ["keyframes", "iframes", "all", "every=0.25s", "changes", "scenes", "shots"])
def test_start_and_end_bound_every_way_of_sampling(tmp_path: Path, how: str) -> None:
    path = write_video(tmp_path / "a.mkv", count=48, gop=6)
    times = seconds(path, how, 0.5, 1.25)
    assert times and min(times) >= 0.5 and max(times) <= 1.25
    if how not in ("scenes", "shots"):
        assert times[0] == 0.5


def test_ticks_count_from_the_start_that_was_asked_for(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", count=48)
    assert seconds(path, "every=0.5s", 0.25) == [0.25, 0.75, 1.25, 1.75]


def test_sampling_twice_gives_the_same_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", count=36)
    for how in ("changes", "scenes", "shots=2", "every=0.3s"):
        assert taken(path, how) == taken(path, how) != []


@pytest.mark.parametrize("how", ["keyframes", "changes", "scenes", "every=2s"])
def test_of_pictures_all_are_taken_in_natural_order(tmp_path: Path, how: str) -> None:
    from PIL import Image

    for name in ("10.png", "9.png", "1.png"):
        Image.new("RGB", (32, 32), "red").save(tmp_path / name)
    with Pictures(tmp_path) as pictures:
        assert [f.member for f in sample(pictures, Sampling.parse(how))] == ["1.png", "9.png", "10.png"]


# Changed frames, as FFmpeg's mpdecimate chooses them


def reference_changed(plane: np.ndarray, kept: np.ndarray, hi: int, lo: int, fraction: float) -> bool:
    """diff_planes() of libavfilter/vf_mpdecimate.c, word for word."""
    height, width = plane.shape
    most, count = int(np.float32((width // 16) * (height // 16)) * np.float32(fraction)), 0
    for y in range(0, height - 7, 4):
        for x in range(8, width - 7, 4):
            block = np.s_[y : y + 8, x : x + 8]
            d = int(np.abs(plane[block].astype(int) - kept[block]).sum())
            if d > hi:
                return True
            if d > lo:
                count += 1
                if count > most:
                    return True
    return False


@given(
    st.integers(1, 50),
    st.integers(1, 50),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 40, 120, 256]),
    st.booleans(),
)
def test_blocks_are_compared_as_the_filter_does(
    height: int, width: int, seed: int, noise: int, local: bool
) -> None:
    rng = np.random.default_rng(seed)
    kept = rng.integers(0, 256, (height, width), np.uint8)
    change = rng.integers(0, noise, (height, width))
    if local:
        change[:, width // 3 :] = 0
    plane = np.clip(kept + change, 0, 255).astype(np.uint8)
    for thresholds in ((HI, LO, FRACTION), (64 * 12, 64 * 5, 0.33), (64 * 100, 64 * 20, 0.1)):
        assert plane_changed(plane, kept, *thresholds) == reference_changed(plane, kept, *thresholds)


def test_block_sums_reach_their_greatest_value() -> None:
    white, black = np.full((24, 40), 255, np.uint8), np.zeros((24, 40), np.uint8)
    sums = block_sums(white, black)
    assert sums.shape == (5, 7)
    assert (sums == 64 * 255).all()


def test_still_frames_are_dropped_and_a_slow_change_adds_up(tmp_path: Path) -> None:
    held = [next(iter(moving_pictures(1, 160, 96)))] * 10
    brighter = [np.full((96, 160, 3), level, np.uint8) for level in range(0, 250, 5)]
    path = write_video(tmp_path / "a.mkv", pictures=held + brighter, lossless=True)
    pts = [pts // 41 for pts in taken(path, "changes")]
    assert pts[0] == 0 and pts[1] in (10, 11)
    steps = np.diff(pts[2:])
    assert len(steps) >= 3 and (steps > 1).all()  # compared with the last frame kept, not the one before


def test_a_new_picture_size_is_a_change() -> None:
    with_size = ChangeFilter()
    assert with_size._has_changed([np.zeros((16, 16), np.uint8)], [np.zeros((16, 32), np.uint8)])


def filtered_by_ffmpeg(path: Path, settings: str = f"hi={HI}:lo={LO}:frac={FRACTION}") -> list[int]:
    """The pts that FFmpeg's own filter keeps."""
    assert FFMPEG
    command = [FFMPEG, "-hide_banner", "-copyts", "-i", str(path), "-map", "0:v:0"]
    command += ["-vf", f"mpdecimate={settings},showinfo", "-f", "null", "-"]
    log = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return [int(pts) for pts in re.findall(r"\bn: *\d+ +pts: *(-?\d+)", log)]


def holds_and_moves(count: int = 60, width: int = 176, height: int = 104) -> list[np.ndarray]:
    """Animation on threes with noise, a pan, a fade, and a mouth that moves in a held picture."""
    rng = np.random.default_rng(5)
    base = list(moving_pictures(count, width, height))
    pictures = []
    for i in range(count):
        picture: np.ndarray = base[i // 3 * 3].astype(np.int16)
        if 20 <= i < 30:
            picture = np.roll(base[18], 2 * (i - 20), axis=1).astype(np.int16)
        if 30 <= i < 45:
            picture = base[18] * ((45 - i) / 15)
        if i >= 45:
            picture = base[46].astype(np.int16)
            picture[40:52, 60:80] += 60 * (i // 2 % 2)
        pictures.append(np.clip(picture + rng.integers(-4, 5, picture.shape), 0, 255).astype(np.uint8))
    return pictures


@pytest.mark.skipif(FFMPEG is None, reason="needs the ffmpeg program to compare with")
@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "a.mkv"},
        {"name": "open.mkv", "params": "open-gop=1"},
        {"name": "444.mkv", "pix_fmt": "yuv444p"},
        {"name": "10bit.mkv", "pix_fmt": "yuv420p10le"},
        {"name": "hevc.mkv", "codec": "libx265", "pix_fmt": "yuv420p10le"},
        {"name": "vfr.mkv", "vfr": True},
        {"name": "vp9.webm", "codec": "libvpx-vp9"},
        {"name": "422.mov", "codec": "prores_ks", "pix_fmt": "yuv422p10le"},
        {"name": "odd.mkv", "pix_fmt": "yuv444p", "size": (149, 83)},
    ],
    ids=lambda arguments: arguments["name"],
)
def test_the_same_frames_are_kept_as_by_ffmpegs_filter(tmp_path: Path, arguments: dict[str, Any]) -> None:
    options = dict(arguments)
    width, height = options.pop("size", (176, 104))
    path = tmp_path / str(options.pop("name"))
    write_video(path, pictures=holds_and_moves(width=width, height=height), **options)
    kept = filtered_by_ffmpeg(path)
    assert 5 < len(kept) < 55
    assert taken(path, "changes") == kept
    with Video(path) as video:
        fine = ChangeFilter(64 * 12, 64 * 5, 0.33)
        assert [f.pts for f in video.frames() if fine(f)] == filtered_by_ffmpeg(
            path, "hi=768:lo=320:frac=0.33"
        )


@pytest.mark.skipif(not (MATERIAL / "real_clip.mp4").exists(), reason="the real clip is not here")
def test_of_the_real_clip_the_known_frames_are_taken() -> None:
    clip = MATERIAL / "real_clip.mp4"
    assert taken(clip, "keyframes") == [0, 80000]
    kept = taken(clip, "changes")
    assert len(kept) == 24
    if FFMPEG:
        assert kept == filtered_by_ffmpeg(clip)
    assert [time > 4.17 for time in seconds(clip, "scenes")] == [False, True]

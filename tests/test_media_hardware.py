"""Decoding on a graphics card: the same bits as the processor's, or the processor decodes and says why.

No card is needed. Where one would decode, the processor plays its part: `card` lets FFmpeg open the file without it.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import av
import numpy as np
import pytest
from cli_run import Runner
from videos import shared_clip, write_video

import animeds_db
from animeds_db.errors import SourceError, UsageError
from animeds_db.media import Hardware, Video, accelerated, choose_hardware, fetch, opening
from animeds_db.media.exact import FrameKey
from animeds_db.media.frame import VideoFrame, hash_of, plane_array
from animeds_db.media.hardware import DEVICES, HardwareError, in_format
from animeds_db.media.reader import Reader

CUDA = Hardware("cuda")


def absent() -> str:
    """Return a device that this machine lacks."""
    return next(device for device in reversed(DEVICES) if choose_hardware(device).device is None)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processor play the card."""
    monkeypatch.setattr(opening, "settings_for", lambda device: None)
    monkeypatch.setattr(Reader, "_use_device", lambda self: None)


def hashes(frames: list[VideoFrame]) -> list[tuple[int, int, bool, str]]:
    return [(f.pts, f.key_pts, f.is_keyframe, f.content_hash()) for f in frames]


@pytest.mark.parametrize(
    ("device_format", "pix_fmt", "dtype", "levels"),
    [("nv12", "yuv420p", np.uint8, 256), ("p010le", "yuv420p10le", np.uint16, 1024)],
)
def test_a_frame_in_the_format_of_a_card_becomes_the_processors_frame_bit_by_bit(
    device_format: str, pix_fmt: str, dtype: type[np.generic], levels: int
) -> None:
    chance = np.random.default_rng(4)
    ours = av.VideoFrame(150, 94, pix_fmt)
    ours.pts, ours.color_range, ours.colorspace = 7, 2, 9
    for plane in ours.planes:
        values = chance.integers(0, levels, plane.buffer_size // np.dtype(dtype).itemsize).astype(dtype)
        plane.update(values.tobytes())
    cards = ours.reformat(format=device_format, src_color_range=2, dst_color_range=2)
    interleaved = plane_array(cards, 1)
    blue = plane_array(ours, 1)
    shift = 6 if levels == 1024 else 0
    np.testing.assert_array_equal(interleaved[:, 0::2] >> shift, blue)
    again = in_format(cards, pix_fmt)
    assert hash_of(again) == hash_of(ours) != hash_of(cards)
    assert (again.pts, again.color_range, again.colorspace) == (7, 2, 9)


def test_a_device_that_is_not_there_is_replaced_by_the_processor_with_the_reason() -> None:
    chosen = choose_hardware(absent())
    assert chosen.device is None
    assert chosen.note.startswith(f"videos are decoded by the processor: {absent()} ")
    assert choose_hardware("none") == Hardware(None, "")
    if not any(choose_hardware(device).device for device in DEVICES):
        assert choose_hardware("auto").note.startswith("videos are decoded by the processor: ")
    with pytest.raises(UsageError, match='"gpu" is not a device that decodes videos'):
        choose_hardware("gpu")


@pytest.mark.parametrize("name", ["h264 open", "hevc 10-bit", "vp9"])
@pytest.mark.usefixtures("card")
def test_what_a_card_decodes_is_what_the_processor_decodes(name: str) -> None:
    path = shared_clip(name)
    on_card, plain = Video(path, hardware=CUDA), Video(path)
    assert on_card.hardware == CUDA
    assert hashes(list(on_card.frames(0.3, 1.5))) == hashes(list(plain.frames(0.3, 1.5)))
    assert hashes(list(on_card.keyframes())) == hashes(list(plain.keyframes()))
    assert hashes(list(on_card.intra_frames())) == hashes(list(plain.intra_frames()))
    assert on_card.warnings == ["I-frames are decoded by the processor"]
    keys = [FrameKey(str(f.pts), 0, f.pts, f.key_pts, None, f.content_hash()) for f in on_card.frames()]
    assert len(list(fetch(str(path), "video", keys))) == len(keys)


@pytest.mark.usefixtures("card")
def test_a_codec_whose_bits_are_not_fixed_is_left_to_the_processor() -> None:
    video = Video(shared_clip("mpeg2 closed"), hardware=CUDA)
    assert video.hardware == Hardware()
    assert video.warnings == ["decoded by the processor: the bits of mpeg2video depend on what decodes it"]


def test_a_card_with_other_pixels_is_not_used(card: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerated, "in_format", _brighter)
    video = Video(shared_clip("h264 closed"), hardware=CUDA)
    assert video.hardware == Hardware()
    assert video.warnings == ["decoded by the processor: cuda decodes it to other pixels than the processor"]


def test_a_card_that_later_gives_other_pixels_is_an_error_with_a_way_out(
    card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = Video(shared_clip("h264 closed"), hardware=CUDA)
    monkeypatch.setattr(accelerated, "in_format", _brighter)
    for frames in (video.frames(), video.keyframes()):
        with pytest.raises(SourceError, match=r"the frame at 0\.0 s is decoded to other pixels") as caught:
            next(frames)
        assert "--hwaccel none --replace" in str(caught.value.hint)


def _brighter(decoded: av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.bitwise_xor(decoded.to_ndarray().astype(np.uint8), 1), pix_fmt)
    frame.pts = decoded.pts
    return frame


@pytest.mark.usefixtures("card")
def test_at_the_first_sign_of_damage_the_processor_takes_over(tmp_path: Path) -> None:
    path = write_video(tmp_path / "damaged.ts", count=96)
    content = bytearray(path.read_bytes())
    place = len(content) // 2
    content[place : place + 6_000] = random.Random(3).randbytes(6_000)
    path.write_bytes(content)
    on_card, plain = Video(path, hardware=CUDA), Video(path)
    assert on_card.hardware == CUDA
    assert hashes(list(on_card.frames())) == hashes(list(plain.frames()))
    assert hashes(list(on_card.keyframes())) == hashes(list(plain.keyframes()))
    assert plain.damage.damaged and on_card.damage == plain.damage
    assert any(
        re.match(r"decoded by the processor from .* on, because cuda stopped \(", w) for w in on_card.warnings
    )


def test_a_card_that_is_gone_after_the_trial_is_replaced() -> None:
    path = shared_clip("h264 closed")
    video = Video(path)
    video.hardware = Hardware(absent())
    with pytest.raises(HardwareError):
        Reader(video.path, None, absent())
    assert hashes(list(video.frames())) == hashes(list(Video(path).frames()))
    assert hashes(list(video.keyframes())) == hashes(list(Video(path).keyframes()))
    assert [w.partition(" by the processor")[0] for w in video.warnings] == ["decoded", "decoded"]


def test_an_ingest_without_the_card_says_so_once_and_stores_the_same_frames(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = Runner(capsys, monkeypatch)
    clips = [write_video(tmp_path / f"Show - {n:02}.mkv") for n in (1, 2)]
    options = ["--profile", "none", "--sample", "all"]
    assert run("ingest", *clips, *options, "--db", tmp_path / "a.animeds").code == 0
    assert not caplog.records
    assert run("ingest", *clips, *options, "--db", tmp_path / "b.animeds", "--hwaccel", absent()).code == 0
    assert run("shots", "--db", tmp_path / "a.animeds").code == 0
    assert run("shots", "--db", tmp_path / "b.animeds", "--hwaccel", absent()).code == 0
    assert len(caplog.messages) == 2
    assert all(m.startswith(f"videos are decoded by the processor: {absent()} ") for m in caplog.messages)
    rows, shots = [], []
    for name in ("a", "b"):
        with animeds_db.open(tmp_path / f"{name}.animeds") as dataset:
            rows.append(dataset.sql("SELECT pts, content_hash FROM frames ORDER BY frame_id").fetchall())
            shots.append(dataset.sql("SELECT first_pts, last_pts FROM shots ORDER BY ALL").fetchall())
    assert rows[0] == rows[1] and len(rows[0]) == 96
    assert shots[0] == shots[1] and shots[0]

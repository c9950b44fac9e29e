"""Stretches of videos: the same frames as ingest decodes, sound cut to the sample, and files that are made of both."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from videos import cut_short, shared_clip, write_video

from animeds_db.errors import ExportError, SourceError
from animeds_db.media import Video, VideoFrame, plane_array
from animeds_db.media.clips import (
    Encoding,
    Sound,
    Stretch,
    choose_track,
    deinterlaced,
    encode_clip,
    frames_between,
    frames_of,
    is_interlaced,
    lossless_suffix,
    sound_between,
    sound_tracks,
    wav_of,
)

RATE = 8000
LOSSLESS = Encoding(lossless=True)


def hashes(frames: list[VideoFrame]) -> list[tuple[int, str]]:
    return [(frame.pts, frame.content_hash()) for frame in frames]


@pytest.mark.parametrize(
    "name", ["h264 open", "hevc open", "vfr open", "mpeg2 ps", "mpeg2 ts", "vp9", "xvid avi"]
)
def test_the_frames_of_a_stretch_are_those_of_ingest(name: str) -> None:
    every = hashes(list(Video(shared_clip(name)).frames()))
    for first, last in ((0, 5), (13, 13), (21, 47)):
        found = list(frames_between(shared_clip(name), None, every[first][0], every[last][0]))
        assert hashes(found) == every[first : last + 1]


@pytest.mark.parametrize("name", ["h264 open", "hevc open", "mpeg2 ps"])
def test_several_stretches_are_read_in_one_go(name: str) -> None:
    every = hashes(list(Video(shared_clip(name)).frames()))
    parts = [(1, 3), (4, 9), (10, 10), (14, 15), (30, 33), (45, 47)]
    found = frames_of(shared_clip(name), None, [Stretch(every[a][0], every[b][0]) for a, b in parts])
    assert hashes(list(found)) == [frame for a, b in parts for frame in every[a : b + 1]]


def test_a_video_that_ends_within_a_stretch_is_refused_with_the_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.ts")
    every = [frame.pts for frame in Video(path).frames()]
    cut_short(path, 0.7)
    with pytest.raises(SourceError, match=r"ends at 1\.\d s, but a part until 1\.9 s was wanted"):
        list(frames_between(path, None, every[3], every[46]))


def test_a_stretch_that_is_not_in_the_file_is_refused() -> None:
    first = next(Video(shared_clip("h264 mp4")).frames()).pts
    with pytest.raises(SourceError, match="there is no frame at"):
        list(frames_between(shared_clip("h264 mp4"), None, first - 5000, first - 1000))
    with pytest.raises(SourceError, match="but a part until"):
        list(frames_between(shared_clip("h264 mp4"), None, first, 10**9))


def test_the_ends_of_a_stretch_may_lie_between_frames() -> None:
    every = hashes(list(Video(shared_clip("h264 open")).frames()))
    for first, last in ((0, 5), (7, 13), (40, 47)):
        begin = every[first][0] - 10 if first else every[0][0]
        found = list(frames_between(shared_clip("h264 open"), None, begin, every[last][0] + 10))
        assert hashes(found) == every[first : last + 1]


def test_damage_within_a_stretch_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv")
    every = [frame.pts for frame in Video(path).frames()]
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 400] = bytes(400)
    path.write_bytes(content)
    assert len(list(frames_between(path, None, every[0], every[5]))) == 6
    with pytest.raises(SourceError):
        list(frames_between(path, None, every[0], every[47]))


@pytest.mark.parametrize("name", ["h264 mp4", "hi10p", "h264 4:4:4", "prores mov"])
def test_a_lossless_clip_has_the_decoded_planes_bit_for_bit(name: str) -> None:
    frames = list(Video(shared_clip(name)).frames())[5:15]
    stored = decoded(encode_clip(frames, Fraction(24), encoding=LOSSLESS))
    assert [hash_of_planes(frame) for frame in stored] == [hash_of_planes(frame.decoded) for frame in frames]
    assert lossless_suffix(frames[0].decoded.format.name) == ".mp4"


def test_what_h264_cannot_store_becomes_ffv1(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", codec="ffv1", pix_fmt="yuv420p12le", count=6)
    frames = list(Video(path).frames())
    content = encode_clip(frames, Fraction(24), encoding=LOSSLESS)
    assert [hash_of_planes(frame) for frame in decoded(content)] == [
        hash_of_planes(f.decoded) for f in frames
    ]
    assert lossless_suffix("yuv420p12le") == ".mkv"


def hash_of_planes(frame: av.VideoFrame) -> tuple[str, list[bytes]]:
    return frame.format.name, [plane_array(frame, n).tobytes() for n in range(len(frame.planes))]


def decoded(content: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(content), "r") as container:
        return list(container.decode(video=0))


def test_lossless_pictures_come_back_exactly_and_others_nearly_with_the_right_colours(tmp_path: Path) -> None:
    pictures = [frame.pixels() for frame in Video(shared_clip("h264 4:4:4")).frames()][:8]
    exact = decoded(encode_clip(pictures, Fraction(16), encoding=LOSSLESS))
    assert all((a.to_ndarray(format="rgb24") == b).all() for a, b in zip(exact, pictures, strict=True))
    path = tmp_path / "a.mp4"
    path.write_bytes(encode_clip(pictures, Fraction(16)))
    with Video(path) as video:
        assert video.info.colour == "bt601 limited"
        assert video.info.fps == 16
        shown = [frame.pixels() for frame in video.frames()]
    shift = np.mean([a.astype(int) - b for a, b in zip(shown, pictures, strict=True)], axis=(0, 1, 2))
    assert np.abs(shift).max() < 1


def test_the_same_pictures_and_sound_give_the_same_bytes() -> None:
    pictures = [frame.pixels() for frame in Video(shared_clip("h264 mp4")).frames()][:12]
    first, second = (encode_clip(pictures, Fraction(16), sound=ramp(0.75)) for _ in range(2))
    assert first == second
    assert encode_clip(pictures, Fraction(24)) != encode_clip(pictures, Fraction(16))


@pytest.mark.parametrize("encoding", [Encoding(), LOSSLESS], ids=["aac", "flac"])
def test_sound_lasts_as_long_as_the_pictures(encoding: Encoding) -> None:
    pictures = [np.full((64, 64, 3), n * 9, np.uint8) for n in range(24)]
    content = encode_clip(pictures, Fraction(24), encoding=encoding, sound=ramp(1.0))
    with av.open(io.BytesIO(content), "r") as container:
        frames = list(container.decode(audio=0))
    assert (frames[0].pts or 0) == 0
    assert abs(sum(frame.samples for frame in frames) - RATE) <= 1024


def ramp(seconds: float) -> Sound:
    values = (np.arange(round(RATE * seconds)) * 37 % 20_000 - 10_000).astype(np.int16)
    return Sound(np.stack([values, -values], axis=1), RATE)


def test_no_pictures_and_an_encoder_that_is_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExportError, match="at least one picture"):
        encode_clip([], Fraction(24))
    monkeypatch.setattr(av, "codecs_available", frozenset({"h264"}))
    with pytest.raises(ExportError, match="no encoder libx264"):
        encode_clip([np.zeros((64, 64, 3), np.uint8)], Fraction(24))


# Sound


def write_with_sound(path: Path, *, starts: tuple[float, ...] = (0.0,), seconds: float = 3.0) -> Path:
    """Write a video of grey with tracks of numbered samples, each from a time on: jpn, eng."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=24, options={"threads": "1", "g": "12"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        tracks = [container.add_stream("pcm_s16le", rate=RATE, layout="stereo") for _ in starts]
        for track, language in zip(tracks, ("jpn", "eng"), strict=False):
            track.metadata["language"] = language
        packets = []
        for n in range(round(24 * seconds)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), n, np.uint8), format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 24)
            packets += video.encode(frame)
        packets += video.encode(None)
        for number, (track, start) in enumerate(zip(tracks, starts, strict=True)):
            values = numbered(number, start, seconds)
            for at in range(0, len(values), 400):
                sound = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(values[at : at + 400].reshape(1, -1)), format="s16", layout="stereo"
                )
                sound.sample_rate, sound.time_base = RATE, Fraction(1, RATE)
                sound.pts = round(start * RATE) + at
                packets += track.encode(sound)
            packets += track.encode(None)
        container.mux(packets)
    return path


def numbered(track: int, start: float, seconds: float) -> np.ndarray:
    """Samples whose value says which they are, counted from the start of the video."""
    values = np.arange(round(start * RATE), round(seconds * RATE)) % 16_000 + 1000 * track
    return np.stack([values, values], axis=1).astype(np.int16)


@pytest.fixture(scope="module")
def sounding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_with_sound(tmp_path_factory.mktemp("sound") / "a.mkv", starts=(0.0, 1.5))


@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 24), Fraction(37, 24), Fraction(2)])
def test_sound_is_cut_to_the_sample(sounding: Path, start: Fraction) -> None:
    (track, _) = sound_tracks(sounding)
    sound = sound_between(sounding, track.index, start, Fraction(17, 24))
    assert sound.rate == RATE and len(sound.samples) == round(Fraction(17, 24) * RATE)
    first = round(start * RATE)
    assert (sound.samples == numbered(0, 0, 3)[first : first + len(sound.samples)]).all()


def test_a_track_that_starts_late_or_ends_early_is_silent_there(sounding: Path) -> None:
    (_, late) = sound_tracks(sounding)
    sound = sound_between(sounding, late.index, Fraction(1), Fraction(1)).samples
    assert not sound[: RATE // 2].any()
    assert (sound[RATE // 2 :] == numbered(1, 1.5, 2)).all()
    beyond = sound_between(sounding, late.index, Fraction(5, 2), Fraction(1)).samples
    assert beyond[: RATE // 2].any() and not beyond[RATE // 2 :].any()


def test_tracks_are_chosen_by_number_language_or_default(sounding: Path) -> None:
    tracks = sound_tracks(sounding)
    chosen = [choose_track(tracks, wanted, sounding) for wanted in ("default", "2", "jpn", "ENG")]
    assert [tracks.index(track) if track else None for track in chosen] == [0, 1, 0, 1]
    assert choose_track([], "jpn", sounding) is None
    for unknown in ("3", "0", "fre"):
        with pytest.raises(SourceError, match=f'no track of sound "{unknown}"') as error:
            choose_track(tracks, unknown, sounding)
        assert "1: jpn" in str(error.value.hint)


def test_a_wav_file_has_the_samples() -> None:
    with av.open(io.BytesIO(wav_of(ramp(0.5))), "r") as container:
        frames = list(container.decode(audio=0))
    samples = np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in frames])
    assert (samples == ramp(0.5).samples).all()


# Interlaced video


def test_interlaced_frames_are_noticed_and_made_whole(tmp_path: Path) -> None:
    moving = []
    for n in range(12):  # upper lines of one moment, lower lines of the next
        picture = np.zeros((64, 96, 3), np.uint8)
        for moment in (0, 1):
            left = 4 * (2 * n + moment)
            picture[moment::2, left : left + 30] = 255
        moving.append(picture)
    path = write_video(
        tmp_path / "a.mkv", pictures=moving, params="tff=1", options={"flags": "+ildct+ilme"}, lossless=True
    )
    frames = list(Video(path).frames())
    assert is_interlaced(frames[0])
    whole = list(deinterlaced(frames))
    assert [frame.pts for frame in whole] == [frame.pts for frame in frames]
    assert comb(whole[6].pixels()) < comb(frames[6].pixels()) / 4
    plain = list(Video(shared_clip("h264 mp4")).frames())[:5]
    assert hashes(list(deinterlaced(plain))) == hashes(plain)


def comb(picture: np.ndarray) -> float:
    """How much neighbouring lines differ more than lines two apart."""
    luma = picture.astype(int).sum(axis=2)
    return float(np.abs(np.diff(luma, axis=0)).mean() - np.abs(luma[2:] - luma[:-2]).mean())

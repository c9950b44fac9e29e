"""Small videos with subtitle tracks and chapters, and subtitle files, written here by PyAV.

path = write_episode(tmp_path / "Show - 01.mkv", tracks=[ass_track(events)], chapters=[(0, 90, "Opening")])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream
from videos import moving_pictures

MS = Fraction(1, 1000)
HEADER = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True)
class SubtitleTrack:
    """Events of one track: (start, end, payload), times in seconds."""

    codec: str
    events: Sequence[tuple[float, float, bytes]]
    language: str = "eng"
    title: str = ""


def ass_track(
    events: Iterable[tuple[float, float, str, str, str]], language: str = "eng", title: str = "Full"
) -> SubtitleTrack:
    """A track of ASS events: (start, end, style, speaker, text)."""
    payloads = [
        (start, end, f"{n},0,{style},{name},0,0,0,,{text}".encode())
        for n, (start, end, style, name, text) in enumerate(events)
    ]
    return SubtitleTrack("ass", payloads, language, title)


def text_track(
    events: Iterable[tuple[float, float, str]], codec: str = "subrip", language: str = "jpn", title: str = ""
) -> SubtitleTrack:
    """A track of plain text: (start, end, text). For mp4, use the codec mov_text."""
    payloads = []
    for start, end, text in events:
        words = text.encode()
        length = len(words).to_bytes(2, "big") if codec == "mov_text" else b""
        payloads.append((start, end, length + words))
    return SubtitleTrack(codec, payloads, language, title)


def write_episode(
    path: Path,
    *,
    seconds: int = 12,
    fps: int = 4,
    size: tuple[int, int] = (160, 96),
    tracks: Sequence[SubtitleTrack] = (),
    chapters: Sequence[tuple[float, float, str]] = (),
    audio: Sequence[str] = (),
    samples: np.ndarray | None = None,
    pictures: Iterable[np.ndarray] | None = None,
) -> Path:
    """Write a video with a key frame every second, sound in these languages, subtitles and chapters.

    samples: int16, mono, 48,000 per second, kept as they are; None: silence.
    """
    frames = list(pictures if pictures is not None else moving_pictures(seconds * fps, *size))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps, options={"bf": "0"})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = fps
        sounds = [
            _sound(container, language, "aac" if samples is None else "pcm_s16le") for language in audio
        ]
        subtitles = [_subtitle(container, track) for track in tracks]
        container.set_chapters(
            [
                {
                    "id": n + 1,
                    "start": round(start * 1000),
                    "end": round(end * 1000),
                    "time_base": MS,
                    "metadata": {"title": title},
                }
                for n, (start, end, title) in enumerate(chapters)
            ]
        )
        packets = _video_packets(video, frames)
        for sound in sounds:
            packets += _sound_packets(sound, len(frames) / fps, samples)
        for stream, track in zip(subtitles, tracks, strict=True):
            packets += [_packet(stream, *event) for event in track.events]
        container.mux(packets)
    return path


def write_srt(path: Path, events: Iterable[tuple[str, str, str]], encoding: str = "utf-8") -> Path:
    """Write a SubRip file: (start, end, text), times as `00:00:01,000`."""
    blocks = [f"{n}\n{start} --> {end}\n{text}\n" for n, (start, end, text) in enumerate(events, start=1)]
    path.write_bytes("\n".join(blocks).encode(encoding))
    return path


def _video_packets(stream: VideoStream, frames: Sequence[np.ndarray]) -> list[Any]:
    packets: list[Any] = []
    for n, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts = n
        packets += stream.encode(frame)
    return packets + list(stream.encode())


def _sound(container: Any, language: str, codec: str) -> Any:
    stream = container.add_stream(codec, rate=48000, layout="mono")
    stream.metadata["language"] = language
    return stream


def _sound_packets(stream: Any, seconds: float, samples: np.ndarray | None) -> list[Any]:
    if samples is None:
        samples, form = np.zeros(int(seconds * 48000) // 1024 * 1024, np.float32), "fltp"
    else:
        form = "s16"
    packets = []
    for at in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], format=form, layout="mono")
        frame.rate, frame.pts = 48000, at
        packets += stream.encode(frame)
    return packets + list(stream.encode())


def _subtitle(container: Any, track: SubtitleTrack) -> Any:
    stream = container.add_stream(track.codec)
    stream.metadata["language"] = track.language
    if track.title:
        stream.metadata["title"] = track.title
    stream.codec_context.subtitle_header = HEADER.encode()
    stream.time_base = MS
    return stream


def _packet(stream: Any, start: float, end: float, payload: bytes) -> Any:
    packet = av.Packet(payload)
    packet.stream = stream
    packet.time_base = MS
    packet.pts = packet.dts = round(start * 1000)
    packet.duration = round((end - start) * 1000)
    return packet

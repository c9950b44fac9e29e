"""A video with known drawings, cuts and sound, and a database in which its frames and shots are."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
from export_material import Measured, database, encoded_source

import animeds_db
from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.media import Video
from animeds_db.schema import clip_id, shot_id

FPS, RATE = 24, 8000
SIZE = (96, 64)
SHOTS = ((0, 36, 2), (36, 84, 1), (84, 92, 1))
"""First frame, end, and how many frames a drawing stands, of each shot."""


def drawing_of(number: int) -> int:
    """Return the number of the drawing on a frame: each shot's drawings begin at a hundred."""
    for place, (first, end, holds) in enumerate(SHOTS):
        if first <= number < end:
            return 100 * place + (number - first) // holds
    raise IndexError(number)


def picture(number: int) -> np.ndarray:
    """Draw a frame: a background per shot, and a box that every drawing moves."""
    shot, step = divmod(drawing_of(number), 100)
    wide, high = SIZE
    pixels = np.full((high, wide, 3), (40 + 80 * shot, 200 - 70 * shot, 90), np.uint8)
    pixels[:: 4 + shot, :, 0] = 20
    left = (step * 5) % (wide - 30)
    pixels[16:48, left : left + 30] = (250, 240 - 60 * shot, 20)
    return pixels


def samples() -> np.ndarray:
    """Return the sound: int16 [n, 2], every sample tells its number."""
    values = np.arange(round(SHOTS[-1][1] / FPS * RATE)) % 20_000
    return np.stack([values, -values], axis=1).astype(np.int16)


def write_drawn(path: Path, *, sound: bool = True, encoder: Mapping[str, str] | None = None) -> Path:
    """Write the video, without a loss, with a key frame every second; its sound is PCM."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(
            "libx264", rate=FPS, options={"qp": "0", "threads": "1", **(encoder or {})}
        )
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.codec_context.gop_size = FPS
        video.codec_context.colorspace, video.codec_context.color_range = 6, 1
        track = container.add_stream("pcm_s16le", rate=RATE, layout="stereo") if sound else None
        packets: list[Any] = []
        for number in range(SHOTS[-1][1]):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            packets += video.encode(frame)
        packets += video.encode(None)
        for at in range(0, len(samples()), 400) if track else ():
            piece = np.ascontiguousarray(samples()[at : at + 400].reshape(1, -1))
            part = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
            part.sample_rate, part.pts, part.time_base = RATE, at, Fraction(1, RATE)
            packets += track.encode(part)  # type: ignore[union-attr]
        container.mux(packets)
    return path


def drawn_database(folder: Path, *, every: int = 12, **options: Any) -> tuple[Dataset, Measured, list[int]]:
    """Return a database of the video with its shots, its source, and the pts of all frames."""
    path = write_drawn(folder / "Drawn - S01E01.mkv", **options)
    source = encoded_source(path, every=every)
    for row in source.rows:
        at = round(row["time_s"] * FPS)
        row["shot"] = next(place for place, (first, end, _) in enumerate(SHOTS) if first <= at < end)
    store = database(folder / "drawn.animeds", [source])
    with Video(path) as video:
        times = [(frame.pts, frame.time_s) for frame in video.frames()]
    rows = [
        {
            "shot_id": shot_id(source.source_id, number),
            "source_id": source.source_id,
            "shot": number,
            "first_pts": times[first][0],
            "last_pts": times[end - 1][0],
            "first_s": times[first][1],
            "last_s": times[end - 1][1],
            "frames": end - first,
            "drawn_frames": (end - first) // holds,
            "cadence": holds,
            "motion": "moving",
        }
        for number, (first, end, holds) in enumerate(SHOTS)
    ]
    store.upsert("shots", pa.Table.from_pylist(rows, schema.SHOTS.schema))
    return animeds_db.open(store.uri), source, [pts for pts, _ in times]


def clip(pts: list[int], first: int, last: int, source: str = "aaaaaaaa") -> str:
    """Return the id of the clip from one frame to another, by their numbers."""
    return clip_id(source, pts[first], pts[last])

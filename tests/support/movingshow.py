"""An episode of the drawn show with sound, subtitles and chapters, in a database with names and exact shots."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import sampleshow
from browsing import give_names
from subtitled import HEADER

from animeds_db.dataset.dataset import open_or_create
from animeds_db.models import load_profile
from animeds_ingest.engines.local import ingest
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

RATE = 24_000
LINES = """Dialogue: 0,0:00:02.00,0:00:04.00,Default,Emi,0,0,0,,Good morning.
Dialogue: 0,0:00:05.00,0:00:07.50,Default,Shiori,0,0,0,,You are late again.
Dialogue: 0,0:00:20.00,0:00:22.00,Default,Emi,0,0,0,,The bus did not come.
"""


def copied(folder: Path) -> Path:
    """Return a copy of the database, to be written to. The video that it names is shared: do not change it."""
    return Path(shutil.copytree(database(), folder / "moving.animeds"))


def database() -> Path:
    """Return the database of the episode. Do not change it."""
    return sampleshow.once("moving.animeds", _ingest)


def episode() -> Path:
    """Return the folder of the episode. Do not change it."""
    return sampleshow.once("moving", _write)


def _write(folder: Path) -> None:
    folder.mkdir()
    drawn = min(sampleshow.episodes().glob("*.mkv"))
    with av.open(str(drawn)) as source, av.open(str(folder / drawn.name), "w") as target:
        picture = source.streams.video[0]
        video: Any = target.add_stream_from_template(picture)
        audio: Any = target.add_stream("aac", rate=RATE, layout="mono")
        target.set_chapters(
            [
                {"id": n, "start": start, "end": end, "time_base": Fraction(1), "metadata": {"title": title}}
                for n, (start, end, title) in enumerate([(0, 10, "Prologue"), (10, 60, "Part A")], 1)
            ]
        )
        seconds = 0.0
        for packet in source.demux(picture):
            if packet.pts is not None:
                seconds = max(seconds, float(packet.pts * packet.time_base))
                packet.stream = video
                target.mux(packet)
        for packet in _tone(audio, seconds):
            target.mux(packet)
    (folder / drawn.with_suffix(".ass").name).write_text(HEADER + LINES, "utf-8")


def _tone(audio: Any, seconds: float) -> Any:
    """Yield packets of a tone that rises by an octave every ten seconds."""
    for at in range(0, int(seconds * RATE), 1024):
        times = (at + np.arange(1024)) / RATE
        wave = 0.2 * np.sin(2 * np.pi * 110 * 2 ** (times // 10) * times)
        frame = av.AudioFrame.from_ndarray(wave[np.newaxis].astype(np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
        yield from audio.encode(frame)
    yield from audio.encode(None)


def _ingest(path: Path) -> None:
    models = load_profile("tiny", device="cpu")
    with open_or_create(str(path), models) as dataset:
        report = ingest(dataset.store, discover([episode()]), Sampling.parse("keyframes"), models)
        assert not report.failed
        give_names(dataset)
        dataset.shots()

"""How far reading an episode and running models on it overlap, in one process.

    reading alone   key frames are decoded, measured and converted to pixels, by the threads of an ingest
    models alone    the models run on as many frames that are in memory already
    both            an ingest, without the writing of rows

Both use all cores, so both together cannot take less than half of their processor time on two cores: `bound` is the
larger of this and of the two alone.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

from animeds_db.cores import core_count
from animeds_db.media import Video
from animeds_db.models import Models, load_profile
from animeds_db.store import Store
from animeds_ingest.measures.frame import measure, thumbnail
from animeds_ingest.one_source import prepare
from animeds_ingest.pipeline import BATCH, NOTHING, Numbered, numbered, overlapped, process
from animeds_ingest.rows import Analyser, Measured
from animeds_ingest.sampling import Sampling
from tools.ratios import Section
from tools.timing import processor_s, table

SOURCE = "aaaaaaaa"
HELD = 3 * BATCH
"""Number of frames in memory for the models alone: 9 MB each at 1080p. They are used again and again."""


def overlap(
    video: Path, models: Models | None = None, *, seconds: float = 120, rounds: int = 2, name: str = "tiny"
) -> Section:
    """Return the report section. `models`: those of the profile `tiny`, by default; `name` is theirs in the report."""
    models = models or load_profile("tiny", device="cpu")
    sampling = Sampling.parse("keyframes", None, seconds)
    with tempfile.TemporaryDirectory() as folder:
        widths = (
            models.image.width if models.image else 8,
            models.character.width if models.character else 8,
        )
        analyser = prepare(Store.create(str(Path(folder) / "overlap.animeds"), *widths), models)
        read = list(islice(_read(video, sampling), HELD))
        n = sum(1 for _ in _read(video, sampling))
        batches = [list(islice(cycle(read), start, min(start + BATCH, n))) for start in range(0, n, BATCH)]
        jobs: dict[str, Callable[[], object]] = {
            "reading alone": lambda: sum(1 for _ in _read(video, sampling)),
            "models alone": lambda: [analyser.rows(SOURCE, batch) for batch in batches],
            "both": lambda: _both(video, sampling, analyser),
        }
        jobs["models alone"]()  # the first run of a network plans its memory
        walls: dict[str, list[float]] = {job: [] for job in jobs}
        cpus: dict[str, list[float]] = {job: [] for job in jobs}
        for _ in range(rounds):
            for job, work in jobs.items():
                cpu, wall = processor_s(), time.perf_counter()
                work()
                walls[job].append(time.perf_counter() - wall)
                cpus[job].append(processor_s() - cpu)
    return _section(walls, cpus, n, name)


def _section(walls: dict[str, list[float]], cpus: dict[str, list[float]], n: int, name: str) -> Section:
    wall = {job: statistics.median(several) for job, several in walls.items()}
    cpu = {job: statistics.median(several) for job, several in cpus.items()}
    larger = max(wall["reading alone"], wall["models alone"])
    bound = max(larger, (cpu["reading alone"] + cpu["models alone"]) / core_count())
    rows = [
        [job, f"{wall[job]:.2f}", f"{wall[job] / larger:.2f}", f"{wall[job] / bound:.2f}", f"{cpu[job]:.2f}"]
        for job in wall
    ]
    head = ["work", "wall s", "× the larger alone", "× bound", "processor s"]
    text = f"## Reading and models together ({n} key frames, models: {name})\n\n{table(head, rows)}"
    alone = cpu["reading alone"] + cpu["models alone"]
    return Section(text, {f"models {name}: both ÷ reading and models alone, processor": cpu["both"] / alone})


def _read(video: Path, sampling: Sampling) -> Iterator[Measured]:
    def work(item: Numbered) -> Measured:
        frame, frame_id, ordinal, shot = item
        frame.pixels()
        return Measured(
            frame, frame_id, ordinal, shot, frame.content_hash(), measure(frame), thumbnail(frame)
        )

    with (
        Video(video) as media,
        closing(overlapped(numbered(media, SOURCE, sampling, NOTHING), work, core_count() - 1)) as all_,
    ):
        yield from all_


def _both(video: Path, sampling: Sampling, analyser: Analyser) -> int:
    with Video(video) as media:
        work = process(media, SOURCE, sampling, analyser, workers=core_count() - 1)
        return sum(chunk.frames.num_rows for chunk in work)

"""Measure decoding and models on the graphics card of this machine, beside its processor. Takes at most 8 minutes.

python benchmarks/gpu.py            all tables
python benchmarks/gpu.py --quick    tiny sizes: to see that it runs, also without a card

It installs nothing and downloads nothing: it draws its own episode, and writes networks with the names and shapes of
the models of the profile `anime`, about as costly, with random weights (needs the package onnx, of the extra [dev]).
"""

from __future__ import annotations

import argparse
import gc
import itertools
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from tools.folders import work_folder
from tools.networks import PLANS, Plan, write_network
from tools.timing import machine, processor_s, table

from animeds_db.media import Hardware, Video, VideoFrame, choose_hardware
from animeds_db.models.files import Files
from animeds_db.models.runners.detector import Detector
from animeds_db.models.runners.embedder import Embedder
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runtime import (
    ACTIVATION_FACTOR,
    CPU_BATCH,
    Device,
    Network,
    choose_device,
    free_gpu_bytes,
)
from animeds_db.sample.show import draw_show

LIMIT_S = 7 * 60
"""Seconds after which nothing more is measured: cells that are left say so."""
GRAIN = 5
"""Strength of the grain on the episode, 8-bit levels: flat drawings are decoded much faster than real episodes."""
RUNNERS: dict[str, Callable[[Files, Device], Any]] = {
    "tagger": Tagger,
    "detector": Detector,
    "character": Embedder,
    "image": Embedder,
}


@dataclass(frozen=True)
class Size:
    """How much is measured: seconds and size of the episodes, batches, pictures that are prepared together,
    seconds of one measurement, the networks."""

    seconds: float = 40.0
    picture: tuple[int, int] = (1920, 1080)
    batches: tuple[int, ...] = (1, 4, 16, 64)
    pictures: int = 16
    each_s: float = 1.5
    plans: tuple[Plan, ...] = PLANS


QUICK = Size(0.5, (320, 192), (1, 2), 2, 0.0, tuple(replace(plan, width=8, layers=1) for plan in PLANS))


def run(work: Path, size: Size = Size()) -> Iterator[str]:
    """Yield the sections of the report as they are measured."""
    ends = time.monotonic() + LIMIT_S
    device, hardware = choose_device("auto"), choose_hardware("auto")
    yield f"# Graphics card\n\n{machine()}. {_card()}\n\n{device.reason}. {_said(hardware)}"
    yield decoding(work, size, hardware, ends)
    yield models(work, size, device, ends)


def _card() -> str:
    words = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        lines = subprocess.run(
            words, capture_output=True, text=True, timeout=10, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return "No NVIDIA card."
    return "; ".join(lines) + "."


def _said(hardware: Hardware) -> str:
    return hardware.note + "." if hardware.device is None else f"{hardware.device} can decode videos."


def decoding(work: Path, size: Size, hardware: Hardware, ends: float) -> str:
    """Return the section about decoding: frames per second of the processor and of the card, and whether they agree."""
    rows = []
    for codec, pix_fmt in (("libx264", "yuv420p"), ("libx265", "yuv420p10le")):
        path = episode(work, size, codec, pix_fmt)
        for how in ("all frames", "key frames"):
            hashes: dict[str, list[str]] = {}
            for name, by in (("processor", Hardware()), ("card", hardware)):
                cells = ["–", "–", "not measured: no time"]
                if name == "card" and hardware.device is None:
                    cells = ["–", "–", "not measured: no card"]
                elif time.monotonic() < ends:
                    cells, hashes[name] = _decoded(path, how, by)
                    if name == "card":
                        same = hashes["card"] == hashes["processor"]
                        cells[2] = f"{'the same frames' if same else 'OTHER FRAMES'}{cells[2]}"
                rows.append([path.stem, how, name, *cells])
    head = ["episode", "what", "decoded by", "frames/s", "processor ms per frame", ""]
    return f"## Decoding\n\nWithout hashes and measures; files are warm.\n\n{table(head, rows)}"


def _decoded(path: Path, how: str, hardware: Hardware) -> tuple[list[str], list[str]]:
    """Return the cells of a row, and the hash of every 24th frame (of all key frames)."""

    def frames() -> Iterator[VideoFrame]:
        return video.frames() if how == "all frames" else video.keyframes()

    video = Video(path, hardware=hardware)
    hashes = [
        frame.content_hash()
        for frame in itertools.islice(frames(), 0, None, 24 if how == "all frames" else 1)
    ]
    wall, cpu = time.perf_counter(), processor_s()
    n = sum(1 for _ in frames())
    wall, cpu = time.perf_counter() - wall, processor_s() - cpu
    notes = "".join(f"; {warning}" for warning in video.warnings)
    return [f"{n / wall:,.0f}", f"{1000 * cpu / n:,.1f}", notes], hashes


def episode(work: Path, size: Size, codec: str, pix_fmt: str) -> Path:
    """Draw an episode, enlarge it, add grain, and encode it."""
    path = work / f"{codec.removeprefix('lib')} {pix_fmt} {size.picture[0]}x{size.picture[1]}.mkv"
    if path.exists():
        return path
    drawn = work / "drawn"
    if not drawn.exists():
        draw_show(drawn, episodes=1, seed=11, size=(640, 360), fps=24)
    width, height = size.picture
    wide = pix_fmt.endswith("10le")
    rng = np.random.default_rng(3)
    grain = rng.integers(-GRAIN, GRAIN + 1, (2 * height, 2 * width), np.int16) * (4 if wide else 1)
    options = {
        "preset": "veryfast" if codec == "libx264" else "ultrafast",
        "crf": "20",
        "x265-params": "log-level=none",
    }
    source = itertools.islice(Video(next(drawn.glob("*.mkv"))).frames(), int(size.seconds * 24))
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        for number, frame in enumerate(source):
            large = frame.decoded.reformat(width, height, pix_fmt)
            _add_grain(large, grain[number * 37 % height :, number * 61 % width :], wide)
            large.pts, large.time_base = number, Fraction(1, 24)
            large.pict_type = 0
            file.mux(stream.encode(large))
        file.mux(stream.encode())
    return path


def _add_grain(frame: av.VideoFrame, grain: np.ndarray, wide: bool) -> None:
    plane: Any = frame.planes[0]
    dtype, most = (np.uint16, 1023) if wide else (np.uint8, 255)
    values = np.frombuffer(plane, dtype).reshape(frame.height, -1).astype(np.int16)
    values[:, : frame.width] += grain[: frame.height, : frame.width]
    plane.update(values.clip(0, most).astype(dtype).tobytes())


def models(work: Path, size: Size, device: Device, ends: float) -> str:
    """Return the section about models: pictures per second per batch, with and without buffers, and in float16."""
    rows = []
    rng = np.random.default_rng(5)
    pictures = [
        rng.integers(0, 256, (size.picture[1], size.picture[0], 3), np.uint8) for _ in range(size.pictures)
    ]
    variants = [("cpu", False, False)]
    if device.name == "cuda":
        variants += [("cuda", False, False), ("cuda", False, True), ("cuda", True, True)]
    for plan in size.plans:
        for place, half, buffered in variants:
            files = write_network(work, plan, half=half)
            on = device if place == "cuda" else Device("cpu", "for comparison")
            how = ["float16" if half else "float32", "yes" if buffered else "no"]
            rows.append([plan.model, place, *how, *_speeds(files, on, buffered, size, pictures, ends)])
            gc.collect()
    head = [
        "stand-in for",
        "on",
        "weights",
        "buffers",
        *(f"batch {n}" for n in size.batches),
        "with preparation",
    ]
    more = "" if device.name == "cuda" else " No GPU was measured."
    about = (
        f"Batches of prepared pictures. The column `with preparation` prepares {len(pictures)} pictures of "
        f"{size.picture[0]}×{size.picture[1]} as an ingest does, in batches that it plans. GPU memory is what the "
        f"network took in all; after the slash, divided by the largest batch's input (planned: {ACTIVATION_FACTOR})."
    )
    told = table([*head, "GPU memory"], rows)
    return f"## Models: pictures per second\n\n{about}{more}\n\n{told}"


def _speeds(
    files: Files, device: Device, buffered: bool, size: Size, pictures: Sequence[np.ndarray], ends: float
) -> list[str]:
    """Return a cell for each batch, one for pictures with their preparation, and one for memory."""
    cells = _of_batches(files, device, buffered, size, ends)
    gc.collect()
    prepared = ""
    if time.monotonic() < ends and (device.name == "cpu" or buffered):
        runner = RUNNERS[files.entry.task](files, device)
        prepared = _rate(lambda: runner(pictures), len(pictures), size.each_s)
    return [*cells[:-1], prepared, cells[-1]]


def _of_batches(files: Files, device: Device, buffered: bool, size: Size, ends: float) -> list[str]:
    """Return a cell for each batch, and one for memory."""
    free = free_gpu_bytes()
    network = Network(files.paths["model"], device)
    if not buffered:
        network.feeder = None
    name, given = next(iter(network.inputs.items()))
    how = files.described.input
    shape = [*how.size, 3] if how.layout == "NHWC" else [3, *how.size]
    dtype = np.float16 if "float16" in given.type else np.float32
    largest = np.random.default_rng(7).random((max(size.batches), *shape), np.float32).astype(dtype)
    output = next(iter(network.outputs))
    cells = []
    for n in size.batches:
        if time.monotonic() > ends:
            cells.append("no time")
        elif device.name == "cpu" and n > CPU_BATCH:
            cells.append("")  # the processor gains nothing from larger ones
        else:
            network.batch = n
            part = {name: largest[:n]}
            cells.append(_rate(partial(network.run, part, [output]), n, size.each_s))
            if network.batch < n:
                cells[-1] += f" (memory for {network.batch})"
    used = free - free_gpu_bytes()
    memory = f"{used / 2**20:,.0f} MB / {used / largest.nbytes:,.0f}" if device.name == "cuda" else ""
    return [*cells, memory]


def _rate(job: Callable[[], object], pictures: int, seconds: float) -> str:
    """Return pictures per second of a job, repeated for this long after a first run that does not count."""
    job()
    began, times = time.perf_counter(), 0
    while times == 0 or time.perf_counter() - began < seconds:
        job()
        times += 1
    return f"{times * pictures / (time.perf_counter() - began):,.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    options = parser.parse_args()
    with work_folder(None) as work:
        for section in run(work, QUICK if options.quick else Size()):
            print(section, end="\n\n", flush=True)


if __name__ == "__main__":
    main()

"""From 2,000 key frames of a 1080p episode to PNG and to WebP, against ffmpeg writing the same frames to PNG.

Each way is a process of its own, in turns; processor time and peak memory are those that the kernel counted for it.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_ingest import episode, ffmpeg
from tools.ratios import Section
from tools.timing import table

FRAMES = 2000
GOP = 12  # frames from one key frame to the next, at 24 frames per second


@dataclass(frozen=True)
class Run:
    """One run of a process: seconds and bytes."""

    wall: float
    cpu: float
    peak: float


def measured(words: Sequence[str]) -> Run:
    """Run a command and return what the kernel counted for it and what it started."""
    start, peak, pid = time.perf_counter(), 0.0, 0
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not pid:
        time.sleep(0.05)
        peak = max(peak, _peak(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(words))
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, peak or usage.ru_maxrss * unit)


def _peak(pid: int) -> float:
    """Return the most memory that a process has held, in bytes; 0 where the system does not tell.

    What Linux counts for a child that has ended begins with the memory of its parent.
    """
    try:
        told = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+)", told)
    return int(found[1]) * 1024.0 if found else 0.0


def material(work: Path, frames: int) -> Path:
    """Encode the drawn 1080p episode with a key frame every half second, long enough for that many of them."""
    seconds = frames * GOP / 24
    out = work / f"Many Keys - S01E01 ({frames}).mkv"
    if out.exists():
        return out
    source = episode(work, 2, "grainy")
    dense = work / "dense.mkv"
    if not dense.exists():
        keys = ["-t", "60", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", str(GOP)]
        keys += ["-sc_threshold", "0"]
        subprocess.run([ffmpeg(), "-v", "error", "-y", "-i", str(source), *keys, str(dense)], check=True)
    repeated = ["-stream_loop", "-1", "-i", str(dense), "-t", str(seconds), "-c", "copy", str(out)]
    subprocess.run([ffmpeg(), "-v", "error", "-y", *repeated], check=True)
    return out


def run(work: Path, *, frames: int = FRAMES, rounds: int = 3) -> Section:
    """Return the report section."""
    video, db, out = material(work, frames), work / f"export-{frames}.animeds", work / "exported"
    animeds = [sys.executable, "-m", "animeds_db"]
    if not db.exists():
        subprocess.run([*animeds, "ingest", str(video), "--db", str(db), "--profile", "none"], check=True)
    select = f"SELECT frame_id FROM frames ORDER BY frame_id LIMIT {frames}"
    ours = [*animeds, "export", "--sql", select, str(out), "--no-captions", "--db", str(db), "--image"]
    pngs = work / "ffmpeg-pngs"
    theirs = [ffmpeg(), "-v", "error", "-skip_frame", "nokey", "-i", str(video), "-fps_mode", "passthrough"]
    theirs += ["-frames:v", str(frames), str(pngs / "%06d.png")]
    ways = {
        "ffmpeg -skip_frame nokey to PNG": (theirs, pngs),
        "animeds export --image png": ([*ours, "png"], out),
        "animeds export --image webp": ([*ours, "webp"], out),
    }
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    sizes: dict[str, tuple[int, int]] = {}
    for _ in range(rounds):
        for name, (words, folder) in ways.items():
            shutil.rmtree(folder, ignore_errors=True)
            pngs.mkdir(exist_ok=True)
            runs[name].append(measured(words))
            print(f"{name}: {runs[name][-1]}", file=sys.stderr, flush=True)
            pictures = [p for p in folder.iterdir() if p.suffix in (".png", ".webp")]
            sizes[name] = len(pictures), sum(p.stat().st_size for p in pictures)
    return _section(runs, sizes, frames)


def _section(runs: dict[str, list[Run]], sizes: dict[str, tuple[int, int]], frames: int) -> Section:
    base = _median(next(iter(runs.values())))
    rows = [_row(name, of_way, base, sizes[name]) for name, of_way in runs.items()]
    png, webp = (name for name in runs if name.endswith(("png", "webp")))
    both = [
        Run(p.wall + w.wall, p.cpu + w.cpu, max(p.peak, w.peak))
        for p, w in zip(runs[png], runs[webp], strict=True)
    ]
    rows.append(
        _row(
            "animeds: PNG, then WebP",
            both,
            base,
            [sum(pair) for pair in zip(sizes[png], sizes[webp], strict=True)],
        )
    )
    header = ["way", "wall s", "× ffmpeg", "processor s", "× ffmpeg", "peak MB", "pictures", "MB on disk"]
    rounds = len(next(iter(runs.values())))
    text = (
        f"## {frames} key frames of a 1080p episode to pictures\n\n"
        f"Rounds in turns: {rounds}. On a busy machine look at processor time.\n\n{table(header, rows)}"
    )
    ratios: dict[str, float] = {}
    for kind, name in (("png", png), ("webp", webp)):
        ours = _median(runs[name])
        ratios |= {f"{kind}, wall": ours.wall / base.wall, f"{kind}, processor": ours.cpu / base.cpu}
    return Section(text, ratios)


def _median(runs: Sequence[Run]) -> Run:
    wall, cpu = (statistics.median(values) for values in zip(*((r.wall, r.cpu) for r in runs), strict=True))
    return Run(wall, cpu, max(r.peak for r in runs))


def _row(name: str, runs: Sequence[Run], base: Run, size: Sequence[int]) -> list[str]:
    run = _median(runs)
    times = [f"{run.wall:.1f}", f"{run.wall / base.wall:.2f}", f"{run.cpu:.1f}", f"{run.cpu / base.cpu:.2f}"]
    return [name, *times, f"{run.peak / 2**20:.0f}", str(size[0]), f"{size[1] / 2**20:.0f}"]

"""From a 24-minute 1080p episode to rows, against the seed's ffmpeg command and against bare decoding.

The episode is the drawn sample show at 1080p, repeated by stream copy until it is long enough.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tools.ratios import Section
from tools.timing import Timing, command, in_turns, table

MINUTES = 24
GRAIN = 5  # strength of ffmpeg's noise filter, 8-bit levels


def ffmpeg() -> str:
    """Return an ffmpeg binary: the one on PATH, else the one that imageio-ffmpeg carries."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def episode(work: Path, minutes: float) -> Path:
    """Draw one episode at 1080p and repeat it by stream copy to the length asked for."""
    out = work / f"Long Show - S01E01 ({minutes:g} min).mkv"
    if out.exists():
        return out
    from animeds_db.sample.show import draw_show

    draw_show(work / "drawn", episodes=1, seed=11, size=(1920, 1080), fps=24)
    drawn, grainy = next((work / "drawn").glob("*.mkv")), work / "grainy.mkv"
    # flat drawings make tiny PNGs, and the seed's way look faster than it is: real episodes have grain
    grain = ["-vf", f"noise=alls={GRAIN}:allf=t", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]
    subprocess.run([ffmpeg(), "-v", "error", "-y", "-i", str(drawn), *grain, str(grainy)], check=True)
    repeated = ["-stream_loop", "-1", "-i", str(grainy), "-t", str(minutes * 60), "-c", "copy", str(out)]
    subprocess.run([ffmpeg(), "-v", "error", "-y", *repeated], check=True)
    return out


def run(work: Path, *, minutes: float = MINUTES, rounds: int = 3) -> Section:
    """Return the report section."""
    video = episode(work, minutes)
    pngs, db = work / "pngs", work / "bench.animeds"

    def fresh(*folders: Path) -> None:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def seed() -> None:
        fresh(pngs)
        pngs.mkdir()
        seed_command = [
            "-i",
            str(video),
            "-vf",
            "select=eq(pict_type\\,I)",
            "-vsync",
            "vfr",
            str(pngs / "f-%06d.png"),
        ]
        command(ffmpeg(), "-v", "error", *seed_command)()

    def ours() -> None:
        fresh(db)
        command(
            sys.executable, "-m", "animeds_db", "ingest", str(video), "--db", str(db), "--profile", "none"
        )()

    jobs = {
        "seed: ffmpeg I-frames to PNG": seed,
        "ours: animeds ingest, models off": ours,
        "ffmpeg -skip_frame nokey, thrown away": command(
            ffmpeg(), "-v", "error", "-skip_frame", "nokey", "-i", str(video), "-f", "null", "-"
        ),
        "start-up of animeds alone": command(
            sys.executable, "-m", "animeds_db", "sql", "select 1", "--db", str(db)
        ),
    }
    ours()  # so that the start-up job has a database to open
    times = in_turns(jobs, rounds)
    return _section(times, _size(pngs), _size(db), len(list(pngs.glob("*.png"))), minutes)


def _size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def _section(times: dict[str, Timing], png_bytes: int, db_bytes: int, n: int, minutes: float) -> Section:
    ours = times["ours: animeds ingest, models off"]
    share = f"1/{png_bytes / db_bytes:.0f}"
    rows = [
        [name, f"{t.wall:.2f}", f"{t.cpu:.2f}", f"{t.wall / ours.wall:.2f}×"] for name, t in times.items()
    ]
    text = "\n".join(
        [
            f"## From a {minutes:g}-minute 1080p episode to rows ({n} I-frames, drawn with grain, H.264)",
            "",
            table(["way", "wall s", "cpu s", "wall against ours"], rows),
            "",
            f"On disk: PNGs {png_bytes / 2**20:.0f} MB, database {db_bytes / 2**20:.2f} MB: {share}.",
        ]
    )
    peers = [name for name in times if name.startswith(("seed", "ffmpeg"))]
    return Section(text, {f"models off ÷ {name}": ours.wall / times[name].wall for name in peers})

"""From a 24-minute 1080p episode to rows, against the seed's ffmpeg command and against bare decoding.

Two episodes: the drawn sample show at 1080p, flat as drawings are, and the same with grain, which takes several times
as long to decode. Both are repeated by stream copy until they are long enough. ffmpeg may use as many threads as we do.

The ratios that are committed are those of processor time: ours uses all cores, ffmpeg one for key frames, so wall times
depend on what else the machine does.

python benchmarks/bench_ingest.py --minutes 24 --rounds 3 --work FOLDER
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from tools.folders import work_folder
from tools.overlap import overlap
from tools.ratios import Section, joined
from tools.timing import Used, fresh_process, machine, median_used, table

from animeds_db.cores import core_count

MINUTES = 24
SEED_MINUTES = 1
"""The seed's way takes half a minute of processor time per minute of film, so it gets less of it."""
GRAIN = 5  # strength of ffmpeg's noise filter, 8-bit levels
FILMS = ("flat", "grainy")
OURS, NOKEY, START = (
    "ours: animeds ingest, models off",
    "ffmpeg -skip_frame nokey, thrown away",
    "start-up of animeds alone",
)
SEED = "seed: ffmpeg I-frames to PNG"


def ffmpeg() -> str:
    """Return an ffmpeg binary: the one on PATH, else the one that imageio-ffmpeg carries."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def episode(work: Path, minutes: float, film: str) -> Path:
    """Draw one episode at 1080p, with grain if the film is `grainy`, and repeat it by stream copy."""
    out = work / f"{film.title()} Show - S01E01 ({minutes:g} min).mkv"
    if out.exists():
        return out
    from animeds_db.sample.show import draw_show

    if not list((work / "drawn").glob("*.mkv")):
        draw_show(work / "drawn", episodes=1, seed=11, size=(1920, 1080), fps=24)
    once = next((work / "drawn").glob("*.mkv"))
    if film == "grainy":
        drawn, once = once, work / "grainy.mkv"
        if not once.exists():
            grain = [
                "-vf",
                f"noise=alls={GRAIN}:allf=t",
                "-c:v",
                "libx264",
                "-preset",
                "veryfast",
                "-crf",
                "20",
            ]
            subprocess.run([ffmpeg(), "-v", "error", "-y", "-i", str(drawn), *grain, str(once)], check=True)
    repeated = ["-stream_loop", "-1", "-i", str(once), "-t", str(minutes * 60), "-c", "copy", str(out)]
    subprocess.run([ffmpeg(), "-v", "error", "-y", *repeated], check=True)
    return out


def run(work: Path, *, minutes: float = MINUTES, rounds: int = 3) -> Section:
    """Return the report section."""
    films = [alone(work, film, minutes, rounds) for film in FILMS]
    return joined(
        *films, against_seed(work, min(minutes, SEED_MINUTES)), overlap(episode(work, minutes, "grainy"))
    )


def alone(work: Path, film: str, minutes: float, rounds: int) -> Section:
    """Compare an ingest without models with ffmpeg, which decodes the same key frames and throws them away."""
    video, db = episode(work, minutes, film), work / "bench.animeds"
    threads = ["-threads", str(core_count())]
    words = {
        OURS: _ingest(video, db),
        NOKEY: [
            ffmpeg(),
            *threads,
            "-v",
            "error",
            "-skip_frame",
            "nokey",
            "-i",
            str(video),
            "-f",
            "null",
            "-",
        ],
        START: [sys.executable, "-m", "animeds_db", "sql", "SELECT 1", "--db", str(db)],
    }
    shutil.rmtree(db, ignore_errors=True)
    fresh_process(words[OURS])  # reads the file once, so that the system has it in memory
    used: dict[str, list[Used]] = {name: [] for name in words}
    for _ in range(rounds):
        shutil.rmtree(db, ignore_errors=True)
        for name, job in words.items():
            used[name].append(fresh_process(job))
    medians = {name: median_used(several) for name, several in used.items()}
    frames = _frames(db)
    ours, theirs = medians[OURS], medians[NOKEY]
    title = f"## From a {minutes:g}-minute 1080p episode to rows ({film}, {frames} key frames, H.264)"
    return Section(
        f"{title}\n\n{_table(medians, theirs)}",
        {f"{film}: models off ÷ {NOKEY}, processor": ours.cpu / theirs.cpu},
    )


def against_seed(work: Path, minutes: float) -> Section:
    """Compare an ingest without models with the seed's way: a PNG of every I-frame."""
    video, db, pngs = episode(work, minutes, "grainy"), work / "bench.animeds", work / "pngs"
    for folder in (db, pngs):
        shutil.rmtree(folder, ignore_errors=True)
    pngs.mkdir()
    wanted = ["-vf", "select=eq(pict_type\\,I)", "-fps_mode", "vfr", str(pngs / "f-%06d.png")]
    ours = fresh_process(_ingest(video, db))
    seed = fresh_process([ffmpeg(), "-v", "error", "-i", str(video), *wanted])
    png, rows = _size(pngs), _size(db)
    text = "\n\n".join(
        [
            f"## From {minutes:g} minutes of the grainy episode to {len(list(pngs.glob('*.png')))} frames",
            _table({SEED: seed, OURS: ours}, seed),
            f"On disk: PNGs {png / 2**20:.0f} MB, database {rows / 2**20:.2f} MB: 1/{png / rows:.0f}.",
        ]
    )
    return Section(text, {f"models off ÷ {SEED}, processor": ours.cpu / seed.cpu})


def _ingest(video: Path, db: Path) -> list[str]:
    return [sys.executable, "-m", "animeds_db", "ingest", str(video), "--db", str(db), "--profile", "none"]


def _frames(db: Path) -> int:
    import animeds_db

    with animeds_db.open(db) as dataset:
        return int(dataset.sql("SELECT count(*) FROM frames").fetchall()[0][0])


def _table(used: dict[str, Used], base: Used) -> str:
    head = ["way", "wall s", "×", "processor s", "×", "peak MB"]
    rows = [
        [
            name,
            f"{u.wall:.2f}",
            f"{u.wall / base.wall:.2f}",
            f"{u.cpu:.2f}",
            f"{u.cpu / base.cpu:.2f}",
            f"{u.mb:.0f}",
        ]
        for name, u in used.items()
    ]
    return table(head, rows)


def _size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="keep the material here, for the next run")
    options = parser.parse_args()
    with work_folder(options.work) as work:
        print(f"{machine()}\n")
        print(run(work, minutes=options.minutes, rounds=options.rounds))


if __name__ == "__main__":
    main()

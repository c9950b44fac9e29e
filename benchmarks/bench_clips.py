"""Clips of a 1080p episode for a video trainer, against one ffmpeg command for each of the same clips.

Both write the same frames: 16 per second, 640 × 360, H.264 with the same crf. ffmpeg runs with the preset of the
export, and once more with its own. The commands run one after the other, each with ffmpeg's own threads, as a script of
a person does. Clips per second are of wall time; the export includes starting Python, the plan in SQL and captions.

python benchmarks/bench_clips.py --minutes 4
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_ingest import episode, ffmpeg
from tools.ratios import Section
from tools.timing import in_turns, machine, table

import animeds_db

MINUTES = 4
CLIPS = "SELECT clip_id, first_s, n_frames FROM clips WHERE frame_id IS NOT NULL ORDER BY first_pts"


def run(work: Path, *, minutes: float = MINUTES, rounds: int = 3) -> Section:
    """Return the report section."""
    video, db, out, theirs = (
        episode(work, minutes, "grainy"),
        work / "clips.animeds",
        work / "ours",
        work / "theirs",
    )
    if not db.exists():
        animeds = [sys.executable, "-m", "animeds_db"]
        ingest = [*animeds, "ingest", str(video), "--db", str(db), "--profile", "none"]
        subprocess.run([*ingest, "--shots", "--sample", "every=1s"], check=True)
    with animeds_db.open(db) as dataset:
        clips = dataset.sql(CLIPS).fetchall()

    def ours() -> None:
        shutil.rmtree(out, ignore_errors=True)
        options = ["--sql", CLIPS, "--max-size", "640", "--db", str(db)]
        subprocess.run(
            [sys.executable, "-m", "animeds_db", "export", "--clips", *options, str(out)],
            check=True,
            stderr=subprocess.DEVNULL,
        )

    def commands(*preset: str) -> None:
        shutil.rmtree(theirs, ignore_errors=True)
        theirs.mkdir()
        for number, (_, first_s, n_frames) in enumerate(clips):
            start = ["-ss", f"{first_s:.3f}", "-i", str(video)]
            look = ["-frames:v", str(n_frames), "-vf", "fps=16,scale=640:360", "-an"]
            encoder = ["-c:v", "libx264", *preset, "-crf", "12"]
            words = [ffmpeg(), "-v", "error", "-y", *start, *look, *encoder, str(theirs / f"{number:04}.mp4")]
            subprocess.run(words, check=True)

    jobs = {
        "animeds export --clips": ours,
        "an ffmpeg command per clip, -preset ultrafast": lambda: commands("-preset", "ultrafast"),
        "an ffmpeg command per clip": commands,
    }
    timings = in_turns(jobs, rounds)
    if len(list(out.glob("*.mp4"))) != len(clips):
        raise SystemExit("the export has another number of clips")
    rows = [
        [name, f"{timing.wall:.1f}", f"{timing.cpu:.1f}", f"{len(clips) / timing.wall:.2f}"]
        for name, timing in timings.items()
    ]
    first, *others = timings.values()
    times = " and ".join(f"{other.wall / first.wall:.2f}" for other in others)
    head = f"## Clips\n\n{len(clips)} clips of {minutes:g} minutes at 1080p, {rounds} rounds in turns, medians:\n\n"
    ratio = f"\n\nClips per second of wall time: {times} times those of ffmpeg."
    text = head + table(["", "wall s", "processor s", "clips/s"], rows) + ratio
    return Section(text, {f"÷ {name}": first.wall / t.wall for name, t in timings.items() if t is not first})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--work", type=Path, help="Folder for the material, which is kept. Default: a temporary one."
    )
    given = parser.parse_args()
    print(machine())
    if given.work is not None:
        given.work.mkdir(parents=True, exist_ok=True)
        print(run(given.work, minutes=given.minutes, rounds=given.rounds))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(run(Path(folder), minutes=given.minutes, rounds=given.rounds))


if __name__ == "__main__":
    main()

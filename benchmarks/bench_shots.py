"""How well and how fast shots are found, on drawn series whose truth is known, beside other programs.

Thresholds were chosen on the seeds 7 and 31. SEEDS are reported. Each is scored as drawn, and once more with every
second hard cut turned into a dissolve of 8 to 16 frames and with titles that come and go.

python benchmarks/bench_shots.py                                scores, and the cost beside decoding alone
python benchmarks/bench_shots.py --peers ~/peers/bin/python     also those of tools/shots_peers.py
python benchmarks/bench_shots.py --cost episode.mkv             only the cost, on a file of yours
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw
from tools.shots_peers import PEERS
from tools.timing import in_turns, machine, table

from animeds_db.media import Video
from animeds_db.media.shots import find_shots, small_frames
from animeds_db.sample.encode import Writer
from animeds_db.sample.show import draw_show

SEEDS = (1_000_021, 1_000_022, 1_000_023)
NEAR = 2
"""Frames by which a cut may be off: fades and dissolves have no exact frame."""


def run(work: Path, seeds: Sequence[int] = SEEDS, peers: str | None = None, rounds: int = 3) -> str:
    """Return the report."""
    series = {"as drawn": [], "soft cuts, titles": []}  # type: dict[str, list[tuple[Path, list[int]]]]
    for seed in seeds:
        folder = work / f"show-{seed}"
        (episode,) = draw_show(folder, episodes=1, seed=seed, fps=24).episodes
        cuts = list(episode.cuts[1:])
        series["as drawn"].append((folder / episode.file, cuts))
        soft = work / f"soft-{seed}.mkv"
        soften(folder / episode.file, cuts, soft, seed)
        series["soft cuts, titles"].append((soft, cuts))
    finders: dict[str, Callable[[Sequence[Path]], tuple[list[list[int]], float]]] = {"animeds": ours}
    if peers is not None:
        finders |= {name: peer(peers, name) for name in PEERS}
    rows = []
    for name, find in finders.items():
        for what, episodes in series.items():
            found, cpu = find([path for path, _ in episodes])
            rows.append([name, what, *score(found, [cuts for _, cuts in episodes]), f"{cpu:.1f}"])
    header = ["", "series", "precision", "recall", "F1", "exact", "processor s"]
    longest = max((path for path, _ in series["as drawn"]), key=lambda path: path.stat().st_size)
    return f"{table(header, rows)}\n\n{cost(longest, rounds)}"


def ours(paths: Sequence[Path]) -> tuple[list[list[int]], float]:
    """Return the cuts of each video as frame numbers, and the processor seconds."""
    began = time.process_time()
    found = [
        np.cumsum([shot.n_frames for shot in find_shots(small_frames(Video(path)))])[:-1].tolist()
        for path in paths
    ]
    return found, time.process_time() - began


def peer(python: str, name: str) -> Callable[[Sequence[Path]], tuple[list[list[int]], float]]:
    """Return a function that does the same with another program."""
    script = Path(__file__).parent / "tools" / "shots_peers.py"

    def find(paths: Sequence[Path]) -> tuple[list[list[int]], float]:
        words = [python, str(script), name, *map(str, paths)]
        lines = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
        answers = [json.loads(line) for line in lines if line.startswith('{"cuts"')]
        return [answer["cuts"] for answer in answers], sum(answer["cpu"] for answer in answers)

    return find


def score(found: Sequence[Sequence[int]], truth: Sequence[Sequence[int]]) -> list[str]:
    """Return precision, recall and F1 of cuts that are at most NEAR frames off, and the share of exact ones."""
    hits = exact = 0
    for cuts, true in zip(found, truth, strict=True):
        free = list(cuts)
        for cut in true:
            nearest = min(free, key=lambda other: abs(other - cut), default=None)
            if nearest is not None and abs(nearest - cut) <= NEAR:
                free.remove(nearest)
                hits += 1
                exact += nearest == cut
    n_found, n_true = sum(map(len, found)), sum(map(len, truth))
    values = hits / max(1, n_found), hits / n_true, 2 * hits / (n_found + n_true), exact / max(1, hits)
    return [f"{value:.3f}" for value in values]


def soften(path: Path, cuts: Sequence[int], target: Path, seed: int) -> None:
    """Write a video with every second hard cut as a dissolve around it, and with titles that come and go."""
    rng = np.random.default_rng(seed)
    frames = [frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for frame in _decoded(path)]
    original = list(frames)
    for cut in cuts[::2]:
        length = int(rng.integers(4, 9)) * 2
        ends = original[cut - 1], original[cut]
        if min(end.std() for end in ends) < 20:
            continue  # a fade
        for i in range(length - 1):
            n, share = cut - length // 2 + 1 + i, (i + 1) / length
            here = original[n] if 0 <= n < len(original) else ends[1]
            one, other = (here, ends[1]) if n < cut else (ends[0], here)
            frames[n] = np.rint(one * (1.0 - share) + other * share).astype(np.uint8)
    height, width, _ = frames[0].shape
    with Writer(target, (width, height), 24) as writer:
        for n, pixels in enumerate(frames):
            writer.write(_titled(pixels, n) if n // 60 % 3 == 1 else pixels, cut=n == 0)


def _titled(pixels: np.ndarray, n: int) -> np.ndarray:
    picture = Image.fromarray(pixels)
    width, height = picture.size
    text = f"STAFF {n // 180}\nDIRECTION  LAYOUT\nKEY ANIMATION"
    ImageDraw.Draw(picture).multiline_text(
        (width * 0.06, height * 0.1), text, fill="white", font_size=height / 12
    )
    return np.asarray(picture)


def cost(path: Path, rounds: int) -> str:
    """Return what finding shots costs beside decoding every frame, in turns."""

    def decode() -> None:
        for _ in _decoded(path):
            pass

    times = in_turns({"decode": decode, "shots": lambda: ours([path])}, rounds)
    with Video(path) as video:
        size = f"{video.info.width}×{video.info.height}, {video.info.duration_s or 0:.0f} s"
    plain, all_of_it = times["decode"], times["shots"]
    return (
        f"Finding shots ({size}) took {all_of_it.wall:.1f} s of wall time and {all_of_it.cpu:.1f} s of processor time, "
        f"decoding alone {plain.wall:.1f} s and {plain.cpu:.1f} s: {all_of_it.wall / plain.wall:.2f} × wall, "
        f"{all_of_it.cpu / plain.cpu:.2f} × processor (medians of {rounds} in turns)."
    )


def _decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        yield from container.decode(video=0)


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", help="interpreter of the environment with the other programs")
    parser.add_argument("--cost", type=Path, help="measure only the cost, on this video")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine(), end="\n\n")
    if options.cost:
        print(cost(options.cost, options.rounds))
        return
    with tempfile.TemporaryDirectory() as work:
        print(run(Path(work), peers=options.peers, rounds=options.rounds))


if __name__ == "__main__":
    main()

"""How well near-duplicates and shared openings are found on a drawn series whose truth is known.

Two frames are the same by construction when nothing visible changed between them (one state of one shot, or
the same moment of the opening that all episodes share). They are different when they are of different shots
and not both of the opening. What lies between (a blink, a step of a pan within one shot) counts for neither.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from timing import table

from animeds_db.dataset import Dataset, open_or_create
from animeds_db.models import load_profile
from animeds_db.sample.show import draw_show
from animeds_db.sample.truth import Truth
from animeds_db.steps.dedup import FRAMES, DedupOptions, find_matches
from animeds_ingest.local import ingest
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

SEED = 1_000_011  # never used in training


@dataclass(frozen=True)
class Place:
    """Where a frame is in the truth: episode, shot, state, segment, and how far into the opening."""

    episode: int
    shot: int
    state: int
    segment: str
    time_s: float


def ingested(work: Path, *, episodes: int = 3, how: str = "every=0.5s") -> tuple[Dataset, Truth]:
    """Draw a show and ingest it with the tiny pack."""
    shutil.rmtree(work / "dedup.animeds", ignore_errors=True)
    truth = draw_show(work / "dedup-show", episodes=episodes, seed=SEED)
    models = load_profile("tiny", device="cpu")
    dataset = open_or_create(str(work / "dedup.animeds"), models)
    specs = discover([work / "dedup-show"])
    report = ingest(dataset.store, specs, Sampling.parse(how), models)
    assert not report.failed
    return dataset, truth


def places(dataset: Dataset, truth: Truth) -> dict[str, Place]:
    """Return where each frame is in the truth."""
    rows = dataset.sql("SELECT frame_id, episode, time_s FROM frames ORDER BY frame_id").fetchall()
    found = {}
    for frame_id, episode, time_s in rows:
        part = truth.episode(episode)
        index = min(round(time_s * part.fps), part.frames - 1)
        state = max(i for i, start in enumerate(part.starts) if start <= index)
        found[frame_id] = Place(episode, part.states[state].shot, state, part.states[state].segment, time_s)
    return found


def same(a: Place, b: Place) -> bool | None:
    """Whether two frames are the same by construction; None for what lies between."""
    if a.segment == b.segment == "opening" and a.episode != b.episode:
        return True if abs(a.time_s - b.time_s) < 0.01 else None
    if a.episode == b.episode and a.shot == b.shot:
        return True if a.state == b.state else None
    return False


def pair_scores(dataset: Dataset, truth: Truth, threshold: float) -> tuple[float, float, int]:
    """Return precision and recall of the pairs, and how many pairs are the same by construction."""
    where = places(dataset, truth)
    frames = dataset.session.arrow(FRAMES.replace("ORDER BY", "WHERE is_blank IS NOT TRUE ORDER BY"))
    ids = frames["frame_id"].to_pylist()
    matches = find_matches(frames, DedupOptions(threshold=threshold))
    found = {(ids[a], ids[b]) for a, b in zip(matches.a.tolist(), matches.b.tolist(), strict=True)}
    truly = {pair for pair in combinations(ids, 2) if same(where[pair[0]], where[pair[1]])}
    wrong = sum(same(where[a], where[b]) is False for a, b in found)
    right = sum(same(where[a], where[b]) is True for a, b in found)
    return right / max(1, right + wrong), len(found & truly) / max(1, len(truly)), len(truly)


def opening_errors(dataset: Dataset, truth: Truth) -> dict[int, float | None]:
    """Return per episode how far the opening's end was missed, in seconds; None where it was not found."""
    dataset.dedup()
    found = dict(
        dataset.sql(
            "SELECT episode, max(end_s) FROM segments WHERE kind = 'opening' GROUP BY episode"
        ).fetchall()
    )
    errors: dict[int, float | None] = {}
    for part in truth.episodes:
        states = zip(part.starts, part.states, strict=True)
        last = max(start / part.fps for start, state in states if state.segment == "opening")
        errors[part.number] = None if part.number not in found else abs(found[part.number] - last)
    return errors


def run(work: Path, *, episodes: int = 3) -> str:
    """Return the report section."""
    dataset, truth = ingested(work, episodes=episodes)
    rows = []
    for threshold in (0.97, 0.98, 0.985, 0.99):
        precision, recall, n = pair_scores(dataset, truth, threshold)
        rows.append([f"{threshold:g}", f"{precision:.3f}", f"{recall:.3f}", str(n)])
    errors = opening_errors(dataset, truth)
    told = ", ".join(
        f"episode {n}: {'not found' if e is None else f'{e:.1f} s off'}" for n, e in errors.items()
    )
    return "\n".join(
        [
            "## Near-duplicates on a drawn series (tiny vectors, a frame every half second)",
            "",
            table(["threshold", "precision", "recall", "pairs the same by construction"], rows),
            "",
            f"End of the shared opening: {told}.",
        ]
    )

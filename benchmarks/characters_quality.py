"""How well a few examples name the faces of drawn series with ground truth, with the embedded models.

python benchmarks/characters_quality.py --seeds 3101 3102 3103
python benchmarks/characters_quality.py --review 20 --seeds 3107 3108 3109

Series are drawn and ingested at a frame each half second; their seeds are none that the models were trained on, nor
those on which the method's constants were chosen (2101 … 2106). Examples are taken as a person would: from as many
shots as there are. Known faces and extras are faces that lie where the truth has one (IoU of at least 0.4); boxes
around nothing, and around faces cut off by the picture's edge, are counted apart.

With --review, the faces that `animeds characters review` asks about are answered with the truth, and `classify` is run
again; beside it as many faces by lot. Extras are answered with ood. A face that the truth has no box for is answered
as a person would: by whom the body belongs to, or with ood where there is none.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tools.folders import work_folder
from tools.timing import table

import animeds_db
from animeds_db.dataset.dataset import Dataset, open_or_create
from animeds_db.models import load_profile
from animeds_db.sample.show import draw_show
from animeds_db.sample.truth import State, Truth
from animeds_db.steps.characters.classify import ClassifyOptions
from animeds_db.steps.characters.examples import add_faces
from animeds_db.steps.characters.review import estimate, review_faces, write_answers
from animeds_ingest.engines.local import ingest
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

EXTRA, NOBODY = "(extra)", "(nobody)"
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FACES = """
SELECT d.detection_id, d.kind, d.left AS l, d.top AS t, d.right AS r, d.bottom AS b, f.episode, f.time_s,
    f.source_id || '/' || f.shot AS shot
FROM newest_detections AS d JOIN frames AS f USING (frame_id) ORDER BY 1
"""


@dataclass(frozen=True)
class Box:
    """A detection: its id, kind, shot, who it is in truth, and what a person would say who looks at it."""

    id: str
    kind: str
    shot: str
    name: str
    said: str


@dataclass(frozen=True)
class Outcome:
    """One run: share of known faces whose nearest name is right; rejects and accepts by threshold; the defaults."""

    accuracy: float
    false_reject: np.ndarray
    false_accept: np.ndarray
    named_right: float
    named_wrong: float
    behind: tuple[int, int]


def make(folder: Path, seed: int, characters: int) -> Truth:
    """Draw and ingest the series of a seed, unless it is there; return its truth."""
    show, database = folder / f"show{seed}", folder / f"show{seed}.animeds"
    if not (show / "truth.json").exists():
        draw_show(show, episodes=3, seed=seed, characters=characters)
    if not database.exists():
        models = load_profile("tiny", device="cpu")
        with open_or_create(str(database), models) as ds:
            report = ingest(ds.store, discover([show]), Sampling.parse("every=0.5s"), models)
        assert not report.failed
    return Truth.load(show)


def boxes(ds: Dataset, truth: Truth) -> list[Box]:
    """Return all detections with who they are."""
    rows = ds.sql(FACES).to_arrow_table().to_pylist()
    found = []
    for row in rows:
        state, box = truth.at(row["episode"], row["time_s"]), (row["l"], row["t"], row["r"], row["b"])
        name = who(state, row["kind"], box)
        said = whose_body(state, box) if name == NOBODY else name
        found.append(Box(row["detection_id"], row["kind"], row["shot"], name, said))
    return found


def who(state: State, kind: str, box: tuple[float, float, float, float]) -> str:
    """Return who is in a box: a name, EXTRA or NOBODY."""
    best, name = 0.4, NOBODY
    for person in state.people:
        other = getattr(person, kind)
        if other and (share := iou(box, other)) >= best:
            best, name = share, person.name or EXTRA
    return name


def whose_body(state: State, box: tuple[float, float, float, float]) -> str:
    """Return whose head (or body) a box lies in: the nearest person's name, EXTRA, or NOBODY."""
    for kind in ("head", "person"):
        inside = [(inner_share(box, getattr(person, kind)), person) for person in state.people]
        share, person = max(inside, key=lambda pair: pair[0], default=(0.0, None))
        if person is not None and share >= 0.7:
            return person.name or EXTRA
    return NOBODY


def inner_share(box: Sequence[float], other: Sequence[float] | None) -> float:
    """Return which share of a box lies in another."""
    if other is None:
        return 0.0
    wide, high = min(box[2], other[2]) - max(box[0], other[0]), min(box[3], other[3]) - max(box[1], other[1])
    return max(0.0, wide) * max(0.0, high) / ((box[2] - box[0]) * (box[3] - box[1]))


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Return intersection over union."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inner = max(0.0, wide) * max(0.0, high)
    return inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner)


def pick(faces: Sequence[Box], each: int, rng: np.random.Generator) -> dict[str, list[str]]:
    """Return up to `each` face ids per character, one of every shot before a second of any."""
    picked = {}
    for name in sorted({face.name for face in faces} - {EXTRA, NOBODY}):
        mine = [face for face in faces if face.name == name]
        order = [mine[i] for i in rng.permutation(len(mine))]
        turn: Counter[str] = Counter()
        turns = []
        for face in order:
            turns.append(turn[face.shot])
            turn[face.shot] += 1
        picked[name] = [order[i].id for i in np.argsort(turns, kind="stable")[:each]]
    return picked


def evaluate(ds: Dataset, everything: Sequence[Box], each: int, draw: int) -> Outcome:
    """Add examples, classify at all thresholds and as by default, and compare with the truth."""
    ds.store.delete("examples", "true")
    ds.store.delete("labels", "true")
    picked = pick([box for box in everything if box.kind == "face"], each, np.random.default_rng(draw))
    for name, ids in picked.items():
        add_faces(ds.store, ds.session, name, ids)
    shown = {i for ids in picked.values() for i in ids}
    asked = {box.id: box.name for box in everything if box.id not in shown}
    ds.characters.classify(ClassifyOptions(threshold=0, shots=False, behind=False))
    rows = [
        row for row in ds.store.table("identities").to_table().to_pylist() if row["detection_id"] in asked
    ]
    true = np.array([asked[row["detection_id"]] for row in rows])
    right = true == np.array([row["character"] for row in rows])
    score = np.array([row["score"] for row in rows])
    extra, known = true == EXTRA, ~np.isin(true, [EXTRA, NOBODY])
    ds.characters.classify()
    told = [
        row for row in ds.store.table("identities").to_table().to_pylist() if row["detection_id"] in asked
    ]
    answers = [
        (asked[row["detection_id"]], row["character"])
        for row in told
        if row["by"] != "body" and asked[row["detection_id"]] not in (EXTRA, NOBODY)
    ]
    bodies = [(asked[row["detection_id"]], row["character"]) for row in told if row["by"] == "body"]
    return Outcome(
        float(right[known].mean()),
        np.array([(score[known] < t).mean() for t in THRESHOLDS]),
        np.array([(score[extra] >= t).mean() for t in THRESHOLDS]),
        float(np.mean([a == b for a, b in answers])),
        float(np.mean([a != b != "unknown" for a, b in answers])),
        (sum(a == b for a, b in bodies), len(bodies)),
    )


def run(work: Path, seeds: Sequence[int], characters: int = 5, draws: int = 2) -> str:
    """Return the report: per number of examples the means over seeds and draws, and the open-set curve."""
    outcomes: dict[int, list[Outcome]] = {5: [], 10: [], 20: []}
    for seed in seeds:
        truth = make(work, seed, characters)
        with animeds_db.open(work / f"show{seed}.animeds") as ds:
            everything = boxes(ds, truth)
            for each, found in outcomes.items():
                found += [evaluate(ds, everything, each, draw) for draw in range(draws)]
    rows = []
    for each, found in outcomes.items():
        at = THRESHOLDS.index(0.5)
        means = [
            np.mean([getattr(o, name) for o in found]) for name in ("accuracy", "named_right", "named_wrong")
        ]
        reject, accept = (np.mean([o[at] for o in which]) for which in _curves(found))
        behind = np.sum([o.behind for o in found], axis=0)
        rows.append(
            [str(each), *(f"{v:.3f}" for v in (*means, reject, accept)), f"{behind[0]} of {behind[1]}"]
        )
    header = [
        "examples",
        "accuracy",
        "named rightly",
        "named wrongly",
        "false reject",
        "false accept",
        "behind, right",
    ]
    curves = []
    for place, threshold in enumerate(THRESHOLDS):
        cells = []
        for found in outcomes.values():
            reject, accept = (np.mean([o[place] for o in which]) for which in _curves(found))
            cells.append(f"{reject:.3f} / {accept:.3f}")
        curves.append([f"{threshold:g}", *cells])
    return (
        f"## Characters by examples: {len(seeds)} drawn series (seeds {', '.join(map(str, seeds))}), "
        f"{characters} characters and extras each, {draws} draws of examples\n\n{table(header, rows)}\n\n"
        "Known faces called unknown / extras called a name, by threshold:\n\n"
        f"{table(['threshold', *(f'{each} examples' for each in outcomes)], curves)}"
    )


@dataclass(frozen=True)
class Reviewed:
    """What answers bring: the share of right answers among all faces before, with the answers, and after
    `classify` has learnt from them; among the faces that nobody answered, before and after; the wrong ones that were
    asked about; what the command estimates before and after."""

    before: float
    corrected: float
    after: float
    rest_before: float
    rest_after: float
    found: int
    estimated: tuple[float, float]


def reviewed(ds: Dataset, faces: Sequence[Box], asked: Sequence[str], sheet: Path | None) -> Reviewed:
    """Answer the faces `asked` with the truth and classify anew; what people had said before is forgotten."""
    ds.store.delete("labels", "true")
    ds.characters.classify()
    before = _right(ds, faces)
    said = {face.id: "ood" if face.said in (EXTRA, NOBODY) else face.said for face in faces}
    ds.label_all([("character", "set", said[face], face) for face in asked])
    corrected = _right(ds, faces)
    estimated = _estimated(sheet, said) if sheet else (0.0, 0.0)
    ds.characters.classify()
    after = _right(ds, faces)
    rest = [face for face in after if face not in set(asked)]
    rests = [float(np.mean([right[face] for face in rest])) for right in (before, after)]
    found = sum(not before.get(face, True) for face in asked)
    return Reviewed(_share(before), _share(corrected), _share(after), rests[0], rests[1], found, estimated)


def _share(right: dict[str, bool]) -> float:
    return float(np.mean(list(right.values())))


def _right(ds: Dataset, faces: Sequence[Box]) -> dict[str, bool]:
    """Return for each face that the truth has whether its answer is right: extras are unknown or ood."""
    named = dict(ds.sql("SELECT face_id, character FROM faces").fetchall())
    return {
        face.id: named[face.id] in ("unknown", "ood") if face.name == EXTRA else named[face.id] == face.name
        for face in faces
        if face.name != NOBODY
    }


def _estimated(sheet: Path, said: dict[str, str]) -> tuple[float, float]:
    """Fill in a review's CSV as a person does, and return the accuracy before and after that the command tells."""
    with sheet.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:  # unknown and ood both say: nobody of the cast
        answer = said[row["face_id"]]
        row["character"] = row["guess"] if (answer, row["guess"]) == ("ood", "unknown") else answer
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = estimate(sheet)
    return found.before, found.after


def run_reviews(work: Path, seeds: Sequence[int], n: int, characters: int = 5, draws: int = 2) -> str:
    """Return the report on reviewing n faces, of the most doubtful and by lot."""
    found: dict[tuple[int, str], list[Reviewed]] = {}
    sheet = work / "review.csv"
    for seed in seeds:
        truth = make(work, seed, characters)
        with animeds_db.open(work / f"show{seed}.animeds") as ds:
            faces = [box for box in boxes(ds, truth) if box.kind == "face"]
            for each in (5, 10):
                for draw in range(draws):
                    for way, result in _reviews(ds, faces, each, draw, n, sheet):
                        found.setdefault((each, way), []).append(result)
    rows = []
    for (each, way), results in found.items():
        names = ("before", "corrected", "after", "rest_before", "rest_after")
        means = [np.mean([getattr(one, name) for one in results]) for name in names]
        asked = np.mean([one.found for one in results])
        told = np.mean([one.estimated for one in results], axis=0)
        estimates = f"{told[0]:.3f} → {told[1]:.3f}" if way == "review" else ""
        rows.append([str(each), way, *(f"{mean:.4f}" for mean in means), f"{asked:.1f}", estimates])
    header = [
        "examples",
        f"{n} faces by",
        "accuracy",
        "corrected",
        "classified again",
        "others before",
        "others after",
    ]
    header += ["wrong ones asked", "estimate"]
    return (
        f"## Reviewing {n} faces: {len(seeds)} drawn series (seeds {', '.join(map(str, seeds))}), {characters} "
        f"characters and extras each, {draws} draws of examples\n\n{table(header, rows)}"
    )


def _reviews(
    ds: Dataset, faces: Sequence[Box], each: int, draw: int, n: int, sheet: Path
) -> Iterator[tuple[str, Reviewed]]:
    """Yield what the review brings, and what as many faces by lot bring."""
    ds.store.delete("examples", "true")
    ds.store.delete("labels", "true")
    rng = np.random.default_rng(draw)
    for name, ids in pick(faces, each, rng).items():
        add_faces(ds.store, ds.session, name, ids)
    ds.characters.classify()
    rows = review_faces(ds.session, n, seed=draw)
    sheet.unlink(missing_ok=True)
    write_answers(rows, sheet)
    yield "review", reviewed(ds, faces, [row["face_id"] for row in rows], sheet)
    lot = rng.permutation(len(faces))[:n]
    yield "lot", reviewed(ds, faces, [faces[place].id for place in lot], None)


def _curves(found: Sequence[Outcome]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [o.false_reject for o in found], [o.false_accept for o in found]


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[3101, 3102, 3103, 3104])
    parser.add_argument("--characters", type=int, default=5)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--review", type=int, metavar="N", help="what answering N faces brings, instead")
    parser.add_argument("--work", type=Path, help="keep the series here, for the next run")
    chosen = parser.parse_args()
    with work_folder(chosen.work) as work:
        if chosen.review:
            print(run_reviews(work, chosen.seeds, chosen.review, chosen.characters, chosen.draws))
        else:
            print(run(work, chosen.seeds, chosen.characters, chosen.draws))


if __name__ == "__main__":
    main()

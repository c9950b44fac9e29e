"""Prints how good the tiny pack is: on held-out drawings, and on real material where it is present.

    python -m training.evaluate [--seed 1000007] [--show 1001] [--real ../shared/data]

Rule: everything goes through the package's own runners, as an ingest would do it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from animeds_db.models import Box, Models, load_profile
from animeds_db.models.runners.crops import head_crop
from animeds_db.models.runners.text import embed_text
from animeds_db.sample.drawing.figure import Look, Style, random_look, random_style
from animeds_db.sample.scene import Placed, Scene, compose
from animeds_db.sample.show import draw_show
from training.captions import compose as caption
from training.drawn.degrade import degrade, encode
from training.drawn.heads import dressed, random_face_pose
from training.drawn.scenes import SHAPES, covered, random_picture, sibling

TAG_THRESHOLD = 0.5
PEOPLE, EXAMPLES, ASKED = 20, 5, 10
REAL_FACES = {"real_1face.jpg": 1, "real_7faces.jpg": 7, "real_9faces.jpg": 9}


@dataclass(frozen=True)
class Sheet:
    """Pictures with their truth: boxes [kind, left, top, right, bottom] (relative) and tags."""

    pictures: list[np.ndarray]
    boxes: list[list[list[object]]]
    tags: list[frozenset[str]]


def draw_sheet(count: int, seed: int) -> Sheet:
    """Return held-out scenes at 640 × 360 and other shapes, coded like an episode."""
    rng = np.random.default_rng(seed)
    sheet = Sheet([], [], [])
    for _ in range(count):
        width, height = SHAPES[int(rng.integers(len(SHAPES)))]
        drawn = compose(random_picture(rng), (width * 4 // 3, height * 4 // 3))
        sheet.pictures.append(np.asarray(degrade(drawn.image, rng, strong=False)))
        sheet.boxes.append(covered(drawn))
        sheet.tags.append(drawn.tags)
    return sheet


def show_sheet(seed: int) -> tuple[Sheet, list[tuple[str, np.ndarray, Box]]]:
    """Return one frame a second of two drawn episodes, and each named character's faces as (name, frame, box)."""
    import av

    sheet, faces = Sheet([], [], []), []
    with tempfile.TemporaryDirectory() as folder:
        for episode in draw_show(Path(folder), episodes=2, seed=seed).episodes:
            with av.open(str(Path(folder) / episode.file)) as film:
                for number, frame in enumerate(film.decode(video=0)):
                    state = episode.frame(number)
                    if number % episode.fps or not state.tags:
                        continue
                    picture = frame.to_ndarray(format="rgb24")
                    sheet.pictures.append(picture)
                    sheet.tags.append(frozenset(state.tags))
                    told = [
                        (kind, getattr(p, kind)) for p in state.people for kind in ("face", "head", "person")
                    ]
                    sheet.boxes.append([[kind, *box] for kind, box in told if box])
                    faces += [
                        (p.name, picture, Box("face", *p.face, 1.0))
                        for p in state.people
                        if p.name and p.face
                    ]
    return sheet, faces


def cast_figures(models: Models, faces: list[tuple[str, np.ndarray, Box]]) -> dict[str, float]:
    """Return top-1 among a show's cast by the nearest mean of 5 examples, faces where they were drawn."""
    assert models.character is not None
    names = np.array([name for name, _, _ in faces])
    vectors = models.character([head_crop(picture, box) for _, picture, box in faces])
    cast = [str(name) for name in np.unique(names) if (names == name).sum() > EXAMPLES]
    # Examples from all over the show, as a person would pick them.
    shown = {name: np.flatnonzero(names == name) for name in cast}
    picks = {name: rows[np.linspace(0, len(rows) - 1, EXAMPLES).astype(int)] for name, rows in shown.items()}
    means = np.stack([vectors[rows].mean(0) for rows in picks.values()])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    asked = np.setdiff1d(np.concatenate(list(shown.values())), np.concatenate(list(picks.values())))
    guesses = np.array(cast)[(vectors[asked] @ means.T).argmax(1)]
    return {"cast_top1": float((guesses == names[asked]).mean()), "cast": len(cast), "cast_faces": len(asked)}


def average_precision(
    found: Sequence[Sequence[Box]], truth: Sequence[Sequence[Sequence[object]]], kind: str
) -> float:
    """Return AP at IoU 0.5 of one kind, area under the precision envelope (as COCO with all points)."""
    wanted = [[np.array(b[1:], float) for b in boxes if b[0] == kind] for boxes in truth]
    scored = sorted(
        ((b.score, i, b) for i, boxes in enumerate(found) for b in boxes if b.kind == kind),
        key=lambda s: -s[0],
    )
    taken: list[set[int]] = [set() for _ in wanted]
    hits = np.zeros(len(scored))
    for place, (_, i, box) in enumerate(scored):
        overlaps = [overlap((box.left, box.top, box.right, box.bottom), w) for w in wanted[i]]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=-1)
        if best >= 0 and overlaps[best] >= 0.5 and best not in taken[i]:
            taken[i].add(best)
            hits[place] = 1
    recall = np.cumsum(hits) / max(1, sum(map(len, wanted)))
    precision = np.maximum.accumulate((np.cumsum(hits) / (np.arange(len(hits)) + 1))[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision)) if len(hits) else 0.0


def overlap(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> float:
    """Return the IoU of two boxes."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inner = max(0.0, wide) * max(0.0, high)
    return float(inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner))


def micro_f1(scores: np.ndarray, truth: np.ndarray, threshold: float) -> float:
    """Return F1 over all tags and pictures together."""
    said = scores >= threshold
    return float(2 * (said & truth).sum() / (said.sum() + truth.sum()))


def tagger_figures(models: Models, sheet: Sheet) -> dict[str, float]:
    """Return micro-F1 at the stated threshold and at the best one."""
    assert models.tagger is not None
    names = [label.tag for label in models.tagger.labels]
    truth = np.array([[n in tags for n in names] for tags in sheet.tags])
    scores = np.concatenate(
        [models.tagger(sheet.pictures[i : i + 32]) for i in range(0, len(sheet.pictures), 32)]
    )
    by = {round(t, 2): micro_f1(scores, truth, t) for t in np.arange(0.2, 0.75, 0.05)}
    best = max(by, key=by.__getitem__)
    said = {
        w: micro_f1(scores[:, [c]], truth[:, [c]], TAG_THRESHOLD)
        for c, w in enumerate(names)
        if truth[:, c].sum() > 4
    }
    worst = ", ".join(f"{n} {v:.2f}" for n, v in sorted(said.items(), key=lambda x: x[1])[:12])
    print(f"  weakest tags: {worst}")
    return {f"tags_micro_f1_at_{TAG_THRESHOLD}": micro_f1(scores, truth, TAG_THRESHOLD), "tags_micro_f1_best": by[best],
            "tags_best_threshold": best, "tags": len(names)}  # fmt: skip


def detector_figures(models: Models, sheet: Sheet) -> dict[str, float]:
    """Return AP50 of each kind the detectors know."""
    found: list[list[Box]] = [[] for _ in sheet.pictures]
    for detector in models.detectors:
        for i, boxes in enumerate(detector(sheet.pictures)):
            found[i] += boxes
    kinds = sorted({k for d in models.detectors for k in d.kinds})
    return {f"{k}_ap50": average_precision(found, sheet.boxes, k) for k in kinds}


def portrait(look: Look, style: Style, rng: np.random.Generator) -> tuple[np.ndarray, Box]:
    """Return a character in random clothes, pose and place, and where the face is."""
    size = float(rng.uniform(0.16, 0.45))  # a head, in heights of the picture
    person = Placed(
        dressed(look, rng), random_face_pose(rng), float(rng.uniform(0.3, 0.7)), 0.15, style.heads * size
    )
    scene = Scene(random_picture(rng).background, (person,), style)
    drawn = compose(scene, (640, 360))
    left, top, right, bottom = drawn.figures[0].face or (0, 0, 640, 360)
    face = Box("face", left / 640, top / 360, right / 640, bottom / 360, 1.0)
    return np.asarray(encode(drawn.image, rng)), face


def character_figures(models: Models, seed: int) -> dict[str, float]:
    """Return top-1 of 20 characters by the nearest mean of 5 examples; faces found by the detector."""
    assert models.character is not None
    rng = np.random.default_rng(seed)
    show = random_style(rng)
    crops, missed = [], 0
    for look in [random_look(rng) for _ in range(PEOPLE)]:
        for _ in range(EXAMPLES + ASKED):
            picture, face = portrait(look, show, rng)
            found = [b for b in models.detectors[0]([picture])[0] if b.kind == "face"]
            missed += not found
            crops.append(head_crop(picture, found[0] if found else face))
    vectors = models.character(crops).reshape(PEOPLE, EXAMPLES + ASKED, -1)
    means = vectors[:, :EXAMPLES].mean(1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    guesses = (vectors[:, EXAMPLES:] @ means.T).argmax(2)
    top1 = float((guesses == np.arange(PEOPLE)[:, None]).mean())
    return {"character_top1": top1, "character_faces_missed": missed / len(crops)}


def search_figures(models: Models, sheet: Sheet, seed: int) -> dict[str, float]:
    """Return text→frame figures over the sheet.

    `recall@10`: captions of up to six tags of one picture: share of those that fit among the ten nearest.
    `precision@10`: captions of one or two tags that ten pictures or more have: share of the ten that fit.
    """
    assert models.image is not None
    rng = np.random.default_rng(seed)
    vectors = models.image(sheet.pictures)
    names = {label.tag for label in models.tagger.labels} if models.tagger else set()
    asked = [
        tuple(rng.permutation(sorted((t & names) - {"general", "sensitive"}))[:6].tolist())
        for t in sheet.tags
    ]
    texts = embed_text(models.image.id, [caption(a, rng) for a in asked])
    order = np.argsort(-(texts @ vectors.T), axis=1)[:, :10]
    own = [i in row for i, row in enumerate(order)]
    fits = [[set(a) <= sheet.tags[j] for j in range(len(sheet.tags))] for a in asked]
    recall = [sum(f[j] for j in row) / min(10, sum(f)) for f, row in zip(fits, order, strict=True)]
    short = [a[: 1 + i % 2] for i, a in enumerate(asked)]
    fits = [[set(a) <= tags for tags in sheet.tags] for a in short]
    kept = [i for i, f in enumerate(fits) if sum(f) >= 10]
    texts = embed_text(models.image.id, [caption(short[i], rng) for i in kept])
    order = np.argsort(-(texts @ vectors.T), axis=1)[:, :10]
    precision = [np.mean([fits[i][j] for j in row]) for i, row in zip(kept, order, strict=True)]
    return {"text_recall_at_10": float(np.mean(recall)), "text_own_frame_in_10": float(np.mean(own)),
            "text_precision_at_10": float(np.mean(precision)), "text_gallery": len(sheet.tags)}  # fmt: skip


def twin_figures(models: Models, seed: int, count: int = 60) -> dict[str, float]:
    """Return cosines of a frame coded twice (and moved by a pixel or two), and of the people in other poses."""
    assert models.image is not None
    rng = np.random.default_rng(seed)
    pictures: list[np.ndarray] = []
    for _ in range(count):
        scene = random_picture(rng)
        while not scene.figures:
            scene = random_picture(rng)
        first = compose(scene, (640, 360)).image
        moved = first.transform(
            first.size,
            Image.Transform.AFFINE,
            (1, 0, float(rng.uniform(-3, 3)), 0, 1, float(rng.uniform(-2, 2))),
        )
        other = compose(sibling(scene, rng), (640, 360)).image
        pictures += [np.asarray(encode(p, rng)) for p in (first, first, moved, other)]
    v = models.image(pictures).reshape(count, 4, -1)
    twice, moved_, posed = ((v[:, 0] * v[:, k]).sum(1) for k in (1, 2, 3))
    across = (v[:, 0] @ v[:, 0].T)[~np.eye(count, dtype=bool)]
    return {"twin_cos_p05": float(np.quantile(twice, 0.05)), "shift_cos_p05": float(np.quantile(moved_, 0.05)),
            "pose_cos_median": float(np.median(posed)), "pose_cos_p95": float(np.quantile(posed, 0.95)),
            "other_cos_p95": float(np.quantile(across, 0.95))}  # fmt: skip


def real_figures(models: Models, folder: Path) -> dict[str, str]:
    """Return faces found / present on the real pictures, and on every 30th frame of the clip (no truth there)."""
    import av

    figures = {}
    for name, present in REAL_FACES.items():
        picture = np.asarray(Image.open(folder / name).convert("RGB"))
        faces = [b for d in models.detectors for b in d([picture])[0] if b.kind == "face"]
        figures[name] = (
            f"{len(faces)} found / {present} present (scores {', '.join(f'{b.score:.2f}' for b in faces)})"
        )
    with av.open(str(folder / "real_clip.mp4")) as clip:
        frames = [f.to_ndarray(format="rgb24") for i, f in enumerate(clip.decode(video=0)) if i % 30 == 0]
    counts = [sum(b.kind == "face" for b in boxes) for boxes in models.detectors[0](frames)]
    return {**figures, "real_clip.mp4": f"faces per sampled frame {counts}"}


def show_figures(models: Models, seed: int) -> dict[str, float]:
    """Return the figures on the frames of a drawn show."""
    sheet, faces = show_sheet(seed)
    return {
        **detector_figures(models, sheet),
        **tagger_figures(models, sheet),
        **cast_figures(models, faces),
        **search_figures(models, sheet, seed),
    }


def main(arguments: list[str]) -> None:
    """Print all figures as one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seed", type=int, default=1_000_007, help="never one of the training's (seed * 1000 + shard)"
    )
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument(
        "--show", type=int, help="also draw the show with this seed and measure on its frames"
    )
    parser.add_argument("--real", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    chosen = parser.parse_args(arguments)
    models = load_profile("tiny", device="cpu")
    sheet = draw_sheet(chosen.pictures, chosen.seed)
    figures: dict[str, object] = {**detector_figures(models, sheet), **tagger_figures(models, sheet)}
    figures |= character_figures(models, chosen.seed + 1)
    figures |= search_figures(models, sheet, chosen.seed + 2)
    figures |= twin_figures(models, chosen.seed + 3)
    if chosen.show:
        figures["show"] = show_figures(models, chosen.show)
    if chosen.real.is_dir():
        figures |= real_figures(models, chosen.real)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])

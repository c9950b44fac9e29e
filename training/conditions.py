"""Prints how good the tiny pack is under each condition: light, style, sex, hair colour, small faces, empty rooms.

    python -m training.conditions [--seed 2000003] [--pictures 480] [--profile tiny]

Rule: everything is drawn from held-out seeds and goes through the package's own runners, as an ingest would do it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageChops

from animeds_db.models import Box, Models, load_profile
from animeds_db.models.runners.text import embed_text
from animeds_db.sample.drawing.background import Background
from animeds_db.sample.drawing.look import HAIR_COLOURS
from animeds_db.sample.scene import Drawn, Placed, Scene, place, scene_shapes
from training.captions import compose as caption
from training.drawn.degrade import degrade
from training.drawn.faces import FACES
from training.drawn.heads import facing_us
from training.drawn.lights import Light, random_light
from training.drawn.pictures import AS_DRAWN, Pictured, group, light_for, picture, varied_scene
from training.drawn.scenes import SHAPES, covered, larger
from training.drawn.variety import HAIR_RANGES, colour_in, varied_look, varied_pose, varied_style
from training.evaluate import average_precision, micro_f1, overlap

OVERLAP = 0.5
"""Minimum IoU of a found face with a drawn one."""
KINDS = ("plain", "tinted")


@dataclass(frozen=True)
class Case:
    """A picture uint8 [h,w,3] with its truth and the conditions that it was drawn under."""

    pixels: np.ndarray
    drawn: Drawn
    boxes: list[list[object]]
    conditions: frozenset[str]


def lit_scene(scene: Scene, rng: np.random.Generator, size: tuple[int, int], kind: str) -> Pictured:
    """Return a scene in a random light of a kind; every third plain one as it is drawn."""
    light: Light = AS_DRAWN
    if kind == "tinted" or rng.random() < 0.67:
        light = light_for(scene.background, rng)
        while light.kind != kind:
            light = light_for(scene.background, rng)
    return picture(scene, rng, size, light)


def draw_cases(count: int, seed: int) -> list[Case]:
    """Return scenes of one to three people, groups of small faces and empty places, each kind of light by turns."""
    rng, names, cases = np.random.default_rng(seed), tuple(FACES), []
    for i in range(count):
        face, kind = names[i % len(names)], KINDS[i // len(names) % 2]
        dice = rng.random()
        scene = varied_scene(rng, 1 if dice < 0.55 else (0 if dice > 0.92 else None), face)
        conditions = {kind, f"face {face}"}
        if 0.78 < dice <= 0.92:
            scene = replace(scene, figures=group(rng, scene.style))
            conditions.add("group")
        made = lit_scene(scene, rng, larger(SHAPES[int(rng.integers(len(SHAPES)))]), kind)
        conditions.add(f"light {made.light.name if made.light else 'none'}")
        if not scene.figures:
            conditions.add("nobody")
        if "solo" in made.drawn.tags:
            conditions |= {"solo", "boy" if "1boy" in made.drawn.tags else "girl"}
        pixels = np.asarray(degrade(made.drawn.image, rng, strong=False))
        cases.append(Case(pixels, made.drawn, covered(made.drawn), frozenset(conditions)))
    return cases


def measured(models: Models, cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """Return the figures of tags and faces for all cases and for each condition of ten cases or more."""
    assert models.tagger is not None
    names = [label.tag for label in models.tagger.labels]
    parts = [cases[i : i + 32] for i in range(0, len(cases), 32)]
    scores = np.concatenate([models.tagger([case.pixels for case in part]) for part in parts])
    found = [boxes for part in parts for boxes in models.detectors[0]([case.pixels for case in part])]
    table = {}
    for condition in ("all", *sorted({c for case in cases for c in case.conditions})):
        rows = [i for i, case in enumerate(cases) if condition == "all" or condition in case.conditions]
        if len(rows) < 10:
            continue
        some = [cases[i] for i in rows]
        table[condition] = {
            "pictures": len(rows),
            **tag_figures(names, scores[rows], some),
            **face_figures([found[i] for i in rows], some),
        }
    return table


def tag_figures(names: Sequence[str], scores: np.ndarray, cases: Sequence[Case]) -> dict[str, float]:
    """Return micro-F1 of all tags and F1 of `1boy` at 0.5, and the share of lone people with the right hair colour."""
    truth = np.array([[name in case.drawn.tags for name in names] for case in cases])
    boy = names.index("1boy")
    hair = [i for i, name in enumerate(names) if name.removesuffix("_hair") in HAIR_COLOURS]
    lone = [i for i, case in enumerate(cases) if "solo" in case.drawn.tags and truth[i, hair].sum() == 1]
    right = [truth[i, hair][scores[i, hair].argmax()] for i in lone]
    figures = {"tags_f1": micro_f1(scores, truth, 0.5)}
    if truth[:, boy].sum() >= 5:
        figures["boy_f1"] = micro_f1(scores[:, [boy]], truth[:, [boy]], 0.5)
    return {**figures, "hair_right": float(np.mean(right)), "lone": len(lone)} if len(lone) >= 5 else figures


def face_figures(found: Sequence[Sequence[Box]], cases: Sequence[Case]) -> dict[str, float]:
    """Return AP50 of faces, the share of faces found, and the faces found where none is, per frame."""
    truth = [[b for b in case.boxes if b[0] == "face"] for case in cases]
    hits, false = 0, 0
    for boxes, wanted in zip(found, truth, strict=True):
        faces = [(b.left, b.top, b.right, b.bottom) for b in boxes if b.kind == "face"]
        places = [np.array(w[1:], float) for w in wanted]
        hits += sum(any(overlap(f, w) >= OVERLAP for f in faces) for w in places)
        false += sum(all(overlap(f, w) < 0.3 for w in places) for f in faces)
    figures = {"false_boxes": false / len(cases)}
    present = sum(map(len, truth))
    if present:
        figures |= {"face_ap50": average_precision(found, truth, "face"), "faces_found": hits / present}
    return figures


def by_colour(models: Models, cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """Return for each hair colour of lone people the share named right, in plain and in tinted light."""
    assert models.tagger is not None
    names = [label.tag for label in models.tagger.labels]
    hair = [i for i, name in enumerate(names) if name.removesuffix("_hair") in HAIR_COLOURS]
    lone = [c for c in cases if "solo" in c.drawn.tags and sum(names[i] in c.drawn.tags for i in hair) == 1]
    scores = np.concatenate(
        [models.tagger([c.pixels for c in lone[i : i + 32]]) for i in range(0, len(lone), 32)]
    )
    table: dict[str, dict[str, float]] = {}
    for colour in HAIR_COLOURS:
        column = names.index(f"{colour}_hair")
        for kind in KINDS:
            rows = [
                i for i, c in enumerate(lone) if kind in c.conditions and f"{colour}_hair" in c.drawn.tags
            ]
            said = [hair[int(scores[i, hair].argmax())] == column for i in rows]
            if rows:
                table.setdefault(colour, {})[kind] = float(np.mean(said))
    return table


def binding(models: Models, seed: int, each: int = 10) -> dict[str, float]:
    """Return what the first ten pictures for "COLOUR hair" show: hair of that colour, or only a room of it.

    Of each colour, `each` pictures show such hair in a room of another colour, `each` show other hair in a room of that
    colour, and `each` show such a room without anybody. People are near or far.
    """
    assert models.image is not None
    rng = np.random.default_rng(seed)
    colours = ("pink", "blue", "green", "red", "purple", "orange")
    pictures: list[np.ndarray] = []
    shown: list[tuple[str | None, str]] = []
    for colour in colours:
        others = [c for c in colours if c != colour]
        for k in range(3 * each):
            hair, wall = (
                (colour, str(rng.choice(others))),
                (str(rng.choice(others)), colour),
                (None, colour),
            )[k % 3]
            pictures.append(_in_room(hair, wall, rng))
            shown.append((hair, wall))
    vectors = models.image(pictures)
    texts = embed_text(models.image.id, [f"{colour} hair" for colour in colours])
    order = np.argsort(-(texts @ vectors.T), axis=1)[:, :10]
    first = [(colour, *shown[j]) for colour, row in zip(colours, order, strict=True) for j in row]
    return {
        "hair_in_10": float(np.mean([hair == colour for colour, hair, _ in first])),
        "room_in_10": float(np.mean([wall == colour and hair != colour for colour, hair, wall in first])),
        "gallery": len(shown),
    }


def _in_room(hair: str | None, wall: str, rng: np.random.Generator) -> np.ndarray:
    """Return a room that is all of one colour, with somebody whose hair has another one, or nobody; half are lit."""
    style = varied_style(rng)
    people: tuple[Placed, ...] = ()
    if hair:
        look = replace(varied_look(rng, None, hair), hood=False, accessory=None)
        crop = str(rng.choice(("portrait", "upper_body", "cowboy_shot", "full_body")))
        people = (place(look, facing_us(varied_pose(rng)), style, crop, float(rng.uniform(0.25, 0.75))),)
    room = Background(
        str(rng.choice(("bedroom", "corridor", "classroom"))), "day", int(rng.integers(1 << 31))
    )
    scene = Scene(room, people, style)
    light = random_light(rng) if rng.random() < 0.5 else AS_DRAWN
    seen = picture(scene, np.random.default_rng(int(rng.integers(1 << 31))), (480, 270), light).drawn.image
    colour = colour_in(rng, HAIR_RANGES[wall])
    tinted = ImageChops.multiply(seen.convert("L").convert("RGB"), Image.new("RGB", seen.size, colour))
    if people:
        tinted = Image.composite(seen, tinted, Image.fromarray(scene_shapes(scene, (480, 270)).max(axis=0)))
    return np.asarray(degrade(tinted, rng, strong=False))


def search(models: Models, cases: Sequence[Case], seed: int) -> dict[str, float]:
    """Return recall@10 of captions of up to six tags, by the kind of light of the picture that they are of."""
    assert models.image is not None and models.tagger is not None
    rng = np.random.default_rng(seed)
    names = {label.tag for label in models.tagger.labels} - {"general", "sensitive"}
    tags = [case.drawn.tags for case in cases]
    vectors = np.concatenate(
        [models.image([c.pixels for c in cases[i : i + 32]]) for i in range(0, len(cases), 32)]
    )
    asked = [tuple(rng.permutation(sorted(t & names))[:6].tolist()) for t in tags]
    texts = embed_text(models.image.id, [caption(a, rng) for a in asked])
    order = np.argsort(-(texts @ vectors.T), axis=1)[:, :10]
    fits = [[set(a) <= t for t in tags] for a in asked]
    recall = np.array([sum(f[j] for j in row) / min(10, sum(f)) for f, row in zip(fits, order, strict=True)])
    figures = {"recall_at_10": float(recall.mean()), "gallery": len(cases)}
    for kind in KINDS:
        figures[f"recall_{kind}"] = float(recall[[kind in case.conditions for case in cases]].mean())
    return figures


def as_table(rows: dict[str, dict[str, float]]) -> str:
    """Return figures as a Markdown table, one row per condition."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = ["| condition | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join(_said(row.get(c)) for c in columns) + " |" for name, row in rows.items()
    ]
    return "\n".join(lines)


def _said(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def print_all(parts: Iterable[tuple[str, dict[str, dict[str, float]]]]) -> None:
    """Print tables with their headings."""
    for heading, rows in parts:
        print(f"\n{heading}\n\n{as_table(rows)}", flush=True)


def main(arguments: list[str]) -> None:
    """Print a table per part, and everything as one JSON object at the end."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=2_000_003, help="never one of the training's")
    parser.add_argument("--pictures", type=int, default=480)
    parser.add_argument("--profile", default="tiny")
    chosen = parser.parse_args(arguments)
    models = load_profile(chosen.profile, device="cpu")
    cases = draw_cases(chosen.pictures, chosen.seed)
    parts = {
        "Tags and faces": measured(models, cases),
        "Hair colours of lone people": by_colour(models, cases),
        "Search": {"captions": search(models, cases, chosen.seed + 2)},
        "Colour of hair against colour of the room": {"binding": binding(models, chosen.seed + 3)},
    }
    print_all(parts.items())
    print(json.dumps(parts))


if __name__ == "__main__":
    main(sys.argv[1:])

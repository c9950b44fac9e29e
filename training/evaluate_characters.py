"""Measures the character embedder on drawn casts in plain light, at night, at sunset and by a lamp.

    python -m training.evaluate_characters [--seeds 920201 920202]

Each seed is a show of its own: 14 characters in one style, with five plain examples each, and 14 strangers with their
hair colours. Faces are cropped where the detector finds them, else where they were drawn.

Rule: everything goes through the package's own runners, its calibration and its vote, as an ingest and `animeds
characters classify` would do it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from PIL import Image

from animeds_db.models import Box, Models, load_profile
from animeds_db.models.runners.crops import head_crop
from animeds_db.sample.drawing.figure import Look, Style
from animeds_db.sample.scene import Placed, Scene, compose
from animeds_db.steps.characters.calibrate import calibrate
from animeds_db.steps.characters.neighbours import References, neighbours
from animeds_db.steps.characters.vote import vote
from animeds_db.vectors import average_linkage
from training.drawn.degrade import encode
from training.drawn.heads import dressed, facing_us, identity
from training.drawn.lights import random_light, relit
from training.drawn.scenes import random_picture
from training.drawn.variety import varied_look, varied_pose, varied_style
from training.evaluate import overlap

CAST, EXAMPLES, ASKED, OF_STRANGER = 14, 5, 4, 2
LIGHTS: dict[str, tuple[str, ...] | None] = {
    "plain": None,
    "night": ("night", "moonlight"),
    "sunset": ("sunset", "dusk"),
    "lamp": ("lamp",),
}
THRESHOLD, K, SMALLEST = 0.5, 5, 5
"""Score of a name, number of voters, and faces of a cluster: the defaults of the commands."""
FALSE_ACCEPT = 0.08
"""Share of the strangers that get a name where `known` is measured."""


@dataclass
class Crops:
    """Head crops with their truth: number of the person (-1: no face), role and light."""

    pictures: list[np.ndarray] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    lights: list[str] = field(default_factory=list)

    def add(self, picture: np.ndarray, box: Box, person: int, role: str, light: str) -> None:
        """Add the crop of a box."""
        self.pictures.append(head_crop(picture, box).copy())
        self.people.append(person)
        self.roles.append(role)
        self.lights.append(light)


def cast_of(rng: np.random.Generator) -> list[Look]:
    """Return the looks of the cast, then those of as many strangers with their hair colours."""
    looks: list[Look] = []
    seen: set[tuple[str | None, ...]] = set()
    while len(looks) < 2 * CAST:
        like = looks[len(looks) - CAST] if len(looks) >= CAST else None
        look = varied_look(rng, like.gender, like.hair_colour) if like else varied_look(rng)
        if identity(look) not in seen:
            seen.add(identity(look))
            looks.append(look)
    return looks


def portrait(look: Look, style: Style, rng: np.random.Generator) -> tuple[Image.Image, Box]:
    """Return a character in random clothes, pose and place, and where the face is."""
    size = float(rng.uniform(0.16, 0.45))  # a head, in heights of the picture
    x = float(rng.uniform(0.3, 0.7))
    person = Placed(dressed(look, rng), facing_us(varied_pose(rng)), x, 0.15, style.heads * size)
    drawn = compose(Scene(random_picture(rng).background, (person,), style), (640, 360))
    left, top, right, bottom = drawn.figures[0].face or (0, 0, 640, 360)
    return encode(drawn.image, rng), Box("face", left / 640, top / 360, right / 640, bottom / 360, 1.0)


def draw_show(models: Models, seed: int) -> Crops:
    """Return the crops of one show."""
    rng = np.random.default_rng(seed)
    style, crops = varied_style(rng), Crops()
    for person, look in enumerate(cast_of(rng)):
        known = person < CAST
        for number in range(EXAMPLES + ASKED if known else OF_STRANGER):
            drawn, face = portrait(look, style, rng)
            role = "stranger" if not known else "example" if number < EXAMPLES else "asked"
            for light, names in LIGHTS.items():
                if role == "example" and names is not None:
                    continue
                picture = np.asarray(relit(drawn, random_light(rng, names)) if names else drawn)
                crops.add(picture, found(models, picture, face), person, role, light)
                if number % 3 == 0:
                    crops.add(picture, beside(face, rng), -1, "nothing", light)
    return crops


def found(models: Models, picture: np.ndarray, face: Box) -> Box:
    """Return the detected box that overlaps a face most, or the face itself if none does."""
    own = (face.left, face.top, face.right, face.bottom)
    boxes = [b for b in models.detectors[0]([picture])[0] if b.kind == "face"]
    shares = [overlap((b.left, b.top, b.right, b.bottom), own) for b in boxes]
    return boxes[int(np.argmax(shares))] if max(shares, default=0.0) >= 0.4 else face


def beside(face: Box, rng: np.random.Generator) -> Box:
    """Return a box where no face is."""
    while True:
        high = float(rng.uniform(0.12, 0.3))
        left, top = float(rng.uniform(0, 1 - high * 0.56)), float(rng.uniform(0, 1 - high))
        box = Box("face", left, top, left + high * 0.56, top + high, 1.0)
        own = (face.left, face.top, face.right, face.bottom)
        if overlap((box.left, box.top, box.right, box.bottom), own) < 0.02:
            return box


def answers(crops: Crops, vectors: np.ndarray, models: Models) -> dict[tuple[str, str], np.ndarray]:
    """Return, by role and light, [faces, 2]: the score of the name that a face gets, and 1 if it is the right name."""
    people, roles, lights = np.array(crops.people), np.array(crops.roles), np.array(crops.lights)
    difference = thresholds(models).get("difference")
    shown = np.flatnonzero(roles == "example")
    model_similarity = None if difference is None else 1 - 2 * difference
    references, calibration = calibrate(
        examples(people[shown], vectors[shown]), K, model_similarity=model_similarity
    )
    asked = np.flatnonzero(roles != "example")
    votes = vote(neighbours(vectors[asked], references, K), references)
    names = np.array([int(name) for name in votes["character"].to_pylist()])
    score = calibration.score(votes["similarity"].to_numpy()) * votes["share"].to_numpy()
    both = np.stack([score, names == people[asked]], 1)
    return {
        key: both[(roles[asked] == key[0]) & (lights[asked] == key[1])]
        for key in {*zip(roles[asked].tolist(), lights[asked].tolist(), strict=True)}
    }


def thresholds(models: Models) -> Mapping[str, float]:
    """Return the thresholds of the character model."""
    assert models.character is not None
    return models.character.entry.thresholds


def purity(vectors: np.ndarray, people: np.ndarray, threshold: float) -> np.ndarray:
    """Return [faces, faces in a cluster, of these those of their cluster's main person, clusters]."""
    labels = average_linkage(vectors, threshold)
    groups = [people[labels == label] for label in range(labels.max() + 1)]
    kept = [group for group in groups if len(group) >= SMALLEST]
    main = sum(int(np.bincount(group).max()) for group in kept)
    return np.array([len(people), sum(map(len, kept)), main, len(kept)])


def examples(people: np.ndarray, vectors: np.ndarray) -> References:
    """Return vectors as the examples of a database."""
    count = len(people)
    none = pa.nulls(count, pa.string())
    flat = pa.array(vectors.astype(np.float32).ravel())
    return References.of(
        pa.table(
            {
                "example_id": [f"{number:04d}" for number in range(count)],
                "character": [str(person) for person in people],
                "appearance": none,
                "shot": none,
                "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
            }
        )
    )


def report(seeds: Sequence[int]) -> str:
    """Return the figures over all seeds as a table."""
    models = load_profile("tiny", device="cpu")
    assert models.character is not None
    parts_of: dict[tuple[str, str], list[np.ndarray]] = {}
    clusters = np.zeros(4)
    for seed in seeds:
        crops = draw_show(models, seed)
        vectors = models.character(crops.pictures)
        for key, both in answers(crops, vectors, models).items():
            parts_of.setdefault(key, []).append(both)
        people = np.array(crops.people)
        cast = np.flatnonzero((people >= 0) & (people < CAST))
        clusters += purity(vectors[cast], people[cast], thresholds(models).get("cluster", 0.75))
    scored = {key: np.concatenate(parts) for key, parts in parts_of.items()}
    strict = np.quantile(
        np.concatenate([scored["stranger", light] for light in LIGHTS])[:, 0], 1 - FALSE_ACCEPT
    )
    lines = ["| light | nearest is right | known | named rightly | named wrongly | strangers named | no faces named |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for light in LIGHTS:
        (score, right), strange, nothing = (
            scored["asked", light].T,
            scored["stranger", light][:, 0],
            scored["nothing", light][:, 0],
        )
        said, sure = score >= THRESHOLD, right > 0
        shares = (
            sure,
            sure & (score > strict),
            sure & said,
            ~sure & said,
            strange >= THRESHOLD,
            nothing >= THRESHOLD,
        )
        lines.append(f"| {light} | {' | '.join(f'{share.mean():.3f}' for share in shares)} |")
    faces, grouped, main, groups = clusters
    lines += [
        f"`known`: named rightly at the score ({strict:.2f}) that {FALSE_ACCEPT:.0%} of the strangers reach",
        f"clusters: purity {main / max(1, grouped):.3f}, {grouped / faces:.3f} of the faces grouped, "
        f"{groups / len(seeds):.1f} clusters a show of {CAST}",
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[920201, 920202])
    print(report(parser.parse_args(arguments).seeds))


if __name__ == "__main__":
    main(sys.argv[1:])

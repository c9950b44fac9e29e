"""The trainings after the joint one: detector, tagger and character embedder, each on its own pictures.

Rule: a stage maps cached drawings to a trained net, seeded; writing files is `train_tiny`'s business.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from training import losses
from training.batches import (
    Warp,
    detection_batch,
    half_of,
    jitter,
    moved,
    normalise,
    random_views,
    to_float,
    views_of,
    warp,
)
from training.cache import FACES_SIZE, HEAD_SIZE, KINDS, PICTURE_SIZE, RATINGS, Heads, Scenes
from training.drawn.light_batches import in_lights, lit
from training.drawn.lights import PLAIN, Light, random_light
from training.joint import COUNTED, RELIT, row_of, told_places
from training.loop import Plan, fit
from training.nets import CharacterNet, DetectNet, JointNet, TagNet, cell_centres, pooled

Say = Callable[[str], None]
TAG_VIEW = Warp(zoom=(0.92, 1.06), stretch=0.04, shift=0.02, light=0.12, noise=0.04)
NEAR_VIEW = Warp(zoom=(1.1, 3.0), stretch=0.05, shift=0.1, degrees=4.0, light=0.12, noise=0.03)
FACE_TAGS = frozenset(
    {
        "angry",
        "blush",
        "closed_eyes",
        "crying",
        "frown",
        "glasses",
        "open_mouth",
        "smile",
        "surprised",
        "tears",
    }
)
MINED, FOUND = (0.4, 0.7), 0.2
"""When the detector looks for its own mistakes (shares of its steps), and the least score of a face that it finds."""
LEARNED, CHECKED = 0.3, 1600
EXPECTED = frozenset({*RATINGS, *COUNTED, "subtitled", "letterboxed", "angry", "v-shaped_eyebrows"})
HEAD_VIEW = Warp(zoom=(1.02, 1.5), stretch=0.08, shift=0.02, degrees=8, light=0.16, noise=0.05)
BESIDE_VIEW = Warp(zoom=(2.6, 5.0), stretch=0.2, shift=0.0, degrees=20)
BESIDE = (0.72, 0.95)
"""How far from the middle of a head crop, in halves of its side, a view without the face has its centre."""
PEOPLE, PICTURES, NO_FACES = 16, 4, 6
"""Characters of a batch, pictures of each, and views without a face beside them."""
PLAIN_LIGHT = 0.45
"""Share of the lights of a batch that leave colours as they are."""


def train_detector(scenes: Scenes, joint: JointNet, plan: Plan, say: Say) -> DetectNet:
    """Polish boxes of faces, heads and persons on pictures of full size, strongly varied.

    From the first of `MINED` on, half of each batch are pictures in which the net finds false faces, or misses one.
    """
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    net = DetectNet(len(KINDS))
    net.trunk.load_state_dict(joint.trunk.state_dict())
    net.head.load_state_dict(joint.detect.state_dict())
    cells = cell_centres(*FACES_SIZE)
    coarse = cell_centres(*half_of(FACES_SIZE))
    hard = np.zeros(0, np.int64)
    mined = {int(share * plan.steps) for share in MINED}

    def loss_at(step: int) -> Tensor:
        nonlocal hard
        # Every second step on half the size: large faces for a quarter of the time.
        half = step % 2 == 0
        if step in mined:
            hard = mistaken(net, scenes, cells)
            say(f"false or missed faces on {len(hard)} drawings")
        rows = rng.choice(len(scenes), min(plan.batch, len(scenes)), replace=False)
        if len(hard) >= len(rows):
            rows[::2] = rng.choice(hard, len(rows[::2]), replace=False)
        rows.sort()
        boxes, classes = [scenes.boxes[i] for i in rows], [scenes.classes[i] for i in rows]
        pictures, targets = detection_batch(scenes.pictures[rows], boxes, classes, rng, half=half)
        return losses.detection_loss(*net(pictures), coarse if half else cells, targets)

    return fit(net, loss_at, plan, say)  # type: ignore[return-value]


@torch.no_grad()
def mistaken(net: DetectNet, scenes: Scenes, cells: tuple[Tensor, Tensor]) -> np.ndarray:
    """Return the rows of the drawings in which the net finds a face where there is none, or misses one.

    A face is found if it is scored `FOUND` or more. It is false with an IoU below 0.3 with every real one, and a real
    one is missed with an IoU below 0.5 with every found one.
    """
    net.eval()
    centres, strides = cells
    face, pixels = KINDS.index("face"), np.tile(FACES_SIZE[::-1], 2)
    rows = []
    for start in range(0, len(scenes), 32):
        part = range(start, min(start + 32, len(scenes)))
        distances, logits = net(normalise(to_float(scenes.pictures[part])))
        low = centres - distances[..., :2] * strides[:, None]
        boxes = torch.cat([low, centres + distances[..., 2:] * strides[:, None]], -1)
        for i, places, scores in zip(part, boxes, logits[..., face].sigmoid(), strict=True):
            real = torch.from_numpy((scenes.boxes[i][scenes.classes[i] == face] * pixels).astype(np.float32))
            said = places[scores > FOUND]
            if len(real) and len(said):
                shared = losses.iou(said[:, None], real[None])[0]
                wrong = bool((shared.amax(1) < 0.3).any() or (shared.amax(0) < 0.5).any())
            else:
                wrong = len(real) + len(said) > 0
            if wrong:
                rows.append(i)
    net.train()
    return np.array(rows, np.int64)


def train_tagger(scenes: Scenes, names: tuple[str, ...], joint: JointNet, plan: Plan, say: Say) -> TagNet:
    """Polish one probability per name."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    net = TagNet(len(names))
    net.trunk.load_state_dict(joint.trunk.state_dict())
    net.head.load_state_dict(joint.tags.state_dict())
    truth = torch.from_numpy(scenes.matrix(names))
    place = {n: i for i, n in enumerate(names)}
    own = [[(x, y, row_of(tags, place)) for x, y, tags in people] for people in scenes.people]
    peopled = np.flatnonzero([len(people) > 0 for people in own])
    of_faces = torch.tensor([float(n.endswith("_eyes") or n in FACE_TAGS) for n in names])

    def loss_at(step: int) -> Tensor:
        if step % 3 == 0:
            return near_loss()
        rows = np.sort(rng.choice(len(scenes), min(plan.batch, len(scenes)), replace=False))
        pictures = moved(scenes.pictures[rows], TAG_VIEW, PICTURE_SIZE, rng)
        pictures = lit(pictures, [scenes.tags[i] for i in rows], rng, RELIT)
        logits = net(normalise(jitter(pictures, TAG_VIEW, rng)))
        return losses.tag_loss(logits, truth[rows], ease=0.3)

    def near_loss() -> Tensor:
        """Return what is missed of faces seen from near, where an eye is more than two pixels."""
        rows = np.sort(rng.choice(peopled, min(plan.batch, len(peopled)), replace=False))
        heads = [own[i][int(rng.integers(len(own[i])))][:2] for i in rows]
        views = views_of(np.array(heads), NEAR_VIEW, rng)
        pictures = warp(to_float(scenes.pictures[rows]), views, PICTURE_SIZE)
        _, dense = net.head(net.trunk(normalise(jitter(pictures, NEAR_VIEW, rng))))
        where, sort = told_places(scenes, rows, views.numpy().astype(np.float64), own, len(names))
        return losses.place_loss(dense, where, sort, of_faces)

    return fit(net, loss_at, plan, say)  # type: ignore[return-value]


def learned(net: nn.Module, scenes: Scenes, names: tuple[str, ...], plan: Plan) -> list[int]:
    """Return the places of the tags worth saying: F1 of `LEARNED` or more on drawings of the training set itself.

    What a net of this size did not even learn by heart would only be missed, or said wrongly, elsewhere. Tags
    that people expect of any tagger stay.
    """
    rows = np.sort(
        np.random.default_rng(plan.seed).choice(len(scenes), min(CHECKED, len(scenes)), replace=False)
    )
    with torch.no_grad():
        parts = [
            net(normalise(to_float(scenes.pictures[part])))
            for part in np.array_split(rows, len(rows) // 32 + 1)
        ]
    said, truth = torch.cat(parts).numpy() > 0, scenes.matrix(names)[rows] > 0
    f1 = 2 * (said & truth).sum(0) / np.maximum(1, said.sum(0) + truth.sum(0))
    return [i for i, n in enumerate(names) if f1[i] >= LEARNED or n in EXPECTED or n.endswith("_eyes")]


class CharacterTrainer(nn.Module):
    """The embedder with a vector per character and a classifier per attribute beside it, which are thrown away."""

    def __init__(self, width: int, characters: int, attribute_sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.net = CharacterNet(width)
        self.proxies = nn.Parameter(torch.randn(characters, width))
        features = 2 * sum(self.net.trunk.widths[2:])
        self.attributes = nn.ModuleList([nn.Linear(features, n) for n in attribute_sizes])

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        maps = self.net.maps(x)
        features = pooled(maps[1], maps[2])
        return self.net.head(maps), [a(features) for a in self.attributes]


def character_batches(heads: Heads, rng: np.random.Generator) -> Callable[[], np.ndarray]:
    """Return a function giving rows of `PEOPLE` characters in families of four, `PICTURES` rows each.

    Characters are numbered so that neighbours differ in one attribute: they are each other's hard negatives.
    """
    rows_of = [np.flatnonzero(heads.names == name) for name in range(int(heads.names.max()) + 1)]

    def draw() -> np.ndarray:
        families = rng.choice(len(rows_of) // 4, PEOPLE // 4, replace=False)
        people = (families[:, None] * 4 + np.arange(4)).ravel()
        picked = [rng.choice(rows_of[p], min(PICTURES, len(rows_of[p])), replace=False) for p in people]
        return np.concatenate(picked)

    return draw


def head_light(rng: np.random.Generator) -> Light:
    """Return a random light, `PLAIN_LIGHT` of them plain."""
    return random_light(rng, PLAIN if rng.random() < PLAIN_LIGHT else None)


def family_lights(rng: np.random.Generator) -> list[Light]:
    """Return a light for each row of `character_batches`: a family has two, and each member is seen in both.

    So members of a family in one light are not told apart from it, and a character is the same one in both.
    """
    families = [(head_light(rng), head_light(rng)) for _ in range(PEOPLE // 4)]
    return [two[2 * k // PICTURES] for two in families for _ in range(4) for k in range(PICTURES)]


def without_faces(heads: Heads, count: int, rng: np.random.Generator) -> Tensor:
    """Return views [N,3,96,96] beside the faces of random crops: hair, clothes, background."""
    rows = np.sort(rng.choice(len(heads.pictures), count, replace=False))
    angle = rng.uniform(0, 2 * np.pi, count)
    towards = np.stack([np.cos(angle), np.sin(angle)], 1)
    centre = towards / np.abs(towards).max(1, keepdims=True) * rng.uniform(*BESIDE, count)[:, None]
    views = random_views(count, BESIDE_VIEW, rng)
    views[:, :, 2] = torch.from_numpy(centre.astype(np.float32))
    return warp(to_float(heads.pictures[rows]), views, HEAD_SIZE)


def train_character(heads: Heads, plan: Plan, say: Say) -> CharacterNet:
    """Train vectors that are near for one character in any pose, outfit, place and light, and far for all others.

    What is no face is far from everybody, and from whatever else is no face.
    """
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    trainer = CharacterTrainer(64, int(heads.names.max()) + 1, heads.attribute_sizes)
    draw = character_batches(heads, rng)
    names, attributes = torch.from_numpy(heads.names), torch.from_numpy(heads.attributes)
    nobody = -1 - torch.arange(NO_FACES)

    def loss_at(_: int) -> Tensor:
        rows = draw()
        faces = to_float(heads.pictures[rows])
        faces = warp(faces, random_views(len(rows), HEAD_VIEW, rng), HEAD_SIZE)
        crops = torch.cat([faces, without_faces(heads, NO_FACES, rng)])
        lights = [*family_lights(rng), *(head_light(rng) for _ in range(NO_FACES))]
        vectors, answers = trainer(normalise(jitter(in_lights(crops, lights), HEAD_VIEW, rng)))
        loss = losses.same_character_loss(vectors, torch.cat([names[rows], nobody]))
        loss = loss + 0.5 * losses.known_character_loss(vectors[: len(rows)], names[rows], trainer.proxies)
        told = [
            F.cross_entropy(a[: len(rows)], attributes[rows, i], ignore_index=-1)
            for i, a in enumerate(answers)
        ]
        return loss + 0.4 * torch.stack(told).sum()

    return fit(trainer, loss_at, plan, say).net  # type: ignore[return-value]

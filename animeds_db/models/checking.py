"""Says in words whether a model sees what is on ten drawn pictures, so that a wrong pre-processing cannot hide.

The pictures and the truth about them are in checks/. A model that expects photographs or other drawings may see less on
them than on its own pictures, so the limits are low: a wrong colour order or scale falls below them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import importlib_resources
import numpy as np
from PIL import Image

from animeds_db.errors import ModelError
from animeds_db.models.catalogue import load
from animeds_db.models.files import Files, locate
from animeds_db.models.manifest import Input, load_manifest
from animeds_db.models.runners.classifier import Classifier
from animeds_db.models.runners.crops import head_crop
from animeds_db.models.runners.detector import Box, Detector
from animeds_db.models.runners.embedder import Embedder, metric_error
from animeds_db.models.runners.segmenter import Segmenter
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runners.text import load as load_text
from animeds_db.models.runners.text_tower import TextTower
from animeds_db.models.runtime import Device, choose_device

Row = dict[str, object]

HAIR = {
    "red": ("red", "orange", "brown", "pink"),
    "orange": ("orange", "brown", "red", "blonde"),
    "aqua": ("aqua", "blue", "light_blue"),
    "green": ("green", "aqua"),
}
"""Colour of drawn hair → the colours that count as right. Those of exchanged red and blue are in none."""
WITHIN = {"eye": "face", "hand": "person"}
"""Kind of box without a drawn truth → the kind of box that its middle must be in."""
SAFE = ("safe", "general", "sfw")
"""Labels for pictures that everybody may see, as all ten are."""
LEAST_IOU = 0.4
"""Minimum overlap of a box and the truth. Detectors differ in how much hair a face has."""
SAME = 1e-3
"""Maximum deviation of CCIP's metric from our formula."""


@dataclass(frozen=True)
class Finding:
    """The answer to one question about a model."""

    question: str
    right: int
    """Number of answers that are right …"""
    total: int
    """… of this many. 0: the pictures cannot tell."""
    least: float = 0.6
    """Share that must be right."""

    @property
    def is_plausible(self) -> bool | None:
        """True if enough is right; None if the pictures cannot tell."""
        return None if self.total == 0 else self.right >= self.least * self.total - 1e-9

    def row(self) -> Row:
        """Return it as a row of a table."""
        verdict = {True: "plausible", False: "not plausible", None: "cannot be judged by drawings"}
        return {
            "question": self.question,
            "right": f"{self.right} of {self.total}" if self.total else "",
            "verdict": verdict[self.is_plausible],
        }


@dataclass(frozen=True)
class Checked:
    """What a model sees on the ten pictures."""

    name: str
    findings: tuple[Finding, ...]
    hint: str | None = None
    """A setting with which the model would see what is there."""

    @property
    def is_plausible(self) -> bool:
        """True unless some finding is not plausible."""
        return all(finding.is_plausible is not False for finding in self.findings)

    @property
    def summary(self) -> str:
        """What the findings mean, in a sentence or two."""
        if not self.is_plausible:
            advice = self.hint or (
                "Compare the layout, size, colour, divide, mean and std of its manifest entry with its model card."
            )
            return f"{self.name} does not see what is on the pictures. {advice}"
        if all(finding.is_plausible is None for finding in self.findings):
            return f"{self.name} runs, but drawings cannot tell whether it sees what it should."
        return f"{self.name} sees what is on the pictures."


@dataclass(frozen=True)
class _Picture:
    pixels: np.ndarray
    tags: frozenset[str]
    people: tuple[Mapping[str, Any], ...]


def check_model(name: str, *, device: str = "auto") -> Checked:
    """Run a model on the ten pictures and return whether what it sees is plausible.

    If it is not, other colour orders and scales are tried, and the hint says which one would be. Raises ModelError if
    the model is not on this disk, cannot run, or is not one for pictures.
    """
    entry = load_manifest().entry(name)
    if entry.engine != "onnx":
        raise ModelError(
            f"{name} is not an ONNX file, so its pre-processing cannot be wrong in the manifest",
            hint="`animeds describe --limit 3` shows what a captioner sees"
            if entry.task == "captioner"
            else None,
        )
    found = locate(entry)
    if found is None:
        raise ModelError(f"{name} is not on this disk", hint=f"animeds models pull {name}")
    chosen = choose_device(device)
    findings = _findings(found, chosen)
    checked = Checked(name, tuple(findings))
    if checked.is_plausible:
        return checked
    return replace(checked, hint=_better(found, chosen, _rightness(findings)))


def _findings(found: Files, device: Device) -> list[Finding]:
    task = found.entry.task
    if task == "metric":
        vectors = np.random.default_rng(1).normal(size=(4, 768)).astype(np.float32)
        return [
            Finding(
                "differences are those of the formula", int(metric_error(found, vectors, device) <= SAME), 1
            )
        ]
    if task not in JUDGES:
        raise ModelError(f"{found.entry.name} has the task {task}, which cannot be checked with pictures")
    return list(JUDGES[task](load(found, device)))


def _better(found: Files, device: Device, least: float) -> str | None:
    """Return the setting of the input with which a model sees most, if it sees enough with it."""
    results = []
    for words, how in _variants(found.described.input):
        try:
            findings = _findings(replace(found, entry=replace(found.entry, input=how)), device)
        except ModelError:
            continue  # such as logits that are no probabilities with this scale
        if all(finding.is_plausible is not False for finding in findings):
            results.append((_rightness(findings), words))
    best, words = max(results, key=lambda result: result[0], default=(0.0, ""))  # of equal ones the first
    return f"With input = {{ {words} }} in its manifest entry it would." if best > least else None


def _variants(how: Input) -> list[tuple[str, Input]]:
    """Return other ways to make a tensor of a picture, in words and as an Input."""
    colour = "RGB" if how.colour == "BGR" else "BGR"
    found: list[tuple[str, dict[str, Any]]] = [(f'colour = "{colour}"', {"colour": colour})]
    plain: dict[str, Any] = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
    half: dict[str, Any] = {"divide": 255.0, "mean": (0.5,) * 3, "std": (0.5,) * 3}
    scales: list[tuple[str, dict[str, Any]]] = [
        ("divide = 1.0, mean = [0.0, 0.0, 0.0], std = [1.0, 1.0, 1.0]", {"divide": 1.0, **plain}),
        ("divide = 255.0, mean = [0.0, 0.0, 0.0], std = [1.0, 1.0, 1.0]", {"divide": 255.0, **plain}),
        ("divide = 255.0, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5]", half),
    ]
    found += [(words, change) for words, change in scales if replace(how, **change) != how]
    found += [(f"{found[0][0]}, {words}", {"colour": colour, **change}) for words, change in found[1:]]
    return [(words, replace(how, **change)) for words, change in found]


def _rightness(findings: Sequence[Finding]) -> float:
    """Return the mean share of right answers, 0…1."""
    shares = [finding.right / finding.total for finding in findings if finding.total]
    return float(np.mean(shares)) if shares else 0.0


@cache
def _pictures() -> tuple[_Picture, ...]:
    folder = importlib_resources.files("animeds_db.models.checks")
    facts = json.loads(folder.joinpath("truth.json").read_text("utf-8"))
    found = []
    for fact in facts:
        with folder.joinpath(fact["picture"]).open("rb") as file:
            pixels = np.asarray(Image.open(file).convert("RGB"))
        found.append(_Picture(pixels, frozenset(fact["tags"]), tuple(fact["people"])))
    return tuple(found)


def _pixels() -> list[np.ndarray]:
    return [picture.pixels for picture in _pictures()]


def _of_tagger(model: Tagger) -> list[Finding]:
    scores = model(_pixels())
    columns = {label.tag: number for number, label in enumerate(model.labels)}
    if "1girl" not in columns:
        return [Finding("it knows no tag of the pictures", 0, 0)]
    least = model.entry.thresholds.get("general", 0.35)
    girls = scores[:, columns["1girl"]] >= least
    alone = [{"1girl", "solo"} <= picture.tags for picture in _pictures()]
    nobody = ["no_humans" in picture.tags for picture in _pictures()]
    findings = [
        Finding("1girl on pictures of one girl", int(girls[alone].sum()), sum(alone)),
        Finding("no 1girl on a picture of nobody", int((~girls[nobody]).sum()), sum(nobody)),
    ]
    colours = [tag for tag in columns if tag.endswith("_hair") and _is_colour(tag.removesuffix("_hair"))]
    drawn = _hair_of_one()
    seen = [max(colours, key=lambda tag: scores[n, columns[tag]]) for n, _ in drawn] if colours else []
    right = sum(
        tag.removesuffix("_hair") in HAIR[colour] for tag, (_, colour) in zip(seen, drawn, strict=False)
    )
    return [*findings, Finding("the highest colour of hair is that of the drawing", right, len(seen))]


def _is_colour(word: str) -> bool:
    return word in (
        *(
            "aqua",
            "black",
            "blonde",
            "blue",
            "brown",
            "dark_blue",
            "green",
            "grey",
            "light_blue",
            "light_brown",
        ),
        *("orange", "pink", "purple", "red", "silver", "white"),
    )


def _of_detector(model: Detector) -> list[Finding]:
    boxes = [model([pixels])[0] for pixels in _pixels()]
    findings = []
    for kind in model.kinds:
        found = [[box for box in of_one if box.kind == kind] for of_one in boxes]
        truth = [[p[kind] for p in picture.people if kind in p] for picture in _pictures()]
        if any(truth):
            findings += _compared(kind, found, truth)
        elif kind in WITHIN:
            around = [
                [p[WITHIN[kind]] for p in picture.people if WITHIN[kind] in p] for picture in _pictures()
            ]
            every = [(box, n) for n, of_one in enumerate(found) for box in of_one]
            inside = sum(any(_is_in(box, one) for one in around[n]) for box, n in every)
            findings.append(Finding(f"boxes of {kind} lie in a {WITHIN[kind]}", inside, max(1, len(every))))
        else:
            findings.append(Finding(f"no picture shows {kind}", 0, 0))
    return findings


def _compared(
    kind: str, found: Sequence[Sequence[Box]], truth: Sequence[Sequence[Sequence[float]]]
) -> list[Finding]:
    """Return how much of the truth was found, and how much of what was found is true."""
    pairs = list(zip(found, truth, strict=True))
    hit = sum(any(_iou(box, one) >= LEAST_IOU for box in boxes) for boxes, ones in pairs for one in ones)
    true = sum(any(_iou(box, one) > 0.1 for one in ones) for boxes, ones in pairs for box in boxes)
    n_found = sum(map(len, found))
    return [
        Finding(f"every {kind} has a box", hit, sum(map(len, truth))),
        Finding(f"every box of {kind} is on one", true, max(1, n_found)),
    ]


def _iou(box: Box, truth: Sequence[float]) -> float:
    wide = max(0.0, min(box.right, truth[2]) - max(box.left, truth[0]))
    high = max(0.0, min(box.bottom, truth[3]) - max(box.top, truth[1]))
    area = (box.right - box.left) * (box.bottom - box.top) + (truth[2] - truth[0]) * (truth[3] - truth[1])
    return wide * high / max(area - wide * high, 1e-9)


def _is_in(box: Box, around: Sequence[float]) -> bool:
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return around[0] <= x <= around[2] and around[1] <= y <= around[3]


def _of_character(model: Embedder) -> list[Finding]:
    named = [
        (picture.pixels, person)
        for picture in _pictures()
        for person in picture.people
        if "name" in person and "face" in person
    ]
    names = [person["name"] for _, person in named]
    vectors = model([head_crop(pixels, _box(person["face"])) for pixels, person in named])
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -2)
    right = sum(names[nearest] == name for nearest, name in zip(alike.argmax(axis=1), names, strict=True))
    return [Finding("the most similar head is one of the same character", right, len(names))]


def _box(sides: Sequence[float]) -> Box:
    left, top, right, bottom = sides
    return Box("face", left, top, right, bottom, 1.0)


def _of_image(model: Embedder) -> list[Finding]:
    copies = [_copy(pixels) for pixels in _pixels()]
    alike = model(copies) @ model(_pixels()).T
    right = int((alike.argmax(axis=1) == np.arange(len(copies))).sum())
    findings = [Finding("a smaller, brighter copy is most similar to its picture", right, len(copies), 0.8)]
    entry = model.files.entry
    tower = locate(load_manifest().entry(entry.text)) if entry.text and entry.engine == "onnx" else None
    if tower is None:
        return findings
    said = _of_words(model, load_text(tower, choose_device("cpu")))
    return [*findings, said]


def _of_words(model: Embedder, tower: TextTower) -> Finding:
    """Compare pictures of one person with sentences about the colour of hair."""
    words = tower([f"a girl with {colour} hair" for colour in HAIR])
    drawn = _hair_of_one()
    alike = model([_pictures()[n].pixels for n, _ in drawn]) @ words.T
    alike = alike - alike.mean(axis=0)  # some sentences are similar to every picture
    seen = [list(HAIR)[place] for place in alike.argmax(axis=1)]
    right = sum(one in HAIR[colour] for one, (_, colour) in zip(seen, drawn, strict=True))
    return Finding("the most similar sentence names the colour of the hair", right, len(drawn))


def _hair_of_one() -> list[tuple[int, str]]:
    """Return the numbers of the pictures of one person, with the colour of the hair."""
    pictures = [(n, p.tags) for n, p in enumerate(_pictures()) if "solo" in p.tags]
    return [(n, colour) for n, tags in pictures for colour in HAIR if f"{colour}_hair" in tags]


def _copy(pixels: np.ndarray) -> np.ndarray:
    """Return a picture at half the size, without its edges, and brighter."""
    height, width = pixels.shape[:2]
    inner = Image.fromarray(pixels).crop(
        (width // 40, height // 40, width - width // 40, height - height // 40)
    )
    small = np.asarray(inner.resize((width // 2, height // 2), Image.Resampling.BILINEAR))
    return np.clip(small.astype(np.int16) + 12, 0, 255).astype(np.uint8)


def _of_text(model: TextTower) -> list[Finding]:
    texts = ["a girl with red hair", "a boy outdoors", "nobody, a classroom"]
    alike = model(texts) @ model(texts).T
    differ = int((alike - np.eye(len(texts)) < 1 - 1e-6).all(axis=1).sum())
    return [Finding("different sentences have different vectors", differ, len(texts), 1.0)]


def _of_classifier(model: Classifier) -> list[Finding]:
    scores, labels = model(_pixels()), list(model.labels)
    sums = np.abs(scores.sum(axis=1) - 1) < 1e-3
    findings = [Finding("the probabilities of a picture add up to 1", int(sums.sum()), len(sums), 1.0)]
    if safe := [labels.index(label) for label in SAFE if label in labels]:
        right = int(np.isin(scores.argmax(axis=1), safe).sum())
        findings.append(Finding(f"every picture is {labels[safe[0]]}", right, len(scores)))
    if "monochrome" in labels:
        grey = [np.asarray(Image.fromarray(p).convert("L").convert("RGB")) for p in _pixels()]
        column = labels.index("monochrome")
        more = model(grey)[:, column] > scores[:, column]
        findings.append(Finding("a grey copy is more monochrome", int(more.sum()), len(more), 0.8))
    return findings


def _of_segmenter(model: Segmenter) -> list[Finding]:
    if model.part not in ("character", "person"):
        return [Finding(f"no picture shows {model.part}", 0, 0)]
    inside, outside = [], []
    for picture, seen in zip(_pictures(), model(_pixels()), strict=True):
        height, width = seen.mask.shape
        around = np.zeros((height, width), bool)
        for person in picture.people:
            left, top, right, bottom = person["person"]
            around[
                int(top * height) : int(bottom * height) + 1, int(left * width) : int(right * width) + 1
            ] = True
        if picture.people:
            inside.append(float(seen.mask[around].mean()))
        if not around.all():
            outside.append(float(seen.mask[~around].mean()))
    return [
        Finding("people are white", sum(value > 0.3 for value in inside), len(inside)),
        Finding("what is around them is black", sum(value < 0.2 for value in outside), len(outside)),
    ]


JUDGES: dict[str, Callable[[Any], list[Finding]]] = {
    "tagger": _of_tagger,
    "detector": _of_detector,
    "character": _of_character,
    "image": _of_image,
    "text": _of_text,
    "classifier": _of_classifier,
    "segmenter": _of_segmenter,
}
"""What is asked of a model of each task."""

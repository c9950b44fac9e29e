"""Prints how good tiny-mask is on drawings that were never trained on, through the package's own runner and storage.

    python -m training.masks.evaluate [--seed 1000007] [--show 1001] [--pictures 300]

Rule: a picture's figure is the IoU of the mask as an export draws it with the truth, both above half.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import torch

from animeds_db.media.masks import drawn, shape_of
from animeds_db.models import Segmenter
from animeds_db.models.catalogue import load
from animeds_db.models.files import locate
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runtime import choose_device
from animeds_db.sample.scene import compose, scene_shapes
from animeds_db.sample.show import draw_show, show_shapes
from training.drawn.degrade import degrade
from training.drawn.scenes import SHAPES, random_picture
from training.masks.drawing import GRADES

LIGHTS = ("night", "sunset", "haze")
Pairs = list[tuple[np.ndarray, np.ndarray]]
"""Pictures, uint8 [h,w,3], each with the shapes of its people, uint8 [people,h,w]."""


def scenes(count: int, seed: int) -> Pairs:
    """Return held-out scenes in several shapes, coded like an episode."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(count):
        width, height = SHAPES[int(rng.integers(len(SHAPES)))]
        scene, size = random_picture(rng), (width * 4 // 3, height * 4 // 3)
        picture = np.asarray(degrade(compose(scene, size).image, rng, strong=False))
        pairs.append((picture, scene_shapes(scene, size)))
    return pairs


def show(seed: int) -> Pairs:
    """Return one frame a second of three episodes of a held-out show."""
    pairs: Pairs = []
    with tempfile.TemporaryDirectory() as folder:
        truth = draw_show(Path(folder), seed=seed, episodes=3, fps=4)
        for film in truth.episodes:
            numbers = range(0, film.frames, film.fps)
            with av.open(str(Path(folder) / film.file)) as video:
                seen = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
            shapes = show_shapes(truth, film.number, numbers)
            pairs += zip([seen[n] for n in numbers], shapes, strict=True)
    return pairs


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    """Return intersection over union of two bool masks."""
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def figures(segmenter: Segmenter, pairs: Pairs) -> dict[str, float]:
    """Return the IoU per picture with people and per person (by the box of the truth), and processor milliseconds."""
    whole, persons, empty, spent = [], [], [], 0.0
    for picture, shapes in pairs:
        height, width = picture.shape[:2]
        began = time.process_time()
        seen = segmenter([picture])[0]
        spent += time.process_time() - began
        found = drawn([shape_of(seen.mask)], width, height) > 127
        there = [shape > 127 for shape in shapes if (shape > 127).sum() > 0.002 * shape.size]
        if not there:
            empty.append(float(found.mean()))
            continue
        whole.append(iou(found, np.logical_or.reduce(there)))
        for mask, truth in zip(seen.of_boxes(np.stack([box(t) for t in there])), there, strict=True):
            persons.append(iou(drawn([shape_of(mask)], width, height) > 127, truth))
    return {
        "pictures": len(whole),
        "iou": float(np.mean(whole)),
        "iou_p10": float(np.quantile(whole, 0.1)),
        "iou_per_person": float(np.mean(persons)),
        "empty_pictures": len(empty),
        "covered_where_nobody_is": float(np.mean(empty)) if empty else 0.0,
        "ms": 1000 * spent / len(pairs),
    }


def box(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom (0…1) of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height


def lit(pairs: Pairs, light: int) -> Pairs:
    """Return the pictures in the full strength of another light."""
    factor, offset = (np.array(part) for part in GRADES[light])
    graded = [((picture / 255 * factor + offset).clip(0, 1) * 255).astype(np.uint8) for picture, _ in pairs]
    return [(picture, shapes) for picture, (_, shapes) in zip(graded, pairs, strict=True)]


def main(arguments: list[str]) -> None:
    """Print all figures as one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1_000_007)
    parser.add_argument("--show", type=int, default=1001)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--model", default="tiny-mask")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    files = locate(load_manifest().entry(chosen.model))
    assert files is not None
    segmenter = load(files, choose_device("cpu"))
    assert isinstance(segmenter, Segmenter)
    of_show = show(chosen.show)
    results: dict[str, object] = {
        "scenes": figures(segmenter, scenes(chosen.pictures, chosen.seed)),
        "show": figures(segmenter, of_show),
    }
    for place, name in enumerate(LIGHTS):
        results[f"show, {name}"] = figures(segmenter, lit(of_show, place))
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])

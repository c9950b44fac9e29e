"""The drawings on disk: uint8 arrays that training maps into memory, and their truth as JSON.

Rule: a shard is complete when `facts.json` is there; it is written last, and never drawn again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KINDS = ("face", "head", "person")
PICTURE_SIZE = (192, 320)
"""What the first look of the tagger sees, and the masks."""
CLOSE_SIZE = (288, 480)
"""What the tagger is given: its second look sees heads in one and a half times as many pixels each way."""
FACES_SIZE = (224, 384)
"""Of what the detector sees: faces of a few pixels are worth the time that a larger picture takes."""
TWIN_SIZE = (144, 240)
"""A frame and the same frame from a release of half its height are one picture to a search."""
HEAD_STORED = 128
HEAD_SIZE = (96, 96)
HEAD_MARGIN = 1.25
"""Head crops are stored this much wider than a detector's square, so that training can move about."""

RATINGS = ("general", "sensitive", "questionable", "explicit")


class Stored:
    """Arrays of the same shape in several files, read like one: only the rows that are asked for come into memory."""

    def __init__(self, files: list[Path]) -> None:
        self._parts = [np.load(file, mmap_mode="r") for file in files]
        self._ends = np.cumsum([len(part) for part in self._parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, rows: np.ndarray | range) -> np.ndarray:
        """Return copies of these rows, in this order."""
        wanted = np.asarray(rows)
        parts = np.searchsorted(self._ends, wanted, side="right")
        starts = self._ends - [len(part) for part in self._parts]
        return np.stack([self._parts[k][i - starts[k]] for k, i in zip(parts, wanted, strict=True)])


@dataclass(frozen=True)
class Scenes:
    """Drawn scenes: pictures, a smaller second coding of each, relative boxes [m,4], classes (places in KINDS),
    tags, groups.

    `people` holds for each person the middle of the head (relative x, y) and that person's own tags.
    """

    pictures: Stored
    twin: Stored
    boxes: list[np.ndarray]
    classes: list[np.ndarray]
    tags: list[frozenset[str]]
    people: list[list[tuple[float, float, frozenset[str]]]]
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.tags)

    @classmethod
    def open(cls, *folders: Path) -> Scenes:
        """Open all shards that `scenes.draw_scenes` has written under the folders. Their truth is read into memory."""
        shards = [p.parent for folder in folders for p in sorted(folder.glob("*/facts.json"))]
        facts = [
            {**f, "shard": k}
            for k, s in enumerate(shards)
            for f in json.loads((s / "facts.json").read_text("utf-8"))
        ]
        pictures, twin = (Stored([s / f"{name}.npy" for s in shards]) for name in ("detector", "twin"))
        return cls(
            pictures,
            twin,
            boxes=[np.array([b[1:] for b in f["boxes"]], np.float64).reshape(-1, 4) for f in facts],
            classes=[np.array([KINDS.index(b[0]) for b in f["boxes"]], np.int64) for f in facts],
            tags=[frozenset(f["tags"]) for f in facts],
            people=[[(x, y, frozenset(t)) for x, y, t in f["people"]] for f in facts],
            groups=np.array([f["shard"] * 1_000_000 + f["group"] for f in facts]),
        )

    def matrix(self, names: tuple[str, ...]) -> np.ndarray:
        """Return float32 [n, names], 1 where a scene has the tag."""
        return np.array([[float(t in tags) for t in names] for tags in self.tags], np.float32)


LIVELY = frozenset({"closed_eyes", "closed_mouth", "looking_at_viewer", "open_mouth"})
"""What a blink or a word changes; the colour of the eyes goes with the lids."""
NEXT, STILL = 3, 0.01


def pictures_of(scenes: Scenes) -> np.ndarray:
    """Return a number per row (int64), equal where two show the same picture, but that somebody talks or blinks.

    They are found among neighbours of an episode: the same tags but for `LIVELY` ones, every box within 1 % of
    the picture. A picture without anybody is alone: a pan over a place has no box to tell it by.
    """
    shards = scenes.groups // 1_000_000
    picture = np.arange(len(scenes))
    for i in range(len(scenes)):
        for j in range(i + 1, min(i + 1 + NEXT, len(scenes))):
            if shards[i] == shards[j] and _stands_still(scenes, i, j):
                picture[j] = picture[i]
    return picture


def _stands_still(scenes: Scenes, i: int, j: int) -> bool:
    a, b = scenes.boxes[i], scenes.boxes[j]
    if len(a) == 0 or not np.array_equal(scenes.classes[i], scenes.classes[j]) or np.abs(a - b).max() > STILL:
        return False
    return all(tag in LIVELY or tag.endswith("_eyes") for tag in scenes.tags[i] ^ scenes.tags[j])


@dataclass(frozen=True)
class Heads:
    """Head crops uint8 [n,128,128,3], the character's number, its attributes' numbers [n, attributes]."""

    pictures: np.ndarray
    names: np.ndarray
    attributes: np.ndarray
    attribute_sizes: tuple[int, ...]

    @classmethod
    def open(cls, folder: Path) -> Heads:
        """Read all shards that `heads.draw_heads` has written under a folder into memory."""
        shards = sorted(p.parent for p in folder.glob("*/facts.json"))
        facts = [json.loads((s / "facts.json").read_text("utf-8")) for s in shards]
        offsets = np.cumsum([0, *(max(f["names"]) + 1 for f in facts)])
        return cls(
            np.concatenate([np.load(s / "heads.npy") for s in shards]),
            np.concatenate([np.array(f["names"]) + o for f, o in zip(facts, offsets[:-1], strict=True)]),
            np.concatenate([np.array(f["attributes"]) for f in facts]),
            tuple(facts[0]["sizes"]),
        )

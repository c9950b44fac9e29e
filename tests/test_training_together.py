"""The tagger's last training: all its parts learn at once from the same pictures."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from animeds_db.sample.tags import TAGS

torch = pytest.importorskip("torch", reason="torch is not installed")

from training.cache import RATINGS, Scenes  # noqa: E402
from training.close import heads_through, train_together  # noqa: E402
from training.close_nets import CloserTagNet  # noqa: E402
from training.details import MIX, as_often  # noqa: E402
from training.drawn.scenes import draw_scenes  # noqa: E402
from training.loop import Plan  # noqa: E402
from training.nets import hidden  # noqa: E402

NAMES = (*RATINGS, *(tag for tag, kind in TAGS if kind == "general"))
STEPS = 40


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    folder = tmp_path_factory.mktemp("scenes")
    draw_scenes(folder / "00", 6, 5, print)
    return Scenes.open(folder)


def test_all_parts_learn_the_pictures_that_they_are_shown(scenes: Scenes, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = CloserTagNet(len(NAMES))
    net.base.head.know(torch.ones(len(NAMES)), (NAMES.index("1girl"), NAMES.index("1boy")))
    before = {name: value.clone() for name, value in net.named_parameters()}
    said: list[str] = []
    for steps in (1, STEPS):
        plan = Plan(0, steps, 2, 2e-3, tmp_path / f"{steps}.pt")
        after = train_together(scenes, NAMES, net, plan, said.append)
    moved = {
        name.split(".")[0] for name, value in after.named_parameters() if not torch.equal(value, before[name])
    }
    assert moved == {"base", "finder", "second"}
    told = [float(found[1]) for line in said if (found := re.search(r"loss ([\d.]+)", line))]
    assert len(told) == 2 and told[1] < 0.8 * told[0], (
        "the mean loss of all steps is lower than that of the first"
    )


def test_heads_are_where_a_view_shows_them(scenes: Scenes) -> None:
    row = next(i for i in range(len(scenes)) if (scenes.classes[i] == 1).any())
    whole, half = np.array([[1.0, 0, 0], [0, 1, 0]]), np.array([[0.5, 0, 0], [0, 0.5, 0]])
    seen, near = heads_through(scenes, np.array([row, row]), np.stack([whole, half]))
    boxes = scenes.boxes[row][scenes.classes[row] == 1] * (320, 192, 320, 192)
    assert len(seen) == len(boxes) and np.allclose(seen, boxes, atol=0.01)
    middle = np.array([160, 96, 160, 96])
    grown = (boxes - middle) * 2 + middle
    inside = (grown[:, :2] >= 0).all(1) & (grown[:, 2:] <= (320, 192)).all(1)
    assert all(np.abs(near - box).max(1).min() < 0.01 for box in grown[inside])


def test_pictures_are_mixed_by_how_many_people_they_show(scenes: Scenes) -> None:
    people = [
        ("no_humans", 0),
        ("solo head_out_of_frame", 1),
        ("solo", 1),
        ("solo", 1),
        ("2girls", 2),
        ("3girls", 3),
        ("6+girls", 7),
    ]
    mixed = replace(
        scenes,
        tags=[frozenset(tags.split()) for tags, _ in people],
        people=[[(0.5, 0.5, frozenset())] * count for _, count in people],
    )
    nobody, headless, one, few, many = MIX
    assert as_often(mixed) == pytest.approx([nobody, headless, one / 2, one / 2, few / 2, few / 2, many])


def test_no_unit_of_a_hidden_layer_is_dead_whatever_its_inputs_are() -> None:
    torch.manual_seed(1)
    layer = hidden(40, 64)
    seen = 30 + torch.rand(256, 40)  # such inputs leave half of all plain units at 0
    assert (torch.relu(layer[0](seen)) > 0).any(0).float().mean() < 0.7
    assert (layer(seen) > 0).any(0).all()

"""The tagger's second look: it finds the largest heads, cuts out what lies there, and keeps its tags when narrowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from training.cache import CLOSE_SIZE, PICTURE_SIZE, Stored

torch = pytest.importorskip("torch", reason="torch is not installed")

from training.batches import normalise, to_float  # noqa: E402
from training.close import squares  # noqa: E402
from training.close_nets import (  # noqa: E402
    BODY,
    CELL,
    GROUPS,
    HEAD,
    LEAST_SURE,
    LOOKS,
    NOBODY,
    CloserTagNet,
    FoundHeads,
    Part,
    SecondLook,
    cut_out,
    largest,
    resized,
)

HEIGHT, WIDTH = PICTURE_SIZE


def _found(*heads: tuple[float, float, float]) -> Any:
    """Return what a finder says of heads (x, y of the middle and side in pixels), as all cells of 3 × 3 say it."""
    told = torch.zeros(1, 4, HEIGHT // CELL, WIDTH // CELL)
    told[:, 0] = -9
    for x, y, side in heads:
        for row in range(int(y // CELL) - 1, int(y // CELL) + 2):
            for column in range(int(x // CELL) - 1, int(x // CELL) + 2):
                told[0, 0, row, column] = 5
                told[0, 1, row, column] = x / CELL - (column + 0.5)
                told[0, 2, row, column] = y / CELL - (row + 0.5)
                told[0, 3, row, column] = float(np.log(side / CELL))
    return told


def test_each_look_is_at_another_head_and_the_largest_comes_first() -> None:
    heads = [(40.0, 60.0, 30.0), (150.0, 80.0, 90.0), (280.0, 120.0, 24.0)]
    sure, middles, sides = largest(_found(*heads))
    seen = [(*middle, side) for middle, side in zip(middles[0].tolist(), sides[0].tolist(), strict=True)]
    expected = sorted(heads, key=lambda head: -head[2])
    assert np.allclose(seen[: len(heads)], expected, atol=1e-3)
    assert (sure[0, : len(heads)] > 0.9).all() and (sure[0, len(heads) :] < 0.01).all()


def test_a_look_for_which_no_head_is_left_is_not_sure() -> None:
    sure, _, _ = largest(_found((150.0, 80.0, 90.0)))
    assert sure[0, 0] > 0.9
    assert (sure[0, 1:] < 0.01).all()


@pytest.mark.parametrize("part", [HEAD, BODY])
def test_what_is_cut_out_is_what_lies_there(part: Part) -> None:
    rng = np.random.default_rng(3)
    height, width = part.size
    small = Image.fromarray(rng.integers(0, 256, (12, 20, 3), dtype=np.uint8))
    picture = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
    x = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
    finer, size = height / HEIGHT, part.pixels
    side = size / part.room / finer  # the square is as many pixels wide as it is cut out
    middle = torch.tensor([[150 / finer, 120 / finer - part.down * side]])
    seen = cut_out(x, middle, torch.tensor([side]), part)
    assert seen.shape == (1, 3, size, size)
    top, left = 120 - size // 2, 150 - size // 2
    assert torch.allclose(seen[0], x[0, :, top : top + size, left : left + size], atol=0.02)


def test_what_lies_outside_of_the_picture_is_the_mean_colour_in_both_ways_to_cut_out() -> None:
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    x = normalise(to_float(picture[None]))
    seen = cut_out(x, torch.zeros(1, 2), torch.tensor([BODY.pixels / BODY.room]), BODY)[0]
    half = BODY.pixels / WIDTH, BODY.pixels / HEIGHT
    down = BODY.down * BODY.pixels / BODY.room / HEIGHT * 2
    views = torch.tensor([[[half[0], 0, -1], [0, half[1], down - 1]]], dtype=torch.float32)
    crops, inside = squares(picture[None], views, BODY)
    assert torch.allclose(seen, normalise(crops)[0] * inside[0], atol=0.2)
    assert (seen[:, :, : BODY.pixels // 3] == 0).all() and (seen[:, 60:, 60:] > 1).all()


def test_people_are_looked_at_from_near_where_a_head_is_sure_and_in_no_other_place() -> None:
    second = SecondLook(4).eval()
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(3, 3, *CLOSE_SIZE, generator=rng)
    sure = torch.full((3, LOOKS), LEAST_SURE / 2)
    sure[0, 1] = sure[2, 0] = sure[2, 2] = 0.9
    middles, sides = torch.rand(3, LOOKS, 2, generator=rng) * 150, torch.full((3, LOOKS), 40.0)
    with torch.no_grad():
        near = second.near(x, FoundHeads(sure, middles, sides))
        alone = second.near(x[2:], FoundHeads(sure[2:], middles[2:], sides[2:]))
    looked = (near != NOBODY).all(2)
    looked[0, 0] = False  # the first is always looked at
    assert torch.equal(looked, sure > LEAST_SURE)
    assert torch.allclose(near[2], alone[0], atol=1e-5), "neighbours in a batch do not matter"


def test_an_untrained_second_look_changes_nothing() -> None:
    net = CloserTagNet(9).eval()
    x = torch.randn(2, 3, *CLOSE_SIZE)
    with torch.no_grad():
        assert torch.allclose(net(x), net.base(resized(x, PICTURE_SIZE)), atol=1e-5)


def test_a_tag_that_head_and_body_show_gets_the_mean_of_what_both_say() -> None:
    second = SecondLook(3).eval()
    second.rely(torch.tensor([1.0, 0, 1]), torch.tensor([0.0, 1, 1]), torch.zeros(GROUPS, 3))
    for net, said in ((second.heads, 2.0), (second.bodies, -1.0)):
        torch.nn.init.zeros_(net.last[-1].weight)
        torch.nn.init.constant_(net.last[-1].bias, said)
    anywhere = FoundHeads(torch.ones(1, LOOKS), torch.full((1, LOOKS, 2), 90.0), torch.full((1, LOOKS), 40.0))
    with torch.no_grad():
        near = second.near(torch.randn(1, 3, *CLOSE_SIZE), anywhere)
    assert near.tolist() == [[[2.0, -1.0, 0.5]] * LOOKS]


def test_exactly_two_people_can_be_told_from_one_and_from_three() -> None:
    second = SecondLook(2).eval()
    second.rely(torch.zeros(2), torch.zeros(2), torch.tensor([[1.0, 0], [0, 0], [1, 0]]))
    of_girls = second.count.weight[1, :LOOKS]
    with torch.no_grad():
        of_girls[1], of_girls[2] = 5.0, -5.0
        said = []
        for people in range(LOOKS + 1):
            near, sure = torch.full((1, LOOKS, 2), -8.0), torch.zeros(1, LOOKS)
            near[:, :people, 0], sure[:, :people] = 8.0, 1.0
            said.append(float(second.joined(torch.zeros(1, 2), near, sure)[0, 1]))
    assert int(np.argmax(said)) == 2 and sorted(said)[-2] < 0.1 < 4.5 < max(said)


def test_a_narrowed_net_says_the_same_of_the_tags_that_it_keeps() -> None:
    net = CloserTagNet(9).eval()
    torch.nn.init.normal_(net.second.told.weight, std=0.3)
    net.base.head.counted.copy_(torch.tensor([2, 5]))
    net.second.counted[:, [2, 5]] = 1
    kept = torch.tensor([0, 2, 5, 7])
    # tags that are left out must not have told anything about those that stay
    others = [i for i in range(9) if i not in kept]
    with torch.no_grad():
        for block in range(2):
            net.second.told.weight[:, [block * 9 + i for i in others]] = 0
        x = torch.randn(2, 3, *CLOSE_SIZE)
        assert torch.allclose(net.narrowed(kept).eval()(x), net(x)[:, kept], atol=1e-4)


def test_what_a_net_is_told_to_say_from_a_probability_on_is_said_as_one_half() -> None:
    net = CloserTagNet(9).eval()
    x = torch.randn(1, 3, *CLOSE_SIZE)
    with torch.no_grad():
        before = net(x)
        net.say_from(0.4)
        assert torch.allclose(net(x) - before, torch.logit(torch.tensor(0.6)).expand(1, 9), atol=1e-4)


def test_arrays_in_several_files_are_read_like_one(tmp_path: Path) -> None:
    whole = np.arange(60, dtype=np.uint8).reshape(10, 2, 3)
    files = [tmp_path / f"{name}.npy" for name in "abc"]
    for file, part in zip(files, (whole[:4], whole[4:5], whole[5:]), strict=True):
        np.save(file, part)
    stored = Stored(files)
    assert len(stored) == 10
    rows = np.array([9, 0, 4, 3, 5, 4])
    assert np.array_equal(stored[rows], whole[rows])
    assert np.array_equal(stored[range(3, 7)], whole[3:7])

"""Muon: what it does to a layer's gradient, and which layers it is for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from training.muon import Muon, optimisers, orthogonal  # noqa: E402
from training.nets import conv, hidden  # noqa: E402


@pytest.mark.parametrize("shape", [(24, 54), (160, 40), (64, 64)])
def test_all_directions_of_a_gradient_become_equally_long(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    lengths = torch.logspace(0, -2, min(shape))
    made = orthogonal(left @ torch.diag(lengths) @ right)
    turned = left.T @ made @ right.T
    assert torch.linalg.svdvals(made).min() > 0.6 and torch.linalg.svdvals(made).max() < 1.3
    assert (turned - torch.diag(turned.diag())).abs().max() < 0.01, "the directions stay the same"


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_a_step_is_as_long_as_one_of_adamw_whatever_the_size_of_the_gradient(scale: float) -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(32, 8, 3, 3))
    weight.grad = torch.randn(32, 8, 3, 3) * scale
    Muon([weight], lr=0.01).step()
    assert 0.001 < float(weight.detach().square().mean().sqrt()) < 0.003, (
        "AdamW's steps are 0.2 to 0.4 times lr"
    )


def test_layers_that_batch_norm_follows_are_moved_by_muon_and_all_others_by_adamw() -> None:
    net = torch.nn.Sequential(conv(3, 8), torch.nn.Flatten(), hidden(8 * 16, 4), torch.nn.Linear(4, 2))
    muon, adam = optimisers(net, 1e-3)
    assert isinstance(muon, Muon)
    moved = [p for group in muon.param_groups for p in group["params"]]
    assert [tuple(p.shape) for p in moved] == [(8, 3, 3, 3), (4, 128)]
    others = {id(p) for group in adam.param_groups for p in group["params"]}
    assert others == {id(p) for p in net.parameters()} - {id(p) for p in moved}


def test_a_net_without_such_layers_is_left_to_adamw() -> None:
    (adam,) = optimisers(torch.nn.Linear(4, 2), 1e-3)
    assert isinstance(adam, torch.optim.AdamW)

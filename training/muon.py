"""Muon: an optimiser that moves every direction of a layer's weights equally far, however small its gradient is.

Rule: it is for layers without a bias, which have a norm before or after them. Everything else is left to AdamW.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
ROUNDS, CUBIC = 5, (3.4445, -4.7750, 2.0315)
"""Steps of the Newton-Schulz iteration, and its coefficients (Jordan et al., 2024, "Muon: An optimizer for hidden
layers in neural networks")."""
LIKE_ADAM = 0.2
"""With this factor a step is as long as one of AdamW, so that both take the same learning rate (Liu et al., arXiv
2502.16982)."""
DECAY = 0.02


def orthogonal(matrix: Tensor) -> Tensor:
    """Return a matrix [a,b] with the same singular vectors, whose singular values are all near 1 (0.7 … 1.2)."""
    first, third, fifth = CUBIC
    x = matrix / (matrix.norm() + 1e-7)
    tall = len(x) > x.shape[1]
    x = x.T if tall else x
    for _ in range(ROUNDS):
        square = x @ x.T
        x = first * x + (third * square + fifth * square @ square) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose steps are made `orthogonal`; a convolution's kernel counts as the matrix [outputs, all inputs]."""

    def __init__(self, weights: list[nn.Parameter], lr: float) -> None:
        super().__init__(weights, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move the weights that have a gradient."""
        assert closure is None, "Muon takes no closure."
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group["lr"])

    def _move(self, weight: Tensor, gradient: Tensor, rate: float) -> None:
        state: dict[str, Any] = self.state[weight]
        mean = state.setdefault("mean", torch.zeros_like(weight))
        mean.lerp_(gradient, 1 - MOMENTUM)
        matrix = gradient.lerp(mean, MOMENTUM).flatten(1)
        length = LIKE_ADAM * max(matrix.shape) ** 0.5
        weight.mul_(1 - rate * DECAY)
        weight.add_(orthogonal(matrix).view_as(weight), alpha=-rate * length)


def optimisers(net: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Return Muon for the weights of layers without a bias, if there are any, and AdamW for the rest."""
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear) and m.bias is None]
    even = [layer.weight for layer in layers if layer.weight.requires_grad]
    known = {id(weight) for weight in even}
    others = [p for p in net.parameters() if p.requires_grad and id(p) not in known]
    adam = torch.optim.AdamW(
        [
            {"params": [p for p in others if p.ndim > 1], "weight_decay": DECAY},
            {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=rate,
    )
    return [Muon(even, rate), adam] if even else [adam]

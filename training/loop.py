"""One training loop for all nets: Muon and AdamW, warm-up and cosine decay, an exponential average of the weights.

Rule: a stage brings a function from step number to loss; the loop knows nothing of pictures.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.muon import optimisers


class Average:
    """Exponential moving average of a net's weights and buffers; the average is what gets exported."""

    def __init__(self, net: nn.Module, decay: float = 0.998) -> None:
        self.net, self.decay, self.count = copy.deepcopy(net).eval(), decay, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move the average towards `net`; faster in the beginning."""
        self.count += 1
        keep = min(self.decay, (1 + self.count) / (10 + self.count))
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.mul_(keep).add_(theirs, alpha=1 - keep)
            else:
                mine.copy_(theirs)


def rate(step: int, steps: int, warm: int = 100) -> float:
    """Return the share of the top learning rate at a step: linear warm-up, cosine decay to 1 %."""
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


@dataclass(frozen=True)
class Plan:
    """How a stage runs: seed, optimiser steps, batch, top learning rate.

    `kept` is the file of the averaged weights: training starts from it when it is there, and writes it.
    """

    seed: int
    steps: int
    batch: int
    top_rate: float
    kept: Path


def fit(
    net: nn.Module, loss_at: Callable[[int], Tensor], plan: Plan, say: Callable[[str], None]
) -> nn.Module:
    """Run `plan.steps` optimiser steps and return the averaged net, in evaluation mode."""
    steps, top_rate = plan.steps, plan.top_rate
    if plan.kept.exists():
        net.load_state_dict(torch.load(plan.kept))
        say(f"going on from {plan.kept}")
    net.to(memory_format=torch.channels_last)  # a fifth faster on CPUs
    both = optimisers(net, top_rate)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(one, lambda s: rate(s, steps, min(100, steps // 5 + 1)))
        for one in both
    ]
    average = Average(net)
    began, total = time.monotonic(), 0.0
    net.train()
    for step in range(steps):
        loss = loss_at(step)
        net.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        for one in both:
            one.step()
        for schedule in schedules:
            schedule.step()
        average.update(net)
        total += float(loss.detach())
        if (step + 1) % 100 == 0 or step + 1 == steps:
            say(
                f"step {step + 1}/{steps}  loss {total / (step % 100 + 1):.4f}  {time.monotonic() - began:.0f} s"
            )
            total = 0.0
            torch.save(average.net.state_dict(), plan.kept)
    return average.net

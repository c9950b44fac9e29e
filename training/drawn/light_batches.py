"""Lights over batches of cached pictures: the torch half of `lights.py`.

Rule: a batch has no masks of people, so a light falls on everything alike and has no rim.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from training.drawn.lights import LUMA, Light, coarse_map
from training.drawn.pictures import light_of_tags

_LUMA = torch.from_numpy(LUMA).view(1, 3, 1, 1)


def lit(pictures: Tensor, tags: list[frozenset[str]], rng: np.random.Generator, share: float) -> Tensor:
    """Return the pictures [N,3,H,W] (0…1), a random `share` of them in a random light that agrees with their tags."""
    rows = np.flatnonzero(rng.random(len(pictures)) < share)
    if len(rows) == 0:
        return pictures
    out = pictures.clone()
    out[rows] = in_lights(pictures[rows], [light_of_tags(tags[i], rng) for i in rows])
    return out


def in_lights(pictures: Tensor, lights: list[Light]) -> Tensor:
    """Return each picture of [N,3,H,W] (0…1) in its own light, as `lights.relit` does without a mask."""
    bend = _column([light.bend for light in lights])
    saturation = _column([light.saturation for light in lights])
    x = torch.addcmul(pictures, bend * pictures, 1 - pictures)
    grey = (x * _LUMA).sum(1, keepdim=True)
    x = torch.lerp(grey.expand_as(x), x, saturation)
    near = [light.near.terms() for light in lights]
    far = [(light.near if light.shape == "even" else light.far).terms() for light in lights]
    both = list(zip(near, far, strict=True))
    part = passages(lights, (pictures.shape[2], pictures.shape[3]))
    factor, offset = (
        torch.addcmul(_colours([n[k] for n in near]), part, _colours([f[k] - n[k] for n, f in both]))
        for k in (0, 1)
    )
    return torch.addcmul(offset, x, factor).clamp_(0, 1)


def passages(lights: list[Light], size: tuple[int, int]) -> Tensor:
    """Return the maps [N,1,height,width] of the lights: 0 where the near wash is, 1 where the far one is."""
    coarse = torch.from_numpy(np.stack([coarse_map(light) for light in lights]))[:, None]
    fine = F.interpolate(coarse, size, mode="bilinear", align_corners=False)
    edge, reach = _column([light.edge for light in lights]), _column([light.reach for light in lights])
    return ((fine - reach) * edge + 0.5).clamp_(0, 1)


def _column(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1)


def _colours(values: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(values).astype(np.float32)).view(-1, 3, 1, 1)

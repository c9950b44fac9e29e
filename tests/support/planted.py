"""Embeddings with near-duplicates planted, for the tests and the benchmark of the similarity join."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def planted(
    rows: int, width: int = 512, *, copies: float = 0.7, seed: int = 7, scene: int = 200
) -> npt.NDArray[np.float32]:
    """Return unit vectors float32 [rows, width] in the order of time, like frames of one show.

    All share a mean direction; scenes of about `scene` rows share more; the spread falls off like that
    of CLIP embeddings (variance of direction j about 1/j). A row is a near copy of the row before it
    with probability `copies`, at cosines of about 0.97 to 0.9999, so that some fall on either side of 0.985.
    """
    rng = np.random.default_rng(seed)
    spread = (np.arange(1, width + 1) ** -0.5).astype(np.float32)
    spread /= np.linalg.norm(spread)
    mean = rng.standard_normal(width, dtype=np.float32)
    mean /= np.linalg.norm(mean)
    scenes = rng.standard_normal((rows // scene + 1, width), dtype=np.float32) * spread
    out = np.empty((rows, width), np.float32)
    for low in range(0, rows, 65_536):
        part = out[low : low + 65_536]
        part[:] = rng.standard_normal(part.shape, dtype=np.float32) * spread
        part *= 0.7
        part += 0.6 * scenes[np.arange(low, low + len(part)) // scene]
        part += 1.1 * mean
    is_copy = rng.random(rows) < copies
    is_copy[0] = False
    distance = np.exp(rng.uniform(np.log(0.015), np.log(0.25), rows)).astype(np.float32)
    out /= np.linalg.norm(out, axis=1)[:, None]
    for row in np.flatnonzero(is_copy):
        noise = rng.standard_normal(width, dtype=np.float32) * spread
        out[row] = out[row - 1] + noise * (distance[row] / np.linalg.norm(noise))
        out[row] /= np.linalg.norm(out[row])
    return out

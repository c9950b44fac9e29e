"""An upper bound of a cosine from a few numbers per row. No pair at or above a threshold is missed.

Split each unit vector into its part inside the span of k orthonormal directions (Px) and the rest.
Then x·y = Px·Py + rest_x·rest_y ≤ Px·Py + |rest_x|·|rest_y|: the dot product of two features
[Px, |rest_x|] of width k + 1, which are unit vectors again. The directions are the first principal
components of the rows (not centred: cosines are not), which leave the smallest rests on average.
The bound is valid for any rows, also for those added later; only its tightness depends on the directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animeds_db.vectors.parallel import spans
from animeds_db.vectors.rows import EPSILON, Doubles, Floats, Matrix, Positions, block_rows, unit

COMPONENTS = (8, 16, 24, 32, 48, 64, 96, 128)
"""Possible numbers of directions. One of them is chosen by its cost on a sample."""

SAMPLE_ROWS = 1024
PRINCIPAL_ROWS = 4096

# Measured on one core (Xeon, AVX-512, OpenBLAS 0.3.31; nanoseconds). Only the choice depends on them,
# not the result.
_PER_PAIR, _PER_PAIR_AND_COLUMN = 0.45, 0.018  # small GEMM tile and its maximum
_PER_CANDIDATE = 2500.0  # gathering two rows and multiplying them in float64


def slack(columns: int) -> float:
    """Return the maximum error by which a float32 dot product of two unit vectors of this width can be too small.

    Rounding of n products and sums is at most n·2**-24 times the sum of the absolute products (Higham,
    Accuracy and Stability of Numerical Algorithms, 3.1), which is at most 1 here; rounding the entries
    to float32 adds 2·2**-24. This is twice that bound and a little more.
    """
    return (columns + 8) * EPSILON


def principal_directions(x: Matrix, rows: Positions, count: int) -> Doubles:
    """Return the first `count` principal directions of these usable rows, orthonormal, [width, count]."""
    gram = np.zeros((x.shape[1], x.shape[1]))
    for block in spans(0, len(rows), block_rows(x.shape[1])):
        units = unit(x[rows[block]])
        gram += units.T @ units
    _, vectors = np.linalg.eigh(gram)
    return np.ascontiguousarray(vectors[:, ::-1][:, :count])


def project(units: Doubles, directions: Doubles) -> Floats:
    """Return the features [rows, count + 1] whose dot products bound the cosines from above.

    Computed in float64, so that a rest near zero is not lost to cancellation. The rest is rounded up.
    """
    inside = units @ directions
    rest = np.sqrt(np.maximum(0.0, 1.0 - np.vecdot(inside, inside)))
    out = np.empty((len(units), inside.shape[1] + 1), np.float32)
    out[:, :-1] = inside
    out[:, -1] = rest * (1 + EPSILON)
    return out


def pick_rows(rows: Positions, count: int, seed: int = 0) -> Positions:
    """Return `count` random rows (all, if there are fewer), in order. The choice is always the same."""
    if len(rows) <= count:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))


@dataclass(frozen=True)
class BoundCost:
    """Cost of a bound of `components` directions. The `share` of pairs that pass must be verified."""

    components: int
    share: float

    def per_pair(self) -> float:
        """Nanoseconds to test one pair against the bound."""
        return _PER_PAIR + _PER_PAIR_AND_COLUMN * (self.components + 1)

    def join(self, compared: float = 1.0) -> float:
        """Nanoseconds per pair of rows if only the share `compared` of all pairs is tested."""
        return compared * self.per_pair() + self.share * _PER_CANDIDATE


def bound_costs(units: Doubles, directions: Doubles, threshold: float) -> list[BoundCost]:
    """Return the cost of each possible number of directions, estimated on all pairs of a few unit vectors."""
    costs = []
    others = max(1, len(units) * (len(units) - 1))
    for count in [k for k in COMPONENTS if k <= directions.shape[1]]:
        features = project(units, directions[:, :count])
        hits = int(np.count_nonzero(features @ features.T >= threshold - slack(count + 1))) - len(units)
        costs.append(BoundCost(count, max(0, hits) / others))
    return costs


def plain_cost(width: int) -> float:
    """Return the nanoseconds to test one pair of rows by a full GEMM of this width (measured at 512)."""
    return _PER_PAIR + 0.025 * width


def tile_features(block: Matrix, directions: Doubles | None) -> Floats:
    """Return the rows that tiles multiply: features of usable rows, or their float32 unit vectors."""
    units = unit(block)
    return units.astype(np.float32) if directions is None else project(units, directions)


def features(x: Matrix, rows: Positions, directions: Doubles) -> Floats:
    """Return the features of these usable rows of x, float32 [rows, components + 1], block by block."""
    out = np.empty((len(rows), directions.shape[1] + 1), np.float32)
    for block in spans(0, len(rows), block_rows(x.shape[1])):
        out[block] = project(unit(x[rows[block]]), directions)
    return out

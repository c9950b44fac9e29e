"""Vectors as NumPy matrices: exact and approximate similarity joins, nearest neighbours, unit vectors.

This package works with matrices whose rows are vectors and does not read tables. Everywhere in it, a cosine
is defined as in rows.py.
"""

from __future__ import annotations

from animeds_db.vectors.approximate import ApproximatePairs, Recall, approximate_between, approximate_pairs
from animeds_db.vectors.engine import Pairs
from animeds_db.vectors.index import SimilarityIndex
from animeds_db.vectors.join import similar_between, similar_pairs, similarity_index
from animeds_db.vectors.linkage import average_linkage
from animeds_db.vectors.memory import checked_threshold
from animeds_db.vectors.nearest import Nearest, nearest
from animeds_db.vectors.parallel import Progress
from animeds_db.vectors.rows import Normalised, cosines, normalise, usable_rows
from animeds_db.vectors.runs import run_leaders

__all__ = [
    "ApproximatePairs",
    "Nearest",
    "Normalised",
    "Pairs",
    "Progress",
    "Recall",
    "SimilarityIndex",
    "approximate_between",
    "approximate_pairs",
    "average_linkage",
    "checked_threshold",
    "cosines",
    "nearest",
    "normalise",
    "run_leaders",
    "similar_between",
    "similar_pairs",
    "similarity_index",
    "usable_rows",
]

"""Vectors as NumPy matrices: exact and approximate similarity joins, nearest neighbours, unit vectors.

Rows are vectors, and that is all this package knows: which table they come from is the caller's
affair. Cosine means what rows.py says, everywhere.
"""

from __future__ import annotations

from animeds_db.vectors.engine import Pairs
from animeds_db.vectors.index import SimilarityIndex
from animeds_db.vectors.join import similar_between, similar_pairs, similarity_index
from animeds_db.vectors.rows import Normalised, cosines, normalise

__all__ = [
    "Normalised",
    "Pairs",
    "SimilarityIndex",
    "cosines",
    "normalise",
    "similar_between",
    "similar_pairs",
    "similarity_index",
]

"""Distributes work to workers on Ray: the cluster, the workers and their results.

This package does not know the kind of work; callers define it (an ingest, a comparison of vectors).
"""

from __future__ import annotations

from animeds_db.workers.cluster import Ray, cluster, expect, sole_coordinator
from animeds_db.workers.handout import HandOut
from animeds_db.workers.reading import Piece, Spread, spread
from animeds_db.workers.worker import Seat, Worker, versions

__all__ = [
    "HandOut",
    "Piece",
    "Ray",
    "Seat",
    "Spread",
    "Worker",
    "cluster",
    "expect",
    "sole_coordinator",
    "spread",
    "versions",
]

"""What a dataset finds by comparing everything with everything: near-duplicates, and pairs that are alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.session import Session
from animeds_db.store import Store

if TYPE_CHECKING:
    import duckdb

    from animeds_db.steps.dedup.find import DedupOptions, Duplicates
    from animeds_db.steps.search.pairs import SimilarRows
    from animeds_db.workers import Ray


class Comparisons:
    """The part of a `Dataset` that compares rows with rows."""

    store: Store
    session: Session

    def dedup(
        self,
        options: DedupOptions | None = None,
        *,
        rank: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
        on: Ray | None = None,
    ) -> Duplicates:
        """Find near-duplicates and shared segments, and write the tables `duplicates` and `segments`.

        `on=Ray(…)`: by workers, for vectors that do not fit into this machine (see animeds_db.workers).
        """
        from animeds_db.steps.dedup.find import DedupOptions, find_duplicates

        return find_duplicates(
            self.store, self.session, options or DedupOptions(), rank=rank, progress=progress, on=on
        )

    def preview_dedup(
        self,
        options: DedupOptions | None,
        page: str | Path,
        *,
        rank: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Write an HTML page (or .png) with borderline pairs; return what other thresholds and bits would do."""
        from animeds_db.steps.dedup.find import DedupOptions
        from animeds_db.steps.dedup.preview import preview

        rows = preview(
            self.store, self.session, options or DedupOptions(), Path(page), rank=rank, progress=progress
        )
        return [asdict(row) for row in rows]

    def similar_pairs(
        self,
        threshold: float,
        *,
        left: str | Sequence[str] | duckdb.DuckDBPyRelation | None = None,
        right: str | Sequence[str] | duckdb.DuckDBPyRelation | None = None,
        of: str = "frames",
        exact: bool = True,
        memory_mb: float = 1024,
        progress: Callable[[int, int], None] | None = None,
    ) -> SimilarRows:
        """Return all pairs of frames (or `of="faces"`) whose vectors have a cosine ≥ threshold (0…1).

        `left`, `right`: SQL or a relation with frame_id (face_id), or ids; None: all. New frames against
        everything: `left=` the new ones. `.table` is an Arrow table of frame_id, other_frame_id, similarity:
        each pair once, never a frame with itself, sorted. `exact=False` finds most of them sooner in very large
        sets, and `.recall` says what share. `memory_mb` bounds the memory besides the vectors.

        Raises UsageError for a threshold outside 0…1 or pairs that do not fit in memory_mb, QueryError,
        StoreError for vectors of several models.
        """
        from animeds_db.steps.search.pairs import similar_rows

        return similar_rows(
            self.session,
            threshold,
            left=left,
            right=right,
            of=of,
            exact=exact,
            memory_mb=memory_mb,
            progress=progress,
        )

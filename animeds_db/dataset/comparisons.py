"""Methods of `Dataset` that compare frames with each other: near-duplicates, similar pairs and the map."""

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
    from animeds_db.steps.dedup.preview import Effects
    from animeds_db.steps.map import Map
    from animeds_db.steps.search.pairs import SimilarRows
    from animeds_db.workers import Ray


class Comparisons:
    """Methods of `Dataset` that find near-duplicates and similar pairs, and make the map."""

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

        `on=Ray(…)` runs it on workers, for vectors that do not fit into memory here (see animeds_db.workers).
        """
        from animeds_db.steps.dedup.find import DedupOptions, find_duplicates

        return find_duplicates(
            self.store, self.session, options or DedupOptions(), rank=rank, progress=progress, on=on
        )

    def dedup_effects(
        self,
        options: DedupOptions | None = None,
        *,
        rank: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Effects:
        """Return the effect of other thresholds and bits of `dedup`, and pairs near them. Nothing is written."""
        from animeds_db.steps.dedup.find import DedupOptions
        from animeds_db.steps.dedup.preview import effects

        return effects(self.store, self.session, options or DedupOptions(), rank=rank, progress=progress)

    def preview_dedup(
        self,
        options: DedupOptions | None,
        page: str | Path,
        *,
        rank: Path | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Write an HTML page (or .png) with borderline pairs; return the effect of other thresholds and bits."""
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

        `left`, `right`: SQL or a relation with frame_id (face_id), or ids; None: all. To compare new frames with all,
        pass the new ones as `left`. `.table` is an Arrow table of frame_id, other_frame_id, similarity: each pair
        once, without pairs of a frame with itself, sorted. `exact=False` is faster in very large databases and finds
        most pairs; `.recall` is their estimated share. `memory_mb` limits the memory used besides the vectors.

        Raises UsageError for a threshold outside 0…1 or if the pairs do not fit in memory_mb, QueryError,
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

    def map(
        self,
        of: str = "frames",
        *,
        again: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Map:
        """Return the map of the frames (or `of="faces"`): points of the plane, similar ones near each other.

        `.table` has frame_id, x and y (0…1); of faces also face_id. It is computed once and kept beside the tables,
        until frames are added; `again` computes it in any case. The method is t-SNE with the extra [map], else PCA.
        Of more than 100,000 frames, that many are picked at random. Raises UsageError for another `of`, StoreError
        without vectors or with vectors of several models.
        """
        from animeds_db.steps.map import make_map

        return make_map(self.session, self.store, of, again=again, progress=progress)

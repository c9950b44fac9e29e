"""Compares the tables of a database: finds rows that one table refers to and another does not have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from animeds_db.session.scripts import sql_script
from animeds_db.upkeep.examining import Examined

COLUMNS = {
    "sources": ("source_id", "state", "n_frames", "models"),
    "frames": ("frame_id", "source_id", "tags"),
    "detections": ("frame_id", "source_id", "model"),
    "thumbnails": ("frame_id", "source_id"),
    "detected": ("detected_id", "frame_id", "source_id", "model", "n_found"),
    "taggings": ("tagging_id", "source_id", "tags"),
    "box_tags": ("box_tagging_id", "source_id", "tags"),
    "vocabulary": ("tag_id",),
    "models": ("model_id",),
}
"""The columns that are compared, by table."""
WORDS = {
    "waiting": "source {source} is marked as damaged, and waits for the next ingest of it",
    "frames": "source {source}: {n} frames are missing. The next ingest of it restores them",
    "thumbnails": "source {source}: {n} frames have no thumbnail. The next ingest of it restores them",
    "detections without frame": "source {source}: {n} detections belong to frames that are gone. "
    "The next ingest of it restores the frames",
    "frames without source": "{n} frames belong to the source {source}, which is gone from the table sources. "
    "The next ingest of its file restores it",
    "tags": "source {source}: {n} tags of frames are not in the vocabulary. The next ingest of it restores them",
    "models": "source {source}: {n} of its models are not in the table models. "
    "The next ingest of it restores them",
    "boxes of a rerun": "source {source}: {n} frames lack boxes that `animeds detect` found. "
    "The same `animeds detect` restores them",
    "tags of a rerun": "source {source}: {n} frames have tags of `animeds tag` that are not in the vocabulary. "
    "The same `animeds tag` restores them",
    "tags of boxes": "source {source}: {n} boxes have tags that are not in the vocabulary. "
    "The same `animeds tag --boxes` restores them",
}
"""Messages for the gaps found by sql/steps/check/gaps.sql."""
OF_INGEST = ("frames", "thumbnails", "detections without frame", "tags", "models")
"""Gaps that the next ingest of the source closes."""


@dataclass(frozen=True)
class Gap:
    """Rows of one source that are missing, or belong to nothing."""

    kind: str
    source: str
    n: int

    @property
    def words(self) -> str:
        """The gap as one sentence."""
        return WORDS[self.kind].format(source=self.source, n=self.n)


@dataclass(frozen=True)
class Gaps:
    """Result of a comparison. `sources`: the ids in the table `sources`. The other fields are keys of rows to delete,
    and ids of tags that the vocabulary lacks."""

    found: list[Gap]
    sources: set[str]
    wrong_box_counts: list[str]
    taggings_with_lost_tags: list[str]
    box_tags_with_lost_tags: list[str]
    lost_tags: list[int]

    @property
    def incomplete(self) -> set[str]:
        """Sources that the next ingest must read again."""
        return {gap.source for gap in self.found if gap.kind in OF_INGEST}


def compare(tables: Mapping[str, Examined]) -> Gaps:
    """Compare the readable rows of a database's tables."""
    with duckdb.connect() as database:
        for name, columns in COLUMNS.items():
            database.register(name, tables[name].left(columns))
        for script in ("wrong_box_counts.sql", "taggings_with_lost_tags.sql"):
            database.execute(sql_script("steps/check", script))
        found = database.execute(sql_script("steps/check", "gaps.sql")).fetchall()
        lost_tags = database.execute(sql_script("steps/check", "lost_tags.sql")).fetchall()
        return Gaps(
            [Gap(*row) for row in found],
            {row[0] for row in database.execute("SELECT source_id FROM sources").fetchall()},
            [row[0] for row in database.execute("SELECT detected_id FROM wrong_box_counts").fetchall()],
            [row[0] for row in database.execute("SELECT tagging_id FROM taggings_with_lost_tags").fetchall()],
            [row[0] for row in database.execute("FROM box_tags_with_lost_tags").fetchall()],
            [row[0] for row in lost_tags],
        )

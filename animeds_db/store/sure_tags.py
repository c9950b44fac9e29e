"""Tags above their threshold: the tagger's own threshold for the tag, else for the tag's category.

Scores are stored for every tag that the tagger found likely. Which tags pass their threshold is decided here,
once, when a frame is tagged, so that queries need not look at scores.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.schema import SCORE_UNIT

if TYPE_CHECKING:
    import lance

    from animeds_db.schema import Table

DEFAULT_THRESHOLD = 0.35
"""Threshold (0…1) for taggers whose manifest entry has none: the default of the WD taggers."""

SURE_COLUMNS = ("sure_tags", "sure_scores")
"""Columns of `frames` and `taggings` with the tags above their threshold, and their scores in thousandths."""

NEVER = SCORE_UNIT + 1
"""A score that no tag reaches, for numbers that are not tag ids."""


def threshold_of(category: str, thresholds: Mapping[str, float]) -> float:
    """Return the threshold (0…1) of a category, or the one of general tags if the category has none."""
    return float(thresholds.get(category, thresholds.get("general", DEFAULT_THRESHOLD)))


def stored_threshold(threshold: float) -> int:
    """Return a threshold (0…1) in thousandths, rounded up to a whole number, to compare with stored scores."""
    return min(math.ceil(round(threshold * SCORE_UNIT, 6)), NEVER)


@dataclass(frozen=True)
class SureTags:
    """Computes sure_tags and sure_scores for rows that have only tags and tag_scores.

    Such rows were written before the columns existed.
    """

    model: str
    """The column that names the tagger."""
    fields: tuple[pa.Field, ...]
    lowest: Mapping[str | None, np.ndarray]
    """Per model id, the minimum score in thousandths of each tag id (int16). The key None is for other models."""

    @classmethod
    def of(cls, models: lance.LanceDataset, vocabulary: lance.LanceDataset, table: Table) -> SureTags:
        """Return an instance for a table with tags, using the thresholds stored for the database's taggers."""
        tags = vocabulary.to_table(columns=["tag_id", "category"])
        numbers, categories = tags["tag_id"].to_numpy(), tags["category"].to_pylist()
        lowest = {}
        for row in ({"model_id": None, "thresholds": None}, *models.to_table().to_pylist()):
            thresholds = json.loads(row["thresholds"] or "{}")
            of = {
                category: stored_threshold(threshold_of(category, thresholds)) for category in set(categories)
            }
            lowest[row["model_id"]] = np.full(max(numbers, default=0) + 1, NEVER, np.int16)
            lowest[row["model_id"]][numbers] = [of[category] for category in categories]
        model = "tagger" if "tagger" in table.schema.names else "model"
        return cls(model, tuple(table.schema.field(name) for name in SURE_COLUMNS), lowest)

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that `__call__` reads."""
        return ("tags", "tag_scores", self.model)

    def __call__(self, rows: pa.RecordBatch) -> list[pa.Array]:
        """Return the two columns for rows with the columns `needs`. Null if a frame was never tagged."""
        tags = rows["tags"]
        numbers, scores = (np.asarray(pc.list_flatten(rows[name])) for name in ("tags", "tag_scores"))
        lengths = np.asarray(pc.fill_null(pc.list_value_length(tags), 0))
        models = np.repeat(np.asarray(rows[self.model].to_pylist(), object), lengths)
        sure = scores >= self.lowest[None][numbers]
        for model in self.lowest.keys() - {None}:
            mine = models == model
            sure[mine] = scores[mine] >= self.lowest[model][numbers[mine]]
        ends = np.concatenate([[0], np.cumsum(sure)])[np.concatenate([[0], np.cumsum(lengths)])]
        return [
            pa.ListArray.from_arrays(
                pa.array(ends, pa.int32()), pa.array(column[sure], field.type.value_type), mask=tags.is_null()
            )
            for column, field in zip((numbers, scores), self.fields, strict=True)
        ]

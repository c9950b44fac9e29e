"""A tagger's labels in one database: their ids and thresholds."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import numpy as np

from animeds_db.models import Tagger
from animeds_db.store import Store
from animeds_db.store.sure_tags import threshold_of
from animeds_ingest.rows import stored_tag

_log = logging.getLogger("animeds")


def vocabulary_of(store: Store, tagger: Tagger | None) -> tuple[dict[str, int], np.ndarray]:
    """Return the vocabulary id of each stored tag, and the thresholds of the labels (float32 [labels], 0…1).

    Tags that the vocabulary lacks are added. Without a tagger, both are empty.
    Raises StoreError if there are too many tags for the database.
    """
    if tagger is None:
        return {}, np.empty(0, np.float32)
    tag_ids = store.ensure_tags([(stored_tag(label), label.category) for label in tagger.labels])
    return tag_ids, label_thresholds(tagger, _per_category(store, tagger))


def label_thresholds(tagger: Tagger, per_category: Mapping[str, float]) -> np.ndarray:
    """Return the threshold of each label, float32 [labels], 0…1: its own, else its category's."""
    return np.array(
        [
            threshold_of(label.category, per_category) if label.threshold is None else label.threshold
            for label in tagger.labels
        ],
        np.float32,
    )


def _per_category(store: Store, tagger: Tagger) -> Mapping[str, float]:
    """Return the thresholds per category that the database stored first, so that one model always means the same."""
    mine = dict(tagger.entry.thresholds)
    known = store.take("models", [tagger.id], ["thresholds"])["thresholds"].to_pylist()
    stored = json.loads(known[0] or "{}") if known else mine
    if stored != mine:
        _log.warning(
            "%s tagged this database with the thresholds %s, and continues to use them. To use %s, give the entry "
            "in %s another name and tag again with it.",
            tagger.id,
            stored,
            mine,
            tagger.entry.origin,
        )
    return dict(stored)

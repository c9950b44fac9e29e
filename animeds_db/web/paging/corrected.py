"""Which sources people's corrections are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.store import Store
from animeds_db.store.location import read_errors

HARMLESS = frozenset({"labels", "settings", "vocabulary"})
"""Tables that a correction changes. A new row of `settings` or `vocabulary` changes no frame by itself."""


class Corrections:
    """The change sets of a database that were last seen."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._acts: frozenset[str] = frozenset()

    def between(self, before: Mapping[str, int], after: Mapping[str, int]) -> list[str] | None:
        """Return the sources whose frames changed between these versions of the tables; None: perhaps all of them.

        Reads the newest labels, and must be called for all versions one after the other.
        """
        changed = {name for name in after if after[name] != before.get(name)}
        if "labels" not in changed:
            return [] if changed <= HARMLESS else None
        with read_errors(self._store.uri):
            labels = self._store.table("labels", after["labels"]).to_table(
                columns=["act", "op", "value", "source_id"]
            )
        acts, seen = frozenset(labels["act"].to_pylist()), self._acts
        self._acts = acts
        if not changed <= HARMLESS or not seen <= acts:
            return None
        return _sources(labels, acts - seen)


def _sources(labels: pa.Table, acts: Iterable[str]) -> list[str] | None:
    """Return the sources of these change sets and of those that they undo; None if one of them is not of a source."""
    undoes = labels.filter(pc.equal(labels["op"], "undo"))
    undone = dict(zip(undoes["act"].to_pylist(), undoes["value"].to_pylist(), strict=True))
    affected = set(acts)
    for act in acts:
        other = undone.get(act)
        while other is not None and other not in affected:
            affected.add(other)
            other = undone.get(other)
    mine = pc.and_(pc.is_in(labels["act"], value_set=pa.array(affected)), pc.not_equal(labels["op"], "undo"))
    sources = labels["source_id"].filter(mine)
    return None if sources.null_count else pc.unique(sources).to_pylist()

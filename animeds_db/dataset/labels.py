"""Methods of `Dataset` for corrections: labels, undo, renames. They win over models and can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from animeds_db.session import Session
from animeds_db.steps.labels import changes as labels
from animeds_db.steps.labels.changes import Act
from animeds_db.steps.labels.csv_file import read_words
from animeds_db.steps.labels.renames import rename_all, rename_by_csv
from animeds_db.steps.labels.targets import expect_some, ids_of, words_about
from animeds_db.store import Store

if TYPE_CHECKING:
    import duckdb


class Corrections:
    """Methods of `Dataset` to correct models."""

    store: Store
    session: Session

    def label(
        self,
        field: str,
        op: str,
        value: str | None,
        selection: str | Sequence[str] | duckdb.DuckDBPyRelation,
        *,
        who: str | None = None,
    ) -> Act:
        """Label faces or frames. Labels win over models in every view, and can be undone.

        field, op, value: ("character", "set", name), ("appearance", "set", name), ("tag", "add" or "remove",
        tag), ("frame", "set", "keep" or "drop"), ("description", "set", text). "remove" with None removes the labels
        of a character, appearance, frame or description. selection: ids, SQL, or a relation with face_id or frame_id.
        Raises UsageError, QueryError for unknown ids and for frames without exactly one face.
        """
        ids = ids_of(self.session, field, selection)
        expect_some(ids, "this selection")
        return self.label_all(((field, op, value, one) for one in ids), who=who)

    def label_all(
        self, labelled: Iterable[tuple[str, str, str | None, str]], *, who: str | None = None
    ) -> Act:
        """Add several labels as one change set: (field, op, value, id of a face, another box or a frame)."""
        words = [(field, op, labels.checked(field, op, value), one) for field, op, value, one in labelled]
        return labels.speak(self.store, words_about(self.store, self.session, words), who)

    def label_csv(self, path: str | Path, *, who: str | None = None) -> Act:
        """Apply the labels in a CSV file: frame_id or face_id, and character, appearance, tags, frame, description."""
        return labels.speak(self.store, read_words(self.store, self.session, Path(path)), who)

    def undo(self, act: str | None = None, *, who: str | None = None) -> Act:
        """Undo one change set. Without an id: the latest one that is not itself an undo."""
        return labels.undo(self.store, self.session, act, who)

    def history(self) -> duckdb.DuckDBPyRelation:
        """Return one row per change set, newest first: act, said_at, who, what, n, counts, n_gone."""
        return labels.history(self.session)

    def rename_characters(self, names: Mapping[str, str] | str | Path, *, who: str | None = None) -> Act:
        """Rename or merge characters everywhere: {old: new}, or a CSV file of two columns. Can be undone."""
        if isinstance(names, Mapping):
            return rename_all(self.store, self.session, names, who)
        return rename_by_csv(self.store, self.session, Path(names), who)

    def label_summary(self) -> list[str]:
        """Return a line with the number of labels for the summary; no line if there are none."""
        counts = "SELECT count(*), count(*) FILTER (WHERE NOT in_database) FROM labels"
        n, gone = self.session.sql(counts).fetchall()[0]
        lost = f", {gone} of them for frames that no longer exist" if gone else ""
        return [f"labels: {n} in effect{lost}"] if n else []

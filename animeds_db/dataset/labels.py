"""What people tell a dataset: labels, undo, renames. Its one rule: a person's word wins, and can be undone."""

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
    """The part of a `Dataset` by which people correct models."""

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
        """Say something of faces or frames; it wins over any model in every view, and can be undone.

        field, op, value: ("character", "set", name), ("appearance", "set", name), ("tag", "add" or "remove",
        tag), ("frame", "set", "keep" or "drop"). "remove" with None takes back what people said of a character,
        appearance or frame. selection: ids, SQL, or a relation with face_id or frame_id.
        Raises UsageError, QueryError for ids that are not there and frames whose face is not clear.
        """
        ids = ids_of(self.session, field, selection)
        expect_some(ids, "this selection")
        return self.label_all(((field, op, value, one) for one in ids), who=who)

    def label_all(self, said: Iterable[tuple[str, str, str | None, str]], *, who: str | None = None) -> Act:
        """Say several things as one act: (field, op, value, id of a face, another box or a frame)."""
        words = [(field, op, labels.checked(field, op, value), one) for field, op, value, one in said]
        return labels.speak(self.store, words_about(self.store, self.session, words), who)

    def label_csv(self, path: str | Path, *, who: str | None = None) -> Act:
        """Say what a CSV file says: frame_id or face_id, and character, appearance, tags or frame."""
        return labels.speak(self.store, read_words(self.store, self.session, Path(path)), who)

    def undo(self, act: str | None = None, *, who: str | None = None) -> Act:
        """Take an act of labelling back; None is the newest that counts. An undo can be undone by its id."""
        return labels.undo(self.store, self.session, act, who)

    def history(self) -> duckdb.DuckDBPyRelation:
        """Return one row per act of labelling, newest first: act, said_at, who, what, n, counts, n_gone."""
        return labels.history(self.session)

    def rename_characters(self, names: Mapping[str, str] | str | Path, *, who: str | None = None) -> Act:
        """Rename or merge characters everywhere: {old: new}, or a CSV file of two columns. Can be undone."""
        if isinstance(names, Mapping):
            return rename_all(self.store, self.session, names, who)
        return rename_by_csv(self.store, self.session, Path(names), who)

    def told_labels(self) -> list[str]:
        """Return a line on how many labels count, for the summary; none where nothing was said."""
        asked = "SELECT count(*), count(*) FILTER (WHERE NOT in_database) FROM labels"
        n, gone = self.session.sql(asked).fetchall()[0]
        lost = f", {gone} of them for frames that are not here any more" if gone else ""
        return [f"labels: {n} count{lost}"] if n else []

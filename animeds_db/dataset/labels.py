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
from animeds_db.steps.labels.speakers import name_speakers
from animeds_db.steps.labels.tag_edits import TagEdits, holders, tag_counts, tag_labels
from animeds_db.steps.labels.targets import expect_some, ids_of, words_about
from animeds_db.store import Store

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


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
        tag), ("frame", "set", "keep" or "drop"), ("description", "set", text), ("crop", "set",
        "left,top,right,bottom": the part of the frame that exports cut out for a box or a frame, 0…1). "remove" with
        None removes the labels of any field but tag. selection: ids, SQL, or a relation with face_id or frame_id.
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

    def edit_tags(
        self,
        selection: str | Sequence[str] | duckdb.DuckDBPyRelation | None,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        replace: Mapping[str, str] | None = None,
        who: str | None = None,
    ) -> Act:
        """Add, remove and replace tags of frames, as one change set.

        selection: ids, SQL or a relation with frame_id; None: all frames that have a tag to remove or replace.
        replace: {old: new}, in the frames that have the old tag; all replacements happen at once.
        Raises UsageError if nothing would change, QueryError for unknown ids.

        >>> ds.edit_tags(None, replace={"serafuku": "school_uniform"})  # everywhere  # doctest: +SKIP
        """
        edits = TagEdits(add, remove, replace or {})
        if selection is None:
            ids = holders(self.session, edits)
        else:
            ids = ids_of(self.session, "tag", selection)
            expect_some(ids, "this selection")
        return self.label_all(tag_labels(self.session, edits, ids), who=who)

    def tag_counts(self, selection: str | Sequence[str] | duckdb.DuckDBPyRelation) -> pa.Table:
        """Return the tags of some frames: tag, category, n_frames (frames that have it), most frequent first.

        selection: ids, SQL or a relation with frame_id.
        """
        return tag_counts(self.session, ids_of(self.session, "tag", selection))

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

    def name_speakers(self, speakers: Mapping[str, str | None], *, who: str | None = None) -> Act:
        """Confirm which character each speaker of the subtitles is: {name in the subtitles: character}.

        `ds.characters.voices()` proposes them. The columns `said_by` of the views `lines` and `dialogue` follow. None
        removes what was confirmed. Raises UsageError for a speaker that no line has.
        """
        return name_speakers(self.store, self.session, speakers, who)

    def label_summary(self) -> list[str]:
        """Return a line with the number of labels for the summary; no line if there are none."""
        if self.store.is_empty("labels"):
            return []  # planning the view takes longer than all else that `animeds status` does
        counts = "SELECT count(*), count(*) FILTER (WHERE NOT in_database) FROM labels"
        n, gone = self.session.sql(counts).fetchall()[0]
        lost = f", {gone} of them for frames that no longer exist" if gone else ""
        return [f"labels: {n} in effect{lost}"] if n else []

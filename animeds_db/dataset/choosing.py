"""Methods of `Dataset` that choose frames, look at them, and say what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from animeds_db.dataset.gallery import Gallery
from animeds_db.errors import QueryError
from animeds_db.session import Session
from animeds_db.session.given import Rows
from animeds_db.session.selected import Selected
from animeds_db.store import Store

if TYPE_CHECKING:
    import duckdb

    from animeds_db.steps.coverage import Coverage
    from animeds_db.steps.selections import SavedSelection


class Choosing:
    """Methods of `Dataset` about selections: a named query, SQL, ids, a table or a relation with frame_id."""

    store: Store
    session: Session

    def character_set(self, *characters: str, **conditions: Any) -> duckdb.DuckDBPyRelation:
        """Return frames of characters for training, the best first: the named query `character_set`.

        Conditions are its parameters: appearances, has, has_none, framing, shows, episodes (lists); count; per
        ("appearance", "episode", "shot" or "framing": evenly spread); text ("allow" or "none"); quality, copies,
        dropped (bool). Without characters every frame counts. Raises QueryError.

        >>> ds.character_set("Emi", appearances=["school", "summer"], count=40, per="appearance")  # doctest: +SKIP
        """
        values = {"characters": list(characters), **conditions}
        return self._chosen(self._selected("character_set", None, values))

    def coverage(
        self,
        character: str,
        selection: str | Rows | None = None,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        least: int = 1,
        most: int = 3,
    ) -> Coverage:
        """Return what the selected frames show of a character, and which kinds of pictures are missing.

        selection: a named query (with `params`), SQL, or rows with frame_id; without it and `sql`: all kept frames.
        least: a kind with fewer frames is a gap. most: maximum number of frames named that would fill a gap.
        Raises QueryError, UsageError.
        """
        from animeds_db.steps.coverage import coverage

        rows = None
        if selection is not None or sql is not None:
            rows = self._chosen(self._selected(selection, sql, params)).select("frame_id").to_arrow_table()
        return coverage(self.session, character, rows, least=least, most=most)

    def gallery(self, selection: str | Rows, *, limit: int = 60, **params: Any) -> Gallery:
        """Return thumbnails for a notebook.

        selection: SQL, the name of a query (with its parameters by keyword), a relation or table with frame_id, a
        polars Series, or a list of ids. Raises QueryError, UsageError.
        """
        chosen = self._chosen(self._selected(selection, None, params))
        ids = [str(row[0]) for row in chosen.select("frame_id").fetchall()]
        shown = ids[:limit]
        rows = self.store.take("thumbnails", shown, ["frame_id", "webp"])
        pictures = dict(zip(rows["frame_id"].to_pylist(), rows["webp"].to_pylist(), strict=True))
        return Gallery([(i, pictures[i]) for i in shown if i in pictures], len(ids))

    def save_selection(
        self,
        name: str,
        selection: str | Sequence[str],
        *,
        params: Mapping[str, Any] | None = None,
        who: str | None = None,
    ) -> SavedSelection:
        """Save SQL, a named query with its `params`, or ids of frames under a name. The page lists it as a view.

        A saved selection of the same name is replaced. SQL reads saved ids as saved_frames('name'). Raises QueryError
        if it has no frame_id, UsageError.
        """
        from animeds_db.session.statements import filled
        from animeds_db.steps.selections import save_frames, save_selection

        if not isinstance(selection, str):
            return save_frames(self.store, name, list(selection), who=who)
        selected = self._selected(selection, None, params)
        self._chosen(selected)
        return save_selection(self.store, name, filled(selected.sql, selected.params), who=who)

    def selections(self) -> list[SavedSelection]:
        """Return the saved selections, sorted by name: name, sql, address (of the page), who, saved_at."""
        from animeds_db.steps.selections import saved_selections

        return saved_selections(self.store)

    def selection(self, name: str) -> duckdb.DuckDBPyRelation:
        """Return the frames of a saved selection now. Raises UsageError if there is none of this name.

        >>> ds.export(ds.selection("close-ups"), "out/")  # doctest: +SKIP
        """
        from animeds_db.steps.selections import saved_selection

        return self._chosen(self._selected(None, saved_selection(self.store, name).sql, None))

    def delete_selection(self, name: str) -> None:
        """Delete a saved selection, not its frames. Raises UsageError if there is none of this name."""
        from animeds_db.steps.selections import delete_selection

        delete_selection(self.store, name)

    def _chosen(self, selected: Selected) -> duckdb.DuckDBPyRelation:
        """Return the rows of a selection. Raises QueryError if it has no column frame_id."""
        rows = self.session.sql(selected.sql, selected.params, file=selected.file, tables=selected.tables)
        if "frame_id" not in rows.columns:
            raise QueryError(
                f"This selection has no column frame_id. Its columns: {', '.join(rows.columns)}.",
                hint="a selection is any SELECT with a frame_id column",
            )
        return rows

    def _selected(
        self,
        query: str | Rows | None,
        sql: str | None,
        params: Mapping[str, Any] | None,
        *,
        dropped: bool = False,
    ) -> Selected:
        """Return a selection whose values are in the database. Raises QueryError, UsageError."""
        from animeds_db.session.queries.values import check_values

        selected = Selected.of(query, sql, params or {}, dropped=dropped)
        if selected.named is not None:
            check_values(self.session, selected.named, selected.params)
        return selected

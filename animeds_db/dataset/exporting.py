"""Methods of `Dataset` that export pictures and captions, and preview them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.errors import ExportError
from animeds_db.session import Session
from animeds_db.session.selected import Selected
from animeds_db.store import Store

if TYPE_CHECKING:
    from animeds_db.captions import CaptionProfile
    from animeds_db.export import ExportOptions, ExportReport
    from animeds_db.export.plan import Plan


@dataclass(frozen=True)
class ExportPreview:
    """What an export would write."""

    folders: list[dict[str, Any]]
    """One row per folder: folder, pictures, repeats, samples (pictures × repeats), probability (0…1)."""
    notes: tuple[str, ...] = ()
    """Notes for people, one sentence each."""


class Exporting:
    """Methods of `Dataset` for exports and captions."""

    session: Session
    store: Store

    def export(
        self,
        query: str | None,
        out: str | Path,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        options: ExportOptions | None = None,
        include_copies: bool = True,
        include_dropped: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> ExportReport:
        """Write the pictures and captions of a selection to the folder `out`.

        The selection is a named query, or `sql` (then `query` is None). `options` says how pictures are cropped,
        captioned, arranged in folders and repeated. Frames that a person dropped are left out unless
        `include_dropped`. Near-duplicates are left out by the built-in queries (`params={"copies": True}` includes
        them), and from any selection with `include_copies=False`. Raises QueryError, ExportError, SourceError,
        UsageError.
        """
        from animeds_db.export import ExportOptions, Provenance, export, select

        selected = self._selected(query, sql, params, dropped=include_dropped)
        options = options or ExportOptions()
        plan = select(
            self.session,
            selected,
            options=options,
            copies=include_copies,
            dropped=include_dropped,
        )
        self._expect_pictures(plan, selected)
        given = {name: selected.params[name] for name in params or {}}
        if selected.params.get("dropped"):
            given["dropped"] = True
        values = {name: str(value) for name, value in given.items()}
        provenance = Provenance(self.store.uri, self.session.versions, query, selected.sql, values)
        report = export(
            plan.pictures, plan.sources, out, options=options, provenance=provenance, progress=progress
        )
        return replace(report, notes=(*_notes(plan), *report.notes))

    def preview_export(
        self,
        query: str | None,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        options: ExportOptions | None = None,
        include_copies: bool = True,
        include_dropped: bool = False,
    ) -> ExportPreview:
        """Return what `export` would write, folder by folder. Nothing is written. Raises as `export` does."""
        from animeds_db.export import ExportOptions, select
        from animeds_db.export.balance import folders_of

        selected = self._selected(query, sql, params, dropped=include_dropped)
        options = options or ExportOptions()
        plan = select(
            self.session,
            selected,
            options=options,
            captions=False,
            copies=include_copies,
            dropped=include_dropped,
        )
        return ExportPreview(folders_of(plan.pictures, options.balance), _notes(plan))

    def captions(
        self,
        query: str | None,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        profile: CaptionProfile | None = None,
        limit: int | None = None,
        include_dropped: bool = False,
    ) -> list[dict[str, Any]]:
        """Return frame_id, tags (from the tagger, best first) and caption of the pictures in a selection.

        Frames that a person dropped are left out unless `include_dropped`.
        """
        from animeds_db.captions import CaptionProfile
        from animeds_db.export import select
        from animeds_db.export.captioning import captioned

        selected = self._selected(query, sql, params, dropped=include_dropped)
        plan = select(self.session, selected, dropped=include_dropped)
        self._expect_pictures(plan, selected)
        pictures = captioned(self.session, plan.pictures.slice(0, limit), profile or CaptionProfile())
        rows: list[dict[str, Any]] = pictures.select(["frame_id", "tags", "caption"]).to_pylist()
        return rows

    def why_empty(
        self, query: str | None, *, sql: str | None = None, params: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Return how many rows remain after each condition of an empty selection."""
        from animeds_db.session.why_empty import why_empty

        return why_empty(self.session, self._selected(query, sql, params))

    def _selected(
        self, query: str | None, sql: str | None, params: Mapping[str, Any] | None, *, dropped: bool = False
    ) -> Selected:
        """Return a selection whose values are in the database. Raises QueryError, UsageError."""
        from animeds_db.session.query_values import check_values

        selected = Selected.of(query, sql, params or {}, dropped=dropped)
        if selected.named is not None:
            check_values(self.session, selected.named, selected.params)
        return selected

    def _expect_pictures(self, plan: Plan, selected: Selected) -> None:
        """Raise ExportError for a plan without pictures, with the rows that remain after each condition."""
        if plan.pictures.num_rows:
            return
        if plan.left_out.n_matching:
            raise ExportError(
                f"No frame is left to export: {plan.left_out}.",
                hint="--include-dropped exports dropped frames; `animeds label undo` undoes a drop"
                if plan.left_out.n_dropped
                else "-p copies=true includes near-duplicates",
            )
        from animeds_db.session.why_empty import why_empty

        reasons = "; ".join(why_empty(self.session, selected))
        raise ExportError("The selection is empty: no frame matches.", hint=reasons or None)


def _notes(plan: Plan) -> tuple[str, ...]:
    return (str(plan.left_out),) if str(plan.left_out) else ()

"""Methods of `Dataset` that export pictures and captions, and preview them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.dataset.choosing import Choosing
from animeds_db.errors import ExportError
from animeds_db.notebook import as_html
from animeds_db.session.given import Rows
from animeds_db.session.selected import Selected

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
    pictures: list[dict[str, Any]] = field(default_factory=list)
    """Some of the pictures, from all folders in turn: folder, frame_id, crop (left, top, right, bottom, each 0…1;
    None: the whole frame), caption, repeats."""

    def _repr_html_(self) -> str:
        """Return the preview as HTML, which notebooks display."""
        return as_html(self.notes, self.folders)


class Exporting(Choosing):
    """Methods of `Dataset` for exports and captions."""

    def export(
        self,
        query: str | Rows | None,
        out: str | Path,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        options: ExportOptions | None = None,
        include_copies: bool = True,
        include_dropped: bool = False,
        recipe: Mapping[str, str] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ExportReport:
        """Write the pictures and captions of a selection to the folder `out`.

        The selection is a named query, SQL, ids, a polars Series or DataFrame, or any table or relation with frame_id;
        or `sql` (then `query` is None). `options` says how pictures are cropped,
        captioned, arranged in folders and repeated. Frames that a person dropped are left out unless
        `include_dropped`. Near-duplicates are left out by the built-in queries (`params={"copies": True}` includes
        them), and from any selection with `include_copies=False`. `recipe` is written into the manifest (see
        export.options.Provenance). Raises QueryError, ExportError, SourceError, UsageError.
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
        name = None if selected.named is None else selected.named.name
        provenance = Provenance(
            self.store.uri, self.session.versions, name, selected.sql, values, dict(recipe or {})
        )
        report = export(
            plan.pictures, plan.sources, out, options=options, provenance=provenance, progress=progress
        )
        return replace(report, notes=(*self._notes(plan, selected), *report.notes))

    def preview_export(
        self,
        query: str | Rows | None,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        options: ExportOptions | None = None,
        include_copies: bool = True,
        include_dropped: bool = False,
        pictures: int = 0,
        before: str | Path | None = None,
    ) -> ExportPreview:
        """Return what `export` would write, folder by folder, with at most `pictures` of its pictures.

        before: an exported folder. The pictures then have the caption that it has (`before`), and `is_new`.
        Nothing is written. Raises as `export` does.
        """
        from animeds_db.export import ExportOptions, preview_pictures, select, with_previous
        from animeds_db.export.columns.balance import folders_of

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
        shown = preview_pictures(self.session, plan.pictures, options, pictures)
        if before is not None:
            shown = with_previous(shown, Path(before))
        return ExportPreview(folders_of(plan.pictures, options.balance), self._notes(plan, selected), shown)

    def captions(
        self,
        query: str | Rows | None,
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
        from animeds_db.export.columns.captioning import captioned

        selected = self._selected(query, sql, params, dropped=include_dropped)
        plan = select(self.session, selected, dropped=include_dropped)
        self._expect_pictures(plan, selected)
        pictures = captioned(self.session, plan.pictures.slice(0, limit), profile or CaptionProfile())
        rows: list[dict[str, Any]] = pictures.select(["frame_id", "tags", "caption"]).to_pylist()
        return rows

    def check_captions(
        self,
        query: str | None,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        profile: CaptionProfile | None = None,
        tokenizer: str | None = None,
        max_tokens: int = 75,
        include_dropped: bool = False,
    ) -> list[dict[str, Any]]:
        """Return the faults in the captions of a selection: frame_id, fault, words, caption.

        fault: empty; contradiction (`solo` with `2girls`, `day` with `night`, …); core trait (a caption with the
        activation tag names a permanent look of its character, see the view core_tags); too long.

        tokenizer: that of the text encoder: a tokenizer.json, a folder with one, or a repository on the hub. None:
        lengths are not checked. max_tokens: longest caption in tokens (CLIP reads 75, sd-scripts up to 225, T5 512).
        Raises ModelError if the tokenizer cannot be read.
        """
        from animeds_db.captions import CaptionProfile
        from animeds_db.export.columns.captioning import faults

        profile = profile or CaptionProfile()
        rows = self.captions(query, sql=sql, params=params, profile=profile, include_dropped=include_dropped)
        return faults(self.session, rows, profile, tokenizer=tokenizer, max_tokens=max_tokens)

    def why_empty(
        self, query: str | Rows | None, *, sql: str | None = None, params: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Return how many rows remain after each condition of an empty selection."""
        from animeds_db.session.why_empty import why_empty

        return why_empty(self.session, self._selected(query, sql, params))

    def why_few(
        self,
        query: str | Rows | None,
        *,
        params: Mapping[str, Any] | None = None,
        n_frames: int,
    ) -> list[str]:
        """Return how many rows remain after each condition, if a query gives fewer than its parameter `count`.

        n_frames: the number of frames that it gives. Empty for a query without `count`.
        """
        from animeds_db.session.why_empty import why_few

        return why_few(self.session, self._selected(query, None, params), n_frames)

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

    def _notes(self, plan: Plan, selected: Selected) -> tuple[str, ...]:
        """Return what was left out, and why the selection is smaller than its `count`."""
        from animeds_db.session.why_empty import why_few

        left_out = (str(plan.left_out),) if str(plan.left_out) else ()
        return (*left_out, *plan.left_out.notes, *why_few(self.session, selected, plan.left_out.n_exported))

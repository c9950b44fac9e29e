"""Methods of `Dataset` that export clips, and preview them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.dataset.exporting import Exporting
from animeds_db.errors import ExportError, UsageError
from animeds_db.notebook import as_html
from animeds_db.session.given import Rows, as_table
from animeds_db.session.selected import ROWS, Selected

if TYPE_CHECKING:
    from animeds_db.export import ClipOptions, ExportReport
    from animeds_db.export.clips.planning import ClipPlan


@dataclass(frozen=True)
class ClipPreview:
    """What an export of clips would write."""

    buckets: list[dict[str, Any]]
    """One row per size and number of frames: width, height, frames, seconds, clips, cut_s (seconds beyond that number
    of frames, which are not used)."""
    dropped: list[dict[str, Any]] = field(default_factory=list)
    """Clips that are left out: clip_id, seconds, frames (as many as would fit), why."""
    folders: list[dict[str, Any]] = field(default_factory=list)
    """One row per folder, as in ExportPreview; `pictures` are clips."""
    notes: tuple[str, ...] = ()
    """Notes for people, one sentence each."""

    def _repr_html_(self) -> str:
        """Return the preview as HTML, which notebooks display."""
        return as_html(self.notes, self.buckets)


class ExportingClips(Exporting):
    """Methods of `Dataset` for exports of clips."""

    def export_clips(
        self,
        query: str | Rows | None,
        out: str | Path,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        options: ClipOptions | None = None,
        include_dropped: bool = False,
        recipe: Mapping[str, str] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ExportReport:
        """Write the clips and captions of a selection to the folder `out`, which appears when it is complete.

        The selection has clip_id, or shot_id for whole shots: SQL, a named query, ids of clips, or any table or
        relation. Its columns folder, filename, caption, repeats, crop, caption_profile and control_id (another clip)
        control the export. Clips and frames that a person dropped are left out unless `include_dropped`.
        Raises QueryError, ExportError, SourceError, UsageError.

        >>> ds.export_clips("SELECT clip_id FROM clips WHERE motion = 'moving'", "out/")  # doctest: +SKIP
        """
        from animeds_db.export import ClipOptions, Provenance, export

        options = options or ClipOptions()
        selected, plan = self._clip_plan(query, sql, params, options, include_dropped=include_dropped)
        if not plan.pictures.num_rows:
            raise _nothing(plan)
        values = {name: str(value) for name, value in selected.params.items()}
        name = None if selected.named is None else selected.named.name
        provenance = Provenance(
            self.store.uri, self.session.versions, name, selected.sql, values, dict(recipe or {})
        )
        report = export(
            plan.pictures, plan.sources, out, options=options, provenance=provenance, progress=progress
        )
        return replace(report, notes=(*_notes(plan), *report.notes))

    def preview_clips(
        self,
        query: str | Rows | None,
        *,
        sql: str | None = None,
        params: Mapping[str, Any] | None = None,
        options: ClipOptions | None = None,
        include_dropped: bool = False,
    ) -> ClipPreview:
        """Return what `export_clips` would write, bucket by bucket, and what it leaves out. Nothing is written.

        Raises as `export_clips` does.
        """
        from animeds_db.export import ClipOptions
        from animeds_db.export.columns.balance import folders_of

        options = options or ClipOptions()
        _, plan = self._clip_plan(
            query, sql, params, options, captions=False, include_dropped=include_dropped
        )
        folders = folders_of(plan.pictures, options.balance) if plan.pictures.num_rows else []
        return ClipPreview(plan.buckets, plan.dropped, folders, _notes(plan))

    def _clip_plan(
        self,
        query: str | Rows | None,
        sql: str | None,
        params: Mapping[str, Any] | None,
        options: ClipOptions,
        *,
        captions: bool = True,
        include_dropped: bool,
    ) -> tuple[Selected, ClipPlan]:
        from animeds_db.export.clips.planning import select_clips

        if query is None or isinstance(query, str):
            selected = self._selected(query, sql, params, dropped=include_dropped)
        else:
            selected = _of_rows(query, sql, params)
        plan = select_clips(self.session, selected, options, captions=captions, dropped=include_dropped)
        return selected, plan


def _of_rows(rows: Rows, sql: str | None, params: Mapping[str, Any] | None) -> Selected:
    """Return rows of the caller as a selection; ids alone are clips."""
    if sql is not None or params:
        raise UsageError("Rows of your own cannot be combined with SQL or parameters.")
    table = as_table(rows)
    if table.column_names == ["frame_id"]:  # a list of ids, which as_table calls so
        table = table.rename_columns(["clip_id"])
    return Selected(f"SELECT * FROM {ROWS}  -- {table.num_rows} rows of the caller", tables={ROWS: table})


def _nothing(plan: ClipPlan) -> ExportError:
    if plan.dropped:
        reasons = dict.fromkeys(clip["why"] for clip in plan.dropped)
        return ExportError(
            f"No clip is left to export: {len(plan.dropped)} left out ({'; '.join(reasons)}).",
            hint="See which: --dry-run. Allow other lengths with --frames, --fps or --max-frames",
        )
    if plan.left_out.n_matching:
        return ExportError(f"No clip is left to export: of their frames, {plan.left_out}.")
    return ExportError(
        "The selection is empty: no clip matches.",
        hint="Clips are stretches of shots, which `animeds shots` finds. Count them: SELECT count(*) FROM clips",
    )


def _notes(plan: ClipPlan) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for clip in plan.dropped:
        counts[clip["why"]] = counts.get(clip["why"], 0) + 1
    left_out = (f"{number} left out: {why}" for why, number in counts.items())
    frames = (f"of the frames that represent the clips, {plan.left_out}",) if str(plan.left_out) else ()
    return (*left_out, *frames, *plan.notes)

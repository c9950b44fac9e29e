"""Controls of pictures: the pictures from which a trainer of edits makes them.

A selection names them in columns: `control_id` (another frame, or a list of frames), `control_crop` (the part of it, or
a list), and `control` (what controls of the same frame show, a name from KINDS or a list). SQL does the set work
(sql/steps/export/controls.sql). Controls are parts of their picture: `control.png`, `control_2.png`, …
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.errors import ExportError, did_you_mean
from animeds_db.export.columns.left_out import LeftOut
from animeds_db.export.columns.schema import BESIDE, CONTROL_COLUMNS, PLAN
from animeds_db.export.layouts import LAYOUTS, Layout
from animeds_db.export.layouts.common import CONTROL_KINDS
from animeds_db.export.pictures.render import FORMATS, checked_crop, crop_box
from animeds_db.printable import counted
from animeds_db.session.scripts import sql_script

if TYPE_CHECKING:
    from animeds_db.export.options import ExportOptions
    from animeds_db.session import Session

_WHOLE = (0.0, 0.0, 1.0, 1.0)
_TYPES = {"control_id": pa.string(), "control_crop": pa.list_(pa.float64()), "control": pa.string()}


@dataclass(frozen=True)
class Controls:
    """The controls of the rows of a selection, in the order of the rows."""

    rows: list[dict[str, Any]]
    """The results of controls.sql."""

    def added_to(self, plan: pa.Table, options: ExportOptions) -> pa.Table:
        """Return a plan with these controls as parts of its pictures.

        Raises ExportError if a layout needs controls of the size of their pictures, and some have another size.
        """
        chosen = [self.rows[number] for number in plan["selection_row"].to_pylist()]
        for layout in options.chosen:
            if layout.equal_sizes:
                _refuse_masks(options, layout)
                _check_sizes(plan, chosen, options, layout)
        suffix = FORMATS[options.image_format].suffix
        parts = [
            [*(given or ()), *_parts(row["controls"], suffix)]
            for given, row in zip(plan["beside"].to_pylist(), chosen, strict=True)
        ]
        column = plan.column_names.index("beside")
        return plan.set_column(column, PLAN.field("beside"), pa.array(parts, BESIDE))


def take_controls(
    session: Session, selection: pa.Table, left_out: LeftOut, options: ExportOptions | None, *, dropped: bool
) -> tuple[pa.Table, LeftOut, Controls | None]:
    """Return the rows of a selection whose controls can be exported, how many are left out, and their controls.

    None: there are no controls. Rows with different controls differ in the column `pair` that is added. dropped: True
    exports controls that a person dropped. Raises ExportError for a control that does not exist or cannot be stored.
    """
    own = {name.lower(): name for name in selection.column_names}
    kinds = list(options.controls) if options else []
    if not (set(own) & set(CONTROL_COLUMNS) or kinds):
        return selection, left_out, None
    rows = _rows(session, selection, own, kinds)
    if options is not None:
        refuse_uneven([len(row["controls"]) for row in rows], options.chosen, "pictures")
        _check_known(rows)
    kept = [dropped or not row["is_dropped"] for row in rows]
    n_out = kept.count(False)
    selection = selection.append_column("pair", pa.array([row["pair"] for row in rows], pa.int64()))
    controls = Controls([row for row, stays in zip(rows, kept, strict=True) if stays])
    if n_out:
        note = f"{counted(n_out, 'picture')} left out: a person dropped the control (--include-dropped exports it)"
        left_out = replace(left_out, notes=(*left_out.notes, note))
    return selection.filter(pa.array(kept, pa.bool_())), left_out, controls if _any(rows) else None


def _any(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(row["controls"] for row in rows)


def _rows(
    session: Session, selection: pa.Table, own: Mapping[str, str], kinds: list[str]
) -> list[dict[str, Any]]:
    columns = {name: _lists(selection, own.get(name), name) for name in CONTROL_COLUMNS}
    names = {kind for value in columns["control"].to_pylist() for kind in value or () if kind}
    for name in sorted(names - set(CONTROL_KINDS)):
        raise ExportError(f'There is no control "{name}".', hint=did_you_mean(name, CONTROL_KINDS))
    table = pa.table(
        {
            "selection_row": pa.array(range(selection.num_rows), pa.int64()),
            "frame_id": selection[own["frame_id"]].cast(pa.string()),
            "control_ids": columns["control_id"],
            "control_crops": columns["control_crop"],
            "kinds": columns["control"],
        }
    )
    found = session.step(sql_script("steps/export", "controls.sql"), {"selection": table}, {"kinds": kinds})
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _lists(selection: pa.Table, own: str | None, name: str) -> pa.Array:
    """Return a column as lists: values that are not in a list become lists of one. NULL stays NULL."""
    kind = pa.list_(_TYPES[name])
    if own is None:
        return pa.nulls(selection.num_rows, kind)
    column = selection[own].combine_chunks()
    try:
        if pa.types.is_null(column.type):
            return pa.nulls(len(column), kind)
        depth = 2 if name == "control_crop" else 1
        if _depth(column.type) == depth:
            return column.cast(kind)
        values = column.cast(kind.value_type)
        lists = pa.ListArray.from_arrays(pa.array(range(len(values) + 1), pa.int32()), values)
        return pc.if_else(pc.is_valid(values), lists, pa.scalar(None, kind))
    except pa.ArrowException as error:
        wanted = {
            "control_id": "a frame_id, or a list of them",
            "control_crop": "[left, top, right, bottom], or a list of these",
            "control": "a text, or a list of texts",
        }
        raise ExportError(
            f"The column {name} is {column.type}.", hint=f"It must be {wanted[name]}."
        ) from error


def _depth(kind: pa.DataType) -> int:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return 1 + _depth(kind.value_type) if is_list else 0


def refuse_uneven(counts: Sequence[int], layouts: Iterable[Layout], noun: str) -> None:
    """Raise ExportError unless all pictures or clips have the same number of controls, which the layouts can hold.

    counts: the number of controls of each. noun: pictures or clips.
    """
    most = max(counts, default=0)
    if most == 0:
        return
    if fewer := sum(count < most for count in counts):
        less = "no control" if most == 1 else f"fewer than {most} controls"
        raise ExportError(
            f"{fewer} of {len(counts)} {noun} have {less}.",
            hint="Give every row as many controls (control_id, control), or none.",
        )
    for layout in layouts:
        if not layout.controls:
            others = [one.name for one in LAYOUTS.values() if _held(one, noun)]
            raise ExportError(
                f"The layout {layout.name} cannot hold the controls of {noun}.",
                hint=f"These layouts can: {', '.join(others)}",
            )
        if most > layout.controls:
            raise ExportError(
                f"Each of the {noun} has {most} controls. The layout {layout.name} can hold {layout.controls}."
            )


def _held(layout: Layout, noun: str) -> int:
    of_clips = layout.clips.controls if layout.clips else 0
    return of_clips if noun == "clips" else layout.controls


def _check_known(rows: Sequence[Mapping[str, Any]]) -> None:
    unknown = next((row["unknown"] for row in rows if row["unknown"] is not None), None)
    if unknown is not None:
        raise ExportError(
            f"The control {unknown} is not a frame in the database.",
            hint="Take control_id from a view of this database, or from pairs().",
        )
    for row in rows:
        for control in row["controls"]:
            if control["crop"] is not None:
                checked_crop(control["crop"], (control["origin"] or {}).get("frame_id", "of the control"))


def _parts(controls: Sequence[Mapping[str, Any]], suffix: str) -> list[dict[str, Any]]:
    names = [
        f"control{'' if number == 1 else f'_{number}'}{suffix}" for number in range(1, len(controls) + 1)
    ]
    return [
        {"name": name, **{key: control[key] for key in ("look", "origin", "crop")}}
        for name, control in zip(names, controls, strict=True)
    ]


def _refuse_masks(options: ExportOptions, layout: Layout) -> None:
    if options.mask_format not in (None, "alpha"):
        raise ExportError(
            f"{layout.name} cannot hold both masks and controls: its trainer reads one of them from one folder.",
            hint="--mask-format alpha stores masks in the pictures.",
        )


def _check_sizes(
    plan: pa.Table, rows: Sequence[Mapping[str, Any]], options: ExportOptions, layout: Layout
) -> None:
    frames = plan["frame_id"].to_pylist()
    crops = [
        None if crop is None else checked_crop(crop, frame)
        for frame, crop in zip(frames, plan["crop"].to_pylist(), strict=True)
    ]
    uneven = [
        frame
        for frame, crop, row in zip(frames, crops, rows, strict=True)
        if row["width"] is not None  # a frame that is not in the database is refused later
        and any(
            _size(control["crop"] or (crop if control["origin"] is None else None), control, options)
            != _size(crop, row, options)
            for control in row["controls"]
        )
    ]
    if uneven:
        raise ExportError(
            f"{layout.name} needs controls of the size of their pictures, but {len(uneven)} of {len(crops)} differ "
            f"(the first: frame {uneven[0]}).",
            hint="Give control_crop the same shape as crop, or choose one bucket size; musubi and ai-toolkit accept "
            "controls of any size.",
        )


def _size(crop: Sequence[float] | None, frame: Mapping[str, Any], options: ExportOptions) -> tuple[int, int]:
    left, top, right, bottom = crop or _WHOLE
    box = crop_box((left, top, right, bottom), frame["width"], frame["height"])
    return options.resize.sizes(box[2] - box[0], box[3] - box[1])[1]

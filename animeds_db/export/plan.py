"""From a selection to the list of pictures to write. Everything is decided before a frame is decoded.

SQL does the set work (`sql/steps/export/crops.sql`, `plan.sql`). This module adds names, captions and folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from animeds_db.errors import ExportError, QueryError
from animeds_db.export.columns.arrange import arranged, wanted_columns, with_safe_folders
from animeds_db.export.columns.balance import balanced
from animeds_db.export.columns.captioning import captioned, documented
from animeds_db.export.columns.contents import with_contents
from animeds_db.export.columns.controls import take_controls
from animeds_db.export.columns.crops import CropOptions, crop_selection
from animeds_db.export.columns.left_out import LeftOut, leave_out
from animeds_db.export.columns.masking import masked
from animeds_db.export.columns.schema import (
    BOX_IDS,
    CONTROL_COLUMNS,
    KNOWN,
    PLAN,
    SOURCE_COLUMNS,
    STEERING,
)
from animeds_db.export.names import with_ending
from animeds_db.export.options import ExportOptions
from animeds_db.export.pictures.picture import About, Clip, Mask, Origin, Part, Picture, Source
from animeds_db.export.pictures.render import FORMATS, checked_crop
from animeds_db.export.places import SCREENSHOT, Request, place
from animeds_db.remote.paths import present
from animeds_db.session.given import sorted_ids
from animeds_db.session.scripts import sql_script
from animeds_db.session.selected import Selected

if TYPE_CHECKING:
    import duckdb

    from animeds_db.session import Session

_AT_ONCE = 1024
"""Number of rows of a plan that are Python objects at the same time."""
_OF_PATHS = [
    "frame_id", "source_id", "member", "folder", "filename", "crop_kind", "crop_number", "clip", "beside",
    "repeats", "multiply", "crop",
]  # fmt: skip
"""The columns of a plan on which the paths of pictures depend, and those that are checked."""
_NUMBER = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*\)")
_SUFFIX = re.compile(r"\.(png|webp|jpe?g|bmp|gif|avif|mp4|mkv|webm)$", re.IGNORECASE)


class Plan(NamedTuple):
    """The pictures that an export writes."""

    pictures: pa.Table
    """One row per picture (schema PLAN)."""
    sources: pa.Table
    """All sources of the database (SOURCE_COLUMNS)."""
    left_out: LeftOut
    """The number of frames that match, and the number of them that are not exported."""


def select(
    session: Session,
    selected: Selected | str,
    params: Mapping[str, Any] | None = None,
    *,
    options: ExportOptions | None = None,
    captions: bool = True,
    copies: bool = True,
    dropped: bool = False,
) -> Plan:
    """Run a selection (or SQL with `params`) and return the pictures that an export writes.

    options: crops, folders, captions and repeats. None: whole frames, with what the selection's columns say. The plan
    has the tags and boxes of whole frames only without options, or if these write them (`tells`).
    captions: False makes no captions, for a quick look at the folders.
    copies: False leaves out near-duplicates in the selection. dropped: False leaves out frames that a person dropped.

    Raises QueryError for SQL that cannot be run or gives no frame_id, ExportError for a control column of the wrong
    type, or if no crop or no mask is left.
    """
    if isinstance(selected, str):
        selected = Selected(selected, params or {})
    selection = selection_rows(session, selected, options.arrangement.form if options else "")
    wider = None if selected.wider is None else selection_rows(session, selected.wider)
    selection, left_out = leave_out(session, selection, wider=wider, copies=copies, dropped=dropped)
    selection, left_out, controls = take_controls(session, selection, left_out, options, dropped=dropped)
    frames = sorted_ids(selection)
    pictures = crop_selection(session, selection, options.crops if options else CropOptions(), frames)
    plan = _placed(session, pictures, frames)
    plan = with_contents(session, plan, is_everything=options is None or options.tells)
    plan = _with_profiles(plan, selection)
    if options is not None and plan.num_rows:
        plan = plan if controls is None else controls.added_to(plan, options)
        plan, notes = masked(session, plan, options)
        left_out = replace(left_out, notes=(*left_out.notes, *notes))
        plan = _furnished(session, plan, selection, options, captions=captions)
    columns = ", ".join(f'"{name}"' for name in SOURCE_COLUMNS)
    sources = _at_known_paths(session.arrow(f"SELECT {columns}, other_uris FROM sources"))
    return Plan(plan, sources, left_out)


def _placed(session: Session, pictures: pa.Table, frames: pa.Array) -> pa.Table:
    """Return the plan of these pictures (the result of crops.sql), without tags and boxes."""
    rows = session.of_frames(sql_script("steps/export", "plan.sql"), frames, {"selection": pictures})
    columns = [
        rows[field.name].cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in PLAN
    ]
    return pa.table(columns, schema=PLAN)


def _with_profiles(plan: pa.Table, selection: pa.Table) -> pa.Table:
    """Return a plan with the caption profiles of the selection: those of the first row of each picture."""
    own = next((name for name in selection.column_names if name.lower() == "caption_profile"), None)
    if own is None:
        return plan
    names = selection[own].cast(pa.string()).take(plan["selection_row"])
    return plan.set_column(
        plan.column_names.index("caption_profile"), plan.schema.field("caption_profile"), names
    )


def _furnished(
    session: Session, plan: pa.Table, selection: pa.Table, options: ExportOptions, *, captions: bool
) -> pa.Table:
    """Return a plan with the folders, captions and repeats of these options."""
    threshold = options.profile.thresholds.get("general")
    plan = with_safe_folders(arranged(session, plan, selection, options.arrangement, threshold=threshold))
    if captions and options.captions:
        for name in plan["caption_profile"].unique().to_pylist():
            if name is not None:
                options.check_profile(options.profile.in_dialect(name))
        given = plan["caption"]
        plan = captioned(session, plan, options.profile, settled=options.settled)
        plan = documented(session, plan, options.profile, options.documents, given=given)
    return plan if options.balance is None else balanced(plan, options.balance)


def _at_known_paths(sources: pa.Table) -> pa.Table:
    """Return sources (SOURCE_COLUMNS and other_uris) with their current paths."""
    paths = zip(sources["uri"].to_pylist(), sources["other_uris"].to_pylist(), strict=True)
    uris = pa.array([present(uri, others) for uri, others in paths], pa.string())
    return sources.set_column(sources.column_names.index("uri"), "uri", uris).drop_columns(["other_uris"])


def selection_rows(
    session: Session, selected: Selected, form: str = "", ids: Sequence[str] = ("frame_id",)
) -> pa.Table:
    """Return the rows of a selection, with the columns that an export and an arrangement's form read.

    ids: columns that name what is exported; the selection must have one of them. Raises QueryError, ExportError.
    """
    with session.errors(selected.sql, selected.file):
        relation = session.sql(selected.sql, selected.params, file=selected.file, tables=selected.tables)
        _check_columns(relation, ids)
        steering = (*ids, *STEERING, *CONTROL_COLUMNS, *BOX_IDS, *wanted_columns(form, relation.columns))
        wanted = [name for name in relation.columns if name.lower() in {s.lower() for s in steering}]
        return relation.select(*(f'"{name}"' for name in wanted)).to_arrow_table()


def _check_columns(relation: duckdb.DuckDBPyRelation, ids: Sequence[str]) -> None:
    types = {name.lower(): str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
    if not any(name in types for name in ids):
        wanted = " or ".join(ids[:2])
        raise QueryError(
            f"This selection has no column {wanted}. Its columns are {', '.join(relation.columns)}",
            hint=f"A selection is any SELECT whose columns include {wanted}.",
        )
    repeats, crop = types.get("repeats", "INTEGER"), types.get("crop", "DOUBLE[]")
    if not (_NUMBER.fullmatch(repeats) or repeats == '"NULL"'):
        raise ExportError(
            f"The column repeats is {repeats}.", hint="It must contain whole numbers, 1 or more."
        )
    element = re.sub(r"\[\d*\]$", "", crop)
    if not ((crop != element and _NUMBER.fullmatch(element)) or crop == '"NULL"'):
        raise ExportError(
            f"The column crop is {crop}.", hint="It must contain lists of numbers: [left, top, right, bottom]"
        )


def read_sources(rows: pa.Table) -> dict[str, Source]:
    """Return the sources by id, from a table with SOURCE_COLUMNS."""
    return {row["source_id"]: Source(**row) for row in rows.select(list(SOURCE_COLUMNS)).to_pylist()}


def read_plan(plan: pa.Table, sources: Mapping[str, Source], options: ExportOptions) -> list[Picture]:
    """Return the pictures of a plan, named, captioned, in its order; control columns may be missing.

    Raises ExportError for an empty selection, an unknown frame, a crop or repeats out of range.
    """
    if plan.num_rows == 0:
        raise ExportError(
            "The selection is empty: no frame matches.",
            hint="Count the frames with fewer conditions: animeds sql 'SELECT count(*) FROM (…)'",
        )
    plan = _complete(plan)
    _check_frames(plan, sources)
    if not options.tells:
        plan = plan.drop_columns(["tags", "boxes"])  # as Python objects, kilobytes of each picture
    requests = [_request(row, sources[row["source_id"]], options) for row in _rows(plan.select(_OF_PATHS))]
    paths = place(requests, options)
    tells, captions = options.tells, options.captions
    return [
        _picture(row, sources[row["source_id"]], where, tells=tells, captions=captions)
        for row, where in zip(_rows(plan), paths, strict=True)
    ]


def _rows(plan: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a plan, checked. Only some are in memory as Python objects, which take kilobytes each."""
    for batch in plan.to_batches(max_chunksize=_AT_ONCE):
        yield from map(_checked, batch.to_pylist())


def _complete(plan: pa.Table) -> pa.Table:
    """Return the plan with the schema PLAN and sorted as fetch() reads."""
    missing = [f.name for f in PLAN if f.name not in plan.column_names and f.name not in (*STEERING, *KNOWN)]
    if missing:
        raise ExportError(
            f"The plan has no column {', '.join(missing)}", hint="select() returns a plan with all columns."
        )
    for column in PLAN:
        if column.name not in plan.column_names:
            plan = plan.append_column(column, pa.nulls(plan.num_rows, column.type))
    order = [(name, "ascending") for name in ("source_id", "stream", "pts", "frame_id")]
    return plan.select(PLAN.names).cast(PLAN).sort_by(order)


def _check_frames(plan: pa.Table, sources: Mapping[str, Source]) -> None:
    rows = zip(plan["frame_id"].to_pylist(), plan["source_id"].to_pylist(), strict=True)
    unknown = [frame for frame, source in rows if source not in sources]
    if unknown:
        first = (
            "A row has no frame_id" if unknown[0] is None else f"Frame {unknown[0]} is not in the database"
        )
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise ExportError(
            f"{first}{more}.",
            hint="Take frame_id from a view of this database, such as frames or kept.",
        )


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    frame_id, repeats = row["frame_id"], 1 if row["repeats"] is None else row["repeats"]
    if repeats < 1:
        raise ExportError(
            f"Frame {frame_id}: repeats is {repeats}. It must be at least 1.",
            hint="To leave a frame out, change the selection.",
        )
    crop = None if row["crop"] is None else checked_crop(row["crop"], frame_id)
    return {**row, "repeats": repeats, "crop": crop}


def _request(row: dict[str, Any], source: Source, options: ExportOptions) -> Request:
    stem = _stem(row["filename"], source, row["frame_id"], row["member"])
    if row["crop_kind"] is not None:
        stem = with_ending(stem, f"_{row['crop_kind']}{row['crop_number']}", 220)
    suffix = FORMATS[options.image_format].suffix if row["clip"] is None else row["clip"]["suffix"]
    image_type = source.image_type or SCREENSHOT
    n_frames = 1 if row["clip"] is None else row["clip"]["n_frames"]
    parts = tuple(part["name"] for part in row["beside"] or ())
    if row["clip"] is not None and row["clip"]["control_id"] is not None:
        parts = (*parts, f"control{suffix}")
    return Request(
        row["folder"] or "", stem, row["repeats"], row["multiply"], image_type, suffix, n_frames, parts
    )


def _picture(
    row: dict[str, Any], source: Source, paths: tuple[str, ...], *, tells: bool, captions: bool
) -> Picture:
    return Picture(
        path=paths[0],
        caption=row["caption"] if captions else None,
        frame_id=row["frame_id"],
        source_id=source.source_id,
        stream=row["stream"],
        pts=row["pts"],
        key_pts=row["key_pts"],
        member=row["member"],
        content_hash=row["content_hash"],
        crop=row["crop"],
        face_id=row["face_id"],
        repeats=row["repeats"],
        multiply=row["multiply"],
        links=paths[1:],
        image_type=source.image_type or SCREENSHOT,
        about=_about(row, source) if tells else None,
        clip=None if row["clip"] is None else _clip(row["clip"]),
        beside=tuple(_part(part) for part in row["beside"] or ()),
        masks=tuple(_mask(mask) for mask in row["masks"] or ()),
    )


def _mask(values: dict[str, Any]) -> Mask:
    shown, out = (
        tuple((r["left"], r["top"], r["right"], r["bottom"], r["shape"]) for r in values[name])
        for name in ("shown", "out")
    )
    return Mask(shown, out, values["time_s"])


def _part(values: dict[str, Any]) -> Part:
    origin = None if values["origin"] is None else Origin(**values["origin"])
    crop = None if values["crop"] is None else checked_crop(values["crop"], values["name"])
    return Part(values["name"], values["look"], origin, crop)


def _clip(values: dict[str, Any]) -> Clip:
    path = tuple((seconds, right, down) for seconds, right, down in values["path"] or ())
    return Clip(**{name: value for name, value in values.items() if name != "suffix"} | {"path": path})


def _about(row: dict[str, Any], source: Source) -> About:
    about: About = {
        "show": source.show,
        "season": source.season,
        "episode": source.episode,
        "time_s": row["time_s"],
        "rating": row["rating"],
        "crop_kind": row["crop_kind"],
        "tags": [[tag["tag"], tag["category"], tag["score"]] for tag in row["tags"] or () if tag["counts"]],
        "boxes": [
            {
                "kind": box["kind"],
                "character": box["character"],
                "box": [box["left"], box["top"], box["right"], box["bottom"]],
                "score": box["score"],
            }
            for box in row["boxes"] or ()
        ],
    }
    return about | ({"documents": dict(row["documents"])} if row["documents"] else {})


def _stem(filename: str | None, source: Source, frame_id: str, member: str | None) -> str:
    """Return the requested name, or the name of the picture file, or the title and the digits of the frame's id.

    As in `Magical Girl Lyrical Nanoha - S04E01-000754212`.
    """
    if filename and filename.strip():
        return _SUFFIX.sub("", filename)
    if member:
        return _SUFFIX.sub("", PurePosixPath(member).name)
    return with_ending(source.title or source.source_id, "-" + frame_id.rpartition("-")[2], 200)

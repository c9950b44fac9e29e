"""From a selection of clips to the plan of an export: a plan of pictures in which every picture is a clip.

SQL does the set work (sql/steps/export/clip_stretches.sql, clips.sql, clip_boxes.sql). The frame that represents a clip
then goes through the planning of pictures, which gives folders, captions, crops and repeats.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from animeds_db.errors import ExportError, SourceError
from animeds_db.export.clips.following import Path, followed
from animeds_db.export.clips.making import sizes
from animeds_db.export.clips.options import ClipOptions
from animeds_db.export.columns.controls import refuse_uneven
from animeds_db.export.columns.left_out import LeftOut
from animeds_db.export.columns.masking import masked
from animeds_db.export.columns.schema import CONTROL_COLUMNS, PLAN
from animeds_db.export.names import with_ending
from animeds_db.export.pictures.masks import MaskOptions
from animeds_db.export.pictures.render import Crop
from animeds_db.export.plan import select, selection_rows
from animeds_db.media.clips import StreamFacts, lossless_suffix, stream_facts
from animeds_db.printable import counted
from animeds_db.remote.paths import present, source_path
from animeds_db.schema import stretch_of_clip
from animeds_db.session.scripts import sql_script
from animeds_db.session.selected import Selected

if TYPE_CHECKING:
    from animeds_db.session import Session

IDS = ("clip_id", "shot_id")
"""Columns of a selection of clips. One is needed."""
_OURS = "clip_rows"
_MARK = "\x1f"
"""Between a name and the number of its row. Names with a number keep two clips with the same frame apart."""

_CONTROL = {
    "control_source_id": pa.string(),
    "control_first_pts": pa.int64(),
    "control_last_pts": pa.int64(),
}
"""Columns for the stretch of a control."""

WHY = {
    "short": "too short for the smallest number of frames",
    "no_frame": "no ingested frame in it (animeds ingest --sample shots gives every shot one)",
    "dropped": "dropped by a person",
    "control": "its control was dropped by a person",
    "cut": "a person marked a cut within it",
}
"""Reasons for which a clip is left out."""


class ClipPlan(NamedTuple):
    """The clips that an export writes."""

    pictures: pa.Table
    """One row per clip (schema PLAN)."""
    sources: pa.Table
    """All sources of the database (SOURCE_COLUMNS)."""
    left_out: LeftOut
    """What is left out because of the frame that represents a clip."""
    buckets: list[dict[str, Any]]
    """Clips by size and number of frames: width, height, frames, seconds, clips, cut_s (seconds beyond that number of
    frames, which are not used)."""
    dropped: list[dict[str, Any]]
    """Clips that are left out: clip_id, seconds, frames (as many as would fit), why."""
    notes: tuple[str, ...]


def select_clips(
    session: Session,
    selected: Selected,
    options: ClipOptions,
    *,
    captions: bool = True,
    dropped: bool = False,
) -> ClipPlan:
    """Run a selection of clips and return what an export writes.

    captions: False makes no captions, for a quick look at the buckets. dropped: True exports what people dropped.
    Raises QueryError for SQL that gives neither clip_id nor shot_id, ExportError for an unknown clip, SourceError for a
    source that cannot be opened.
    """
    rows = selection_rows(session, selected, options.arrangement.form, (*IDS, "control_id"))
    facts = _facts(session, rows, options, dropped=dropped)
    kept = [fact for fact in facts if fact["why"] is None]
    if not kept:
        return ClipPlan(PLAN.empty_table(), pa.table({}), LeftOut(), [], _left_out(facts), ())
    ours = Selected(f"SELECT * FROM {_OURS}", tables={_OURS: _as_frames(rows, kept)})
    unmasked = replace(options, masks=MaskOptions())  # the masks of a clip are those of all its frames
    plan = select(session, ours, options=unmasked, captions=captions, dropped=dropped)
    pictures = _with_clips(session, plan.pictures, kept, rows, options, captions=captions)
    pictures, about_masks = masked(session, pictures, options)
    used = [fact for fact, _ in _with_facts(pictures, kept)]
    pictures = pictures.set_column(
        pictures.column_names.index("filename"), PLAN.field("filename"), _names(pictures)
    )
    notes = (*_notes(used), *about_masks)
    return ClipPlan(
        pictures, plan.sources, plan.left_out, _buckets(pictures, used, options), _left_out(facts), notes
    )


def _facts(session: Session, rows: pa.Table, options: ClipOptions, *, dropped: bool) -> list[dict[str, Any]]:
    """Return one record per row of the selection: its stretch, what its file says, and the result of clips.sql."""
    ids = {name: _text(rows, name) for name in (*IDS, "control_id")}
    numbers = pa.array(range(rows.num_rows), pa.int64())
    named = pa.table({"clip_id": ids["clip_id"], "shot_id": ids["shot_id"], "selection_row": numbers})
    stretches = session.step(
        sql_script("steps/export", "clip_stretches.sql"), {"selection": named}
    ).to_pylist()
    _check_known(stretches, ids)
    headers = _headers(stretches)
    for row in stretches:
        header = headers[row["source_id"]]
        row["clip_rate"] = options.rate or header.rate
        row["suffix"] = options.suffix or lossless_suffix(_stored_format(header, options))
    table = pa.table(
        {
            **{
                n: pa.array([r[n] for r in stretches], pa.int64())
                for n in ("selection_row", "first_pts", "last_pts")
            },
            "source_id": pa.array([r["source_id"] for r in stretches], pa.string()),
            "start_pts": pa.array([headers[r["source_id"]].start_pts for r in stretches], pa.int64()),
            "time_base": pa.array(
                [float(headers[r["source_id"]].time_base) for r in stretches], pa.float64()
            ),
            "rate": pa.array([float(headers[r["source_id"]].rate) for r in stretches], pa.float64()),
            "fps": pa.array([float(r["clip_rate"]) for r in stretches], pa.float64()),
        }
    )
    controls = ids["control_id"].to_pylist()
    _check_controls(session, controls, options)
    of_controls = [stretch_of_clip(control) if control else None for control in controls]
    for place, (name, kind) in enumerate(_CONTROL.items()):
        values = [None if stretch is None else stretch[place] for stretch in of_controls]
        table = table.append_column(name, pa.array(values, kind))
    params = {"frames": options.frames.replace(" ", ""), "max_frames": options.max_frames, "dropped": dropped}
    found = session.step(sql_script("steps/export", "clips.sql"), {"stretches": table}, params).to_pylist()
    return [
        stretch | fact | {"control_id": control}
        for stretch, fact, control in zip(stretches, found, controls, strict=True)
    ]


def _text(rows: pa.Table, name: str) -> pa.Array:
    own = next((one for one in rows.column_names if one.lower() == name), None)
    return (
        pa.nulls(rows.num_rows, pa.string()) if own is None else rows[own].cast(pa.string()).combine_chunks()
    )


def _check_known(stretches: list[dict[str, Any]], ids: Mapping[str, pa.Array]) -> None:
    for row in stretches:
        number = row["selection_row"]
        given = next((ids[name][number].as_py() for name in IDS if ids[name][number].is_valid), None)
        if row["source_id"] is None:
            what = (
                "A row has no clip_id" if given is None else f"{given} is not a clip or shot in the database"
            )
            raise ExportError(
                f"{what}.",
                hint="Take clip_id from the view clips, or shot_id from shots after `animeds shots`.",
            )
        if row["kind"] != "video":
            raise ExportError(f"{given} is not in a video: {row['uri']} has pictures.")


def _check_controls(session: Session, controls: list[str | None], options: ClipOptions) -> None:
    if controls.count(None) == len(controls):
        return
    refuse_uneven([int(control is not None) for control in controls], options.chosen, "clips")
    known = set(session.arrow("SELECT source_id FROM sources WHERE kind = 'video'")["source_id"].to_pylist())
    for control in controls:
        stretch = None if control is None else stretch_of_clip(control)
        if control is not None and (stretch is None or stretch[0] not in known):
            raise ExportError(f"The control {control} is not a clip of a video in the database.")


def _headers(stretches: list[dict[str, Any]]) -> dict[str, StreamFacts]:
    """Return what the file of each source says. Raises SourceError if one is missing."""
    headers: dict[str, StreamFacts] = {}
    for row in stretches:
        if row["source_id"] not in headers:
            uri = present(row["uri"], row["other_uris"])
            try:
                headers[row["source_id"]] = stream_facts(source_path(uri), row["stream"])
            except SourceError as error:
                hint = f"Connect the disk, or tell the database the new path: animeds sources relocate '{uri}' NEW"
                raise SourceError(error.headline, hint=error.hint or hint) from error
    return headers


def _stored_format(header: StreamFacts, options: ClipOptions) -> str | None:
    """Return the pixel format of lossless clips: that of the source, unless they are cropped or scaled."""
    resize, crops = options.resize, options.crops
    changes = (resize.max_size, resize.short_edge, resize.bucket, crops.kinds or None, crops.trim or None)
    is_stored = all(value is None for value in changes) and not options.masks.paints
    return header.pix_fmt if is_stored else None


def _as_frames(rows: pa.Table, kept: list[dict[str, Any]]) -> pa.Table:
    """Return the selection as one of frames: those that represent the clips, each row with a name of its own."""
    chosen = rows.take(pa.array([fact["selection_row"] for fact in kept], pa.int64()))
    replaced = {"frame_id", "filename", *CONTROL_COLUMNS}
    chosen = chosen.drop_columns([name for name in chosen.column_names if name.lower() in replaced])
    given = _text(rows, "filename").to_pylist()
    names = [
        f"{given[fact['selection_row']] or _default_name(fact)}{_MARK}{number}"
        for number, fact in enumerate(kept)
    ]
    frames = pa.array([fact["frame_id"] for fact in kept], pa.string())
    return chosen.append_column("frame_id", frames).append_column("filename", pa.array(names, pa.string()))


def _default_name(fact: Mapping[str, Any]) -> str:
    """Return the title and the first millisecond of a clip, as in `Lyrical Nanoha - S04E01-000754212`."""
    milliseconds = f"-{max(0, round(fact['first_s'] * 1000)):09d}"
    return with_ending(fact["title"] or fact["source_id"], milliseconds, 200)


def _with_facts(
    pictures: pa.Table, kept: list[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the record of its clip and the columns crop, crop_kind and face_id of each row of a plan."""
    columns = pictures.select(["filename", "crop", "crop_kind", "face_id"]).to_pylist()
    for row in columns:
        yield kept[int(row["filename"].rpartition(_MARK)[2])], row


def _names(pictures: pa.Table) -> pa.Array:
    return pa.array([name.rpartition(_MARK)[0] for name in pictures["filename"].to_pylist()], pa.string())


def _with_clips(
    session: Session,
    pictures: pa.Table,
    kept: list[dict[str, Any]],
    rows: pa.Table,
    options: ClipOptions,
    *,
    captions: bool,
) -> pa.Table:
    """Return a plan of frames with their clips, with crops that follow, and with what is said in the captions."""
    pairs = list(_with_facts(pictures, kept))
    crops: list[list[float] | None] = []
    clips: list[dict[str, Any]] = []
    boxes = _boxes(session, pairs)
    at = pictures["time_s"].to_pylist()
    for number, (fact, row) in enumerate(pairs):
        crop: Sequence[float] | None = row["crop"]
        path: Path = ()
        if boxes[number] and crop is not None:
            crop, path = followed(_as_crop(crop), at[number], boxes[number])
        crops.append(None if crop is None else list(crop))
        clip = {name: fact[name] for name in ("first_pts", "last_pts", "n_frames", "control_id", "suffix")}
        clips.append(clip | {"fps": str(fact["clip_rate"]), "path": [list(point) for point in path]})
    changed = {"crop": crops, "clip": clips}
    if captions and options.captions and options.dialogue:
        given = _text(rows, "caption").to_pylist()
        texts = zip(pictures["caption"].to_pylist(), (fact for fact, _ in pairs), strict=True)
        changed["caption"] = [
            text if given[fact["selection_row"]] is not None else _with_words(text, fact["said"])
            for text, fact in texts
        ]
    for name, values in changed.items():
        field = PLAN.field(name)
        pictures = pictures.set_column(pictures.column_names.index(name), field, pa.array(values, field.type))
    return pictures


def _as_crop(values: Sequence[float]) -> Crop:
    left, top, right, bottom = values
    return left, top, right, bottom


def _boxes(
    session: Session, pairs: list[tuple[dict[str, Any], dict[str, Any]]]
) -> dict[int, list[tuple[float, Crop]]]:
    """Return the boxes that the crops of boxes follow, by the number of the picture."""
    cut = [(n, fact, row) for n, (fact, row) in enumerate(pairs) if row["crop_kind"] and row["face_id"]]
    boxes: dict[int, list[tuple[float, Crop]]] = defaultdict(list)
    if not cut:
        return boxes
    table = pa.table(
        {
            "picture": pa.array([n for n, _, _ in cut], pa.int64()),
            "face_id": pa.array([row["face_id"] for _, _, row in cut], pa.string()),
            "source_id": pa.array([fact["source_id"] for _, fact, _ in cut], pa.string()),
            "first_pts": pa.array([fact["first_pts"] for _, fact, _ in cut], pa.int64()),
            "last_pts": pa.array([fact["last_pts"] for _, fact, _ in cut], pa.int64()),
        }
    )
    for box in session.step(sql_script("steps/export", "clip_boxes.sql"), {"crops": table}).to_pylist():
        boxes[box["picture"]].append(
            (box["time_s"], _as_crop([box[s] for s in ("left", "top", "right", "bottom")]))
        )
    return boxes


def _with_words(caption: str | None, said: str | None) -> str | None:
    """Return a caption, or each of its variants, with what is said at its end. Empty ones stay empty."""
    if not caption or not said:
        return caption
    lines = (f"{line.rstrip('. ')}. {said}" if line else line for line in caption.split("\n"))
    return "\n".join(lines)


def _buckets(pictures: pa.Table, facts: list[dict[str, Any]], options: ClipOptions) -> list[dict[str, Any]]:
    counts: Counter[tuple[int, int, int]] = Counter()
    seconds: Counter[tuple[int, int, int]] = Counter()
    unused: Counter[tuple[int, int, int]] = Counter()
    for crop, fact in zip(pictures["crop"].to_pylist(), facts, strict=True):
        whole = (0.0, 0.0, 1.0, 1.0) if crop is None else _as_crop(crop)
        *_, (width, height) = sizes((fact["width"], fact["height"]), whole, options.resize)
        key = (width, height, fact["n_frames"])
        counts[key] += 1
        seconds[key] += fact["n_frames"] / fact["clip_rate"]
        unused[key] += (fact["n_possible"] - fact["n_frames"]) / fact["clip_rate"]
    return [
        {
            "width": key[0],
            "height": key[1],
            "frames": key[2],
            "clips": counts[key],
            "seconds": round(float(seconds[key]), 2),
            "cut_s": round(float(unused[key]), 2),
        }
        for key in sorted(counts)
    ]


def _left_out(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "clip_id": fact["clip_id"],
            "seconds": round(float(fact["n_possible"] / fact["clip_rate"]), 2),
            "frames": fact["n_possible"],
            "why": WHY[fact["why"]],
        }
        for fact in facts
        if fact["why"] is not None
    ]


def _notes(facts: list[dict[str, Any]]) -> Iterator[str]:
    n_crossing = sum(fact["n_cuts"] > 0 for fact in facts)
    if n_crossing:
        yield f"{counted(n_crossing, 'clip')} with a cut within: the selection asks for these frames"
    cut = [fact for fact in facts if fact["n_possible"] > fact["n_frames"]]
    if cut:
        seconds = sum((fact["n_possible"] - fact["n_frames"]) / fact["clip_rate"] for fact in cut)
        yield (
            f"{counted(len(cut), 'clip')} end earlier than selected, by {float(seconds):.1f} s in all, "
            "to have a number of frames that the trainer accepts"
        )

"""From a plan to a plan with masks. Pictures of which nothing would be learnt are left out, and counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from animeds_db.errors import ExportError, did_you_mean
from animeds_db.export.columns.schema import PLAN
from animeds_db.printable import counted
from animeds_db.session.scripts import sql_script

if TYPE_CHECKING:
    from animeds_db.export.options import ExportOptions
    from animeds_db.session import Session

PARTS = ("character", "person", "text", "border", "logo")
"""Parts that can be asked for in every database; others are those that its masks have."""

_MAKE = "`animeds segment --model …` makes masks (`animeds models list` shows segmenters)"


def masked(session: Session, plan: pa.Table, options: ExportOptions) -> tuple[pa.Table, tuple[str, ...]]:
    """Return the pictures or clips of a plan that have the masks of these options, and notes about the others.

    Raises ExportError for a part or character that is not known, or if no picture is left.
    """
    wanted = options.masks
    if not (wanted.has_file or wanted.paints or _has_control(plan)) or not plan.num_rows:
        return plan, ()
    shown = wanted.shown or (("character",) if _has_control(plan) else ())
    names = _names(session, shown)
    _check_parts(session, wanted.out)
    clips = plan["clip"].to_pylist()
    pictures = plan.select(["source_id", "frame_id", "crop", "face_id"])
    pictures = pictures.append_column("picture", pa.array(range(plan.num_rows), pa.int64()))
    for name in ("first_pts", "last_pts"):
        values = [None if clip is None else clip[name] for clip in clips]
        pictures = pictures.append_column(name, pa.array(values, pa.int64()))
    params = {
        "parts": [part for part in shown if part not in names],
        "names": names,
        "out": list(wanted.out),
    }
    rows = session.step(sql_script("steps/export", "masks.sql"), {"pictures": pictures}, params).to_pylist()
    of_picture: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        of_picture[row["picture"]].append(row)
    kept, without = _parted(of_picture, plan.num_rows)
    missing = [row for n in without for row in of_picture[n]]
    hint = _way_out(missing, boxed=bool(names) or "person" in shown)
    if without and not kept:
        raise ExportError(
            f"None of {counted(len(without), _noun(plan))} has a mask of {_joined(shown)}.", hint=hint
        )
    notes = tuple(_notes(without, kept, of_picture, shown, wanted.out, hint, _noun(plan)))
    is_out = set(without)
    numbers = [n for n in range(plan.num_rows) if n not in is_out]
    return _with_masks(plan, numbers, of_picture, options), notes


def _parted(
    of_picture: Mapping[int, Sequence[Mapping[str, Any]]], n_pictures: int
) -> tuple[list[int], list[int]]:
    """Return the pictures that show something of what was asked for, and those that show nothing of it.

    Pictures without rows are in neither: their frames are not in the database, which is refused later.
    """
    kept, without = [], []
    for number in range(n_pictures):
        rows = of_picture.get(number, ())
        if any(row["shown"] for row in rows):
            kept.append(number)
        elif rows:
            without.append(number)
    return kept, without


def _names(session: Session, parts: Sequence[str]) -> list[str]:
    """Return those of these parts that are names of characters. Raises ExportError if one is neither."""
    unknown = [part for part in parts if part not in PARTS]
    if not unknown:
        return []
    known = _column(session, "SELECT DISTINCT character FROM characters WHERE character IS NOT NULL")
    others = _column(session, "SELECT DISTINCT part FROM masks")
    for part in unknown:
        if part not in known and part not in others:
            raise ExportError(
                f'No mask shows "{part}": it is neither a part of masks nor a character of this database.',
                hint=did_you_mean(part, [*PARTS, *others, *known]),
            )
    return [part for part in unknown if part in known]


def _check_parts(session: Session, parts: Sequence[str]) -> None:
    unknown = [part for part in parts if part not in PARTS or part == "person"]
    known = [*PARTS, *_column(session, "SELECT DISTINCT part FROM masks")] if unknown else []
    for part in unknown:
        if part not in known or part == "person":
            raise ExportError(f'mask-out is "{part}", which no mask shows.', hint=did_you_mean(part, known))


def _column(session: Session, sql: str) -> list[str]:
    return sorted(row[0] for row in session.sql(sql).fetchall())


def _has_control(plan: pa.Table) -> bool:
    """Return True if the mask is the control of some picture."""
    return any(part["look"] == "mask" for parts in plan["beside"].to_pylist() for part in parts or ())


def _noun(plan: pa.Table) -> str:
    return "picture" if plan["clip"].null_count else "clip"


def _joined(parts: Sequence[str]) -> str:
    return " or ".join(parts)


def _notes(
    without: Sequence[int],
    kept: Sequence[int],
    of_picture: dict[int, list[dict[str, Any]]],
    shown: Sequence[str],
    out: Sequence[str],
    hint: str,
    noun: str,
) -> Iterator[str]:
    """Yield what is missing, and what is done about it. hint: what to do about pictures without a mask."""
    if without:
        yield (
            f"{len(without)} of {counted(len(without) + len(kept), noun)} have no mask of {_joined(shown)} and "
            f"are left out. {hint}"
        )
    if out and not any(row["out"] for n in kept for row in of_picture[n]):
        yield f"nothing is masked out: no {noun} has {_joined(out)}{_READ if 'text' in out else ''}"
    bare = sum(not all(row["is_known"] for row in of_picture[n]) for n in kept)
    if bare:
        yield f"some frames of {counted(bare, 'clip')} have no mask, and get that of the nearest frame with one"


def _way_out(rows: Sequence[dict[str, Any]], *, boxed: bool) -> str:
    """Return why frames have no mask of what was asked for. boxed: the mask of a box was."""
    unknown = [row for row in rows if not row["is_known"]]
    if not unknown:
        return "The masks of their frames show that it is not there"
    n_whole = sum(row["has_whole"] for row in unknown) if boxed else 0
    if not n_whole:
        return _MAKE
    way = "`animeds segment --boxes person` masks people one by one"
    return f"{n_whole} frames have a mask of the whole frame only: {way}"


_READ = ". `animeds read-text --ocr` finds text in pictures"


def _with_masks(
    plan: pa.Table,
    numbers: Sequence[int],
    of_picture: dict[int, list[dict[str, Any]]],
    options: ExportOptions,
) -> pa.Table:
    """Return these rows of a plan with their masks, and with the part that has the mask."""
    columns = ("time_s", "shown", "out")
    masks = [[{c: row[c] for c in columns} for row in of_picture[n] if row["is_known"]] for n in numbers]
    plan = plan.take(pa.array(numbers, pa.int64()))
    beside = plan["beside"].to_pylist()
    suffixes = [None if clip is None else clip["suffix"] for clip in plan["clip"].to_pylist()]
    for n, suffix in enumerate(suffixes):
        if name := options.mask_part(suffix):
            part = {"name": name, "look": "mask", "origin": None, "crop": None}
            beside[n] = [*(beside[n] or ()), part]
    for name, values in (("masks", masks), ("beside", beside)):
        field = PLAN.field(name)
        plan = plan.set_column(plan.column_names.index(name), field, pa.array(values, field.type))
    return plan

"""Preview of `dedup`: the number of frames that would be kept at each setting of its two options, and borderline
pairs.

The options are the threshold of the vectors and, across shots, the number of bits in which hashes may differ. The
database is not changed. The page is one HTML file with the thumbnails inside, or, as .png, a picture of the pairs.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from animeds_db.contact_sheet import Cell, Section, Sheet, write_sheet
from animeds_db.errors import UsageError
from animeds_db.media.picture_files import open_picture
from animeds_db.session import Session
from animeds_db.session.sandbox import locked_database
from animeds_db.steps.dedup.find import frame_ranks, settled
from animeds_db.steps.dedup.frame_vectors import HeldVectors, Progress
from animeds_db.steps.dedup.grouping import leaders
from animeds_db.steps.dedup.matches import DedupOptions, Matches, find_matches, read_frames
from animeds_db.steps.dedup.remembered import remembered_join
from animeds_db.store import Store

THRESHOLDS = (0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 0.999)
AGREE_BITS = (0, 4, 6, 8, 10, 12, 16, 24, None)
SHOWN_PAIRS = 24
"""Maximum number of borderline pairs on the page for each dial: half on either side."""
NEAR = 8
"""Maximum number of pairs around each threshold in `effects`."""


@dataclass(frozen=True)
class Row:
    """Effect of one setting of `dedup`. `dial` is the option that differs from row to row.

    in_shots, across: pairs of near-duplicates of one shot and of two; copies: frames that would be left out;
    stay: frames that would be kept, and their share (0…1). agree_bits: None for any number.
    """

    dial: str
    threshold: float
    agree_bits: int | None
    in_shots: int
    across: int
    copies: int
    stay: int
    share: float


@dataclass(frozen=True)
class Pair:
    """Two frames near the limit of an option, and True if one of them would be left out."""

    left: str
    right: str
    says: str
    copy: bool


@dataclass(frozen=True)
class Effects:
    """What other settings would do. threshold: the one in use; rows: one per setting of each dial; pairs: the pairs
    nearest to each threshold of `rows`, as (threshold, pairs)."""

    threshold: float
    rows: list[Row]
    pairs: list[tuple[float, list[Pair]]]


def preview(
    store: Store,
    session: Session,
    options: DedupOptions,
    page: Path,
    *,
    rank: Path | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """Return one row per setting of each option and write the page with borderline pairs.

    Raises as `find_duplicates` does.
    """
    options.check()
    if page.suffix.lower() not in (".html", ".htm", ".png"):
        raise UsageError(
            f"{page} is neither an HTML page nor a picture.",
            hint="For example: --preview borders.html or borders.png",
        )
    options, frames, rows, matches = _compared(store, session, options, rank, progress)
    pairs = _borderline(frames, matches, options)
    if page.suffix.lower() == ".png":
        write_sheet(_sheet(store, float(options.threshold or 0), pairs), page)
    else:
        _write(page, _page(store, options, rows, pairs))
    return rows


def effects(
    store: Store,
    session: Session,
    options: DedupOptions,
    *,
    rank: Path | None = None,
    progress: Progress | None = None,
) -> Effects:
    """Return what other settings would do, with NEAR pairs around each threshold. Raises as `find_duplicates` does."""
    options.check()
    options, frames, rows, matches = _compared(store, session, options, rank, progress)
    by_vector = np.flatnonzero(matches.alike(0, options.agree_bits))
    pairs = []
    for row in (row for row in rows if row.dial == "threshold"):
        near = _nearest(by_vector, -matches.cosine[by_vector], -row.threshold, NEAR)
        pairs.append(
            (row.threshold, _pairs(frames, matches, near, replace(options, threshold=row.threshold)))
        )
    return Effects(float(options.threshold or 0), rows, pairs)


def _compared(
    store: Store, session: Session, options: DedupOptions, rank: Path | None, progress: Progress | None
) -> tuple[DedupOptions, pa.Table, list[Row], Matches]:
    """Return the options with their threshold, the frames, the effect of each setting, and all pairs near them."""
    frames, x = read_frames(session)
    options = settled(session, frames, options)
    threshold = float(options.threshold or 0)
    settings = [
        ("threshold", replace(options, threshold=value)) for value in sorted({*THRESHOLDS, threshold})
    ]
    most = sorted({*AGREE_BITS, options.agree_bits}, key=lambda bits: 65 if bits is None else bits)
    settings += [("agree_bits", replace(options, agree_bits=bits)) for bits in most]
    ranks = frame_ranks(session, frames, rank)
    held = HeldVectors(frames, x, remembered_join(store, options.memory_mb, progress))
    least = float(settings[0][1].threshold or 0)
    matches = find_matches(frames, held, ranks, replace(options, agree_bits=None), least)
    return options, frames, _rows(ranks, matches, settings), matches


def _write(page: Path, text: str) -> None:
    try:
        page.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{page} cannot be written: {error.strerror}") from error


def _sheet(store: Store, threshold: float, pairs: Sequence[Pair]) -> Sheet:
    """Return the pairs side by side, in two sections: pairs that are no near-duplicates, and pairs that are."""
    pictures = _thumbnails(store, pairs)
    sections = []
    for heading, copies in (("One of the two is left out", True), ("Both stay", False)):
        cells = [
            Cell(
                name,
                open_picture(pictures[name]) if name in pictures else None,
                (pair.says,),
            )
            for pair in pairs
            if pair.copy == copies
            for name in (pair.left, pair.right)
        ]
        sections.append(Section(heading, cells, "" if cells else "no pairs near the border"))
    return Sheet(
        f"Near-duplicates at {threshold:g}",
        sections,
        "Pairs side by side, with the cosine of their vectors and the bits in which their hashes differ",
    )


def _thumbnails(store: Store, pairs: Sequence[Pair]) -> dict[str, bytes]:
    """Return the WebP thumbnails of all frames of some pairs."""
    wanted = sorted({name for pair in pairs for name in (pair.left, pair.right)})
    table = store.take("thumbnails", wanted, ["frame_id", "webp"])
    return dict(zip(table["frame_id"].to_pylist(), table["webp"].to_pylist(), strict=True))


def _rows(ranks: np.ndarray, matches: Matches, settings: Sequence[tuple[str, DedupOptions]]) -> list[Row]:
    n = len(ranks)
    left, right = ranks[matches.a], ranks[matches.b]
    better, worse = np.minimum(left, right), np.maximum(left, right)
    rows = []
    with locked_database() as workbench:
        for dial, options in settings:
            threshold = float(options.threshold or 0)
            near = matches.chosen(options, threshold)
            decided = leaders(workbench, better[near], worse[near])
            copies = int(np.count_nonzero(decided["rank"].to_numpy() != decided["leader"].to_numpy()))
            in_shots = int(np.count_nonzero(near & matches.in_shot))
            across, stay = int(near.sum()) - in_shots, n - copies
            share = stay / max(1, n)
            rows.append(Row(dial, threshold, options.agree_bits, in_shots, across, copies, stay, share))
    return rows


def _borderline(frames: pa.Table, matches: Matches, options: DedupOptions) -> list[Pair]:
    """Return the pairs nearest to the limit of each option, half on either side, the most similar first.

    Near the threshold: pairs whose hashes agree or do not have to agree. Near the bits: pairs of two shots with
    similar vectors.
    """
    threshold, bits = float(options.threshold or 0), options.agree_bits
    by_vector = np.flatnonzero(matches.alike(0, bits))
    chosen = [_nearest(by_vector, -matches.cosine[by_vector], -threshold)]
    if bits is not None:
        across = np.flatnonzero(
            (matches.cosine >= np.float32(threshold)) & ~matches.in_shot & (matches.bits >= 0)
        )
        chosen.append(_nearest(across, matches.bits[across].astype(np.float32), bits))
    some = np.array(list(dict.fromkeys(np.concatenate(chosen).tolist())), np.int64)
    return _pairs(frames, matches, some, options)


def _pairs(frames: pa.Table, matches: Matches, some: np.ndarray, options: DedupOptions) -> list[Pair]:
    threshold = float(options.threshold or 0)
    copies = matches.chosen(options, threshold)[some]
    names = [frames["frame_id"].take(pa.array(side[some])).to_pylist() for side in (matches.a, matches.b)]
    says = [_says(float(matches.cosine[i]), int(matches.bits[i]), bool(matches.in_shot[i])) for i in some]
    return [Pair(*pair) for pair in zip(*names, says, copies.tolist(), strict=True)]


def _nearest(rows: np.ndarray, far: np.ndarray, border: float, count: int = SHOWN_PAIRS) -> np.ndarray:
    """Return the `count` rows nearest to the border, half of them at most `border` far apart, in order of distance."""
    order = np.argsort(far, kind="stable")
    middle = int(np.searchsorted(far[order], np.float32(border), side="right"))
    return rows[order[max(0, middle - count // 2) : middle + count // 2]]


def _says(cosine: float, bits: int, in_shot: bool) -> str:
    hashes = "" if bits < 0 else f", {bits} bits"
    return f"{cosine:.4f}{hashes}{', one shot' if in_shot else ''}"


def _page(store: Store, options: DedupOptions, rows: Sequence[Row], pairs: Sequence[Pair]) -> str:
    pictures = _thumbnails(store, pairs)
    tables = {
        dial: "".join(_line(row, options) for row in rows if row.dial == dial)
        for dial in ("threshold", "agree_bits")
    }
    figures = "".join(_figure(pair, pictures) for pair in pairs)
    bits = "any number of" if options.agree_bits is None else options.agree_bits
    return _PAGE.format(value=float(options.threshold or 0), bits=bits, heads=_HEADS, pairs=figures, **tables)


def _line(row: Row, options: DedupOptions) -> str:
    value = getattr(row, row.dial)
    now = " class=now" if value == getattr(options, row.dial) else ""
    shown = "any" if value is None else f"{value:g}"
    cells = (shown, row.in_shots, row.across, row.copies, row.stay, f"{row.share:.0%}")
    return f"<tr{now}>{''.join(f'<td>{cell}' for cell in cells)}</tr>"


def _figure(pair: Pair, pictures: dict[str, bytes]) -> str:
    verdict = "copy" if pair.copy else "stays"
    images = "".join(
        f'<img alt="{html.escape(name)}" title="{html.escape(name)}" src="data:image/webp;base64,'
        f'{base64.b64encode(pictures.get(name, b"")).decode()}">'
        for name in (pair.left, pair.right)
    )
    return f'<figure class="{verdict}">{images}<figcaption>{pair.says}: {verdict}</figcaption></figure>'


_HEADS = "<th>pairs in one shot<th>pairs across shots<th>copies<th>stay<th>share"
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Near-duplicates at {value:g}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; background: #fff; color: #222 }}
td, th {{ text-align: right; padding: .15rem .8rem }} .now {{ font-weight: bold; background: #fe9 }}
main {{ display: flex; flex-wrap: wrap; gap: 1rem }} figure {{ margin: 0; padding: .4rem; border: 3px solid #2a7 }}
figure.copy {{ border-color: #c33 }} img {{ width: 220px; margin-right: .3rem }}
</style>
<h1>Near-duplicates at {value:g}, {bits} bits</h1>
<h2>Threshold of the vectors</h2>
<table><tr><th>--threshold{heads}</tr>{threshold}</table>
<h2>Bits in which hashes may differ across shots</h2>
<table><tr><th>--agree-bits{heads}</tr>{agree_bits}</table>
<h2>Pairs on the border</h2>
<p>Red: one of the two is left out. Green: both stay. Below: the cosine, and the bits in which the hashes differ.</p>
<main>{pairs}</main>
</html>
"""

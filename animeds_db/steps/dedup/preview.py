"""See a threshold before setting it: how many frames would stay, and the pairs on the border.

Writes nothing to the database. The page is one HTML file with the thumbnails inside; asked for as .png, it is a
picture of the borderline pairs.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from animeds_db.contact_sheet import Cell, Section, Sheet, write_sheet
from animeds_db.errors import UsageError
from animeds_db.picture_files import open_picture
from animeds_db.session import Session
from animeds_db.session.sandbox import locked_database
from animeds_db.steps.dedup.find import frame_ranks, settled
from animeds_db.steps.dedup.frame_vectors import HeldVectors, Progress
from animeds_db.steps.dedup.grouping import leaders
from animeds_db.steps.dedup.matches import DedupOptions, Matches, find_matches, read_frames
from animeds_db.steps.dedup.remembered import remembered_join
from animeds_db.store import Store

THRESHOLDS = (0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 0.999)
SHOWN_PAIRS = 24
"""Borderline pairs on the page: half on either side of the threshold."""


@dataclass(frozen=True)
class Row:
    """What one threshold would do: pairs at or above it, copies, frames that stay, and their share (0…1)."""

    threshold: float
    pairs: int
    copies: int
    stay: int
    share: float


@dataclass(frozen=True)
class Pair:
    """Two frames near the threshold, with their cosine."""

    left: str
    right: str
    cosine: float


def preview(
    store: Store,
    session: Session,
    options: DedupOptions,
    page: Path,
    *,
    rank: Path | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """Return one row per threshold and write the page with borderline pairs. Raises as `find_duplicates` does."""
    options.check()
    if page.suffix.lower() not in (".html", ".htm", ".png"):
        raise UsageError(
            f"{page} is neither a page nor a picture", hint="--preview borders.html or borders.png"
        )
    frames, x = read_frames(session)
    options = settled(session, frames, options)
    threshold = float(options.threshold or 0)
    wanted = sorted({*THRESHOLDS, threshold})
    ranks = frame_ranks(session, frames, rank)
    held = HeldVectors(frames, x, remembered_join(store, options.memory_mb, progress))
    matches = find_matches(frames, held, ranks, options, wanted[0])
    rows = _rows(ranks, matches, options, wanted)
    pairs = _borderline(frames, matches.where(matches.alike(wanted[0], options.agree_bits)), threshold)
    if page.suffix.lower() == ".png":
        write_sheet(_sheet(store, threshold, pairs), page)
    else:
        _write(page, _page(store, threshold, rows, pairs))
    return rows


def _write(page: Path, text: str) -> None:
    try:
        page.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{page} cannot be written: {error.strerror}") from error


def _sheet(store: Store, threshold: float, pairs: Sequence[Pair]) -> Sheet:
    """Return the pairs side by side, those that stay apart under one heading, those that do not under another."""
    pictures = _thumbnails(store, pairs)
    sections = []
    for heading, copies in (("One of the two is left out", True), ("Both stay", False)):
        cells = [
            Cell(
                name,
                open_picture(pictures[name]) if name in pictures else None,
                (f"{pair.cosine:.4f}",),
            )
            for pair in pairs
            if (pair.cosine >= threshold) == copies
            for name in (pair.left, pair.right)
        ]
        sections.append(Section(heading, cells, "" if cells else "no pairs near the threshold"))
    return Sheet(
        f"Near-duplicates at {threshold:g}", sections, "Pairs side by side, with the cosine of their vectors"
    )


def _thumbnails(store: Store, pairs: Sequence[Pair]) -> dict[str, bytes]:
    """Return the WebP thumbnails of all frames of some pairs."""
    wanted = sorted({name for pair in pairs for name in (pair.left, pair.right)})
    table = store.take("thumbnails", wanted, ["frame_id", "webp"])
    return dict(zip(table["frame_id"].to_pylist(), table["webp"].to_pylist(), strict=True))


def _rows(
    ranks: np.ndarray, matches: Matches, options: DedupOptions, thresholds: Sequence[float]
) -> list[Row]:
    n = len(ranks)
    left, right = ranks[matches.a], ranks[matches.b]
    better, worse = np.minimum(left, right), np.maximum(left, right)
    rows = []
    with locked_database() as workbench:
        for threshold in thresholds:
            near = matches.chosen(options, threshold)
            decided = leaders(workbench, better[near], worse[near])
            copies = int(np.count_nonzero(decided["rank"].to_numpy() != decided["leader"].to_numpy()))
            rows.append(Row(threshold, int(near.sum()), copies, n - copies, (n - copies) / max(1, n)))
    return rows


def _borderline(frames: pa.Table, matches: Matches, threshold: float) -> list[Pair]:
    """Return the pairs nearest the threshold, half of them above it, most alike first."""
    ids = frames["frame_id"]
    order = np.argsort(matches.cosine, kind="stable")
    middle = int(np.searchsorted(matches.cosine[order], threshold))
    some = order[max(0, middle - SHOWN_PAIRS // 2) : middle + SHOWN_PAIRS // 2][::-1]
    return [
        Pair(ids[int(matches.a[i])].as_py(), ids[int(matches.b[i])].as_py(), float(matches.cosine[i]))
        for i in some
    ]


def _page(store: Store, threshold: float, rows: Sequence[Row], pairs: Sequence[Pair]) -> str:
    pictures = _thumbnails(store, pairs)
    lines = "".join(
        f"<tr{' class=now' if row.threshold == threshold else ''}><td>{row.threshold:g}<td>{row.pairs}"
        f"<td>{row.copies}<td>{row.stay}<td>{row.share:.0%}</tr>"
        for row in rows
    )
    return _PAGE.format(
        threshold=threshold, rows=lines, pairs="".join(_figure(p, threshold, pictures) for p in pairs)
    )


def _figure(pair: Pair, threshold: float, pictures: dict[str, bytes]) -> str:
    verdict = "copy" if pair.cosine >= threshold else "stays"
    images = "".join(
        f'<img alt="{html.escape(name)}" title="{html.escape(name)}" src="data:image/webp;base64,'
        f'{base64.b64encode(pictures.get(name, b"")).decode()}">'
        for name in (pair.left, pair.right)
    )
    return f'<figure class="{verdict}">{images}<figcaption>{pair.cosine:.4f} {verdict}</figcaption></figure>'


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Near-duplicates at {threshold:g}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; background: #fff; color: #222 }}
td, th {{ text-align: right; padding: .15rem .8rem }} .now {{ font-weight: bold; background: #fe9 }}
main {{ display: flex; flex-wrap: wrap; gap: 1rem }} figure {{ margin: 0; padding: .4rem; border: 3px solid #2a7 }}
figure.copy {{ border-color: #c33 }} img {{ width: 220px; margin-right: .3rem }}
</style>
<h1>Near-duplicates at {threshold:g}</h1>
<table><tr><th>threshold<th>pairs<th>copies<th>stay<th>share</tr>{rows}</table>
<h2>Pairs on the border</h2>
<p>Red: one of the two is left out at this threshold. Green: both stay.</p>
<main>{pairs}</main>
</html>
"""

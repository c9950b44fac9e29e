"""Rows as horizontal bars: `plot(ds.query("cast"))` in a notebook, `animeds query cast --plot cast.png`.

Rows are shown in the order in which they come; counting and sorting are left to SQL. Plots are drawn with Pillow,
so they need no extra package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

from animeds_db.errors import QueryError, UsageError

if TYPE_CHECKING:
    import duckdb

VALUES = ("seconds", "share", "n_frames", "n_faces", "frames", "n", "similarity", "worth")
"""Columns to plot: the first of these that exists, else the first column of numbers."""
MOST_BARS = 12
"""Maximum number of bars in one group. A line below them gives the number of the rest."""
MOST_ROWS = 240
_COLOURS = (
    "#4878a8",
    "#d1605e",
    "#6a9f58",
    "#e49444",
    "#85609f",
    "#5aa7a7",
    "#b07a5b",
    "#d37ab0",
    "#8a8a8a",
    "#c4a93a",
)
_WIDTH, _MARGIN, _ROW, _GAP, _HEAD = 1200, 36, 34, 22, 44
_INK, _FAINT, _PAPER, _TRACK = "#222222", "#777777", "#ffffff", "#f1f1f1"


def plot(
    relation: duckdb.DuckDBPyRelation, value: str | None = None, *, title: str | None = None
) -> Image.Image:
    """Return the rows of a relation as horizontal bars: an RGB picture 1200 pixels wide.

    `value` is the column of numbers to show (default: see VALUES). With one text column, each row is a bar. With
    several, the first one (a character's name, with the period if there is one) is the heading of a group of bars.
    Raises QueryError if there are no rows or no suitable columns.
    """
    rows = relation.limit(MOST_ROWS).to_arrow_table().to_pylist()
    if not rows:
        raise QueryError("nothing to plot: the query returned no rows")
    numbers = [name for name in rows[0] if _is_number(rows, name)]
    value = value or next((name for name in (*VALUES, *numbers) if name in numbers), None)
    texts = [name for name in rows[0] if all(isinstance(row[name], str | None) for row in rows)]
    texts = [name for name in texts if any(row[name] for row in rows)]
    if value not in numbers or not texts:
        raise QueryError(
            f'cannot plot "{value}": there is no such column of numbers'
            if value
            else "a plot needs a column of numbers and a column of text",
            hint=f"columns: {', '.join(rows[0])}",
        )
    return _drawn(list(_groups(rows, texts, str(value))), str(value), title or str(value).replace("_", " "))


def save_plot(relation: duckdb.DuckDBPyRelation, path: Path, *, title: str | None = None) -> None:
    """Write the plot of a relation as a PNG file. Raises what `plot` raises, and UsageError for any other suffix."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path.name} cannot be a plot: give a name that ends in .png")
    image = plot(relation, title=title)
    try:
        image.save(path, "PNG")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error}") from error


Bar = tuple[str, float]
Group = tuple[str, list[Bar], int]
"""A heading, its bars, and the number of bars left out."""


def _is_number(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    kinds = {type(row[name]) for row in rows} - {type(None)}
    return bool(kinds) and kinds <= {int, float, Decimal}


def _groups(rows: Sequence[Mapping[str, Any]], texts: Sequence[str], value: str) -> list[Group]:
    """Return the bars grouped by heading. The column `period` is part of the heading, or of the only name."""
    names = [name for name in texts if name != "period"]
    heading = names[0] if len(names) > 1 and names[1] not in ("first_seen", "first_frame") else None
    label = names[1] if heading else (names[0] if names else "period")

    def head(row: Mapping[str, Any]) -> str:
        parts = [row[heading] if heading else None, row.get("period")]
        return " · ".join(str(part) for part in parts if part)

    groups = []
    for text, group in groupby(rows, key=head):
        bars = [(str(row[label] or "?"), float(row[value] or 0)) for row in group]
        groups.append((text, bars[:MOST_BARS], len(bars) - MOST_BARS))
    return groups


def _drawn(groups: Sequence[Group], value: str, title: str) -> Image.Image:
    heights = [_height(group) for group in groups]
    image = Image.new("RGB", (_WIDTH, 2 * _MARGIN + _HEAD + sum(heights)), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((_MARGIN, _MARGIN - 8), title, _INK, _font(28))
    font = _font(18)
    left = (
        _MARGIN + 14 + min(420, max(draw.textlength(name, font) for _, bars, _ in groups for name, _ in bars))
    )
    most = max((size for _, bars, _ in groups for _, size in bars), default=0) or 1
    top = _MARGIN + _HEAD
    one_group = len(groups) == 1
    for number, (group, height) in enumerate(zip(groups, heights, strict=True)):
        colours = _COLOURS if one_group and not group[0] else (_COLOURS[number % len(_COLOURS)],)
        _draw_group(draw, group, (left, top), most, value, colours)
        top += height
    return image


def _draw_group(
    draw: ImageDraw.ImageDraw,
    group: Group,
    position: tuple[float, float],
    most: float,
    value: str,
    colours: Sequence[str],
) -> None:
    heading, bars, more = group
    left, top = position
    if heading:
        draw.text((_MARGIN, top), heading, _INK, _font(22))
        top += _ROW
    right = _WIDTH - _MARGIN - 90
    for number, (name, size) in enumerate(bars):
        middle = top + _ROW / 2
        text = _cut(draw, name, left - _MARGIN - 14)
        draw.text((left - 14, middle), text, _INK, _font(18), anchor="rm")
        draw.rounded_rectangle((left, top + 5, right, top + _ROW - 5), 4, _TRACK)
        width = max(3.0, (right - left) * max(size, 0) / most)
        draw.rounded_rectangle(
            (left, top + 5, left + width, top + _ROW - 5), 4, colours[number % len(colours)]
        )
        draw.text((right + 10, middle), _formatted(size, value), _FAINT, _font(17), anchor="lm")
        top += _ROW
    if more > 0:
        draw.text((left, top), f"and {more} more", _FAINT, _font(16))


def _height(group: Group) -> int:
    heading, bars, more = group
    return (_ROW if heading else 0) + len(bars) * _ROW + (_ROW if more > 0 else 0) + _GAP


def _cut(draw: ImageDraw.ImageDraw, text: str, width: float) -> str:
    while text and draw.textlength(text, _font(18)) > width:
        text = text[:-2] + "…"
    return text


def _formatted(size: float, value: str) -> str:
    if value == "seconds":
        return f"{int(size) // 60}:{int(size) % 60:02d}"
    if value == "share":
        return f"{size:.0%}"
    return f"{size:g}" if size.is_integer() else f"{size:.2f}"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)

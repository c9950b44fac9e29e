"""Contact sheets: many small pictures with their ids, under headings, as an HTML page or as a PNG.

This module only draws; it does not read tables. Every id on a sheet can be copied into a command.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from animeds_db.errors import UsageError

SIDE = 144
"""Side of the square that each picture is fitted into, in pixels."""
COLUMNS = 8
_GAP, _LINE, _MARGIN, _HEADING = 10, 15, 24, 52
_INK, _FAINT, _PAPER, _EMPTY = "#222222", "#777777", "#ffffff", "#e8e8e8"


@dataclass(frozen=True)
class Cell:
    """One picture, its id, and `lines` of text below it. Without a picture, an empty square is drawn."""

    id: str
    picture: Image.Image | None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Cells under a heading. `note` is one line of text below the heading."""

    heading: str
    cells: Sequence[Cell]
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """A title, a line that says what the sheet is for, and its sections."""

    title: str
    sections: Sequence[Section] = field(default_factory=tuple)
    note: str = ""


def write_sheet(sheet: Sheet, out: Path) -> list[Path]:
    """Write a sheet and return the paths of the files written.

    `out` decides the form: `.html` is one page, `.png` one picture. A path without a suffix is a folder that gets
    the page and one picture per section. Raises UsageError for any other suffix, or if a file cannot be written.
    """
    suffix = out.suffix.lower()
    if suffix not in ("", ".html", ".htm", ".png"):
        raise UsageError(
            f"{out.name} cannot be a contact sheet: give a name that ends in .html or .png, or a folder"
        )
    try:
        if suffix == ".png":
            out.write_bytes(_png(drawn(sheet)))
            return [out]
        if suffix:
            out.write_text(page(sheet), "utf-8")
            return [out]
        return _write_folder(sheet, out)
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error}") from error


def _write_folder(sheet: Sheet, out: Path) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    written = [out / "index.html"]
    written[0].write_text(page(sheet), "utf-8")
    width = len(str(len(sheet.sections)))
    for number, section in enumerate(sheet.sections, start=1):
        path = out / f"{number:0{width}d}.png"
        path.write_bytes(_png(drawn(Sheet(section.heading, (Section("", section.cells),), section.note))))
        written.append(path)
    return written


def page(sheet: Sheet) -> str:
    """Return the sheet as one HTML page with the pictures inside."""
    sections = "".join(_section(section) for section in sheet.sections)
    return _PAGE.format(title=html.escape(sheet.title), note=html.escape(sheet.note), sections=sections)


def _section(section: Section) -> str:
    heading = f"<h2>{html.escape(section.heading)}</h2>" if section.heading else ""
    note = f"<p>{html.escape(section.note)}</p>" if section.note else ""
    return f"<section>{heading}{note}<main>{''.join(map(_figure, section.cells))}</main></section>\n"


def _figure(cell: Cell) -> str:
    name = html.escape(cell.id)
    lines = "".join(f"<span>{html.escape(line)}</span>" for line in cell.lines)
    picture = "<div></div>"
    if cell.picture is not None:
        data = base64.b64encode(_webp(_fitted(cell.picture))).decode()
        picture = f'<img alt="{name}" src="data:image/webp;base64,{data}">'
    return f"<figure>{picture}<figcaption><code>{name}</code>{lines}</figcaption></figure>"


def drawn(sheet: Sheet) -> Image.Image:
    """Return the sheet as one RGB picture."""
    width = 2 * _MARGIN + COLUMNS * (SIDE + _GAP) - _GAP
    heights = [_section_height(section) for section in sheet.sections]
    image = Image.new("RGB", (width, 2 * _MARGIN + _HEADING + sum(heights)), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((_MARGIN, _MARGIN), _latin(sheet.title), _INK, _font(24))
    draw.text((_MARGIN, _MARGIN + 30), _latin(sheet.note), _FAINT, _font(13))
    top = _MARGIN + _HEADING
    for section, height in zip(sheet.sections, heights, strict=True):
        _draw_section(image, draw, section, top)
        top += height
    return image


def _draw_section(image: Image.Image, draw: ImageDraw.ImageDraw, section: Section, top: int) -> None:
    if section.heading:
        draw.text((_MARGIN, top + 8), _latin(section.heading), _INK, _font(18))
        draw.text((_MARGIN, top + 31), _latin(section.note), _FAINT, _font(12))
        top += _HEADING
    row_height = _row_height(section)
    for place, cell in enumerate(section.cells):
        row, column = divmod(place, COLUMNS)
        _draw_cell(image, draw, cell, _MARGIN + column * (SIDE + _GAP), top + row * row_height)


def _draw_cell(image: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, left: int, top: int) -> None:
    if cell.picture is None:
        draw.rectangle((left, top, left + SIDE - 1, top + SIDE - 1), _EMPTY)
    else:
        picture = _fitted(cell.picture)
        image.paste(picture, (left + (SIDE - picture.width) // 2, top + (SIDE - picture.height) // 2))
    for number, line in enumerate((cell.id, *cell.lines)):
        font = _font(12)
        text = _latin(line)
        while text and draw.textlength(text, font) > SIDE:  # an id always fits; a long name is cut
            text = text[:-2] + "…"
        draw.text((left, top + SIDE + 2 + number * _LINE), text, _FAINT if number else _INK, font)


def _section_height(section: Section) -> int:
    rows = -(-len(section.cells) // COLUMNS)
    return (_HEADING if section.heading else 0) + rows * _row_height(section)


def _row_height(section: Section) -> int:
    lines = 1 + max((len(cell.lines) for cell in section.cells), default=0)
    return SIDE + lines * _LINE + _GAP


def _fitted(picture: Image.Image) -> Image.Image:
    """Return the picture as RGB, scaled so that its longer edge equals SIDE."""
    scale = SIDE / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _latin(text: str) -> str:
    """Return the text with `?` for each character that Pillow's built-in font cannot draw. The page shows them all."""
    return "".join(c if ord(c) < 0x250 or c in "–—…·×≥≤" else "?" for c in text)


def _webp(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=85, method=4)
    return buffer.getvalue()


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; background: #fff; color: #222 }}
h2 {{ margin: 1.6rem 0 .2rem }} p {{ margin: 0 0 .6rem; color: #777 }}
main {{ display: flex; flex-wrap: wrap; gap: .7rem }} figure {{ margin: 0; width: 144px }}
img, figure div {{ width: 144px; height: 144px; object-fit: contain; background: #e8e8e8; display: block }}
figcaption {{ font-size: 12px; color: #777 }} figcaption span {{ display: block }}
code {{ font: 11px ui-monospace, monospace; color: #222; user-select: all }}
</style>
<h1>{title}</h1>
<p>{note}</p>
{sections}</html>
"""

"""The picture shown for a frame whose video is missing: it says why, and what to do."""

from __future__ import annotations

import textwrap
from html import escape

from animeds_db.errors import SourceError

MOVED = "If the file moved, run: animeds sources relocate OLD NEW"
WIDTH, HEIGHT, LINE = 960, 540, 34


def placeholder(error: SourceError) -> bytes:
    """Return an SVG picture with the message and the hint of an error."""
    hint = f"{error.hint}. {MOVED}" if error.hint and "relocate" not in error.hint else error.hint or MOVED
    lines = [(line, 26, "#ddd") for line in textwrap.wrap(error.message, 62)[:6]]
    lines += [(line, 24, "#f2c14e") for line in ["", *textwrap.wrap(hint, 66)[:5]]]
    top = (HEIGHT - LINE * len(lines)) // 2
    words = "".join(
        f'<text x="{WIDTH // 2}" y="{top + LINE * number}" font-size="{size}" fill="{colour}">{escape(line)}</text>'
        for number, (line, size, colour) in enumerate(lines, 1)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img"><title>{escape(error.message)}</title><rect width="100%" height="100%" fill="#26262b"/>'
        f'<g text-anchor="middle" font-family="sans-serif">{words}</g></svg>'
    ).encode()

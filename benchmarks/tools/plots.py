"""Growth curves as SVG: one panel per question, a line per way to answer it, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#0066cc", "#00aa55", "#cc5500", "#888888")
ACROSS = 3
WIDTH, HEIGHT = 300, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 30, 24

Lines = Mapping[str, Sequence[float | None]]
"""Of each way its values, one for each size; None where there is none."""


def growth(sizes: Sequence[int], panels: Mapping[str, Lines], unit: str) -> str:
    """Return an SVG of these panels; `unit` is what the values count."""
    ways = list(dict.fromkeys(way for lines in panels.values() for way in lines))
    colour = dict(zip(ways, COLOURS, strict=False))
    across = min(ACROSS, len(panels))
    panel = WIDTH if across > 1 else 2 * WIDTH
    width, height = across * panel, -(-len(panels) // across) * HEIGHT + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _legend(colour, unit),
    ]
    for number, (title, lines) in enumerate(panels.items()):
        row, column = divmod(number, across)
        parts.append(f'<g transform="translate({column * panel} {row * HEIGHT + 30})">')
        parts += [*_panel(sizes, title, lines, colour, panel), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(colour: Mapping[str, str], unit: str) -> str:
    words = "".join(f'<tspan fill="{c}" dx="14">━ {escape(way)}</tspan>' for way, c in colour.items())
    return f'<text x="12" y="19">{escape(unit)} over rows:{words}</text>'


def _panel(
    sizes: Sequence[int], title: str, lines: Lines, colour: Mapping[str, str], width: int
) -> list[str]:
    values = [value for way in lines.values() for value in way if value is not None]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high += high == low
    first, last = math.log10(min(sizes)), math.log10(max(sizes))

    def x(size: float) -> float:
        return LEFT + (width - LEFT - RIGHT) * (math.log10(size) - first) / max(last - first, 1e-9)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(value) - low) / (high - low)

    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{width - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for size in sizes:
        anchor = "end" if size == max(sizes) else "start" if size == min(sizes) else "middle"
        parts.append(f'<text x="{x(size):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{size:,}</text>')
    for way, line in lines.items():
        points = [(x(s), y(v)) for s, v in zip(sizes, line, strict=True) if v is not None]
        drawn = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour[way]}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{colour[way]}"/>' for a, b in points]
    return parts

"""Thumbnails in a notebook: `ds.gallery("SELECT frame_id FROM …")`."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence


class Gallery:
    """Thumbnails with their frame ids. `pictures` are (frame_id, WebP bytes); `total` is the size of the selection."""

    def __init__(self, pictures: Sequence[tuple[str, bytes]], total: int) -> None:
        self.pictures = list(pictures)
        self.total = total

    def __len__(self) -> int:
        return len(self.pictures)

    def __repr__(self) -> str:
        return f"Gallery({len(self.pictures)} of {self.total} frames)"

    def _repr_html_(self) -> str:
        """Return the gallery as HTML, which notebooks display."""
        cells = "".join(self._cell(frame_id, webp) for frame_id, webp in self.pictures)
        note = f"<p>{len(self.pictures)} of {self.total}</p>" if len(self.pictures) < self.total else ""
        return f'<div style="display:flex;flex-wrap:wrap;gap:6px">{cells}</div>{note}'

    def _cell(self, frame_id: str, webp: bytes) -> str:
        data = base64.b64encode(webp).decode("ascii")
        name = html.escape(frame_id)
        return (
            f'<figure style="margin:0;width:192px"><img src="data:image/webp;base64,{data}" alt="{name}"'
            f' style="width:100%"><figcaption style="font:11px monospace">{name}</figcaption></figure>'
        )

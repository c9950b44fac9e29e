"""Small sources and what a database would say about them, for tests of the export.

shot = video_source(tmp_path / "Show - S01E01.mkv")      # encoded, every frame measured as ingest does
plan, sources = tables([shot])                           # Arrow tables as export() takes them
store = database(tmp_path / "db", [shot], tags=…)        # the same in real Lance tables
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from tables import counted, empty_store, stored
from videos import write_video

from animeds_db import schema
from animeds_db.export import PLAN, SOURCE_COLUMNS
from animeds_db.media import Frame, Video, open_media
from animeds_db.store import Store

Tags = Sequence[tuple[str, str, float]]
GIRL: Tags = (
    ("1girl", "general", 0.98),
    ("red_hair", "general", 0.9),
    ("takamachi_nanoha", "character", 0.8),
)
CAPTION = "waifu, 1girl, red hair"
"""What steps.captions makes of them with the activation tag waifu."""


@dataclass
class Measured:
    """A source, its frames' rows and the pixels that ingest saw."""

    path: Path
    source_id: str
    kind: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    pixels: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def source_row(self) -> dict[str, Any]:
        known = {"uri": str(self.path), "kind": self.kind, "title": self.path.stem, "show": "Show"}
        return {**dict.fromkeys(SOURCE_COLUMNS), **known, "source_id": self.source_id, **self.facts}

    @property
    def frame_ids(self) -> list[str]:
        return [row["frame_id"] for row in self.rows]


def video_source(path: Path, source_id: str = "aaaaaaaa", *, every: int = 6, **arguments: Any) -> Measured:
    """Encode a clip of 24 frames and measure every sixth frame, key frame or not."""
    write_video(path, **{"count": 24, **arguments})
    return encoded_source(path, source_id, every=every)


def encoded_source(path: Path, source_id: str = "aaaaaaaa", *, every: int = 6) -> Measured:
    """Measure every sixth frame of a clip."""
    with Video(path) as video:
        return _measured(
            path, source_id, "video", [f for i, f in enumerate(video.frames()) if i % every == 0]
        )


def picture_source(
    path: Path, source_id: str = "bbbbbbbb", count: int = 3, pictures: Sequence[np.ndarray] | None = None
) -> Measured:
    """Draw a folder of pictures, or save these (uint8 RGB), and measure them."""
    path.mkdir()
    plain = (np.full((48, 64 + i, 3), (80 * i, 40, 200), np.uint8) for i in range(count))
    for i, pixels in enumerate(plain if pictures is None else pictures):
        Image.fromarray(pixels).save(path / f"picture {i + 1}.png")
    with open_media(path) as opened:
        return _measured(path, source_id, "images", list(opened.frames()))


def _measured(path: Path, source_id: str, kind: str, frames: Sequence[Frame]) -> Measured:
    measured = Measured(path, source_id, kind)
    for place, frame in enumerate(frames):
        position = place if frame.time_s is None else round(frame.time_s * 1000)
        row: dict[str, Any] = {"frame_id": schema.frame_id(source_id, position), "source_id": source_id}
        row |= {"stream": frame.stream, "pts": frame.pts, "key_pts": frame.key_pts, "member": frame.member}
        row |= {"content_hash": frame.content_hash(), "width": frame.width, "height": frame.height}
        row |= {"time_s": frame.time_s, "ordinal": place, "is_keyframe": frame.is_keyframe}
        measured.rows.append(row)
        measured.pixels[row["frame_id"]] = frame.pixels().copy()
    return measured


def tables(
    sources: Sequence[Measured],
    *,
    tags: Tags = GIRL,
    steer: Callable[[int, dict[str, Any]], Mapping[str, Any]] = lambda _i, _row: {},
) -> tuple[pa.Table, pa.Table]:
    """Return plan and source rows of all frames; `steer` gives each row's steering columns."""
    tagged = [
        dict(zip(("tag", "category", "score"), tag, strict=True)) | {"counts": tag[2] >= 0.35} for tag in tags
    ]
    rows = [
        {**dict.fromkeys(PLAN.names), **row, "tags": tagged}
        for source in sorted(sources, key=lambda s: s.source_id)
        for row in source.rows
    ]
    rows = [{**row, "caption": CAPTION, **steer(i, row)} for i, row in enumerate(rows)]
    plan = pa.Table.from_pylist([{name: row[name] for name in PLAN.names} for row in rows], PLAN)
    return plan, pa.Table.from_pylist([source.source_row() for source in sources])


def database(
    path: Path, sources: Sequence[Measured], tags: Callable[[int, str], Tags] = lambda _i, _id: GIRL
) -> Store:
    """Write the sources and their frames to a new database; `tags` gives each frame's, best first."""
    store = empty_store(path, 4, 4)
    every = [(row, tags(i, row["frame_id"])) for s in sources for i, row in enumerate(s.rows)]
    ids = store.ensure_tags(sorted({(tag, category) for _, of_row in every for tag, category, _ in of_row}))
    rows = []
    for row, of_row in every:
        numbers = [ids[tag] for tag, _, _ in of_row]
        scores = [round(100 * score) for _, _, score in of_row]
        rows.append({**row, "tags": numbers, "tag_scores": stored(scores), **counted(numbers, scores)})
    frames = pa.Table.from_pylist(rows, store.schema("frames").schema)
    store.upsert("frames", frames)
    done = [{**source.source_row(), "state": "done"} for source in sources]
    store.upsert("sources", pa.Table.from_pylist(done, schema.SOURCES.schema))
    return store


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }

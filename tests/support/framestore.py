"""Databases of frames whose vectors and measures a test chooses, without any video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from tables import empty_store

from animeds_db import schema
from animeds_db.dataset import Dataset

GOOD = {
    "is_blank": False,
    "sharpness": 100.0,
    "brightness": 0.5,
    "contrast": 0.2,
    "saturation": 0.3,
    "text_upper": 0.0,
    "text_lower": 0.0,
    "border_left": 0.0,
    "border_top": 0.0,
    "border_right": 0.0,
    "border_bottom": 0.0,
    "width": 1280,
    "height": 720,
}
"""Measures that pass every gate."""


def frame_rows(
    source: str, vectors: np.ndarray | None, n: int, step_s: float = 1.0, **columns: Sequence[object]
) -> list[dict[str, object]]:
    """Return n rows of a source, one per `step_s` seconds and each its own shot; `columns` override."""
    rows = []
    for i in range(n):
        time_s = i * step_s
        row: dict[str, object] = GOOD | {
            "frame_id": schema.frame_id(source, round(time_s * 1000)),
            "source_id": source,
            "stream": 0,
            "pts": i,
            "key_pts": i,
            "time_s": time_s,
            "ordinal": i,
            "shot": i,
            "is_keyframe": True,
            "content_hash": f"{source}{i}",
        }
        if vectors is not None and np.isfinite(vectors[i]).all():
            row |= {"embedding": vectors[i].astype(np.float32), "embedder": "drawn@1"}
        rows.append(row | {name: values[i] for name, values in columns.items()})
    return rows


def dataset_of(folder: Path, sources: dict[str, list[dict[str, object]]], width: int = 16) -> Dataset:
    """Write these sources' frames into a new database and open it."""
    store = empty_store(folder / "frames.animeds", width, 8)
    for number, (source, rows) in enumerate(sources.items()):
        row = {
            "source_id": source,
            "state": "done",
            "show": "Show",
            "episode": number + 1,
            "n_frames": len(rows),
        }
        store.upsert("sources", pa.Table.from_pylist([row], schema.SOURCES.schema))
        store.upsert("frames", pa.Table.from_pylist(rows, schema.frames(width).schema))
    return Dataset(store)


def unit(x: np.ndarray) -> np.ndarray:
    """Return rows of norm 1."""
    units: np.ndarray = x / np.linalg.norm(x, axis=-1, keepdims=True)
    return units

"""Databases of faces whose vectors, boxes and names a test chooses, without any video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tables import empty_store

from animeds_db import schema
from animeds_db.dataset import Dataset

WIDTH = 16
MODEL = "drawn@1"


def faces_store(
    folder: Path, faces: Sequence[Mapping[str, Any]], *, fps: float = 1.0, sources: int = 1
) -> Dataset:
    """One row per face: at (seconds), and perhaps vector, model, box, source (0 …), character, score, margin,
    detected (the detector's score); of its frame brightness, height (pixels).

    A frame is made for every second that is mentioned, a shot for every ten seconds. The vector is [16].
    """
    store = empty_store(folder / "faces.animeds", 4, WIDTH)
    names = [f"aaaaaaa{chr(97 + i)}" for i in range(sources)]
    rows = [
        {"source_id": s, "state": "done", "show": "Show", "season": 1, "episode": i + 1}
        for i, s in enumerate(names)
    ]
    rows = [row | {"kind": "video", "uri": str(folder / "gone.mkv")} for row in rows]
    store.upsert("sources", pa.Table.from_pylist(rows, schema.SOURCES.schema))
    frames: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    detections, identities = [], []
    for face in faces:
        source, at = names[face.get("source", 0)], float(face["at"])
        frame = schema.frame_id(source, round(at * 1000))
        frames[frame] = {
            "frame_id": frame,
            "source_id": source,
            "time_s": at,
            "shot": int(at // 10),
            "ordinal": int(at),
            "brightness": face.get("brightness"),
            "height": face.get("height"),
        }
        index = counts[frame] = counts.get(frame, -1) + 1
        left, top, right, bottom = face.get("box", (0.05 + 0.2 * index, 0.3, 0.2 + 0.2 * index, 0.5))
        box = {"left": left, "top": top, "right": right, "bottom": bottom}
        ids = {
            "detection_id": schema.detection_id(frame, "face", index),
            "frame_id": frame,
            "source_id": source,
        }
        vector = face.get("vector")
        box["score"] = face.get("detected", 0.9)
        extra = {} if vector is None else {"vector": np.asarray(vector, np.float32)}
        model = None if vector is None else face.get("model", MODEL)
        detections.append(ids | box | extra | {"kind": "face", "model": "finder@1", "vector_model": model})
        if face.get("character"):
            told = {"character": face["character"], "score": face.get("score", 0.9), "by": "examples"}
            identities.append(ids | told | {"margin": face.get("margin", 0.5), "second": face.get("second")})
    store.upsert("frames", pa.Table.from_pylist(list(frames.values()), schema.frames(4).schema))
    store.upsert("detections", pa.Table.from_pylist(detections, schema.detections(WIDTH).schema))
    if identities:
        store.upsert("identities", pa.Table.from_pylist(identities, schema.IDENTITIES.schema))
    return Dataset(store)


def looks(people: int, seed: int = 1) -> np.ndarray:
    """Return one unit vector per person, at right angles: float64 [people, 16]."""
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0][:people]


def near(vector: np.ndarray, seed: int, spread: float = 0.03) -> np.ndarray:
    """Return the vector with some noise: cosines of about 1 - spread² · 16 with it."""
    return vector + spread * np.random.default_rng(seed).standard_normal(WIDTH)

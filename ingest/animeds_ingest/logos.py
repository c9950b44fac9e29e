"""Finds the logos of videos in their thumbnails, and writes them to `masks`: one row per logo, for all frames."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from animeds_db import schema
from animeds_db.media.masks import shape_of
from animeds_db.store import Store
from animeds_db.store.store import quoted
from animeds_ingest.measures.logos import SHOTS, find_logos

MODEL = "logos@1"
"""Stands for a model's id in the table `masks`: the number grows with the method."""
PART = "logo"
LOOKED_AT = 200
"""Maximum number of shots of a video that are compared: more say nothing new."""
EDGES = ("left", "top", "right", "bottom")


def mask_logos(store: Store) -> dict[str, int]:
    """Find the logos of every finished video again; return the number of logos per source_id.

    Videos with fewer than measures.logos.SHOTS shots are left out. Raises StoreError.
    """
    videos = store.table("sources").to_table(
        columns=["source_id"], filter=(pc.field("state") == "done") & (pc.field("kind") == "video")
    )
    found: dict[str, int] = {}
    for source_id in sorted(videos["source_id"].to_pylist()):
        pictures, bars = _pictures(store, source_id)
        if len(pictures) < SHOTS:
            continue
        rows = [_row(source_id, n, logo) for n, logo in enumerate(find_logos(pictures, **bars), start=1)]
        store.delete("masks", f"source_id = {quoted(source_id)} AND model = {quoted(MODEL)}")
        store.upsert("masks", pa.Table.from_pylist(rows, schema.MASKS.schema))
        found[source_id] = len(rows)
    return found


def _pictures(store: Store, source_id: str) -> tuple[np.ndarray, dict[str, float]]:
    """Return one grey thumbnail per shot of a video, uint8 [n,h,w], and the heights of its bars (0…1)."""
    mine = pc.field("source_id") == source_id
    frames = store.table("frames").to_table(
        columns=["frame_id", "shot", "border_top", "border_bottom"], filter=mine & ~pc.field("is_blank")
    )
    first = (
        frames.group_by("shot").aggregate([("frame_id", "min")]).sort_by("shot")["frame_id_min"].to_pylist()
    )
    some = (
        [first[n] for n in np.unique(np.linspace(0, len(first) - 1, LOOKED_AT).astype(int))] if first else []
    )
    webps = store.take("thumbnails", some, ["webp"])["webp"].to_pylist()
    pictures = [np.asarray(Image.open(io.BytesIO(webp)).convert("L")) for webp in webps if webp]
    alike = [picture for picture in pictures if picture.shape == pictures[0].shape]
    bars = {
        side: float(pc.quantile(frames[f"border_{side}"], 0.5)[0].as_py() or 0) for side in ("top", "bottom")
    }
    return (np.stack(alike) if alike else np.zeros((0, 1, 1), np.uint8)), bars


def _row(source_id: str, number: int, logo: np.ndarray) -> dict[str, Any]:
    shape = shape_of(logo)
    return {
        "mask_id": schema.result_id(f"{source_id}/{PART}{number}", MODEL),
        "source_id": source_id,
        "part": PART,
        "model": MODEL,
        **{edge: getattr(shape, edge) for edge in EDGES},
        "shape": shape.png,
        "coverage": shape.coverage,
    }

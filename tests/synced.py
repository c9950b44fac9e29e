"""A small database with named faces, and its exports, for tests of what a folder says back."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import export_material
import pyarrow as pa

import animeds_db
from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.export import ExportOptions
from animeds_db.store import Store

TAGS: export_material.Tags = (
    ("1girl", "general", 0.98),
    ("red_hair", "general", 0.9),
    ("smile", "general", 0.6),
)
ARRANGED = """
SELECT f.frame_id, n_characters || '_character/' || coalesce(character_string, 'character_others') AS folder
FROM frames f JOIN frame_characters USING (frame_id)
"""
FACE_CROPS = "SELECT frame_id, face_id, character AS folder FROM faces"


Names = Sequence[Sequence[str | None]]
DUOS: Names = (("Nanoha",), ("Nanoha",), ("Fate",), ("Fate",))


def show(folder: Path, names: Names = DUOS) -> Dataset:
    """Return a database with a frame per entry of `names`, each with these faces from left to right."""
    shutil.copytree(_show(tuple(tuple(faces) for faces in names)), folder / "show.animeds")
    return animeds_db.open(folder / "show.animeds")


@cache
def _show(names: Names) -> Path:
    """Make that database once per process: creating one costs more than copying it."""
    folder = Path(tempfile.mkdtemp(prefix="animeds-synced-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    source = export_material.video_source(folder / "Show - S01E01.mkv", every=24 // len(names))
    store = export_material.database(folder / "show.animeds", [source], tags=lambda _i, _id: TAGS)
    for frame, faces in zip(source.frame_ids, names, strict=False):
        add_faces(store, frame, faces)
    return folder / "show.animeds"


def add_faces(store: Store, frame: str, names: Sequence[str | None]) -> None:
    """Add faces side by side, classified as these characters (None: unknown)."""
    width = 0.9 / max(len(names), 3)
    boxes, answers = [], []
    for place, name in enumerate(names):
        where = {"detection_id": schema.detection_id(frame, "face", place), "frame_id": frame}
        where["source_id"] = frame.partition("-")[0]
        box = {"kind": "face", "left": width * place + 0.02, "top": 0.1, "right": width * (place + 1) - 0.02}
        boxes.append(where | box | {"bottom": 0.5, "score": 0.9, "model": "faces@1"})
        answers.append(
            where | {"character": name or "unknown", "score": 0.8, "margin": 0.4, "by": "examples"}
        )
    if boxes:
        store.upsert("detections", pa.Table.from_pylist(boxes, store.schema("detections").schema))
        store.upsert("identities", pa.Table.from_pylist(answers, schema.IDENTITIES.schema))


def export(dataset: Dataset, out: Path, sql: str = ARRANGED, **options: Any) -> Path:
    """Export a selection of this database."""
    dataset.export(None, out, sql=sql, options=ExportOptions(**options))
    return out


def pictures(folder: Path) -> list[str]:
    """Return the pictures below a folder, relative, sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))


def content(folder: Path) -> dict[str, bytes]:
    """Return pictures and captions below a folder with their bytes."""
    found = export_material.content(folder)
    return {
        name: data
        for name, data in found.items()
        if name.endswith((".png", ".txt")) and name != "CREDITS.txt"
    }


def said(dataset: Dataset) -> list[tuple[Any, ...]]:
    """Return what counts of what people said: (field, op, value, frame_id)."""
    return sorted(
        dataset.sql("SELECT field, op, value, frame_id FROM labels").fetchall(), key=lambda row: str(row)
    )

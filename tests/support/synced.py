"""A small database with named faces, and its exports, for tests of what a folder says back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import export_material
import pyarrow as pa
import sampleshow
from videos import write_video

import animeds_db
from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.export import ExportOptions
from animeds_db.export.manifest import MANIFEST_NAME
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
VIDEO = "Show - S01E01.mkv"
FACE_CROPS = "SELECT frame_id, face_id, character AS folder FROM faces"


Names = Sequence[Sequence[str | None]]
DUOS: Names = (("Nanoha",), ("Nanoha",), ("Fate",), ("Fate",))


_untouched: dict[str, tuple[Names, Mapping[str, int]]] = {}
"""Of each database that show() gave: the names in it, and its versions then."""


def show(folder: Path, names: Names = DUOS) -> Dataset:
    """Return a database with a frame per entry of `names`, each with these faces from left to right."""
    names = tuple(tuple(faces) for faces in names)
    shutil.copytree(_show(names), folder / "show.animeds")
    dataset = animeds_db.open(folder / "show.animeds")
    _untouched[dataset.uri] = (names, _versions(dataset))
    return dataset


def _show(names: Names) -> Path:
    """Make that database once: creating one costs more than copying it."""
    return sampleshow.once(f"synced-{_short(names)}", lambda folder: _make(folder, names)) / "show.animeds"


def _make(folder: Path, names: Names) -> None:
    video = sampleshow.once("synced-video", _encode) / VIDEO
    source = export_material.encoded_source(video, every=24 // len(names))
    store = export_material.database(folder / "show.animeds", [source], tags=lambda _i, _id: TAGS)
    for frame, faces in zip(source.frame_ids, names, strict=False):
        add_faces(store, frame, faces)


def _encode(folder: Path) -> None:
    folder.mkdir()
    write_video(folder / VIDEO, count=24)


def _short(*what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]


def _versions(dataset: Dataset) -> Mapping[str, int]:
    return {name: dataset.store.version(name) for name in dataset.store.names()}


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
    """Export a selection of this database; a database as show() gave it is exported once, then its folder copied."""
    names, versions = _untouched.get(dataset.uri, ((), {}))
    if out.exists() or versions != _versions(dataset):
        dataset.export(None, out, sql=sql, options=ExportOptions(**options))
        return out
    made = sampleshow.once(
        f"export-{_short(names, sql, sorted(options.items()))}",
        lambda folder: _export(_show(names), folder, sql, options),
    )
    shutil.copytree(made, out)
    manifest = out / MANIFEST_NAME
    here, there = json.dumps(dataset.uri), json.dumps(str(_show(names)))
    manifest.write_text(manifest.read_text("utf-8").replace(there, here), "utf-8")
    return out


def _export(database: Path, out: Path, sql: str, options: Mapping[str, Any]) -> None:
    with animeds_db.open(database) as dataset:
        dataset.export(None, out, sql=sql, options=ExportOptions(**options))


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

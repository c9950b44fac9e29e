"""What a notebook writes, for mypy to check. Nothing runs this file: `mypy` fails when the public API loses a type."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import duckdb
import polars as pl
from PIL import Image

import animeds_db
import animeds_ingest
from animeds_db import Dataset, RemoteDataset
from animeds_db.errors import SourceError
from animeds_db.export import CropOptions, ExportOptions
from animeds_db.export.options import ExportReport
from animeds_db.steps.characters import Characters
from animeds_db.steps.dedup.find import DedupOptions
from animeds_db.steps.labels.changes import Act
from animeds_ingest.choice import Choice
from animeds_ingest.outcomes import Report


def databases_are_opened_and_created() -> None:
    assert_type(animeds_db.create("show.animeds", profile="tiny"), Dataset)
    assert_type(animeds_db.create(Path("vectors.animeds"), embedding_width=512), Dataset)
    assert_type(animeds_db.open(), Dataset)
    assert_type(animeds_db.connect("http://127.0.0.1:8321"), RemoteDataset)
    with animeds_db.open("show.animeds", at="3d") as ds:
        assert_type(ds, Dataset)
        assert_type(ds.uri, str)


def sources_are_ingested(ds: Dataset) -> None:
    report = ds.ingest("episodes", sample="every=2s", profile="tiny", models={"tagger": "wd-vit-v3"})
    assert_type(report, Report)
    for outcome in report.failed:
        assert_type(outcome.error, SourceError | None)
    ds.ingest([Path("a.mkv"), Path("b.mkv")], start="1:30", end=600.0, replace=True)
    assert_type(ds.tag("wd-vit-v3", use=True), Report)
    assert_type(ds.drop_model("wd-vit-v3"), int)


def the_ingest_package_is_used_alone(ds: Dataset) -> None:
    choice = Choice(sample="keyframes", profile="tiny")
    assert_type(animeds_ingest.ingest(ds.store, ["episodes"], choice), Report)
    assert_type(animeds_ingest.tag(ds.store, "wd-vit-v3", frames=["k3f9a2qd-000754212"]), Report)
    assert_type(animeds_ingest.detect(ds.store, "anime-faces", character="none"), Report)
    assert_type(animeds_ingest.embed(ds.store, "clip-vit-b32", use=True), Report)
    assert_type(animeds_ingest.drop_model(ds.store, "wd-vit-v3"), int)


def rows_are_asked_for(ds: Dataset) -> None:
    rows = ds.sql("SELECT tag, score FROM tags WHERE score > $least", {"least": 0.5})
    assert_type(rows, duckdb.DuckDBPyRelation)
    assert_type(ds.sql("SELECT 1 WHERE $here", here=True), duckdb.DuckDBPyRelation)
    assert_type(ds.query("by_tags", has=["red_hair"]), duckdb.DuckDBPyRelation)
    assert_type(ds.query("by_tags", {"has": ["red_hair"]}), duckdb.DuckDBPyRelation)
    assert_type(ds.search("red hair", k=5), duckdb.DuckDBPyRelation)
    assert_type(ds.frames(), pl.LazyFrame)
    assert_type(ds.status(), duckdb.DuckDBPyRelation)
    assert_type(ds.summary(), list[str])


def pictures_are_looked_at(ds: Dataset) -> None:
    assert_type(ds.image("k3f9a2qd-000754212"), Image.Image)
    assert_type(ds.thumbnail("k3f9a2qd-000754212"), Image.Image)
    for frame_id, picture in ds.images(["k3f9a2qd-000754212"]):
        assert_type(frame_id, str)
        assert_type(picture, Image.Image)
    ds.gallery("SELECT frame_id FROM kept", limit=20)
    ds.gallery(ds.query("by_tags", has=["red_hair"]))


def folders_are_exported_and_read_back(ds: Dataset) -> None:
    report = ds.export("by_tags", "out", params={"has": ["red_hair"]})
    assert_type(report, ExportReport)
    assert_type(report.folders, dict[str, int])
    options = ExportOptions(crops=CropOptions())
    ds.export(None, Path("out"), sql="SELECT frame_id FROM kept", options=options, include_copies=False)
    for caption in ds.captions("by_tags", params={"has": ["red_hair"]}, limit=3):
        assert_type(caption, dict[str, Any])
    changes = ds.sync("out", dry_run=True)
    assert_type(changes.act, str | None)


def labels_are_said_and_taken_back(ds: Dataset) -> None:
    act = ds.label("character", "set", "Red", "SELECT face_id FROM faces")
    assert_type(act, Act)
    ds.label("frame", "set", "drop", ["k3f9a2qd-000754212"], who="me")
    ds.label("tag", "remove", "smile", ds.sql("SELECT frame_id FROM frames"))
    assert_type(ds.label_csv("labels.csv"), Act)
    assert_type(ds.rename_characters({"Red": "Red Haired Girl"}), Act)
    assert_type(ds.undo(act.id), Act)
    assert_type(ds.history(), duckdb.DuckDBPyRelation)


def near_duplicates_are_found(ds: Dataset) -> None:
    found = ds.dedup(DedupOptions(phash_distance=None))
    assert_type(found.groups, int)
    assert_type(ds.dedup().copies, int)


def characters_are_named(ds: Dataset) -> None:
    assert_type(ds.characters, Characters)
    added = ds.characters.add_folder("examples")
    assert_type(added.new, int)
    ds.characters.add_pictures("Emi", [Path("emi.png")], appearance="hairdown")
    ds.characters.add_faces("Emi", ["k3f9a2qd-000754212-f0"])
    ds.characters.classify()
    assert_type(ds.characters.examples(), duckdb.DuckDBPyRelation)
    assert_type(ds.characters.remove("Emi"), int)

"""A tagger with 100,000 tags, and one with a threshold for each tag: ingest, query and caption."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import videos
from ingesting import run
from model_files import WD_RATINGS, sparse_tagger
from rerunning import CPU, files

from animeds_db.captions import CaptionProfile
from animeds_db.dataset import Dataset
from animeds_db.models import Models, Tagger
from animeds_db.store import Store

TAGS, LIT = 100_000, 12
LAST = [f"word_{place}" for place in range(TAGS - LIT, TAGS)]
"""Names of the tags that the big tagger can see. Their numbers do not fit into 16 bits."""


def big_tagger(folder: Path) -> Tagger:
    """Its list of tags is a tag_mapping.json, as that of the CL tagger."""
    kinds = ["Rating"] * 4 + ["Year"] + ["General"] * (TAGS - 5)
    names = [*WD_RATINGS, "2026", *(f"word_{place}" for place in range(5, TAGS))]
    about = {
        str(n): {"tag": tag, "category": kind} for n, (tag, kind) in enumerate(zip(names, kinds, strict=True))
    }
    made = files("big", "wd-swinv2-v3", sparse_tagger(folder / "big" / "model.onnx", TAGS, LIT))
    listed = folder / "big" / "tag_mapping.json"
    listed.write_text(json.dumps(about))
    return Tagger(replace(made, paths={**made.paths, "tags": listed}), CPU)


def tagger_with_thresholds(folder: Path) -> Tagger:
    """Every tag counts from 0.7, but for word_b, which counts from 0.051: also below the scores that are stored."""
    made = files("own", "wd-swinv2-v3", sparse_tagger(folder / "own" / "model.onnx", 5, 5))
    with (folder / "own" / "selected_tags.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "name", "category", "best_threshold"])
        table.writerows(
            [[n, f"word_{name}", 0, 0.051 if name == "b" else 0.7] for n, name in enumerate("abcde")]
        )
    (folder / "own" / "thresholds.csv").write_text("category,name,threshold\n0,general,0.99\n")
    listed = {**made.paths, "thresholds": folder / "own" / "thresholds.csv"}
    return Tagger(replace(made, paths=listed, entry=replace(made.entry, thresholds={})), CPU)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dataset, Models]]:
    """A clip that was ingested with the big tagger."""
    folder = tmp_path_factory.mktemp("big")
    models = Models(tagger=big_tagger(folder))
    store = Store.create(str(folder / "db"), 8, 8)
    assert not run(store, videos.shared_clip("vp9"), models=models).failed
    with Dataset(store) as opened:
        yield opened, models


def test_a_tagger_of_100_000_tags_is_ingested_queried_and_captioned(made: tuple[Dataset, Models]) -> None:
    dataset, _ = made
    [(n, highest, kinds)] = dataset.sql(
        "SELECT count(*), max(tag_id), count(DISTINCT category) FROM vocabulary"
    ).fetchall()
    assert (n, highest, kinds) == (TAGS, TAGS, 3)
    counts = dict(dataset.sql("SELECT tag, count(*) FROM tags GROUP BY tag").fetchall())
    assert counts and set(counts) <= set(LAST)
    for tag, frames in list(counts.items())[:2]:
        asked = f"SELECT count(*) FROM frames WHERE has_tag(tag_ids, '{tag}') AND has_tag(tags, '{tag}')"
        assert dataset.sql(asked).fetchall() == [(frames,)]
        assert len(dataset.query("by_tags", {"has": tag}).fetchall()) == frames
    assert {row[0] for row in dataset.query("tag_counts").fetchall()} == set(counts)
    captions = dataset.captions(None, sql="SELECT frame_id FROM frames ORDER BY frame_id LIMIT 1")
    shown = dataset.sql("SELECT tags FROM frames ORDER BY frame_id LIMIT 1").fetchall()[0][0]
    assert captions[0]["caption"] == ", ".join(tag.replace("_", " ") for tag in shown)


def test_each_tag_counts_from_its_own_threshold(made: tuple[Dataset, Models], tmp_path: Path) -> None:
    dataset, _ = made
    tagger = tagger_with_thresholds(tmp_path)
    assert tagger.entry.thresholds == {"general": 0.99}
    dataset.tag("own", use=True, load=lambda *_args, **_more: Models(tagger=tagger))
    wrong = """
        SELECT count(*) FILTER (counts <> (score >= CASE tag WHEN 'word_b' THEN 0.051 ELSE 0.7 END)),
            count(*) FILTER (counts), count(*) FILTER (NOT counts)
        FROM scored_tags"""
    [(n_wrong, n_counting, n_below)] = dataset.sql(wrong).fetchall()
    assert n_wrong == 0 and n_counting and n_below
    rows = dataset.sql("SELECT frame_id, tags FROM frames ORDER BY frame_id LIMIT 3").fetchall()
    captions = dataset.captions(
        None, sql="SELECT frame_id FROM frames ORDER BY frame_id LIMIT 3", profile=CaptionProfile()
    )
    assert [row["caption"] for row in captions] == [
        ", ".join(tag.replace("_", " ") for tag in tags) for _, tags in rows
    ]

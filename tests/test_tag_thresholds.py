"""Which tags count: those at or above the tagger's own threshold, unless a lower one is asked for."""

from __future__ import annotations

import csv
import logging
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import videos
from ingesting import run
from model_files import wd_tagger
from rerunning import CPU, a_tagger, files
from tables import add_source, counted, frame, new_store, rows

import animeds_db
from animeds_db.captions import CaptionProfile
from animeds_db.dataset import Dataset
from animeds_db.errors import ModelError, StoreError
from animeds_db.models import Models, Tagger, TagLabel
from animeds_db.session import Session
from animeds_db.store import Store
from animeds_db.store.sure_tags import SureTags
from animeds_ingest.rows import TagColumns
from animeds_ingest.vocabulary import label_thresholds

OLD = Path(__file__).parent / "data" / "database-1.zip"
LABELS = (TagLabel("smile", "general"), TagLabel("rei", "character"), TagLabel("blush", "general", 0.6))
IDS = {"smile": 1, "rei": 2, "blush": 3}


def columns_of(*scores: float) -> dict[str, object]:
    thresholds = np.array([0.35, 0.85, 0.6], np.float32)
    made = TagColumns(LABELS, IDS, thresholds)(np.array(scores, np.float32))
    return {name: list(values) for name, values in made.items() if isinstance(values, np.ndarray)}


def test_a_score_is_rounded_down_so_that_it_passes_no_threshold_above_it() -> None:
    assert columns_of(0.3459, 0.8499, 0.5999) == {
        "tags": [2, 3, 1],
        "tag_scores": [849, 599, 345],
        "sure_tags": [],
        "sure_scores": [],
    }
    every = [float(np.float32(n / 1000)) for n in range(100, 1001)]
    assert [columns_of(score, 0, 0)["tag_scores"][0] for score in every] == list(range(100, 1001))  # type: ignore[index]


def test_each_tag_counts_at_its_own_threshold_or_that_of_its_category() -> None:
    assert columns_of(0.35, 0.84, 0.6)["sure_tags"] == [3, 1]
    assert columns_of(0.34, 0.85, 0.59)["sure_tags"] == [2]


def test_a_list_of_tags_may_state_a_threshold_for_each_tag(tmp_path: Path) -> None:
    with (tmp_path / "selected_tags.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "name", "category", "best_threshold"])
        table.writerows([[1, "smile", 0, 0.41], [2, "rei", 4, 0.2], [3, "blush", 0, ""], [4, "safe", 9, ""]])
    made = files("own", "wd-swinv2-v3", wd_tagger(tmp_path / "model.onnx", 4, 8))
    tagger = Tagger(made, CPU)
    found = label_thresholds(tagger, tagger.entry.thresholds)
    assert found.tolist() == pytest.approx([0.41, 0.2, 0.35, 0.35])
    text = (tmp_path / "selected_tags.csv").read_text().replace("0.41", "41")
    (tmp_path / "selected_tags.csv").write_text(text)
    with pytest.raises(ModelError, match="best_threshold of smile is 41"):
        Tagger(made, CPU)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """Three frames with blush at 20, 50 and 90 per cent by a tagger whose threshold is 0.5, and rei at 60."""
    store = new_store(tmp_path_factory.mktemp("thresholds"))
    ids = store.ensure_tags([("1girl", "general"), ("blush", "general"), ("rei", "character")])
    add_source(store, "aaaaaaaa", kind="video", uri="/gone/Show - 01.mkv")
    values = []
    for number, score in enumerate((20, 50, 90)):
        tags, scores = list(ids.values()), [95, score, 60]
        sure = counted(tags[:2], scores[:2], least=50)  # rei is below the 0.85 of characters
        values.append(
            frame(
                "aaaaaaaa",
                number,
                tags=tags,
                tag_scores=scores,
                **sure,
                tagger="half@1",
                stream=0,
                pts=number,
            )
        )
    store.upsert("frames", rows(store, "frames", *values))
    with Dataset(store) as opened:
        yield opened


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("has_tag(tags, 'blush')", 2),
        ("has_tag(tag_ids, 'blush')", 2),
        ("has_any(tag_ids, ['blush', 'rei'])", 2),
        ("has_all(tags, ['1girl', 'blush'])", 2),
        ("has_tag(sure(all_scores, 0.2), 'blush')", 3),
        ("has_tag(sure(all_scores, 0.51), 'blush')", 1),
        ("tag_score(all_scores, 'blush') >= 0.2", 3),
        ("tag_score(all_scores, 'rei') = 0.6", 3),
    ],
)
def test_macros_ask_at_the_taggers_threshold_unless_another_is_given(
    dataset: Dataset, condition: str, found: int
) -> None:
    assert dataset.sql(f"SELECT count(*) FROM frames WHERE {condition}").fetchall() == [(found,)]


def test_views_show_the_tags_that_count_and_scored_tags_the_others_too(dataset: Dataset) -> None:
    assert dataset.sql("SELECT count(*) FROM tags WHERE tag = 'blush'").fetchall() == [(2,)]
    seen = "SELECT score, counts FROM scored_tags WHERE tag = 'blush' ORDER BY score"
    assert dataset.sql(seen).fetchall() == [(0.2, False), (0.5, True), (0.9, True)]
    assert dataset.sql("SELECT tags, tag_scores FROM frames ORDER BY frame_id LIMIT 1").fetchall() == [
        (["1girl"], [950])
    ]


def test_queries_count_at_the_taggers_threshold_and_at_a_lower_one_when_asked(dataset: Dataset) -> None:
    assert len(dataset.query("by_tags", {"has": "blush"}).fetchall()) == 2
    assert len(dataset.query("by_tags", {"has": "blush", "threshold": "0.1"}).fetchall()) == 3
    assert len(dataset.query("by_tags", {"has": "1girl", "has_none": "blush"}).fetchall()) == 1
    counts = {row[0]: row[2] for row in dataset.query("tag_counts").fetchall()}
    assert counts == {"1girl": 3, "blush": 2}
    lower = {row[0]: row[2] for row in dataset.query("tag_counts", {"threshold": 0.1}).fetchall()}
    assert lower == {"1girl": 3, "blush": 3, "rei": 3}


def test_captions_hold_the_tags_that_count_and_more_when_asked(dataset: Dataset) -> None:
    def first(profile: CaptionProfile) -> str:
        text: str = dataset.captions(None, sql="SELECT frame_id FROM frames", profile=profile)[0]["caption"]
        return text

    both = ("general", "character")
    assert first(CaptionProfile(categories=both)) == "1girl"
    assert first(CaptionProfile(categories=both).with_flags(threshold=0.2)) == "1girl, rei, blush"
    assert first(CaptionProfile(categories=both, thresholds={"character": 0.5})) == "1girl, rei"


def test_a_tag_that_a_person_adds_counts_whatever_its_score(dataset: Dataset) -> None:
    frame_id = dataset.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
    change = dataset.label("tag", "add", "blush", [frame_id])
    assert dataset.sql("SELECT count(*) FROM frames WHERE has_tag(tags, 'blush')").fetchall() == [(3,)]
    dataset.undo(change.id)
    assert dataset.sql("SELECT count(*) FROM frames WHERE has_tag(tags, 'blush')").fetchall() == [(2,)]


def test_an_ingest_decides_by_the_models_thresholds(tmp_path: Path) -> None:
    store = Store.create(str(tmp_path / "db"), 8, 8)
    tagger = a_tagger(tmp_path, "one", 3000)
    assert not run(store, videos.shared_clip("vp9"), models=Models(tagger=tagger)).failed
    session = Session(store)
    wrong = """
        SELECT count(*) FILTER (counts <> (score >= CASE category WHEN 'character' THEN 0.85 ELSE 0.35 END)),
            count(*) FILTER (counts), count(*) FILTER (NOT counts)
        FROM scored_tags"""
    [(n_wrong, n_counting, n_below)] = session.sql(wrong).fetchall()
    assert n_wrong == 0 and n_counting > 0 and n_below > 0


def test_a_database_goes_on_with_the_thresholds_it_was_begun_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store.create(str(tmp_path / "db"), 8, 8)
    tagger = a_tagger(tmp_path, "one", 3000)
    run(store, videos.shared_clip("vp9"), models=Models(tagger=tagger))
    changed = a_tagger(tmp_path, "one", 3000)
    changed.entry = replace(changed.entry, thresholds={"general": 0.99, "character": 0.99})
    with caplog.at_level(logging.WARNING, "animeds"):
        run(store, videos.shared_clip("vp9"), models=Models(tagger=changed), replace=True)
    assert "continues to use them" in caplog.text and "0.99" in caplog.text
    low = Session(store).sql("SELECT count(*) FROM tags WHERE score < 0.85").fetchall()
    assert low[0][0] > 0


def test_an_older_database_learns_which_tags_count_also_in_its_past(tmp_path: Path) -> None:
    with zipfile.ZipFile(OLD) as archive:
        archive.extractall(tmp_path / "old")
    wrong = """
        SELECT count(*) FILTER (counts <> (model = 'label' OR score >= 0.5)), count(*) FILTER (counts), count(*)
        FROM scored_tags WHERE category <> 'character'"""
    for at in (None, "ingested"):
        with animeds_db.open(tmp_path / "old", at=at) as opened:
            [(n_wrong, n_counting, n)] = opened.sql(wrong).fetchall()
            assert n_wrong == 0 and 0 < n_counting < n


def test_lists_of_frames_that_were_never_tagged_stay_null(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.ensure_tags([("1girl", "general"), ("rei", "character")])
    add_model = {"model_id": "m@1", "thresholds": '{"general": 0.5, "character": 0.85}'}
    store.upsert("models", rows(store, "models", add_model))
    sure = SureTags.of(store.table("models"), store.table("vocabulary"), store.schema("frames"))
    lists = [[1, 2], None, [], [2, 1], [1, 2]]
    scores = [[600, 600], None, [], [900, 400], [400, 300]]
    batch = pa.record_batch(
        {
            "tags": pa.array(lists, pa.list_(pa.int32())),
            "tag_scores": pa.array(scores, pa.list_(pa.int16())),
            "tagger": pa.array(["m@1", None, "m@1", "m@1", "unknown@1"]),
        }
    )
    assert [column.to_pylist() for column in sure(batch)] == [
        [[1], None, [], [2], [1]],
        [[600], None, [], [900], [400]],
    ]
    assert [column.to_pylist() for column in sure(batch.slice(3))] == [[[2], [1]], [[900], [400]]]


def test_more_tags_than_a_database_holds_stop_an_ingest_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("animeds_db.store.store.MAX_TAGS", 39)  # really a million
    store = Store.create(str(tmp_path / "db"), 8, 8)
    with pytest.raises(StoreError, match="room for 39 more; 40 new ones are needed"):
        run(store, videos.shared_clip("vp9"), models=Models(tagger=a_tagger(tmp_path, "one", 3000)))
    assert [store.table(name).count_rows() for name in ("sources", "frames", "models", "vocabulary")] == [
        0
    ] * 4

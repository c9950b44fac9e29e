"""Boxes of a second detector: they stand for the first ones, and all are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ingesting import rows
from rerunning import (
    LEFT_AND_RIGHT,
    NOTHING,
    a_detector,
    ask,
    copy_of_ingested,
    second,
)
from tables import rows as rows_of

from animeds_db.models import Models
from animeds_db.store import Store
from animeds_ingest import pipeline
from animeds_ingest.reruns.running import character_of, drop, rerun
from animeds_ingest.reruns.stages import DetectStage


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of_ingested(tmp_path / "show.animeds")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 2)
    monkeypatch.setattr(pipeline, "CHUNK", 4)


def test_boxes_of_a_second_detector_stand_for_the_first_ones_and_all_are_kept(store: Store) -> None:
    n = rows(store, "frames").num_rows
    assert ask(store, "SELECT count(*) FROM faces") == [(2 * n,)]
    old = ask(store, "SELECT face_id FROM faces ORDER BY 1")
    some = rows(store, "frames")["frame_id"].to_pylist()[:3]
    rerun(store, second("detect"), wanted=frozenset(some))
    assert ask(store, "SELECT count(*) FROM faces") == [(3 + 2 * (n - 3),)]
    new = ask(store, "SELECT face_id, vector_model FROM faces WHERE model LIKE 'new%' ORDER BY 1")
    assert [row[0] for row in new] == [f"{frame}-f2" for frame in some]
    assert {row[1] for row in new} == {character_of(store)}
    rerun(store, second("detect"))
    assert ask(store, "SELECT count(*) FROM faces") == [(n,)]
    assert ask(store, "SELECT count(*) FROM detections") == [(3 * n,)]
    kept = ask(store, "SELECT detection_id FROM detections WHERE model LIKE 'old%' ORDER BY 1")
    assert kept == old


def test_names_of_boxes_that_no_longer_count_are_not_names_of_anybody(store: Store) -> None:
    old = [row[0] for row in ask(store, "SELECT face_id FROM faces ORDER BY 1")]
    name_all(store, old, "ann")
    asked = "SELECT face_id, character, kind FROM characters ORDER BY 1"
    assert ask(store, asked) == [(face, "ann", "face") for face in old]
    rerun(store, second("detect"))
    assert ask(store, asked) == []
    new = [row[0] for row in ask(store, "SELECT face_id FROM faces ORDER BY 1")]
    name_all(store, new, "ben")
    assert ask(store, asked) == [(face, "ben", "face") for face in new]
    drop(store, "new-faces")
    assert ask(store, asked) == [(face, "ann", "face") for face in old]
    assert ask(store, "SELECT count(*) FROM identities") == [(len(old),)]


def name_all(store: Store, faces: list[str], character: str) -> None:
    known = [
        {
            "detection_id": face,
            "frame_id": face[:-3],
            "source_id": face[:8],
            "character": character,
            "by": "examples",
        }
        for face in faces
    ]
    store.upsert("identities", rows_of(store, "identities", *known))


def test_a_detector_that_finds_nothing_counts_and_other_kinds_stay(store: Store, tmp_path: Path) -> None:
    n = rows(store, "frames").num_rows
    rerun(store, Models(detectors=(a_detector(tmp_path, "heads", LEFT_AND_RIGHT, "head"),)))
    assert ask(store, "SELECT count(*) FROM heads") == [(2 * n,)]
    assert ask(store, "SELECT count(*) FROM faces") == [(2 * n,)]
    rerun(store, Models(detectors=(a_detector(tmp_path, "blind", NOTHING),)))
    assert ask(store, "SELECT count(*) FROM faces") == [(0,)]
    assert ask(store, "SELECT count(*) FROM heads") == [(2 * n,)]
    assert {
        o.state for o in rerun(store, Models(detectors=(a_detector(tmp_path, "blind", NOTHING),))).outcomes
    } == {"skipped"}


def test_two_detectors_at_once_do_not_take_each_others_numbers(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = Models(detectors=(a_detector(tmp_path, "third", LEFT_AND_RIGHT),))
    number = DetectStage._numbered
    raced: list[int] = []

    def number_then_race(self: DetectStage, boxes: Sequence[Any]) -> Any:
        numbered = number(self, boxes)
        if self.model.startswith("new") and not raced:
            raced.append(1)
            rerun(store, third)
        return numbered

    monkeypatch.setattr(DetectStage, "_numbered", number_then_race)
    rerun(store, second("detect"))
    n = rows(store, "frames").num_rows
    found = dict(ask(store, "SELECT split_part(model, '@', 1), count(*) FROM detections GROUP BY 1"))
    assert raced and found == {"old-faces": 2 * n, "third": 2 * n, "new-faces": n}

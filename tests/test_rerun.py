"""A second model over frames that are there: only what is missing, at any time again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ingesting import everything, rows, run
from rerunning import (
    STAGES,
    an_embedder,
    ask,
    copy_of_ingested,
    first,
    ingested,
    second,
    seen_by,
)

from animeds_db.errors import ModelError, StoreError, UsageError
from animeds_db.models import Models
from animeds_db.store import Store
from animeds_ingest import pipeline
from animeds_ingest.reruns.running import drop, rerun
from animeds_ingest.reruns.stages import Stage


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of_ingested(tmp_path / "show.animeds")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 2)
    monkeypatch.setattr(pipeline, "CHUNK", 4)


def versions(store: Store) -> dict[str, int]:
    return {name: store.version(name) for name in store.names()}


@pytest.mark.parametrize("stage", STAGES)
def test_a_second_model_does_every_frame_once_and_a_repeat_does_nothing(
    store: Store, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = rows(store, "frames").num_rows
    before = everything(store)
    counts = seen_by(second(stage).runners()[0], monkeypatch)
    report = rerun(store, second(stage))
    assert sum(counts) >= n and {o.state for o in report.outcomes} == {"done"}
    assert sum(o.frames for o in report.outcomes) == n
    after = everything(store)
    for name in ("frames", "sources", "thumbnails"):
        assert after[name] == before[name]
    assert [row for row in after["detections"] if row in before["detections"]] == before["detections"]

    counts.clear()
    stood = versions(store)
    again = rerun(store, second(stage))
    assert counts == [] and {o.state for o in again.outcomes} == {"skipped"}
    assert versions(store) == stood


@pytest.mark.parametrize("stage", STAGES)
def test_the_model_of_the_ingest_has_nothing_left_to_do(store: Store, stage: str) -> None:
    parts = {
        "tag": Models(tagger=first().tagger),
        "detect": Models(detectors=first().detectors),
        "embed": Models(image=first().image),
    }
    before = everything(store)
    assert {o.state for o in rerun(store, parts[stage]).outcomes} == {"skipped"}
    assert everything(store) == before


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("commits", [1, 3])
def test_an_interrupted_run_goes_on_and_gives_the_rows_of_an_undisturbed_one(
    tmp_path: Path,
    stage: str,
    commits: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed, stopped = copy_of_ingested(tmp_path / "a"), copy_of_ingested(tmp_path / "b")
    rerun(undisturbed, second(stage))
    upsert = Stage._upsert
    written = 0

    def upsert_then_stop(self: Stage, name: str, new: Sequence[Any]) -> int:
        nonlocal written
        if written == commits:
            raise KeyboardInterrupt  # for detections: also between boxes and marks
        written += 1
        return upsert(self, name, new)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Stage, "_upsert", upsert_then_stop)
        rerun(stopped, second(stage))
    rerun(stopped, second(stage))
    assert everything(stopped) == everything(undisturbed)


def test_frames_of_a_choice_are_done_first_and_the_rest_later(tmp_path: Path) -> None:
    at_once, in_parts = copy_of_ingested(tmp_path / "a"), copy_of_ingested(tmp_path / "b")
    rerun(at_once, second("tag"))
    some = rows(in_parts, "frames")["frame_id"].to_pylist()[2:5]
    report = rerun(in_parts, second("tag"), wanted=frozenset(some))
    assert sum(o.frames for o in report.outcomes) == 3
    assert rows(in_parts, "taggings")["frame_id"].to_pylist() == some
    rerun(in_parts, second("tag"))
    assert (
        rows(in_parts, "taggings")["frame_id"].to_pylist()
        == rows(at_once, "taggings")["frame_id"].to_pylist()
    )


def test_a_database_without_second_models_pays_nothing_for_them(store: Store) -> None:
    for view in ("faces", "heads", "persons", "frames"):
        plan = ask(store, f"EXPLAIN SELECT count(*), max(source_id) FROM {view}")[0][1]
        assert "Scan" in plan and "Join" not in plan and "Union" not in plan
    rerun(store, second("detect"))
    assert "Join" in ask(store, "EXPLAIN SELECT count(*) FROM faces")[0][1]


def test_a_dropped_model_leaves_the_database_as_it_was(store: Store) -> None:
    before = everything(store)
    for models in [second(stage) for stage in STAGES]:
        rerun(store, models)
    n = rows(store, "frames").num_rows
    assert drop(store, "new-faces") == n
    tagger = second("tag").tagger
    assert tagger is not None
    assert drop(store, tagger.id) == n
    drop(store, "new-image")
    after = everything(store)
    assert {k: v for k, v in after.items() if k != "vocabulary"} == {
        k: v for k, v in before.items() if k != "vocabulary"
    }
    with pytest.raises(ModelError, match="has no results from a rerun"):
        drop(store, "old-tagger")


def test_a_drop_that_was_interrupted_at_its_end_is_finished_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(store, "models")
    rerun(store, second("tag"))
    delete = Store.delete

    def interrupted(self: Store, name: str, where: str) -> None:
        if name == "models":
            raise StoreError("the disk is full")
        delete(self, name, where)

    with monkeypatch.context() as patch, pytest.raises(StoreError):
        patch.setattr(Store, "delete", interrupted)
        drop(store, "new-tagger")
    drop(store, "new-tagger")
    assert rows(store, "models") == before


def test_ingesting_anew_forgets_what_was_run_again(store: Store) -> None:
    for models in [second(stage) for stage in STAGES]:
        rerun(store, models)
    run(store, ingested() / "a.mkv", how="keyframes", replace=True, models=first())
    orphans = "SELECT count(*) FROM {} WHERE frame_id NOT IN (SELECT frame_id FROM frames)"
    for view in ("taggings", "embeddings", "detections", "tags"):
        assert ask(store, orphans.format(view)) == [(0,)]


def test_a_file_that_is_gone_fails_alone_and_is_made_up_for_later(tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(ingested(), folder)
    store = Store.open(str(folder / "show.animeds"))
    here = store.table("sources").to_table()
    uris = [str(folder / Path(uri).name) for uri in here["uri"].to_pylist()]
    store.replace("sources", here.set_column(here.column_names.index("uri"), "uri", [uris]))
    (folder / "a.mkv").rename(folder / "elsewhere.mkv")
    report = rerun(store, second("tag"))
    assert sorted(o.state for o in report.outcomes) == ["done", "failed"]
    assert "a.mkv" in str(report.failed[0].error)
    (folder / "elsewhere.mkv").rename(folder / "a.mkv")
    assert sorted(o.state for o in rerun(store, second("tag")).outcomes) == ["done", "skipped"]
    assert rows(store, "taggings").num_rows == rows(store, "frames").num_rows


def test_one_model_at_a_time_and_vectors_as_wide_as_the_database(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only one model can be run at a time, not 3"):
        rerun(store, first())
    wide = Models(detectors=first().detectors, character=an_embedder(tmp_path, "wide", 12))
    with pytest.raises(StoreError, match="this database has width 8"):
        rerun(store, wide)

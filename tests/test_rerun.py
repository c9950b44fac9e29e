"""A second model over frames that are there: only what is missing, at any time again, both to be compared."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import videos
from cli_run import Runner
from ingesting import everything, rows, run
from model_files import detector, embedder, selected_tags, wd_tagger
from model_places import only_here

from animeds_db.errors import ModelError, StoreError, UsageError
from animeds_db.models import Detector, Embedder, Models, Tagger
from animeds_db.models.files import Files
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runtime import Device
from animeds_db.session import Session
from animeds_db.store import Store
from animeds_ingest import pipeline
from animeds_ingest.rerun import character_of, drop, rerun
from animeds_ingest.stages import DetectStage, Stage

CPU = Device("cpu", "test")
TAGS = 40
LEFT_AND_RIGHT = np.array([[16, 48], [32, 32], [10, 10], [10, 10], [0.9, 0.8]], np.float32)  # in 64 × 64
ONE_IN_THE_MIDDLE = np.array([[32], [32], [20], [20], [0.7]], np.float32)
NOTHING = np.array([[32], [32], [20], [20], [0.1]], np.float32)
BATCH, CHUNK = 2, 4


def files(name: str, like: str, model: Path) -> Files:
    entry = load_manifest().entry(like)
    paths = {role: model.parent / Path(usual).name for role, usual in entry.files.items()} | {"model": model}
    sha = hashlib.sha256(model.read_bytes()).hexdigest()
    return Files(replace(entry, name=name), paths, sha, sha)


def a_tagger(folder: Path, name: str, start: int) -> Tagger:
    selected_tags(folder / name / "selected_tags.csv", TAGS)
    model = wd_tagger(folder / name / "model.onnx", TAGS, 64, start=start)
    return Tagger(files(name, "wd-swinv2-v3", model), CPU)


def a_detector(folder: Path, name: str, answer: np.ndarray, kind: str = "face") -> Detector:
    model = detector(
        folder / name / "model.onnx", answer, names=f"{{0: '{kind}'}}", sides=(64, 64), imgsz=None
    )
    return Detector(files(name, "face-v1.4-s", model), CPU)


def an_embedder(folder: Path, name: str, width: int, task: str = "image") -> Embedder:
    made = embedder(folder / name / "model.onnx", width, (32, 32), names=("pixel_values", "embeddings"))
    of_entry = files(name, "clip-vit-b32", made)
    return Embedder(replace(of_entry, entry=replace(of_entry.entry, width=None, task=task)), CPU)


def seen_by(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every call of this kind of model adds how many pictures it was given."""
    counts: list[int] = []
    kind = type(model)
    call = kind.__call__

    def counting(self: Any, images: Sequence[np.ndarray]) -> Any:
        counts.append(len(images))
        return call(self, images)

    monkeypatch.setattr(kind, "__call__", counting)
    return counts


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("first")
    return Models(
        tagger=a_tagger(folder, "old-tagger", 0),
        detectors=(a_detector(folder, "old-faces", LEFT_AND_RIGHT),),
        character=an_embedder(folder, "someone", 8, "character"),
        image=an_embedder(folder, "old-image", 8),
    )


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, first: Models) -> dict[str, Models]:
    folder = tmp_path_factory.mktemp("second")
    return {
        "tag": Models(tagger=a_tagger(folder, "new-tagger", 5_000)),
        "detect": Models(
            detectors=(a_detector(folder, "new-faces", ONE_IN_THE_MIDDLE),), character=first.character
        ),
        "embed": Models(image=an_embedder(folder, "new-image", 12)),
    }


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, first: Models) -> Path:
    """A database of two clips, ingested with the first models."""
    folder = tmp_path_factory.mktemp("ingested")
    for name, clip in (("a.mkv", "h264 open"), ("b.mp4", "h264 mp4")):
        shutil.copyfile(videos.shared_clip(clip), folder / name)
    store = Store.create(str(folder / "show.animeds"), 8, 8)
    run(store, folder / "a.mkv", folder / "b.mp4", how="every=0.25s", models=first)
    return folder


@pytest.fixture
def store(ingested: Path, tmp_path: Path) -> Store:
    return copy_of(ingested, tmp_path / "show.animeds")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", BATCH)
    monkeypatch.setattr(pipeline, "CHUNK", CHUNK)


def copy_of(ingested: Path, path: Path) -> Store:
    shutil.copytree(ingested / "show.animeds", path)
    return Store.open(str(path))


def versions(store: Store) -> dict[str, int]:
    return {name: store.version(name) for name in store.names()}


def ask(store: Store, sql: str) -> list[tuple[Any, ...]]:
    session = Session(store)
    try:
        return session.sql(sql).fetchall()
    finally:
        session.close()


@pytest.mark.parametrize("stage", ["tag", "detect", "embed"])
def test_a_second_model_does_every_frame_once_and_a_repeat_does_nothing(
    store: Store, second: dict[str, Models], stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = rows(store, "frames").num_rows
    before = everything(store)
    counts = seen_by(second[stage].runners()[0], monkeypatch)
    report = rerun(store, second[stage])
    assert sum(counts) >= n and {o.state for o in report.outcomes} == {"done"}
    assert sum(o.frames for o in report.outcomes) == n
    after = everything(store)
    for name in ("frames", "sources", "thumbnails"):
        assert after[name] == before[name]
    assert [row for row in after["detections"] if row in before["detections"]] == before["detections"]

    counts.clear()
    stood = versions(store)
    again = rerun(store, second[stage])
    assert counts == [] and {o.state for o in again.outcomes} == {"skipped"}
    assert versions(store) == stood


@pytest.mark.parametrize("stage", ["tag", "detect", "embed"])
def test_the_model_of_the_ingest_has_nothing_left_to_do(store: Store, first: Models, stage: str) -> None:
    parts = {
        "tag": Models(tagger=first.tagger),
        "detect": Models(detectors=first.detectors),
        "embed": Models(image=first.image),
    }
    before = everything(store)
    assert {o.state for o in rerun(store, parts[stage]).outcomes} == {"skipped"}
    assert everything(store) == before


@pytest.mark.parametrize("stage", ["tag", "detect", "embed"])
@pytest.mark.parametrize("commits", [1, 3])
def test_an_interrupted_run_goes_on_and_gives_the_rows_of_an_undisturbed_one(
    ingested: Path,
    tmp_path: Path,
    second: dict[str, Models],
    stage: str,
    commits: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed, stopped = copy_of(ingested, tmp_path / "a"), copy_of(ingested, tmp_path / "b")
    rerun(undisturbed, second[stage])
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
        rerun(stopped, second[stage])
    rerun(stopped, second[stage])
    assert everything(stopped) == everything(undisturbed)


def test_frames_of_a_choice_are_done_first_and_the_rest_later(
    ingested: Path, tmp_path: Path, second: dict[str, Models]
) -> None:
    at_once, in_parts = copy_of(ingested, tmp_path / "a"), copy_of(ingested, tmp_path / "b")
    rerun(at_once, second["tag"])
    some = rows(in_parts, "frames")["frame_id"].to_pylist()[2:5]
    report = rerun(in_parts, second["tag"], wanted=frozenset(some))
    assert sum(o.frames for o in report.outcomes) == 3
    assert rows(in_parts, "taggings")["frame_id"].to_pylist() == some
    rerun(in_parts, second["tag"])
    assert (
        rows(in_parts, "taggings")["frame_id"].to_pylist()
        == rows(at_once, "taggings")["frame_id"].to_pylist()
    )


def test_tags_of_both_taggers_are_there_and_can_be_compared(store: Store, second: dict[str, Models]) -> None:
    rerun(store, second["tag"])
    assert second["tag"].tagger is not None
    new = second["tag"].tagger.id
    assert ask(store, "SELECT count(DISTINCT model) FROM all_tags") == [(2,)]
    assert ask(store, f"SELECT DISTINCT tagger = '{new}' FROM frames") == [(False,)]
    n = rows(store, "frames").num_rows
    assert ask(store, "SELECT count(*) FROM taggings") == [(2 * n,)]

    from animeds_db.named_queries import find

    named = find("compare_taggers")
    session = Session(store)
    found = session.arrow(named.sql, named.bind({"first": "old-tagger", "second": new}))
    session.close()
    truth = ask(
        store,
        """
        SELECT tag, n_first, n_second, only_first + only_second AS differ FROM (
            SELECT tag,
                count(*) FILTER (WHERE a >= 0.35) AS n_first, count(*) FILTER (WHERE b >= 0.35) AS n_second,
                count(*) FILTER (WHERE a >= 0.35 AND b < 0.35) AS only_first,
                count(*) FILTER (WHERE b >= 0.35 AND a < 0.35) AS only_second
            FROM (
                SELECT frame_id, tag,
                    coalesce(max(score) FILTER (WHERE model LIKE 'old%'), 0) AS a,
                    coalesce(max(score) FILTER (WHERE model LIKE 'new%'), 0) AS b
                FROM all_tags GROUP BY frame_id, tag
            ) GROUP BY tag
        ) ORDER BY tag""",
    )
    got = sorted(
        (r["tag"], r["n_first"], r["n_second"], r["only_first"] + r["only_second"]) for r in found.to_pylist()
    )
    assert got == truth and any(row[3] for row in truth)
    differ = [r["only_first"] + r["only_second"] for r in found.to_pylist()]
    assert differ == sorted(differ, reverse=True)
    assert set(found["second"].to_pylist()) == {new}


def test_the_tags_that_count_are_those_of_the_ingest_until_another_tagger_is_chosen(
    store: Store, second: dict[str, Models]
) -> None:
    tags = "SELECT frame_id, tag, score FROM tags ORDER BY ALL"
    frames = "SELECT frame_id, tags, tag_scores, rating, tagger, sharpness FROM frames ORDER BY 1"
    old_tags, old_frames = ask(store, tags), ask(store, frames)
    some = frozenset(row[0] for row in old_frames[:5])
    rerun(store, second["tag"], wanted=some)
    assert (ask(store, tags), ask(store, frames)) == (old_tags, old_frames)

    session = Session(store)  # it sees the choice without being opened again
    session.sql(tags).fetchall()
    rerun(store, second["tag"], wanted=some, use=True)
    now = session.sql(frames).fetchall()
    assert [row[4].partition("@")[0] for row in now] == ["new-tagger"] * 5 + ["old-tagger"] * (len(now) - 5)
    assert [row[5] for row in now] == [row[5] for row in old_frames]
    assert now[5:] == old_frames[5:]
    new = session.sql(
        "SELECT frame_id, tag, score FROM all_tags WHERE model LIKE 'new%' ORDER BY ALL"
    ).fetchall()
    kept = [row for row in old_tags if row[0] not in some]
    assert session.sql(tags).fetchall() == sorted([*new, *kept])
    assert session.sql(tags).fetchall() != old_tags
    session.close()

    drop(store, "new-tagger")
    assert (ask(store, tags), ask(store, frames)) == (old_tags, old_frames)


def test_a_database_without_second_models_pays_nothing_for_them(
    store: Store, second: dict[str, Models]
) -> None:
    for view in ("faces", "heads", "persons", "frames"):
        plan = ask(store, f"EXPLAIN SELECT count(*), max(source_id) FROM {view}")[0][1]
        assert "Scan" in plan and "Join" not in plan and "Union" not in plan
    rerun(store, second["detect"])
    assert "Join" in ask(store, "EXPLAIN SELECT count(*) FROM faces")[0][1]


def test_scores_are_those_of_an_ingest_with_that_model(
    ingested: Path, store: Store, tmp_path: Path, second: dict[str, Models]
) -> None:
    rerun(store, second["tag"])
    other = Store.create(str(tmp_path / "other.animeds"), 8, 8)
    run(other, ingested / "a.mkv", ingested / "b.mp4", how="every=0.25s", models=second["tag"])
    sql = "SELECT frame_id, tag, score FROM all_tags WHERE model LIKE 'new%' ORDER BY ALL"
    assert ask(store, sql) == ask(other, sql)
    rating = "SELECT frame_id, rating FROM taggings WHERE model LIKE 'new%' ORDER BY ALL"
    assert ask(store, rating) == ask(other, rating)


def test_vectors_of_another_width_stand_beside_the_old_ones(store: Store, second: dict[str, Models]) -> None:
    rerun(store, second["embed"])
    widths = ask(
        store, "SELECT model, min(len(vector)), max(len(vector)) FROM embeddings GROUP BY 1 ORDER BY 2"
    )
    assert [row[1:] for row in widths] == [(8, 8), (12, 12)]
    length = ask(store, "SELECT min(list_inner_product(vector, vector)) FROM embeddings")[0][0]
    assert length == pytest.approx(1, abs=1e-5)


def test_boxes_of_a_second_detector_stand_for_the_first_ones_and_all_are_kept(
    store: Store, second: dict[str, Models]
) -> None:
    n = rows(store, "frames").num_rows
    assert ask(store, "SELECT count(*) FROM faces") == [(2 * n,)]
    old = ask(store, "SELECT face_id FROM faces ORDER BY 1")
    some = rows(store, "frames")["frame_id"].to_pylist()[:3]
    rerun(store, second["detect"], wanted=frozenset(some))
    assert ask(store, "SELECT count(*) FROM faces") == [(3 + 2 * (n - 3),)]
    new = ask(store, "SELECT face_id, vector_model FROM faces WHERE model LIKE 'new%' ORDER BY 1")
    assert [row[0] for row in new] == [f"{frame}-f2" for frame in some]
    assert {row[1] for row in new} == {character_of(store)}
    rerun(store, second["detect"])
    assert ask(store, "SELECT count(*) FROM faces") == [(n,)]
    assert ask(store, "SELECT count(*) FROM detections") == [(3 * n,)]
    kept = ask(store, "SELECT detection_id FROM detections WHERE model LIKE 'old%' ORDER BY 1")
    assert kept == old


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
    store: Store, tmp_path: Path, second: dict[str, Models], monkeypatch: pytest.MonkeyPatch
) -> None:
    third = Models(detectors=(a_detector(tmp_path, "third", LEFT_AND_RIGHT),))
    number = DetectStage._numbered
    raced = []

    def number_then_race(self: DetectStage, boxes: Sequence[Any]) -> Any:
        numbered = number(self, boxes)
        if self.model.startswith("new") and not raced:
            raced.append(1)
            rerun(store, third)
        return numbered

    monkeypatch.setattr(DetectStage, "_numbered", number_then_race)
    rerun(store, second["detect"])
    n = rows(store, "frames").num_rows
    found = dict(ask(store, "SELECT split_part(model, '@', 1), count(*) FROM detections GROUP BY 1"))
    assert raced and found == {"old-faces": 2 * n, "third": 2 * n, "new-faces": n}


def test_a_dropped_model_leaves_the_database_as_it_was(store: Store, second: dict[str, Models]) -> None:
    before = everything(store)
    for models in second.values():
        rerun(store, models)
    n = rows(store, "frames").num_rows
    assert drop(store, "new-faces") == n
    assert second["tag"].tagger is not None
    assert drop(store, second["tag"].tagger.id) == n
    drop(store, "new-image")
    after = everything(store)
    assert {k: v for k, v in after.items() if k != "vocabulary"} == {
        k: v for k, v in before.items() if k != "vocabulary"
    }
    with pytest.raises(ModelError, match="has no results of its own"):
        drop(store, "old-tagger")


def test_ingesting_anew_forgets_what_was_run_again(
    ingested: Path, store: Store, first: Models, second: dict[str, Models]
) -> None:
    for models in second.values():
        rerun(store, models)
    run(store, ingested / "a.mkv", how="keyframes", replace=True, models=first)
    orphans = "SELECT count(*) FROM {} WHERE frame_id NOT IN (SELECT frame_id FROM frames)"
    for view in ("taggings", "embeddings", "detections", "tags"):
        assert ask(store, orphans.format(view)) == [(0,)]


def test_a_file_that_is_gone_fails_alone_and_is_made_up_for_later(
    ingested: Path, tmp_path: Path, second: dict[str, Models]
) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(ingested, folder)
    store = Store.open(str(folder / "show.animeds"))
    here = store.table("sources").to_table()
    uris = [str(folder / Path(uri).name) for uri in here["uri"].to_pylist()]
    store.replace("sources", here.set_column(here.column_names.index("uri"), "uri", [uris]))
    (folder / "a.mkv").rename(folder / "elsewhere.mkv")
    report = rerun(store, second["tag"])
    assert sorted(o.state for o in report.outcomes) == ["done", "failed"]
    assert "a.mkv" in str(report.failed[0].error)
    (folder / "elsewhere.mkv").rename(folder / "a.mkv")
    assert sorted(o.state for o in rerun(store, second["tag"]).outcomes) == ["done", "skipped"]
    assert rows(store, "taggings").num_rows == rows(store, "frames").num_rows


def test_one_model_at_a_time_and_vectors_as_wide_as_the_database(
    store: Store, tmp_path: Path, first: Models
) -> None:
    with pytest.raises(UsageError, match="one model is run again at a time, not 3"):
        rerun(store, first)
    wide = Models(detectors=first.detectors, character=an_embedder(tmp_path, "wide", 12))
    with pytest.raises(StoreError, match="this database holds width 8"):
        rerun(store, wide)


@pytest.fixture
def animeds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> Runner:
    own = only_here(monkeypatch, tmp_path)
    selected_tags(tmp_path / "selected_tags.csv", TAGS)
    wd_tagger(tmp_path / "mine.onnx", TAGS, 64, start=5_000)
    detector(tmp_path / "faces.onnx", ONE_IN_THE_MIDDLE, sides=(64, 64), imgsz=None)
    own.write_text(
        '[models.mine]\nlike = "wd-swinv2-v3"\nfiles = { model = "mine.onnx", tags = "selected_tags.csv" }\n'
        '[models.faces]\nlike = "face-v1.4-s"\nfiles = { model = "faces.onnx" }\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANIMEDS_DB", store.uri)
    return Runner(capsys, monkeypatch)


def test_the_command_tags_the_frames_of_a_condition_and_says_so(animeds: Runner) -> None:
    done = animeds("tag", "--model", "mine", "--where", "time_s < 0.5 -- early ones", "--device", "cpu")
    assert (done.code, done.out) == (0, "")
    counted = animeds("sql", "SELECT count(*) AS n FROM taggings WHERE model LIKE 'mine%'", "--format", "csv")
    early = animeds("sql", "SELECT count(*) AS n FROM frames WHERE time_s < 0.5", "--format", "csv")
    assert counted.out == early.out and "0" not in counted.out.split()[1:]
    assert f"mine: {counted.out.split()[1]} frames done in 2 sources" in done.err
    again = animeds("tag", "--model", "mine", "--where", "time_s < 0.5", "--use", "--device", "cpu")
    assert again.code == 0 and "a: skipped" in again.err
    counts = animeds("sql", "SELECT count(*) AS n FROM frames WHERE tagger LIKE 'mine%'", "--format", "csv")
    assert counts.out == early.out
    dropped = animeds("drop-model", "mine")
    assert dropped.code == 0 and "dropped" in dropped.err


def test_the_command_detects_without_vectors_when_told_so(animeds: Runner) -> None:
    assert animeds("detect", "--model", "faces", "--character", "none", "--device", "cpu").code == 0
    vectors = animeds("sql", "SELECT count(vector) AS n, count(*) > 0 AS some FROM faces", "--format", "csv")
    assert vectors.out.split() == ["n,some", "0,true"]


def test_a_character_model_that_is_not_here_is_an_error_with_the_way_out(animeds: Runner) -> None:
    done = animeds("detect", "--model", "faces", "--device", "cpu")
    assert done.code == 1 and "someone" in done.err


def test_a_condition_that_is_no_sql_is_one_line(animeds: Runner) -> None:
    done = animeds("tag", "--model", "mine", "--where", "episod = 3", "--device", "cpu")
    assert done.code == 1 and "episod" in done.err and "Traceback" not in done.err


def test_a_missing_video_gives_exit_code_3_and_its_name(animeds: Runner, store: Store) -> None:
    here = store.table("sources").to_table()
    uris = [uri + (".gone" if uri.endswith("a.mkv") else "") for uri in here["uri"].to_pylist()]
    store.replace("sources", here.set_column(here.column_names.index("uri"), "uri", [uris]))
    done = animeds("tag", "--model", "mine", "--device", "cpu")
    assert done.code == 3 and "failed: a: " in done.err and "a.mkv.gone" in done.err
    assert "b: done" in done.err

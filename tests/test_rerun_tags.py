"""Tags of a second tagger: beside those of the ingest, compared, chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ingesting import rows, run
from rerunning import CPU, TAGS, a_tagger_with_vectors, ask, copy_of_ingested, ingested, second

from animeds_db.errors import ModelError
from animeds_db.models import Models, Tagger
from animeds_db.models.files import Files
from animeds_db.models.profile import image_embedder
from animeds_db.session import Session
from animeds_db.store import Store
from animeds_ingest import pipeline
from animeds_ingest.reruns.running import drop, from_stored, rerun


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of_ingested(tmp_path / "show.animeds")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 2)
    monkeypatch.setattr(pipeline, "CHUNK", 4)


def test_tags_of_both_taggers_are_there_and_can_be_compared(store: Store) -> None:
    rerun(store, second("tag"))
    tagger = second("tag").tagger
    assert tagger is not None
    new = tagger.id
    assert ask(store, "SELECT count(DISTINCT model) FROM all_tags") == [(2,)]
    assert ask(store, f"SELECT DISTINCT tagger = '{new}' FROM frames") == [(False,)]
    n = rows(store, "frames").num_rows
    assert ask(store, "SELECT count(*) FROM taggings") == [(2 * n,)]

    from animeds_db.session.queries.named import find

    named = find("compare_taggers")
    session = Session(store)
    found = session.arrow(named.sql, named.bind({"first": "old-tagger", "second": new}))
    session.close()
    truth = ask(
        store,
        """
        SELECT tag, n_first, n_second, only_first + only_second AS differ FROM (
            SELECT tag,
                count(*) FILTER (WHERE a >= least) AS n_first, count(*) FILTER (WHERE b >= least) AS n_second,
                count(*) FILTER (WHERE a >= least AND b < least) AS only_first,
                count(*) FILTER (WHERE b >= least AND a < least) AS only_second
            FROM (
                SELECT frame_id, tag, CASE any_value(category) WHEN 'character' THEN 0.85 ELSE 0.35 END AS least,
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


def test_the_tags_that_count_are_those_of_the_ingest_until_another_tagger_is_chosen(store: Store) -> None:
    tags = "SELECT frame_id, tag, score FROM tags ORDER BY ALL"
    frames = "SELECT frame_id, tags, tag_scores, rating, tagger, sharpness FROM frames ORDER BY 1"
    old_tags, old_frames = ask(store, tags), ask(store, frames)
    some = frozenset(row[0] for row in old_frames[:5])
    rerun(store, second("tag"), wanted=some)
    assert (ask(store, tags), ask(store, frames)) == (old_tags, old_frames)

    session = Session(store)  # it sees the choice without being opened again
    session.sql(tags).fetchall()
    rerun(store, second("tag"), wanted=some, use=True)
    now = session.sql(frames).fetchall()
    assert [row[4].partition("@")[0] for row in now] == ["new-tagger"] * 5 + ["old-tagger"] * (len(now) - 5)
    assert [row[5] for row in now] == [row[5] for row in old_frames]
    assert now[5:] == old_frames[5:]
    new = session.sql(
        "SELECT frame_id, tag, score FROM all_tags WHERE model LIKE 'new%'"
        " AND score >= CASE category WHEN 'character' THEN 0.85 ELSE 0.35 END ORDER BY ALL"
    ).fetchall()
    kept = [row for row in old_tags if row[0] not in some]
    assert session.sql(tags).fetchall() == sorted([*new, *kept])
    assert session.sql(tags).fetchall() != old_tags
    session.close()

    drop(store, "new-tagger")
    assert (ask(store, tags), ask(store, frames)) == (old_tags, old_frames)


def test_scores_are_those_of_an_ingest_with_that_model(store: Store, tmp_path: Path) -> None:
    rerun(store, second("tag"))
    other = Store.create(str(tmp_path / "other.animeds"), 8, 8)
    run(other, ingested() / "a.mkv", ingested() / "b.mp4", how="every=0.25s", models=second("tag"))
    sql = "SELECT frame_id, tag, score FROM all_tags WHERE model LIKE 'new%' ORDER BY ALL"
    assert ask(store, sql) == ask(other, sql)
    rating = "SELECT frame_id, rating FROM taggings WHERE model LIKE 'new%' ORDER BY ALL"
    assert ask(store, rating) == ask(other, rating)


TAGGED = "SELECT frame_id, tag_ids, tag_scores, rating FROM taggings WHERE model LIKE 'both%' ORDER BY 1"


@pytest.fixture
def both(tmp_path: Path) -> Files:
    """A tagger whose vectors are an output."""
    return a_tagger_with_vectors(tmp_path, "both")


def without_videos(store: Store) -> None:
    here = store.table("sources").to_table()
    gone = [uri + ".gone" for uri in here["uri"].to_pylist()]
    store.replace("sources", here.set_column(here.column_names.index("uri"), "uri", [gone]))


def test_tags_are_predicted_from_stored_vectors_of_that_tagger_without_the_videos(
    store: Store, tmp_path: Path, both: Files
) -> None:
    decoded = copy_of_ingested(tmp_path / "decoded.animeds")
    rerun(decoded, Models(tagger=Tagger(both, CPU)))
    rerun(store, Models(image=image_embedder(both, CPU)))
    without_videos(store)
    report = rerun(store, Models(tagger=Tagger(both, CPU)))
    n = rows(store, "frames").num_rows
    assert from_stored(report) == n and {outcome.state for outcome in report.outcomes} == {"done"}
    found, wanted = ask(store, TAGGED), ask(decoded, TAGGED)
    assert len(found) == n and [row[0] for row in found] == [row[0] for row in wanted]
    for one, other in zip(found, wanted, strict=True):
        scores = dict(zip(one[1], one[2], strict=True)), dict(zip(other[1], other[2], strict=True))
        alike = [
            abs(scores[0].get(tag, 10) - scores[1].get(tag, 10)) <= 1 for tag in {*scores[0], *scores[1]}
        ]
        assert all(alike) and one[3] == other[3]
    again = rerun(store, Models(tagger=Tagger(both, CPU)))
    assert {outcome.state for outcome in again.outcomes} == {"skipped"} and from_stored(again) == 0


def test_frames_without_stored_vectors_are_decoded(store: Store, both: Files) -> None:
    some = rows(store, "frames")["frame_id"].to_pylist()[1:4]
    rerun(store, Models(image=image_embedder(both, CPU)), wanted=frozenset(some))
    report = rerun(store, Models(tagger=Tagger(both, CPU)))
    n = rows(store, "frames").num_rows
    assert from_stored(report) == 3 and sum(outcome.frames for outcome in report.outcomes) == n
    assert [row[0] for row in ask(store, TAGGED)] == rows(store, "frames")["frame_id"].to_pylist()


def test_a_last_layer_of_another_model_is_not_used_and_that_is_told(
    store: Store, both: Files, caplog: pytest.LogCaptureFixture
) -> None:
    rerun(store, Models(image=image_embedder(both, CPU)))
    np.savez(both.paths["weights"], weights=np.ones((8, TAGS), np.float32), bias=np.zeros(TAGS, np.float32))
    with caplog.at_level("WARNING", "animeds"):
        report = rerun(store, Models(tagger=Tagger(both, CPU)))
    assert "inv.npz does not reproduce the scores of both@" in caplog.text
    assert from_stored(report) == 0 and len(ask(store, TAGGED)) == rows(store, "frames").num_rows
    both.paths["weights"].write_bytes(b"<html>")
    with pytest.raises(ModelError, match=r"inv\.npz is not a last layer for vectors of width 8"):
        rerun(store, Models(tagger=Tagger(both, CPU)))


def test_a_tagger_that_gives_the_vectors_of_the_ingest_too_is_one_model(tmp_path: Path, both: Files) -> None:
    models = Models(tagger=Tagger(both, CPU), image=image_embedder(both, CPU))
    (record,) = models.records()
    assert (record["task"], record["width"]) == ("tagger", 8)
    other = Store.create(str(tmp_path / "other.animeds"), 8, 8)
    run(other, ingested() / "a.mkv", how="every=0.5s", models=models)
    assert ask(other, "SELECT DISTINCT tagger = embedder, len(embedding::FLOAT[]) FROM frames") == [(True, 8)]
    third = replace(both, entry=replace(both.entry, name="both-again"))
    assert ask(other, "SELECT count(*) FROM models") == [(1,)]
    assert (
        from_stored(rerun(other, Models(tagger=Tagger(third, CPU)))) == 0
    )  # the vectors of that very model only

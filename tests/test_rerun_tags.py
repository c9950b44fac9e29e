"""Tags of a second tagger: beside those of the ingest, compared, chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingesting import rows, run
from rerunning import (
    ask,
    copy_of_ingested,
    ingested,
    second,
)

from animeds_db.session import Session
from animeds_db.store import Store
from animeds_ingest import pipeline
from animeds_ingest.rerun import drop, rerun


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of_ingested(tmp_path / "show.animeds")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 2)
    monkeypatch.setattr(pipeline, "CHUNK", 4)


def test_tags_of_both_taggers_are_there_and_can_be_compared(store: Store) -> None:
    rerun(store, second("tag"))
    assert second("tag").tagger is not None
    new = second("tag").tagger.id
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
        "SELECT frame_id, tag, score FROM all_tags WHERE model LIKE 'new%' ORDER BY ALL"
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

"""Vectors of a second image embedder: beside those of the ingest, and searched once they are chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ingesting import rows
from rerunning import ask, copy_of_ingested, first, second

from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, StoreError
from animeds_db.models import Models
from animeds_db.session import Session
from animeds_db.steps.dedup.find import DedupOptions
from animeds_db.steps.search.frames import unsearched
from animeds_db.store import Store
from animeds_ingest import pipeline
from animeds_ingest.reruns.running import drop, rerun


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of_ingested(tmp_path / "show.animeds")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 2)
    monkeypatch.setattr(pipeline, "CHUNK", 4)


def test_vectors_of_another_width_stand_beside_the_old_ones(store: Store) -> None:
    rerun(store, second("embed"))
    widths = ask(
        store, "SELECT model, min(len(vector)), max(len(vector)) FROM embeddings GROUP BY 1 ORDER BY 2"
    )
    assert [row[1:] for row in widths] == [(8, 8), (12, 12)]
    length = ask(store, "SELECT min(list_inner_product(vector, vector)) FROM embeddings")[0][0]
    assert length == pytest.approx(1, abs=1e-5)


def frames_and_their_vectors(store: Store) -> list[tuple[Any, ...]]:
    return ask(store, "SELECT frame_id, embedder, embedding::FLOAT[] FROM frames ORDER BY frame_id")


def test_a_chosen_embedder_gives_the_vectors_of_frames_and_goes_back_again(store: Store) -> None:
    old = frames_and_their_vectors(store)
    session = Session(store)  # it sees the choice without being opened again, though the width is another
    session.sql("SELECT count(*) FROM kept").fetchall()
    report = rerun(store, second("embed"), use=True)
    assert {o.state for o in report.outcomes} == {"done"}
    model = second("embed").image
    assert model is not None
    wanted = ask(
        store, f"SELECT frame_id, model, vector FROM embeddings WHERE model = '{model.id}' ORDER BY 1"
    )
    asked = "SELECT frame_id, embedder, embedding::FLOAT[] FROM kept ORDER BY frame_id"
    assert session.sql(asked).fetchall() == wanted == frames_and_their_vectors(store)
    session.close()
    assert {len(row[2]) for row in wanted} == {12}
    rerun(store, Models(image=first().image), use=True)
    assert frames_and_their_vectors(store) == old


def test_frames_the_chosen_embedder_has_not_seen_have_no_vector_rather_than_an_older_one(
    store: Store,
) -> None:
    ids = rows(store, "frames")["frame_id"].to_pylist()
    rerun(store, second("embed"), wanted=frozenset(ids[:3]), use=True)
    found = frames_and_their_vectors(store)
    assert [row[1] is not None for row in found] == [place < 3 for place in range(len(ids))]
    assert [row[2] is not None for row in found] == [place < 3 for place in range(len(ids))]
    with Dataset(store) as dataset:
        like = dataset.search(frame_id=ids[0], k=50).fetchall()
        assert sorted(row[0] for row in like) == ids[:3]
        assert unsearched(dataset.session) == len(ids) - 3
        with pytest.raises(StoreError, match=f"Frame {ids[4]} has no vector") as caught:
            dataset.search(frame_id=ids[4])
        assert "animeds embed --model new-image" in (caught.value.hint or "")
    drop(store, "new-image")
    assert {row[1] for row in frames_and_their_vectors(store)} == {first().records()[3]["model_id"]}


def test_search_similar_to_and_dedup_ask_the_chosen_vectors(store: Store) -> None:
    of_vectors = DedupOptions(threshold=0.999, agree_bits=None, phash_distance=None)
    with Dataset(store) as dataset:
        dataset.dedup(of_vectors)  # what it remembers of other vectors does not count afterwards
    rerun(store, second("embed"))
    # An order that is easy to know: the new model's vectors turn from frame to frame, but for the first two.
    made = store.table("embeddings").to_table().sort_by("frame_id")
    turned = [[np.cos(a), np.sin(a), *[0.0] * 10] for a in np.radians(np.arange(made.num_rows) * 15.0)]
    turned[1] = turned[0]
    store.replace(
        "embeddings",
        made.set_column(4, made.schema.field("vector"), pa.array(turned, pa.list_(pa.float32()))),
    )
    rerun(store, second("embed"), use=True)
    ids = made["frame_id"].to_pylist()
    with Dataset(store) as dataset:
        found = dataset.search(frame_id=ids[0], k=4).to_arrow_table().to_pydict()
        assert found["frame_id"] == ids[:4]
        similarity = found["similarity"]
        np.testing.assert_allclose(similarity, np.cos(np.radians([0, 0, 30, 45])), atol=1e-6)
        in_sql = dataset.sql(f"SELECT frame_id, similarity FROM similar_to('{ids[2]}') LIMIT 2").fetchall()
        assert in_sql[0][0] == ids[3] and in_sql[0][1] == pytest.approx(np.cos(np.radians(15)))
        dataset.dedup(of_vectors)
        groups = dataset.sql("SELECT frame_id FROM duplicates ORDER BY 1").fetchall()
    assert [row[0] for row in groups] == ids[:2]


def test_vectors_of_several_models_are_never_compared_and_every_way_says_so(store: Store) -> None:
    frames = store.table("frames").to_table().sort_by("frame_id")
    n = frames.num_rows
    ids, embedders = frames["frame_id"].to_pylist(), ["other@1"] * 4 + ["old-image@2"] * (n - 4)
    place = frames.schema.get_field_index("embedder")
    store.replace("frames", frames.set_column(place, frames.schema.field("embedder"), pa.array(embedders)))
    with Dataset(store) as dataset:
        several = "several models, which cannot be compared: old-image@2, other@1"
        with pytest.raises(StoreError, match=several) as caught:
            dataset.search(frame_id=ids[0])
        assert "animeds embed --model old-image --use" in (caught.value.hint or "")
        with pytest.raises(QueryError, match=several):
            dataset.session.arrow("SELECT * FROM search_text('red hair')")
        with pytest.raises(StoreError, match="several models"):
            dataset.dedup()
        with pytest.raises(QueryError, match="vectors of other@1 and old-image@2 cannot be"):
            dataset.session.arrow(f"SELECT frame_id, similarity FROM similar_to('{ids[0]}')")
        of_one = dataset.search(frame_id=ids[0], where="embedder = 'other@1'", k=50).fetchall()
        assert sorted(row[0] for row in of_one) == ids[:4]
        with pytest.raises(StoreError, match=rf"{ids[0]} was made by other@1, the others by old-image@2"):
            dataset.search(frame_id=ids[0], where="embedder = 'old-image@2'")


def test_dropping_the_chosen_embedder_brings_back_the_vectors_of_the_ingest(store: Store) -> None:
    old = frames_and_their_vectors(store)
    rerun(store, second("embed"), use=True)
    assert frames_and_their_vectors(store) != old
    drop(store, "new-image")
    assert frames_and_their_vectors(store) == old


def test_choosing_a_tagger_and_an_embedder_are_two_choices(store: Store) -> None:
    rerun(store, second("tag"), use=True)
    rerun(store, second("embed"), use=True)
    assert ask(
        store, "SELECT DISTINCT split_part(tagger, '@', 1), split_part(embedder, '@', 1) FROM frames"
    ) == [("new-tagger", "new-image")]

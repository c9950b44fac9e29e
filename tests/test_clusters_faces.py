"""Faces grouped without examples: what becomes of planted people, and merging and splitting."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from drawntruth import copy_of_show, drawn_faces, truth
from faceclusters import faces_store, looks, near

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.steps.clusters.find import (
    ClusterOptions,
    cluster_faces,
    merge_clusters,
    representatives,
    split_cluster,
)

ANNA, BEA, CARA = looks(3)


def people(*counts: int) -> list[dict[str, object]]:
    """So many faces of Anna, Bea and Cara, alone on a frame each, taking turns."""
    faces: list[dict[str, object]] = []
    for number in range(max(counts)):
        for who, count in enumerate(counts):
            if number < count:
                faces.append({"at": len(faces), "vector": near((ANNA, BEA, CARA)[who], len(faces))})
    return faces


def run(dataset: Dataset, **options: Any) -> dict[str, int | None]:
    cluster_faces(dataset.store, dataset.session, ClusterOptions(**options))
    return dict(dataset.sql("SELECT face_id, cluster FROM clusters ORDER BY face_id").fetchall())


def test_people_are_numbered_by_how_often_they_are_seen(tmp_path: Path) -> None:
    with faces_store(tmp_path, people(5, 9, 7)) as dataset:
        found = cluster_faces(dataset.store, dataset.session, ClusterOptions())
        assert (found.faces, found.clusters, found.grouped, found.skipped) == (21, 3, 21, 0)
        rows = dataset.query("clusters").fetchall()
    assert [(row[0], row[2]) for row in rows] == [(1, 9), (2, 7), (3, 5)]


def test_small_groups_are_like_no_other(tmp_path: Path) -> None:
    with faces_store(tmp_path, people(6, 4)) as dataset:
        assert Counter(run(dataset).values()) == {1: 6, None: 4}
        assert Counter(run(dataset, min_size=4).values()) == {1: 6, 2: 4}


def test_a_chain_between_two_people_does_not_make_them_one(tmp_path: Path) -> None:
    steps = np.linspace(0, np.pi / 2, 40)
    chain = [np.cos(a) * ANNA + np.sin(a) * BEA for a in steps]
    faces = people(20, 20) + [{"at": 100 + i, "vector": v} for i, v in enumerate(chain)]
    with faces_store(tmp_path, faces) as dataset:
        clusters = list(run(dataset).values())
    of_anna, of_bea = set(clusters[0:40:2]), set(clusters[1:40:2])
    assert len(of_anna) == len(of_bea) == 1
    assert of_anna != of_bea


def test_two_faces_of_one_frame_are_two_people(tmp_path: Path) -> None:
    twins = [{"at": second, "vector": near(ANNA, second)} for second in range(6) for _ in range(2)]
    with faces_store(tmp_path, twins) as dataset:
        clusters = list(run(dataset).values())
    assert all(first != second for first, second in zip(clusters[::2], clusters[1::2], strict=True))


def test_a_face_found_twice_is_not_two_people(tmp_path: Path) -> None:
    boxes = [(0.2, 0.2, 0.5, 0.5), (0.22, 0.2, 0.52, 0.52)]
    faces = [{"at": t, "vector": near(ANNA, t), "box": box} for t in range(6) for box in boxes]
    with faces_store(tmp_path, faces) as dataset:
        assert set(run(dataset).values()) == {1}


def test_faces_without_a_usable_vector_are_counted_and_left_out(tmp_path: Path) -> None:
    bad = [None, np.zeros(16), np.full(16, np.nan)]
    faces = people(6) + [{"at": 50 + i, "vector": v} for i, v in enumerate(bad)]
    with faces_store(tmp_path, faces) as dataset:
        found = cluster_faces(dataset.store, dataset.session, ClusterOptions())
        assert (found.faces, found.grouped, found.skipped) == (9, 6, 3)
        assert len(dataset.sql("SELECT * FROM clusters").fetchall()) == 6


def test_vectors_of_two_models_are_not_compared(tmp_path: Path) -> None:
    other = [{"at": 50 + i, "vector": near(ANNA, i), "model": "other@2"} for i in range(5)]
    with faces_store(tmp_path, people(8) + other) as dataset:
        found = cluster_faces(dataset.store, dataset.session, ClusterOptions())
    assert (found.model, found.grouped, found.skipped) == ("drawn@1", 8, 5)


@pytest.mark.parametrize(
    ("faces", "words"), [([], "no faces"), ([{"at": 0}], "No face has a character vector")]
)
def test_no_faces_and_no_vectors_are_told(tmp_path: Path, faces: list[dict[str, object]], words: str) -> None:
    with faces_store(tmp_path, faces) as dataset, pytest.raises(StoreError, match=words) as caught:
        cluster_faces(dataset.store, dataset.session, ClusterOptions())
    assert "animeds " in (caught.value.hint or "")


def test_one_face_is_like_no_other(tmp_path: Path) -> None:
    with faces_store(tmp_path, people(1)) as dataset:
        assert list(run(dataset).values()) == [None]
        assert list(run(dataset, min_size=1).values()) == [1]


@pytest.mark.parametrize("options", [{"threshold": 1.2}, {"threshold": -0.1}, {"min_size": 0}])
def test_options_out_of_range_are_refused(tmp_path: Path, options: dict[str, float]) -> None:
    with faces_store(tmp_path, people(2)) as dataset, pytest.raises(UsageError):
        run(dataset, **options)


def test_the_same_faces_give_the_same_clusters(tmp_path: Path) -> None:
    with faces_store(tmp_path, people(7, 7, 7)) as dataset:
        assert run(dataset) == run(dataset)


def test_merged_clusters_bear_the_first_number(tmp_path: Path) -> None:
    with faces_store(tmp_path, people(5, 9, 7)) as dataset:
        run(dataset)
        assert merge_clusters(dataset.store, dataset.session, [3, 1]).sizes == {3: 14}
        sizes = dict(dataset.sql("SELECT cluster, count(*) FROM clusters GROUP BY 1").fetchall())
    assert sizes == {3: 14, 2: 7}


def test_a_mixed_cluster_is_split_into_its_people(tmp_path: Path) -> None:
    with faces_store(tmp_path, people(9, 6, 5)) as dataset:
        before = run(dataset)
        merge_clusters(dataset.store, dataset.session, [1, 2, 3])
        assert split_cluster(dataset.store, dataset.session, 1, 3).sizes == {1: 9, 2: 6, 3: 5}
        after = dict(dataset.sql("SELECT face_id, cluster FROM clusters").fetchall())
    assert after == before


def test_clusters_that_are_not_there_are_named(tmp_path: Path) -> None:
    with faces_store(tmp_path, people(6)) as dataset:
        with pytest.raises(QueryError, match="no cluster 1") as caught:
            split_cluster(dataset.store, dataset.session, 1)
        assert "characters cluster" in str(caught.value.hint)
        run(dataset)
        with pytest.raises(QueryError, match="no cluster 9") as caught:
            merge_clusters(dataset.store, dataset.session, [1, 9])
        assert "from 1 to 1" in str(caught.value.hint)
        with pytest.raises(UsageError, match="at least two"):
            merge_clusters(dataset.store, dataset.session, [1, 1])
        with pytest.raises(UsageError, match="too similar to be split into 5 parts"):
            split_cluster(dataset.store, dataset.session, 1, 5)


def test_representatives_are_of_the_cluster_and_differ(tmp_path: Path) -> None:
    faces = people(12)
    faces += [{"at": 40 + i, "vector": faces[0]["vector"]} for i in range(6)]  # copies
    with faces_store(tmp_path, faces) as dataset:
        run(dataset)
        chosen = representatives(dataset.session, 1, 6)
    assert len(set(chosen)) == 6
    assert sum(face.split("-")[1] >= "000040000" for face in chosen) <= 1


def test_faces_known_as_one_person_stay_together_and_others_apart(tmp_path: Path) -> None:
    with faces_store(tmp_path, people(8, 8)) as dataset:
        ids = list(run(dataset))
        anna, bea, another = ids[0], ids[1], ids[4]  # Anna's, Bea's, and another of Anna's
        examples = [
            {"example_id": face, "character": name, "origin": "cluster", "face_id": face}
            for face, name in ((anna, "Ann"), (bea, "Ann"), (another, "Zoe"))
        ]
        dataset.store.upsert("examples", pa.Table.from_pylist(examples, schema.examples(16).schema))
        after = run(dataset, min_size=1)
        assert after[anna] == after[bea] != after[another]
        named = {row[0]: row[1] for row in dataset.query("clusters").fetchall()}
    assert named[after[anna]] == "Ann"
    assert named[after[another]] == "Zoe"


def turning(at: int) -> list[dict[str, object]]:
    """Six faces of Anna and six of Bea in other shots; then Anna turns away, a frame a second."""
    steps = [np.cos(a) * ANNA + np.sin(a) * CARA for a in (0.0, 0.3, 0.6, 0.9)]
    shots = [{"at": 10 * n, "vector": near((ANNA, BEA)[n % 2], n)} for n in range(12)]
    return [*shots, *({"at": at + n, "vector": vector} for n, vector in enumerate(steps))]


def test_a_face_that_stays_at_its_position_within_a_shot_is_one_person(tmp_path: Path) -> None:
    with faces_store(tmp_path / "one shot", turning(200)) as dataset:
        assert list(run(dataset).values())[-4:] == [1, 1, 1, 1]
    with faces_store(tmp_path / "a cut before the last", turning(207)) as dataset:
        assert list(run(dataset).values())[-4:] == [1, 1, 1, None]


def test_people_who_have_names_are_not_joined_by_their_position(tmp_path: Path) -> None:
    with faces_store(tmp_path, turning(200)) as dataset:
        ids = list(run(dataset))
        examples = [
            {"example_id": face, "character": name, "origin": "cluster", "face_id": face}
            for face, name in ((ids[-4], "Ann"), (ids[-1], "Zoe"))
        ]
        dataset.store.upsert("examples", pa.Table.from_pylist(examples, schema.examples(16).schema))
        after = run(dataset, min_size=1)
    assert after[ids[-4]] != after[ids[-1]]


def test_without_a_threshold_the_one_of_the_model_applies(tmp_path: Path) -> None:
    turned = [{"at": 10 * n, "vector": np.cos(0.7) * ANNA + np.sin(0.7) * BEA} for n in range(5)]
    others = [{"at": 100 + 10 * n, "vector": ANNA} for n in range(6)]  # a cosine of 0.76
    with faces_store(tmp_path, [*turned, *others]) as dataset:
        assert set(run(dataset).values()) == {1}
        model = {"model_id": "drawn@1", "task": "character", "thresholds": '{"cluster": 0.8}'}
        dataset.store.upsert("models", pa.Table.from_pylist([model], schema.MODELS.schema))
        assert set(run(dataset).values()) == {1, 2}
        assert set(run(dataset, threshold=0.7).values()) == {1}


def test_drawn_people_are_told_apart_without_examples(tmp_path: Path) -> None:
    """On a show never trained on; faces where nobody was drawn are nobody's, and count as wrong."""
    with copy_of_show(tmp_path) as dataset:
        clusters = run(dataset, min_size=3)
        name = {face.face_id: face.name for face in drawn_faces(dataset)}
    mains = {character.name for character in truth().characters}
    grouped: dict[int | None, Counter[str | None]] = {
        number: Counter() for number in set(clusters.values()) - {None}
    }
    for face, number in clusters.items():
        if number is not None:
            grouped[number][name[face]] += 1
    purest = sum(counts.most_common(1)[0][1] for counts in grouped.values())
    assert purest >= 0.95 * sum(counts.total() for counts in grouped.values())
    assert all(len(mains & set(counts)) <= 1 for counts in grouped.values()), grouped
    for main in mains:
        total = sum(1 for face, who in name.items() if who == main and face in clusters)
        assert max(counts[main] for counts in grouped.values()) >= 0.6 * total, (main, total)

"""Merging and splitting clusters are words of people: they outlive the next run, and can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from cli_run import Runner
from faceclusters import faces_store, looks, near
from hypothesis import given
from hypothesis import strategies as st
from labelled import detect_again

from animeds_db.dataset import Dataset
from animeds_db.steps.clusters.corrections import ONE_PERSON, ClusterLabel, combined
from animeds_db.steps.clusters.find import ClusterOptions, cluster_faces, merge_clusters, split_cluster

ANNA, BEA, CARA = looks(3)
TWIN = ANNA + 0.45 * BEA  # so alike that a run takes her for Anna


def of(*people: np.ndarray, each: int = 6) -> list[dict[str, object]]:
    """So many faces of each, one after another."""
    return [
        {"at": 10 * place + n, "vector": near(vector, 10 * place + n)}
        for place, vector in enumerate(people)
        for n in range(each)
    ]


def run(dataset: Dataset, **options: Any) -> list[int | None]:
    """Cluster, and return the cluster of each face."""
    cluster_faces(dataset.store, dataset.session, ClusterOptions(**options))
    return [row[0] for row in dataset.sql("SELECT cluster FROM clusters ORDER BY face_id").fetchall()]


def test_merged_clusters_stay_one_until_that_is_undone(tmp_path: Path) -> None:
    with faces_store(tmp_path, of(ANNA, BEA, CARA)) as dataset:
        first = run(dataset)
        merge_clusters(dataset.store, dataset.session, [1, 3])
        after = run(dataset, threshold=0.9)
        assert after == [1] * 6 + [2] * 6 + [1] * 6
        assert dataset.history().fetchall()[0][3:5] == ("faces of one person", 12)
        dataset.undo()
        assert run(dataset) == first == [1] * 6 + [2] * 6 + [3] * 6


def test_the_parts_of_a_split_stay_apart_until_that_is_undone(tmp_path: Path) -> None:
    with faces_store(tmp_path, of(ANNA, TWIN)) as dataset:
        assert run(dataset) == [1] * 12
        done = split_cluster(dataset.store, dataset.session, 1)
        assert done.sizes == {1: 6, 2: 6}
        assert run(dataset) == [1] * 6 + [2] * 6
        assert dataset.history().fetchall()[0][3] == "faces of person 1, faces of person 2"
        dataset.undo(done.act)
        assert run(dataset) == [1] * 12


def test_a_split_takes_back_a_merge_and_a_merge_a_split(tmp_path: Path) -> None:
    with faces_store(tmp_path, of(ANNA, BEA)) as dataset:
        run(dataset)
        merge_clusters(dataset.store, dataset.session, [1, 2])
        split_cluster(dataset.store, dataset.session, 1)
        assert run(dataset) == [1] * 6 + [2] * 6
        merge_clusters(dataset.store, dataset.session, [1, 2])
        assert run(dataset) == [1] * 12


def test_new_faces_join_the_person_they_look_like(tmp_path: Path) -> None:
    """Twenty faces speak for a cluster; the others follow by their looks."""
    with faces_store(tmp_path, of(ANNA, TWIN, each=9)) as dataset:
        run(dataset)
        split_cluster(dataset.store, dataset.session, 1)
        frames = dataset.sql("SELECT frame_id FROM frames ORDER BY 1").fetchall()
        words = dataset.store.table("labels").to_table()
        for frame in (frames[8][0], frames[17][0]):  # as if these had come later
            words = words.filter(pc.not_equal(words["frame_id"], frame))
        dataset.store.rewrite("labels", words)
        assert run(dataset) == [1] * 9 + [2] * 9


def test_words_about_clusters_hold_for_the_faces_of_another_detector(tmp_path: Path) -> None:
    with faces_store(tmp_path, of(ANNA, TWIN)) as dataset:
        run(dataset)
        split_cluster(dataset.store, dataset.session, 1)
        old = dataset.store.table("detections").to_table().to_pylist()
        moved = [
            row | {"detection_id": row["detection_id"][:-1] + "9", "left": row["left"] + 0.01} for row in old
        ]
        detect_again(dataset.store, "new@2", *moved)
        assert run(dataset) == [1] * 6 + [2] * 6
        assert {row[0][-1] for row in dataset.sql("SELECT face_id FROM clusters").fetchall()} == {"9"}


def test_two_who_have_names_are_not_joined_by_a_merge(tmp_path: Path) -> None:
    with faces_store(tmp_path, of(ANNA, BEA)) as dataset:
        run(dataset)
        merge_clusters(dataset.store, dataset.session, [1, 2])
        ids = [row[0] for row in dataset.sql("SELECT face_id FROM faces ORDER BY 1").fetchall()]
        dataset.label("character", "set", "Anna", [ids[0]])
        dataset.label("character", "set", "Bea", [ids[6]])
        assert run(dataset) == [1] * 6 + [2] * 6


def test_words_about_clusters_are_no_names(tmp_path: Path) -> None:
    with faces_store(tmp_path, of(ANNA, BEA)) as dataset:
        run(dataset)
        merge_clusters(dataset.store, dataset.session, [1, 2])
        assert dataset.sql("SELECT count(*) FROM characters").fetchall() == [(0,)]
        assert dataset.sql("SELECT count(*) FROM box_labels").fetchall() == [(0,)]
        assert dataset.sql("SELECT DISTINCT field, value FROM labels").fetchall() == [
            ("cluster", "one person")
        ]


@pytest.mark.parametrize(
    "poor",
    [
        {"brightness": 0.1},
        {"box": (0.0, 0.3, 0.2, 0.5)},
        {"box": (0.4, 0.4, 0.42, 0.42), "height": 360},
        {"detected": 0.3},
    ],
    ids=["dark", "cut off", "tiny", "doubted by the detector"],
)
def test_faces_that_cannot_be_judged_are_counted_and_left_out(
    tmp_path: Path, poor: dict[str, object]
) -> None:
    faces = of(ANNA) + [{"at": 90 + i, "vector": near(ANNA, i)} | poor for i in range(5)]
    with faces_store(tmp_path, faces) as dataset:
        found = cluster_faces(dataset.store, dataset.session, ClusterOptions())
        assert (found.faces, found.grouped, found.unclear, found.skipped) == (11, 6, 5, 0)


def test_a_dark_face_that_somebody_named_is_judged(tmp_path: Path) -> None:
    with faces_store(tmp_path, [*of(ANNA), {"at": 90, "vector": ANNA, "brightness": 0.1}]) as dataset:
        dataset.label("character", "set", "Anna", ["aaaaaaaa-000090000-f0"])
        assert run(dataset) == [1] * 7


def test_the_command_tells_how_to_take_a_split_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Runner(capsys, monkeypatch)
    with faces_store(tmp_path, [*of(ANNA, TWIN), {"at": 90, "brightness": 0.1, "vector": BEA}]) as dataset:
        db = dataset.uri
    said = command("characters", "cluster", "--db", db).err
    assert "13 faces: 12 in 1 cluster, 0 not grouped" in said
    assert "note: 1 face left out: too dark, too small or cut off" in said
    done = command("characters", "split", 1, "--db", db)
    assert "cluster 1: 6 faces, cluster 2: 6 faces" in done.err
    act = done.err.partition("animeds label undo ")[2].partition(",")[0]
    assert command("label", "undo", act, "--db", db).code == 0
    assert command("characters", "merge", 1, 2, "--db", db).code == 0


def acts(*said: dict[str, str]) -> list[ClusterLabel]:
    """One act each: part → faces, a letter each."""
    return [
        (str(act), value, face)
        for act, parts in enumerate(said)
        for value, faces in parts.items()
        for face in faces
    ]


def test_a_later_act_wins_over_what_it_contradicts() -> None:
    told = combined(acts({ONE_PERSON: "abc"}, {"person 1": "a", "person 2": "bx"}, {ONE_PERSON: "xz"}))
    assert set(told.groups) == {frozenset("c"), frozenset("a"), frozenset("bxz")}
    pairs = {frozenset("".join(sorted(told.groups[place])) for place in pair) for pair in told.apart}
    assert pairs == {frozenset({"a", "bxz"})}


@given(
    st.lists(
        st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), min_size=1, max_size=3),
        min_size=1,
        max_size=6,
    )
)
def test_faces_are_in_one_group_and_the_last_act_holds(said: list[list[set[str]]]) -> None:
    disjoint = []
    for parts in said:
        own = [part.difference(*parts[:n]) for n, part in enumerate(parts)]
        disjoint.append([part for part in own if part])
    words = [
        {
            ONE_PERSON if len(parts) == 1 else f"person {n}": "".join(sorted(part))
            for n, part in enumerate(parts)
        }
        for parts in disjoint
    ]
    told = combined(acts(*words))
    faces = [face for group in told.groups for face in group]
    assert len(faces) == len(set(faces))
    assert all(len(pair) == 2 for pair in told.apart)
    place = {face: n for n, group in enumerate(told.groups) for face in group}
    last = disjoint[-1]
    assert all(len({place[face] for face in part}) == 1 for part in last)
    for a in range(len(last)):
        for b in range(a):
            assert frozenset(place[next(iter(last[n]))] for n in (a, b)) in told.apart

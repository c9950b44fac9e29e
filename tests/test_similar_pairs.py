"""`Dataset.similar_pairs`: what brute force over the selections gives, each pair once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cli_run import Runner
from framestore import dataset_of, frame_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import planted
from similarity_reference import all_cosines

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.steps.search.pairs import SimilarRows

N = 60
SOURCES = ("bbbbbbbb", "aaaaaaaa")


def drawn() -> np.ndarray:
    """Vectors of frames, ids ascending; row 7 is broken, row 11 is missing, row 20 has no direction."""
    x = planted(N, 16, scene=8, seed=5)
    x[7] = np.inf
    x[11] = np.nan
    x[20] = 0
    return x


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A database whose rows do not lie in the order of their ids, and faces with the same vectors' first half."""
    x, half = drawn(), N // 2
    rows = {
        name: frame_rows(name, part, half) for name, part in zip(SOURCES, (x[half:], x[:half]), strict=True)
    }
    rows["aaaaaaaa"][7] |= {"embedding": [float("nan")] * 16, "embedder": "drawn@1"}
    made = dataset_of(tmp_path_factory.mktemp("pairs"), rows)
    faces = [
        {
            "detection_id": f"{frame['frame_id']}-f0",
            "frame_id": frame["frame_id"],
            "source_id": frame["source_id"],
            "kind": "face",
            **dict.fromkeys(("left", "top"), 0.1),
            **dict.fromkeys(("right", "bottom"), 0.3),
            "score": 0.9,
            "model": "faces@1",
            "vector": x[half + i, :8],
            "vector_model": "people@1",
        }
        for i, frame in enumerate(rows["bbbbbbbb"])
    ]
    made.store.upsert("detections", pa.Table.from_pylist(faces, schema.detections(8).schema))
    return made


@pytest.fixture(scope="module")
def ids(dataset: Dataset) -> list[str]:
    return [row[0] for row in dataset.sql("SELECT frame_id FROM frames ORDER BY frame_id").fetchall()]


def brute(ids: list[str], left: set[str], right: set[str], threshold: float) -> dict[tuple[str, str], float]:
    """Return the pairs of comparing every left with every right frame, one by one."""
    x = drawn()
    cosine = all_cosines(x, x)
    pairs = {}
    for i, one in enumerate(ids):
        for j, other in enumerate(ids):
            both = one in left and other in right
            if i != j and both and cosine[i, j] >= np.float32(threshold):
                turned = i > j and one in right and other in left
                pairs[(other, one) if turned else (one, other)] = float(cosine[i, j])
    return pairs


def as_dict(found: SimilarRows) -> dict[tuple[str, str], float]:
    a, b, cosine = (column.to_pylist() for column in found.table.columns)
    pairs = dict(zip(zip(a, b, strict=True), cosine, strict=True))
    assert len(pairs) == len(found) and list(pairs) == sorted(pairs)  # each once, in order
    return pairs


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_pairs_are_those_of_brute_force_over_both_selections(
    dataset: Dataset, ids: list[str], data: st.DataObject
) -> None:
    sides = st.one_of(st.none(), st.lists(st.sampled_from(ids)))
    left, right = data.draw(sides, label="left"), data.draw(sides, label="right")
    threshold = data.draw(st.sampled_from([0.0, 0.6, 0.9, 0.985, 1.0]), label="threshold")
    found = dataset.similar_pairs(threshold, left=left, right=right)
    expected = brute(ids, set(ids if left is None else left), set(ids if right is None else right), threshold)
    assert as_dict(found) == expected
    assert found.recall is None


def test_either_side_can_be_sql_or_a_relation(dataset: Dataset, ids: list[str]) -> None:
    early = "SELECT frame_id FROM frames WHERE time_s < 12"
    b = dataset.sql("SELECT * FROM frames WHERE source_id = 'bbbbbbbb'")
    found = dataset.similar_pairs(0.8, left=early, right=b)
    lefts = {i for i in ids if int(i.split("-")[1]) < 12_000}
    assert as_dict(found) == brute(ids, lefts, {i for i in ids if i.startswith("b")}, 0.8)
    assert len(found) > 20


def test_new_frames_are_compared_with_all_and_complete_the_pairs(dataset: Dataset) -> None:
    everything = as_dict(dataset.similar_pairs(0.9))
    old = "SELECT frame_id FROM frames WHERE source_id = 'aaaaaaaa'"
    before = as_dict(dataset.similar_pairs(0.9, left=old, right=old))
    new = as_dict(dataset.similar_pairs(0.9, left="SELECT frame_id FROM frames WHERE source_id = 'bbbbbbbb'"))
    assert before.keys() & new.keys() == set()
    assert {frozenset(pair) for pair in before | new} == {frozenset(pair) for pair in everything}


def test_faces_are_compared_by_their_character_vectors(dataset: Dataset) -> None:
    found = dataset.similar_pairs(0.9, of="faces", left="SELECT face_id FROM faces WHERE score > 0.5")
    x = drawn()[N // 2 :, :8]
    assert len(found) == int(np.count_nonzero(np.triu(all_cosines(x, x) >= np.float32(0.9), 1)))
    assert found.table.column_names == ["face_id", "other_face_id", "similarity"]


def test_an_index_finds_true_pairs_only_and_says_what_share(dataset: Dataset, ids: list[str]) -> None:
    everything = as_dict(dataset.similar_pairs(0.8))
    for left in (None, ids[:25]):
        true = everything if left is None else as_dict(dataset.similar_pairs(0.8, left=left))
        found = dataset.similar_pairs(0.8, left=left, exact=False)
        assert as_dict(found).items() <= true.items()
        assert found.recall is not None and found.recall.estimate is not None
        assert found.recall.low <= len(found) / len(true)
        assert abs(found.recall.estimate - len(found) / len(true)) < 0.1


def test_rows_without_a_vector_are_told(dataset: Dataset) -> None:
    assert dataset.similar_pairs(1.0).without_vector == 3
    assert len(dataset.similar_pairs(0.0, left=[])) == 0


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"threshold": 1.2}, UsageError, "between 0 and 1, not 1.2"),
        ({"threshold": float("nan")}, UsageError, "between 0 and 1, not nan"),
        ({"of": "frame"}, UsageError, "must be frames or faces"),
        ({"memory_mb": 0.001}, UsageError, "too small for one block"),
        ({"memory_mb": 0.001, "left": ["aaaaaaaa-000000000"]}, UsageError, "too small for one block"),
        ({"left": "SELECT time_s FROM frames"}, QueryError, "no column frame_id. Its columns are time_s"),
        ({"right": ["aaaaaaaa-000000000", "zzz"]}, QueryError, "There is no frame zzz"),
        ({"left": "SELECT frame_id FROM frame"}, QueryError, "frame"),
    ],
)
def test_bad_questions_are_refused_with_what_is_wrong(
    dataset: Dataset, asked: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        dataset.similar_pairs(**({"threshold": 0.9} | asked))  # type: ignore[arg-type]


def test_vectors_of_two_models_are_compared_only_apart(tmp_path: Path) -> None:
    rows = frame_rows("aaaaaaaa", planted(4, 16, copies=1.0), 4)
    rows[3]["embedder"] = "other@2"
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    with pytest.raises(StoreError, match=r"drawn@1, other@2") as refused:
        dataset.similar_pairs(0.5)
    assert "WHERE embedder = 'drawn@1'" in str(refused.value.hint)
    one = "SELECT frame_id FROM frames WHERE embedder = 'drawn@1'"
    assert len(dataset.similar_pairs(0.5, left=one, right=one)) == 3


@pytest.mark.parametrize("n", [0, 1])
def test_no_frame_and_one_frame_have_no_pairs(tmp_path: Path, n: int) -> None:
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", planted(1, 16), n)})
    assert len(dataset.similar_pairs(0.0)) == 0
    assert len(dataset.similar_pairs(0.0, exact=False, right=[])) == 0


def test_frames_that_are_all_the_same_are_all_pairs(tmp_path: Path) -> None:
    dataset = dataset_of(
        tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", np.repeat(planted(1, 16), 40, axis=0), 40)}
    )
    assert len(dataset.similar_pairs(1.0)) == 40 * 39 // 2


def test_the_command_line_lists_the_pairs_most_alike_first(
    dataset: Dataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    where = ("--where", "source_id = 'aaaaaaaa'")
    done = run("search", "--pairs", "0.9", *where, "-k", "5", "--db", dataset.uri, "--format", "csv")
    assert done.code == 0, done.err
    lines = [line.split(",") for line in done.out.splitlines()]
    assert lines[0] == ["frame_id", "other_frame_id", "similarity"]
    cosines = [float(line[2]) for line in lines[1:]]
    assert len(cosines) == 5 and cosines == sorted(cosines, reverse=True)
    some = "SELECT frame_id FROM frames WHERE source_id = 'aaaaaaaa'"
    every = as_dict(dataset.similar_pairs(0.9, left=some, right=some))
    assert cosines[0] == pytest.approx(max(every.values()), abs=1e-6)
    assert f"{len(every)} pairs" in done.err
    both = run("search", "red hair", "--pairs", "0.9", "--db", dataset.uri)
    assert both.code == 2 and "--pairs" in both.err

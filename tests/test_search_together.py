"""One search looks in pictures, tags, descriptions and dialogue, and joins what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import labelled
import pyarrow as pa
import pytest
import sampleshow
from cli_run import Runner

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, UsageError

TAGS = (("night", "rooftop"), ("night",), ("smile",), (), ("rooftop",))
SAID = ("I promise.", "Promise me!", "Never.", "約束🎉", "promises, promises")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Five frames with tags, a line each, and a description of the fourth. None has a vector."""
    found = labelled.dataset(tmp_path, TAGS, ((labelled.LEFT,),) * 5)
    store, source = found.store, labelled.SOURCE
    lines = [
        {"line_id": f"{source}-{n}", "source_id": source, "number": n, "kind": "dialogue", "text": text}
        | {"raw": text, "start_s": float(n), "end_s": n + 0.9}
        for n, text in enumerate(SAID)
    ]
    store.upsert("lines", pa.Table.from_pylist(lines, store.schema("lines").schema))
    sentence = {
        "description_id": "d1",
        "frame_id": labelled.frame_of(3),
        "source_id": source,
        "model": "vlm@1",
    }
    rows = [sentence | {"text": "A girl on a rooftop under the night sky."}]
    store.upsert("descriptions", pa.Table.from_pylist(rows, store.schema("descriptions").schema))
    found.label("character", "set", "Emi", [labelled.face_of(0), labelled.face_of(3), labelled.face_of(4)])
    return found


def numbers(dataset: Dataset, *text: str, **asked: Any) -> list[int]:
    rows = dataset.search(*text, **asked).select("frame_id").fetchall()
    return [int(row[0][-9:]) // 1000 for row in rows]


def test_tags_and_descriptions_are_searched_together(dataset: Dataset) -> None:
    words = "rooftop at night"
    assert numbers(dataset, words) == [0, 3, 1, 4]
    found = dataset.search(words).select("found_by, similarity").fetchall()
    assert [row[0] for row in found] == [["tags"], ["description"], ["tags"], ["tags"]]
    assert {row[1] for row in found} == {None}
    dataset.label("description", "set", "Night. Rooftop, in the rain.", [labelled.frame_of(4)])
    assert numbers(dataset, words)[0] == 4  # now found by its tags and by what a person wrote
    dataset.label("description", "set", "Nobody.", [labelled.frame_of(3)])
    assert 3 not in numbers(dataset, words)


def test_what_is_said_characters_and_conditions_limit_the_frames(dataset: Dataset) -> None:
    words = "rooftop at night"
    assert numbers(dataset, words, said="promise") == [0, 1, 4]
    assert numbers(dataset, words, said="promise", character="Emi") == [0, 4]
    assert numbers(dataset, words, said="promise", character="Emi", where="time_s > 0") == [4]
    assert numbers(dataset, said="promise", character="Emi") == [4, 0]
    assert numbers(dataset, words, said="約束") == [3]
    assert numbers(dataset, words, where="time_s IN (2, 3)", k=1) == [3]
    in_sql = "SELECT DISTINCT frame_id FROM search_said('promise') WHERE time_s < 2 ORDER BY 1"
    assert dataset.sql(in_sql).fetchall() == [(labelled.frame_of(0),), (labelled.frame_of(1),)]


def test_a_search_that_cannot_be_answered_is_explained(dataset: Dataset) -> None:
    with pytest.raises(QueryError, match="Emmi"):
        dataset.search(said="promise", character="Emmi")
    with pytest.raises(QueryError, match="nosuch"):
        dataset.search(said="promise", where="nosuch = 1")
    with pytest.raises(UsageError):
        dataset.search(character="Emi")
    with pytest.raises(UsageError):
        dataset.search("x" * 1001)
    with pytest.raises(UsageError):
        dataset.search("night", k=0)
    with pytest.raises(QueryError, match="has no words"):
        dataset.session.arrow("SELECT * FROM search_said('')")


def test_the_command_searches_everything_in_one_line(
    dataset: Dataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    words = (
        "search",
        "rooftop at night",
        "--said",
        "promise",
        "--where",
        "episode < 5",
        "--character",
        "Emi",
    )
    done = run(*words, "--db", dataset.uri, "--format", "csv")
    assert done.code == 0
    assert [row.split(",")[0] for row in done.out.splitlines()[1:]] == [
        labelled.frame_of(0),
        labelled.frame_of(4),
    ]


def test_pictures_count_as_well() -> None:
    with animeds_db.open(sampleshow.database()) as dataset:
        rows = dataset.search("red hair", k=5).select("similarity, score, found_by").fetchall()
    assert ["picture", "tags"] in [row[2] for row in rows] and all(row[0] is not None for row in rows)
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)

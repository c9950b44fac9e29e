"""The statements of sql/steps for the service, search, sync and labels, over a few rows each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sqlrows import (
    SOURCE,
    Database,
    box,
    box_label,
    columns,
    frame,
    frame_id,
    identity,
    label,
    tagged,
    vocabulary,
)

FATE = box(0, 0, (0.1, 0.2, 0.3, 0.5))
ARF = box(0, 1, (0.6, 0.2, 0.8, 0.4))
STRANGER = box(1)
SHOW: dict[str, Any] = {"show": "Show", "show_name": "Show", "season": 1, "episode": 2}
DUPLICATES = [
    {
        "frame_id": frame_id(n),
        "group_id": frame_id(0),
        "keeper": n == 0,
        "similarity": 0.9,
        "reason": "embedding",
    }
    for n in range(2)
]


def database(**more: Any) -> Database:
    """Fate and Arf on the first frame, somebody unknown on the second; the second is a copy of the first."""
    tables: dict[str, Any] = {
        "sources": [{"source_id": SOURCE, "state": "done", "n_frames": 2, "models": ["tagger@1"], **SHOW}],
        "frames": [frame(0, **tagged((1, 90), (2, 20)), **SHOW), frame(1, **tagged((1, 90)), **SHOW)],
        "vocabulary": vocabulary("smile", "red_hair"),
        "detections": [FATE, ARF, STRANGER],
        "identities": [
            identity(FATE, "Fate", **SHOW),
            identity(ARF, "Arf", **SHOW),
            identity(STRANGER, "unknown"),
        ],
        "duplicates": DUPLICATES,
        "models": [{"model_id": "tagger@1", "task": "tagger"}],
    }
    for row in tables["sources"]:
        row.pop("show_name")
    return Database(**tables | more)


# -- the service


@pytest.mark.sql("steps/web/caption.sql")
def test_the_caption_of_one_frame() -> None:
    assert database().step("web/caption.sql", texts={"id": f"'{frame_id(0)}'"}) == [{"caption": "smile"}]


@pytest.mark.sql("steps/web/character_examples.sql")
def test_the_examples_of_a_character() -> None:
    examples = [
        {"example_id": "e1", "character": "Fate", "origin": "file", "webp": b"x"},
        {"example_id": "e2", "character": "Arf", "origin": "face"},
    ]
    (row,) = database(examples=examples).step("web/character_examples.sql", {"name": "Fate"})
    assert (row["example_id"], row["origin"], row["has_picture"]) == ("e1", "file", True)


@pytest.mark.sql("steps/web/character_faces.sql")
def test_the_faces_of_a_character_and_where_they_are() -> None:
    (row,) = database().step("web/character_faces.sql", {"name": "Fate"})
    assert (row["face_id"], row["kind"], row["time_s"], row["by"]) == (
        FATE["detection_id"],
        "face",
        0.0,
        "examples",
    )


@pytest.mark.sql("steps/web/characters.sql")
def test_characters_have_their_faces_frames_and_examples() -> None:
    examples = [{"example_id": "e1", "character": "Nanoha"}, {"example_id": "e2", "character": "ood"}]
    rows = database(examples=examples).step("web/characters.sql")
    assert [(r["name"], r["faces"], r["frames"], r["examples"], len(r["sample"])) for r in rows] == [
        ("Arf", 1, 1, 0, 1),
        ("Fate", 1, 1, 0, 1),
        ("Nanoha", 0, 0, 1, 0),
    ]


@pytest.mark.sql("steps/web/chosen.sql")
@pytest.mark.sql("steps/web/scored.sql")
def test_a_selection_gives_each_frame_once_with_its_place() -> None:
    start = "SELECT frame_id FROM (VALUES ('b'), ('a'), ('b')) AS t (frame_id)"
    rows = Database().step("web/chosen.sql", texts={"start": start})
    assert sorted((r["row_number"], r["frame_id"]) for r in rows) == [(1, "b"), (2, "a")]
    scored = "SELECT 'a' AS frame_id, 0.5::DOUBLE AS similarity"
    assert Database().step("web/scored.sql", texts={"start": scored}) == [
        {"frame_id": "a", "similarity": 0.5}
    ]


@pytest.mark.sql("steps/web/duplicates.sql")
@pytest.mark.sql("steps/web/duplicate_frames.sql")
def test_groups_of_near_duplicates_and_their_frames() -> None:
    found = database(labels=[label(1, "frame", "drop", frame_id=frame_id(1))])
    assert found.step("web/duplicates.sql", texts={"within": "true"}) == [
        {"group_id": frame_id(0), "total": 1}
    ]
    rows = found.step("web/duplicate_frames.sql", texts={"groups": f"'{frame_id(0)}'"})
    assert [(r["frame_id"], r["keeper"], r["dropped"]) for r in rows] == [
        (frame_id(0), True, False),
        (frame_id(1), False, True),
    ]


@pytest.mark.sql("steps/web/facet_appearance.sql")
def test_appearances_are_counted_with_their_character() -> None:
    found = database(
        identities=[
            identity(FATE, "Fate", appearance="school", **SHOW),
            identity(ARF, "Arf", **SHOW),
            identity(STRANGER, "Arf", appearance="school", **SHOW),
        ]
    )
    rows = found.step("web/facet_appearance.sql", texts={"within": "true"})
    assert rows == [{"value": "Arf/school", "count": 1}, {"value": "Fate/school", "count": 1}]
    assert found.step("web/facet_appearance.sql", texts={"within": "false"}) == []


@pytest.mark.sql("steps/web/facet_character.sql")
@pytest.mark.sql("steps/web/facet_column.sql")
@pytest.mark.sql("steps/web/facet_gate.sql")
@pytest.mark.sql("steps/web/facet_tag.sql")
def test_facets_count_the_frames_of_a_selection() -> None:
    found = database()

    def facet(name: str, **texts: str) -> list[tuple[Any, ...]]:
        return [
            tuple(row.values())
            for row in found.step(f"web/facet_{name}.sql", texts={"within": "true", **texts})
        ]

    assert facet("character") == [("Arf", 1), ("Fate", 1), ("unknown", 1)]
    assert facet("column", column="season", order="count DESC") == [("1", 2)]
    assert facet("gate") == [("unmeasured", 2)]
    assert facet("tag") == [("smile", 2)]
    assert facet("tag", within="false") == []


@pytest.mark.sql("steps/web/frame.sql")
def test_everything_about_one_frame_is_one_row() -> None:
    written = {
        "description_id": "d",
        "frame_id": frame_id(0),
        "source_id": SOURCE,
        "text": "A girl.",
        "model": "vlm@1",
    }
    found = database(labels=[label(1, "frame", "keep", frame_id=frame_id(0))], descriptions=[written])
    (row,) = found.step("web/frame.sql", texts={"id": f"'{frame_id(0)}'", "source": f"'{SOURCE}'"})
    assert row["frame"]["picture"] == frame_id(0)
    assert [(t["tag"], t["counts"]) for t in row["tags"]] == [("smile", True), ("red_hair", False)]
    assert [b["character"] for b in row["boxes"]] == ["Fate", "Arf"]
    assert row["gate"] == "unmeasured"
    assert [(one["field"], one["value"]) for one in row["labels"]] == [("frame", "keep")]
    assert [(one["detection_id"], one["text"]) for one in row["descriptions"]] == [(None, "A girl.")]
    assert row["neighbours"] == {"before": None, "after": frame_id(1), "shot": [frame_id(0), frame_id(1)]}
    assert row["source"]["source_id"] == SOURCE
    assert [m["model"] for m in row["models"]] == ["tagger@1"]


@pytest.mark.sql("steps/web/group_of_frame.sql")
def test_the_group_of_a_frame_begins_with_the_one_that_is_kept() -> None:
    rows = database().step("web/group_of_frame.sql", texts={"id": f"'{frame_id(1)}'"})
    assert [(row["group_id"], row["frame_id"], row["keeper"]) for row in rows] == [
        (frame_id(0), frame_id(0), True),
        (frame_id(0), frame_id(1), False),
    ]
    assert database().step("web/group_of_frame.sql", texts={"id": f"'{frame_id(7)}'"}) == []


@pytest.mark.sql("steps/web/frames.sql")
def test_what_a_grid_shows_of_frames() -> None:
    rows = database(labels=[label(1, "frame", "drop", frame_id=frame_id(1))]).step("web/frames.sql")
    assert sorted((r["frame_id"], r["dropped"], tuple(r["characters"])) for r in rows) == [
        (frame_id(0), False, ("Arf", "Fate")),
        (frame_id(1), True, ()),
    ]


@pytest.mark.sql("steps/web/conflicting_labels.sql")
def test_newer_labels_of_the_same_things_that_differ() -> None:
    labels = [label(n, "frame", value, frame_id=frame_id(0)) for n, value in ((1, "keep"), (2, "drop"))]
    asked: dict[str, Any] = {
        "seen": "act1",
        "field": "frame",
        "op": "set",
        "value": "keep",
        "ids": [frame_id(0)],
    }
    rows = database(labels=labels).step("web/conflicting_labels.sql", asked)
    assert [(r["id"], r["value"], r["act"]) for r in rows] == [(frame_id(0), "drop", "act2")]
    assert database(labels=labels).step("web/conflicting_labels.sql", asked | {"seen": "act2"}) == []
    crops = [box_label(1, "crop", "0,0,1,1", FATE), label(2, "crop", "0,0,1,0.5", frame_id=frame_id(0))]
    asked |= {"seen": None, "field": "crop", "value": "0,0,0.5,1"}
    rows = database(labels=crops).step("web/conflicting_labels.sql", asked)
    assert [r["act"] for r in rows] == ["act2"]  # the crop of a face says nothing about the frame


@pytest.mark.sql("steps/web/sources.sql")
@pytest.mark.sql("steps/web/status.sql")
def test_sources_and_the_state_of_the_database() -> None:
    sources = [
        {"source_id": "b", "state": "running", "episode": 1, "n_frames": 5},
        {"source_id": "a", "state": "done", "episode": 2, "n_frames": 2},
    ]
    found = database(sources=sources)
    assert found.step("web/sources.sql") == [
        {"source_id": "b", "frames": None},
        {"source_id": "a", "frames": 2},
    ]
    (row,) = found.step("web/status.sql")
    assert (row["sources"], row["running"], row["frames"], row["faces"], row["characters"]) == (1, 1, 2, 3, 2)
    assert (row["tags"], row["duplicates"], row["models"]) == (2, 1, ["tagger tagger@1"])


# -- search and sync


@pytest.mark.sql("steps/search/tagged.sql")
def test_frames_with_more_of_the_tags_come_first_and_then_those_with_higher_scores() -> None:
    database = Database(
        frames=[
            frame(0, **tagged((1, 90))),
            frame(1, **tagged((1, 50), (2, 60))),
            frame(2, **tagged((1, 90))),
            frame(3, **tagged((2, 95))),
            frame(4, **tagged((3, 99))),
            frame(5, **tagged((1, 99), (2, 99))),
        ],
        vocabulary=vocabulary("night", "rooftop", "smile"),
    )
    given = {"tags": ["night", "rooftop"], "most": 9}
    rows = database.step("search/tagged.sql", given, {"where": "time_s < 5"})
    assert [(row["frame_id"], row["place"]) for row in rows] == [
        (frame_id(1), 1),
        (frame_id(3), 2),
        (frame_id(0), 3),
        (frame_id(2), 3),
    ]


@pytest.mark.sql("steps/search/together.sql")
def test_a_frame_that_two_ways_of_searching_found_comes_first() -> None:
    database = Database(
        frames=[frame(n, embedding=[1.0, 0, 0, 0] if n else None) for n in range(4)],
        vocabulary=vocabulary("night"),
    )
    ranked = columns(
        way=["picture", "picture", "tags", "tags"],
        frame_id=[frame_id(n) for n in (1, 2, 3, 2)],
        place=[1, 2, 1, 2],
    )
    given = {"vector": [0.6, 0.8, 0, 0], "k": 2}
    rows = database.step("search/together.sql", given, {"width": 4}, ranked=ranked)
    assert [(row["frame_id"], row["found_by"]) for row in rows] == [
        (frame_id(2), ["picture", "tags"]),
        (frame_id(1), ["picture"]),
    ]
    assert [row["score"] for row in rows] == pytest.approx([2 / 62, 1 / 61])
    assert rows[0]["similarity"] == pytest.approx(0.6)
    rows = database.step("search/together.sql", {"vector": None, "k": 9}, {"width": 1}, ranked=ranked)
    assert [row["similarity"] for row in rows] == [None] * 3


@pytest.mark.sql("steps/search/frames.sql")
def test_the_frames_most_like_a_vector() -> None:
    vectors = ([1.0, 0, 0, 0], [0, 1.0, 0, 0])
    found = Database(
        frames=[frame(n, embedding=v, embedder="e@1", **tagged((1, 90))) for n, v in enumerate(vectors)],
        vocabulary=vocabulary("smile"),
    )
    params = {"vector": [0.0, 1.0, 0.0, 0.0], "k": 1}
    (row,) = found.step("search/frames.sql", params, {"width": 4, "where": "embedding IS NOT NULL"})
    assert (row["frame_id"], row["similarity"], row["tags"]) == (frame_id(1), 1.0, ["smile"])


@pytest.mark.sql("steps/search/pair_frames.sql")
@pytest.mark.sql("steps/search/pair_faces.sql")
def test_the_vectors_that_are_compared() -> None:
    vector = [1.0, 0.0, 0.0, 0.0]
    found = Database(
        frames=[frame(n, embedding=vector, embedder="e@1") for n in range(2)],
        detections=[box(n, vector=vector, vector_model="v@1") for n in range(2)],
    )
    wanted = columns(id=[frame_id(1)])
    assert [r["id"] for r in found.step("search/pair_frames.sql", {"every": False}, wanted=wanted)] == [
        frame_id(1)
    ]
    assert len(found.step("search/pair_frames.sql", {"every": True}, wanted=wanted)) == 2
    faces = columns(id=[box(0)["detection_id"]])
    (row,) = found.step("search/pair_faces.sql", {"every": False}, wanted=faces)
    assert (row["id"], row["vector"], row["model"]) == (box(0)["detection_id"], vector, "v@1")


@pytest.mark.sql("steps/sync/boxes.sql")
def test_the_boxes_of_a_crop_are_those_in_it() -> None:
    pictures = columns(
        picture=[1, 2], frame_id=[frame_id(0), frame_id(1)], crop=pa.array([[0.0, 0.0, 0.5, 1.0], None])
    )
    rows = database().step("sync/boxes.sql", pictures=pictures)
    assert [(r["picture"], r["detection_id"], r["character"]) for r in rows] == [
        (1, FATE["detection_id"], "Fate"),
        (2, STRANGER["detection_id"], None),
    ]


@pytest.mark.sql("steps/sync/tags.sql")
def test_the_stored_tags_of_frames_and_which_people_added() -> None:
    found = database(labels=[label(1, "tag", "red_hair", "add", frame_id=frame_id(0))])
    rows = found.step("sync/tags.sql", pictures=columns(frame_id=[frame_id(0)]))
    assert [(r["tag"], r["by_people"]) for r in rows] == [("red_hair", True), ("smile", False)]


# -- labels


@pytest.mark.sql("steps/labels/tag_counts.sql")
def test_the_tags_of_chosen_frames_are_counted() -> None:
    chosen = columns(frame_id=[frame_id(0), frame_id(1), frame_id(7)])
    assert database().step("labels/tag_counts.sql", chosen=chosen) == [
        {"tag": "smile", "category": "general", "n_frames": 2}
    ]


@pytest.mark.sql("steps/labels/tag_edits.sql")
def test_tags_are_added_removed_and_replaced_where_they_are() -> None:
    names = vocabulary("smile", "hat", "cap")
    found = Database(
        frames=[frame(0, **tagged((1, 90), (2, 90))), frame(1, **tagged((1, 90), (3, 90))), frame(2)],
        vocabulary=names,
    )
    edits = pa.table(
        {
            "op": ["add", "remove", "replace", "replace"],
            "tag": ["solo", "smile", "hat", "cap"],
            "instead": [None, None, "cap", "hat"],
        }
    )
    chosen = columns(frame_id=[frame_id(0), frame_id(1)])
    rows = found.step("labels/tag_edits.sql", chosen=chosen, edits=edits)
    assert [(r["frame_id"], r["op"], r["tag"]) for r in rows] == [
        (frame_id(0), "add", "cap"),
        (frame_id(0), "add", "solo"),
        (frame_id(0), "remove", "hat"),
        (frame_id(0), "remove", "smile"),
        (frame_id(1), "add", "hat"),
        (frame_id(1), "add", "solo"),
        (frame_id(1), "remove", "cap"),
        (frame_id(1), "remove", "smile"),
    ]

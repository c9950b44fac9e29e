"""The statements of sql/steps/classify, over a few rows each."""

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
    identity,
    label,
    tagged,
    vocabulary,
)

VECTOR = [1.0, 0.0, 0.0, 0.0]
FACES = [box(n, vector=VECTOR, vector_model="v@1") for n in range(3)]


def scores(*rows: dict[str, Any]) -> pa.Table:
    """What scores.sql gives."""
    texts = (
        "detection_id",
        "frame_id",
        "source_id",
        "character",
        "appearance",
        "second",
        "example_id",
        "named",
    )
    wanted = pa.schema(
        [
            *((name, pa.string()) for name in texts),
            *((name, pa.float32()) for name in ("score", "margin", "sure")),
        ]
    )
    return pa.Table.from_pylist([dict(row) for row in rows], wanted)


def score(of: dict[str, Any], character: str, sure: float = 0.9, **more: Any) -> dict[str, Any]:
    found = {name: of[name] for name in ("detection_id", "frame_id", "source_id")}
    found |= {"character": character, "named": character, "score": sure, "sure": sure, "margin": 0.5}
    return found | {"example_id": "e1"} | more


@pytest.mark.sql("steps/classify/examples.sql")
def test_faces_are_compared_with_examples_and_with_faces_that_people_named() -> None:
    examples = [
        {"example_id": "e1", "character": "Feito", "vector": VECTOR, "vector_model": "v@1"},
        {"example_id": "e2", "character": "Arf", "vector": VECTOR, "vector_model": "old@1"},
        {
            "example_id": "e3",
            "character": "Arf",
            "vector": VECTOR,
            "vector_model": "v@1",
            "face_id": FACES[0]["detection_id"],
        },
    ]
    labels = [box_label(1, "character", "Nanoha", FACES[0]), label(2, "name", "Fate", subject="Feito")]
    found = Database(frames=[frame(0, shot=4)], detections=FACES, examples=examples, labels=labels)
    rows = found.step("classify/examples.sql", {"model": "v@1"})
    assert [(r["example_id"], r["character"], r["shot"]) for r in rows] == [
        ("e1", "Fate", None),
        (f"label {FACES[0]['detection_id']}", "Nanoha", f"{SOURCE}/4"),
    ]


@pytest.mark.sql("steps/classify/scores.sql")
def test_a_name_with_a_low_score_or_margin_is_unknown_unless_a_person_gave_it() -> None:
    votes = columns(
        face=[0, 1, 2],
        character=["Fate", "Arf", "Arf"],
        appearance=pa.array([None] * 3, pa.string()),
        example_id=["e0", "e1", "e2"],
        similarity=[0.95, 0.95, 0.1],
        share=[1.0, 1.0, 1.0],
        second=["Arf", "Fate", "Fate"],
        margin=[0.5, 0.01, 0.5],
    )
    params = {"slope": 4.0, "middle": 1.0, "threshold": 0.5, "margin": 0.1}
    places = columns(face=[0, 1, 2], detection_id=[face["detection_id"] for face in FACES])
    found = Database(detections=FACES, labels=[box_label(1, "character", "Nanoha", FACES[2])])
    rows = found.step("classify/scores.sql", params, votes=votes, places=places)
    assert [(r["character"], r["second"], r["named"]) for r in rows] == [
        ("Fate", "Arf", "Fate"),
        ("unknown", "Arf", "unknown"),
        ("unknown", "Arf", "Nanoha"),
    ]
    assert rows[0]["sure"] == pytest.approx(rows[0]["score"])
    assert rows[2]["sure"] == 1


@pytest.mark.sql("steps/classify/scores.sql")
def test_a_box_of_which_the_detector_is_not_sure_needs_a_better_vote() -> None:
    boxes = [box(0), box(1, score=0.3), box(2, score=0.3, model="other@1"), box(3, score=None)]
    votes = columns(
        face=[0, 1, 2, 3],
        character=["Fate"] * 4,
        appearance=pa.array([None] * 4, pa.string()),
        example_id=["e0"] * 4,
        similarity=[0.9] * 4,
        share=[1.0] * 4,
        second=["Arf"] * 4,
        margin=[0.5] * 4,
    )
    params = {"slope": 2.0, "middle": 1.5, "threshold": 0.5, "margin": 0.0}
    places = columns(face=[0, 1, 2, 3], detection_id=[face["detection_id"] for face in boxes])
    detector = {"model_id": "detector@1", "task": "detector", "thresholds": '{"conf": 0.25, "sure": 0.5}'}
    found = Database(detections=boxes, models=[detector])
    rows = found.step("classify/scores.sql", params, votes=votes, places=places)
    plain = rows[0]["score"]
    assert [r["score"] for r in rows] == pytest.approx([plain, 0.6 * plain, plain, plain])
    assert [r["character"] for r in rows] == ["Fate", "unknown", "Fate", "Fate"]


@pytest.mark.sql("steps/classify/shots.sql")
def test_an_unknown_face_between_two_of_one_character_is_that_character() -> None:
    found = Database(frames=[frame(n) for n in range(3)], detections=FACES)
    given = scores(score(FACES[0], "Fate"), score(FACES[1], "unknown", 0.1), score(FACES[2], "Fate", 0.8))
    (row,) = found.step("classify/shots.sql", scores=given)
    assert (row["detection_id"], row["character"], row["by"]) == (FACES[1]["detection_id"], "Fate", "shot")
    assert row["score"] == pytest.approx(0.72)
    other = scores(score(FACES[0], "Fate"), score(FACES[1], "unknown", 0.1), score(FACES[2], "Arf"))
    assert found.step("classify/shots.sql", scores=other) == []


@pytest.mark.sql("steps/classify/tags.sql")
@pytest.mark.sql("steps/classify/tag_examples.sql")
def test_the_only_face_of_a_frame_with_the_tag_of_a_character() -> None:
    words = vocabulary("fate_(nanoha)", category="character")
    found = Database(
        frames=[
            frame(0, **tagged((1, 90))),
            frame(1, **tagged((1, 40))),
            frame(2, **tagged((1, 95)), shot=2),
        ],
        vocabulary=words,
        detections=FACES,
    )
    given = scores(*(score(face, "unknown", 0.1) for face in FACES))
    rows = found.step(
        "classify/tags.sql", {"tag_score": 0.8}, scores=given, cast_names=columns(character=["Fate"])
    )
    assert [(r["detection_id"], r["character"], r["by"]) for r in rows] == [
        (FACES[0]["detection_id"], "Fate", "tag"),
        (FACES[2]["detection_id"], "Fate", "tag"),
    ]
    rows = found.step("classify/tag_examples.sql", {"tag": "fate_(nanoha)", "min_score": 0.3, "limit": 2})
    assert [r["detection_id"] for r in rows] == [FACES[2]["detection_id"], FACES[0]["detection_id"]]


@pytest.mark.sql("steps/classify/behind.sql")
def test_a_head_where_a_known_face_was_seen_is_that_character() -> None:
    face = box(0, 0, (0.42, 0.2, 0.58, 0.4))
    head = box(1, 0, (0.4, 0.15, 0.6, 0.42), "head")
    body = box(1, 0, (0.35, 0.15, 0.65, 0.95), "person")
    found = Database(frames=[frame(0), frame(1)], detections=[face, head, body])
    (row,) = found.step("classify/behind.sql", scores=scores(score(face, "Fate")))
    assert (row["detection_id"], row["character"], row["by"]) == (head["detection_id"], "Fate", "body")
    assert row["score"] == pytest.approx(0.63)
    assert found.step("classify/behind.sql", scores=scores(score(face, "Fate", 0.7))) == []
    assert found.step("classify/behind.sql", scores=scores(score(face, "unknown"))) == []


@pytest.mark.sql("steps/classify/rows.sql")
def test_the_rows_of_identities_are_scores_what_lifts_them_and_people_from_behind() -> None:
    lifted = columns(
        detection_id=[FACES[1]["detection_id"]],
        character=["Fate"],
        appearance=pa.array([None], pa.string()),
        score=[0.7],
        example_id=["e9"],
        by=["shot"],
    )
    behind = columns(
        detection_id=["h"], frame_id=["f"], source_id=[SOURCE], character=["Arf"], appearance=["x"], score=[0.5],
        example_id=["e8"], by=["body"],
    )  # fmt: skip
    given = scores(score(FACES[0], "Arf", second="Fate"), score(FACES[1], "unknown", 0.1, second="Fate"))
    rows = Database().step(
        "classify/rows.sql", {"parameters": "{}"}, scores=given, lifted=lifted, behind=behind
    )
    assert [(r["character"], r["second"], r["example_id"], r["by"]) for r in rows] == [
        ("Arf", "Fate", "e1", "examples"),
        ("Fate", None, "e9", "shot"),
        ("Arf", None, "e8", "body"),
    ]


@pytest.mark.sql("steps/classify/list_examples.sql")
def test_characters_have_their_examples_by_origin_and_faces_that_have_the_name() -> None:
    examples = [
        {"example_id": "e1", "character": "Fate", "origin": "file"},
        {"example_id": "e2", "character": "ood", "origin": "cluster"},
    ]
    found = Database(
        examples=examples, detections=FACES, labels=[box_label(1, "character", "Fate", FACES[0])]
    )
    rows = found.step("classify/list_examples.sql")
    assert [
        (r["character"], r["examples"], r["from_files"], r["from_labels"], r["named_now"]) for r in rows
    ] == [
        ("Fate", 2, 1, 1, 1),
        ("ood", 1, 0, 0, None),
    ]


@pytest.mark.sql("steps/classify/review_faces.sql")
def test_a_review_asks_about_the_faces_worth_most_and_about_random_ones() -> None:
    found = Database(
        frames=[frame(n, shot=n, brightness=0.5) for n in range(3)],
        detections=FACES,
        identities=[identity(face, "Fate", at) for face, at in zip(FACES, (0.5, 0.9, 1.0), strict=True)],
    )
    rows = found.step("classify/review_faces.sql", {"n": 2, "n_random": 1, "seed": 0})
    assert [(r["drawn"], r["total"]) for r in rows] == [("worth", 3), ("worth", 3), ("lot", 3)]
    assert [r["face_id"] for r in rows][:2] == [FACES[0]["detection_id"], FACES[1]["detection_id"]]

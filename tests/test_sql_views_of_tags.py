"""The public views of sql/views about what frames and boxes show: tags, vectors, classes, captions."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlrows import (
    SOURCE,
    Database,
    box,
    box_tagging,
    frame,
    frame_id,
    identity,
    label,
    tagged,
    vocabulary,
)

FACE = box(0)
TAGGED = [frame(0, **tagged((1, 90), (2, 20))), frame(1, **tagged((2, 80)))]
VOCABULARY = vocabulary("smile", "red_hair", "hat")


@pytest.mark.sql("views/frames.sql")
def test_frames_have_the_tags_that_count_as_words_and_numbers_and_every_stored_score() -> None:
    database = Database(frames=TAGGED, vocabulary=VOCABULARY)
    sql = "SELECT tags, tag_ids, tag_scores, all_scores, time_s FROM frames ORDER BY frame_id"
    assert database.sql(sql) == [
        (["smile"], [1], [900], {"tag_ids": [1, 2], "scores": [900, 200]}, 0.0),
        (["red_hair"], [2], [800], {"tag_ids": [2], "scores": [800]}, 1.0),
    ]


@pytest.mark.sql("views/tags.sql")
@pytest.mark.sql("views/scored_tags.sql")
def test_tags_have_one_row_each_with_score_and_model() -> None:
    database = Database(
        frames=TAGGED, vocabulary=VOCABULARY, labels=[label(1, "tag", "hat", "add", frame_id=frame_id(0))]
    )
    assert database.sql("SELECT frame_id, tag, score, model FROM tags ORDER BY ALL") == [
        (frame_id(0), "hat", 1.0, "label"),
        (frame_id(0), "smile", 0.9, "tagger@1"),
        (frame_id(1), "red_hair", 0.8, "tagger@1"),
    ]
    assert database.sql("SELECT tag, score, counts FROM scored_tags WHERE NOT counts") == [
        ("red_hair", 0.2, False)
    ]


AGAIN: dict[str, Any] = {
    "frame_id": frame_id(0),
    "source_id": SOURCE,
    "model": "new@1",
    "tags": [3, 1],
    "tag_scores": [600, 200],
    "sure_tags": [3],
    "sure_scores": [600],
}


@pytest.mark.sql("views/taggings.sql")
@pytest.mark.sql("views/all_tags.sql")
def test_every_tagger_has_its_own_tags_of_a_frame() -> None:
    database = Database(frames=TAGGED[:1], taggings=[AGAIN], vocabulary=VOCABULARY)
    assert database.sql("SELECT model, tag_ids, all_scores.scores FROM taggings ORDER BY model") == [
        ("new@1", [3], [600, 200]),
        ("tagger@1", [1], [900, 200]),
    ]
    assert database.sql("SELECT model, tag, score FROM all_tags ORDER BY ALL") == [
        ("new@1", "hat", 0.6),
        ("new@1", "smile", 0.2),
        ("tagger@1", "red_hair", 0.2),
        ("tagger@1", "smile", 0.9),
    ]


@pytest.mark.sql("views/embeddings.sql")
def test_every_embedder_has_its_own_vector_of_a_frame() -> None:
    database = Database(
        frames=[frame(0, embedding=[1.0, 0, 0, 0], embedder="e@1"), frame(1)],
        embeddings=[{"frame_id": frame_id(0), "source_id": SOURCE, "model": "wide@1", "vector": [0.0, 1.0]}],
    )
    assert database.sql("SELECT frame_id, model, vector FROM embeddings ORDER BY model") == [
        (frame_id(0), "e@1", [1.0, 0.0, 0.0, 0.0]),
        (frame_id(0), "wide@1", [0.0, 1.0]),
    ]


@pytest.mark.sql("views/core_tags.sql")
def test_core_tags_are_hair_eyes_and_traits_of_frames_on_which_the_character_is_alone() -> None:
    words = vocabulary("red_hair", "smile", "horns")
    faces = [box(n) for n in range(3)]
    database = Database(
        frames=[
            frame(0, **tagged((1, 90), (2, 90), (3, 90))),
            *(frame(n, **tagged((1, 90), (2, 90))) for n in (1, 2)),
        ],
        vocabulary=words,
        detections=faces,
        identities=[identity(face, "Fate") for face in faces],
    )
    sql = "SELECT character, tag, share, n_frames FROM core_tags"
    assert database.sql(sql) == [("Fate", "red_hair", 1.0, 3)]  # horns are on a third of the frames only


@pytest.mark.sql("views/default_style.sql")
def test_the_default_style_is_one_row_without_an_activation_tag() -> None:
    sql = "SELECT form, parts, activation_tag, typeof(core_tags), thresholds['general'], variants FROM default_style"
    assert Database().sql(sql) == [("list", ["activation", "tags"], "", "MAP(VARCHAR, VARCHAR[])", None, 1)]


@pytest.mark.sql("views/captions.sql")
def test_every_frame_has_a_caption_of_the_default_style() -> None:
    database = Database(frames=[frame(0, **tagged((2, 90), (1, 80))), frame(1)], vocabulary=VOCABULARY)
    assert database.sql("SELECT frame_id, caption FROM captions ORDER BY ALL") == [
        (frame_id(0), "red hair, smile"),
        (frame_id(1), ""),
    ]


@pytest.mark.sql("views/box_tags.sql")
def test_boxes_have_the_tags_of_each_tagger_as_words_and_numbers() -> None:
    row = box_tagging(FACE, (1, 90), (2, 20))
    database = Database(box_tags=[row], vocabulary=VOCABULARY)
    assert database.sql(
        "SELECT detection_id, kind, model, tags, tag_ids, tag_scores, all_scores FROM box_tags"
    ) == [
        (
            *(FACE["detection_id"], "face", "tagger@1", ["smile"], [1], [900]),
            {"tag_ids": [1, 2], "scores": [900, 200]},
        )
    ]


def classified(number: int, about: str, label: str, model: str = "c@1", **columns: Any) -> dict[str, Any]:
    """One answer of a classifier."""
    return {
        "classification_id": f"{frame_id(number)}@{model}/{about}",
        "frame_id": frame_id(number),
        "source_id": SOURCE,
        "model": model,
        "about": about,
        "label": label,
        "score": 0.75,
        "labels": [label, "other"],
        "scores": [0.75, 0.25],
    } | columns


@pytest.mark.sql("views/classifications.sql")
@pytest.mark.sql("views/frame_classes.sql")
@pytest.mark.sql("layers/used_classifications.sql")
def test_answers_of_classifiers_are_rows_and_columns_and_the_newest_model_decides() -> None:
    old, new = datetime.datetime(2026, 1, 1), datetime.datetime(2026, 2, 1)
    rows = [
        classified(0, "style", "comic"),
        classified(0, "style", "bangumi", "d@1"),
        classified(0, "aesthetic", "best", "a@1", value=4.5, percentile=0.875),
        classified(1, "style", "comic"),
    ]
    models: list[dict[str, Any]] = [
        {"model_id": "c@1", "added_at": old},
        *({"model_id": m, "added_at": new} for m in ("d@1", "a@1")),
    ]
    database = Database(classifications=rows, models=models)
    assert database.sql(
        "SELECT frame_id, style, aesthetic, aesthetic_label, aesthetic_percentile, rating, classes FROM frame_classes "
        "ORDER BY frame_id"
    ) == [
        (frame_id(0), "bangumi", 4.5, "best", 0.875, None, ["aesthetic:best", "style:bangumi"]),
        (frame_id(1), "comic", None, None, None, None, ["style:comic"]),
    ]
    assert database.sql(
        "SELECT model, label, all_scores['other'] FROM classifications WHERE about = 'style'"
    ) == [
        ("c@1", "comic", 0.25),
        ("d@1", "bangumi", 0.25),
        ("c@1", "comic", 0.25),
    ]
    assert Database(models=models).sql("FROM frame_classes") == []

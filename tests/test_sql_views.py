"""The public views of sql/views, over a few rows each."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlrows import (
    SOURCE,
    Database,
    box,
    box_label,
    box_tagging,
    frame,
    frame_id,
    identity,
    label,
    tagged,
    vocabulary,
)

FACE = box(0)
OTHER = box(0, 1, (0.7, 0.2, 0.9, 0.4))
HEAD = box(0, 0, (0.35, 0.1, 0.65, 0.45), "head")
BODY = box(0, 0, (0.3, 0.1, 0.7, 0.7), "halfbody")
PERSON = box(0, 0, (0.3, 0.1, 0.7, 1.0), "person")
BOXES = [FACE, OTHER, HEAD, BODY, PERSON]
NAMES = [identity(FACE, "Fate"), identity(OTHER, "unknown", 0.25)]
TAGGED = [frame(0, **tagged((1, 90), (2, 20))), frame(1, **tagged((2, 80)))]
VOCABULARY = vocabulary("smile", "red_hair", "hat")


@pytest.mark.sql("views/sources.sql")
def test_sources_have_their_show_under_two_names() -> None:
    database = Database(sources=[{"source_id": SOURCE, "show": "Show", "state": "done"}])
    assert database.sql('SELECT source_id, "show", show_name FROM sources') == [(SOURCE, "Show", "Show")]


@pytest.mark.sql("views/vocabulary.sql")
@pytest.mark.sql("views/models.sql")
@pytest.mark.sql("views/thumbnails.sql")
@pytest.mark.sql("views/duplicates.sql")
@pytest.mark.sql("views/detections.sql")
def test_tables_that_are_shown_as_they_are() -> None:
    database = Database(
        vocabulary=VOCABULARY[:1],
        models=[{"model_id": "m@1", "task": "tagger"}],
        thumbnails=[{"frame_id": frame_id(0), "webp": b"x"}],
        duplicates=[{"frame_id": frame_id(0), "group_id": frame_id(0), "keeper": True}],
        detections=[FACE],
    )
    assert database.sql("SELECT tag_id, typeof(tag_id), tag FROM vocabulary") == [(1, "INTEGER", "smile")]
    assert database.sql("SELECT model_id, task FROM models") == [("m@1", "tagger")]
    assert database.sql("SELECT frame_id, webp FROM thumbnails") == [(frame_id(0), b"x")]
    assert database.sql("SELECT group_id, keeper FROM duplicates") == [(frame_id(0), True)]
    assert database.sql("SELECT detection_id, kind FROM detections") == [(FACE["detection_id"], "face")]


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


@pytest.mark.sql("views/faces.sql")
@pytest.mark.sql("views/heads.sql")
@pytest.mark.sql("views/halfbodies.sql")
@pytest.mark.sql("views/persons.sql")
def test_boxes_of_each_kind_have_a_view() -> None:
    database = Database(detections=BOXES, identities=NAMES)
    assert database.sql("SELECT face_id, character, round(fh_ratio, 2) FROM faces ORDER BY face_id") == [
        (FACE["detection_id"], "Fate", pytest.approx(0.2)),
        (OTHER["detection_id"], "unknown", pytest.approx(0.2)),
    ]
    assert database.sql("SELECT head_id, character FROM heads") == [(HEAD["detection_id"], None)]
    assert database.sql("SELECT halfbody_id, character FROM halfbodies") == [(BODY["detection_id"], None)]
    assert database.sql("SELECT person_id, character FROM persons") == [(PERSON["detection_id"], None)]


@pytest.mark.sql("views/identities.sql")
def test_identities_have_the_names_of_now() -> None:
    database = Database(
        identities=[identity(FACE, "Feito", second="Arufu"), identity(OTHER, "unknown")],
        labels=[label(1, "name", "Fate", subject="Feito"), label(2, "name", "Arf", subject="Arufu")],
    )
    assert database.sql("SELECT detection_id, character, second FROM identities ORDER BY detection_id") == [
        (FACE["detection_id"], "Fate", "Arf"),
        (OTHER["detection_id"], "unknown", None),
    ]


@pytest.mark.sql("views/named.sql")
@pytest.mark.sql("views/characters.sql")
def test_a_label_outranks_the_classifier_and_unknown_is_no_character() -> None:
    third = box(1)
    database = Database(
        detections=[*BOXES, third],
        identities=[*NAMES, identity(third, "Arf", 0.75)],
        labels=[box_label(1, "character", "Nanoha", third)],
    )
    assert database.sql(
        "SELECT detection_id, character, character_score, named_by FROM named ORDER BY ALL"
    ) == [
        (FACE["detection_id"], "Fate", pytest.approx(0.9), "examples"),
        (OTHER["detection_id"], "unknown", 0.25, "examples"),
        (third["detection_id"], "Nanoha", 1.0, "label"),
    ]
    assert database.sql('SELECT face_id, character, kind, "by" FROM characters ORDER BY ALL') == [
        (FACE["detection_id"], "Fate", "face", "examples"),
        (third["detection_id"], "Nanoha", "face", "label"),
    ]


@pytest.mark.sql("views/named.sql")
def test_a_box_of_a_detector_that_was_run_again_has_no_name() -> None:
    database = Database(
        detections=BOXES,
        identities=NAMES,
        detected=[{"frame_id": frame_id(0), "model": "new@1", "kinds": ["face"]}],
        models=[{"model_id": "new@1"}],
    )
    assert database.sql("SELECT detection_id FROM named") == []


@pytest.mark.sql("views/frame_characters.sql")
def test_who_is_on_each_frame() -> None:
    database = Database(frames=[frame(0), frame(1)], detections=BOXES, identities=NAMES)
    columns = "characters, character_string, character, n_characters, n_faces, n_unknown, n_boxes"
    assert database.sql(f"SELECT {columns} FROM frame_characters ORDER BY frame_id") == [
        (["Fate"], "Fate", "Fate", 1, 2, 1, 2),
        ([], None, None, 0, 0, 0, 0),
    ]


@pytest.mark.sql("views/labels.sql")
def test_labels_are_the_newest_about_each_thing() -> None:
    database = Database(
        frames=[frame(0)],
        detections=BOXES,
        vocabulary=VOCABULARY,
        labels=[
            box_label(1, "character", "Arf", FACE),
            box_label(2, "character", "Fate", FACE),
            label(3, "tag", "hat", "add", frame_id=frame_id(0)),
            label(4, "frame", "keep", frame_id=frame_id(7)),
            label(5, "name", "B", subject="A"),
        ],
    )
    sql = "SELECT label_id, field, value, detection_id, in_database FROM labels ORDER BY label_id"
    assert database.sql(sql) == [
        ("0002", "character", "Fate", FACE["detection_id"], True),
        ("0003", "tag", "hat", None, True),
        ("0004", "frame", "keep", None, False),
        ("0005", "name", "B", None, True),
    ]


@pytest.mark.sql("views/label_history.sql")
def test_each_act_says_what_it_was_and_whether_it_counts() -> None:
    at = datetime.datetime(2030, 1, 1)
    labels = [
        label(1, "tag", "hat", "add", frame_id=frame_id(0), at=at),
        label(2, "tag", "hat", "remove", frame_id=frame_id(7)) | {"act": "act1"},
        label(3, "frame", "drop", frame_id=frame_id(0)),
        label(4, "act", "act3", "undo"),
    ]
    database = Database(frames=[frame(0)], labels=labels)
    assert database.sql("SELECT act, said_at, what, n, counts, n_gone FROM label_history ORDER BY act") == [
        ("act1", at, "+hat, -hat", 2, True, 1),
        ("act3", None, "drop", 1, False, 0),
        ("act4", None, "undo act3", 1, True, 0),
    ]


DUPLICATES = [
    {"frame_id": frame_id(n), "group_id": frame_id(0), "keeper": n == 0, "reason": "embedding"}
    for n in range(3)
]


@pytest.mark.sql("views/left_out.sql")
@pytest.mark.sql("views/kept.sql")
def test_copies_and_dropped_frames_are_left_out_unless_a_person_keeps_them() -> None:
    database = Database(
        frames=[frame(n) for n in range(5)],
        duplicates=DUPLICATES,
        labels=[
            label(1, "frame", "keep", frame_id=frame_id(2)),
            label(2, "frame", "drop", frame_id=frame_id(3)),
        ],
    )
    assert database.sql("SELECT frame_id, why FROM left_out ORDER BY ALL") == [
        (frame_id(1), "copy"),
        (frame_id(3), "dropped"),
    ]
    kept = {
        "kept": [0, 2, 4],
        "kept_frames(copies := true)": [0, 1, 2, 4],
        "kept_frames(dropped := true)": [0, 2, 3, 4],
    }
    for relation, numbers in kept.items():
        assert database.sql(f"SELECT frame_id FROM {relation} ORDER BY ALL") == [
            (frame_id(n),) for n in numbers
        ]


MEASURED: dict[str, Any] = {
    "sharpness": 100.0,
    "brightness": 0.5,
    "is_blank": False,
    **dict.fromkeys(
        ("text_upper", "text_lower", "border_left", "border_top", "border_right", "border_bottom"), 0.0
    ),
}


@pytest.mark.sql("views/good.sql")
def test_good_frames_pass_every_gate_or_were_kept_by_a_person() -> None:
    database = Database(
        frames=[
            frame(0, **MEASURED),
            frame(1, **MEASURED | {"brightness": 0.01}),
            frame(2, **MEASURED | {"sharpness": 1.0}),
        ],
        labels=[label(1, "frame", "keep", frame_id=frame_id(2))],
    )
    assert database.sql("SELECT frame_id FROM good ORDER BY ALL") == [(frame_id(0),), (frame_id(2),)]
    again = Database(
        frames=[frame(n, **MEASURED) for n in range(3)],
        labels=[label(1, "frame", "drop", frame_id=frame_id(2))],
        duplicates=[{"frame_id": frame_id(n), "group_id": frame_id(0), "keeper": n == 0} for n in range(2)],
    )
    for arguments, wanted in (("", [0]), ("copies := true", [0, 1]), ("dropped := true", [0, 2])):
        found = again.sql(f"SELECT frame_id FROM good_frames({arguments}) ORDER BY ALL")
        assert found == [(frame_id(n),) for n in wanted]


@pytest.mark.sql("views/shots.sql")
def test_the_sharpest_frame_that_is_not_blank_stands_for_a_shot() -> None:
    database = Database(
        frames=[
            frame(0, sharpness=10.0, is_blank=False),
            frame(1, sharpness=20.0, is_blank=False),
            frame(2, sharpness=90.0, is_blank=True),
            frame(3, shot=1, is_blank=True),
        ]
    )
    assert database.sql("SELECT shot, first_s, last_s, n_frames, frame_id FROM shots ORDER BY shot") == [
        (0, 0.0, 2.0, 3, frame_id(1)),
        (1, 3.0, 3.0, 1, frame_id(3)),
    ]


@pytest.mark.sql("views/shots.sql")
def test_measured_shots_are_listed_with_and_without_ingested_frames() -> None:
    measured = {"source_id": SOURCE, "drawn_frames": 12, "motion": "moving", "is_blank": False}
    database = Database(
        frames=[frame(n, shot=1, sharpness=float(n), text_lower=n / 10) for n in (2, 3)],
        shots=[
            {**measured, "shot_id": "a", "shot": 0, "first_s": 0.0, "last_s": 1.75, "frames": 8},
            {**measured, "shot_id": "b", "shot": 1, "first_s": 2.0, "last_s": 3.75, "frames": 8},
        ],
        segments=[{"segment_id": "s", "source_id": SOURCE, "kind": "opening", "start_s": 1.5, "end_s": 9.0}],
    )
    assert database.sql(
        "SELECT shot_id, first_s, seconds, drawn_fps, n_frames, frame_id, round(text_lower, 2), segment "
        "FROM shots ORDER BY shot"
    ) == [
        ("a", 0.0, 2.0, 6.0, 0, None, None, None),
        ("b", 2.0, 2.0, 6.0, 2, frame_id(3), pytest.approx(0.3), "opening"),
    ]


@pytest.mark.sql("views/segments.sql")
def test_segments_have_their_source_first() -> None:
    database = Database(
        segments=[{"segment_id": "s", "source_id": SOURCE, "kind": "opening", "show": "Show"}]
    )
    (row,) = database.rows("SELECT * FROM segments")
    assert list(row)[:5] == ["segment_id", "source_id", "show", "season", "episode"]
    assert (row["segment_id"], row["show"], row["kind"]) == ("s", "Show", "opening")


@pytest.mark.sql("views/examples.sql")
def test_examples_have_the_names_of_now() -> None:
    database = Database(
        examples=[{"example_id": "e1", "character": "Feito"}, {"example_id": "e2", "character": "ood"}],
        labels=[label(1, "name", "Fate", subject="Feito")],
    )
    assert database.sql("SELECT example_id, character FROM examples ORDER BY ALL") == [
        ("e1", "Fate"),
        ("e2", "ood"),
    ]


@pytest.mark.sql("views/clusters.sql")
def test_faces_of_clusters_have_their_character_or_that_of_their_example() -> None:
    def at(day: int) -> datetime.datetime:
        return datetime.datetime(2030, 1, day)

    database = Database(
        detections=[FACE, OTHER],
        identities=[identity(FACE, "Fate")],
        clusters=[
            {"detection_id": face["detection_id"], "cluster": 1, "similarity": 0.5} for face in (FACE, OTHER)
        ],
        examples=[
            {"example_id": str(day), "character": name, "face_id": OTHER["detection_id"], "added_at": at(day)}
            for day, name in ((1, "Old"), (2, "New"))
        ],
    )
    assert database.sql("SELECT cluster, face_id, similarity, character FROM clusters ORDER BY face_id") == [
        (1, FACE["detection_id"], 0.5, "Fate"),
        (1, OTHER["detection_id"], 0.5, "New"),
    ]


@pytest.mark.sql("views/doubts.sql")
def test_doubts_say_what_speaks_for_looking_at_an_answer() -> None:
    next_to_it, dark = box(1), box(2)
    database = Database(
        frames=[frame(0, brightness=0.5), frame(1, brightness=0.5), frame(2, brightness=0.1, shot=2)],
        detections=[FACE, next_to_it, dark],
        identities=[
            identity(FACE, "Fate", 0.6),
            identity(next_to_it, "Arf", 0.9),
            identity(dark, "unknown", 0.1),
        ],
        labels=[],
    )
    sql = "SELECT face_id, disagrees, unclear, round(doubt, 2), reason FROM doubts ORDER BY face_id"
    assert database.sql(sql) == [
        (FACE["detection_id"], True, False, pytest.approx(0.8), "shot"),
        (next_to_it["detection_id"], False, False, pytest.approx(0.2), "score"),
        (dark["detection_id"], False, True, pytest.approx(0.2), "sight"),
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

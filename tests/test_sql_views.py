"""The public views of sql/views, over a few rows each. Those of tags have a file of their own."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlrows import (
    SOURCE,
    Database,
    box,
    box_label,
    frame,
    frame_id,
    identity,
    label,
    vocabulary,
)

FACE = box(0)
OTHER = box(0, 1, (0.7, 0.2, 0.9, 0.4))
HEAD = box(0, 0, (0.35, 0.1, 0.65, 0.45), "head")
BODY = box(0, 0, (0.3, 0.1, 0.7, 0.7), "halfbody")
PERSON = box(0, 0, (0.3, 0.1, 0.7, 1.0), "person")
BOXES = [FACE, OTHER, HEAD, BODY, PERSON]
NAMES = [identity(FACE, "Fate"), identity(OTHER, "unknown", 0.25)]
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

"""The internal views of sql/layers, over a few rows each."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlrows import (
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


@pytest.mark.sql("layers/undone.sql")
@pytest.mark.sql("layers/active_labels.sql")
def test_an_undone_label_is_gone_and_an_undone_undo_brings_it_back() -> None:
    first, second = (
        label(1, "frame", "keep", frame_id=frame_id(0)),
        label(2, "frame", "drop", frame_id=frame_id(1)),
    )
    undo = label(3, "act", "act1", "undo")
    database = Database(labels=[first, second, undo])
    assert database.sql("SELECT act FROM undone") == [("act1",)]
    assert database.sql("SELECT label_id FROM active_labels") == [("0002",)]
    database = Database(labels=[first, second, undo, label(4, "act", "act3", "undo")])
    assert database.sql("SELECT act FROM undone") == [("act3",)]
    assert database.sql("SELECT label_id FROM active_labels ORDER BY ALL") == [("0001",), ("0002",)]


@pytest.mark.sql("layers/names.sql")
def test_chains_of_renamed_characters_are_followed_to_their_end() -> None:
    labels = [
        label(1, "name", "B", subject="A"),
        label(2, "name", "C", subject="B"),
        label(3, "name", "Y", subject="X"),
        label(4, "name", None, "remove", subject="X"),
        label(5, "name", "N", subject="M"),
        label(6, "name", "M", subject="N"),  # a circle ends
    ]
    assert Database(labels=labels).sql("SELECT name, renamed_to, final FROM names ORDER BY name") == [
        ("A", "B", "C"),
        ("B", "C", "C"),
        ("M", "N", "N"),
        ("N", "M", "M"),
    ]


@pytest.mark.sql("layers/tag_labels.sql")
def test_the_newest_label_of_a_frame_and_tag_counts() -> None:
    labels = [
        label(1, "tag", "smile", "add", frame_id=frame_id(0)),
        label(2, "tag", "smile", "remove", frame_id=frame_id(0)),
        label(3, "tag", "hat", "add", frame_id=frame_id(0)),
        label(4, "tag", "not_in_vocabulary", "add", frame_id=frame_id(0)),
    ]
    database = Database(labels=labels, vocabulary=vocabulary("smile", "hat"))
    assert database.sql("SELECT frame_id, op, tag, tag_id FROM tag_labels ORDER BY tag") == [
        (frame_id(0), "add", "hat", 2),
        (frame_id(0), "remove", "smile", 1),
    ]


@pytest.mark.sql("layers/names.sql")
def test_a_renamed_character_is_found_with_spaces_and_with_underscores_unless_that_form_has_its_own_name() -> (
    None
):
    labels = [
        label(1, "name", "Kokona", subject="aoba_kokona"),
        label(2, "name", "Mei Rin", subject="mei_rin"),
        label(3, "name", "X", subject="a b"),
        label(4, "name", None, "remove", subject="a_b"),
    ]
    assert Database(labels=labels).sql("SELECT name, final FROM names ORDER BY name") == [
        ("a b", "X"),
        ("aoba kokona", "Kokona"),
        ("aoba_kokona", "Kokona"),
        ("mei rin", "Mei Rin"),
        ("mei_rin", "Mei Rin"),
    ]


@pytest.mark.sql("layers/picture_names.sql")
def test_a_tag_of_a_character_that_people_added_is_a_name_on_the_picture_as_it_is_written_and_renamed() -> (
    None
):
    names = vocabulary("o'rin_ünï", "aoba_kokona", "gone", "unknown", category="character")
    labels = [
        label(1, "tag", "o'rin_ünï", "add", frame_id=frame_id(0), subject="O'Rin Ünï"),
        label(2, "tag", "aoba_kokona", "add", frame_id=frame_id(0)),
        label(3, "name", "Kokona", subject="aoba kokona"),
        label(4, "tag", "gone", "add", frame_id=frame_id(0)),
        label(5, "tag", "gone", "remove", frame_id=frame_id(0)),
        label(6, "tag", "unknown", "add", frame_id=frame_id(0)),
        label(7, "tag", "smile", "add", frame_id=frame_id(0)),
    ]
    database = Database(labels=labels, vocabulary=names + vocabulary("smile", first=9))
    assert database.sql("SELECT frame_id, tag, character FROM picture_names ORDER BY label_id") == [
        (frame_id(0), "o'rin_ünï", "O'Rin Ünï"),
        (frame_id(0), "aoba_kokona", "Kokona"),
    ]


@pytest.mark.sql("layers/frame_labels.sql")
def test_the_newest_label_of_a_frame_counts_and_labels_of_boxes_are_others() -> None:
    labels = [
        label(1, "frame", "drop", frame_id=frame_id(0)),
        label(2, "frame", "keep", frame_id=frame_id(0)),
        label(3, "frame", "drop", frame_id=frame_id(1)),
        label(4, "frame", None, "remove", frame_id=frame_id(1)),
        box_label(5, "frame", "drop", box(2)),
    ]
    assert Database(labels=labels).sql("SELECT frame_id, value FROM frame_labels") == [(frame_id(0), "keep")]


@pytest.mark.sql("layers/box_labels.sql")
def test_a_label_holds_for_the_newest_box_that_overlaps_it_most() -> None:
    moved = FACE | {"left": 0.41, "right": 0.61}
    far = FACE | {"left": 0.0, "right": 0.1}
    labels = [
        box_label(1, "character", "Fate", moved),
        box_label(2, "character", "Arf", far),
        box_label(3, "character", "Nanoha", OTHER),
        box_label(4, "character", None, OTHER, "remove"),
        box_label(5, "cluster", "one person", FACE),
    ]
    database = Database(detections=[FACE, OTHER], labels=labels)
    assert database.sql("SELECT detection_id, value FROM box_labels ORDER BY label_id") == [
        (FACE["detection_id"], "Fate"),
        (None, "Arf"),
    ]


@pytest.mark.sql("layers/box_labels.sql")
def test_a_label_of_a_person_holds_for_the_only_face_in_the_box() -> None:
    person = box(0, 0, (0.3, 0.1, 0.7, 1.0), "person")
    database = Database(detections=[FACE, person], labels=[box_label(1, "character", "Fate", person)])
    assert database.sql("SELECT detection_id FROM box_labels") == [(FACE["detection_id"],)]


@pytest.mark.sql("layers/drawn_crops.sql")
def test_the_newest_crop_of_a_frame_and_of_a_box_counts() -> None:
    moved = FACE | {"left": 0.41, "right": 0.61}
    labels = [
        label(1, "crop", "0,0,1,0.5", frame_id=frame_id(0)),
        label(2, "crop", "0.25,0,1,0.5", frame_id=frame_id(0)),
        box_label(3, "crop", "0.25,0.25,0.75,0.75", moved),
        box_label(4, "crop", "0,0,1,1", OTHER),
        box_label(5, "crop", None, OTHER, "remove"),
        box_label(6, "crop", "0,0,1,1", FACE | {"left": 0.0, "right": 0.1}),
        label(7, "crop", "0,0,1,1", frame_id=frame_id(1)),
        label(8, "crop", None, "remove", frame_id=frame_id(1)),
    ]
    database = Database(detections=[FACE, OTHER], labels=labels)
    assert database.sql("SELECT frame_id, kind, detection_id, crop FROM drawn_crops ORDER BY label_id") == [
        (frame_id(0), None, None, [0.25, 0, 1, 0.5]),
        (frame_id(0), "face", FACE["detection_id"], [0.25, 0.25, 0.75, 0.75]),
        (frame_id(0), "face", None, [0, 0, 1, 1]),
    ]
    assert database.sql("SELECT count(*) FROM box_labels") == [(0,)]


@pytest.mark.sql("layers/labelled_boxes.sql")
def test_a_box_that_people_named_has_one_row_with_what_counts() -> None:
    labels = [
        box_label(1, "character", "Feito", FACE),
        label(2, "name", "Fate", subject="Feito"),
        box_label(3, "appearance", "armour", OTHER),
    ]
    database = Database(detections=[FACE, OTHER], labels=labels, identities=[identity(OTHER, "Arf", 0.75)])
    sql = 'SELECT detection_id, character, appearance, score, margin, "by" FROM labelled_boxes ORDER BY detection_id'
    assert database.sql(sql) == [
        (FACE["detection_id"], "Fate", None, 1.0, 1.0, "label"),
        (OTHER["detection_id"], "Arf", "armour", 0.75, 0.5, "examples"),
    ]


@pytest.mark.sql("layers/newest_detections.sql")
def test_boxes_of_the_detector_that_ran_last_replace_those_of_its_kinds() -> None:
    head = box(0, 0, kind="head")
    again = box(0, 9, (0.1, 0.1, 0.2, 0.2), model="new@1")
    elsewhere = box(1)
    database = Database(
        detections=[FACE, head, again, elsewhere],
        detected=[{"frame_id": frame_id(0), "model": "new@1", "kinds": ["face"]}],
        models=[{"model_id": "new@1"}],
    )
    found = {row[0] for row in database.sql("SELECT detection_id FROM newest_detections")}
    assert found == {head["detection_id"], again["detection_id"], elsewhere["detection_id"]}


@pytest.mark.sql("layers/only_faces.sql")
def test_only_a_face_without_another_in_its_frame_is_the_only_one() -> None:
    single = box(1, vector_model="v@1")
    database = Database(detections=[FACE, OTHER, single, box(1, 0, kind="head")])
    assert database.sql("SELECT frame_id, detection_id, vector_model FROM only_faces") == [
        (frame_id(1), single["detection_id"], "v@1")
    ]


@pytest.mark.sql("layers/faceless_boxes.sql")
def test_a_box_with_a_face_and_what_lies_in_it_are_not_faceless() -> None:
    seen = box(0, 0, (0.3, 0.1, 0.7, 1.0), "person")
    same_person = box(0, 0, (0.35, 0.1, 0.65, 0.15), "head")
    head = box(1, 0, (0.1, 0.1, 0.2, 0.3), "head")
    body = box(1, 0, (0.6, 0.1, 0.9, 0.7), "halfbody")
    database = Database(detections=[FACE, seen, same_person, head, body], frames=[frame(0), frame(1, shot=3)])
    sql = "SELECT detection_id, shot, ordinal, rank, round(head_b, 3) FROM faceless_boxes ORDER BY rank"
    assert database.sql(sql) == [
        (head["detection_id"], 3, 1, 1, pytest.approx(0.3)),
        (body["detection_id"], 3, 1, 2, pytest.approx(0.3)),
    ]


@pytest.mark.sql("layers/identified_detections.sql")
def test_boxes_have_no_character_while_nobody_has_been_named() -> None:
    sql = "SELECT detection_id, character, named_by FROM identified_detections"
    assert Database(detections=[FACE]).sql(sql) == [(FACE["detection_id"], None, None)]


@pytest.mark.sql("layers/chosen/identified_detections.sql")
def test_boxes_have_the_character_of_a_label_or_of_the_classifier() -> None:
    database = Database(
        detections=[FACE, OTHER],
        identities=[identity(FACE, "Arf"), identity(OTHER, "unknown", 0.25)],
        labels=[box_label(1, "character", "Fate", FACE)],
    )
    sql = "SELECT detection_id, character, character_score, named_by FROM identified_detections ORDER BY detection_id"
    assert database.sql(sql) == [
        (FACE["detection_id"], "Fate", 1.0, "label"),
        (OTHER["detection_id"], "unknown", 0.25, "examples"),
    ]


FRAMES = [frame(0, **tagged((1, 90), (2, 20)), rating="general"), frame(1, **tagged((2, 80)))]


@pytest.mark.sql("layers/model_frames.sql")
@pytest.mark.sql("layers/tagged_frames.sql")
@pytest.mark.sql("layers/embedded_frames.sql")
def test_frames_are_as_their_ingest_left_them() -> None:
    database = Database(frames=[FRAMES[0] | {"embedding": [1.0, 0, 0, 0], "embedder": "e@1"}])
    for view in ("model_frames", "tagged_frames", "embedded_frames"):
        assert database.sql(f"SELECT tags, sure_tags, tagger, embedding, embedder FROM {view}") == [
            ([1, 2], [1], "tagger@1", (1.0, 0.0, 0.0, 0.0), "e@1")
        ]
    assert database.sql("SELECT added_tags FROM tagged_frames") == [(None,)]


@pytest.mark.sql("layers/chosen/model_frames.sql")
def test_a_chosen_tagger_replaces_the_tags_of_the_frames_that_it_has_seen() -> None:
    again: dict[str, Any] = {
        "frame_id": frame_id(0),
        "model": "new@1",
        "rating": "explicit",
        **tagged((2, 70)),
    }
    del again["tagger"]
    database = Database(
        frames=FRAMES, taggings=[again], chosen={"tagger": None}, variables={"chosen_tagger": "new@1"}
    )
    sql = "SELECT tags, tag_scores, sure_tags, rating, tagger FROM model_frames ORDER BY frame_id"
    assert database.sql(sql) == [([2], [700], [2], "explicit", "new@1"), ([2], [800], [2], None, "tagger@1")]


@pytest.mark.sql("layers/chosen/tagged_frames.sql")
def test_added_tags_come_first_with_a_full_score_and_removed_tags_are_gone() -> None:
    database = Database(
        frames=FRAMES,
        vocabulary=vocabulary("smile", "hat", "sky"),
        labels=[
            label(1, "tag", "sky", "add", frame_id=frame_id(0)),
            label(2, "tag", "smile", "remove", frame_id=frame_id(0)),
        ],
    )
    sql = "SELECT tags, tag_scores, sure_tags, sure_scores, added_tags FROM tagged_frames ORDER BY frame_id"
    assert database.sql(sql) == [([3, 2], [1000, 200], [3], [1000], [3]), ([2], [800], [2], [800], None)]


@pytest.mark.sql("layers/chosen/embedded_frames.sql")
@pytest.mark.parametrize(("width", "of_ingest"), [(4, (1.0, 0.0, 0.0, 0.0)), (2, None)])
def test_a_chosen_embedder_gives_the_vectors_and_no_other(
    width: int, of_ingest: tuple[float, ...] | None
) -> None:
    chosen = "e@1" if of_ingest else "new@1"
    vector = [0.0] * (width - 1) + [1.0]
    database = Database(
        frames=[frame(0, embedding=[1.0, 0, 0, 0], embedder="e@1"), frame(1, embedder="old@1")],
        embeddings=[{"frame_id": frame_id(1), "model": chosen, "vector": vector}],
        chosen={"image": width},
        variables={"chosen_embedder": chosen},
    )
    assert database.sql("SELECT embedding, embedder FROM embedded_frames ORDER BY frame_id") == [
        (of_ingest, "e@1" if of_ingest else None),
        (tuple(vector), chosen),
    ]


@pytest.mark.sql("layers/used_box_tags.sql")
def test_a_box_has_the_tags_of_the_chosen_tagger_or_of_the_one_added_last() -> None:
    new = datetime.datetime(2026, 2, 1)
    old = datetime.datetime(2026, 1, 1)
    models = [{"model_id": "new@1", "added_at": new}, {"model_id": "old@1", "added_at": old}]
    rows = [box_tagging(FACE, (1, 90), (2, 20), model="old@1"), box_tagging(FACE, (3, 60), model="new@1")]
    sql = "SELECT detection_id, tags, tag_scores, sure_tags FROM used_box_tags"
    mine = FACE["detection_id"]
    assert Database(box_tags=rows, models=models).sql(sql) == [(mine, [3], [600], [3])]
    chosen = Database(box_tags=rows, models=models, variables={"chosen_tagger": "old@1"})
    assert chosen.sql(sql) == [(mine, [1, 2], [900, 200], [1])]
    assert Database(models=models).sql(sql) == []


@pytest.mark.sql("layers/used_box_tags.sql")
def test_corrections_of_a_frame_hold_for_its_boxes_but_added_looks_only_for_a_person_who_is_alone() -> None:
    labels = [
        label(1, "tag", "smile", "remove", frame_id=frame_id(0)),
        label(2, "tag", "red_hair", "add", frame_id=frame_id(0)),
        label(3, "tag", "night", "add", frame_id=frame_id(0)),
    ]
    given: dict[str, Any] = {
        "models": [{"model_id": "tagger@1"}],
        "labels": labels,
        "vocabulary": vocabulary("smile", "red_hair", "night", "hat"),
    }
    first, second = box_tagging(FACE, (1, 90), (4, 80)), box_tagging(OTHER, (4, 70))
    sql = "SELECT tags, tag_scores FROM used_box_tags ORDER BY detection_id"
    assert Database(box_tags=[first, second], **given).sql(sql) == [
        ([3, 4], [1000, 800]),
        ([3, 4], [1000, 700]),
    ]
    assert Database(box_tags=[first], **given).sql(sql) == [([2, 3, 4], [1000, 1000, 800])]


@pytest.mark.sql("layers/lone_faces.sql")
def test_a_character_is_alone_on_a_frame_with_no_other_face_or_name() -> None:
    alone, behind = box(0), box(1, kind="person")
    known, stranger = box(2), box(2, 1, (0.7, 0.2, 0.9, 0.4))
    database = Database(
        frames=[frame(n) for n in range(3)],
        detections=[alone, behind, known, stranger],
        identities=[
            identity(alone, "Fate", appearance="armour"),
            identity(behind, "Arf"),
            identity(known, "Fate"),
            identity(stranger, "unknown"),
        ],
    )
    assert database.sql("SELECT frame_id, who, worn FROM lone_faces ORDER BY ALL") == [
        (frame_id(0), "Fate", "armour"),
        (frame_id(1), "Arf", None),
    ]


@pytest.mark.sql("layers/no_tags.sql")
def test_no_tags_has_no_rows() -> None:
    assert Database().sql("SELECT tag_id FROM no_tags") == []


@pytest.mark.sql("layers/hidden_frames.sql")
def test_hidden_frames_are_those_of_the_gates_and_those_left_out() -> None:
    fine: dict[str, Any] = {"sharpness": 100.0, "brightness": 0.5, "height": 720}
    rows = [
        frame(0, **fine),
        frame(1, **fine, is_blank=True, text_lower=0.5),
        frame(2, **fine, text_upper=0.03),
        frame(
            3, **fine | {"height": 100, "brightness": 0.01, "sharpness": 1.0}, text_lower=0.03, is_blank=False
        ),
        frame(4, is_blank=True, text_lower=0.5),  # never measured
        frame(5, **fine, text_upper=0.02),
        frame(6, **fine),
        frame(7, **fine),
    ]
    copy = {"frame_id": frame_id(6), "group_id": frame_id(0), "keeper": False}
    database = Database(
        frames=rows, duplicates=[copy], labels=[label(1, "frame", "drop", frame_id=frame_id(7))]
    )
    assert database.sql("SELECT word, frame_id FROM hidden_frames ORDER BY ALL") == [
        ("blank", frame_id(1)),
        ("copies", frame_id(6)),
        ("dropped", frame_id(7)),
        ("subtitled", frame_id(2)),
        ("subtitled", frame_id(3)),
    ]
    wide = "gates(min_height := 0, min_sharpness := 0, min_brightness := 0, max_brightness := 1)"
    hidden = "SELECT frame_id FROM hidden_frames WHERE word = "
    for word, gate in (("blank", "blank"), ("subtitled", "text")):
        found = database.sql(f"{hidden}'{word}' ORDER BY 1")
        assert found == database.sql(f"SELECT frame_id FROM {wide} WHERE gate = '{gate}' ORDER BY 1")

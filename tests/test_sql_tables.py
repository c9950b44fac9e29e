"""The table macros of sql/tables, over a few rows each."""

from __future__ import annotations

from typing import Any

import pytest
from sqlrows import SOURCE, Database, box, box_tagging, columns, frame, frame_id, identity, tagged, vocabulary

WORDS = [
    *vocabulary("1girl", "red_hair", "long_hair", "smile", "hat"),
    *vocabulary("fate", category="character", first=6),
    *vocabulary("nanoha", category="copyright", first=7),
]
FATE = box(0, 0, (0.1, 0.2, 0.3, 0.5))
ARF = box(0, 1, (0.6, 0.2, 0.8, 0.4))
STRANGER = box(1)
TAGS = tagged((1, 90), (2, 80), (4, 20), (6, 70), (7, 60))


def database() -> Database:
    """Fate and Arf on the first frame, with tags; on the second somebody unknown, with one tag."""
    show: dict[str, Any] = {"show": "Show", "show_name": "Show", "season": 1, "episode": 2}
    return Database(
        sources=[{"source_id": SOURCE, "image_type": "screenshot", "state": "done", "show": "Show"}],
        frames=[frame(0, **TAGS, **show, rating="general"), frame(1, **tagged((4, 90)), **show)],
        vocabulary=WORDS,
        detections=[FATE, ARF, STRANGER],
        identities=[
            identity(FATE, "Fate", appearance="armour"),
            identity(ARF, "Arf"),
            identity(STRANGER, "unknown"),
        ],
    )


WHOLE = columns(picture=[1, 2], frame_id=[frame_id(0), frame_id(1)])
LEFT_HALF = columns(picture=[1], frame_id=[frame_id(0)], crop=[[0.0, 0.0, 0.5, 1.0]], crop_kind=["face"])


@pytest.mark.sql("tables/boxes.sql")
def test_boxes_of_any_kind_are_a_table_with_their_names() -> None:
    eye, hand = box(0, 0, (0.1, 0.2, 0.2, 0.3), "eye"), box(1, 0, (0.1, 0.2, 0.2, 0.3), "hand")
    seen = Database(detections=[FATE, eye, hand], identities=[identity(FATE, "Fate")])
    asked = "SELECT detection_id, kind, character FROM boxes('{}')"
    assert seen.sql(asked.format("eye")) == [(f"{frame_id(0)}-eye0", "eye", None)]
    assert seen.sql(asked.format("face")) == [(FATE["detection_id"], "face", "Fate")]
    assert seen.sql(asked.format("tail")) == []


@pytest.mark.sql("tables/person_boxes.sql")
def test_an_eye_is_no_box_of_a_person() -> None:
    eye, person = box(0, 0, (0.15, 0.25, 0.2, 0.3), "eye"), box(0, 0, (0.0, 0.1, 0.4, 1.0), "person")
    seen = Database(frames=[frame(0)], detections=[FATE, eye, person])
    found = seen.sql("SELECT kind, person FROM person_boxes('pictures') ORDER BY kind", pictures=WHOLE)
    assert found == [("face", FATE["detection_id"]), ("person", FATE["detection_id"])]


@pytest.mark.sql("tables/described.sql")
def test_the_facts_of_whole_frames() -> None:
    wanted = "characters, character_string, appearance, n_faces, n_girls, n_people, key, image_type, rating"
    found = database().sql(f"SELECT {wanted} FROM described('pictures') ORDER BY picture", pictures=WHOLE)
    assert found == [
        (["Arf", "Fate"], "Arf+Fate armour", "armour", 2, 1, 1, frame_id(0), "screenshot", "general"),
        ([], None, None, 1, 0, 0, frame_id(1), "screenshot", None),
    ]


@pytest.mark.sql("tables/described.sql")
def test_the_facts_of_a_crop_are_of_the_boxes_in_it_and_relative_to_it() -> None:
    (found,) = database().rows("SELECT * FROM described('pictures')", pictures=LEFT_HALF)
    assert found["characters"] == ["Fate"]
    (face,) = found["faces"]
    assert [face[edge] for edge in ("left", "top", "right", "bottom")] == pytest.approx([0.2, 0.2, 0.6, 0.5])
    assert found["fh_ratio"] == pytest.approx(0.3)


@pytest.mark.sql("tables/tags_of.sql")
def test_the_tags_of_pictures_with_what_they_are_about() -> None:
    sql = """WITH facts AS (FROM described('pictures'))
        SELECT tag, category, score, counts, tag_number, kind FROM tags_of('facts')
        WHERE picture = 1 ORDER BY tag_number"""
    assert database().sql(sql, pictures=WHOLE) == [
        ("1girl", "general", 0.9, True, 1, "people"),
        ("red_hair", "general", 0.8, True, 2, "hair"),
        ("smile", "general", 0.2, False, 3, "other"),
        ("fate", "character", 0.7, True, 4, "other"),
        ("nanoha", "copyright", 0.6, True, 5, "other"),
    ]


TAG_ROWS = """facts AS (FROM described('pictures')), tags AS (FROM tag_rows('facts')),
    names AS (FROM tag_names('tags', 'facts'))"""


@pytest.mark.sql("tables/tag_rows.sql", "tables/tag_names.sql")
def test_tags_are_numbers_and_each_has_its_name_once() -> None:
    sql = f"""WITH {TAG_ROWS}
        SELECT picture, tag_number, tag, category, score, counts, kind, tag_key < 0
        FROM tags JOIN names USING (tag_key) ORDER BY picture, tag_number"""
    own = [{"tag": "red hair", "category": None, "score": 0.5, "counts": None}]
    one_of_each = columns(picture=[1, 2], frame_id=[frame_id(1), frame_id(0)], picture_tags=[None, own])
    assert database().sql(sql, pictures=one_of_each) == [
        (1, 1, "smile", "general", 0.9, True, "other", False),
        (2, 1, "red_hair", None, 0.5, None, "hair", True),
    ]
    names = database().sql(f"WITH {TAG_ROWS} SELECT tag FROM names", pictures=WHOLE)
    assert len(names) == len(set(names)) == 5


def style(settings: str) -> str:
    return f"style AS (SELECT * REPLACE ({settings}) FROM default_style)"


@pytest.mark.sql("tables/caption_tags.sql", "tables/chosen_tags.sql", "tables/allowed_tags.sql")
def test_the_tags_of_captions_obey_the_style() -> None:
    sql = """WITH facts AS (FROM described('pictures')), {style}
        SELECT tag_number, words FROM caption_tags('facts', 'mine') WHERE picture = 1 ORDER BY tag_number"""
    mine = style("['*hair'] AS blacklist, map(['general'], [0.1::DOUBLE]) AS thresholds").replace(
        "style", "mine", 1
    )
    assert database().sql(sql.format(style=mine), pictures=WHOLE) == [(1, "1girl"), (2, "smile")]


@pytest.mark.sql("tables/part_tags.sql")
def test_categories_with_a_part_of_their_own_have_lists() -> None:
    sql = f"WITH {TAG_ROWS} SELECT * FROM part_tags('tags', 'names', 'default_style')"
    assert database().sql(sql, pictures=WHOLE) == [(1, ["fate"], ["nanoha"], None, None)]


@pytest.mark.sql("tables/part_words.sql")
def test_each_part_has_its_words() -> None:
    sql = f"""WITH {TAG_ROWS}
        SELECT characters, copyright, crop_text, faces FROM part_words('facts', 'tags', 'names', 'default_style')"""
    assert database().sql(sql, pictures=LEFT_HALF) == [
        (["Fate armour"], ["nanoha"], "face cropped", ["fhmd fvmt"])
    ]


@pytest.mark.sql("tables/drawn_parts.sql")
def test_a_part_is_there_by_its_probability_and_each_variant_is_drawn_again() -> None:
    sql = f"""WITH {TAG_ROWS},
        mine AS (SELECT * REPLACE (
            map(['activation'], [0.0::DOUBLE]) AS probability, 2 AS variants, 'waifu' AS activation_tag
        ) FROM default_style),
        words AS (FROM part_words('facts', 'tags', 'names', 'mine'))
        SELECT variant, present, activation, is_dropped FROM drawn_parts('words', 'mine') ORDER BY variant"""
    assert database().sql(sql, pictures=LEFT_HALF) == [
        (1, ["tags"], ["waifu"], False),
        (2, ["tags"], ["waifu"], False),
    ]


@pytest.mark.sql("tables/captions_of.sql", "tables/caption_words.sql", "tables/listed_captions.sql")
def test_captions_of_pictures_as_a_list_and_as_a_sentence() -> None:
    settings = "['characters', 'tags'] AS parts, {form} AS form"
    sql = """WITH mine AS (SELECT * REPLACE ({}) FROM default_style)
        SELECT * FROM captions_of('pictures', 'mine') ORDER BY 1"""
    listed = sql.format(settings.format(form="'list'"))
    assert database().sql(listed, pictures=WHOLE) == [
        (1, 1, "Fate armour Arf, 1girl, red hair"),
        (2, 1, "smile"),
    ]
    assert database().sql(listed.replace("captions_of", "listed_captions"), pictures=WHOLE) == [
        (1, 1, "Fate armour Arf, 1girl, red hair"),
        (2, 1, "smile"),
    ]
    sentence = sql.format(settings.format(form="'sentence'"))
    assert database().sql(sentence, pictures=WHOLE) == [
        (1, 1, "Fate armour and Arf with red hair."),
        (2, 1, "smile."),
    ]


@pytest.mark.sql("tables/caption.sql")
def test_a_relation_gets_a_caption_and_keeps_its_columns() -> None:
    sql = "SELECT frame_id, folder, caption FROM caption('pictures') ORDER BY ALL"
    pictures = columns(frame_id=[frame_id(0), frame_id(1)], folder=["a", "b"])
    assert database().sql(sql, pictures=pictures) == [
        (frame_id(0), "a", "1girl, red hair"),
        (frame_id(1), "b", "smile"),
    ]


@pytest.mark.sql("tables/gates.sql")
def test_each_frame_has_the_first_gate_that_it_fails() -> None:
    good: dict[str, Any] = {
        "is_blank": False,
        "sharpness": 100.0,
        "brightness": 0.5,
        "text_upper": 0.0,
        "text_lower": 0.0,
    } | {f"border_{side}": 0.0 for side in ("left", "top", "right", "bottom")}
    faults: list[dict[str, Any]] = [
        {},
        {"sharpness": None},
        {"is_blank": True},
        {"height": 500},
        {"brightness": 0.01},
        {"brightness": 0.99},
        {"sharpness": 10.0},
        {"text_lower": 0.5},
        {"border_top": 0.5},
    ]
    found = Database(frames=[frame(n, **{**good, **fault}) for n, fault in enumerate(faults)])
    assert [gate for (gate,) in found.sql("SELECT gate FROM gates() ORDER BY frame_id")] == [
        "passed",
        "unmeasured",
        "blank",
        "small",
        "dark",
        "bright",
        "blurred",
        "text",
        "border",
    ]
    sql = "SELECT gate FROM gates(min_height := 100, max_text := 1) WHERE frame_id IN ($a, $b)"
    assert found.sql(sql, {"a": frame_id(3), "b": frame_id(7)}) == [("passed",), ("passed",)]


@pytest.mark.sql("tables/gates.sql")
def test_gates_may_use_what_classifiers_say() -> None:
    answer = {"source_id": SOURCE, "model": "c@1"}
    seen = Database(
        frames=[frame(n, sharpness=100.0, brightness=0.5, is_blank=False) for n in range(3)],
        models=[{"model_id": "c@1"}],
        classifications=[
            answer | {"frame_id": frame_id(0), "about": "style", "label": "comic"},
            answer | {"frame_id": frame_id(1), "about": "aesthetic", "label": "low", "percentile": 0.125},
        ],
    )
    sql = "SELECT gate FROM gates({}) ORDER BY frame_id"
    assert seen.sql(sql.format("")) == [("passed",)] * 3
    strict = "unwanted := ['style:comic'], min_aesthetic := 0.25"
    assert seen.sql(sql.format(strict)) == [("class",), ("aesthetic",), ("passed",)]


def vectors() -> Database:
    along = ([1.0, 0, 0, 0], [0.6, 0.8, 0, 0], [0, 1.0, 0, 0])
    return Database(frames=[frame(n, embedding=vector, embedder="e@1") for n, vector in enumerate(along)])


@pytest.mark.sql("tables/similar_to.sql")
def test_the_frames_most_like_a_frame_come_first() -> None:
    sql = f"SELECT frame_id, round(similarity, 3) FROM similar_to('{frame_id(0)}')"
    assert vectors().sql(sql) == [(frame_id(1), pytest.approx(0.6)), (frame_id(2), 0.0)]
    mixed = Database(frames=[frame(n, embedding=[1.0, 0, 0, 0], embedder=f"e@{n}") for n in range(2)])
    with pytest.raises(Exception, match="vectors of e@0 and e@1 cannot be compared"):
        mixed.sql(sql)


def paired() -> Database:
    """Fate in armour on the frames 0, 1 (of one shot) and 2, and in a dress on 3. On 4 somebody else is with her."""
    boxes = [box(n, edges=(0.1 * n, 0.2, 0.1 * n + 0.2, 0.4)) for n in range(5)]
    along = ([1.0, 0, 0, 0], [0.6, 0.8, 0, 0], [0.8, 0.6, 0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0])
    return Database(
        frames=[
            frame(n, embedding=vector, embedder="e@1", shot=max(1, n), **tagged((4, 90)))
            for n, vector in enumerate(along)
        ],
        vocabulary=WORDS,
        detections=[*boxes, box(4, 1, (0.7, 0.2, 0.9, 0.4))],
        identities=[
            identity(one, "Fate", appearance="dress" if n == 3 else "armour") for n, one in enumerate(boxes)
        ],
    )


@pytest.mark.sql("tables/pairs.sql")
def test_pairs_are_of_the_same_outfit_in_another_shot_the_most_alike_first() -> None:
    sql = "SELECT frame_id, control_id, round(likeness, 2), place, character, appearance FROM pairs()"
    same = ("Fate", "armour")
    assert paired().sql(sql) == [
        (frame_id(1), frame_id(2), pytest.approx(0.96), 1, *same),
        (frame_id(2), frame_id(1), pytest.approx(0.96), 1, *same),
        (frame_id(0), frame_id(2), pytest.approx(0.8), 1, *same),
        (frame_id(2), frame_id(0), pytest.approx(0.8), 2, *same),
    ]


@pytest.mark.sql("tables/pairs.sql")
def test_pairs_in_another_outfit_are_ranked_by_pose() -> None:
    asked = "same := 'character', different := 'appearance', ranked_by := 'pose'"
    sql = f"SELECT frame_id, control_appearance, likeness FROM pairs('Fate', {asked}) WHERE frame_id < '{frame_id(3)}'"
    assert paired().sql(sql) == [  # all smile, and the boxes of frames 2 and 3 overlap
        (frame_id(2), "dress", pytest.approx((1 + 1 / 3) / 2, abs=1e-6)),
        (frame_id(0), "dress", 0.5),
        (frame_id(1), "dress", 0.5),
    ]


@pytest.mark.sql("tables/pairs.sql")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("same := 'hat'", 'same is "hat". It must be appearance or character'),
        ("different := 'hat'", 'different is "hat"'),
        ("ranked_by := 'hat'", 'ranked_by is "hat"'),
        ("different := 'appearance'", "cannot be both the same and different"),
        ("'Arf'", "No outfit has a name"),
    ],
)
def test_pairs_that_cannot_be_are_refused(asked: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        Database(
            frames=[frame(0)],
            vocabulary=WORDS,
            detections=[FATE],
            identities=[identity(FATE, "Arf")],
        ).sql(f"FROM pairs({asked})")


@pytest.mark.sql("tables/search_text.sql")
def test_the_frames_most_like_a_text_come_first() -> None:
    found = vectors().sql("SELECT frame_id, round(similarity, 3) FROM search_text('red') LIMIT 2")
    assert found == [(frame_id(0), 1.0), (frame_id(1), pytest.approx(0.6))]


@pytest.mark.sql("tables/character_tags.sql")
def test_the_tags_of_each_character_and_whether_it_is_alone() -> None:
    sql = "SELECT character, frame_id, alone, tag FROM character_tags() WHERE tag = '1girl' ORDER BY ALL"
    assert database().sql(sql) == [
        ("Arf", frame_id(0), False, "1girl"),
        ("Fate", frame_id(0), False, "1girl"),
    ]
    sql = "SELECT DISTINCT tag FROM character_tags(0.1) WHERE tag = 'smile'"
    assert database().sql(sql) == [("smile",)]


@pytest.mark.sql("tables/character_tag_counts.sql")
def test_tags_are_counted_over_the_frames_of_a_character_by_season() -> None:
    sql = """SELECT character, period, n_frames, n_seen, share, episodes
        FROM character_tag_counts('season', only_alone := false) WHERE tag = 'red_hair' ORDER BY character"""
    assert database().sql(sql) == [
        ("Arf", "S01", 1, 1, 1.0, ["S01E02"]),
        ("Fate", "S01", 1, 1, 1.0, ["S01E02"]),
    ]
    assert database().sql("SELECT * FROM character_tag_counts('season')") == []


@pytest.mark.sql("tables/wanted_pictures.sql")
def test_equal_rows_of_a_selection_are_one_picture_and_missing_columns_are_null() -> None:
    selection = columns(frame_id=["a", "a", "b"], head_id=[None, None, "b-h0"], selection_row=[0, 1, 2])
    sql = (
        "SELECT frame_id, folder, given, chosen, selection_row FROM wanted_pictures('selection') ORDER BY ALL"
    )
    assert Database().sql(sql, selection=selection) == [
        ("a", None, None, None, 0),
        ("b", None, None, "b-h0", 2),
    ]


@pytest.mark.sql("tables/with_heads.sql")
def test_a_face_of_a_frame_without_heads_gives_a_head() -> None:
    boxes = columns(
        detection_id=["a-f0", "b-f0", "b-h0"],
        frame_id=["a", "b", "b"],
        kind=["face", "face", "head"],
        box=[[0.4, 0.4, 0.6, 0.6]] * 3,
        crop_number=[1, 1, 1],
    )
    sql = "SELECT detection_id, box FROM with_heads('boxes') WHERE kind = 'head' ORDER BY ALL"
    assert Database().sql(sql, boxes=boxes) == [
        ("a-f0", pytest.approx([0.35, 0.35, 0.65, 0.65])),
        ("b-h0", [0.4, 0.4, 0.6, 0.6]),
    ]


LEFT_PERSON = box(0, 0, (0.05, 0.1, 0.45, 1.0), "person")
RIGHT_PERSON = box(0, 1, (0.15, 0.1, 1.0, 1.0), "person")
BEHIND = box(0, 0, (0.4, 0.1, 0.5, 0.2), "head")
TWO = [FATE, ARF, LEFT_PERSON, RIGHT_PERSON, BEHIND]


@pytest.mark.sql("tables/person_boxes.sql")
def test_a_face_belongs_to_the_person_in_whose_middle_and_top_it_is() -> None:
    """Both persons contain the left face. The head without a face is a person of its own."""
    sql = "SELECT detection_id, person FROM person_boxes('given') ORDER BY detection_id"
    rows = Database(detections=[*TWO, STRANGER]).sql(sql, given=WHOLE.slice(0, 1))
    found: dict[str, str] = dict(rows)
    left, right, behind = (one["detection_id"] for one in (FATE, ARF, BEHIND))
    assert found == {
        left: left,
        right: right,
        behind: behind,
        LEFT_PERSON["detection_id"]: left,
        RIGHT_PERSON["detection_id"]: right,
    }


@pytest.mark.sql("tables/person_tags.sql")
def test_a_crop_has_the_tags_of_its_box_or_of_the_nearest_box_of_the_same_person() -> None:
    database = Database(
        detections=TWO,
        vocabulary=WORDS,
        models=[{"model_id": "tagger@1"}],
        box_tags=[box_tagging(LEFT_PERSON, (2, 80), (3, 20)), box_tagging(RIGHT_PERSON, (5, 90))],
    )
    crops = columns(
        picture=[1, 2, 3, 4],
        frame_id=[frame_id(0)] * 4,
        face_id=[one["detection_id"] for one in (FATE, ARF, LEFT_PERSON, BEHIND)],
    )
    rows = database.rows("FROM person_tags('crops') ORDER BY picture", crops=crops)
    assert [(row["picture"], [(t["tag"], t["score"], t["counts"]) for t in row["tags"]]) for row in rows] == [
        (1, [("red_hair", 0.8, True), ("long_hair", 0.2, False)]),
        (2, [("hat", 0.9, True)]),
        (3, [("red_hair", 0.8, True), ("long_hair", 0.2, False)]),
    ]

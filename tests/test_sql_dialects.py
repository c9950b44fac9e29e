"""The files of sql/ from which captions with sentences, positions and JSON are made, over a few rows each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlrows import SOURCE, Database, box, box_tagging, columns, frame, frame_id, identity, tagged, vocabulary

WORDS = vocabulary("2girls", "red_hair", "black_hair", "school_uniform", "sunset", "masterpiece", "worst")
EMI = box(0, 0, (0.1, 0.2, 0.2, 0.4))
AOI = box(0, 1, (0.7, 0.2, 0.8, 0.4))
EMI_WHOLE, AOI_WHOLE = (
    {**box(0, n, (left, 0.1, left + 0.3, 1.0)), "detection_id": f"{frame_id(0)}-p{n}", "kind": "person"}
    for n, left in ((0, 0.0), (1, 0.6))
)
PICTURES = columns(picture=[1], frame_id=[frame_id(0)])
STYLE = """mine AS (SELECT * REPLACE (
    ['tags', 'positions'] AS parts, map(['best', 'bad'], [4.0::DOUBLE, 0.0]) AS quality, 'json' AS form
) FROM default_style)"""


def database() -> Database:
    """Emi and Aoi on one frame, with boxes of the whole persons, which have tags; one of them is described."""
    models = [
        {"model_id": "anime-aesthetic@1", "task": "classifier"},
        {"model_id": "tagger@1", "task": "tagger"},
    ]
    described = {"description_id": "d", "frame_id": frame_id(0), "source_id": SOURCE, "model": "captioner@1"}
    return Database(
        models=models,
        frames=[frame(0, **tagged((1, 90), (2, 80), (3, 80), (4, 70), (5, 60)))],
        vocabulary=WORDS,
        detections=[EMI, AOI, EMI_WHOLE, AOI_WHOLE],
        identities=[identity(EMI, "Emi"), identity(AOI, "Aoi")],
        box_tags=[
            box_tagging(EMI_WHOLE, (2, 90), (4, 80)),
            box_tagging(AOI_WHOLE, (3, 90), (4, 80)),
        ],
        descriptions=[described | {"detection_id": None, "text": "Two\ngirls"}],
        classifications=[
            {"frame_id": frame_id(0), "source_id": SOURCE, "model": "anime-aesthetic@1", "about": "aesthetic",
             "label": "best", "value": 4.5}
        ],
    )  # fmt: skip


@pytest.mark.sql("tables/people_of.sql")
def test_the_people_of_a_picture_from_left_to_right_with_their_own_tags() -> None:
    sql = """WITH facts AS (FROM described('pictures'))
        SELECT on_picture, place, n_people, part, characters, [t.tag for t in picture_tags] FROM people_of('facts')
        ORDER BY place"""
    assert database().sql(sql, pictures=PICTURES) == [
        (1, 1, 2, pytest.approx([0, 0.1, 0.3, 1]), ["Emi"], ["red_hair", "school_uniform"]),
        (1, 2, 2, pytest.approx([0.6, 0.1, 0.9, 1]), ["Aoi"], ["black_hair", "school_uniform"]),
    ]


@pytest.mark.sql("tables/people_words.sql")
def test_a_clause_has_what_distinguishes_a_person() -> None:
    sql = f"""WITH {STYLE}, facts AS (FROM described('pictures')), people AS (FROM people_of('facts')),
        chosen AS (FROM caption_tags('people', 'mine'))
        SELECT clause, own_tags, text FROM people_words('people', 'chosen', 'mine') ORDER BY place"""
    assert database().sql(sql, pictures=PICTURES) == [
        ("On the left, Emi, red hair.", ["red_hair"], "Emi, red hair, school uniform"),
        ("On the right, Aoi, black hair.", ["black_hair"], "Aoi, black hair, school uniform"),
    ]


@pytest.mark.sql("tables/more_about.sql")
@pytest.mark.sql("layers/aesthetic_scores.sql")
def test_what_captions_say_besides_tags() -> None:
    sql = f"WITH {STYLE} SELECT * EXCLUDE (elements), len(elements) FROM more_about('pictures', 'mine')"
    assert database().sql(sql, pictures=PICTURES) == [
        (1, 1, "best", "Two girls.", "On the left, Emi, red hair. On the right, Aoi, black hair.",
         ["red_hair", "black_hair"], 2)
    ]  # fmt: skip
    assert database().sql("SELECT * FROM aesthetic_scores") == [(frame_id(0), pytest.approx(4.5))]


@pytest.mark.sql("layers/nothing_more.sql")
def test_a_plain_style_needs_nothing_more() -> None:
    found = Database()
    more = f"WITH {STYLE} SELECT column_name FROM (DESCRIBE FROM more_about('pictures', 'mine'))"
    assert found.sql("FROM nothing_more") == []
    assert found.sql("SELECT column_name FROM (DESCRIBE FROM nothing_more)") == found.sql(
        more, pictures=PICTURES
    )


@pytest.mark.sql("macros/caption_json.sql")
def test_json_captions_have_the_keys_of_their_readers_in_order() -> None:
    elements = "[{'part': [0.1, 0.2, 0.30004, 1.0], 'text': 'Emi \"e\" 日本'}, {'part': [1.0, 0, 1.0, 1], 'text': 'x'}]"
    sql = f"""SELECT json_caption('a text', ['sky', 'night'], {elements}), bbox_caption({elements}),
        nl_caption(['waifu'], ['masterpiece'], ['1girl'], ['Emi'], ['Show'], [], ['red hair'], ['sword'], ['sky'],
        NULL)"""
    ((ideogram, bbox, nl),) = Database().sql(sql)
    assert list(json.loads(ideogram)) == ["high_level_description", "compositional_deconstruction"]
    first, second = json.loads(ideogram)["compositional_deconstruction"]["elements"]
    assert list(first.items()) == [("type", "obj"), ("bbox", [200, 100, 1000, 300]), ("desc", 'Emi "e" 日本')]
    assert second["bbox"] == [0, 1000, 1000, 1000] and "日本" in ideogram
    assert json.loads(bbox) == [
        {"label": 'Emi "e" 日本', "bbox": [0.1, 0.2, 0.3, 1.0]}
    ]  # a flat box is left out
    assert json.loads(nl) == {
        "meta": {"trigger": "waifu"},
        "tags": {
            "quality": ["masterpiece"], "count": "1girl", "character": "Emi", "series": "Show", "artist": "",
            "appearance": ["red hair"], "tags": ["sword"], "environment": ["sky"], "nl": "",
        },
    }  # fmt: skip


GROUPS = {
    "people": "1girl solo multiple_boys no_humans",
    "quality": "masterpiece best_quality score_9 lowres absurdres",
    "expression": "smile closed_eyes light_blush",
    "framing": "upper_body from_above dutch_angle blurry_background",
    "clothing": "school_uniform hair_ribbon hair_ornament black_hat eyewear light_blue_dress arm_warmers",
    "light": "sunlight backlighting rim_lighting dappled_sunlight lens_flare drop_shadow",
    "background": "simple_background outdoors rooftop blue_sky gradient_background",
    "eyes": "blue_eyes slit_pupils",
    "hair": "long_hair ponytail light_brown_hair hair_between_eyes",
    "pose": "standing sitting arms_up hand_on_own_hip looking_back crossed_arms on_back",
    "body": "cat_ears large_breasts navel dark_skin collarbone",
    "None": "sword car book traffic_light",
}


@pytest.mark.sql("macros/tag_groups.sql")
def test_the_groups_of_tags() -> None:
    tags = [tag for words in GROUPS.values() for tag in words.split()]
    found: dict[str, list[str]] = {}
    for tag, group in Database().sql(
        "SELECT tag, tag_group(tag) FROM (SELECT unnest($tags) AS tag)", {"tags": tags}
    ):
        found.setdefault(str(group), []).append(tag)
    assert {group: " ".join(names) for group, names in found.items()} == GROUPS
    one: Any = Database().sql(
        "SELECT groups_of('sunlight', 'general', map {'mine': ['sun*']}, ['light', 'mine', 'pose']),"
        " groups_of('x', 'artist', map {}, ['artist']),"
        " dropped_groups(0, 1, 'k', ['a', 'b'], map {'a': 1.0, 'b': 0.0}),"
        " quality_word(map {'best': 4.0, 'good': 3.0}, 4.5), quality_word(map {'best': 4.0}, 1)"
    )
    assert one == [(["light", "mine"], ["artist"], ["a"], "best", None)]

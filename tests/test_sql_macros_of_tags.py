"""The macros of sql/macros about tags, and about the words of captions."""

from __future__ import annotations

import pytest
from sqlrows import Database, vocabulary
from sqlvalues import NUMBER, value


@pytest.mark.sql("macros/caption_text.sql")
def test_the_words_of_a_caption_are_joined() -> None:
    assert value("split_names(' a, b,,c ')") == ["a", "b", "c"]
    assert value("in_words(['red_hair', 'saber_(fate)'], false, true)") == ["red hair", r"saber \(fate\)"]
    assert value("in_words(['red_hair'], true, false)") == ["red_hair"]
    assert value("joined(['a', '', 'b'], ' | ')") == "a | b"
    assert value("listed(['a'])") == "a"
    assert value("listed(['a', 'b', 'c'])") == "a, b and c"
    assert [value(f"counted({n}, 'girl')") for n in (0, 1, 3, 6)] == [
        None,
        "a girl",
        "three girls",
        "many girls",
    ]


@pytest.mark.sql("macros/caption_text.sql")
def test_the_separator_of_kohya_stands_before_one_part() -> None:
    texts = "MAP {'a': 'one', 'b': 'two', 'c': ''}"
    parts = "['a', 'b', 'c']"
    assert value(f"joined_parts({parts}, {texts}, {parts}, ', ', '', 'b')") == "one, two"
    assert value(f"joined_parts({parts}, {texts}, {parts}, ', ', '|||', 'b')") == "one ||| two"
    assert value(f"joined_parts(['b'], {texts}, {parts}, ', ', '|||', 'b')") == "two"


@pytest.mark.sql("macros/caption_text.sql")
def test_a_sentence_says_who_how_and_where_from() -> None:
    present = "['characters', 'tags', 'crop', 'copyright', 'artist', 'people']"
    who = "[], ['Fate'], 1, 0"
    looks = "['red hair'], ['hat'], ['sky'], []"
    found = value(f"sentence({present}, {who}, {looks}, 'face cropped', ['Show'], ['X'], NULL)")
    assert found == "Fate with red hair, wearing hat, sky, face cropped from Show by X."
    none = "[]::VARCHAR[]"
    found = value(
        f"sentence({present}, {none}, {none}, 2, 1, {none}, {none}, {none}, {none}, '', {none}, {none}, NULL)"
    )
    assert found == "two girls and a boy."


@pytest.mark.sql("macros/cast_names.sql")
def test_names_and_appearances_are_sorted_and_each_is_there_once() -> None:
    people = "[{'character': 'Fate', 'appearance': 'armour'}, {'character': 'Arf', 'appearance': NULL},"
    people += " {'character': 'Fate', 'appearance': 'armour'}]"
    assert value(f"names_of({people})") == ["Arf", "Fate"]
    assert value(f"appearances_of({people})") == ["armour"]
    assert value(f"named_in_full({people})") == ["Arf", "Fate armour"]
    tags = "[{'tag': 'a', 'score': 0.5, 'counts': true}, {'tag': 'b', 'score': 0.9, 'counts': false}]"
    assert value(f"names_of_tags({tags}, NULL)") == ["a"]
    assert value(f"names_of_tags({tags}, 0.6)") == ["b"]


@pytest.mark.sql("macros/first_of_each.sql")
def test_of_equal_entries_the_first_stays_in_its_order() -> None:
    assert value("first_of_each(['b', 'a', 'b', 'c', 'a'])") == ["b", "a", "c"]


@pytest.mark.sql("macros/cast_names.sql")
def test_names_of_a_picture_that_somebody_has_already_are_left_out_in_either_form() -> None:
    people = "[{'character': 'aoba kokona', 'appearance': 'hat'}]"
    assert value(f"also_there({people}, ['aoba_kokona', 'Orin', 'Orin'])") == [
        {"character": "Orin", "appearance": None}
    ]


@pytest.mark.sql("macros/corrected_tags.sql")
@pytest.mark.sql("macros/corrected_scores.sql")
def test_added_tags_come_first_and_removed_ones_go() -> None:
    assert value("corrected_tags([1, 2, 3], [9], [9, 2])") == [9, 1, 3]
    assert value("corrected_scores([900, 800, 700]::SMALLINT[], [1, 2, 3], [9], [9, 2])") == [1000, 900, 700]
    assert value("corrected_tags([1, 2], NULL, NULL)") == [1, 2]
    assert value("corrected_scores([90, 80]::SMALLINT[], [1, 2], NULL, NULL)") == [90, 80]


@pytest.mark.sql("macros/crop_tags.sql")
def test_a_crop_counts_its_own_people_and_has_no_tags_of_framing() -> None:
    def tags(*names: str) -> str:
        structs = (
            f"{{'tag': '{name}', 'category': 'general', 'score': 0.9, 'counts': true}}" for name in names
        )
        return f"[{', '.join(structs)}]"

    def names(expression: str) -> list[str]:
        found: list[str] = value(f"list_transform({expression}, lambda t: t.tag)")
        return found

    girls = tags("2girls", "full_body", "smile")
    assert names(f"crop_tags({girls}, 2, 2)") == ["2girls", "smile"]
    assert names(f"crop_tags({girls}, 1, 2)") == ["1girl", "solo", "smile"]
    assert names(f"crop_tags({girls}, 0, 2)") == ["smile"]
    assert names(f"crop_tags({tags('1girl', '1boy')}, 1, 2)") == ["solo"]
    assert (
        value("crop_tags(NULL::STRUCT(tag VARCHAR, category VARCHAR, score DOUBLE, counts BOOLEAN)[], 1, 2)")
        is None
    )
    own = tags("solo", "red_hair", "portrait")
    assert names(f"person_crop_tags({own}, {girls}, 1, 2)") == ["solo", "red_hair"]
    assert names(f"person_crop_tags({own}, {girls}, 2, 2)") == ["2girls", "red_hair"]
    assert names(f"person_crop_tags(NULL, {girls}, 2, 2)") == ["2girls", "smile"]
    assert value("people_tags(3, 'boy')") == ["3boys", "multiple_boys"]
    assert value("only_kind_of(['1girl', '1other'])") is None
    assert value("only_kind_of(['multiple_boys'])") == "boy"


@pytest.mark.sql("macros/expression_tags.sql")
def test_tags_of_expressions_and_of_settings() -> None:
    assert [value(f"is_expression_tag('{tag}')") for tag in ("smile", "red_hair", "night")] == [
        True,
        False,
        False,
    ]
    assert [value(f"is_setting_tag('{tag}')") for tag in ("smile", "classroom", "night")] == [
        False,
        True,
        True,
    ]


@pytest.mark.sql("macros/has_tag.sql")
@pytest.mark.sql("macros/tag_id.sql")
def test_a_tag_is_found_among_numbers_and_among_words() -> None:
    assert value("tag_id('red hair')") == NUMBER["red_hair"]
    assert value("tag_id('nobody_knows_it')") == 0
    assert value("has_tag([#smile, #red_hair], 'red hair')") is True
    assert value("has_tag([#smile], 'nobody_knows_it')") is False
    assert value("has_tag(['smile', 'red_hair'], 'red hair')") is True
    assert value("has_tag(NULL::INTEGER[], 'smile')") is None


@pytest.mark.sql("macros/has_all.sql")
def test_all_tags_of_a_list_are_there() -> None:
    assert value("has_all([#smile, #red_hair], ['smile', 'red_hair'])") is True
    assert value("has_all([#smile], ['smile', 'red_hair'])") is False
    assert value("has_all([#smile], []::VARCHAR[])") is True
    nine = "['smile', 'smile', 'smile', 'smile', 'smile', 'smile', 'smile', 'smile', 'red_hair']"
    assert value(f"has_all([#smile], {nine})") is False
    with pytest.raises(Exception, match="at most 16"):
        value("has_all([#smile], list_transform(range(17), lambda i: 'smile'))")


@pytest.mark.sql("macros/has_any.sql")
def test_one_tag_of_a_list_is_there() -> None:
    assert value("has_any([#smile], ['smile', 'red_hair'])") is True
    assert value("has_any([#smile], ['1girl', 'red_hair'])") is False
    assert value("has_any([#smile], []::VARCHAR[])") is False
    nine = "['1girl', '1girl', '1girl', '1girl', '1girl', '1girl', '1girl', '1girl', 'smile']"
    assert value(f"has_any([#smile], {nine})") is True
    with pytest.raises(Exception, match="at most 16"):
        value("has_any([#smile], list_transform(range(17), lambda i: 'smile'))")


@pytest.mark.sql("macros/people.sql")
def test_people_are_counted_by_the_counting_tags() -> None:
    assert value("n_girls([#6+girls])") == 6
    assert value("n_girls([#2girls, #1girl])") == 2
    assert value("n_boys([#multiple_boys])") == 2
    assert value("n_people([#1girl, #1boy])") == 2
    assert value("n_people(NULL::INTEGER[])") is None


@pytest.mark.sql("macros/framing.sql")
def test_the_framing_is_that_of_the_tags_else_of_the_face() -> None:
    known = Database(vocabulary=vocabulary("portrait", "full_body", "very_wide_shot", "smile"))
    rows = known.sql(
        "SELECT framing(tags::INTEGER[], height) FROM (VALUES ([2, 1]::INTEGER[], 0.1), ([2], 0.9), ([3], NULL),"
        " ([4], 0.6), ([4], 0.33), (NULL, 0.2), ([], 0.13), ([4], 0.05), ([4], 0.01), ([4], NULL)) AS t(tags, height)"
    )
    assert [row[0] for row in rows] == [
        "portrait", "full_body", "wide_shot", "close-up", "portrait", "upper_body", "cowboy_shot", "full_body",
        "wide_shot", None,
    ]  # fmt: skip
    heights = known.sql(
        "SELECT face_height(kind, 0.25, 0.75)::DOUBLE FROM unnest(['face', 'head', 'person']) AS t(kind)"
    )
    assert [row[0] for row in heights] == [0.5, pytest.approx(0.3), None]


@pytest.mark.sql("macros/reaches.sql")
def test_a_tag_reaches_a_threshold_or_counts_as_its_tagger_decided() -> None:
    assert value("reaches(0.35::FLOAT, NULL, 0.35)") is True
    assert value("reaches(0.9, false, NULL)") is False
    assert value("reaches(0.2, true, NULL)") is True
    assert value("reaches(0.2, NULL, NULL)") is False
    assert value("tags_at([1, 2], [900, 200], [1, 2], NULL)") == [1, 2]
    assert value("tags_at([1, 2], [900, 200], [1, 2], 0.5)") == [1]


@pytest.mark.sql("macros/sure.sql")
@pytest.mark.sql("macros/tag_score.sql")
def test_stored_scores_are_asked_below_the_threshold() -> None:
    scores = "{'tag_ids': [#smile, #red_hair], 'scores': [900::SMALLINT, 200::SMALLINT]}"
    assert value(f"sure({scores}, 0.5)") == [NUMBER["smile"]]
    assert value(f"sure({scores}, 0.2)") == [NUMBER["smile"], NUMBER["red_hair"]]
    assert value(f"tag_score({scores}, 'red_hair')") == pytest.approx(0.2)
    assert value(f"tag_score({scores}, '1girl')") == 0
    assert value("tag_score({'tag_ids': NULL::INTEGER[], 'scores': NULL::SMALLINT[]}, 'smile')") is None
    with pytest.raises(Exception, match="sure\\(\\) takes the column all_scores"):
        value("sure([1], [2], 0.5)")
    with pytest.raises(Exception, match="tag_score\\(\\) takes the column all_scores"):
        value("tag_score([1], [2], 'smile')")


@pytest.mark.sql("macros/tag_kinds.sql")
def test_what_a_tag_is_about() -> None:
    kinds = ("people", "hair", "eye", "eye_color", "trait", "outfit")
    wanted = {
        "multiple_girls": "people",
        "twintails": "hair",
        "closed_eyes": "eye",
        "red_eyes": "eye eye_color",
        "cat_ears": "trait",
        "school_uniform": "outfit",
        "armor": "outfit",
        "sky": "",
    }
    for tag, about in wanted.items():
        assert " ".join(k for k in kinds if value(f"is_{k}_tag('{tag}')")) == about, tag


@pytest.mark.sql("macros/tag_structs.sql")
def test_the_tags_of_a_frame_as_structs_best_first() -> None:
    found = value(
        "tag_structs({'tag_ids': [#smile, #1girl, #red_hair], 'scores': [200, 900, 900]}, [#1girl])"
    )
    assert found == [
        {"tag": "1girl", "category": "general", "score": 0.9, "counts": True},
        {"tag": "red_hair", "category": "general", "score": 0.9, "counts": False},
        {"tag": "smile", "category": "general", "score": 0.2, "counts": False},
    ]


@pytest.mark.sql("macros/tag_words.sql")
def test_tags_as_captions_write_them_and_lists_that_name_tags() -> None:
    assert [value(f"spoken_tag('{tag}')") for tag in ("red_hair", "^_^", "o_o", "a_b")] == [
        "red hair",
        "^_^",
        "o_o",
        "a_b",
    ]
    assert value("escaped('saber_(fate)')") == r"saber_\(fate\)"
    assert value("unescaped(escaped('saber_(fate)'))") == "saber_(fate)"
    assert value("list_sort(implied_tags('very_long_hair'))") == [
        "hair",
        "long",
        "long_hair",
        "very",
        "very_long",
    ]
    assert value("implied_tags('hair')") == []
    assert value("is_listed('blue_background', ['*_background'])") is True
    assert value("is_listed('red_hair', ['red hair'])") is True
    assert value("is_listed('red_hair', ['hair'])") is False

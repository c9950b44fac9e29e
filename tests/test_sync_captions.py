"""Which edits of a caption are labels: tags that came or went, and nothing else."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animeds_db.export.pictures.picture import Picture
from animeds_db.steps.labels.changes import Word
from animeds_db.sync.captions import Ours, diff, edited
from animeds_db.sync.facts import Facts
from animeds_db.sync.places import Change
from animeds_db.tagtext import key, keyed, tag_of

TAG = st.text("abcxyz0123456789_()'!?:^.-", min_size=1, max_size=12).filter(lambda t: key(t) and t.strip("_"))
TAGS = st.lists(TAG, max_size=8, unique_by=key)
VOCABULARY = {
    key(t): t for t in ("1girl", "red_hair", "smile", "nanoha_(series)", "^_^", "o_o", "solo", "Hat")
}


def picture(crop: tuple[float, float, float, float] | None = None) -> Picture:
    return Picture("a.png", None, "f", "s", 0, 0, 0, None, "", crop, 1)


def changes(
    before: str | None, now: str | None, *, ours: Ours | None = None, crop: bool = False, people: str = ""
) -> list[Change]:
    borne = {key(t): (t, t in people) for t in ("1girl", "red_hair", "smile", "nanoha_(series)", "solo")}
    facts = Facts({}, {"f": borne}, VOCABULARY, frozenset({"1girl", "solo"}))
    one = picture((0, 0, 0.5, 0.5) if crop else None)
    return list(edited(one, before, now, facts, ours or Ours(frozenset({"waifu"}), frozenset({"fate"}))))


def said(before: str | None, now: str | None, **more: Any) -> set[tuple[str, str | None]]:
    words = [word for change in changes(before, now, **more) for word in change.words]
    assert all(isinstance(word, Word) and (word.frame_id, word.field) == ("f", "tag") for word in words)
    return {(word.op, word.value) for word in words}


@given(TAGS, st.booleans())
def test_a_caption_that_the_export_wrote_says_nothing_new(tags: list[str], underscores: bool) -> None:
    text = ", ".join(["waifu", *(tag if underscores else tag.replace("_", " ") for tag in tags)])
    assert set(keyed(text)) == {"waifu", *(key(t) for t in tags)}
    assert (diff(text, text).added, diff(text, text).removed) == ((), ())


@given(TAGS, st.randoms())
def test_order_spelling_and_escapes_are_no_change(tags: list[str], random: Random) -> None:
    shuffled = random.sample(tags, len(tags))
    spoken = [t.replace("_", " ").replace("(", "\\(").replace(")", "\\)").upper() for t in shuffled]
    change = diff(", ".join(tags), " ,".join(spoken) + "\n")
    assert (change.added, change.removed) == ((), ())


@given(TAGS, TAGS)
def test_what_was_added_and_removed_makes_the_new_caption_of_the_old(old: list[str], new: list[str]) -> None:
    change = diff(", ".join(old), ", ".join(new))
    keys = ({key(t) for t in old} - {key(t) for t in change.removed}) | {key(t) for t in change.added}
    assert keys == {key(t) for t in new}


@given(TAG)
def test_a_new_tag_is_stored_with_underscores(tag: str) -> None:
    assert key(tag_of(tag.replace("_", " "))) == key(tag)
    assert " " not in tag_of(tag.replace("_", " "))


def test_tags_that_came_and_went_are_labels() -> None:
    before = "waifu, 1girl, red hair, smile"
    assert said(before, "waifu, hat, red hair, new thing, 1girl") == {
        ("add", "Hat"),
        ("add", "new_thing"),
        ("remove", "smile"),
    }


def test_escaped_brackets_and_underscores_are_the_same_tag() -> None:
    assert said("nanoha \\(series\\), red hair", "red_hair, nanoha_(series)") == set()
    assert said("nanoha \\(series\\), red hair", "red_hair") == {("remove", "nanoha_(series)")}


def test_several_captions_are_read_together() -> None:
    assert said("1girl, smile\nsmile, 1girl", "1girl\nsmile, 1girl") == set()
    assert said("1girl, smile\nsmile, 1girl", "1girl\n1girl") == {("remove", "smile")}


def test_separators_of_kohya_are_no_part_of_a_tag() -> None:
    assert said("waifu ||| 1girl, smile", "waifu, 1girl, smile") == set()


def test_what_the_export_puts_in_is_no_tag() -> None:
    told = changes("waifu, 1girl, 2people, fhmd fvmt, smile", "1girl, smile, fate, 3people")
    assert {change.what for change in told} == {"left alone"}
    assert {change.before for change in told} == {
        "- waifu",
        "- 2people",
        "- fhmd fvmt",
        "+ fate",
        "+ 3people",
    }


def test_an_activation_tag_that_is_also_a_tag_stays_an_activation_tag() -> None:
    ours = Ours(frozenset({"red_hair"}))
    assert said("red hair, 1girl", "1girl", ours=ours) == set()


def test_a_sentence_is_left_alone_and_told() -> None:
    before = "A girl with red hair stands in the rain, smiling."
    told = changes(before, "A girl with red hair stands in the sun, laughing.")
    assert {change.what for change in told} == {"left alone"}
    assert len(told) == 4
    added = changes("1girl, red hair", "1girl, red hair, a girl who waits for the last train home")
    assert [(c.what, c.after) for c in added] == [("left alone", "it is a sentence, not a tag")]


def test_a_tag_in_a_sentence_still_counts() -> None:
    assert said("A girl who looks at you, smile", "A girl who looks at you") == {("remove", "smile")}


@pytest.mark.parametrize("now", ["1girl, red hair, smile", ""])
def test_a_caption_where_none_was_exported_adds_what_it_holds(now: str) -> None:
    assert said(None, now) == {("add", tag) for tag in ("1girl", "red_hair", "smile") if now}


def test_what_people_added_already_is_not_said_again() -> None:
    assert said("1girl", "1girl, smile", people="smile") == set()
    assert said("1girl", "1girl, smile") == {("add", "smile")}


def test_a_deleted_caption_says_nothing_about_tags() -> None:
    (told,) = changes("1girl", None)
    assert told.what == "left alone"


def test_of_a_crop_the_tags_that_count_people_are_computed() -> None:
    assert said("1girl, solo, smile", "smile", crop=True) == set()
    assert said("1girl, solo, smile", "smile") == {("remove", "1girl"), ("remove", "solo")}

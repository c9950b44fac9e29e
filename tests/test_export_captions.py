"""Captions: activation tag, then tags from the best score down."""

from __future__ import annotations

from animeds_db.export.captions import KAOMOJI, CaptionStyle, Tag, caption

TAGS = [
    Tag("red_hair", "general", 0.9),
    Tag("1girl", "general", 0.99),
    Tag("takamachi_nanoha", "character", 0.95),
    Tag("mahou_shoujo_lyrical_nanoha", "copyright", 0.9),
    Tag("sensitive", "rating", 0.8),
    Tag("smile", "general", 0.34),
    Tag("long_hair", "general", 0.35),
]


def test_the_activation_tag_stands_first_and_general_tags_follow_by_score() -> None:
    assert caption(TAGS, CaptionStyle("waifu")) == "waifu, 1girl, red hair, long hair"


def test_character_tags_appear_when_they_are_kept() -> None:
    kept = caption(TAGS, CaptionStyle("waifu", keep_character_tags=True))
    assert kept == "waifu, 1girl, takamachi nanoha, red hair, long hair"


def test_an_activation_tag_that_is_a_booru_tag_is_written_once() -> None:
    style = CaptionStyle("takamachi_nanoha", keep_character_tags=True)
    assert caption(TAGS, style).startswith("takamachi nanoha, 1girl, red hair")
    assert caption(TAGS, style).count("nanoha") == 1


def test_several_activation_tags_are_parted_by_commas() -> None:
    assert caption([], CaptionStyle("waifu , my_style,")) == "waifu, my style"


def test_the_threshold_holds_for_scores_that_were_float32() -> None:
    import numpy as np

    just = float(np.float32(0.35))
    assert just < 0.35
    assert caption([Tag("1girl", "general", just)], CaptionStyle()) == "1girl"
    assert caption([Tag("1girl", "general", 0.34)], CaptionStyle()) == ""


def test_little_faces_and_short_tags_keep_their_underscores() -> None:
    faces = [Tag(face, "general", 0.5) for face in sorted(KAOMOJI)]
    assert set(caption(faces, CaptionStyle()).split(", ")) == KAOMOJI
    assert len(KAOMOJI) == 19
    assert (
        caption([Tag(":_;", "general", 0.5), Tag("long_hair", "general", 0.5)], CaptionStyle())
        == ":_;, long hair"
    )


def test_underscores_stay_when_asked_for() -> None:
    assert caption(TAGS, CaptionStyle("my_waifu", keep_underscores=True)).startswith(
        "my_waifu, 1girl, red_hair"
    )


def test_equal_scores_come_in_alphabetical_order() -> None:
    tags = [Tag(name, "general", 0.5) for name in ("zebra", "apple", "mango")]
    assert caption(tags, CaptionStyle()) == caption(tags[::-1], CaptionStyle()) == "apple, mango, zebra"

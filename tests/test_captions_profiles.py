"""What each shipped profile writes, word for word; and profiles of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from captioned import LEFT, RIGHT, SOURCE, TAGS, captioned_store, captions_of

from animeds_db.captions import STYLE, CaptionProfile, load_profile, profile_names
from animeds_db.errors import UsageError
from animeds_db.session import Session

TWO = [("2girls", "general", 97), ("multiple_girls", "general", 96), ("outdoors", "general", 50)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    nanoha, fate = ("Nanoha", "Hairdown", LEFT), ("Fate", None, RIGHT)
    store = captioned_store(
        tmp_path_factory.mktemp("db"),
        [TAGS, TWO, []],
        {0: [nanoha], 1: [nanoha, fate, ("unknown", None, (0.4, 0.4, 0.5, 0.5))]},
        rating=["explicit", "general", None],
    )
    session = Session(store)
    yield session
    session.close()


def written(session: Session, profile: CaptionProfile, number: int = 0, **picture: object) -> str:
    row = {"picture": 1, "frame_id": f"{SOURCE}-00000{number}000", **picture}
    return captions_of(session, [row], profile)[1][0]


GOLDEN = {
    "seed-guide": [
        "my waifu, long hair, 1girl, solo, red hair, blue eyes, school uniform, hair, smile, ^_^, parody",
        "my waifu, 2girls, multiple girls, outdoors",
        "my waifu",
    ],
    "kohya": [
        "my waifu, Nanoha Hairdown ||| 1girl, solo, long hair, red hair, blue eyes, school uniform, hair, smile, "
        "^_^, parody",
        "my waifu, Nanoha Hairdown, Fate ||| 2girls, multiple girls, outdoors",
        "my waifu",
    ],
    "anime2sd": [
        "Nanoha Hairdown, anime screencap, explicit, 1girl, solo, long hair, red hair, blue eyes, school uniform, "
        "smile, ^_^",
        "Nanoha Hairdown, Fate, anime screencap, 2girls, multiple girls, outdoors",
        "anime screencap",
    ],
    "anima": [
        "explicit, 1girl, solo, my waifu, Nanoha Hairdown, lyrical nanoha, someone (artist), long hair, red hair, "
        "blue eyes, school uniform, smile, ^_^, parody",
        "safe, 2girls, multiple girls, my waifu, Nanoha Hairdown, Fate, My Show, outdoors",
        "my waifu, My Show",
    ],
    "booru": [
        "1girl, solo, my_waifu, Nanoha_Hairdown, lyrical_nanoha, someone_(artist), long_hair, red_hair, blue_eyes, "
        "school_uniform, hair, smile, ^_^, parody",
        "2girls, multiple_girls, my_waifu, Nanoha_Hairdown, Fate, My Show, outdoors",
        "my_waifu, My Show",
    ],
    "natural": [
        "my waifu, Nanoha Hairdown with long hair, red hair and blue eyes, wearing school uniform, smile, ^_^, "
        "parody, from lyrical nanoha.",
        "my waifu, Nanoha Hairdown and Fate, outdoors, from My Show.",
        "my waifu, from My Show.",
    ],
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_shipped_profile_writes_exactly_this(session: Session, name: str) -> None:
    profile = replace(load_profile(name), activation_tag="my_waifu")
    pictures = [{"picture": n, "frame_id": f"{SOURCE}-00000{n}000"} for n in range(3)]
    found = captions_of(session, pictures, profile)
    assert [found[n] for n in range(3)] == [[caption] for caption in GOLDEN[name]]


def test_the_screenshot_pipeline_shuffles_all_but_people_and_stops_at_fifteen_tags(session: Session) -> None:
    profile = replace(
        load_profile("screenshot-pipeline"), probability={"copyright": 0, "faces": 0}, max_tags=5
    )
    parts = written(session, profile).split(", ")
    assert parts[:4] == ["1person", "Nanoha Hairdown", "aniscreen", "by someone (artist)"]
    assert parts[4:7] == ["explicit", "1girl", "solo"] and len(parts) == 10
    assert written(session, replace(profile, sort="score")).split(", ")[7:] == [
        "long hair",
        "red hair",
        "blue eyes",
    ]


def test_every_part_has_its_words_in_the_order_of_the_profile(session: Session) -> None:
    profile = CaptionProfile(
        parts=(
            "crop",
            "faces",
            "copyright",
            "people",
            "rating",
            "image_type",
            "general",
            "artist",
            "characters",
        ),
        general_text="aniscreen",
    )
    crop = {"crop": [0.5, 0.0, 1.0, 1.0], "crop_kind": "face"}
    assert written(session, profile, 1, **crop) == (
        "face cropped, fhmd fvmd, from My Show, 2people, screenshot, aniscreen, Fate"
    )
    both = written(session, replace(profile, parts=("faces",)), 1)
    assert both == "fhml fvmt fhmd fvmd fhmr fvmd"
    assert written(session, replace(profile, parts=("faces",), face_words="plain"), 1) == (
        "at left, in the middle, at right"
    )


def test_hair_eyes_outfit_and_core_tags_can_be_left_out(session: Session) -> None:
    left = replace(load_profile("seed-guide"), leave_out=("hair", "eyes", "outfit"))
    assert written(session, left) == "1girl, solo, smile, ^_^, parody"
    core = CaptionProfile(core_tags={"Nanoha": ("red hair", "blue_eyes"), "Fate": ("smile",)})
    assert written(session, core) == "long hair, 1girl, solo, school uniform, hair, smile, ^_^, parody"


def test_listed_overlaps_and_shorter_tags_are_pruned(session: Session) -> None:
    listed = CaptionProfile(
        overlapping={"1girl": ("solo",), "smile": ("absent",), "red_hair": ("long hair",)}
    )
    assert written(session, listed).startswith("long hair, 1girl, solo, blue eyes")  # people tags always stay
    assert ", hair," not in written(session, CaptionProfile(prune_overlaps=True))


def test_character_tags_name_who_no_face_names(session: Session) -> None:
    profile = CaptionProfile(parts=("characters",), characters_from_tags=True)
    tags = [{"tag": "saber_(fate)", "category": "character", "score": 0.8}]
    crop = {"crop": [0.0, 0.9, 0.1, 1.0], "picture_tags": tags}
    assert written(session, profile, 0, **crop) == "saber (fate)"
    assert written(session, replace(profile, characters_from_tags=False), 0, **crop) == ""


def test_anime2sd_never_writes_the_taggers_own_characters(session: Session) -> None:
    tags = [{"tag": f"name_{n}_(show)", "category": "character", "score": 0.99} for n in range(900)]
    crop = {"crop": [0.0, 0.9, 0.1, 1.0], "picture_tags": tags}
    assert written(session, load_profile("anime2sd"), 0, **crop) == "anime screencap, explicit"


def test_thresholds_hold_per_category(session: Session) -> None:
    profile = CaptionProfile(
        categories=("general", "character"), thresholds={"general": 0.95, "character": 0.9}
    )
    assert written(session, profile) == "long hair, 1girl, solo, takamachi nanoha"


def test_activation_tags_are_parted_by_commas_and_not_said_twice(session: Session) -> None:
    profile = CaptionProfile(activation_tag="takamachi_nanoha , my_style,", categories=("character",))
    assert written(session, profile) == "takamachi nanoha, my style"


def test_scores_that_were_float32_and_little_faces(session: Session) -> None:
    just = float(np.float32(0.35))
    assert just < 0.35
    tags = [("zebra_x", just), ("o_o", 0.5), ("<|>_<|>", 0.5), (":_;", 0.5), ("apple_y", just), ("low", 0.34)]
    listed = [{"tag": tag, "category": "general", "score": score} for tag, score in tags]
    crop: dict[str, Any] = {"crop": [0.0, 0.0, 1.0, 0.9], "picture_tags": listed}
    assert written(session, CaptionProfile(), **crop) == ":_;, <|>_<|>, o_o, apple y, zebra x"


def test_a_tag_with_brackets_keeps_its_underscores_or_not(session: Session) -> None:
    profile = CaptionProfile(parts=("artist",), escape_brackets=True)
    assert written(session, profile) == r"by someone \(artist\)"
    assert written(session, replace(profile, underscores=True)) == r"by someone_\(artist\)"


def test_default_style_is_the_profile_seed_guide(session: Session) -> None:
    style = session.arrow("FROM default_style")
    assert style.column_names == STYLE.names
    assert style.cast(STYLE).to_pylist() == load_profile("seed-guide").table().to_pylist()
    assert load_profile("seed-guide") == CaptionProfile()


def test_the_view_captions_and_the_macro_caption_agree(session: Session) -> None:
    view = dict(session.sql("SELECT frame_id, caption FROM captions").fetchall())
    made = session.sql("FROM caption('frames')")
    assert {"frame_id", "episode", "caption"} <= set(made.columns)
    assert dict(made.select("frame_id, caption").fetchall()) == view
    assert view[f"{SOURCE}-000002000"] == ""


def test_a_profile_like_another_changes_single_keys_of_its_tables(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('like = "anime2sd"\n[probability]\nartist = 1\n[image_types]\nfanart = "fan art"\n')
    profile = load_profile(file)
    assert profile.probability == {"people": 0, "copyright": 0, "artist": 1}
    assert profile.image_types == {"screenshot": "anime screencap", "fanart": "fan art"}


def test_a_file_of_ones_own_says_only_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('like = "kohya"\nmax_tags = 7\n[probability]\ntags = 0.5\n')
    assert load_profile(file) == replace(load_profile("kohya"), max_tags=7, probability={"tags": 0.5})
    assert set(GOLDEN) < set(profile_names())


def test_flags_change_what_a_profile_says_and_leave_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'activation_tag = "style"\ncategories = ["general", "artist"]\n[thresholds]\ngeneral = 0.9\n'
    )
    mine = load_profile(file)
    assert mine.with_flags() == mine
    flagged = mine.with_flags(
        activation_tag="waifu", threshold=0.4, character_tags=True, underscores=True, seed=3
    )
    assert (
        flagged.categories == ("general", "artist", "character") and flagged.underscores and flagged.seed == 3
    )
    assert flagged.activation_tag == "waifu" and set(flagged.thresholds.values()) == {0.4}
    assert mine.with_flags(activation_tag="").activation_tag == ""
    with pytest.raises(UsageError, match=r"thresholds\.general is 2\. It must be between 0 and 1"):
        mine.with_flags(threshold=2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('sort = "shuffel"', '"shuffel" is not a valid value of sort'),
        ("max_tag = 3", "max_tag is not a setting"),
        ("max_tag = 3", "known: activation_tag, blacklist"),
        ('max_tags = "3"', "max_tags is '3'. It must be a whole number"),
        (f"seed = {1 << 63}", "It must be a whole number"),
        ("parts = 'tags'", "must be a list of texts"),
        ("probability = 0.5", "probability is 0.5. It must be a table of numbers"),
        ("[probability]\ntags = 1.5", "probability.tags is 1.5. It must be between 0 and 1"),
        ("[probability]\ntags = 'often'", "probability.tags is 'often'. It must be a number"),
        ("[probability]\nnobody = 1", "probability.nobody is not a setting"),
        ("[probability]\nnobody = 1", "known: activation, artist"),
        ("[overlapping]\n1girl = 'solo'", "overlapping.1girl is 'solo'. It must be a list of texts"),
        ('like = "koya"', 'no caption profile "koya"'),
        ("parts = [", "not valid TOML"),
        ('keep_tokens_separator = "|||"\nkeep_tokens_before = "faces"', "not one of the profile's parts"),
        ('outer_separator = "\\n"', "line break"),
        ("variants = 0", "between 1 and 1000"),
    ],
)
def test_a_bad_profile_names_its_file_and_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_profile(file)
    assert told in str(caught.value) and "mine.toml" in str(caught.value)


def test_a_profile_that_is_not_there_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kohay") as caught:
        load_profile("kohay")
    assert "kohya" in str(caught.value.hint)
    with pytest.raises(UsageError, match="cannot be read"):
        load_profile(tmp_path / "nowhere.toml")

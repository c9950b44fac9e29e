"""What holds for every caption, whatever the tags and the profile: tried on made-up pictures, many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from captioned import LEFT, SOURCE, TAGS, captioned_store, captions_of, pictures_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from animeds_db.captions import CaptionProfile
from animeds_db.session import Session

FEW = settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = [
    "1girl",
    "solo",
    "2boys",
    "hair",
    "long_hair",
    "very_long_hair",
    "red_hair",
    "smile",
    "^_^",
    "o_o",
    "hat",
]
WORDS += ["saber_(fate)", "\\m/", "blue_sky", "sky", "simple_background", "parody", "looking_at_viewer", ":d"]
TAG = st.fixed_dictionaries(
    {
        "tag": st.sampled_from(WORDS),
        "category": st.sampled_from(["general", "general", "general", "character", "rating"]),
        "score": st.integers(10, 100).map(lambda per_cent: per_cent / 100),
    }
)
PICTURES = st.lists(st.lists(TAG, max_size=12), min_size=1, max_size=25)
PROFILES = st.builds(
    CaptionProfile,
    activation_tag=st.sampled_from(["", "waifu", "red_hair, my style"]),
    people_first=st.booleans(),
    sort=st.sampled_from(["score", "original", "shuffle"]),
    max_tags=st.integers(0, 6),
    leave_out=st.sampled_from([(), ("hair",), ("hair", "eyes", "outfit")]),
    prune_overlaps=st.booleans(),
    underscores=st.booleans(),
    keep_tokens_separator=st.sampled_from(["", "|||"]),
    variants=st.integers(1, 3),
    seed=st.integers(0, 9),
    blacklist=st.sampled_from([(), ("parody",), ("*_background", "looking at viewer")]),
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    faces = {0: [("Nanoha", None, LEFT)]}
    session = Session(captioned_store(tmp_path_factory.mktemp("db"), [TAGS, TAGS], faces))
    yield session
    session.close()


def pictures_of(lists: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {"picture": i, "frame_id": f"bbbbbbbb-{i:09d}", "picture_tags": list(tags)}
        for i, tags in enumerate(lists)
    ]


@FEW
@given(PICTURES, PROFILES)
def test_rules_hold_for_every_caption(
    session: Session, lists: list[list[dict[str, Any]]], profile: CaptionProfile
) -> None:
    found = captions_of(session, pictures_of(lists), profile)
    first = [name.strip() if profile.underscores else name.strip().replace("_", " ")
             for name in profile.activation_tag.split(",") if name]  # fmt: skip
    spelled = {
        word if profile.underscores or len(word) <= 3 else word.replace("_", " "): word for word in WORDS
    }
    for number, tags in enumerate(lists):
        assert len(found[number]) == profile.variants
        known = {t["tag"] for t in tags if t["category"] == "general" and t["score"] >= 0.35}
        for caption in found[number]:
            assert "\n" not in caption
            words = [word for part in caption.split(" ||| ") for word in part.split(", ") if word]
            assert words[: len(first)] == first  # what is kept stands first
            said = [spelled[word] for word in words[len(first) :]]
            assert len(set(words)) == len(words)
            assert set(said) <= known
            assert profile.max_tags == 0 or len(said) <= profile.max_tags
            assert not set(said) & ({"parody"} if "parody" in profile.blacklist else set())
            if "*_background" in profile.blacklist:
                assert not {"simple_background", "looking_at_viewer"} & set(said)
            if "hair" in profile.leave_out:
                assert not [tag for tag in said if "hair" in tag]
            if profile.prune_overlaps:
                assert not ("hair" in said and {"long_hair", "red_hair"} & set(said))
            if profile.people_first:
                places = [tag in ("1girl", "solo", "2boys") for tag in said]
                assert places == sorted(places, reverse=True)
            if profile.keep_tokens_separator:
                assert ("|||" in caption) == bool(first and said)


@FEW
@given(PICTURES, PROFILES)
def test_tags_are_in_the_order_that_python_gives_them(
    session: Session, lists: list[list[dict[str, Any]]], profile: CaptionProfile
) -> None:
    profile = replace(
        profile, sort="original" if profile.sort == "original" else "score", variants=1, prune_overlaps=False,
        leave_out=(), blacklist=(), activation_tag="", underscores=True, keep_tokens_separator="",
    )  # fmt: skip
    found = captions_of(session, pictures_of(lists), profile)
    simple = session.step(
        "SELECT picture, caption FROM listed_captions('pictures', 'mine')",
        {"pictures": pictures_table(pictures_of(lists)), "mine": profile.table()},
    )
    assert {row["picture"]: [row["caption"]] for row in simple.to_pylist()} == found
    for number, tags in enumerate(lists):
        said = [
            (t, place) for place, t in enumerate(tags) if t["category"] == "general" and t["score"] >= 0.35
        ]
        said.sort(
            key=lambda one: (
                profile.people_first and one[0]["tag"] not in ("1girl", "solo", "2boys"),
                one[1] if profile.sort == "original" else 0,
                -one[0]["score"],
                one[0]["tag"].encode(),
            )
        )
        names = list(dict.fromkeys(t["tag"] for t, _ in said))
        assert found[number] == [", ".join(names[: profile.max_tags or None])]


@FEW
@given(PICTURES, PROFILES, st.randoms(use_true_random=False))
def test_same_seed_same_captions_in_any_order_and_company(
    session: Session, lists: list[list[dict[str, Any]]], profile: CaptionProfile, random: Any
) -> None:
    profile = replace(profile, probability={"activation": 0.5, "tags": 0.7}, dropout=0.2, sort="shuffle")
    pictures = pictures_of(lists)
    found = captions_of(session, pictures, profile)
    random.shuffle(pictures)
    some = pictures[: 1 + len(pictures) // 2]
    assert captions_of(session, some, profile) == {p["picture"]: found[p["picture"]] for p in some}
    longer = captions_of(session, pictures, replace(profile, variants=profile.variants + 1))
    assert {picture: lines[:-1] for picture, lines in longer.items()} == found


def test_captions_are_these_very_bytes_on_every_machine(session: Session) -> None:
    profile = CaptionProfile(sort="shuffle", seed=7, max_tags=4, variants=2)
    lines = captions_of(session, [{"picture": 1, "frame_id": f"{SOURCE}-000000000"}], profile)[1]
    assert lines == ["1girl, smile, blue eyes, parody", "school uniform, solo, hair, smile"]
    other = captions_of(
        session, [{"picture": 1, "frame_id": f"{SOURCE}-000000000"}], replace(profile, seed=8)
    )[1]
    assert other != lines


def test_parts_are_there_as_often_as_their_probability_says(session: Session) -> None:
    pictures = pictures_of([[{"tag": "smile", "category": "general", "score": 0.9}]] * 1000)
    profile = CaptionProfile(activation_tag="waifu", probability={"activation": 0.25, "tags": 0.5})
    found = [lines[0] for lines in captions_of(session, pictures, profile).values()]
    assert 200 < sum("waifu" in caption for caption in found) < 300
    assert 440 < sum("smile" in caption for caption in found) < 560
    both = sum(caption == "waifu, smile" for caption in found)
    assert 85 < both < 165  # the two are drawn apart
    dropped = captions_of(session, pictures, CaptionProfile(dropout=0.1))
    assert 60 < sum(lines == [""] for lines in dropped.values()) < 140


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(alphabet="ab_()\\ ^", max_size=10), min_size=1, max_size=20))
def test_escaped_brackets_can_be_read_back(session: Session, texts: list[str]) -> None:
    back = session.sql(
        "SELECT list_transform($texts, lambda t: unescaped(escaped(t))),"
        " list_transform($texts, lambda t: regexp_replace(escaped(t), '\\\\.', '', 'g'))",
        {"texts": texts},
    ).fetchall()[0]
    assert list(back[0]) == texts
    assert not [text for text in back[1] if "(" in text or ")" in text]


def test_original_order_is_the_taggers(session: Session) -> None:
    picture = [{"picture": 1, "frame_id": f"{SOURCE}-000000000"}]
    tags = [
        {"tag": t, "category": "general", "score": s} for t, s in (("smile", 0.5), ("hat", 0.9), ("sky", 0.7))
    ]
    own = [{"picture": 1, "frame_id": "bbbbbbbb-000000001", "picture_tags": tags}]
    assert captions_of(session, own, CaptionProfile(sort="original"))[1] == ["smile, hat, sky"]
    assert captions_of(session, own, CaptionProfile())[1] == ["hat, sky, smile"]
    assert captions_of(session, picture, CaptionProfile(sort="original", max_tags=2))[1] == [
        "long hair, 1girl"
    ]

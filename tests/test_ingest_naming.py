"""Names as release groups, rippers and people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animeds_ingest.naming import EpisodeName, parse_name

NAMES = {
    "Show - S01E02v2 [1080p].mkv": ("Show", 1, 2),
    "Show - S01E02 - The Title (2012).mkv": ("Show", 1, 2),
    "[Group] Show - 02.mkv": ("Show", None, 2),
    "[Group] Show - 02v2 (1080p) [ABCD1234].mkv": ("Show", None, 2),
    "[Group]_Show_Name_-_02_[720p][12345678].mkv": ("Show Name", None, 2),
    "[Group] Show - 02 END [1080p].mkv": ("Show", None, 2),
    "[Group] Show - 02 - A Title.mkv": ("Show", None, 2),
    "[Group] One Piece - 1080 (1080p) [0123ABCD].mkv": ("One Piece", None, 1080),
    "[Group] Show 2 - 12 [1080p].mkv": ("Show 2", None, 12),
    "[Group] 86 - 03 [1080p].mkv": ("86", None, 3),
    "[Group] Show (2012) - 05 (BD 1280x720 x264 AAC).mkv": ("Show", None, 5),
    "[Group][Show Name][02][1080P][GB].mp4": ("Show Name", None, 2),
    "【组】[Show][02v2][BIG5][720P].mp4": ("Show", None, 2),
    "[Group] Show [02][1080p].mkv": ("Show", None, 2),
    "[Group] Show [1080][02].mkv": ("Show", None, 2),
    "Show.S01E02.1080p.BluRay.x264-GROUP.mkv": ("Show", 1, 2),
    "Show.Name.S02E13.German.DL.1080p.mkv": ("Show Name", 2, 13),
    "Show.Name.2012.S02E13.mkv": ("Show Name 2012", 2, 13),
    "Show 1x02.avi": ("Show", 1, 2),
    "Show - 1x02 - Title.avi": ("Show", 1, 2),
    "Show EP02.mp4": ("Show", None, 2),
    "Show_EP_02.mp4": ("Show", None, 2),
    "Show Episode 2.mp4": ("Show", None, 2),
    "Show E02.mp4": ("Show", None, 2),
    "Show #02.mp4": ("Show", None, 2),
    "Show S2 - 03.mkv": ("Show", 2, 3),
    "Show S2E03.mkv": ("Show", 2, 3),
    "Show S02 E03.mkv": ("Show", 2, 3),
    "Show 2nd Season - 03.mkv": ("Show", 2, 3),
    "Show Season 2 - 03.mkv": ("Show", 2, 3),
    "Show Saison 2 Épisode 3.mkv": ("Show", 2, 3),
    "番組 第02話.mkv": ("番組", None, 2),
    "番組 第０２話 「題」.mkv": ("番組", None, 2),
    "番組 第二期 第十二話.mkv": ("番組", 2, 12),
    "番組 第2期 - 03.mkv": ("番組", 2, 3),
    "番組 02話.mkv": ("番組", None, 2),
    "Show 02.mkv": ("Show", None, 2),
    "Show 02 [1080p].mkv": ("Show", None, 2),
    "Mob Show 100.mkv": ("Mob Show", None, 100),
    "Show.02.mkv": ("Show", None, 2),
    # No episode
    "Show - 02.5.mkv": ("Show", None, None),
    "[Group] Show - 02.5 [1080p].mkv": ("Show", None, None),
    "Show OVA.mkv": ("Show", None, None),
    "[Group] Show OVA - 02 [1080p].mkv": ("Show", None, None),
    "[Group] Show - OVA2 [1080p].mkv": ("Show", None, None),
    "Show SP01.mkv": ("Show", None, None),
    "[Group] Show - SP [720p].mkv": ("Show", None, None),
    "Show Special 2.mkv": ("Show", None, None),
    "Show the Movie 3.mkv": ("Show the", None, None),
    "Show Movie 3 - Title (2012) [1080p].mkv": ("Show", None, None),
    "[Group] Show - NCOP1 [1080p].mkv": ("Show", None, None),
    "Akira (1988) [1080p] [ABCDEF12].mkv": ("Akira", None, None),
    "Blue.Sky.2012.1080p.BluRay.x264-GROUP.mkv": ("Blue Sky", None, None),
    "Show 1080p.mkv": ("Show", None, None),
    "Show 1280x720.mkv": ("Show", None, None),
    "Show - 1999.mkv": ("Show - 1999", None, None),
    "Show 2012.mkv": ("Show 2012", None, None),
    "Show [12345678].mkv": ("Show", None, None),
    "Show (2012).mkv": ("Show", None, None),
    "Show [720].mkv": ("Show", None, None),
    "Show 2.mkv": ("Show 2", None, None),
    "Show": ("Show", None, None),
    # Numbers and words that belong to the show
    "Mob Psycho 100 II - 01.mkv": ("Mob Psycho 100 II", None, 1),
    "07-Ghost - 01.mkv": ("07-Ghost", None, 1),
    "3-gatsu no Lion - 11.mkv": ("3-gatsu no Lion", None, 11),
    "Steins;Gate 0 - 01.mkv": ("Steins;Gate 0", None, 1),
    "Hunter x Hunter (2011) - 148.mkv": ("Hunter x Hunter", None, 148),
    "Evangelion 2.22.mkv": ("Evangelion", None, None),
    # Two episodes in one file: the first counts
    "Show - S01E01-E02.mkv": ("Show", 1, 1),
    "Show - 01-02 [1080p].mkv": ("Show", None, 1),
    # A word that only looks like a special
    "Special A - 03.mkv": ("Special A", None, 3),
    "Movie Night Club - 03.mkv": ("Movie Night Club", None, 3),
    "Steps S - 04.mkv": ("Steps S", None, 4),
    # Explicit numbers win over the word
    "Show OVA S00E02.mkv": ("Show OVA", 0, 2),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_tells_show_season_and_episode(name: str) -> None:
    found = parse_name(Path("/anime") / name)
    assert (found.show, found.season, found.episode) == NAMES[name]


PATHS = {
    "My Show/02.mkv": ("My Show", None, 2),
    "My Show/02 - The Title.mkv": ("My Show", None, 2),
    "My Show/2. The Title.mkv": ("My Show", None, 2),
    "My Show/EP02.mkv": ("My Show", None, 2),
    "My Show/Season 2/03.mkv": ("My Show", 2, 3),
    "My Show/S2/EP03.mkv": ("My Show", 2, 3),
    "My Show/Saison 2/03.mkv": ("My Show", 2, 3),
    "My Show/第2期/第03話.mkv": ("My Show", 2, 3),
    "My Show/第二期/第03話.mkv": ("My Show", 2, 3),
    "My Show S2 [1080p]/[Group] - 03.mkv": ("My Show", 2, 3),
    "My Show Season 2/S01E03.mkv": ("My Show", 1, 3),
    "[Group] My Show (2012) [1080p]/Season 02/E03.mkv": ("My Show", 2, 3),
    "My Show/Specials/SP2.mkv": ("My Show", 0, None),
    "My Show/Season 2/Other Name - 03.mkv": ("Other Name", 2, 3),
    "My Show/OVA.mkv": ("My Show", None, None),
    "My Show/screencaps": ("My Show", None, None),
    "anime/videos/02.mkv": (None, None, 2),
    "02.mkv": (None, None, 2),
}


@pytest.mark.parametrize("path", PATHS)
def test_folders_tell_what_the_file_name_leaves_out(path: str) -> None:
    found = parse_name(Path("/home/user") / path if "/" in path else Path(path))
    if path.startswith("anime/"):
        assert (found.season, found.episode) == PATHS[path][1:]
    else:
        assert (found.show, found.season, found.episode) == PATHS[path]


def test_the_title_is_the_name_without_its_extension() -> None:
    assert parse_name(Path("a/[G] Show - 02v2 [x].MKV")).title == "[G] Show - 02v2 [x]"
    assert parse_name(Path("a/caps.tar.gz")).title == "caps"
    assert parse_name(Path("a/Show.S01E02")).title == "Show.S01E02"


WORDS = st.lists(
    st.sampled_from(["Kaze", "no", "Umi", "Hoshi", "Ao", "Blue", "Star", "Academy"]), min_size=1, max_size=4
)
SHAPES = (
    "{show} - S{season:02d}E{episode:02d}",
    "{show} - S{season:02d}E{episode:02d}v2 [1080p]",
    "[Group] {show} S{season} - {episode:02d} (720p) [0A1B2C3D]",
    "{show} {season}x{episode:02d}",
    "{show} Season {season} Episode {episode}",
    "{show} 第{season}期 第{episode:02d}話",
)


@given(
    WORDS,
    st.integers(1, 30),
    st.integers(1, 999),
    st.sampled_from(SHAPES),
    st.sampled_from([".mkv", ".MP4", ""]),
)
def test_a_name_rendered_from_numbers_gives_them_back(
    words: list[str], season: int, episode: int, shape: str, suffix: str
) -> None:
    show = " ".join(words)
    name = shape.format(show=show, season=season, episode=episode)
    assert parse_name(Path(name + suffix)) == EpisodeName(show, season, episode, name)


@given(st.text(st.characters(exclude_characters="/\x00"), min_size=1, max_size=60))
def test_no_name_makes_it_raise(name: str) -> None:
    found = parse_name(Path("folder") / name)
    assert found.episode is None or 0 <= found.episode <= 9999
    assert found.season is None or 0 <= found.season <= 9999
    assert found.show is None or found.show == found.show.strip() != ""


@given(st.integers(1950, 2029), st.sampled_from(["[{}]", "({})", "{}p", "{{{}}}", "{}"]))
def test_a_year_or_a_number_in_brackets_of_that_size_is_no_episode(year: int, form: str) -> None:
    assert parse_name(Path(f"Show {form.format(year)}.mkv")).episode is None

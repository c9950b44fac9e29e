"""Names of exported files and folders: valid and unique everywhere."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animeds_db.export.names import MAX_BYTES, RESERVED, Namer, folded, safe_folder, safe_name

AWKWARD = st.text(st.sampled_from('aA.é\u0301 _-:/\\|?*<>"\x00\n\x7f\ud800漢😀ßcon'), max_size=20)
NAMES = st.one_of(
    st.text(max_size=400), AWKWARD, st.sampled_from(["con", "NUL.txt", "Lpt9 .tar.gz", "COM¹", ".."])
)


@given(NAMES)
def test_a_safe_name_is_a_name_on_every_system(text: str) -> None:
    name = safe_name(text)
    assert 1 <= len(name.encode("utf-8")) <= MAX_BYTES
    assert not set(name) & set('<>:"/\\|?*')
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in name)
    assert not name.endswith((".", " ")) and not name.startswith((".", " "))
    assert name.partition(".")[0].rstrip(" ").casefold() not in RESERVED


@given(NAMES)
def test_a_safe_name_stays_as_it_is(text: str) -> None:
    assert safe_name(safe_name(text)) == safe_name(text)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Magical Girl Lyrical Nanoha - S04E01", "Magical Girl Lyrical Nanoha - S04E01"),
        ("[Group] 魔法少女 - 01 (1080p)", "[Group] 魔法少女 - 01 (1080p)"),
        ("Fate/stay night: UBW?", "Fate_stay night_ UBW_"),
        (".hack//SIGN", "_hack__SIGN"),
        ("K...", "K"),
        ("con", "con_"),
        ("Aux.mkv", "Aux_.mkv"),
        ("  ", "_"),
        ("Cafe\u0301", "Caf\u00e9"),
    ],
)
def test_titles_become_names_that_a_person_recognises(title: str, name: str) -> None:
    assert safe_name(title) == name


@given(NAMES)
def test_a_folder_never_leads_out_of_the_export(text: str) -> None:
    parts = safe_folder(text).split("/")
    assert ".." not in parts and not safe_folder(text).startswith("/")


def test_folders_keep_their_levels() -> None:
    assert safe_folder("1_character/AobaKokona") == "1_character/AobaKokona"
    assert safe_folder("/a//./b\\c/") == "a/b/c"
    assert safe_folder("../x") == "_/x"


@given(st.lists(st.tuples(AWKWARD, AWKWARD), max_size=30))
def test_no_two_pictures_share_a_path_on_a_file_system_that_ignores_case(
    wishes: list[tuple[str, str]],
) -> None:
    namer = Namer((".png", ".txt"), ("CREDITS.txt", "animeds-export.json"))
    stems = [namer.path(folder, stem) for folder, stem in wishes]
    files = [folded(stem + suffix) for stem in stems for suffix in (".png", ".txt")]
    folders = {"/".join(stem.split("/")[:depth]) for stem in stems for depth in range(1, stem.count("/") + 1)}
    assert len(set(files)) == len(files)
    assert len({folded(f) for f in folders}) == len(folders)
    assert not {folded(f) for f in folders} & set(files)
    assert folded("CREDITS.txt") not in files
    assert all(len(part.encode()) <= MAX_BYTES for stem in stems for part in f"{stem}.png".split("/"))


def test_names_that_differ_only_in_case_get_a_number() -> None:
    namer = Namer((".png", ".txt"), ("CREDITS.txt",))
    given_names = [
        namer.path(*wish) for wish in (("", "Nanoha"), ("", "nanoha"), ("A", "x"), ("a", "x"), ("A", "x"))
    ]
    assert given_names == ["Nanoha", "nanoha_2", "A/x", "a_2/x", "A/x_2"]
    assert namer.path("", "credits") == "credits_2"


def test_long_names_keep_their_number() -> None:
    namer = Namer((".webp", ".txt"))
    names = [namer.path("", "魔" * 200) for _ in range(12)]
    assert names[11].endswith("魔_12") and len(f"{names[11]}.webp".encode()) <= MAX_BYTES


def test_ten_thousand_equal_wishes_are_named_quickly() -> None:
    namer = Namer((".png",))
    names = {namer.path("", "x") for _ in range(10_000)}
    assert len(names) == 10_000 and "x_10000" in names

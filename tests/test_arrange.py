"""Folders by what is on the pictures, named as the anime screenshot pipeline names them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from captioned import LEFT, RIGHT, SOURCE, captioned_store
from tables import add_source, frame, rows

from animeds_db.captions import CaptionProfile
from animeds_db.errors import UsageError
from animeds_db.export import CropOptions, ExportOptions, select
from animeds_db.export.columns.arrange import Arrangement
from animeds_db.export.columns.balance import Balance, folders_of
from animeds_db.session import Session

GIRL = [("1girl", "general", 97)]
GIRLS = [("2girls", "general", 97)]
NANOHA, FATE = ("Nanoha", "Hairdown", LEFT), ("Fate", None, RIGHT)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Frames: Nanoha; Nanoha and Fate; Nanoha; nobody; a face without a name."""
    store = captioned_store(
        tmp_path_factory.mktemp("db"),
        [GIRL, GIRLS, GIRL, [], [("6+girls", "general", 90)]],
        {0: [NANOHA], 1: [NANOHA, FATE], 2: [NANOHA], 4: [(None, None, RIGHT)]},
        width=[640] * 5,
        height=[360] * 5,
    )
    add_source(
        store, "bbbbbbbb", uri="/anime/art", kind="images", show="a/b: c", episode=None, image_type="fanart"
    )
    art = frame("bbbbbbbb", 0, member="nanoha/by jane/1.png", stream=0, pts=0)
    store.upsert("frames", rows(store, "frames", art))
    session = Session(store)
    yield session
    session.close()


def folders(
    session: Session, form: str, sql: str = "SELECT * FROM frames", **options: Any
) -> list[str | None]:
    """Return the folder of each frame, in the order of ids."""
    crops = options.pop("crops", CropOptions())
    arrangement = Arrangement(form, **options)
    plan, *_ = select(
        session, sql, options=ExportOptions(captions=False, crops=crops, arrangement=arrangement)
    )
    return [row["folder"] for row in plan.to_pylist()]


def test_the_format_of_the_guide(session: Session) -> None:
    assert folders(session, "n_characters/character/fh_ratio") == [
        "1_character/Nanoha/face_height_ratio_25-50",
        "2_characters/Fate+Nanoha/face_height_ratio_50-75",
        "1_character/Nanoha/face_height_ratio_25-50",
        "0_characters/character_others/face_height_ratio_0-25",
        "0_characters/character_others/face_height_ratio_50-75",
        "0_characters/character_others/face_height_ratio_0-25",
    ]


@pytest.mark.parametrize(
    ("form", "first", "second", "others"),
    [
        ("n_people", "1_person", "2_people", ["1_person", "0_people", "many_people", "0_people"]),
        ("n_faces", "1_face", "2_faces", ["1_face", "0_faces", "1_face", "0_faces"]),
        ("character_string", "Nanoha Hairdown", "Fate+Nanoha Hairdown", None),
        ("appearance", "Hairdown", "Hairdown", None),
        ("show/season/episode", "My Show/season1/EP04", "My Show/season1/EP04", None),
        ("image_type", "screenshots", "screenshots", ["screenshots"] * 3 + ["fanart"]),
        ("shot", "shot_0", "shot_1", None),
        ("ep{episode}x/'fixed'", "ep4x/fixed", "ep4x/fixed", None),
        ("{character} in {show}", "Nanoha in My Show", "Fate+Nanoha in My Show", None),
    ],
)
def test_every_level_has_its_name(
    session: Session, form: str, first: str, second: str, others: list[str] | None
) -> None:
    found = folders(session, form)
    assert found[:2] == [first, second]
    assert others is None or found[2:] == others


def test_any_column_of_the_query_is_a_level_and_goes_before_what_is_known(session: Session) -> None:
    known = "'her' AS character, 8 AS n_characters"
    sql = f"SELECT frame_id, shot % 2 = 0 AS even, {known} FROM frames WHERE shot IS NOT NULL"
    assert folders(session, "n_characters/character/Even", sql)[:2] == [
        "6+_characters/her/true",
        "6+_characters/her/false",
    ]


def test_no_value_and_slashes_make_one_folder_each(session: Session) -> None:
    assert folders(session, "show/episode/shot")[-1] == "a_b_ c/episode_others/shot_others"


def test_rare_combinations_go_to_others_wherever_they_are(session: Session) -> None:
    found = folders(session, "n_characters/character", min_pictures=2)
    assert found[:3] == ["1_character/Nanoha", "2_characters/character_others", "1_character/Nanoha"]


def test_many_characters_share_a_folder_and_the_face_step_counts(session: Session) -> None:
    found = folders(session, "n_characters/fh_ratio", max_characters=2, face_step=10)
    assert found[:2] == ["1_character/face_height_ratio_30-40", "2+_characters/face_height_ratio_60-70"]


def test_a_crop_is_arranged_by_what_is_in_it(session: Session) -> None:
    sql = f"SELECT frame_id, [0.5, 0, 1, 1] AS crop FROM frames WHERE frame_id = '{SOURCE}-000001000'"
    assert folders(session, "n_characters/character", sql) == ["1_character/Fate"]
    of_faces = folders(
        session, "character/n_faces", f"SELECT frame_id FROM frames WHERE frame_id = '{SOURCE}-000001000'",
        crops=CropOptions(kinds=("face",), margin=0.1),
    )  # fmt: skip
    assert sorted(map(str, of_faces)) == ["Fate/1_face", "Nanoha/1_face"]


def test_the_sources_own_folders_come_first(session: Session) -> None:
    found = folders(session, "n_people", keep_source_structure=True)
    assert found[0] == "S1/My Show - 04/1_person"
    assert found[-1] == "art/nanoha/by jane/0_people"
    assert folders(session, "", keep_source_structure=True)[0].startswith("S1/My Show - 04")  # type: ignore[union-attr]


def test_an_unknown_column_is_refused_with_the_known_ones(session: Session) -> None:
    with pytest.raises(UsageError, match="n_charcters") as caught:
        folders(session, "n_charcters/character")
    assert "n_characters" in str(caught.value.hint)
    with pytest.raises(UsageError, match="wings") as caught:
        folders(session, "ep{wings}")
    assert "sharpness" in str(caught.value.hint) and "fh_ratio" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("wrong", "told"), [({"face_step": 0}, "1 and 100"), ({"max_characters": 0}, "at least 1")]
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Arrangement("character", **wrong)


def test_folders_captions_and_repeats_come_together(session: Session, tmp_path: Path) -> None:
    weights = tmp_path / "w.csv"
    weights.write_text("2_characters,4\n")
    options = ExportOptions(
        profile=CaptionProfile(activation_tag="x"),
        arrangement=Arrangement("n_characters"),
        balance=Balance(weights),
    )
    plan, *_ = select(session, "SELECT frame_id FROM frames WHERE source_id = 'aaaaaaaa'", options=options)
    assert plan["caption"].to_pylist()[:2] == ["x, 1girl", "x, 2girls"]
    assert plan["repeats"].to_pylist() == [1, 8, 1, 1, 1]
    rows = folders_of(plan, options.balance)
    assert [(r["folder"], r["pictures"], r["samples"], round(r["target"], 2)) for r in rows] == [
        ("0_characters", 2, 2, 0.17),
        ("1_character", 2, 2, 0.17),
        ("2_characters", 1, 8, 0.67),
    ]


def test_a_caption_of_the_selection_is_taken_as_it_is(session: Session) -> None:
    sql = f"SELECT frame_id, 'by hand' AS caption FROM frames WHERE frame_id = '{SOURCE}-000000000'"
    plan, *_ = select(session, sql, options=ExportOptions(profile=CaptionProfile(activation_tag="x")))
    assert plan["caption"].to_pylist() == ["by hand"]

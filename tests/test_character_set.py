"""The named query character_set: pictures of a character for training, evenly spread, without SQL."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sampleshow
import whoiswho
from cli_run import Runner
from sqlrows import Database, box, frame, frame_id, identity, label, tagged, vocabulary

from animeds_db.errors import AnimedsError, QueryError
from animeds_db.session.queries.named import find
from animeds_db.session.query_params import signature
from animeds_db.session.statements import with_conditions

FINE: dict[str, Any] = {
    "brightness": 0.5,
    "text_upper": 0.0,
    "text_lower": 0.0,
    "is_blank": False,
    "width": 1280,
    "height": 720,
}
FINE |= {f"border_{side}": 0.0 for side in ("left", "top", "right", "bottom")}
SMILE, PORTRAIT, SAD = 1, 2, 3
SCHOOL, SUMMER = "school", "summer"
TALL, SMALL = (0.4, 0.2, 0.6, 0.6), (0.4, 0.2, 0.5, 0.3)


def emi(number: int, appearance: str | None, score: float = 0.9, edges: Any = TALL) -> tuple[Any, Any]:
    of = box(number, edges=edges)
    return of, identity(of, "Emi", score, appearance=appearance)


@cache
def database() -> Database:
    """Seven frames with Emi, one each of Aoi and of nobody, one copy and one that a person dropped."""
    boxes = [
        emi(0, SCHOOL, 0.95), emi(1, SCHOOL), emi(2, SCHOOL, 0.7), emi(3, SUMMER, 0.6), emi(4, None, 0.99, SMALL),
        emi(5, SUMMER, 0.8), emi(6, SCHOOL, 0.9), emi(9, SUMMER, 0.9),
    ]  # fmt: skip
    aoi = box(7)
    frames = [
        frame(0, shot=0, sharpness=100.0, **FINE, **tagged((SMILE, 90), (PORTRAIT, 80))),
        frame(1, shot=0, sharpness=100.0, **FINE, **tagged((SMILE, 90))),
        frame(2, shot=1, sharpness=100.0, **FINE, **tagged((SAD, 90))),
        frame(3, shot=2, sharpness=100.0, **FINE | {"text_lower": 0.4}, **tagged((SMILE, 90))),
        frame(4, shot=3, sharpness=100.0, **FINE, **tagged((SAD, 90))),
        frame(5, shot=4, sharpness=2.0, **FINE, **tagged((SAD, 90))),
        frame(6, shot=4, sharpness=100.0, **FINE, **tagged((SMILE, 90))),
        frame(7, shot=5, sharpness=100.0, **FINE, **tagged((SMILE, 90))),
        frame(8, shot=5, sharpness=100.0, **FINE | {"is_blank": True}),
        frame(9, shot=6, sharpness=100.0, **FINE, **tagged((SMILE, 90))),
    ]
    place = {"show": "Show", "season": 1}
    return Database(
        sources=[{"source_id": "aaaaaaaa", "state": "done", "episode": 3, **place}],
        vocabulary=vocabulary("smile", "portrait", "sad"),
        frames=[row | place | {"episode": 3 if row["ordinal"] < 5 else 4} for row in frames],
        detections=[of for of, _ in boxes] + [aoi],
        identities=[who for _, who in boxes] + [identity(aoi, "Aoi", appearance=SCHOOL)],
        labels=[label(1, "frame", "drop", frame_id=frame_id(9))],
        duplicates=[
            {"frame_id": frame_id(0), "group_id": frame_id(0), "keeper": True},
            {"frame_id": frame_id(6), "group_id": frame_id(0), "keeper": False},
        ],
    )  # fmt: skip


def asked(**values: Any) -> list[dict[str, Any]]:
    named = find("character_set", [])
    return database().rows(*with_conditions(named.sql, named.bind({"characters": ["Emi"], **values})))


def numbers(**values: Any) -> list[int]:
    return [int(row["frame_id"].rpartition("-")[2]) for row in asked(**values)]


def test_the_best_frame_of_each_shot_comes_first() -> None:
    assert numbers() == [
        4,
        0,
        2,
        5,
        3,
        1,
    ]  # gates first (3 has text, 5 is blurred), then the score; 1 is a second
    assert numbers(count=2) == [4, 0]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"appearances": [SUMMER]}, {3, 5}),
        ({"appearances": [SUMMER, SCHOOL]}, {0, 1, 2, 3, 5}),
        ({"has": ["smile"]}, {0, 1, 3}),
        ({"has_none": ["smile"]}, {2, 4, 5}),
        ({"framing": ["portrait"]}, {0, 1, 2, 3, 5}),
        ({"framing": ["full_body"]}, {4}),
        ({"framing": ["full_body", "close-up"]}, {4}),
        ({"episodes": ["4"]}, {5}),
        ({"episodes": ["S01E03"]}, {0, 1, 2, 3, 4}),
        ({"episodes": ["S01"]}, {0, 1, 2, 3, 4, 5}),
        ({"shows": ["Other"]}, set()),
        ({"text": "none"}, {0, 1, 2, 4, 5}),
        ({"quality": True}, {0, 1, 2, 4}),
        ({"copies": True}, {0, 1, 2, 3, 4, 5, 6}),
        ({"dropped": True}, {0, 1, 2, 3, 4, 5, 9}),
        ({"quality": True, "copies": True}, {0, 1, 2, 4, 6}),
        ({"where": "sharpness > 60"}, {0, 1, 2, 3, 4}),
        ({"where": "shot = 0 OR has_tag(tag_ids, 'sad')"}, {0, 1, 2, 4, 5}),
        ({"where": "sharpness > 60", "characters": ["Aoi"]}, {7}),
        ({"characters": ["Aoi"]}, {7}),
        ({"characters": ["Aoi", "Emi"], "appearances": [SUMMER]}, {3, 5}),
        ({"characters": []}, {0, 1, 2, 3, 4, 5, 7}),
    ],
)
def test_each_condition_leaves_its_frames(values: dict[str, Any], wanted: set[int]) -> None:
    assert set(numbers(**values)) == wanted


def test_frames_are_spread_evenly_and_the_unknown_fill_up() -> None:
    by_outfit = asked(per="appearance")
    assert [row["appearance"] for row in by_outfit] == [SCHOOL, SUMMER, SCHOOL, SUMMER, SCHOOL, None]
    assert numbers(per="appearance", count=2) == [0, 5]
    assert [row["framing"] for row in asked(per="framing", count=2)] == ["full_body", "portrait"]
    assert {row["episode"] for row in asked(per="episode", count=2)} == {3}  # one source, so one part
    assert numbers(per="shot") == [4, 0, 2, 5, 3, 1]
    two = asked(characters=["Emi", "Aoi"], per="appearance", count=3)
    assert {(row["character"], row["appearance"]) for row in two} == {
        ("Emi", SCHOOL), ("Emi", SUMMER), ("Aoi", SCHOOL)
    }  # fmt: skip


def test_the_parameters_are_the_agreed_ones() -> None:
    given = {param.name: signature(param) for param in find("character_set", []).params}
    assert list(given) == [
        "characters", "appearances", "has", "has_none", "framing", "shows", "episodes", "where", "count", "per",
        "text", "copies", "dropped", "quality",
    ]  # fmt: skip
    assert given["framing"].endswith("full_body|wide_shot[] = []")


@pytest.mark.parametrize(
    ("values", "words", "hint"),
    [
        ({"characters": "Emii"}, 'no character "Emii"', "did you mean"),
        ({"appearances": "school"}, 'no appearance "school"', "animeds characters outfits"),
        ({"has": "smlie"}, 'no tag "smlie"', "did you mean"),
        ({"framing": "upper"}, "framing is upper; it must be one of close-up, portrait", None),
        ({"episodes": "S01E2"}, 'no episode "S01E2"', 'did you mean "S01E02"'),
        ({"shows": "Nothing"}, 'no show "Nothing"', "known: "),
        ({"per": "outfit"}, "per is outfit; it must be one of appearance, episode", None),
        ({"text": "no"}, "text is no; it must be one of allow, none", None),
        ({"count": 0}, "count is 0; it must be at least 1", None),
        ({"where": "sharpnes > 60"}, "where: .*sharpnes", "sharpness"),
        ({"where": "read_csv('/etc/passwd') IS NULL"}, "where: .*read_csv", "no files"),
        ({"where": "sharpness >"}, "where is not an SQL condition", "sharpness > 60"),
        ({"where": "true -- all"}, "where is not an SQL condition", "without a comment"),
        ({"where": "true) OR (false"}, "where is not an SQL condition", None),
        ({"where": "true), (false"}, "where is not an SQL condition", None),
        ({"where": "true) UNION SELECT (false"}, "where is not an SQL condition", None),
        ({"where": "true); SELECT (true"}, "where is not an SQL condition", None),
    ],
)
def test_a_value_that_cannot_match_is_named(
    named_show: Path, values: dict[str, Any], words: str, hint: str | None
) -> None:
    import animeds_db

    with (
        animeds_db.open(named_show) as ds,
        pytest.raises(QueryError, match=words.replace("|", r"\|")) as caught,
    ):
        ds.query("character_set", values)
    assert hint is None or hint in (caught.value.hint or "")


@pytest.fixture(scope="module")
def named_show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whoiswho.named_show(tmp_path_factory.mktemp("named"))


def test_the_goal_of_the_guides_is_one_command(
    named_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANIMEDS_DB", str(named_show))
    run = Runner(capsys, monkeypatch)
    words = ("--character", "Emi", "--limit", "6", "--per", "framing", "--no-text")
    done = run("export", *words, "--layout", "kohya", "--tag", "emi", "out")
    assert done.code == 0, done.err
    pictures = json.loads((tmp_path / "out" / "animeds-export.json").read_text("utf-8"))["pictures"]
    assert len(pictures) == 6 and all(one["caption"].startswith("emi") for one in pictures)
    with_python = sorted(_ids(named_show, count=6, per="framing", text="none"))
    assert sorted(one["frame_id"] for one in pictures) == with_python
    done = run("caption", *words, "--format", "json")
    assert sorted(row["frame_id"] for row in json.loads(done.out)) == with_python
    done = run("export", "--character", "Emi", "--limit", "4", "--dry-run")
    assert done.code == 0 and "4 pictures in 1 folders" in done.err
    done = run("export", "--has", "1girl", "--limit", "2", "by_tags", "tags")
    assert done.code == 0 and "2 pictures" in done.err


def _ids(show: Path, **values: Any) -> list[str]:
    import animeds_db

    with animeds_db.open(show) as ds:
        return [row[0] for row in ds.character_set("Emi", **values).fetchall()]


def test_a_small_or_empty_selection_says_what_each_condition_leaves(
    named_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANIMEDS_DB", str(named_show))
    run = Runner(capsys, monkeypatch)
    found = len(_ids(named_show, framing=["portrait"], text="none"))
    words = ("--character", "Emi", "--framing", "portrait", "--no-text", "--limit", "500")
    done = run("export", *words, "--dry-run")
    assert f"note: {found} of 500 frames were found" in done.err
    assert "note: characters=Emi leaves " in done.err and f"note: text=none leaves {found}" in done.err
    assert f"note: {found} of 500 frames were found" in run("caption", *words).err
    done = run("export", "--character", "Emi", "--has", "smile,no_humans", "out")
    assert done.code == 1 and "has=no_humans leaves 0" in done.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--character", "Emi", "--sql", "SELECT 1", "out"), "cannot be combined with --sql"),
        (("--character", "Emi", "-p", "characters=Emi", "out"), '"characters" is given twice'),
        (("--character", "Emi", "cast", "out"), 'The query cast has no parameter "characters"'),
        (("--character", "Emi"), "Give a query and a folder"),
    ],
)
def test_options_that_cannot_go_together_are_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], error: str
) -> None:
    monkeypatch.setenv("ANIMEDS_DB", str(sampleshow.database()))
    done = Runner(capsys, monkeypatch)("export", *words)
    assert done.code in (1, 2) and error in done.err


def test_an_unknown_list_type_of_a_query_is_an_error() -> None:
    from animeds_db.session.queries.named import parse

    with pytest.raises(AnimedsError, match='"text" is not a parameter type'):
        parse("-- param x: text[] = []\nSELECT $x", Path("x.sql"))

"""Values of named queries: typos are named, numbers have a range, and an empty selection says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_run import Runner
from framestore import dataset_of, frame_rows
from labelled import dataset, face_of, identify

from animeds_db.dataset import Dataset
from animeds_db.errors import AnimedsError, ExportError, QueryError
from animeds_db.session.queries.named import parse


@pytest.fixture
def ds(tmp_path: Path) -> Dataset:
    """Four tagged frames; a face of Akane on the first two."""
    ds = dataset(tmp_path, tags=(("1girl", "red_hair"), ("1girl", "smile"), ("1girl",), ("1boy",)))
    identify(ds.store, aaaaaaaa_000000000_f0=("Akane", 0.9), aaaaaaaa_000001000_f0=("Akane", 0.8))
    return ds


@pytest.mark.parametrize(
    ("query", "values", "words", "hint"),
    [
        ("by_tags", {"has": "redhair"}, 'no tag "redhair"', 'did you mean "red_hair"?'),
        ("by_tags", {"has": ["1girl", "Red_Hair"]}, 'no tag "Red_Hair"', 'did you mean "red_hair"?'),
        ("by_tags", {"has_none": "smlie"}, 'no tag "smlie"', 'did you mean "smile"?'),
        ("by_tags", {"has": "zzz"}, 'no tag "zzz"', "known: 1boy, 1girl, red_hair, smile"),
        ("character_solo", {"character": "akane"}, 'no character "akane"', 'did you mean "Akane"?'),
        ("character_pair", {"first": "Akane", "second": "Bea"}, 'no character "Bea"', "known: Akane"),
        ("best_frames", {"show": "Shw"}, 'no show "Shw"', 'did you mean "Show"?'),
        ("by_tags", {"threshold": 50}, "threshold is 50; it must be between 0 and 1", None),
        ("best_frames", {"per_shot": 0}, "per_shot is 0; it must be at least 1", None),
        ("tag_counts", {"category": "charakter"}, "category is charakter; it must be one of general, ", None),
    ],
)
def test_a_value_that_cannot_match_is_an_error(
    ds: Dataset, query: str, values: dict[str, object], words: str, hint: str | None
) -> None:
    with pytest.raises(QueryError, match=words.replace("(", r"\(")) as caught:
        ds.query(query, values)
    assert hint is None or caught.value.hint == hint
    if query in ("by_tags", "best_frames", "character_solo"):
        with pytest.raises(AnimedsError, match=words):
            ds.captions(query, params=values)


def test_values_that_are_there_pass_however_they_are_spelt(ds: Dataset) -> None:
    assert len(ds.query("by_tags", {"has": "1girl, red hair"}).fetchall()) == 1
    assert len(ds.query("character_solo", {"character": "Akane", "show": "Show"}).fetchall()) == 2


def test_a_renamed_character_is_found_under_its_new_name_only(ds: Dataset) -> None:
    ds.rename_characters({"Akane": "Hikari"})
    assert len(ds.query("character_solo", {"character": "Hikari"}).fetchall()) == 2
    with pytest.raises(QueryError, match='renamed: it is called "Hikari" now'):
        ds.query("character_solo", {"character": "Akane"})


def test_a_tag_that_a_person_added_is_known(ds: Dataset) -> None:
    ds.label("tag", "add", "umbrella", [face_of(0).rpartition("-")[0]])
    assert len(ds.query("by_tags", {"has": "umbrella"}).fetchall()) == 1


def test_an_empty_query_says_what_each_condition_leaves(ds: Dataset, tmp_path: Path) -> None:
    values = {"has": ["1girl", "1boy"], "threshold": 0.5}
    assert ds.why_empty("by_tags", params=values) == [
        "4 match before these conditions",
        "has=1girl leaves 3",
        "has=1boy leaves 0",
    ]
    with pytest.raises(ExportError, match="empty") as caught:
        ds.export("by_tags", tmp_path / "out", params=values)
    assert "has=1girl leaves 3; has=1boy leaves 0" in (caught.value.hint or "")


def test_an_empty_select_says_what_each_condition_leaves_alone(ds: Dataset, tmp_path: Path) -> None:
    sql = "SELECT frame_id FROM frames WHERE episode = $e AND has_tag(tag_ids, '1girl') AND time_s > 100 LIMIT 3"
    with pytest.raises(ExportError, match="empty") as caught:
        ds.export(None, tmp_path / "out", sql=sql, params={"e": 1})
    assert caught.value.hint == (
        "(episode = $e) leaves 4; has_tag(tag_ids, '1girl') leaves 3; (time_s > 100) leaves 0"
    )


def test_an_empty_good_counts_the_gates(tmp_path: Path) -> None:
    frames = frame_rows("aaaaaaaa", None, 3, height=[480, 480, 720], brightness=[0.5, 0.5, 0.01])
    with (
        dataset_of(tmp_path, {"aaaaaaaa": frames}) as ds,
        pytest.raises(ExportError, match="empty") as caught,
    ):
        ds.export(None, tmp_path / "out", sql="SELECT frame_id FROM good")
    assert caught.value.hint == "of 3 kept frames, good leaves out 2 below 720 pixels high, 1 too dark"


def test_a_header_gives_types_choices_and_ranges() -> None:
    text = "-- param per: series|season = season   how\n-- param n: int = 5   how many, 1…\n-- param x: real   0…1\n"
    per, n, x = parse(text + "SELECT $per, $n, $x", Path("mine.sql")).params
    assert (per.type, per.choices, per.default) == ("text", ("series", "season"), "season")
    assert (n.bounds, x.bounds, x.required) == ((1, None), (0, 1), True)


def test_the_command_line_says_why_a_query_has_no_rows(
    ds: Dataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    ran = run("query", "by_tags", "-p", "has=1girl,1boy", "--db", ds.uri)
    assert ran.code == 0 and "has=1boy leaves 0" in ran.err
    ran = run("query", "by_tags", "-p", "has=redhair", "--db", ds.uri)
    assert ran.code == 1 and 'no tag "redhair"' in ran.err and 'did you mean "red_hair"?' in ran.err

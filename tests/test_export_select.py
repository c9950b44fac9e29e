"""A selection is any relation with frame_id: from SQL over a real database to a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from export_material import GIRL, Measured, Tags, content, database, picture_source, video_source

from animeds_db.captions import CaptionProfile
from animeds_db.errors import ExportError, QueryError
from animeds_db.export import PLAN, SOURCE_COLUMNS, ExportOptions, export, select
from animeds_db.session import Session
from animeds_db.session.queries.named import parse
from animeds_db.session.selected import Selected

BOTH: Tags = (("1girl", "general", 0.97), ("1boy", "general", 0.95), ("red_hair", "general", 0.6))
BLONDE: Tags = (("1girl", "general", 0.97), ("blonde_hair", "general", 0.9), ("red_hair", "general", 0.12))
WAIFU = """
SELECT frame_id FROM frames
WHERE has_tag(tag_ids, '1girl') AND NOT has_tag(tag_ids, '1boy')
    AND tag_score(all_scores, 'red_hair') >= $least
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Measured]:
    place = tmp_path_factory.mktemp("sources")
    return [video_source(place / "Show - S01E01.mkv"), picture_source(place / "caps")]


@pytest.fixture(scope="module")
def session(sources: list[Measured], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    store = database(
        tmp_path_factory.mktemp("db") / "db", sources, lambda i, _: (GIRL, BOTH, BLONDE, ())[i % 4]
    )
    session = Session(store)
    yield session
    session.close()


def test_the_guide_is_one_selection_and_one_export(
    session: Session, sources: list[Measured], tmp_path: Path
) -> None:
    options = ExportOptions(profile=CaptionProfile(activation_tag="waifu"))
    plan, rows, _ = select(session, WAIFU, {"least": 0.35}, options=options)
    report = export(plan, rows, tmp_path / "out", options=options)
    found = content(tmp_path / "out")
    assert report.n_pictures == 2
    assert found["Show - S01E01-000000000.txt"] == found["picture 1.txt"] == b"waifu, 1girl, red hair"
    assert len(found) == 6


def test_a_plan_has_exactly_its_columns_in_the_order_of_decoding(
    session: Session, sources: list[Measured]
) -> None:
    plan, rows, _ = select(session, "SELECT * FROM frames ORDER BY frame_id DESC")
    assert plan.schema.equals(PLAN) and rows.column_names == list(SOURCE_COLUMNS)
    assert plan["frame_id"].to_pylist() == [*sources[0].frame_ids, *sources[1].frame_ids]
    assert [t["tag"] for t in plan["tags"][0].as_py()] == ["1girl", "red_hair", "takamachi_nanoha"]
    assert {
        c for c in ("folder", "filename", "caption", "repeats", "crop") if plan[c].null_count != 7
    } == set()


def test_steering_columns_may_have_any_fitting_type(session: Session) -> None:
    sql = """SELECT frame_id, 'a/b' AS Folder, shot AS filename, 7 AS caption, 2.0 AS repeats,
             array_value(0.25::FLOAT, 0, 1, 1) AS crop FROM frames LIMIT 1"""
    row = select(session, sql)[0].to_pylist()[0]
    assert [row[c] for c in ("folder", "filename", "caption", "repeats", "crop")] == [
        "a/b", None, "7", 2, [0.25, 0.0, 1.0, 1.0],
    ]  # fmt: skip
    nothing = "SELECT frame_id, NULL AS repeats, NULL AS crop, NULL AS caption FROM frames"
    assert select(session, nothing)[0].num_rows == 7


def test_a_join_that_repeats_frames_gives_each_picture_once(session: Session) -> None:
    plan, *_ = select(session, "SELECT f.frame_id FROM frames f JOIN tags t USING (frame_id)")
    assert plan.num_rows == len(set(plan["frame_id"].to_pylist())) == 6
    crops = "SELECT frame_id, unnest([[0, 0, 0.5, 1], [0.5, 0, 1, 1], [0.5, 0, 1, 1]]) AS crop FROM frames"
    assert select(session, crops)[0].num_rows == 14


@pytest.mark.parametrize("end", [";", " ;; -- 魔法; done", " /* ; */"])
def test_a_selection_may_end_as_a_statement_does(session: Session, end: str) -> None:
    assert (
        select(session, f"SELECT frame_id, '魔;' AS caption FROM frames{end}")[0]["caption"][0].as_py()
        == "魔;"
    )


def test_frames_without_tags_are_exported_too(session: Session, tmp_path: Path) -> None:
    options = ExportOptions(profile=CaptionProfile(activation_tag="style"))
    untagged = "SELECT frame_id FROM frames WHERE len(tags) = 0 OR tags IS NULL"
    plan, rows, _ = select(session, untagged, options=options)
    export(plan, rows, tmp_path / "out", options=options)
    assert content(tmp_path / "out")["Show - S01E01-000000750.txt"] == b"style"


def test_a_selection_without_frame_id_is_refused(session: Session) -> None:
    with pytest.raises(QueryError, match="no column frame_id. Its columns are source_id, n"):
        select(session, "SELECT source_id, count(*) AS n FROM frames GROUP BY 1")


@pytest.mark.parametrize(
    ("column", "message"),
    [("'many' AS repeats", "repeats is VARCHAR"), ("0.5 AS crop", "crop is"), ("['a'] AS crop", "crop is")],
)
def test_a_steering_column_of_the_wrong_type_is_named(session: Session, column: str, message: str) -> None:
    with pytest.raises(ExportError, match=message) as caught:
        select(session, f"SELECT frame_id, {column} FROM frames")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        (
            "SELECT 'zzzzzzzz-000000001' AS frame_id UNION ALL SELECT frame_id FROM frames",
            "zzzzzzzz-000000001",
        ),
        ("SELECT NULL AS frame_id", "has no frame_id"),
    ],
)
def test_frames_that_are_not_in_the_database_are_named(
    session: Session, tmp_path: Path, sql: str, named: str
) -> None:
    with pytest.raises(ExportError, match=named):
        export(*select(session, sql)[:2], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_error_in_the_selection_has_its_own_place(session: Session) -> None:
    mine = parse("SELECT frame_id\nFROM frmes", Path("mine.sql"))
    with pytest.raises(QueryError) as caught:
        select(session, Selected(mine.sql, named=mine))
    assert (caught.value.file, caught.value.line) == ("mine.sql", 2)


def test_an_error_while_rows_are_read_is_a_query_error(session: Session) -> None:
    with pytest.raises(QueryError, match="no frame"):
        select(session, "SELECT frame_id FROM frames WHERE error('no frame') IS NULL")


def test_an_empty_selection_is_an_error_with_a_way_out(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="empty") as caught:
        export(*select(session, WAIFU, {"least": 0.999})[:2], tmp_path / "out")
    assert caught.value.hint

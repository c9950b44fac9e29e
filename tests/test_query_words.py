"""What people write first, and what the error says: quotes, columns that a table lacks, words of SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_run import Runner
from labelled import dataset as labelled
from tables import tagged_store

from animeds_db.errors import QueryError
from animeds_db.session import Session


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    opened = Session(tagged_store(tmp_path_factory.mktemp("words"), [["1girl", "red_hair"], ["1boy"]]))
    yield opened
    opened.close()


def test_a_tag_in_double_quotes_is_told_to_take_single_ones(session: Session) -> None:
    with pytest.raises(QueryError) as error:
        session.arrow('SELECT frame_id FROM frames WHERE has_tag(tags, "red_hair")')
    assert "single quotes: 'red_hair'" in str(error.value.hint)


@pytest.mark.parametrize("call", ["has_tag(tags, 'kimono')", "has_all(tags, ['kimono'])"])
def test_a_tag_asked_of_a_table_without_tags_names_tables_that_have_them(session: Session, call: str) -> None:
    with pytest.raises(
        QueryError, match=r"has_tag\(\) does not accept these values, or a column does not"
    ) as error:
        session.arrow(f"SELECT face_id FROM faces WHERE {call}")
    assert "frames, kept and good have the columns tags and tag_ids" in str(error.value.hint)


@pytest.mark.parametrize("table", ["frames", "kept", "faces", "sources", "characters", "frame_characters"])
def test_the_show_can_be_asked_for_without_quotes(session: Session, table: str) -> None:
    asked = f"SELECT show_name, \"show\" FROM {table} WHERE show_name = 'Show'"
    assert all(name == show == "Show" for name, show in session.sql(asked).fetchall())
    assert session.sql("SELECT count(*) FROM frames WHERE show_name = 'Show'").fetchall() == [(2,)]
    with pytest.raises(QueryError) as error:
        session.arrow("SELECT show FROM frames")
    assert "write show_name" in str(error.value.hint)


def test_faces_can_be_labelled_by_the_tags_of_their_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    with labelled(tmp_path, tags=(("kimono",), ("1girl",), (), ())) as ds:
        db = ds.uri
    where = "has_tag(tags, 'kimono') AND time_s < 100 AND source_id = 'aaaaaaaa' AND show_name = 'Show'"
    done = run("label", "character", "Akane", "--where", where, "--db", db)
    assert done.code == 0, done.err
    named = run("sql", "SELECT face_id, character FROM characters", "--db", db, "--format", "csv")
    assert named.out.splitlines()[1:] == ["aaaaaaaa-000000000-f0,Akane"]

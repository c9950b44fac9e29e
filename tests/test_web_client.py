"""A notebook that speaks to a service gets the same rows, pictures and errors as one with the database at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sampleshow
from webserving import ONE, reader, serving, shared

import animeds_db
from animeds_db import AnimedsError, Dataset, RemoteDataset
from animeds_db.errors import QueryError, SourceError, StoreError, UsageError
from animeds_db.web import Options


@pytest.fixture(scope="module")
def local() -> Iterator[Dataset]:
    with animeds_db.open(sampleshow.database()) as dataset:
        yield dataset


@pytest.fixture(scope="module")
def remote() -> RemoteDataset:
    return animeds_db.connect(shared())


QUESTIONS = [
    "SELECT * FROM frames ORDER BY frame_id",
    "SELECT tag, category, count(*) AS n, max(score) AS most FROM tags GROUP BY ALL ORDER BY n DESC, tag",
    "SELECT f.left, f.top, f.vector, f.character FROM faces f ORDER BY face_id",
    "SELECT * FROM sources ORDER BY source_id",
    "SELECT frame_id FROM frames WHERE false",
    "SELECT 1::TINYINT AS a, 2.5::DECIMAL(5, 2) AS b, DATE '2026-01-02' AS c, NULL AS d, {'x': [1, 2]} AS e, 'é' AS f",
    "FROM range(300000)",
    "DESCRIBE frames",
]


@pytest.mark.parametrize("sql", QUESTIONS)
def test_local_and_remote_give_equal_frames(local: Dataset, remote: RemoteDataset, sql: str) -> None:
    here, there = local.sql(sql), remote.sql(sql)
    assert there.to_arrow_table().schema == here.to_arrow_table().schema
    assert there.to_arrow_table() == here.to_arrow_table()
    assert there.fetchall() == here.fetchall()
    assert there.columns == here.columns
    if not sql.startswith("SELECT 1"):
        assert there.pl().equals(here.pl())


def test_queries_parameters_and_search_are_the_same(local: Dataset, remote: RemoteDataset) -> None:
    given = {"has": ["1girl"], "limit": 5}
    assert remote.query("by_tags", given).pl().equals(local.query("by_tags", given).pl())
    counted = "SELECT count(*) AS n FROM frames WHERE episode = $e AND has_tag(tag_ids, $t) AND time_s > $s"
    values = {"e": 1, "t": "1girl", "s": 2.5}
    assert remote.sql(counted, values).fetchall() == local.sql(counted, values).fetchall()
    frame = local.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
    here = local.search(frame_id=frame, k=5, where="episode = 1").to_arrow_table()
    assert remote.search(frame_id=frame, k=5, where="episode = 1").to_arrow_table() == here
    assert remote.search("red hair", k=4).to_arrow_table() == local.search("red hair", k=4).to_arrow_table()
    assert (
        remote.search(said="nobody says so").to_arrow_table()
        == local.search(said="nobody says so").to_arrow_table()
    )


def test_a_remote_dataset_takes_keywords_and_has_views_sets_and_a_gallery(
    local: Dataset, remote: RemoteDataset
) -> None:
    assert (
        remote.query("by_tags", has=["1girl"], limit=3)
        .pl()
        .equals(local.query("by_tags", has=["1girl"], limit=3).pl())
    )
    assert remote.sql("SELECT $a + $b", {"a": 1}, b=2).fetchall() == [(3,)]
    assert remote.sql("SELECT $1 - $2", [5, 2]).fetchall() == [(3,)]
    chosen = {"has": ["1girl"], "per": "framing", "count": 5}
    assert remote.character_set(**chosen).fetchall() == local.character_set(**chosen).fetchall()
    there, here = (
        frames.collect().sort("frame_id") for frames in (remote.frames("kept"), local.frames("kept"))
    )
    assert there.equals(here)
    assert remote.faces().collect().height == local.faces().collect().height
    sql = "SELECT frame_id FROM kept ORDER BY frame_id LIMIT 3"
    ids = [row[0] for row in local.sql(sql).fetchall()]
    for selection in (sql, ids, pl.Series(ids)):
        shown = remote.gallery(selection, limit=2)
        assert shown.total == 3 and shown.pictures == local.gallery(selection, limit=2).pictures


def test_a_remote_dataset_says_what_it_cannot_do(remote: RemoteDataset) -> None:
    for name in ("export", "label", "sync", "optimize", "characters"):
        with pytest.raises(UsageError, match=f"A remote dataset has no {name}") as caught:
            getattr(remote, name)
        assert "animeds_db.open" in (caught.value.hint or "")
    with pytest.raises(AttributeError):
        remote.nonsense  # noqa: B018


def test_pictures_are_the_same(local: Dataset, remote: RemoteDataset) -> None:
    frame = local.sql("SELECT frame_id FROM frames WHERE NOT is_blank ORDER BY frame_id LIMIT 1").fetchall()[
        0
    ][0]
    assert remote.image(frame).tobytes() == local.image(frame).tobytes()
    assert remote.thumbnail(frame).tobytes() == local.thumbnail(frame).tobytes()


def test_arrow_becomes_polars_without_a_copy(remote: RemoteDataset) -> None:
    rows = remote.sql("SELECT range AS i FROM range(100000)")
    frame = rows.pl()
    assert isinstance(frame, pl.DataFrame) and len(frame) == 100_000
    arrived = [chunk.buffers()[1].address for chunk in rows.to_arrow_table()["i"].chunks]
    assert [chunk.to_arrow().buffers()[1].address for chunk in frame["i"].get_chunks()] == arrived


WRONG = [
    ("SELECT nope\nFROM frames", {}),
    ("SELECT *\nFROM frames f WHERE f.show = ", {}),
    ("SELECT * FROM frame", {}),
    ("DELETE FROM frames", {}),
    ("SELECT $a", {}),
    ("SELECT 1", {"a": 1}),
    ("SELECT tag::INT FROM tags", {}),
    ("SELECT error('late') FROM range(100000) t(i) WHERE i = 99999", {}),
]


@pytest.mark.parametrize(("sql", "params"), WRONG)
def test_errors_are_the_same(local: Dataset, remote: RemoteDataset, sql: str, params: dict[str, int]) -> None:
    errors: list[QueryError] = []
    for dataset in (local, remote):
        with pytest.raises(QueryError) as raised, local.session.errors():
            dataset.sql(sql, params).fetchall()
        errors.append(raised.value)
    here, there = errors
    assert (there.message, there.line, there.column) == (here.message, here.line, here.column)
    assert there.hint == here.hint


def test_what_is_not_there_is_an_error_of_the_same_kind(local: Dataset, remote: RemoteDataset) -> None:
    for dataset in (local, remote):
        for call in (dataset.image, dataset.thumbnail):
            with pytest.raises(QueryError, match="There is no frame"):
                call("k3f9a2qd-000000001")
        with pytest.raises(QueryError, match="There is no query"):
            dataset.query("nope")
        with pytest.raises(QueryError, match="no parameter"):
            dataset.query("sample", {"nope": 1})
        with pytest.raises(UsageError):
            dataset.search()


def test_an_error_while_rows_are_on_their_way_is_raised(remote: RemoteDataset) -> None:
    broken = (
        "SELECT CASE WHEN i = 900000 THEN error('far in') ELSE i::VARCHAR END AS x FROM range(1000000) t(i)"
    )
    with pytest.raises(QueryError, match="far in"):
        remote.sql(broken)


def test_the_token_is_part_of_the_address() -> None:
    with serving(options=Options(token="let-me-in", limits=ONE)) as address:
        assert animeds_db.connect(f"{address}/?token=let-me-in").sql("SELECT 1").fetchall() == [(1,)]
        assert animeds_db.connect(address, token="let-me-in").status()["frames"] == 49
        with pytest.raises(UsageError, match="token"):
            animeds_db.connect(address)


def test_nobody_at_an_address_is_said() -> None:
    with pytest.raises(StoreError, match="does not answer"):
        animeds_db.connect("http://127.0.0.1:9")
    for address in ("show.animeds", "ftp://x", ""):
        with pytest.raises(UsageError):
            animeds_db.connect(address)


def test_a_frame_whose_video_is_gone_is_a_source_error(tmp_path: Path, remote: RemoteDataset) -> None:
    with pytest.raises(AnimedsError) as raised:
        remote._picture("k3f9a2qd-000000001", "image")
    assert not isinstance(raised.value, SourceError)


def test_rows_come_as_csv_and_in_pieces() -> None:
    with reader() as client:
        asked = {"q": "SELECT i, 'a,b' AS t, [i, 1] AS l FROM range(3) r(i)"}
        text = client.get("/api/sql", params=asked, headers={"accept": "text/csv"}).text
        assert text == 'i,t,l\n0,"a,b","[0,1]"\n1,"a,b","[1,1]"\n2,"a,b","[2,1]"\n'
        pages, token = [], None
        while True:
            more = {"token": token} if token else {"limit": 100}
            answer = client.get("/api/sql", params={"q": "FROM range(250)", **more}).json()
            pages.append(len(answer["rows"]))
            token = answer["next"]
            if token is None:
                break
        assert pages == [100, 100, 50]
        frames, token = [], None
        while True:
            page = client.get(
                "/api/frames", params={"token": token} if token else {"count": 20, "episode": "1"}
            ).json()
            frames += [frame["frame_id"] for frame in page["frames"]]
            token = page["next"]
            if token is None:
                break
        assert (
            len(frames) == len(set(frames)) == client.get("/api/count", params={"episode": 1}).json()["count"]
        )


def test_the_notebook_of_the_page_on_the_service_works_as_written() -> None:
    text = (Path(__file__).parents[1] / "docs" / "service.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block.replace("http://127.0.0.1:8321", shared()), "service.md", "exec"), names)
    assert len(names["counts"]) > 10 and names["like"].num_rows == 5 and names["picture"].size == (640, 360)

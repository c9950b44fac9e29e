"""The views and macros: what a query sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tables import TAGS, add_source, frame, frames, new_store, rows, tagged_store

from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError
from animeds_db.session import Session, catalog
from animeds_db.session import session as opened_session
from animeds_db.session.label_views import LABEL_VIEWS
from animeds_db.session.scans import only
from animeds_db.store import Store

LISTS: Sequence[Sequence[str] | None] = (
    ["1girl", "red_hair", "smile"],
    ["1girl", "1boy"],
    [],
    None,
    ["red_hair"],
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    opened = Session(tagged_store(tmp_path_factory.mktemp("tagged"), LISTS))
    yield opened
    opened.close()


def ordinals(session: Session, condition: str) -> list[int]:
    found = session.sql(f"SELECT ordinal FROM frames WHERE {condition} ORDER BY ordinal").fetchall()
    return [row[0] for row in found]


def answer(session: Session, expression: str) -> object:
    return session.sql(f"SELECT {expression}").fetchall()[0][0]


def test_tags_are_strings_and_numbers_in_step(session: Session) -> None:
    seen = session.sql("SELECT tags, tag_ids, tag_scores FROM frames ORDER BY ordinal").fetchall()
    assert [row[0] for row in seen] == [list(tags) if tags is not None else None for tags in LISTS]
    assert seen[0][1:] == ([1, 2, 4], [900, 700, 500])


@pytest.mark.parametrize("tags", ["tags", "tag_ids"])
def test_has_tag(session: Session, tags: str) -> None:
    assert ordinals(session, f"has_tag({tags}, '1girl')") == [0, 1]
    assert ordinals(session, f"has_tag({tags}, 'red hair')") == ordinals(
        session, f"has_tag({tags}, 'red_hair')"
    )
    assert ordinals(session, f"has_tag({tags}, 'red_hair')") == [0, 4]


@pytest.mark.parametrize("tags", ["tags", "tag_ids"])
def test_an_unknown_tag_is_borne_by_nobody_and_lacked_by_all_tagged(session: Session, tags: str) -> None:
    assert ordinals(session, f"has_tag({tags}, 'no_such_tag')") == []
    assert ordinals(session, f"NOT has_tag({tags}, 'no_such_tag')") == [0, 1, 2, 4]


@pytest.mark.parametrize("tags", ["tags", "tag_ids"])
@pytest.mark.parametrize(
    ("wanted", "with_all", "with_any"),
    [
        (["1girl", "red_hair"], [0], [0, 1, 4]),
        (["smile"], [0], [0]),
        (["1boy", "smile"], [], [0, 1]),
        (["1girl", "no_such_tag"], [], [0, 1]),
        (["1girl", *["red hair"] * 15], [0], [0, 1, 4]),
    ],
)
def test_has_all_and_has_any(
    session: Session, tags: str, wanted: list[str], with_all: list[int], with_any: list[int]
) -> None:
    assert ordinals(session, f"has_all({tags}, {wanted})") == with_all
    assert ordinals(session, f"has_any({tags}, {wanted})") == with_any
    asked = f"SELECT ordinal FROM frames WHERE has_all({tags}, $wanted) ORDER BY 1"
    assert [row[0] for row in session.sql(asked, {"wanted": wanted}).fetchall()] == with_all


def test_empty_lists_ask_for_nothing_and_offer_nothing(session: Session) -> None:
    assert ordinals(session, "has_all(tag_ids, [])") == [0, 1, 2, 3, 4]
    assert ordinals(session, "has_any(tag_ids, [])") == []


@pytest.mark.parametrize("macro", ["has_all", "has_any"])
def test_too_many_tags_are_told_not_forgotten(session: Session, macro: str) -> None:
    with pytest.raises(QueryError, match="at most 16 tags"):
        session.arrow(f"SELECT * FROM frames WHERE {macro}(tag_ids, {['x'] * 17})")


def test_tag_score_is_zero_below_the_floor_and_null_untagged(session: Session) -> None:
    asked = "SELECT tag_score(all_scores, 'red hair') FROM frames ORDER BY ordinal"
    assert [row[0] for row in session.sql(asked).fetchall()] == [0.7, 0.0, 0.0, None, 0.9]


def test_sure_keeps_the_tags_above_a_threshold(session: Session) -> None:
    assert ordinals(session, "has_tag(sure(all_scores, 0.7), 'red_hair')") == [0, 4]
    assert ordinals(session, "has_tag(sure(all_scores, 0.71), 'red_hair')") == [4]


@pytest.mark.parametrize(
    "call", ["sure(tag_ids, tag_scores, 0.2)", "tag_score(tag_ids, tag_scores, 'smile')"]
)
def test_a_call_that_cannot_see_below_the_threshold_says_what_to_write(session: Session, call: str) -> None:
    with pytest.raises(QueryError, match=r"takes the column all_scores"):
        session.arrow(f"SELECT {call} FROM frames")


def test_tags_have_a_row_each_with_score_and_category(session: Session) -> None:
    seen = session.sql("SELECT tag, category, score FROM tags WHERE frame_id LIKE '%-000000000'").fetchall()
    assert sorted(seen) == [
        ("1girl", "general", 0.9),
        ("red_hair", "general", 0.7),
        ("smile", "general", 0.5),
    ]


def test_people_are_counted_by_their_tags(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    ids = store.ensure_tags(
        [(t, "general") for t in ("1girl", "2girls", "multiple_girls", "6+girls", "1boy")]
    )
    add_source(store, "aaaaaaaa")
    lists: Sequence[Sequence[str]] = (
        ["1girl", "1boy"],
        ["2girls", "multiple_girls"],
        ["multiple_girls"],
        ["6+girls"],
        [],
    )
    store.upsert(
        "frames",
        rows(
            store,
            "frames",
            *(frame("aaaaaaaa", i, tags=[ids[t] for t in tags]) for i, tags in enumerate(lists)),
        ),
    )
    session = Session(store)
    asked = "SELECT n_girls(tag_ids), n_boys(tags), n_people(tag_ids) FROM frames ORDER BY ordinal"
    assert session.sql(asked).fetchall() == [(1, 1, 2), (2, 0, 2), (2, 0, 2), (6, 0, 6), (0, 0, 0)]


@pytest.mark.parametrize(
    ("ratio", "step", "folder"),
    [
        ("0.31", 25, "face_height_ratio_25-50"),
        ("0", 25, "face_height_ratio_0-25"),
        ("0.25", 25, "face_height_ratio_25-50"),
        ("0.749::FLOAT", 25, "face_height_ratio_50-75"),
        ("1.0", 25, "face_height_ratio_75-100"),
        ("1.3", 20, "face_height_ratio_80-100"),
        ("0.99", 10, "face_height_ratio_90-100"),
        ("NULL", 25, None),
    ],
)
def test_face_heights_fall_into_folders(session: Session, ratio: str, step: int, folder: str | None) -> None:
    assert answer(session, f"fh_bucket({ratio}, step := {step})") == folder
    if step == 25:
        assert answer(session, f"fh_bucket({ratio})") == folder


def test_cosine(session: Session) -> None:
    assert answer(session, "cosine([1.0, 0]::FLOAT[2], [1.0, 1]::FLOAT[2])") == pytest.approx(0.5**0.5)
    assert answer(session, "cosine([1.0, 0]::FLOAT[2], NULL::FLOAT[2])") is None


def detection(number: int, kind: str, left: float) -> dict[str, object]:
    return {
        "detection_id": f"aaaaaaaa-000000000-{kind[0]}{number}",
        "frame_id": "aaaaaaaa-000000000",
        "source_id": "aaaaaaaa",
        "kind": kind,
        "left": left,
        "top": 0.25,
        "right": left + 0.1,
        "bottom": 0.75,
        "score": 0.9,
        "model": "detector@1",
    }


def test_boxes_by_kind(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa", episode=4)
    kinds = ("face", "face", "head", "person", "halfbody")
    boxes = [detection(number, kind, number / 10) for number, kind in enumerate(kinds)]
    store.upsert("detections", rows(store, "detections", *boxes))
    session = Session(store)
    assert session.sql("SELECT face_id, fh_ratio, episode, f.left FROM faces f ORDER BY 1").fetchall() == [
        ("aaaaaaaa-000000000-f0", 0.5, 4, 0.0),
        ("aaaaaaaa-000000000-f1", 0.5, 4, pytest.approx(0.1)),
    ]
    assert session.sql("SELECT head_id FROM heads").fetchall() == [("aaaaaaaa-000000000-h2",)]
    assert session.sql("SELECT person_id FROM persons").fetchall() == [("aaaaaaaa-000000000-p3",)]
    assert session.sql("SELECT count(*) FROM detections").fetchall() == [(5,)]


def test_a_shot_is_stood_for_by_its_sharpest_frame_that_is_not_blank(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    values = [(0, 1.0, False), (0, 9.0, True), (0, 5.0, False), (1, 3.0, True), (1, 2.0, True)]
    store.upsert(
        "frames",
        rows(
            store,
            "frames",
            *(
                frame("aaaaaaaa", i, shot=shot, sharpness=sharpness, is_blank=blank)
                for i, (shot, sharpness, blank) in enumerate(values)
            ),
        ),
    )
    seen = Session(store).sql("SELECT shot, first_s, last_s, n_frames, frame_id FROM shots ORDER BY shot")
    assert seen.fetchall() == [
        (0, 0.0, 2.0, 3, "aaaaaaaa-000002000"),
        (1, 3.0, 4.0, 2, "aaaaaaaa-000003000"),
    ]


@pytest.fixture(scope="module")
def two_shows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    store = new_store(tmp_path_factory.mktemp("shows"))
    add_source(store, "aaaaaaaa", show="One", season=1, episode=2)
    add_source(store, "bbbbbbbb", show="Two", season=None, episode=3)
    for source in ("aaaaaaaa", "bbbbbbbb"):
        values = [frame(source, i, sharpness=float(i), embedding=[float(i)] * 4) for i in range(4)]
        store.upsert("frames", rows(store, "frames", *values))
    opened = Session(store)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("condition", "n"),
    [
        ("f.show = 'One'", 4),
        ("f.show = 'One' AND episode = 3", 0),
        ("f.show = 'One' OR episode = 3", 8),
        ("episode >= 2 AND sharpness = 3", 2),
        ("episode = 3 AND ordinal IN (0, 1) AND f.show LIKE 'T%'", 2),
        ("season IS NULL", 4),
        ("season IS NOT NULL AND ordinal > 1", 2),
        ("f.show = 'Nobody'", 0),
        ("episode = 9 AND ordinal = 0", 0),
        ("episode = 2 OR ordinal = 0", 5),
        ("source_id = 'bbbbbbbb' AND episode = 3", 4),
    ],
)
def test_frames_can_be_asked_by_what_their_source_says(two_shows: Session, condition: str, n: int) -> None:
    found = two_shows.sql(f"SELECT frame_id, embedding, season FROM frames f WHERE {condition}").fetchall()
    assert len(found) == n
    assert two_shows.sql(f"SELECT count(*) FROM frames f WHERE {condition}").fetchall() == [(n,)]


def test_frames_show_their_show_season_and_episode(two_shows: Session) -> None:
    seen = two_shows.sql('SELECT "show", season, episode, count(*) FROM frames GROUP BY ALL ORDER BY 1')
    assert seen.fetchall() == [("One", 1, 2, 4), ("Two", None, 3, 4)]


def add_frames(store: Store, source: str, state: str) -> None:
    add_source(store, source, state)
    store.upsert("frames", frames(store, source, 3))
    store.upsert(
        "thumbnails",
        rows(store, "thumbnails", {"frame_id": f"{source}-000000000", "source_id": source, "webp": b"x"}),
    )


@pytest.mark.parametrize("unfinished", [False, True])
def test_rows_of_unfinished_sources_are_seen_only_when_asked_for(tmp_path: Path, unfinished: bool) -> None:
    store = new_store(tmp_path)
    for source, state in (("aaaaaaaa", "done"), ("bbbbbbbb", "running"), ("cccccccc", "failed")):
        add_frames(store, source, state)
    session = Session(store, unfinished=unfinished)
    for view in ("sources", "frames", "thumbnails", "shots"):
        found = session.sql(f"SELECT DISTINCT source_id FROM {view} ORDER BY 1").fetchall()
        assert [row[0][0] for row in found] == (["a", "b", "c"] if unfinished else ["a"]), view
    found = session.sql("SELECT DISTINCT source_id FROM frames WHERE episode = 1").fetchall()
    assert len(found) == (3 if unfinished else 1)


def test_every_view_answers_in_an_empty_database_also_when_it_is_asked_first(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for view in sorted({*Session(store).views()} - {"default_style"}):  # a style is a row of its own
        assert Session(store).sql(f"SELECT * FROM {view}").fetchall() == [], view
    session = Session(store)
    assert session.sql("SELECT count(*) FROM frames WHERE has_tag(tag_ids, 'x')").fetchall() == [(0,)]


def test_views_of_labels_have_the_same_columns_without_labels_and_with_them(tmp_path: Path) -> None:
    store = tagged_store(tmp_path, [["1girl"], ["smile"]])
    session = Session(store)
    empty = [
        session.sql(f"SELECT * FROM {name}") for name in LABEL_VIEWS
    ]  # not planned: made of their columns
    assert [view.fetchall() for view in empty] == [[]] * len(LABEL_VIEWS)
    columns = [(view.columns, view.types) for view in empty]
    frame_id = session.sql("SELECT frame_id FROM frames ORDER BY 1").fetchall()[0]
    Dataset(store).label("frame", "set", "drop", frame_id)
    full = [session.sql(f"SELECT * FROM {name}") for name in LABEL_VIEWS]
    assert [(view.columns, view.types) for view in full] == columns
    assert session.sql("SELECT frame_id, value FROM frame_labels").fetchall() == [(*frame_id, "drop")]
    assert Session(store).sql("SELECT frame_id FROM frame_labels").fetchall() == [frame_id]


def test_a_tag_that_two_writers_named_at_once_counts_with_its_lower_number(tmp_path: Path) -> None:
    store = tagged_store(tmp_path, [["1girl"]])
    double = {"tag_id": len(TAGS) + 1, "tag": "1girl", "category": "general"}
    store.upsert("vocabulary", rows(store, "vocabulary", double))
    assert ordinals(Session(store), "has_tag(tag_ids, '1girl')") == [0]


@pytest.mark.parametrize("few", [0, 1000])
def test_statements_about_some_frames_read_only_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(only, "FEW", few)
    store = new_store(tmp_path / "x")
    for source, state in (("aaaaaaaa", "done"), ("bbbbbbbb", "running")):
        add_source(store, source, state)
        store.upsert("frames", rows(store, "frames", *(frame(source, n, tags=[n + 1]) for n in range(4))))
    some = [row["frame_id"] for row in frames(store, "aaaaaaaa", 2, 2).to_pylist()]
    some += [row["frame_id"] for row in frames(store, "bbbbbbbb", 2).to_pylist()]
    for unfinished, expected in ((False, some[:2]), (True, some)):
        session = Session(store, unfinished=unfinished)
        for condition in ("true", "time_s >= 1", "episode = 1 AND ordinal <> 3", "episode IS NULL"):
            sql = f"SELECT frame_id, tags, show_name FROM lance_frames WHERE {condition} ORDER BY frame_id"
            found = session.of_frames(sql, some).to_pylist()
            whole = session.step(sql, {}).to_pylist()
            assert found == [row for row in whole if row["frame_id"] in expected]
        count = "SELECT count(*) AS n FROM lance_frames"
        assert session.of_frames(count, some)["n"].to_pylist() == [len(expected)]
        assert session.step(count, {})["n"].to_pylist() == [8 if unfinished else 4]
        session.close()


def test_a_word_that_is_no_view_makes_nothing() -> None:
    texts = ["SELECT caption, 'pairs' AS word, kept FROM mine"]
    assert catalog.mentioned_in(texts) == {"kept"}
    called = ["FROM caption('kept')", "SELECT Has_Tag (tags, 'x')"]
    assert catalog.mentioned_in(called) == {"caption", "kept", "has_tag", "tags"}


@pytest.mark.parametrize("few", [0, 1000])
def test_a_statement_in_parts_gives_what_it_gives_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(only, "FEW", few)
    monkeypatch.setattr(opened_session, "PART", 2)
    store = tagged_store(tmp_path, LISTS)
    session = Session(store)
    mine = session.step("SELECT frame_id, ordinal FROM frames ORDER BY ordinal DESC", {})
    sql = """SELECT ordinal, tags, (SELECT count(*) FROM frames) AS n FROM mine JOIN frames USING (frame_id, ordinal)
        ORDER BY ordinal DESC"""
    parts = [part.to_pylist() for part in session.in_parts(sql, "mine", mine)]
    assert [len(part) for part in parts] == [2, 2, 1]
    assert [row["n"] for part in parts for row in part] == [2, 2, 2, 2, 1], (
        "the tables have only the frames of the part"
    )
    found = [row["tags"] for part in parts for row in part]
    assert found == session.step(sql, {"mine": mine})["tags"].to_pylist()
    abandoned = session.in_parts(sql, "mine", mine)
    next(abandoned)
    assert session.step("SELECT count(*) AS n FROM frames", {})["n"].to_pylist() == [len(LISTS)]
    abandoned.close()
    session.close()


def test_views_of_labels_are_listed_once_also_after_they_were_used(tmp_path: Path) -> None:
    session = Session(tagged_store(tmp_path, LISTS))
    listed = session.sql("SHOW TABLES").fetchall()
    session.sql("SELECT count(*) FROM frame_labels").fetchall()
    assert session.sql("SHOW TABLES").fetchall() == listed
    assert session.sql("SELECT count(*) FROM frame_labels").fetchall() == [(0,)]
    session.close()

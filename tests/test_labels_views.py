"""What people say wins over what models found, in every view; without labels nothing is paid."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled import SOURCE, box_row, dataset, face_of, frame_of, identify, named
from tables import add_source, rows

from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, UsageError

TAGS = (["1girl", "smile", "hat"], ["1girl"], None, ["smile"])


@pytest.fixture
def ds(tmp_path: Path) -> Dataset:
    return dataset(tmp_path, TAGS)


def tags(ds: Dataset, number: int) -> list[tuple[str, int]]:
    row = ds.sql(f"SELECT tags, tag_scores FROM frames WHERE frame_id = '{frame_of(number)}'").fetchall()[0]
    return list(zip(*row, strict=True)) if row[0] is not None else []


def test_an_added_tag_has_the_full_score_and_a_removed_one_is_gone(ds: Dataset) -> None:
    ds.label("tag", "add", "red hair", [frame_of(0), frame_of(2)])
    ds.label("tag", "remove", "smile", "SELECT frame_id FROM frames WHERE has_tag(tag_ids, 'smile')")
    assert tags(ds, 0) == [("red_hair", 1000), ("1girl", 900), ("hat", 500)]
    assert tags(ds, 2) == [("red_hair", 1000)]
    assert tags(ds, 3) == []
    assert tags(ds, 1) == [("1girl", 900)]
    asked = "SELECT ordinal FROM frames WHERE has_tag(tag_ids, 'red_hair') ORDER BY 1"
    assert ds.sql(asked).fetchall() == [(0,), (2,)]


def test_adding_a_tag_that_a_model_gave_makes_it_certain_and_not_double(ds: Dataset) -> None:
    ds.label("tag", "add", "hat", [frame_of(0)])
    assert tags(ds, 0) == [("hat", 1000), ("1girl", 900), ("smile", 700)]
    seen = ds.sql("SELECT tag, score, model FROM tags WHERE source_id IS NOT NULL ORDER BY ALL").fetchall()
    assert ("hat", 1.0, "label") in seen
    assert [row for row in seen if row[2] == "tagger@1"] == [
        ("1girl", 0.9, "tagger@1"),
        ("1girl", 0.9, "tagger@1"),
        ("smile", 0.7, "tagger@1"),
        ("smile", 0.9, "tagger@1"),
    ]


def test_the_newest_word_about_a_tag_counts(ds: Dataset) -> None:
    ds.label("tag", "remove", "hat", [frame_of(0)])
    ds.label("tag", "add", "hat", [frame_of(0)])
    assert ("hat", 1000) in tags(ds, 0)
    ds.label("tag", "remove", "hat", [frame_of(0)])
    assert "hat" not in dict(tags(ds, 0))


def test_dropped_frames_are_out_and_kept_ones_in_whatever_dedup_and_gates_say(ds: Dataset) -> None:
    copies = [
        {"frame_id": frame_of(n), "source_id": SOURCE, "group_id": frame_of(0), "keeper": n == 0}
        for n in range(3)
    ]
    ds.store.rewrite("duplicates", rows(ds.store, "duplicates", *copies))

    def ordinals(view: str) -> list[int]:
        return [row[0] for row in ds.sql(f"SELECT ordinal FROM {view} ORDER BY 1").fetchall()]

    assert (ordinals("kept"), ordinals("good")) == ([0, 3], [])
    ds.label("frame", "set", "keep", [frame_of(1)])
    assert (ordinals("kept"), ordinals("good")) == ([0, 1, 3], [1])
    ds.label("frame", "set", "drop", [frame_of(1), frame_of(0)])
    assert (ordinals("kept"), ordinals("good")) == ([3], [])
    ds.label("frame", "remove", None, [frame_of(0)])
    assert ordinals("kept") == [0, 3]
    assert ordinals("frames") == [0, 1, 2, 3]


def test_a_label_outranks_the_classifier_and_the_rest_stays(ds: Dataset) -> None:
    identify(
        ds.store, aaaaaaaa_000000000_f0=("Fate", 0.9), aaaaaaaa_000001000_f0=("unknown", 0.2),
        aaaaaaaa_000002000_f1=("ood", 0.8),
    )  # fmt: skip
    assert named(ds) == {face_of(0): "Fate"}
    ds.label("character", "set", "Nanoha", [face_of(0), face_of(2, 1)])
    seen = ds.sql("SELECT face_id, character, character_score, margin FROM faces ORDER BY 1").fetchall()
    assert seen == [
        (face_of(0), "Nanoha", 1.0, 1.0),
        (face_of(1), "unknown", pytest.approx(0.2), pytest.approx(0.1)),
        (face_of(2), None, None, None),
        (face_of(2, 1), "Nanoha", 1.0, 1.0),
    ]
    by = ds.sql('SELECT face_id, "by", score FROM characters ORDER BY 1').fetchall()
    assert by == [(face_of(0), "label", 1.0), (face_of(2, 1), "label", 1.0)]
    ds.label("character", "remove", None, [face_of(0)])
    assert named(ds)[face_of(0)] == "Fate"


def test_a_face_can_be_said_to_be_nobody_known(ds: Dataset) -> None:
    identify(ds.store, aaaaaaaa_000000000_f0=("Fate", 0.9))
    ds.label("character", "set", "unknown", [face_of(0)])
    assert named(ds) == {}
    assert ds.sql("SELECT character FROM faces WHERE character IS NOT NULL").fetchall() == [("unknown",)]


def test_an_appearance_is_said_beside_the_character(ds: Dataset) -> None:
    identify(ds.store, aaaaaaaa_000000000_f0=("Fate", 0.9))
    ds.label("appearance", "set", "Hairdown", "SELECT face_id FROM faces WHERE character = 'Fate'")
    asked = 'SELECT character, appearance, "by" FROM characters'
    assert ds.sql(asked).fetchall() == [("Fate", "Hairdown", "examples")]


def test_a_frame_with_one_face_stands_for_its_face(ds: Dataset) -> None:
    ds.label("character", "set", "Nanoha", [frame_of(1)])
    ds.label("character", "set", "Fate", "SELECT frame_id FROM frames WHERE ordinal = 0")
    assert named(ds) == {face_of(0): "Fate", face_of(1): "Nanoha"}


def test_what_is_said_of_a_person_box_names_the_face_in_it_once(ds: Dataset) -> None:
    person = (0.05, 0.1, 0.35, 1.0)
    both = (0.0, 0.1, 1.0, 1.0)
    boxes = [box_row(frame_of(2), 0, person, "person"), box_row(frame_of(2), 1, both, "person")]
    behind = box_row(frame_of(3), 0, person, "person")
    ds.store.upsert("detections", rows(ds.store, "detections", *boxes, behind))
    ds.label("character", "set", "Nanoha", [face_of(2, 0, "p"), face_of(3, 0, "p")])
    assert named(ds) == {face_of(2): "Nanoha", face_of(3, 0, "p"): "Nanoha"}
    ds.label("character", "set", "Fate", [face_of(2, 1, "p")])  # two faces in it: the box itself
    assert named(ds)[face_of(2, 1, "p")] == "Fate"
    assert ds.sql("SELECT person_id FROM persons WHERE character = 'Fate'").fetchall() == [
        (face_of(2, 1, "p"),)
    ]


def test_labels_on_frames_that_are_gone_are_kept_and_told(ds: Dataset) -> None:
    ds.label("tag", "add", "red_hair", [frame_of(0), frame_of(1)])
    ds.label("character", "set", "Nanoha", [face_of(0)])
    ds.label("frame", "set", "drop", [frame_of(0)])
    ds.store.delete("frames", f"frame_id = '{frame_of(0)}'")
    ds.store.delete("detections", f"frame_id = '{frame_of(0)}'")
    assert named(ds) == {}
    assert ds.sql("SELECT frame_id FROM tags WHERE tag = 'red_hair'").fetchall() == [(frame_of(1),)]
    assert ds.sql("SELECT count(*) FROM kept").fetchall() == [(3,)]
    assert ds.sql("SELECT n_gone FROM label_history ORDER BY said_at").fetchall() == [(1,), (1,), (1,)]
    assert "3 of them for frames that no longer exist" in ds.summary()[-1]


def test_renames_are_seen_while_another_source_is_being_ingested(ds: Dataset) -> None:
    ds.label("character", "set", "nanoha", [face_of(0)])
    ds.rename_characters({"nanoha": "Nanoha"})
    act = ds.label("frame", "set", "drop", [frame_of(0)]).id
    ds.undo(act)
    add_source(ds.store, "bbbbbbbb", state="running")
    assert named(ds) == {face_of(0): "Nanoha"}
    assert ds.sql("SELECT count(*) FROM kept").fetchall() == [(4,)]


def test_a_database_without_labels_pays_nothing_for_them(ds: Dataset) -> None:
    for view in ("frames", "faces", "heads", "persons"):
        plan = ds.sql(f"EXPLAIN SELECT count(*), max(source_id) FROM {view}").fetchall()[0][1]
        assert "Scan" in plan and "Join" not in plan and "Union" not in plan
    joins = ds.sql("EXPLAIN SELECT frame_id FROM kept").fetchall()[0][1].count("Hash Join")
    assert joins == 1  # with the duplicates
    ds.label("frame", "set", "drop", [frame_of(0)])
    plan = ds.sql("EXPLAIN SELECT count(*), max(source_id) FROM frames").fetchall()[0][1]
    assert "Join" not in plan  # keep and drop cost `frames` nothing


def test_who_is_on_a_frame(ds: Dataset) -> None:
    ds.label("character", "set", "Nanoha", [face_of(0), face_of(2)])
    ds.label("character", "set", "Fate", [face_of(2, 1)])
    columns = "characters, character_string, character, n_characters, n_faces, n_unknown"
    seen = ds.sql(f"SELECT {columns} FROM frame_characters ORDER BY frame_id").fetchall()
    assert seen == [
        (["Nanoha"], "Nanoha", "Nanoha", 1, 1, 0),
        ([], None, None, 0, 1, 1),
        (["Fate", "Nanoha"], "Fate+Nanoha", None, 2, 2, 0),
        ([], None, None, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("has_exactly(characters, ['Nanoha'])", [0]),
        ("has_exactly(characters, ['Nanoha', 'Fate', 'Fate'])", [2]),
        ("has_exactly(characters, [])", [1, 3]),
        ("has_character(characters, 'Fate')", [2]),
        ("has_all_characters(characters, ['Fate', 'Nanoha'])", [2]),
        ("has_all_characters(characters, [])", [0, 1, 2, 3]),
        ("has_any_character(characters, ['Fate', 'Nobody here'])", [2]),
        ("has_any_character(characters, [])", []),
        ("is_alone(characters, n_boxes, 'Nanoha')", [0]),
        ("n_boxes = 2", [2]),
        ("n_characters >= 1", [0, 2]),
    ],
)
def test_sets_of_characters(cast: Dataset, condition: str, found: list[int]) -> None:
    asked = f"SELECT frame_id FROM frame_characters WHERE {condition} ORDER BY 1"
    assert [row[0] for row in cast.sql(asked).fetchall()] == [frame_of(n) for n in found]


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    ds = dataset(tmp_path_factory.mktemp("cast"))
    ds.label_all(
        [("character", "set", "Nanoha", i) for i in (face_of(0), face_of(2))]
        + [("character", "set", "Fate", face_of(2, 1))]
    )
    return ds


@pytest.mark.parametrize(
    ("field", "op", "value", "selection", "message"),
    [
        ("charakter", "set", "x", [frame_of(0)], 'no field "charakter"'),
        ("character", "add", "x", [face_of(0)], '"add" is not possible for character'),
        ("character", "set", "  ", [face_of(0)], "The character to set is empty"),
        ("tag", "remove", "", [frame_of(0)], "The tag to remove is empty"),
        ("frame", "set", "maybe", [frame_of(0)], '"maybe" is not possible'),
        ("frame", "set", "drop", [], "selects nothing"),
        ("frame", "set", "drop", ["aaaaaaaa-000099000"], "no frame aaaaaaaa-000099000"),
        ("character", "set", "x", [face_of(0, 7)], f"no face or other box {face_of(0, 7)}"),
        ("character", "set", "x", [frame_of(2)], f"2 faces: {face_of(2)}, {face_of(2, 1)}"),
        ("character", "set", "x", [frame_of(3)], "has no face"),
        ("tag", "add", "x", "SELECT 1 AS one", "no column frame_id. Its columns are one"),
    ],
)
def test_a_label_that_cannot_be_is_refused_and_nothing_written(
    cast: Dataset, field: str, op: str, value: str, selection: object, message: str
) -> None:
    before = cast.store.version("labels")
    with pytest.raises((UsageError, QueryError), match=message) as caught:
        cast.label(field, op, value, selection)  # type: ignore[arg-type]
    assert caught.value.hint or "nothing" in str(caught.value)
    assert cast.store.version("labels") == before

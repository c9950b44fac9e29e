"""Any sequence of labels and undos gives what a plain Python model gives; labels follow boxes by overlap."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from animeds_db.session.scripts import sql_script

VIEWS = ("undone", "active_labels", "tag_labels", "frame_labels", "box_labels", "names")
KEYS = "label_id, act, field, op, value, subject, frame_id, source_id, kind"
EDGES = ("left", "top", "right", "bottom")
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Said:
    """One word of an act."""

    field: str
    op: str
    value: str
    frame: str = "f"
    box: Box | None = None


Act = list[Said] | int
"""Words, or the number of the act that is undone."""


@pytest.fixture(scope="module")
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    """The views of labels over plain tables: fast enough for hundreds of sequences."""
    with duckdb.connect(config={"threads": "1"}) as connection:
        columns = ", ".join(f'"{name}" VARCHAR' for name in KEYS.split(", "))
        edges = ", ".join(f'"{edge}" FLOAT' for edge in EDGES)
        connection.execute(f"CREATE TABLE lance_labels ({columns}, {edges})")
        connection.execute(
            f"CREATE TABLE newest_detections (detection_id VARCHAR, frame_id VARCHAR, kind VARCHAR, {edges})"
        )
        connection.execute(
            "CREATE TABLE vocabulary AS SELECT *, 'general' AS category"
            " FROM (VALUES ('a', 1), ('b', 2)) AS t(tag, tag_id)"
        )
        connection.execute(sql_script("macros", "boxes.sql"))
        for name in VIEWS:
            connection.execute(sql_script("layers", f"{name}.sql"))
        yield connection


def write(sql: duckdb.DuckDBPyConnection, acts: list[Act], boxes: dict[str, Box]) -> None:
    sql.execute("DELETE FROM lance_labels")
    sql.execute("DELETE FROM newest_detections")
    rows: list[list[Any]] = []
    for number, act in enumerate(acts):
        words = act if isinstance(act, list) else [Said("act", "undo", f"act{act}")]
        for place, word in enumerate(words):
            head = [f"{number:04d}-{place:04d}", f"act{number}", word.field, word.op]
            subject = word.frame if word.field == "name" else None
            kind = "face" if word.box else None
            rows.append([*head, word.value, subject, word.frame, "s", kind, *(word.box or [None] * 4)])
    insert(sql, "lance_labels", rows)
    insert(sql, "newest_detections", [[name, "f", "face", *box] for name, box in boxes.items()])


def insert(sql: duckdb.DuckDBPyConnection, table: str, rows: list[list[Any]]) -> None:
    if rows:
        marks = ", ".join("(" + ", ".join("?" * len(row)) + ")" for row in rows)
        sql.execute(f"INSERT INTO {table} VALUES {marks}", [value for row in rows for value in row])


def counts(acts: list[Act], number: int) -> bool:
    """Tell whether an act counts: nobody undid it, or the newest undo of it does not count itself."""
    answers = [later for later, act in enumerate(acts) if act == number]
    return not answers or not counts(acts, answers[-1])


def iou(a: Box, b: Box) -> float:
    def area(box: Box) -> float:
        return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)

    shared = area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
    return shared / (area(a) + area(b) - shared) if shared else 0.0


def match(box: Box, boxes: dict[str, Box]) -> str | None:
    name, best = max(
        ((n, iou(b, box)) for n, b in boxes.items()), key=lambda f: (f[1], f[0]), default=("", 0)
    )
    return name if best >= 0.5 else None


def model(acts: list[Act], boxes: dict[str, Box]) -> dict[str, Any]:
    """Return what counts: a loop over the words from the first to the last."""
    state: dict[Any, tuple[str, str]] = {}
    for number, act in enumerate(acts):
        if isinstance(act, list) and counts(acts, number):
            for word in act:
                thing: Any = word.frame
                if word.box:
                    thing = match(word.box, boxes) or word.box
                elif word.field == "tag":
                    thing = (word.frame, word.value)
                state[word.field, thing] = (word.op, word.value)
    return {
        "tag": {(*key[1], op) for key, (op, _) in state.items() if key[0] == "tag"},
        "frame": {(key[1], v) for key, (op, v) in state.items() if key[0] == "frame" and op == "set"},
        "box": {
            (key[0], key[1] if isinstance(key[1], str) else None, v)
            for key, (op, v) in state.items()
            if key[0] in ("character", "appearance") and op == "set"
        },
        "name": follow({key[1]: v for key, (op, v) in state.items() if key[0] == "name" and op == "set"}),
    }


def follow(names: dict[str, str]) -> set[tuple[str, str]]:
    """Return each renamed name with its last one; a circle is followed once around."""
    found = set()
    for name in names:
        path = [name, names[name]]
        while path[-1] in names and names[path[-1]] not in path:
            path.append(names[path[-1]])
        found.add((name, path[-1]))
    return found


def views(sql: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    asked = {
        "tag": "SELECT frame_id, tag, op FROM tag_labels",
        "frame": "SELECT frame_id, value FROM frame_labels",
        "box": "SELECT field, detection_id, value FROM box_labels",
        "name": "SELECT name, final FROM names",
    }
    return {key: set(sql.sql(text).fetchall()) for key, text in asked.items()}


def single(number: float) -> float:
    """Return a number as float32 holds it."""
    return float(struct.unpack("f", struct.pack("f", number))[0])


places = st.integers(0, 12).map(lambda n: single(n / 20))
sizes = st.integers(0, 8).map(lambda n: single(n / 20))
a_box = st.tuples(places, places, sizes, sizes).map(
    lambda b: (b[0], b[1], single(b[0] + b[2]), single(b[1] + b[3]))
)
one_of = st.sampled_from
a_word = st.one_of(
    st.builds(Said, st.just("tag"), one_of(["add", "remove"]), one_of("ab"), one_of("fg")),
    st.builds(Said, st.just("frame"), one_of(["set", "remove"]), one_of(["keep", "drop"]), one_of("fg")),
    st.builds(Said, st.just("name"), one_of(["set", "remove"]), one_of("xyz"), one_of("xyz")),
    st.builds(
        Said,
        one_of(["character", "appearance"]),
        one_of(["set", "remove"]),
        one_of("xyz"),
        st.just("f"),
        a_box,
    ),
)


@st.composite
def some_acts(draw: st.DrawFn) -> list[Act]:
    acts: list[Act] = []
    for number in range(draw(st.integers(1, 12))):
        if number and draw(st.booleans()):
            acts.append(draw(st.integers(0, number - 1)))
        else:
            acts.append(draw(st.lists(a_word, min_size=1, max_size=3)))
    return acts


some_boxes = st.lists(a_box, max_size=4).map(lambda boxes: {f"d{n}": box for n, box in enumerate(boxes)})


@settings(max_examples=40, deadline=None)
@given(some_acts(), some_boxes)
def test_any_sequence_of_labels_and_undos_gives_what_a_plain_model_gives(
    sql: duckdb.DuckDBPyConnection, acts: list[Act], boxes: dict[str, Box]
) -> None:
    write(sql, acts, boxes)
    assert views(sql) == model(acts, boxes)


@settings(max_examples=10, deadline=None)
@given(some_acts(), some_boxes)
def test_undoing_the_last_act_gives_what_was_before_it_and_undoing_that_gives_it_back(
    sql: duckdb.DuckDBPyConnection, acts: list[Act], boxes: dict[str, Box]
) -> None:
    # only what counts can be taken back
    assume(all(counts(acts[:n], act) for n, act in enumerate(acts) if isinstance(act, int)))
    write(sql, acts[:-1], boxes)
    before = views(sql)
    write(sql, acts, boxes)
    after = views(sql)
    write(sql, [*acts, len(acts) - 1], boxes)
    assert views(sql) == before
    write(sql, [*acts, len(acts) - 1, len(acts)], boxes)
    assert views(sql) == after


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(a_box, some_boxes), min_size=10, max_size=20))
def test_a_label_goes_to_the_detection_that_overlaps_it_most_and_to_no_other(
    sql: duckdb.DuckDBPyConnection, frames: list[tuple[Box, dict[str, Box]]]
) -> None:
    write(sql, [[Said("character", "set", "x", f"f{n}", box) for n, (box, _) in enumerate(frames)]], {})
    found = [
        [f"f{n}{d}", f"f{n}", "face", *b] for n, (_, boxes) in enumerate(frames) for d, b in boxes.items()
    ]
    insert(sql, "newest_detections", found)
    matched = dict(sql.sql("SELECT frame_id, detection_id FROM box_labels").fetchall())
    expected = {
        f"f{n}": match(box, {f"f{n}{d}": b for d, b in boxes.items()})
        for n, (box, boxes) in enumerate(frames)
    }
    assert matched == expected


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.1, 0.15, 0.2, 0.3])
def test_a_face_that_moved_by_less_than_a_third_keeps_its_label(
    sql: duckdb.DuckDBPyConnection, shift: float
) -> None:
    write(
        sql,
        [[Said("character", "set", "x", box=(0.1, 0.1, 0.4, 0.5))]],
        {"d": (0.1 + shift, 0.1, 0.4 + shift, 0.5)},
    )
    assert sql.sql("SELECT detection_id FROM box_labels").fetchall() == [
        ("d" if shift < 0.1 + 1e-9 else None,)
    ]


def test_a_circle_that_two_people_made_at_once_ends(sql: duckdb.DuckDBPyConnection) -> None:
    write(sql, [[Said("name", "set", "y", "x")], [Said("name", "set", "x", "y")]], {})
    assert len(sql.sql("SELECT * FROM names").fetchall()) == 2

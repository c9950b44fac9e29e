"""Crops: squares around faces, boxes with a margin, what is left out, and what is said of a crop."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from export_material import Measured, Tags, content, database, picture_source, tables, video_source
from hypothesis import example, given, settings
from hypothesis import strategies as st

from animeds_db.errors import ExportError, UsageError
from animeds_db.export import CropOptions, ExportOptions, export, select
from animeds_db.export.pictures.render import crop_box
from animeds_db.export.pictures.sizes import BUCKET_STEP, MAX_PIXELS, MAX_RATIO, Resize
from animeds_db.session import Session, catalog

BOXES = st.tuples(*[st.floats(0, 1)] * 4).map(
    lambda v: (min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3]))
)
SIZES = st.tuples(st.integers(16, 4000), st.integers(16, 4000))
MARGINS = st.one_of(st.none(), st.floats(0, 3))


@cache
def macros() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    catalog.create(connection, ["face_square", "with_margin", "crop_tags"], {}, set())
    return connection


def square(box: Any, size: tuple[int, int], margin: float | None, bounds: Any = (0, 0, 1, 1)) -> Any:
    sql = "SELECT face_square($box::DOUBLE[], $w, $h, margin := $margin::DOUBLE, bounds := $bounds::DOUBLE[])"
    values = {"box": list(box), "w": size[0], "h": size[1], "margin": margin, "bounds": list(bounds)}
    return macros().execute(sql, values).fetchall()[0][0]


@settings(max_examples=150, deadline=None)
@given(BOXES, SIZES, MARGINS)
def test_a_face_crop_is_a_square_inside_the_frame_that_holds_the_face(
    box: tuple[float, ...], size: tuple[int, int], margin: float | None
) -> None:
    found = square(box, size, margin)
    left, top, right, bottom = crop_box(box, *size)  # type: ignore[arg-type]
    face = max(right - left, bottom - top)
    if found is None:
        assert face >= min(size) - 1, "only a face that no square can hold has no crop"
        return
    assert 0 <= found[0] < found[2] <= 1 and 0 <= found[1] < found[3] <= 1
    x1, y1, x2, y2 = crop_box(tuple(found), *size)
    assert x2 - x1 == y2 - y1, "square, in pixels"
    if margin is None:
        assert x2 - x1 == min(size), "the largest there is"
    assert x1 <= left + 1 and y1 <= top + 1 and x2 >= right - 1 and y2 >= bottom - 1


def reference_square(face: tuple[int, int, int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The rule of anime_screenshot_pipeline's crop_faces.py, from its description, in pixels.

    One thing differs: there, a face of more than two thirds of the frame's height loses its chin.
    """
    left, top, right, bottom = face
    side = min(size)
    x = (left + (right - left) // 2) - side // 2
    y = max(top - min((bottom - top) // 2, side - (bottom - top)), 0)
    x, y = max(0, min(x, size[0] - side)), min(y, size[1] - side)
    return x, y, x + side, y + side


@settings(max_examples=100, deadline=None)
@given(st.data(), st.tuples(st.integers(64, 2000), st.integers(64, 2000)))
def test_the_largest_square_lies_where_the_seed_puts_it(data: st.DataObject, size: tuple[int, int]) -> None:
    low = min(size) - 1
    wide, high = data.draw(st.integers(1, low)), data.draw(st.integers(1, low))
    x, y = data.draw(st.integers(0, size[0] - wide)), data.draw(st.integers(0, size[1] - high))
    face = (x, y, x + wide, y + high)
    box = (x / size[0], y / size[1], (x + wide) / size[0], (y + high) / size[1])
    assert crop_box(tuple(square(box, size, None)), *size) == reference_square(face, size)


@pytest.mark.parametrize(("margin", "top"), [(0.7, 0.21), (1.0, 0.17), (0.5, 0.25), (0.2, 0.14)])
def test_a_close_square_has_at_most_half_the_face_above_it(margin: float, top: float) -> None:
    box, size = (0.45, 0.4, 0.55, 0.5), (1000, 1000)  # a face of 100 pixels with room on all sides
    _, y1, _, y2 = square(box, size, margin)
    assert round((box[1] - y1) / (y2 - y1), 2) == top


def test_bounds_keep_borders_out_of_a_face_crop() -> None:
    found = square((0.9, 0.05, 0.98, 0.2), (200, 100), None, (0.1, 0.1, 0.9, 0.9))
    assert crop_box(tuple(found), 200, 100) == (100, 10, 180, 90)


@settings(max_examples=200, deadline=None)
@example((16, 3237), 1152, True)
@given(SIZES, st.integers(64, 1536), st.booleans())
def test_buckets_are_multiples_of_64_within_their_area(
    size: tuple[int, int], side: int, upscale: bool
) -> None:
    try:
        scaled, final = Resize(bucket=side, upscale=upscale).sizes(*size)
    except ExportError:  # a narrow strip, enlarged to fill the bucket
        assert upscale and size[0] * size[1] * (side / min(size)) ** 2 > MAX_PIXELS
        return
    if final == size and not upscale and min(size) < BUCKET_STEP:
        return  # smaller than any bucket: left as it is
    assert all(edge % BUCKET_STEP == 0 and edge > 0 for edge in final)
    assert final[0] * final[1] <= side * side and max(final) <= MAX_RATIO * min(final)
    assert scaled[0] >= final[0] and scaled[1] >= final[1]
    assert upscale or (scaled[0] <= size[0] and scaled[1] <= size[1]), "never enlarged unless asked"


@pytest.mark.parametrize(
    ("resize", "size", "wanted"),
    [
        (Resize(short_edge=720), (1920, 1080), (1280, 720)),
        (Resize(short_edge=720), (640, 360), (640, 360)),
        (Resize(short_edge=720, upscale=True), (640, 360), (1280, 720)),
        (Resize(max_size=320, upscale=True), (160, 90), (320, 180)),
        (Resize(bucket=1024), (1920, 1080), (1344, 768)),
        (Resize(bucket=1024), (1080, 1080), (1024, 1024)),
        (Resize(bucket=1024), (640, 360), (576, 320)),
    ],
)
def test_sizes_that_people_expect(resize: Resize, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert resize.sizes(*size)[1] == wanted


def crop_tags(names: list[str], n_faces: int, of_frame: int) -> list[str]:
    tags = [{"tag": name, "category": "general", "score": 0.9, "counts": True} for name in names]
    found = macros().execute(
        "SELECT crop_tags($tags, $n, $all)", {"tags": tags, "n": n_faces, "all": of_frame}
    )
    return [tag["tag"] for tag in found.fetchall()[0][0]]


@pytest.mark.parametrize(
    ("names", "faces", "wanted"),
    [
        (["2girls", "multiple_girls", "smile", "full_body"], (1, 2), ["1girl", "solo", "smile"]),
        (["3girls", "smile"], (2, 3), ["2girls", "multiple_girls", "smile"]),
        (["1girl", "1boy", "smile"], (1, 2), ["solo", "smile"]),
        (["1boy", "solo", "cowboy_shot"], (1, 1), ["1boy", "solo"]),
        (["2girls", "sky"], (0, 2), ["sky"]),
        (["6+girls", "1other", "sky"], (2, 7), ["sky"]),
    ],
)
def test_the_tags_of_a_crop_count_who_is_in_it(
    names: list[str], faces: tuple[int, int], wanted: list[str]
) -> None:
    assert crop_tags(names, *faces) == wanted


TWO: Tags = (("2girls", "general", 0.9), ("smile", "general", 0.8), ("full_body", "general", 0.7))
SMALL, LARGE = (0.1, 0.1, 0.2, 0.3), (0.6, 0.2, 0.8, 0.6)


def detection(frame_id: str, kind: str, number: int, box: tuple[float, ...]) -> dict[str, Any]:
    row = {"detection_id": f"{frame_id}-{kind[0]}{number}", "frame_id": frame_id, "source_id": frame_id[:8]}
    return (
        row
        | {"kind": kind, "score": 0.9, "model": "m@1"}
        | dict(zip(("left", "top", "right", "bottom"), box, strict=True))
    )


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return video_source(tmp_path_factory.mktemp("show") / "Show - S01E01.mkv")


@pytest.fixture(scope="module")
def session(show: Measured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Frame 0 has two faces and a person, frame 1 one face and a head, frame 2 a huge person, frame 3 nothing."""
    for row in show.rows:
        row |= {"border_left": 0.0, "border_top": 0.125, "border_right": 0.0, "border_bottom": 0.125}
        row |= {"text_upper": 0.0, "text_lower": 0.1 if row["ordinal"] == 3 else 0.0}
    store = database(tmp_path_factory.mktemp("db") / "db", [show], lambda i, _: TWO)
    a, b, c, _ = show.frame_ids
    rows = [
        detection(a, "face", 0, SMALL),
        detection(a, "face", 1, LARGE),
        detection(a, "person", 0, (0.5, 0.1, 0.9, 1.0)),
        detection(b, "face", 0, LARGE),
        detection(b, "head", 0, (0.55, 0.1, 0.85, 0.7)),
        detection(c, "person", 0, (0.0, 0.0, 1.0, 0.9)),
    ]
    store.upsert("detections", pa.Table.from_pylist(rows, store.schema("detections").schema))
    session = Session(store)
    yield session
    session.close()


def crops(session: Session, sql: str = "SELECT frame_id FROM frames", **options: Any) -> list[dict[str, Any]]:
    plan, *_ = select(session, sql, options=ExportOptions(captions=False, crops=CropOptions(**options)))
    rows: list[dict[str, Any]] = plan.to_pylist()
    return rows


def test_each_face_gives_one_square(session: Session, show: Measured, tmp_path: Path) -> None:
    found = crops(session, kinds=("face",))
    assert [(r["frame_id"], r["crop_kind"], r["crop_number"]) for r in found] == [
        (show.frame_ids[0], "face", 1), (show.frame_ids[0], "face", 2), (show.frame_ids[1], "face", 1),
    ]  # fmt: skip
    plan, sources, _ = select(
        session,
        "SELECT frame_id FROM frames",
        options=ExportOptions(captions=False, crops=CropOptions(kinds=("face",))),
    )
    export(plan, sources, tmp_path / "out")
    names = {p.name for p in (tmp_path / "out").glob("*.png")}
    assert names == {
        f"Show - S01E01-000000{ms}_face{k}.png" for ms, k in (("000", 1), ("000", 2), ("250", 1))
    }


def test_what_is_said_of_a_crop_is_its_own(session: Session, show: Measured) -> None:
    first = crops(session, kinds=("face",), margin=0.5)[0]
    assert [t["tag"] for t in first["tags"]] == ["1girl", "solo", "smile"]
    (box,) = first["boxes"]
    left, top, right, bottom = first["crop"]
    assert box["kind"] == "face"
    assert box["left"] * (right - left) + left == pytest.approx(SMALL[0], abs=1e-4)
    assert box["bottom"] * (bottom - top) + top == pytest.approx(SMALL[3], abs=1e-4)
    whole = crops(session, kinds=("frame",))[0]
    assert (whole["tags"], whole["boxes"]) == (None, None), "nothing that is written needs them"
    whole = select(session, "SELECT frame_id FROM frames").pictures.to_pylist()[0]
    assert [t["tag"] for t in whole["tags"]] == ["2girls", "smile", "full_body"]
    assert len(whole["boxes"]) == 3 and whole["crop"] is None


def test_originals_may_lie_beside_crops(session: Session) -> None:
    found = crops(session, kinds=("frame", "face"))
    assert len(found) == 4 + 3 and [r["crop_kind"] for r in found].count(None) == 4


def test_a_frame_with_too_few_faces_and_a_crop_that_is_too_small_give_nothing(
    session: Session, show: Measured
) -> None:
    assert {r["frame_id"] for r in crops(session, kinds=("face",), min_faces=2)} == {show.frame_ids[0]}
    close = crops(session, kinds=("face",), margin=0.0, min_px=30)
    assert [r["crop_number"] for r in close] == [2, 1], "the small face has 19 pixels"
    with pytest.raises(ExportError, match="No crop is left: none of the 4 selected frames") as caught:
        crops(session, kinds=("halfbody",))
    assert caught.value.hint


def test_a_person_that_fills_the_frame_is_the_frame(session: Session, show: Measured) -> None:
    found = crops(session, kinds=("person",), max_share=0.5)
    assert [(r["frame_id"], r["crop_kind"]) for r in found] == [
        (show.frame_ids[0], "person"), (show.frame_ids[2], None),
    ]  # fmt: skip
    both = crops(session, kinds=("frame", "person"))
    assert len(both) == 5, "the frame is there once, though asked for twice"


def test_heads_are_detected_ones_or_else_faces_with_room(session: Session, show: Measured) -> None:
    found = crops(session, kinds=("head",), margin=0.0)
    assert [r["frame_id"] for r in found] == [show.frame_ids[0]] * 2 + [show.frame_ids[1]]
    assert found[2]["crop"] == pytest.approx([0.55, 0.1, 0.85, 0.7])
    assert found[0]["crop"] == pytest.approx([0.075, 0.05, 0.225, 0.35])


def test_a_face_that_the_selection_names_is_cut_out_alone(session: Session, show: Measured) -> None:
    sql = f"SELECT frame_id, face_id FROM faces WHERE face_id = '{show.frame_ids[0]}-f1'"
    (one,) = crops(session, sql)
    assert (one["crop_kind"], one["crop_number"]) == ("face", 2)
    (person,) = crops(session, sql, kinds=("person",))
    assert person["face_id"] == f"{show.frame_ids[0]}-p0", "the person around that face"
    assert [r["crop_kind"] for r in crops(session, sql, kinds=("frame",))] == [None]


def test_borders_and_subtitles_are_cut_off_first(session: Session) -> None:
    found = crops(session, trim=("borders",))
    assert all(r["crop"] == [0.0, 0.125, 1.0, 0.875] for r in found)
    found = crops(session, trim=("borders", "subtitles"))
    assert found[3]["crop"] == pytest.approx([0.0, 0.125, 1.0, 0.7])
    face = crops(session, kinds=("face",), trim=("borders",))[0]["crop"]
    assert (face[1], face[3]) == (0.125, 0.875)


def test_a_crop_of_the_selection_bounds_what_is_cut_out(session: Session) -> None:
    sql = "SELECT frame_id, [0.5, 0, 1, 1] AS crop FROM frames"
    found = crops(session, sql, kinds=("face",))
    assert all(r["crop"][0] >= 0.5 for r in found)


def test_boxes_follow_the_ends_that_a_bucket_cuts_off(tmp_path: Path) -> None:
    caps = picture_source(tmp_path / "caps", count=1)  # 64 × 48
    box = {"detection_id": "x", "kind": "face", "character": None, "score": 1.0}
    plan, sources = tables(
        [caps],
        steer=lambda i, row: {"boxes": [{**box, "left": 0.0, "top": 0.5, "right": 0.5, "bottom": 1.0}]},
    )
    options = ExportOptions(bucket=64, upscale=True, layouts=("imagefolder",))
    export(plan, sources, tmp_path / "out", options=options)
    import json

    row = json.loads(content(tmp_path / "out")["train/metadata.jsonl"])
    assert (row["width"], row["height"]) == (64, 64)
    x, y, wide, high = row["objects"]["bbox"][0]  # scaled to 85 × 64, ten columns cut off on the left
    assert (x, y, high) == (0, 32, 32) and wide == pytest.approx(0.5 * 85 - 10, abs=0.6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kinds": ("Hand 1",)}, "Hand 1"),
        ({"kinds": ("face", "face")}, "given twice"),
        ({"trim": ("logos",)}, "logos"),
        ({"margin": -1}, "between 0 and 10"),
        ({"max_share": 0}, "above 0"),
        ({"min_px": 0}, "at least 1"),
    ],
)
def test_crops_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CropOptions(**wrong)

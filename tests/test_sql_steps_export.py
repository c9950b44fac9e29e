"""The statements of sql/steps/export, over a few rows each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sqlrows import (
    SOURCE,
    Database,
    box,
    box_label,
    columns,
    frame,
    frame_id,
    identity,
    label,
    tagged,
    vocabulary,
)

LEFT = box(0, 0, (0.1, 0.4, 0.3, 0.6))
RIGHT = box(0, 1, (0.7, 0.4, 0.9, 0.6))
CROPPING: dict[str, Any] = {
    "kinds": [],
    "margin": None,
    "trim": [],
    "min_faces": 0,
    "min_px": 0,
    "max_share": 0.8,
}


def material(**more: Any) -> Database:
    tables: dict[str, Any] = {
        "frames": [frame(0, **tagged((1, 90), (2, 80)), stream=0, pts=7, show="Show", episode=2)],
        "vocabulary": vocabulary("2girls", "smile"),
        "detections": [LEFT, RIGHT],
    }
    return Database(**tables | more)


SELECTION = columns(frame_id=[frame_id(0)], selection_row=[0])


@pytest.mark.sql("steps/export/crops.sql")
def test_a_selection_gives_whole_frames_or_a_square_for_each_face() -> None:
    (row,) = material().step("export/crops.sql", CROPPING, selection=SELECTION)
    assert (row["crop"], row["crop_kind"]) == (None, None)
    asked = CROPPING | {"kinds": ["face"], "margin": 0.5}
    rows = material().step("export/crops.sql", asked, selection=SELECTION)
    rows.sort(key=lambda r: r["crop_number"])
    assert [(r["face_id"], r["crop_number"]) for r in rows] == [
        (LEFT["detection_id"], 1),
        (RIGHT["detection_id"], 2),
    ]
    assert rows[0]["crop"] == pytest.approx([0.0, 0.3, 0.4, 0.7])


@pytest.mark.sql("steps/export/whole_frames.sql", "tables/framed_pictures.sql")
def test_whole_frames_are_what_crops_of_nothing_are() -> None:
    drawn = [label(1, "crop", "0,0.1,1,0.9", frame_id=frame_id(0))]
    given = SELECTION.append_column("crop", pa.array([[0.5, 0.0, 1.0, 1.0]]))
    twice = pa.concat_tables([SELECTION, SELECTION])
    for trim in ([], ["borders"]):
        for labels in ([], drawn):
            for selection in (SELECTION, given, twice):
                database = material(labels=labels)
                rows = database.step("export/whole_frames.sql", {"trim": trim}, selection=selection)
                assert rows == database.step(
                    "export/crops.sql", CROPPING | {"trim": trim}, selection=selection
                )
    (row,) = material(labels=drawn).step("export/whole_frames.sql", {"trim": []}, selection=SELECTION)
    assert (row["crop"], row["crop_kind"], row["selection_row"]) == ([0, 0.1, 1, 0.9], None, 0)


@pytest.mark.sql("steps/export/crops.sql")
def test_limits_and_deleted_crops_leave_boxes_out() -> None:
    faces = CROPPING | {"kinds": ["face"], "margin": 0.5}
    assert material().step("export/crops.sql", faces | {"min_faces": 3}, selection=SELECTION) == []
    assert material().step("export/crops.sql", faces | {"min_px": 500}, selection=SELECTION) == []
    deleted = material(labels=[box_label(1, "frame", "drop", LEFT)])
    assert [r["face_id"] for r in deleted.step("export/crops.sql", faces, selection=SELECTION)] == [
        RIGHT["detection_id"]
    ]
    body = box(0, 0, (0.0, 0.0, 1.0, 0.95), "person")
    (row,) = material(detections=[body]).step(
        "export/crops.sql", CROPPING | {"kinds": ["person"]}, selection=SELECTION
    )
    assert (row["crop"], row["crop_kind"]) == (None, None)


@pytest.mark.sql("steps/export/crops.sql")
def test_a_half_body_that_a_selection_names_is_cut_out() -> None:
    body = box(0, 0, (0.2, 0.2, 0.6, 0.7), "halfbody")
    selection = SELECTION.append_column("halfbody_id", pa.array([body["detection_id"]]))
    (row,) = material(detections=[body, LEFT]).step("export/crops.sql", CROPPING, selection=selection)
    assert (row["crop_kind"], row["face_id"]) == ("halfbody", body["detection_id"])
    assert row["crop"] == pytest.approx([0.16, 0.15, 0.64, 0.75])


@pytest.mark.sql("steps/export/crops.sql")
def test_a_crop_drawn_by_hand_wins_over_the_box_and_the_frame() -> None:
    drawn = [
        box_label(1, "crop", "0.05,0.35,0.35,0.75", LEFT),
        label(2, "crop", "0,0.1,1,0.9", frame_id=frame_id(0)),
    ]
    asked = CROPPING | {"kinds": ["frame", "face"], "margin": 0.5, "trim": ["borders"]}
    rows = material(labels=drawn).step("export/crops.sql", asked, selection=SELECTION)
    rows.sort(key=lambda r: r["crop_number"] or 0)
    assert [r["crop_kind"] for r in rows] == [None, "face", "face"]
    assert rows[0]["crop"] == [0, 0.1, 1, 0.9]
    assert rows[1]["crop"] == [0.05, 0.35, 0.35, 0.75]
    assert rows[2]["crop"] == pytest.approx([0.6, 0.3, 1.0, 0.7])
    given = SELECTION.append_column("crop", pa.array([[0.5, 0.0, 1.0, 1.0]]))
    (row,) = material(labels=drawn).step("export/crops.sql", CROPPING, selection=given)
    assert row["crop"] == [0.5, 0.0, 1.0, 1.0]  # the selection says otherwise


@pytest.mark.sql("steps/export/plan.sql", "steps/export/contents.sql")
def test_a_plan_has_the_place_of_each_picture_and_its_contents_are_boxes_and_tags() -> None:
    selection = pa.table(
        {
            "frame_id": [frame_id(0), frame_id(0), "nowhere"],
            "folder": pa.array([None] * 3, pa.string()),
            "filename": pa.array([None] * 3, pa.string()),
            "caption": pa.array([None] * 3, pa.string()),
            "repeats": pa.array([None] * 3, pa.int64()),
            "crop": pa.array([None, [0.0, 0.0, 0.5, 1.0], None], pa.list_(pa.float64())),
            "face_id": [None, LEFT["detection_id"], None],
            "crop_kind": [None, "face", None],
            "crop_number": pa.array([None, 1, None], pa.int32()),
            "selection_row": [0, 1, 2],
        }
    )
    rows = material().step("export/plan.sql", selection=selection)
    assert [(r["frame_id"], r["source_id"], r["pts"]) for r in rows] == [
        ("nowhere", None, None),
        (frame_id(0), SOURCE, 7),
        (frame_id(0), SOURCE, 7),
    ]
    pictures = selection.append_column("picture", pa.array([1, 2, 0]))
    unknown, whole, crop = material().step("export/contents.sql", pictures=pictures)
    assert (unknown["picture"], unknown["tags"], unknown["boxes"]) == (0, None, [])
    assert [(t["tag"], t["score"]) for t in whole["tags"]] == [("2girls", 0.9), ("smile", 0.8)]
    assert [t["tag"] for t in crop["tags"]] == ["1girl", "solo", "smile"]
    assert [b["detection_id"] for b in whole["boxes"]] == [LEFT["detection_id"], RIGHT["detection_id"]]
    (inside,) = crop["boxes"]
    assert [inside[e] for e in ("left", "top", "right", "bottom")] == pytest.approx([0.2, 0.4, 0.6, 0.6])


@pytest.mark.sql("steps/export/left_out.sql")
@pytest.mark.sql("steps/export/count_gates.sql")
def test_frames_that_an_export_leaves_out_and_the_gates_of_the_kept_ones() -> None:
    found = Database(
        frames=[frame(n) for n in range(4)],
        duplicates=[{"frame_id": frame_id(n), "group_id": frame_id(0), "keeper": n == 0} for n in range(2)],
        labels=[label(1, "frame", "drop", frame_id=frame_id(2))],
    )
    given = {
        "selection": columns(frame_id=[frame_id(0), frame_id(1)]),
        "wider": columns(frame_id=[frame_id(2), frame_id(3)]),
    }
    rows = found.step("export/left_out.sql", {"copies": False, "dropped": False}, **given)
    assert sorted((r["frame_id"], r["why"]) for r in rows) == [
        (frame_id(0), None),
        (frame_id(1), "copy"),
        (frame_id(2), "dropped"),
    ]
    rows = found.step("export/left_out.sql", {"copies": True, "dropped": False}, **given)
    assert sorted(r["why"] or "" for r in rows) == ["", "", "dropped"]
    assert found.step("export/count_gates.sql") == [{"gate": "unmeasured", "n": 2}]


@pytest.mark.sql("steps/export/arrange.sql")
def test_folders_are_made_of_levels_under_the_folder_of_the_source() -> None:
    picture_tags = pa.list_(
        pa.struct(
            [("tag", pa.string()), ("category", pa.string()), ("score", pa.float64()), ("counts", pa.bool_())]
        )
    )
    pictures = pa.table(
        {
            "picture": [0, 1],
            "frame_id": [frame_id(0)] * 2,
            "source_id": [SOURCE, "other"],
            "member": ["sub/1.png", None],
            "selection_row": [0, 1],
            "picture_tags": pa.array([None, None], picture_tags),
        }
    )
    given = {
        "pictures": pictures,
        "selection": columns(selection_row=[0, 1], mark=["x", "y"]),
        "structure": columns(source_id=[SOURCE], folder=["show"]),
    }
    texts = {"levels": "n_faces_folder(d.n_faces), s.mark", "threshold": "NULL"}
    rows = material().step("export/arrange.sql", texts=texts, **given)
    assert [r["folder"] for r in rows] == ["show/sub/2_faces/x", "2_faces/y"]


@pytest.mark.sql("steps/export/balance.sql")
def test_folders_are_repeated_until_each_has_its_share() -> None:
    folders = columns(folder=["a", "b/c"], pictures=[10, 5])
    weights = pa.table(
        {
            "line": pa.array([1], pa.int64()),
            "name": pa.array(["b"]),
            "pattern": pa.array([None], pa.string()),
            "weight": [2.0],
        }
    )
    params = {"least": 1, "most": 100, "tolerance": 0.05}
    rows = Database().step("export/balance.sql", params, folders=folders, weights=weights)
    assert [(r["folder"], r["probability"], r["multiply"], r["repeats"]) for r in rows] == [
        ("a", pytest.approx(1 / 3), 1.0, 1),
        ("b/c", pytest.approx(2 / 3), 4.0, 4),
    ]
    rows = Database().step("export/balance.sql", params | {"least": 3}, folders=folders, weights=weights)
    assert [(r["multiply"], r["repeats"]) for r in rows] == [(3.0, 3), (12.0, 12)]
    rows = Database().step(
        "export/balance.sql", params | {"least": 3, "most": 9}, folders=folders, weights=weights
    )
    assert [(r["multiply"], r["repeats"]) for r in rows] == [(3.0, 3), (9.0, 9)]


@pytest.mark.sql("steps/export/controls.sql")
def test_controls_are_other_frames_and_looks_of_the_same_frame() -> None:
    drop = label(1, "frame", "drop", frame_id=frame_id(2))
    database = Database(frames=[frame(n, width=640, height=360) for n in range(3)], labels=[drop])
    selection = columns(
        selection_row=[0, 1, 2, 3],
        frame_id=[frame_id(0), frame_id(0), frame_id(1), frame_id(1)],
        control_ids=[[frame_id(1)], [frame_id(0), frame_id(2)], ["nothing"], None],
        control_crops=pa.array([[[0, 0, 0.5, 1]], None, None, None], pa.list_(pa.list_(pa.float64()))),
        kinds=pa.array([["lines", None], None, [], ["frame"]], pa.list_(pa.string())),
    )
    rows = database.step("export/controls.sql", {"kinds": ["flat"]}, selection=selection)
    shown = [
        [(c["look"], (c["origin"] or {}).get("frame_id"), c["crop"]) for c in row["controls"]] for row in rows
    ]
    whole = [0.0, 0.0, 1.0, 1.0]
    assert shown == [
        [("frame", frame_id(1), [0.0, 0.0, 0.5, 1.0]), ("lines", None, None)],
        [("frame", None, whole), ("frame", frame_id(2), None), ("flat", None, None)],
        [("frame", None, None)],
        [("frame", None, whole)],
    ]
    assert [row["unknown"] for row in rows] == [None, None, "nothing", None]
    assert [row["is_dropped"] for row in rows] == [False, True, False, False]
    assert len({row["pair"] for row in rows}) == 4 and {row["width"] for row in rows} == {640}
    assert {control["width"] for control in rows[0]["controls"]} == {640}


@pytest.mark.sql("steps/export/check_captions.sql")
def test_checked_captions_have_their_faults_and_nothing_else() -> None:
    looks = vocabulary("1girl", "solo", "red_hair", "smile")
    database = Database(
        vocabulary=looks,
        frames=[frame(n, **tagged((1, 95), (2, 90), (3, 85), (4, 80))) for n in range(4)],
        detections=[box(n) for n in range(4)],
        identities=[identity(box(n), "Fate_Testarossa") for n in range(4)],
    )
    captions = {
        0: "fate testarossa, 1girl, solo, smile",
        1: "Fate Testarossa, 1girl, red_hair, infrared hairy",
        2: "",
        3: "fate testarossa, solo, 2girls",
        4: "solo, 6+boys, red hair",
        5: "1girl with red hair, 2girls",
        6: "no humans, scenery, indoors, outdoors, 1girl",
        7: "1girl, red_hair, blue hair, long hair, very long hair, masterpiece, best quality, worst quality",
        8: "1girl, red hair, blue hair, multicolored hair, day. At night, she sleeps.",
        9: "2girls, red hair, blue hair, open mouth, closed mouth. On the left, red hair. On the right, blue hair.",
        10: '{"high_level_description":"1girl","compositional_deconstruction":{"background":"day, night"}}',
    }
    found = database.step(
        "export/check_captions.sql",
        captions=columns(
            frame_id=[frame_id(n) for n in captions],
            caption=list(captions.values()),
            n_tokens=[1] * 9 + [76] * 2,
        ),
        activation=columns(name=["fate testarossa"]),
        params={"max_tokens": 75},
    )
    assert [(row["frame_id"][-9:].lstrip("0"), row["fault"], row["words"]) for row in found] == [
        ("1", "core trait", "red hair"),
        ("2", "empty", ""),
        ("3", "contradiction", "solo, 2girls"),
        ("4", "contradiction", "solo, 6+boys"),
        ("6", "contradiction", "indoors, outdoors; no humans, 1girl"),
        ("7", "contradiction", "masterpiece, best quality, worst quality; red hair, blue hair"),
        ("9", "too long", "76 tokens; the limit is 75"),
        ("10", "contradiction", "day, night"),
        ("10", "too long", "76 tokens; the limit is 75"),
    ]

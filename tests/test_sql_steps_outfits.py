"""The files of sql/steps/outfits and sql/steps/coverage: a few rows in, the rows expected."""

from __future__ import annotations

from typing import Any

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

TAGS = ("dress", "hat", "smile", "close-up", "from_behind", "outdoors")
DRESS, HAT, SMILE, CLOSE_UP, BEHIND, OUTDOORS = range(1, len(TAGS) + 1)
FINE: dict[str, Any] = {
    "sharpness": 100.0,
    "brightness": 0.5,
    "is_blank": False,
    "width": 1280,
    "height": 720,
}
FINE |= {
    "text_upper": 0.0,
    "text_lower": 0.0,
    **{f"border_{s}": 0.0 for s in ("left", "top", "right", "bottom")},
}


@pytest.mark.sql("steps/outfits/bodies.sql")
def test_a_body_is_known_by_the_clothes_on_its_frame() -> None:
    faces = [box(n) for n in range(4)]
    person = box(0, edges=(0.3, 0.1, 0.7, 0.9), kind="person")
    database = Database(
        vocabulary=vocabulary(*TAGS),
        frames=[
            frame(0, **tagged((DRESS, 90), (SMILE, 80), (HAT, 20))),
            frame(1, **tagged((DRESS, 90), (CLOSE_UP, 80))),
            frame(2, **tagged((HAT, 60))),
            frame(3, **tagged((HAT, 60))),
        ],
        detections=[*faces, person, box(2, 1, (0.7, 0.2, 0.9, 0.4))],
        identities=[identity(of, "Emi") for of in faces[:3]] + [identity(faces[3], "Aoi")],
        labels=[box_label(1, "appearance", "summer", faces[2])],
    )
    rows = database.step("outfits/bodies.sql", {"character": "Emi"})
    assert [row["frame_id"] for row in rows] == [frame_id(0), frame_id(1), frame_id(2)]
    assert [[(t["tag"], round(t["score"], 2)) for t in row["tags"]] for row in rows] == [
        [("dress", 0.9), ("hat", 0.2)], [], [("hat", 0.6)]  # 1 is a close-up
    ]  # fmt: skip
    assert [row["known"] for row in rows] == [None, None, "summer"]
    edges = [[round(row[side], 2) for side in ("left", "top", "right", "bottom")] for row in rows]
    assert edges == [[0.3, 0.1, 0.7, 0.9], [0.2, 0.1, 0.8, 1.0], [0.2, 0.1, 0.8, 1.0]]


@pytest.mark.sql("steps/outfits/inherited.sql")
def test_an_outfit_is_that_of_the_nearest_body_in_the_shot() -> None:
    given = columns(
        row=[0, 1, 2, 3, 4, 5],
        source_id=[SOURCE] * 5 + ["other"],
        shot=[0, 0, 0, 0, 1, 0],
        ordinal=[0, 1, 3, 4, 5, 1],
        outfit=[1, 0, 0, 2, 0, 0],
    )
    rows = Database().step("outfits/inherited.sql", bodies=given)
    assert rows == [{"row": 1, "outfit": 1}, {"row": 2, "outfit": 2}]


def described(chosen: list[int], **tables: Any) -> list[dict[str, Any]]:
    faces = [box(0), box(1), box(2), box(3)]
    other = box(2, 1, (0.7, 0.2, 0.9, 0.4))
    database = Database(
        vocabulary=vocabulary(*TAGS),
        frames=[
            frame(0, **FINE, **tagged((SMILE, 90), (OUTDOORS, 90))),
            frame(1, **FINE, **tagged((BEHIND, 90))),
            frame(2, **FINE, **tagged((SMILE, 90), (OUTDOORS, 90))),
            frame(3, **FINE, **tagged((SMILE, 90))),
        ],
        detections=[*faces, other],
        identities=[identity(of, "Emi", appearance="summer") for of in faces],
        **tables,
    )
    selection = columns(frame_id=[frame_id(n) for n in chosen])
    return database.step("coverage/pictures.sql", {"character": "Emi"}, selection=selection)


@pytest.mark.sql("steps/coverage/pictures.sql")
def test_pictures_are_told_apart_by_tags_and_boxes() -> None:
    rows = described(
        [0, 1],
        labels=[label(1, "frame", "drop", frame_id=frame_id(3))],
        duplicates=[{"frame_id": frame_id(n), "group_id": frame_id(0), "keeper": n == 0} for n in (0, 2)],
    )
    told = {
        n: {row["aspect"]: row["value"] for row in rows if row["frame_id"] == frame_id(n)} for n in range(4)
    }
    assert told[0] == {
        "angle": "front",
        "framing": "upper_body",
        "expression": "smiling",
        "setting": "outdoors",
    }
    assert told[1] == {"angle": "behind", "framing": "upper_body", "expression": "neutral"}
    assert told[2] == {
        "angle": "front",
        "framing": "upper_body",
        "setting": "outdoors",
    }  # somebody else smiles
    assert {(row["frame_id"][-1], row["chosen"], row["why"]) for row in rows} == {
        ("0", True, "free"), ("1", True, "free"), ("2", False, "copy"), ("3", False, "dropped")
    }  # fmt: skip
    assert {row["appearance"] for row in rows} == {"summer"} and rows[0]["merit"]["is_good"]


@pytest.mark.sql("steps/coverage/counts.sql")
def test_kinds_are_counted_for_each_appearance_and_the_best_others_are_named() -> None:
    pictures = columns(
        frame_id=["a", "b", "c", "d", "e"],
        appearance=["school", "school", "school", "school", "summer"],
        aspect=["angle"] * 5,
        value=["front", "behind", "behind", "behind", "front"],
        chosen=[True, False, False, False, False],
        why=["free", "copy", "free", "dropped", "free"],
        merit=[1, 9, 3, 9, 5],
    )
    kinds = columns(place=[0, 1], aspect=["angle", "angle"], value=["front", "behind"])
    rows = Database().step("coverage/counts.sql", {"most": 2}, pictures=pictures, kinds=kinds)
    assert [tuple(row.values()) for row in rows] == [
        ("angle", "front", "school", 1, 0, []),
        ("angle", "behind", "school", 0, 3, ["c", "b"]),
        ("angle", "front", "summer", 0, 1, ["e"]),
        ("angle", "behind", "summer", 0, 0, []),
    ]


@pytest.mark.sql("steps/coverage/stretches.sql")
def test_stretches_without_frames_beside_a_character_are_named() -> None:
    faces = [box(1), box(2)]

    def told(sampling: str, first: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        source = {"source_id": SOURCE, "kind": "video", "state": "done", "duration_s": 20.0}
        database = Database(
            sources=[source | {"sampling": sampling}],
            frames=[
                frame(0, **(first or {})),
                frame(1, time_s=3.0),
                frame(2, time_s=4.5),
                frame(3, time_s=9.0),
            ],
            detections=faces,
            identities=[identity(faces[0], "Emi", appearance="summer"), identity(faces[1], "Emi")],
        )
        rows = database.step("coverage/stretches.sql", {"character": "Emi", "least_s": 1.0})
        return [tuple(row[name] for name in ("start_s", "end_s", "appearance", "n_sides")) for row in rows]

    assert told("keyframes") == [(3.0, 4.5, "summer", 2), (4.5, 9.0, None, 1), (0.0, 3.0, "summer", 1)]
    assert told("keyframes", {"shot": 7}) == told("keyframes", {"is_blank": True}) == [
        (3.0, 4.5, "summer", 2), (4.5, 9.0, None, 1)
    ]  # fmt: skip
    assert told("changes") == told("all") == []  # a still picture, or none


@pytest.mark.sql("steps/coverage/stretches.sql")
def test_what_the_limits_of_a_sampling_left_out_is_a_stretch() -> None:
    source = {"source_id": SOURCE, "kind": "video", "state": "done", "duration_s": 20.0}
    database = Database(
        sources=[source | {"sampling": "changes 3..9"}],
        frames=[frame(3), frame(9)],
        detections=[box(3)],
        identities=[identity(box(3), "Emi")],
    )
    rows = database.step("coverage/stretches.sql", {"character": "Emi", "least_s": 2.0})
    assert [(row["start_s"], row["end_s"], row["n_sides"]) for row in rows] == [(0.0, 3.0, 1)]


@pytest.mark.sql("macros/picture_kinds.sql")
def test_angles_expressions_and_settings_follow_from_tags() -> None:
    tags = ("from_behind", "profile", "smile", "angry", "simple_background", "park", "indoors", "crying")
    database = Database(vocabulary=vocabulary(*tags))

    def told(macro: str, seen: bool | None, *borne: str) -> Any:
        ids = [tags.index(tag) + 1 for tag in borne]
        more = "" if seen is None else f", {seen}"
        return database.sql(f"SELECT {macro}({ids}::SMALLINT[]{more})")[0][0]

    assert [told("angle", True, tag) for tag in ("from_behind", "profile", "smile")] == [
        "behind", "side", "front"
    ]  # fmt: skip
    assert told("angle", False) is None
    assert told("expression", True, "smile", "angry") == "angry"
    assert told("expression", True, "smile") == "smiling" and told("expression", True) == "neutral"
    assert (
        told("expression", True, "smile", "crying") == "crying" and told("expression", False, "smile") is None
    )
    assert [told("setting", None, tag) for tag in ("simple_background", "park", "indoors", "smile")] == [
        "plain", "outdoors", "indoors", None
    ]  # fmt: skip

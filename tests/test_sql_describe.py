"""The files of sql/steps/describe, over a few rows each."""

from __future__ import annotations

from typing import Any

import pytest
from sqlrows import SOURCE, Database, box, columns, frame, frame_id, identity, tagged, vocabulary

LEFT, RIGHT = box(0, 0, (0.1, 0.2, 0.3, 0.4)), box(0, 1, (0.7, 0.2, 0.9, 0.4))
PERSON = box(0, 0, (0.0, 0.1, 0.4, 1.0), "person")
STYLE = {"model": "vlm@1", "prompt": "prose@1", "language": "en"}


def written(of: str | None = None, **more: Any) -> dict[str, Any]:
    ids = {"description_id": f"{of}{more}", "frame_id": frame_id(0), "source_id": SOURCE, "detection_id": of}
    return ids | STYLE | {"text": "x"} | more


@pytest.mark.sql("steps/describe/pictures.sql")
def test_pictures_are_frames_or_boxes_that_have_no_such_description() -> None:
    database = Database(
        frames=[frame(0), frame(1), frame(2)],
        detections=[LEFT, PERSON],
        descriptions=[
            written(),
            written(frame_id=frame_id(1), prompt="other@1"),
            written(LEFT["detection_id"]),
        ],
    )
    chosen = columns(frame_id=[frame_id(0), frame_id(1)])

    def pictures(*kinds: str) -> list[tuple[Any, ...]]:
        rows = database.step("describe/pictures.sql", {"kinds": list(kinds), **STYLE}, chosen=chosen)
        return [(row["picture"], row["detection_id"], row["crop_kind"], row["crop"]) for row in rows]

    assert pictures() == [(frame_id(1), None, None, None)]
    [(picture, detection, kind, crop)] = pictures("person", "face")
    assert (picture, detection, kind) == (PERSON["detection_id"],) * 2 + ("person",)
    assert crop == pytest.approx([0, 0.01, 0.44, 1.0])


@pytest.mark.sql("steps/describe/facts.sql")
def test_facts_are_texts_about_each_picture() -> None:
    tags = ((1, 95), (2, 90), (3, 80), (4, 20))
    line = {"line_id": "l", "source_id": SOURCE, "start_s": 0.0, "end_s": 0.5, "kind": "dialogue", "track": 2}
    database = Database(
        frames=[frame(0, show="Show", **tagged(*tags)), frame(1)],
        detections=[LEFT, RIGHT, PERSON],
        identities=[identity(LEFT, "Emi", appearance="school uniform")],
        vocabulary=vocabulary("2girls", "red_hair", "night_sky", "smile"),
        lines=[
            line | {"text": "Look!", "speaker": "Emi"},
            line | {"line_id": "m", "track": 3, "text": "見て！"},
        ],
        sources=[{"source_id": SOURCE}],
    )
    pictures = columns(
        picture=["crop", "frame", "other"],
        frame_id=[frame_id(0), frame_id(0), frame_id(1)],
        crop_kind=["person", None, None],
        crop=[[0.0, 0.0, 0.44, 1.0], None, None],
    )
    crop, whole, other = database.step("describe/facts.sql", pictures=pictures)
    assert whole == {
        "picture": "frame",
        "show": "Show",
        "names": "Emi",
        "outfits": "Emi (school uniform)",
        "positions": "Emi on the left, somebody on the right",
        "tags": "2girls, red hair, night sky",
        "dialogue": "Emi: Look!",
    }
    assert (crop["names"], crop["positions"], crop["tags"]) == ("Emi", "Emi in the middle", "night sky")
    assert {value for name, value in other.items() if name not in ("picture", "show")} == {None}


@pytest.mark.sql("steps/describe/typical_cost.sql")
def test_the_typical_cost_is_the_mean_of_this_model_and_prompt() -> None:
    database = Database(
        descriptions=[
            written("a", cost=0.5),
            written("b", cost=1.5),
            written("c", cost=9.0, prompt="other@1"),
        ]
    )
    known = {"model": "vlm@1", "prompt": "prose@1"}
    assert database.step("describe/typical_cost.sql", known) == [{"dollars": 1.0}]
    assert database.step("describe/typical_cost.sql", known | {"model": "x"}) == [{"dollars": None}]

"""The files of sql/ about descriptions, over a few rows each."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
from sqlrows import SOURCE, Database, box, box_label, columns, frame, frame_id, label

PERSON = box(0, 0, (0.3, 0.1, 0.7, 1.0), "person")
FACE = box(0)
MOVED = PERSON | {"left": 0.31}
"""The person, as an earlier detector found her."""


def written(number: int, text: str, of: str | None = None, **more: Any) -> dict[str, Any]:
    """One description; a higher number is newer. `of` is a box of frame 0."""
    columns = {
        "description_id": f"d{number}",
        "frame_id": frame_id(0),
        "source_id": SOURCE,
        "detection_id": of,
        "model": "vlm@1",
        "text": text,
        "described_at": datetime.datetime(2030, 1, number),
    }
    return columns | more


@pytest.mark.sql("views/all_descriptions.sql")
@pytest.mark.sql("views/descriptions.sql")
def test_the_newest_description_of_each_frame_and_box_is_used() -> None:
    database = Database(
        frames=[frame(0), frame(1)],
        detections=[FACE, PERSON],
        descriptions=[
            written(2, "A girl laughs.", prompt="prose@2", cost=0.5),
            written(1, "A girl.", prompt="prose@1"),
            written(1, "She waves.", PERSON["detection_id"], description_id="d3"),
            written(3, "gone", f"{frame_id(0)}-p7"),
            written(4, "Rain.", frame_id=frame_id(1)),
        ],
    )
    assert database.sql("SELECT frame_id, detection_id, text, model FROM descriptions ORDER BY ALL") == [
        (frame_id(0), PERSON["detection_id"], "She waves.", "vlm@1"),
        (frame_id(0), None, "A girl laughs.", "vlm@1"),
        (frame_id(1), None, "Rain.", "vlm@1"),
    ]
    assert database.sql("SELECT count(*), sum(cost) FROM all_descriptions") == [(5, 0.5)]


@pytest.mark.sql("layers/description_labels.sql")
@pytest.mark.sql("layers/box_labels.sql")
@pytest.mark.sql("views/descriptions.sql")
def test_a_persons_description_wins_and_stays_with_the_box_it_describes() -> None:
    labels = [
        label(1, "description", "Old.", frame_id=frame_id(0)),
        label(2, "description", "Emi laughs.", frame_id=frame_id(0), source_id=SOURCE),
        box_label(3, "description", "Emi waves.", MOVED),
        label(4, "description", "Snow.", frame_id=frame_id(1)),
        label(5, "description", None, "remove", frame_id=frame_id(1)),
        label(6, "description", "lost", frame_id=frame_id(9)),
    ]
    database = Database(
        frames=[frame(0), frame(1)],
        detections=[FACE, PERSON],
        descriptions=[written(7, "A girl."), written(8, "Rain.", frame_id=frame_id(1))],
        labels=labels,
    )
    assert database.sql("SELECT label_id, detection_id, value FROM description_labels ORDER BY ALL") == [
        ("0002", None, "Emi laughs."),
        ("0003", PERSON["detection_id"], "Emi waves."),
        ("0006", None, "lost"),
    ]
    assert database.sql("SELECT frame_id, detection_id, text, model FROM descriptions ORDER BY ALL") == [
        (frame_id(0), PERSON["detection_id"], "Emi waves.", "label"),
        (frame_id(0), None, "Emi laughs.", "label"),
        (frame_id(1), None, "Rain.", "vlm@1"),
    ]
    assert database.sql("SELECT count(*) FROM labelled_boxes") == [(0,)]


@pytest.mark.sql("views/labels.sql")
@pytest.mark.sql("views/label_history.sql")
@pytest.mark.sql("steps/web/conflicting_labels.sql")
def test_labels_of_a_frame_and_of_a_box_in_it_are_about_different_things() -> None:
    long = "Emi laughs on a rooftop at night while the city lights up behind her."
    database = Database(
        frames=[frame(0)],
        detections=[FACE, PERSON],
        labels=[
            label(1, "description", long, frame_id=frame_id(0)),
            box_label(2, "description", "She waves.", PERSON),
        ],
    )
    assert database.sql("SELECT label_id, detection_id FROM labels ORDER BY ALL") == [
        ("0001", None),
        ("0002", PERSON["detection_id"]),
    ]
    assert database.sql("SELECT what FROM label_history ORDER BY act") == [
        (f"description {long[:60]}…",),
        ("description She waves.",),
    ]
    asked = {"seen": None, "field": "description", "op": "set", "value": "mine"}
    for target, theirs in ((frame_id(0), long), (PERSON["detection_id"], "She waves.")):
        rows = database.step("web/conflicting_labels.sql", asked | {"ids": [target]})
        assert [(row["id"], row["value"]) for row in rows] == [(target, theirs)]


@pytest.mark.sql("steps/search/described.sql")
def test_frames_are_found_by_the_descriptions_that_are_used() -> None:
    database = Database(
        frames=[frame(n) for n in range(4)],
        descriptions=[
            written(1, "A dark night."),
            written(2, "A night on a rooftop.", description_id="d2"),
            written(3, "Night.", frame_id=frame_id(1)),
            written(4, "At night.", frame_id=frame_id(3)),
        ],
        labels=[label(1, "description", "The NIGHT sky", frame_id=frame_id(2))],
    )
    found = columns(
        frame_id=[frame_id(n) for n in (0, 0, 1, 3)],
        detection_id=pa.array([None] * 4, pa.string()),
        text=["A dark night.", "A night on a rooftop.", "Night.", "At night."],
        score=[9.0, 1.0, 5.0, 7.0],
    )
    given = {"words": ["night"], "most": 9}
    rows = database.step("search/described.sql", given, {"where": "time_s < 3"}, found=found)
    assert [row["frame_id"] for row in rows] == [frame_id(2), frame_id(1), frame_id(0)]

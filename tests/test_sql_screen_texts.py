"""The SQL of text that was read from the pictures."""

from __future__ import annotations

import pytest
from sqlrows import Database

READ = {
    "screen_text_id": "aaaaaaaa-000000000@reader@1",
    "frame_id": "aaaaaaaa-000000000",
    "source_id": "aaaaaaaa",
    "model": "reader@1",
    "texts": ["Wait!", "Come back."],
    "scores": [0.9, 0.8],
    "boxes": [0.2, 0.9, 0.5, 0.95, 0.2, 0.95, 0.5, 1.0],
    "text_upper": 0.0,
    "text_lower": 0.1,
}


@pytest.mark.sql("views/screen_texts.sql")
def test_the_view_has_a_row_per_piece_of_text() -> None:
    rows = Database(screen_texts=[READ]).sql(
        "SELECT frame_id, place, text, top FROM screen_texts ORDER BY place"
    )
    assert [(row[1], row[2]) for row in rows] == [(1, "Wait!"), (2, "Come back.")]
    assert rows[1][3] == pytest.approx(0.95)


@pytest.mark.sql("layers/measured_frames.sql")
def test_without_text_that_was_read_frames_have_the_measure_of_the_ingest() -> None:
    frames = [{"frame_id": "aaaaaaaa-000000000", "text_upper": 0.2, "text_lower": 0.3}]
    assert Database(frames=frames).sql("SELECT text_upper FROM measured_frames")[0][0] == pytest.approx(0.2)


@pytest.mark.sql("layers/chosen/measured_frames.sql")
def test_what_was_read_replaces_the_measure_of_the_ingest() -> None:
    frames = [{"frame_id": f"aaaaaaaa-{n:09}", "text_upper": 0.2, "text_lower": 0.3} for n in range(2)]
    database = Database(frames=frames, screen_texts=[READ], chosen={"text": None})
    rows = database.sql("SELECT text_upper, text_lower FROM frames ORDER BY frame_id")
    assert rows[0] == pytest.approx((0, 0.1)) and rows[1] == pytest.approx((0.2, 0.3))

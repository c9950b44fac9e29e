"""What a selection hides, that faces come first, and that typing errors in its filters are named."""

from __future__ import annotations

from pathlib import Path

import httpx2
from webserving import ONE, client_of, own_copy, reader

from animeds_db.web import Options

HIDDEN = "copies,dropped,blank,subtitled"


def n(client: httpx2.Client, **params: str) -> int:
    answer = client.get("/api/count", params=params)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["count"])


def test_frames_are_hidden_by_the_words_of_hide(tmp_path: Path) -> None:
    with client_of(own_copy(tmp_path), Options(limits=ONE)) as client:
        everything = n(client)
        assert n(client, hide="none") == everything
        first = client.get("/api/frames", params={"hide": HIDDEN, "count": 1}).json()["frames"][0]["frame_id"]
        before = n(client, hide=HIDDEN)
        client.post("/api/labels", json={"field": "frame", "op": "set", "value": "drop", "ids": [first]})
        assert n(client, hide=HIDDEN) == before - 1
        assert n(client, hide="dropped") == everything - 1
        assert n(client) == everything
        told = {
            word: everything - n(client, hide=word) for word in ("blank", "subtitled")
        }  # `gates` counts the same
        rows = client.get(
            "/api/sql", params={"q": "SELECT count(*) FROM gates() WHERE gate = 'blank'"}
        ).json()
        assert told["blank"] == rows["rows"][0][0]
        wrong = client.get("/api/count", params={"hide": "dropt"}).json()["error"]
        assert "dropt" in wrong["message"] and "dropped" in wrong["hint"]


def test_frames_with_faces_come_first() -> None:
    with reader() as client:
        faces = client.get("/api/sql", params={"q": "SELECT count(DISTINCT frame_id) FROM faces"}).json()
        found = client.get("/api/frames", params={"sort": "faces", "count": 1000}).json()["frames"]
        asked = {"q": "SELECT DISTINCT frame_id FROM faces", "limit": 1000}
        with_faces = {row[0] for row in client.post("/api/sql", json=asked).json()["rows"]}
        number = faces["rows"][0][0]
        assert {frame["frame_id"] for frame in found[:number]} == with_faces
        assert not {frame["frame_id"] for frame in found[number:]} & with_faces


def test_a_typing_error_in_a_filter_is_named() -> None:
    with reader() as client:
        wrong = client.get("/api/frames", params={"tag": "1gril"})
        assert wrong.status_code == 400
        assert wrong.json()["error"]["message"] == 'There is no tag "1gril".'
        assert "1girl" in wrong.json()["error"]["hint"]
        assert client.get("/api/count", params={"tag": "-1gril"}).status_code == 400
        assert client.get("/api/facets", params={"facet": "tag", "show": "nowhere"}).status_code == 400
        assert client.get("/api/frames", params={"character": "Nobody"}).status_code == 400
        assert client.get("/api/count", params={"tag": "-1girl"}).status_code == 200


def test_numbers_of_64_bits_travel_as_text() -> None:
    with reader() as client:
        answer = client.get("/api/sql", params={"q": "SELECT 18446744073709551615::UBIGINT, 2::BIGINT ** 3"})
        assert answer.json()["rows"][0][0] == "18446744073709551615"
        frame = client.get("/api/sql", params={"q": "SELECT phash, frame_id FROM frames LIMIT 1"}).json()
        value, frame_id = frame["rows"][0]
        assert int(value) == int(client.get(f"/api/frames/{frame_id}").json()["frame"]["phash"])


def test_facets_count_the_frames_that_are_shown(tmp_path: Path) -> None:
    gates = "gates(min_height := 0, min_sharpness := 0, min_brightness := 0, max_brightness := 1)"
    shown = (
        "SELECT frame_id FROM frames ANTI JOIN left_out USING (frame_id)"
        f" ANTI JOIN (SELECT frame_id FROM {gates} WHERE gate IN ('blank', 'text')) USING (frame_id)"
    )
    asked = {
        "character": f"SELECT character, count(DISTINCT frame_id) FROM named WHERE frame_id IN ({shown}) GROUP BY ALL",
        "gate": f"SELECT gate, count(*) FROM gates() WHERE frame_id IN ({shown}) GROUP BY ALL",
        "tag": f"SELECT tag, count(*) FROM tags WHERE frame_id IN ({shown}) GROUP BY ALL",
    }
    with client_of(own_copy(tmp_path), Options(limits=ONE)) as client:
        faces = client.get("/api/sql", params={"q": "SELECT face_id FROM faces"}).json()["rows"]
        ids = [row[0] for row in faces]
        client.post("/api/labels", json={"field": "character", "op": "set", "value": "Emi", "ids": ids})
        for facet, sql in asked.items():
            found = client.get("/api/facets", params={"facet": facet, "hide": HIDDEN, "limit": 1000}).json()
            rows = client.post("/api/sql", json={"q": sql, "limit": 1000}).json()["rows"]
            counts = {value["value"]: value["count"] for value in found["values"]}
            assert counts == dict(rows) and counts

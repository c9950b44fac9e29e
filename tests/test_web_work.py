"""Labels, exports and saved queries over HTTP, several people and a writer at once, and nothing left behind."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import select
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from webserving import FEW, client_of, own_copy, reader, serving, workers_of

import animeds_db
from animeds_db.errors import QueryError, UsageError
from animeds_db.media.masks import as_png
from animeds_db.store.remembered import remembered
from animeds_db.web import Options
from animeds_db.web.options import Limits

FOREVER = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = -1"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("work")
    before = Path.cwd()
    os.chdir(folder)  # saved queries go to ./queries
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def client(place: Path) -> Iterator[httpx2.Client]:
    with client_of(own_copy(place), Options(exports=place / "out", who="tester", limits=FEW)) as client:
        yield client


def rows(client: httpx2.Client, sql: str) -> list[list[Any]]:
    answer = client.get("/api/sql", params={"q": sql})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["rows"])


def test_a_face_is_named_and_the_name_is_taken_back(client: httpx2.Client) -> None:
    face, frame = rows(client, "SELECT face_id, frame_id FROM faces ORDER BY face_id LIMIT 1")[0]
    said = client.post(
        "/api/labels", json={"field": "character", "op": "set", "value": "Hana", "ids": [face]}
    )
    assert said.json()["n"] == 1
    assert rows(client, f"SELECT character FROM faces WHERE face_id = '{face}'") == [["Hana"]]
    known = client.get("/api/characters/Hana").json()
    assert [one["face_id"] for one in known["faces"]] == [face]
    assert known["timeline"][0]["times"][0]["frame_id"] == frame
    facts = client.get(f"/api/frames/{frame}").json()
    assert next(f for f in facts["faces"] if f["face_id"] == face)["by"] == "label"
    assert facts["labels"][0]["who"] == "tester"
    facet = client.get("/api/facets", params={"facet": "character"}).json()
    assert {"value": "Hana", "count": 1} in facet["values"]
    tile = client.get("/api/frames", params={"character": "Hana"}).json()["frames"]
    assert [t["frame_id"] for t in tile] == [frame] and tile[0]["characters"] == ["Hana"]
    assert client.post("/api/labels/undo", json={"act": said.json()["act"]}).status_code == 200
    assert "Hana" not in [who["name"] for who in client.get("/api/characters").json()]
    history = client.get("/api/labels").json()["acts"]
    assert history[0]["what"].startswith("undo ") and history[1]["counts"] is False


def test_a_mask_is_drawn_shown_and_removed(client: httpx2.Client) -> None:
    person, frame = rows(client, "SELECT person_id, frame_id FROM persons ORDER BY person_id LIMIT 1")[0]
    png = base64.b64encode(as_png(np.full((64, 64), 255, np.uint8))).decode()
    drawn = client.post("/api/labels/mask", json={"id": person, "png": png})
    assert drawn.json()["n"] == 1
    [mask] = [one for one in client.get(f"/api/frames/{frame}/masks").json() if one["part"] == "character"]
    assert (mask["detection_id"], mask["kind"], mask["by"]) == (person, "person", "person")
    for box in ({}, {"box": person}):
        shown = client.get(f"/api/frames/{frame}/mask", params={"part": "character", **box})
        with Image.open(io.BytesIO(shown.content)) as picture:
            alpha = np.asarray(picture)[..., 1]
        assert alpha.mean() / 255 == pytest.approx(mask["coverage"], abs=0.01)
    assert client.post("/api/labels/mask", json={"id": person, "png": None}).status_code == 200
    assert not any(one["by"] == "person" for one in client.get(f"/api/frames/{frame}/masks").json())
    for wrong in ({"id": person, "png": "no"}, {"id": person, "png": "bm8="}, {"id": person, "png": None}):
        assert client.post("/api/labels/mask", json=wrong).status_code == 400
    assert client.get("/api/frames/nothing-1/masks").status_code == 404


def test_everything_in_a_selection_is_dropped_at_once(client: httpx2.Client) -> None:
    chosen = {"episode": "2", "tag": "1girl"}
    n = client.get("/api/count", params=chosen).json()["count"]
    said = client.post(
        "/api/labels",
        json={"field": "frame", "op": "set", "value": "drop", "selection": "episode=2&tag=1girl"},
    ).json()
    assert said["n"] == n > 0
    page = client.get("/api/frames", params=chosen).json()["frames"]
    assert all(frame["dropped"] for frame in page)
    assert client.delete(f"/api/labels/{said['act']}").status_code == 200
    assert not any(frame["dropped"] for frame in client.get("/api/frames", params=chosen).json()["frames"])


def test_tags_of_a_selection_are_counted_and_edited_as_one_change_set(client: httpx2.Client) -> None:
    chosen = {"selection": "tag=1girl&hide=none"}
    found = client.post("/api/labels/tags", json=chosen).json()
    counts = {row["tag"]: row["n_frames"] for row in found["tags"]}
    assert counts["1girl"] == found["n_frames"] > 1
    said = client.post("/api/labels", json={"tags": {"replace": {"1girl": "my girl"}}, **chosen}).json()
    assert said["n"] == 2 * found["n_frames"]
    assert client.get("/api/count", params={"tag": "my_girl"}).json()["count"] == found["n_frames"]
    back = {"tags": {"replace": {"my_girl": "1girl"}}, "everywhere": True}
    assert client.post("/api/labels", json=back).json()["n"] == said["n"]
    assert client.get("/api/count", params={"tag": "1girl"}).json()["count"] == found["n_frames"]
    for wrong in ({"tags": {}, **chosen}, {"tags": {"add": ["a"]}, "everywhere": True}, {"everywhere": True}):
        assert client.post("/api/labels", json=wrong).status_code == 400
    for act in client.get("/api/labels", params={"count": 2}).json()["acts"]:
        client.post("/api/labels/undo", json={"act": act["act"]})


def test_a_view_is_saved_read_in_python_and_deleted(client: httpx2.Client, place: Path) -> None:
    text = "tag=1girl&hide=dropped"
    saved = client.put("/api/selections/One girl", json={"selection": text}).json()
    assert (saved["name"], saved["selection"], saved["who"]) == ("One girl", text, "tester")
    n = client.get("/api/count", params={"tag": "1girl", "hide": "dropped"}).json()["count"]
    with animeds_db.open(place / "own.animeds") as dataset:
        assert len(dataset.selection("One girl").fetchall()) == n
        dataset.save_selection("blank", "SELECT frame_id FROM frames WHERE is_blank")
        assert [one.name for one in dataset.selections()] == ["blank", "One girl"]
        assert remembered(dataset.store).keys().isdisjoint({"selection.blank"})
        with pytest.raises(QueryError, match="no column frame_id"):
            dataset.save_selection("wrong", "SELECT 1 AS one")
        with pytest.raises(UsageError, match='no saved selection "nothing"'):
            dataset.selection("nothing")
        dataset.delete_selection("blank")
    assert client.put("/api/selections/x", json={"selection": "tag=no_such_tag"}).status_code == 400
    assert client.put("/api/selections/x", json={"selection": "q=SELECT"}).status_code == 400
    assert client.put("/api/selections/%20", json={"selection": ""}).status_code == 400
    both = {"selection": "tag=smile", "frames": ["a"]}
    assert client.put("/api/selections/x", json=both).status_code == 400
    assert client.delete("/api/selections/One girl").status_code == 200
    assert client.get("/api/selections").json() == []
    assert client.delete("/api/selections/One girl").status_code == 400


def test_two_people_who_name_one_face_are_told_of_each_other(client: httpx2.Client) -> None:
    face, other = (row[0] for row in rows(client, "SELECT face_id FROM faces ORDER BY face_id DESC LIMIT 2"))
    said = {"field": "tag", "op": "add", "value": "looked_at", "ids": [face.rpartition("-")[0]]}
    seen = client.post("/api/labels", json=said).json()["act"]
    word = {"field": "character", "op": "set", "seen": seen}
    first = client.post("/api/labels", json=word | {"value": "Aki", "ids": [face], "who": "ann"})
    assert first.status_code == 200
    second = client.post("/api/labels", json=word | {"value": "Natsu", "ids": [face, other], "who": "ben"})
    assert second.status_code == 409
    error = second.json()["error"]
    assert "ann" in error["message"] and "Aki" in error["message"] and "Natsu" in error["message"]
    assert error["others"][0]["value"] == "Aki"
    assert rows(client, f"SELECT character FROM faces WHERE face_id = '{face}'") == [["Aki"]]
    same = client.post("/api/labels", json=word | {"value": "Aki", "ids": [face], "who": "ben"})
    assert same.status_code == 200, "who says the same contradicts nobody"
    look = client.get("/api/labels").json()["acts"][0]["act"]
    again = client.post("/api/labels", json=word | {"seen": look, "value": "Natsu", "ids": [face]})
    assert again.status_code == 200


def test_a_query_is_kept_and_asked_by_its_name(client: httpx2.Client, place: Path) -> None:
    sql = "SELECT frame_id FROM frames WHERE episode = $ep::INT -- $no parameter\n"
    kept = client.post("/api/queries", json={"name": "of_episode", "title": "Of an episode", "sql": sql})
    assert kept.status_code == 201, kept.text
    assert kept.json()["mine"] and kept.json()["parameters"][0]["name"] == "ep"
    assert (
        (place / "queries" / "of_episode.sql")
        .read_text("utf-8")
        .startswith("-- name: of_episode\n-- Of an episode\n")
    )
    n = client.get("/api/count", params={"query": "of_episode", "p.ep": "1"}).json()["count"]
    assert len(client.get("/api/queries/of_episode", params={"ep": "1"}).json()["rows"]) == n > 0
    listed = {query["name"]: query["mine"] for query in client.get("/api/queries").json()}
    assert listed["of_episode"] and not listed["by_tags"]
    explained = client.get(
        "/api/explain", params={"query": "of_episode", "p.ep": "1", "tag": "1girl"}
    ).json()["sql"]
    with animeds_db.open(place / "own.animeds") as dataset:
        told = {row[0] for row in dataset.sql(explained).fetchall()}
    page = client.get("/api/frames", params={"query": "of_episode", "p.ep": "1", "tag": "1girl"}).json()[
        "frames"
    ]
    assert {frame["frame_id"] for frame in page} == told


@pytest.mark.parametrize(
    "body",
    [
        {"name": "taken", "sql": "SELECT 1"},
        {"name": "../up", "sql": "SELECT 1"},
        {"name": "drops", "sql": "DROP VIEW frames"},
        {"name": "wrong", "sql": "SELECT nope FROM frames"},
        {"name": "tricky", "sql": "SELECT 1", "description": "param x: int"},
        {"name": "con/x", "sql": "SELECT 1"},
    ],
)
def test_a_query_that_cannot_be_kept_is_refused(
    client: httpx2.Client, place: Path, body: dict[str, str]
) -> None:
    client.post("/api/queries", json={"name": "taken", "sql": "SELECT 1"})
    before = sorted((place / "queries").glob("**/*"))
    assert client.post("/api/queries", json=body).status_code == 400
    assert sorted((place / "queries").glob("**/*")) == before


def test_an_export_tells_what_it_would_do_does_it_and_tells_how_far_it_is(
    client: httpx2.Client, place: Path
) -> None:
    asked: dict[str, Any] = {
        "selection": "episode=1&tag=1girl",
        "out": "girls",
        "options": {"arrange": "episode", "max_size": 64},
    }
    n = client.get("/api/count", params={"episode": "1", "tag": "1girl"}).json()["count"]
    folders = client.post("/api/exports", json=asked | {"dry_run": True}).json()["folders"]
    assert sum(row["pictures"] for row in folders) == n
    assert not (place / "out" / "girls").exists()
    job = client.post("/api/exports", json=asked).json()["job"]
    seen = events(client, job)
    assert [kind for kind, _ in seen][-1] == "done"
    assert seen[-1][1]["report"]["n_pictures"] == n
    assert len(list((place / "out" / "girls").rglob("*.png"))) == n
    assert client.get(f"/api/jobs/{job}").json()["state"] == "done"
    preview = client.post("/api/exports", json=asked | {"dry_run": True}).json()["pictures"]
    assert {(row["is_new"], row["before"] == row["caption"]) for row in preview} == {(False, True)}
    shorter = {"options": asked["options"] | {"activation_tag": "girl"}, "dry_run": True}
    preview = client.post("/api/exports", json=asked | shorter).json()["pictures"]
    assert all(row["caption"] != row["before"] for row in preview)
    again = client.post("/api/exports", json=asked).json()["job"]
    kind, told = events(client, again)[-1]
    assert kind == "error" and "girls" in told["error"]["message"]


def test_an_export_of_the_service_leaves_dropped_frames_and_near_duplicates_out(
    client: httpx2.Client,
) -> None:
    kept = {row[0] for row in rows(client, "SELECT frame_id FROM kept WHERE episode = 2 ORDER BY frame_id")}
    everything = rows(client, "SELECT count(*) FROM frames WHERE episode = 2")[0][0]
    dropped = min(kept)
    client.post("/api/labels", json={"field": "frame", "op": "set", "value": "drop", "ids": [dropped]})
    asked = {"selection": "episode=2", "out": "second", "options": {"captions": "none", "max_size": 64}}

    def would_write(**options: bool) -> tuple[int, list[str]]:
        body = asked | {"dry_run": True, "options": asked["options"] | options}  # type: ignore[operator]
        told = client.post("/api/exports", json=body).json()
        return sum(row["pictures"] for row in told["folders"]), told["notes"]

    n, notes = would_write()
    assert n == len(kept) - 1
    assert notes[0].startswith(f"{everything} match, ") and "1 dropped left out" in notes[0]
    assert would_write(copies=True) == (everything - 1, [f"{everything} match, 1 dropped left out"])
    assert would_write(copies=True, dropped=True) == (everything, [])
    report = events(client, client.post("/api/exports", json=asked).json()["job"])[-1][1]["report"]
    assert (report["n_pictures"], report["notes"][0]) == (n, notes[0])


def events(client: httpx2.Client, job: str) -> list[tuple[str, dict[str, Any]]]:
    text = client.get(f"/api/jobs/{job}/events").text
    found = []
    for block in text.strip().split("\n\n"):
        if not block.startswith(":"):
            kind, data = block.split("\n", 1)
            found.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_long_query_keeps_neither_the_first_page_nor_thumbnails_waiting_and_ends_with_its_asker() -> None:
    limits = Limits(seconds=300, workers=1, threads=1, waiting_s=300)
    with (
        serving(options=Options(limits=limits, ahead=True)) as address,
        httpx2.Client(base_url=address, timeout=180) as client,
    ):
        ids = [row[0] for row in rows(client, "SELECT frame_id FROM frames ORDER BY frame_id")]
        counted = client.get("/api/facets?facet=gate").json()  # of those that are counted ahead the last
        asker = http.client.HTTPConnection(urlsplit(address).netloc)
        asker.request("GET", f"/api/sql?q={quote(FOREVER)}")
        for one in ids[:20]:
            assert client.get(f"/api/frames/{one}/thumbnail").headers["content-type"] == "image/webp"
        assert counted["values"] and client.get("/api/frames").json()["frames"][0]["frame_id"] in ids
        for facet in ("tag", "episode"):
            assert client.get("/api/facets", params={"facet": facet}).json()["values"]
        if select.select([asker.sock], [], [], 0)[0]:
            pytest.fail(f"the query has ended: {asker.getresponse().read()[:500]!r}")
        asker.close()
        started = time.monotonic()
        assert rows(client, "SELECT 1") == [[1]], "the only worker is free again"
        assert time.monotonic() - started < 100


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_a_query_takes_the_worker_that_is_starting_and_starts_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("animeds_db.web.workers.pool.SHORT_S", 300)  # else a slow query starts a spare one
    before = workers_of(os.getpid())
    with client_of(options=Options(limits=FEW)) as client:
        assert [rows(client, "SELECT 1") for _ in range(2)] == [[[1]], [[1]]]
        assert len(workers_of(os.getpid()) - before) == 1


def test_who_comes_when_too_many_wait_is_told_so() -> None:
    limits = Limits(seconds=1, workers=1, threads=1, waiting=1, waiting_s=30)
    with serving(options=Options(limits=limits)) as address:
        answers: list[httpx2.Response] = []

        def ask() -> None:
            with httpx2.Client(base_url=address, timeout=180) as client:
                answers.append(client.post("/api/sql", json={"q": FOREVER}))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = sorted(answer.status_code for answer in answers)
        assert told.count(503) >= 1 and set(told) <= {400, 503}
        busy = next(answer for answer in answers if answer.status_code == 503)
        assert "Try again" in busy.json()["error"]["hint"] and busy.headers["retry-after"]


def test_rows_that_another_process_writes_are_there_after_a_refresh(tmp_path: Path) -> None:
    database = own_copy(tmp_path)
    with client_of(database) as client:
        assert client.get("/api/status").json()["frames"] == 49
        with animeds_db.open(database) as dataset:
            frame = dataset.store.table("frames").to_table(limit=1)
            new = pa.array([frame["frame_id"][0].as_py()[:-3] + "999"])
            dataset.store.upsert(
                "frames", frame.set_column(frame.schema.get_field_index("frame_id"), "frame_id", new)
            )
        assert client.get("/api/status").json()["frames"] == 50
        assert client.get("/api/count").json()["count"] == 50


def test_threads_and_files_are_back_to_the_start_when_it_ends() -> None:
    with reader() as client:  # whatever is loaded once is loaded now
        client.get("/api/count")
    before = (threading.active_count(), len(list(Path("/proc/self/fd").iterdir())))
    with client_of(options=Options(limits=Limits(workers=1, waiting_s=120))) as client:
        frames = client.get("/api/frames").json()["frames"]

        def look(frame: dict[str, Any]) -> None:
            with httpx2.Client(base_url=client.base_url, timeout=180) as other:
                assert other.get(f"/api/frames/{frame['frame_id']}/thumbnail").status_code == 200
                assert (
                    other.get(
                        "/api/count", params={"shot": f"{frame['source_id']}/{frame['shot']}"}
                    ).status_code
                    == 200
                )

        threads = [threading.Thread(target=look, args=[frame]) for frame in frames[:12]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))) <= before

"""Jobs of the page: one after another, stopped at once, joined when started twice, continued after a restart."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from webserving import FEW, client_of, own_copy

import animeds_db
from animeds_db.safe_files import UnsafePathError, resolved_below
from animeds_db.web import Options
from animeds_db.web.workers.job import Job
from animeds_db.web.workers.journal import Journal, journal_path

END = ("done", "failed", "cancelled", "interrupted")
ENDLESS = "SELECT frame_id FROM frames, range(10000000) a, range(10000000) b WHERE a.range * b.range = -1"


def drawn_pictures(folder: Path, count: int = 6) -> Path:
    """Write pictures of coloured noise: small, and all different."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(3)
    for number in range(count):
        pixels = random.integers(0, 255, (120, 160, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@contextmanager
def serving(folder: Path, database: Path | None = None, **more: Any) -> Iterator[httpx2.Client]:
    options = Options(roots=(folder / "home",), exports=folder / "out", limits=FEW, **more)
    with client_of(database or folder / "anime.animeds", options) as client:
        yield client


def started(client: httpx2.Client, **body: Any) -> str:
    answer = client.post("/api/jobs", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job"])


def ended(client: httpx2.Client, job: str, patience: float = 100) -> dict[str, Any]:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        told: dict[str, Any] = client.get(f"/api/jobs/{job}").json()
        if told["state"] in END:
            return told
        time.sleep(0.1)
    raise AssertionError("the job goes on")


def events(client: httpx2.Client, job: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = client.get(f"/api/jobs/{job}/events").text.strip().split("\n\n")
    lines = [block.split("\n") for block in blocks if not block.startswith(":")]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in lines]


def test_from_an_empty_folder_to_a_zip(tmp_path: Path) -> None:
    pictures = drawn_pictures(tmp_path / "home" / "pictures")
    with serving(tmp_path) as client:
        assert client.get("/api/frames").json()["error"]["hint"].startswith("Choose a folder")
        assert client.post("/api/jobs", json={"kind": "dedup"}).status_code == 409
        listed = client.get("/api/folders").json()["folder"]
        assert [one["title"] for one in listed["folders"]] == ["pictures"]
        inside = client.get("/api/folders", params={"path": listed["folders"][0]["name"]}).json()["folder"]
        assert (inside["pictures"], inside["parent"]) == (6, str(tmp_path / "home"))
        job = started(client, kind="ingest", paths=[str(pictures)], profile="tiny")
        seen = events(client, job)
        kind, told = seen[-1]
        assert (kind, told["report"]["frames"], told["report"]["failed"]) == ("done", 6, [])
        log = [line for _, state in seen for line in state["log"]]
        assert any("6 frames" in line for line in log)
        assert client.get("/api/count").json()["count"] == 6
        assert client.get("/api/choices").json()["profile"] == "tiny"
        preview = ended(client, started(client, kind="dedup", preview=True))["report"]
        assert {row["dial"] for row in preview["rows"]} == {"threshold", "agree_bits"}
        assert client.get("/api/duplicates").json()["total"] == 0
        assert ended(client, started(client, kind="dedup", threshold=0.999))["report"]["frames"] == 6
        assert client.get("/api/exports/six/zip").status_code == 404
        body = {"out": "six", "options": {"copies": True}}
        seen_first = client.post("/api/exports", json=body | {"dry_run": True}).json()
        assert len(seen_first["pictures"]) == 6 and seen_first["pictures"][0]["folder"] == "."
        assert (
            ended(client, client.post("/api/exports", json=body).json()["job"])["report"]["n_pictures"] == 6
        )
        answer = client.get("/api/exports/six/zip")
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            written = {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
                       for path in (tmp_path / "out" / "six").rglob("*") if path.is_file()}  # fmt: skip
            assert {name: archive.read(name) for name in archive.namelist()} == written
        assert client.get("/api/exports/six/zip").content == answer.content


def test_a_job_started_twice_is_one_job_and_jobs_run_one_after_another(tmp_path: Path) -> None:
    with serving(tmp_path, own_copy(tmp_path)) as client:
        body = {"selection": str(httpx2.QueryParams(q=ENDLESS)), "out": "endless"}
        first = client.post("/api/exports", json=body).json()
        again = client.post("/api/exports", json=body).json()
        assert (first["joined"], again["joined"], again["job"]) == (False, True, first["job"])
        other = client.post("/api/exports", json=body | {"selection": ""})
        assert other.status_code == 503 and "already writing to endless" in other.json()["error"]["message"]
        dedup = started(client, kind="dedup")
        assert client.post("/api/jobs", json={"kind": "dedup"}).json() == {"job": dedup, "joined": True}
        time.sleep(2)
        assert client.get(f"/api/jobs/{dedup}").json()["state"] == "waiting"
        assert [job["state"] for job in client.get("/api/jobs").json()] == ["waiting", "running"]
        before = time.monotonic()
        assert client.post(f"/api/jobs/{first['job']}/cancel").json()["state"] == "cancelled"
        assert time.monotonic() - before < 2
        assert ended(client, dedup)["state"] == "done"
        waiting = client.post("/api/exports", json=body).json()["job"]
        assert client.post(f"/api/jobs/{waiting}/cancel").json()["state"] == "cancelled"


def test_a_restart_says_that_a_job_was_interrupted_and_continues_it(tmp_path: Path) -> None:
    pictures = drawn_pictures(tmp_path / "home" / "pictures")
    journal = journal_path(str(tmp_path / "anime.animeds"))
    assert journal is not None
    killed = Job("abc", "ingest", "Ingest pictures", {"paths": [str(pictures)], "profile": "none"}, "::1")
    killed.change(state="running", line="0: reading")
    first = Journal(journal)
    first.write(killed.to_remember())
    second = Journal(journal)
    assert second.read() == []  # one service at a time
    first.close()
    journal.write_bytes(journal.read_bytes() + b'{"id": "half')
    with serving(tmp_path) as client:
        [told] = client.get("/api/jobs").json()
        assert (told["job"], told["state"], told["title"]) == ("abc", "interrupted", "Ingest pictures")
        assert client.get("/api/jobs/abc").json()["log"] == ["0: reading"]
        more = client.post("/api/jobs/abc/continue").json()
        assert ended(client, more["job"])["report"]["frames"] == 6
    with serving(tmp_path) as client:
        assert [job["state"] for job in client.get("/api/jobs").json()] == ["done", "interrupted"]


def test_jobs_that_run_when_the_service_ends_are_interrupted(tmp_path: Path) -> None:
    database = own_copy(tmp_path)
    with serving(tmp_path, database) as client:
        body = {"selection": str(httpx2.QueryParams(q=ENDLESS)), "out": "endless"}
        client.post("/api/exports", json=body)
        started(client, kind="dedup")
        time.sleep(1)
    with serving(tmp_path, database) as client:
        assert [job["state"] for job in client.get("/api/jobs").json()] == ["interrupted", "interrupted"]


def test_a_failed_source_is_named_and_the_others_are_ingested(tmp_path: Path) -> None:
    pictures = drawn_pictures(tmp_path / "home" / "pictures")
    (tmp_path / "home" / "broken.mkv").write_bytes(b"no video")
    with serving(tmp_path) as client:
        job = started(client, kind="ingest", paths=[str(pictures.parent)], profile="none")
        told = ended(client, job)
        assert told["state"] == "done" and told["report"]["frames"] == 6
        [failed] = told["report"]["failed"]
        assert "broken" in failed["title"] + failed["message"]
        assert any("failed" in line for line in told["log"])


BAD = {
    "a path outside": {"kind": "ingest", "paths": ["/etc"]},
    "a path upwards": {"kind": "ingest", "paths": ["../secret"]},
    "a hidden path": {"kind": "ingest", "paths": [".hidden"]},
    "a path that is not there": {"kind": "ingest", "paths": ["nowhere"]},
    "a link that leads out": {"kind": "ingest", "paths": ["out"]},
}


@pytest.mark.parametrize("what", BAD)
def test_a_path_outside_the_roots_is_refused(tmp_path: Path, what: str) -> None:
    home = tmp_path / "home"
    (home / ".hidden").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (home / "out").symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafePathError, match="may read"):
        resolved_below([home], BAD[what]["paths"][0])


def test_the_api_refuses_paths_outside_and_lists_no_links_that_lead_there(tmp_path: Path) -> None:
    pictures = drawn_pictures(tmp_path / "home" / "pictures")
    (tmp_path / "secret").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "secret" / "own.png")
    (tmp_path / "home" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "home" / "same").symlink_to(pictures)
    with serving(tmp_path) as client:
        for path in ("/etc", str(tmp_path / "home" / "link")):
            assert client.get("/api/folders", params={"path": path}).status_code == 403
            answer = client.post("/api/jobs", json={"kind": "ingest", "paths": [path]})
            assert answer.status_code == 403 and "--roots" in answer.json()["error"]["hint"]
        listed = client.get("/api/folders").json()["folder"]["folders"]
        assert [one["title"] for one in listed] == ["pictures", "same"]
        (pictures / "own.png").symlink_to(tmp_path / "secret" / "own.png")
        wrong = client.post(
            "/api/jobs", json={"kind": "ingest", "paths": [str(pictures)], "profile": "tinny"}
        )
        assert wrong.status_code == 400 and "tiny" in wrong.json()["error"]["hint"]
        assert client.post("/api/jobs", json={"kind": "knit"}).status_code == 422


def test_pictures_are_uploaded_only_below_the_roots_and_only_if_they_are_pictures(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "out").symlink_to(tmp_path)
    picture = io.BytesIO()
    Image.new("RGB", (64, 48)).save(picture, "PNG")
    data = picture.getvalue()
    with serving(tmp_path) as client:

        def put(folder: Path, name: str, content: bytes) -> httpx2.Response:
            return client.put("/api/uploads", params={"folder": str(folder), "name": name}, content=content)

        made = client.post("/api/folders", json={"path": str(home), "name": "fan art"}).json()
        folder = Path(made["folder"]["path"])
        assert folder == home / "fan art"
        assert put(folder, "a.png", data).json() == {"folder": str(folder), "name": "a.png", "is_new": True}
        assert put(folder, "a.png", data).json()["is_new"] is False
        Image.new("RGB", (64, 48), "red").save(other := io.BytesIO(), "PNG")
        assert put(folder, "a.png", other.getvalue()).json()["name"] == "a_2.png"
        assert put(folder, "../../b.png", data).json()["name"] == "_._.._b.png"
        for content in (b"", b"<html>", data[:60]):
            assert put(folder, "c.png", content).status_code == 400
        assert put(folder, "c.txt", data).status_code == 400
        assert put(tmp_path, "c.png", data).status_code == 403
        assert put(home / "out", "c.png", data).status_code == 403
        assert put(folder / "a.png", "c.png", data).status_code == 400
        assert put(folder, "c.png", b" " * (65 << 20)).status_code == 413
        for name in ("..", "a/b", ".hidden", " "):
            assert client.post("/api/folders", json={"path": str(home), "name": name}).status_code == 400
        assert client.post("/api/folders", json={"path": str(tmp_path), "name": "x"}).status_code == 403
        assert client.get("/api/folders", params={"path": str(folder)}).json()["folder"]["pictures"] == 3
    assert sorted(p.name for p in tmp_path.rglob("*.png")) == sorted(p.name for p in folder.iterdir())


def test_a_read_only_service_starts_no_job(tmp_path: Path) -> None:
    with client_of(options=Options(read_only=True, roots=(tmp_path,), limits=FEW)) as client:
        assert client.post("/api/jobs", json={"kind": "dedup"}).status_code == 403
        assert client.get("/api/folders").status_code == 403
        assert client.post("/api/clusters/merge", json={"clusters": [1, 2]}).status_code == 403


def test_faces_are_grouped_named_merged_split_and_classified(tmp_path: Path) -> None:
    database = own_copy(tmp_path)
    with serving(tmp_path, database) as client:
        report = ended(client, started(client, kind="cluster", min_size=3))["report"]
        sheet = client.get("/api/clusters", params={"count": 5}).json()
        assert len(sheet) == report["clusters"] >= 3
        assert all(0 < len(one["faces"]) <= 5 for one in sheet)
        first, second, *_ = (one["cluster"] for one in sheet)
        merged = client.post("/api/clusters/merge", json={"clusters": [first, second]}).json()
        assert merged["sizes"] == {str(first): sheet[0]["n_faces"] + sheet[1]["n_faces"]}
        parts = client.post(f"/api/clusters/{first}/split", json={}).json()["sizes"]
        assert len(parts) == 2
        assert client.post("/api/clusters/999/name", json={"name": "Nobody"}).status_code == 400
        named = client.post(f"/api/clusters/{first}/name", json={"name": "Emi"}).json()
        assert named["added"] > 0
        shown = {one["cluster"]: one["name"] for one in client.get("/api/clusters").json()}
        assert shown[first] == "Emi"
        assert client.get("/api/map", params={"of": "faces"}).json()["method"] is None
        report = ended(client, started(client, kind="map", of="faces"))["report"]
        points = client.get("/api/map", params={"of": "faces"}).json()
        assert len(points["ids"]) == len(points["x"]) == report["points"]
        assert points["is_current"] and 0 <= min(points["x"]) <= max(points["x"]) <= 65535
        colours = client.get("/api/map/colours", params={"of": "faces", "by": "cluster"}).json()
        assert colours["counts"] == sorted(colours["counts"], reverse=True)
        with animeds_db.open(database) as dataset:
            grouped = dict(dataset.sql("SELECT face_id, 'group ' || cluster FROM clusters").fetchall())
        names = [*colours["names"], None]
        assert [grouped.get(face) for face in points["ids"]] == [names[code] for code in colours["codes"]]
        rows = ended(client, started(client, kind="classify"))["report"]["rows"]
        assert next(row["faces"] for row in rows if row["character"] == "Emi") >= named["added"]
    with animeds_db.open(database) as dataset:
        assert dataset.clusters.shown(2, only=[first])[0]["name"] == "Emi"

"""Exports of the page have limits, and can be stopped at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from webserving import client_of, workers_of

from animeds_db.web import Options
from animeds_db.web.options import Limits

ENDLESS = "SELECT frame_id FROM frames, range(10000000) a, range(10000000) b WHERE a.range * b.range = -1"
END = ("done", "failed", "cancelled")


@contextmanager
def exporting(folder: Path, **limits: Any) -> Iterator[httpx2.Client]:
    options = Options(exports=folder / "out", limits=Limits(workers=1, threads=1, seconds=120, **limits))
    with client_of(options=options) as client:
        yield client


def start(client: httpx2.Client, out: str, sql: str = ENDLESS, **options: Any) -> str:
    body = {"selection": str(httpx2.QueryParams(q=sql)), "out": out, "options": options}
    answer = client.post("/api/exports", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job"])


def ended(client: httpx2.Client, job: str, patience: float = 100) -> dict[str, Any]:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        told: dict[str, Any] = client.get(f"/api/jobs/{job}").json()
        if told["state"] in END:
            return told
        time.sleep(0.1)
    raise AssertionError("the export goes on")


def test_an_endless_export_is_cancelled_within_two_seconds_and_leaves_no_process(tmp_path: Path) -> None:
    with exporting(tmp_path) as client:
        client.post("/api/sql", json={"q": "SELECT 1"})
        before = workers_of(os.getpid())
        job = start(client, "endless")
        time.sleep(3)
        assert client.get(f"/api/jobs/{job}").json()["state"] == "running"
        started = time.monotonic()
        told = client.post(f"/api/jobs/{job}/cancel").json()
        assert time.monotonic() - started < 2
        assert told["state"] == "cancelled"
        assert workers_of(os.getpid()) <= before
        assert not (tmp_path / "out" / "endless").exists()


def test_an_export_whose_selection_does_not_end_is_stopped(tmp_path: Path) -> None:
    with exporting(tmp_path, job_idle_s=2) as client:
        told = ended(client, start(client, "endless"))
        assert told["state"] == "failed" and "selection" in told["error"]["message"]
        assert told["error"]["hint"]


def test_an_export_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with exporting(tmp_path, job_s=2) as client:
        assert ended(client, start(client, "endless"))["state"] == "failed"


def test_an_export_takes_no_more_memory_than_allowed(tmp_path: Path) -> None:
    hungry = "SELECT frame_id FROM frames, (SELECT list(i) AS l FROM range(100000000000) t(i)) WHERE l[1] = 0"
    with exporting(tmp_path, memory=256 << 20) as client:
        told = ended(client, start(client, "hungry", hungry))
        assert told["state"] == "failed" and "emory" in told["error"]["message"], told


def test_pictures_of_an_export_are_not_enlarged_without_limit(tmp_path: Path) -> None:
    with exporting(tmp_path) as client:
        asked = {"selection": "", "out": "large", "options": {"max_size": 60000, "upscale": True}}
        answer = client.post("/api/exports", json=asked)
        assert answer.status_code == 400 and "16384" in answer.json()["error"]["message"]
        told = ended(
            client, start(client, "large", "SELECT frame_id FROM frames", short_edge=16384, upscale=True)
        )
        assert told["state"] == "failed" and "million pixels" in told["error"]["message"]


def test_exports_wait_for_each_other_and_each_client_has_so_many_at_most(tmp_path: Path) -> None:
    with exporting(tmp_path, jobs=3, jobs_each=2) as client:
        jobs = [start(client, name) for name in ("one", "two")]
        again = client.post("/api/exports", json={"selection": "", "out": "one"})
        assert again.status_code == 503 and "already writing to one" in again.json()["error"]["message"]
        third = client.post("/api/exports", json={"selection": "", "out": "three"})
        assert third.status_code == 503 and "of your jobs" in third.json()["error"]["message"]
        assert third.headers["retry-after"]
        for job in jobs:
            client.post(f"/api/jobs/{job}/cancel")
        assert ended(client, start(client, "three", "SELECT frame_id FROM frames LIMIT 1"))["state"] == "done"


def test_exports_that_run_are_stopped_when_the_service_ends(tmp_path: Path) -> None:
    before = workers_of(os.getpid())
    with exporting(tmp_path) as client:
        start(client, "endless")
        time.sleep(1)
        started = time.monotonic()
    assert time.monotonic() - started < 20
    assert workers_of(os.getpid()) <= before


@pytest.mark.parametrize("option", [{"max_size": [1]}, {"max_size": "large"}, {"crop": 5}, {"quality": True}])
def test_an_option_of_a_wrong_type_is_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    with exporting(tmp_path) as client:
        answer = client.post("/api/exports", json={"selection": "", "out": "x", "options": option})
        assert answer.status_code == 400 and answer.json()["error"]["kind"] == "UsageError"

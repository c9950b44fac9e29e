"""Numbers that are counted again after a change, while those from before are given."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from webserving import ONE, client_of, own_copy

from animeds_db.errors import QueryError
from animeds_db.web import Options
from animeds_db.web.paging import recounts
from animeds_db.web.paging.recounts import Recounts


def test_nobody_waits_for_numbers_that_are_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recounts, "PATIENCE_S", 0.01)

    async def scenario() -> None:
        counted: list[bool] = []
        go_on = asyncio.Event()

        async def count(may_end: bool) -> int:
            counted.append(may_end)
            if not may_end:
                await go_on.wait()
            return len(counted)

        kept: Recounts[int] = Recounts()
        assert await kept.get("a", 1, count) == (1, False)
        assert await kept.get("a", 1, count) == (1, False)
        assert await kept.get("a", 2, count) == (1, True)
        assert await kept.get("a", 2, count) == (1, True)
        assert counted == [True, False]  # one count for both
        go_on.set()
        await asyncio.sleep(0.05)
        assert await kept.get("a", 2, count) == (2, False)
        assert await kept.get("a", 3, count) == (3, False)  # that was quick
        assert await kept.get("b", 3, count) == (4, False)

    asyncio.run(scenario())


def test_numbers_of_a_change_before_the_last_one_are_still_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recounts, "PATIENCE_S", 0.01)

    async def scenario() -> None:
        go_on = asyncio.Event()

        async def count(may_end: bool) -> str:
            if not may_end:
                await go_on.wait()
            return "first" if may_end else "second"

        kept: Recounts[str] = Recounts()
        await kept.get("a", 1, count)
        assert await kept.get("a", 2, count) == ("first", True)
        waiting = asyncio.create_task(kept.get("a", 3, count))
        await asyncio.sleep(0)
        go_on.set()
        assert await waiting == ("second", True)
        assert await kept.get("a", 3, count) == ("second", False)

    asyncio.run(scenario())


def test_an_error_of_the_second_count_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recounts, "PATIENCE_S", 5.0)

    async def scenario() -> None:
        async def count(may_end: bool) -> int:
            if may_end:
                return 1
            raise QueryError("It took too long.")

        kept: Recounts[int] = Recounts()
        await kept.get("a", 1, count)
        for _ in range(2):
            with pytest.raises(QueryError, match="too long"):
                await kept.get("a", 2, count)
        kept.close()

    asyncio.run(scenario())


def test_facets_say_when_they_are_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recounts, "PATIENCE_S", 0.0)
    asked = {"facet": "tag", "limit": "1000"}
    with client_of(own_copy(tmp_path), Options(limits=ONE)) as client:
        before = client.get("/api/facets", params=asked).json()
        assert not before["recounting"]
        one = client.get("/api/frames", params={"count": "1"}).json()["frames"][0]["frame_id"]
        label = {"field": "tag", "op": "add", "value": "quite_new", "ids": [one]}
        assert client.post("/api/labels", json=label).status_code == 200
        found = client.get("/api/facets", params=asked).json()
        assert found == before | {"recounting": True}
        end = time.monotonic() + 60
        while found["recounting"] and time.monotonic() < end:
            time.sleep(0.05)
            found = client.get("/api/facets", params=asked).json()
        assert {"value": "quite_new", "count": 1} in found["values"]
        assert len(found["values"]) == len(before["values"]) + 1


def test_the_status_does_not_wait_for_a_recount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recounts, "PATIENCE_S", 0.0)
    with client_of(own_copy(tmp_path), Options(limits=ONE)) as client:
        before = client.get("/api/status").json()
        assert not before["recounting"]
        one = client.get("/api/frames", params={"count": "1"}).json()["frames"][0]["frame_id"]
        label = {"field": "tag", "op": "add", "value": "quite_new", "ids": [one]}
        assert client.post("/api/labels", json=label).status_code == 200
        found = client.get("/api/status").json()
        assert found == before | {"recounting": True}
        end = time.monotonic() + 60
        while found["recounting"] and time.monotonic() < end:
            time.sleep(0.05)
            found = client.get("/api/status").json()
        assert found["labels"] == before["labels"] + 1

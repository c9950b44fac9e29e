"""What a client may cost the service: time, memory, and the patience of others."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2
import pytest
from webserving import apart, client_of, memory_of, serving, workers_of

from animeds_db.web import Options
from animeds_db.web.options import Limits

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = -1"
ENDLESS_ROWS = "SELECT repeat('x', 1000) AS x FROM range(1000000000)"
MB = 1 << 20


@contextmanager
def deaf(address: str, path: str) -> Iterator[socket.socket]:
    """Ask for something, and never read the answer."""
    place = urlsplit(address)
    assert place.hostname and place.port
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        yield connection


def one(client: httpx2.Client) -> float:
    """Return the seconds that the smallest query takes."""
    started = time.monotonic()
    answer = client.post("/api/sql", json={"q": "SELECT 1 AS one"})
    assert answer.status_code == 200 and answer.json()["rows"] == [[1]], answer.text
    return time.monotonic() - started


def test_clients_that_do_not_read_do_not_keep_others_from_asking() -> None:
    limits = Limits(workers=1, threads=1, seconds=300, stalled_s=1, waiting_s=60, size=8 * MB)
    with client_of(options=Options(limits=limits)) as client, ExitStack() as stack:
        one(client)
        for form in ("arrow", "csv", "json"):
            path = f"/api/sql?format={form}&limit=100000&q={quote(ENDLESS_ROWS)}"
            stack.enter_context(deaf(str(client.base_url), path))
        time.sleep(1)
        assert one(client) < 60, "the only slot is free again although three clients hold on"


def test_a_connection_whose_client_takes_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animeds_db.web.connections.TAKEN_S", 0.5)
    with client_of(
        options=Options(limits=Limits(workers=1, threads=1, seconds=300, stalled_s=300))
    ) as client:
        path = f"/api/sql?format=arrow&q={quote(ENDLESS_ROWS)}"
        with deaf(str(client.base_url), path) as connection:
            assert one(client) < 60
            with pytest.raises(ConnectionError):  # the service has cut it off
                until = time.monotonic() + 60
                while time.monotonic() < until:
                    connection.sendall(b"GET / HTTP/1.1\r\n")
                    time.sleep(0.1)


def test_a_connection_that_asks_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animeds_db.web.connections.GIVEN_S", 0.3)
    with serving(options=Options(limits=Limits(workers=1))) as address:
        place = urlsplit(address)
        with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=60) as connection:
            connection.sendall(b"GET /api/status HTTP/1.1\r\nHost: ")
            assert connection.recv(100) == b""


def test_a_body_that_does_not_come_ends_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animeds_db.web.safety.BODY_S", 0.3)
    with serving(options=Options(limits=Limits(workers=1))) as address:
        place = urlsplit(address)
        with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=60) as connection:
            head = f"POST /api/sql HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
            connection.sendall(f'{head}Content-Length: 100\r\n\r\n{{"q": "SEL'.encode())
            told = connection.recv(100)
            assert not told or told.split()[1] >= b"400"


def test_short_queries_are_answered_while_endless_ones_fill_all_slots() -> None:
    limits = Limits(workers=1, threads=1, seconds=300, waiting_s=120)
    with client_of(options=Options(limits=limits)) as client, ExitStack() as stack:
        one(client)
        for _ in range(2):  # a short one that becomes a long one, and another
            stack.enter_context(deaf(str(client.base_url), f"/api/sql?q={quote(ENDLESS)}"))
            time.sleep(1.5)
        assert one(client) < 100, "the one that has run longest made room"


def test_a_query_that_made_room_says_so() -> None:
    limits = Limits(workers=1, threads=1, seconds=300, waiting_s=120)
    with serving(options=Options(limits=limits)) as address:
        answers: list[httpx2.Response] = []

        def ask() -> None:
            with httpx2.Client(base_url=address, timeout=180) as client:
                answers.append(client.post("/api/sql", json={"q": ENDLESS}))

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(2)
        with deaf(address, f"/api/sql?q={quote(ENDLESS)}"), deaf(address, f"/api/sql?q={quote(ENDLESS)}"):
            thread.join(100)
        assert answers[0].status_code == 503
        assert "run longest" in answers[0].json()["error"]["message"]


@pytest.fixture(scope="module")
def generous() -> Iterator[httpx2.Client]:
    with client_of(
        options=Options(limits=Limits(workers=1, threads=1, seconds=120, size=4 * MB, waiting_s=120))
    ) as client:
        yield client


@pytest.mark.parametrize("form", ["json", "csv", "arrow"])
def test_a_value_of_an_answer_has_a_limit(generous: httpx2.Client, form: str) -> None:
    asked = {"q": "SELECT 1 AS n, repeat('x', 40000000) AS long", "format": form}
    answer = generous.post("/api/sql", json=asked)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert '"long"' in error["message"] and "38 MB" in error["message"] and error["hint"]
    listed = generous.post("/api/sql", json=asked | {"q": "SELECT range(2000000) AS many FROM range(3)"})
    assert listed.status_code == 400 and '"many"' in listed.json()["error"]["message"]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_an_answer_never_has_more_bytes_than_allowed_and_says_what_it_left_out(
    generous: httpx2.Client, form: str
) -> None:
    asked = {"q": "SELECT i, repeat('x', 100000) AS x FROM range(8000) t(i)", "limit": 8000, "format": form}
    answer = generous.post("/api/sql", json=asked)
    assert answer.status_code == 200
    assert 3 * MB < len(answer.content) <= 4 * MB + 1000
    assert answer.headers["x-animeds-truncated"] == "true" and answer.headers["x-animeds-next"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    if form == "json":
        rows = answer.json()["rows"]
        more = generous.post("/api/sql", json=asked | {"token": answer.json()["next"]}).json()["rows"]
        assert [row[0] for row in rows + more] == list(range(len(rows) + len(more)))


def test_a_row_that_is_larger_than_an_answer_is_an_error(generous: httpx2.Client) -> None:
    asked = {"q": "SELECT repeat('x', 3000000) AS a, repeat('y', 3000000) AS b"}
    answer = generous.post("/api/sql", json=asked)
    assert answer.status_code == 400 and "first row" in answer.json()["error"]["message"]


STRANGE = {
    "the last date": ("SELECT 'infinity'::DATE", "infinity"),
    "the first moment": ("SELECT '-infinity'::TIMESTAMP", "-infinity"),
    "a year of six digits": ("SELECT '290000-01-01'::DATE", "290000-01-01"),
    "a year before Christ": ("SELECT '4000-01-01 (BC)'::TIMESTAMP", "-3999-01-01T00:00:00"),
    "nanoseconds": ("SELECT '2024-01-01 00:00:00.123456789'::TIMESTAMP_NS", "2024-01-01T00:00:00.123456789"),
    "seconds": ("SELECT '2024-01-01 00:00:05'::TIMESTAMP_S", "2024-01-01T00:00:05"),
    "microseconds": ("SELECT '2024-01-01 00:00:05.25'::TIMESTAMP", "2024-01-01T00:00:05.250000"),
    "a time zone": ("SELECT '2024-01-01 00:00:05+02'::TIMESTAMPTZ", "2023-12-31T22:00:05+00:00"),
    "the end of a day": ("SELECT '24:00:00'::TIME", "24:00:00"),
    "a date in a list": ("SELECT ['290000-01-01'::DATE, NULL]", ["290000-01-01", None]),
    "a moment in a struct": ("SELECT {'a': 'infinity'::TIMESTAMP}", {"a": "infinity"}),
    "a date in a map": ("SELECT MAP {'k': 'infinity'::DATE}", [{"key": "k", "value": "infinity"}]),
    "64 bits": ("SELECT 9007199254740993", "9007199254740993"),
    "64 bits in a list": ("SELECT [-9007199254740993, 1]", ["-9007199254740993", 1]),
    "53 bits": ("SELECT 9007199254740991", 9007199254740991),
}


@pytest.mark.parametrize(("sql", "value"), STRANGE.values(), ids=STRANGE.keys())
def test_values_that_python_or_browsers_cannot_hold_are_written_whole(
    generous: httpx2.Client, sql: str, value: object
) -> None:
    answer = generous.post("/api/sql", json={"q": sql})
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == [[value]]
    text = generous.post("/api/sql", json={"q": sql, "format": "csv"})
    assert text.status_code == 200 and len(text.text.splitlines()) == 2


CRAFTED = {
    "half a character": '{"q": "SELECT $x", "params": {"x": "\\ud800"}}',
    "half a character in a list": '{"q": "SELECT $x", "params": {"x": ["a", "\\udfff"]}}',
    "half a character as a name": '{"q": "SELECT 1", "params": {"\\ud800": 1}}',
    "half a character in the SQL": '{"q": "SELECT \'\\ud800\'"}',
    "a key that is half a character": '{"q": "SELECT 1", "\\ud800": 1}',
    "lists in lists": '{"q": "SELECT $x", "params": {"x": ' + "[" * 900 + "1" + "]" * 900 + "}}",
    "lists without end": '{"q": "SELECT $x", "params": {"x": ' + "[" * 100_000 + "}}",
    "an object": '{"q": "SELECT $x", "params": {"x": {"a": 1}}}',
    "a sum of a thousand": '{"q": "SELECT ' + "1+" * 5000 + '1"}',
}


@pytest.mark.parametrize("body", CRAFTED.values(), ids=CRAFTED.keys())
def test_a_crafted_body_is_refused_and_its_worker_lives(generous: httpx2.Client, body: str) -> None:
    before = workers_of(os.getpid())
    answer = generous.post("/api/sql", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"]["message"]
    one(generous)
    assert before <= workers_of(os.getpid())


@pytest.mark.parametrize("door", ["/api/frames", "/api/count", "/api/facets"])
def test_sql_of_blanks_is_refused(generous: httpx2.Client, door: str) -> None:
    answer = generous.get(door, params={"q": "\x0c"})
    assert answer.status_code == 400 and answer.json()["error"]["message"] == "The SQL in q is empty."


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "://", "http://user@127.0.0.1", "\\"])
def test_an_origin_that_is_no_address_is_a_foreign_one(generous: httpx2.Client, origin: str) -> None:
    answer = generous.post("/api/sql", json={"q": "SELECT 1"}, headers={"origin": origin})
    assert answer.status_code == 403 and answer.json()["error"]["kind"] == "RefusedError"


@pytest.mark.parametrize("path", ["/api/frames", "/api/sql?q=SELECT+1", "/api/labels", "/api/duplicates"])
def test_a_token_of_nested_lists_is_refused(generous: httpx2.Client, path: str) -> None:
    import base64
    import zlib

    nested = base64.urlsafe_b64encode(zlib.compress(b"[" * 100_000)).decode()
    answer = generous.get(f"{path}{'&' if '?' in path else '?'}token={nested}")
    assert answer.status_code == 400 and "token" in answer.json()["error"]["message"]


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_300_mb_pass_through_the_service_in_pieces() -> None:
    with apart("--seconds", "900") as (client, pid):
        one(client)
        before, most = memory_of(pid), 0
        sql = "SELECT repeat('x', 1000000) AS x FROM range(300)"
        with client.stream("POST", "/api/sql", json={"q": sql, "format": "arrow"}) as answer:
            size = 0
            for piece in answer.iter_bytes():
                size += len(piece)
                most = max(most, memory_of(pid))
        assert size > 280 * MB
        assert most - before < 64 * MB
        answer = client.post("/api/sql", json={"q": sql, "limit": 1000})
        assert answer.status_code == 200 and answer.json()["truncated"]
        assert memory_of(pid) - before < 64 * MB

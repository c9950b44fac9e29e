"""Who may ask the service, and what it does with requests that make no sense."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cli_run import Runner
from hypothesis import HealthCheck, Phase, given, settings
from webserving import ONE, client_of, own_copy, reader

from animeds_db.errors import StoreError, UsageError
from animeds_db.web import Options, address_of, bound, create_app, secured

LONG = "x" * 10_000


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with reader() as client:
        yield client


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "127.0.0.1.evil.example", "", "[::2]", "10.0.0.1"]
)
def test_a_foreign_name_for_this_machine_is_refused(client: httpx2.Client, host: str) -> None:
    for path in ("/", "/api/frames", "/api/status"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code in (400, 421)
        assert "Komorebi" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_the_pages_of_others_can_neither_post_nor_read(
    client: httpx2.Client, headers: dict[str, str]
) -> None:
    posted = client.post(
        "/api/labels", headers=headers, json={"field": "frame", "op": "set", "value": "drop", "ids": ["x"]}
    )
    assert posted.status_code == 403
    assert client.post("/api/sql", headers=headers, json={"q": "SELECT 1"}).status_code == 403
    assert client.get("/api/frames", headers=headers).status_code == 403


def test_a_link_from_elsewhere_may_lead_to_a_page(client: httpx2.Client) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=headers).status_code == 200


def test_a_form_of_another_page_is_refused_even_without_fetch_headers(client: httpx2.Client) -> None:
    answer = client.post("/api/labels", content='{"field": "frame"}', headers={"content-type": "text/plain"})
    assert answer.status_code == 422


def test_every_answer_forbids_foreign_scripts_and_frames(client: httpx2.Client) -> None:
    for path in ("/", "/api/status", "/api/nope", "/nope"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert (
            "default-src 'self'" in policy
            and "unsafe-inline" not in policy
            and "frame-ancestors 'none'" in policy
        )
        assert headers["x-content-type-options"] == "nosniff"


def test_bound_elsewhere_it_asks_for_its_token() -> None:
    options = secured(Options(limits=ONE), "0.0.0.0")
    assert options.token and len(options.token) > 24
    assert secured(Options(), "127.0.0.1").token is None
    assert options.token in address_of("0.0.0.0", 8321, options.token)
    with client_of(options=options) as client:
        assert client.get("/api/status").status_code == 401
        assert client.get("/api/status", headers={"authorization": "Bearer nope"}).status_code == 401
        bearer = {"authorization": f"Bearer {options.token}"}
        assert client.get("/api/status", headers=bearer).json()["frames"] == 49
        page = client.get("/", params={"token": options.token, "tag": "1girl"})
        assert page.status_code == 303 and page.headers["location"] == "/?tag=1girl"
        assert client.get("/api/status").status_code == 200, "the cookie is enough now"
        lost = httpx2.get(f"{client.base_url}", headers={"accept": "text/html"})
        assert lost.status_code == 401 and "animeds serve" in lost.text


def test_read_only_refuses_whatever_changes_something(tmp_path: Path) -> None:
    with client_of(options=Options(read_only=True, exports=tmp_path, limits=ONE)) as client:
        for path in ("/api/labels", "/api/labels/undo", "/api/queries", "/api/exports"):
            answer = client.post(path, json={})
            assert answer.status_code == 403 and "is read-only" in answer.json()["error"]["message"]
        assert client.delete("/api/labels/x").status_code == 403
        assert client.post("/api/sql", json={"q": "SELECT 1"}).status_code == 200
        assert client.get("/api/status").json()["read_only"] is True


BAD = {
    "an id of 10 kB": ("GET", f"/api/frames/{LONG}", None),
    "a thumbnail of 10 kB": ("GET", f"/api/frames/{LONG}/thumbnail", None),
    "an id with a way up": ("GET", "/api/frames/..%2f..%2fetc%2fpasswd/image", None),
    "an id that is SQL": ("GET", "/api/frames/x' OR '1'='1", None),
    "no such frame": ("GET", "/api/frames/k3f9a2qd-000000001/image", None),
    "no such address": ("GET", "/api/nope", None),
    "no such method": ("PUT", "/api/labels", None),
    "broken JSON": ("POST", "/api/sql", "{"),
    "JSON of another shape": ("POST", "/api/sql", "[1]"),
    "unknown keys": ("POST", "/api/sql", '{"q": "SELECT 1", "x": 1}'),
    "no UTF-8": ("POST", "/api/sql", b"\xff\xfe"),
    "a number too large": ("GET", "/api/frames?from=99999999999999999999", None),
    "a sort that is none": ("GET", "/api/frames?sort=nope", None),
    "an episode that is none": ("GET", "/api/frames?episode=one", None),
    "a shot that is none": ("GET", "/api/frames?shot=x", None),
    "two starts": ("GET", "/api/frames?text=a&like=b", None),
    "a token of nobody": ("GET", "/api/frames?token=abc", None),
    "a token of another query": ("GET", "/api/sql?q=SELECT+1&token=eNqLVgIA", None),
    "a box upside down": ("GET", "/api/frames/x-1/crop?box=0.5,0.5,0.1,0.1", None),
    "a box of words": ("GET", "/api/frames/x-1/crop?box=a,b,c,d", None),
    "a width of a million": ("GET", "/api/frames/x-1/image?width=1000000", None),
    "a query that is none": ("GET", "/api/queries/..%2fpasswd", None),
    "a parameter too many": ("GET", "/api/queries/sample?nope=1", None),
    "an export to a path": ("POST", "/api/exports", '{"out": "../x"}'),
    "a word nobody knows": ("POST", "/api/labels", '{"field": "mood", "op": "set", "value": "x", "ids": ["a-1"]}'),
    "an id nobody knows": ("POST", "/api/labels", '{"field": "frame", "op": "set", "value": "drop", "ids": ["a-1"]}'),
    "a selection nobody knows": ("POST", "/api/exports", '{"selection": "x=1", "dry_run": true}'),
    "captions from a path": ("POST", "/api/exports", '{"options": {"captions": "/etc/passwd"}, "dry_run": true}'),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), BAD.values(), ids=BAD.keys())
def test_what_makes_no_sense_is_told_in_one_shape(
    client: httpx2.Client, method: str, path: str, body: str | bytes | None
) -> None:
    answer = client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    error = answer.json()["error"]
    assert set(error) == {"kind", "message", "hint", "file", "line", "column", "others"}
    assert error["message"]
    assert len(answer.content) < 3000


def test_a_body_that_is_too_large_is_refused(client: httpx2.Client) -> None:
    assert client.post("/api/sql", content=b" " * (9 << 20)).status_code == 413


def test_errors_of_sql_have_a_line_and_a_column(client: httpx2.Client) -> None:
    error = client.post("/api/sql", json={"q": "SELECT *\nFROM frames\nWHERE nope = 1"}).json()["error"]
    assert (error["line"], error["column"]) == (3, 7)
    selected = client.get(
        "/api/frames", params={"q": "SELECT frame_id\nFROM frames WHERE nope", "tag": "1girl"}
    )
    assert (selected.json()["error"]["line"], selected.json()["error"]["column"]) == (2, 19)


def test_what_is_no_database_is_said_before_anything_listens(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database|not a database|is not there"):
        create_app(str(tmp_path / "nothing.animeds"))


def test_a_port_that_is_taken_is_said_and_no_file_stays_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = own_copy(tmp_path)
    journal = database.with_name(f"{database.name}.jobs")
    journal.touch()
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}"):
            bound("127.0.0.1", port)
        run = Runner(capsys, monkeypatch)
        done = run("serve", "--db", str(database), "--port", str(port))
        assert done.code == 2
        assert f"port {port}" in done.err and "--port 0" in done.err
        gc.collect()  # fails with a ResourceWarning if the journal was left open


def test_a_frame_whose_video_is_gone_has_a_picture_that_says_so(tmp_path: Path) -> None:
    import animeds_db

    database = own_copy(tmp_path)
    with animeds_db.open(database) as dataset:
        rows = dataset.store.table("sources").to_table()
        gone = [str(tmp_path / f"gone{i}.mkv") for i in range(rows.num_rows)]
        place = rows.schema.get_field_index("uri")
        dataset.store.replace("sources", rows.set_column(place, "uri", [gone]))
        frame = dataset.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
    with client_of(database) as client:
        picture = client.get(f"/api/frames/{frame}/image")
        assert picture.status_code == 200 and picture.headers["content-type"] == "image/svg+xml"
        assert "gone" in picture.headers["x-animeds-missing"]
        assert "relocate" in picture.text
        assert client.get(f"/api/frames/{frame}/thumbnail").headers["content-type"] == "image/webp"


def test_no_request_that_the_openapi_allows_breaks_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import schemathesis
    from schemathesis.core.result import Ok

    monkeypatch.chdir(tmp_path)
    with client_of(own_copy(tmp_path)) as client:
        told = client.get("/api/openapi.json").json()
        assert json.dumps(told).count('"operationId"') > 25
        schema = schemathesis.openapi.from_dict(told)
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            if operation.path.endswith("/events"):
                continue

            @settings(
                max_examples=3,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def attempt(case: schemathesis.Case[Any]) -> None:
                answer = case.call(base_url=str(client.base_url), timeout=120)
                assert answer.status_code < 500, (case.method, case.formatted_path, answer.text)
                if answer.status_code >= 400:
                    assert answer.json()["error"]["message"]

            attempt()

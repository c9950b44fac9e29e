"""`animeds mcp`: the tools for assistants, called by the SDK's own client over stdin and stdout."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sampleshow
from cli_run import Runner
from documented import blocks
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, ImageContent, TextContent
from PIL import Image

import animeds_db
import animeds_db.recipes
from animeds_db.recipes.reading import parse
from animeds_db.web.mcp import mcp_server
from animeds_db.web.options import Limits

PAGE = Path(__file__).parents[1] / "docs" / "mcp.md"
ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = -1"
Visit = Callable[[Client], Awaitable[None]]


def visit(server: Any, steps: Visit) -> None:
    """Connect to a server, and take some steps."""

    async def connected() -> None:
        async with Client(server, read_timeout_seconds=60) as client:
            await steps(client)

    asyncio.run(connected())


def words(result: CallToolResult) -> str:
    """Return the text of a result."""
    return "".join(part.text for part in result.content if isinstance(part, TextContent))


async def value(client: Client, tool: str, **arguments: Any) -> Any:
    """Call a tool and return its structured result."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, words(result)
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """Call a tool and return its error."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return words(result)


def test_an_assistant_reads_the_database_over_stdin_and_stdout(tmp_path: Path) -> None:
    """The command as an assistant starts it, with everything that the page about it promises."""
    uri = str(sampleshow.database())
    before = sampleshow.database().stat().st_mtime_ns
    with animeds_db.open(uri) as ds:
        frames = ds.sql("SELECT frame_id FROM frames ORDER BY frame_id").fetchall()
        near = ds.search(frame_id=frames[3][0], k=4).fetchall()
        size = ds.image(frames[3][0]).size

    async def steps(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
        all_of_them = await value(client, "describe")
        assert "frames" in all_of_them["views"]
        assert all_of_them["macros"]["has_tag"].startswith("Does a frame have a tag?")
        faces = await value(client, "describe", name="faces")
        assert "fh_ratio" in faces["about"] and "face_id" in {column["name"] for column in faces["columns"]}
        for sql in blocks(PAGE, "sql"):
            assert (await value(client, "select", sql=sql))["rows"], sql
        asked = await value(
            client, "select", sql="SELECT frame_id FROM frames WHERE frame_id > $after ORDER BY 1",
            params={"after": frames[0][0]}, limit=2,
        )  # fmt: skip
        assert asked == {"rows": [{"frame_id": frames[1][0]}, {"frame_id": frames[2][0]}], "truncated": True}
        found = await value(client, "search", frame_id=frames[3][0], count=4)
        assert [row["frame_id"] for row in found["frames"]] == [row[0] for row in near]
        shown = (await client.call_tool("show_picture", {"frame_id": frames[3][0], "width": 200})).content[0]
        assert isinstance(shown, ImageContent) and shown.mime_type == "image/webp"
        with Image.open(io.BytesIO(base64.b64decode(shown.data))) as picture:
            assert picture.size == (200, round(size[1] * 200 / size[0]))

    command = [sys.executable, "-m", "animeds_db", "mcp", "--db", uri]
    visit(StdioServerParameters(command=command[0], args=command[1:], cwd=tmp_path), steps)
    assert sampleshow.database().stat().st_mtime_ns == before and not list(tmp_path.iterdir())


def test_a_drafted_recipe_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def steps(client: Client) -> None:
        result = await client.call_tool(
            "draft_recipe", {"count": 4, "per": "episode", "layouts": ["kohya"], "tag": "waifu"}
        )
        assert not result.is_error, words(result)
        (tmp_path / "recipe.toml").write_text(words(result), "utf-8")
        assert "unknown" in await refused(client, "draft_recipe", layouts=["unknown"])
        assert "Nobody" in await refused(client, "draft_recipe", characters=["Nobody"])

    visit(mcp_server(str(sampleshow.database())), steps)
    content = parse((tmp_path / "recipe.toml").read_text("utf-8"), tmp_path / "recipe.toml").content
    assert content["select"] == {"count": 4, "per": "episode"}
    assert content["sources"][0]["paths"] == [str(sampleshow.episodes())]
    with animeds_db.recipes.Making("recipe.toml") as making:
        news = {planned.step: planned.news for planned in making.plan()}
    assert news["sources"] == "2 finished sources to compare with the options"
    assert news["export"] is not None


def test_an_assistant_meets_the_limits_of_the_service(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", "utf-8")

    async def steps(client: Client) -> None:
        for sql in (
            f"SELECT * FROM read_text('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            "DELETE FROM labels",
            "SELECT 1; SELECT 2",
            "SET lock_configuration = false",
        ):
            error = await refused(client, "select", sql=sql)
            assert "unexpected" not in error and "secret" not in error.replace(str(secret), ""), error
        assert "frames" in await refused(client, "select", sql="SELECT * FROM framez")
        assert "1000" in await refused(client, "select", sql="SELECT 1", limit=100_000)
        assert "1 seconds" in await refused(client, "select", sql=ENDLESS)
        assert (await value(client, "select", sql="SELECT 1 AS one"))["rows"] == [{"one": 1}], "it goes on"
        assert "frame_id" in await refused(client, "search")
        assert "no frame" in await refused(client, "show_picture", frame_id="nothing")
        assert 'did you mean "frames"' in await refused(client, "describe", name="framess")

    visit(mcp_server(str(sampleshow.database()), Limits(workers=1, seconds=1)), steps)
    assert {path.name for path in tmp_path.iterdir()} == {"secret.txt"}


def test_without_a_database_the_command_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Runner(capsys, monkeypatch)("mcp", "--db", tmp_path / "none.animeds")
    assert done.code == 1 and "none.animeds" in done.err and done.out == ""

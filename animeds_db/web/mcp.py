"""The database for assistants: read-only tools over the Model Context Protocol, with the limits of the service.

    animeds mcp --db show.animeds

Their SQL runs in the workers of the service, which cannot write or open files. No tool changes anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

import animeds_db
from animeds_db.errors import AnimedsError, QueryError, UsageError, did_you_mean
from animeds_db.recipes.building import exports_of
from animeds_db.recipes.drafting import ShortForm
from animeds_db.recipes.history import models_used, source_folders
from animeds_db.recipes.reading import parse
from animeds_db.session.catalog import descriptions
from animeds_db.session.statements import literal
from animeds_db.web.options import Limits, Options
from animeds_db.web.pictures import WIDTHS
from animeds_db.web.plain import records
from animeds_db.web.service import Service
from animeds_db.web.workers.framing import Ask

ROWS = 1000
"""Maximum number of rows of one result. An assistant has to read each of them."""
INSTRUCTIONS = (
    "A database of anime frames: tags, faces, characters, dialogue. Start with describe. Conditions on tags use the "
    "macro has_tag. Every picture has a frame_id, which show_picture takes. Nothing can be changed here."
)
COLUMNS = """SELECT column_name AS name, data_type AS type FROM duckdb_columns()
WHERE table_name = {} AND NOT internal ORDER BY column_index"""

P = ParamSpec("P")
R = TypeVar("R")


def mcp_server(dataset_uri: str, limits: Limits | None = None) -> MCPServer[None]:
    """Return a server for one database; `server.run()` speaks over stdin and stdout until they are closed.

    Raises StoreError if there is no database at this path.
    """
    service = Service(dataset_uri, Options(read_only=True, limits=limits or Limits(workers=1)))

    @asynccontextmanager
    async def running(_: MCPServer[None]) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.close()

    server = MCPServer(
        "animeds",
        title="animeds-db",
        version=animeds_db.__version__,
        instructions=INSTRUCTIONS,
        lifespan=running,
        log_level="WARNING",
    )
    tools = Tools(service)
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    for tool in (tools.describe, tools.select, tools.search, tools.show_picture, tools.draft_recipe):
        server.add_tool(_with_hints(tool), annotations=reads)
    return server


def _with_hints(tool: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Return a tool whose errors reach the assistant with their hints."""

    @wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await tool(*args, **kwargs)
        except AnimedsError as error:
            raise ToolError(str(error)) from error

    return call


class Tools:
    """The tools. Their docstrings are what an assistant reads."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def describe(
        self, name: Annotated[str | None, Field(description="A view or macro; none: all of them")] = None
    ) -> dict[str, Any]:
        """Describe the views and macros that SQL can use: all with one line each, or one with its columns."""
        known = descriptions()
        if name is None:
            return {
                kind: {one: text.split("\n", 1)[0] for one, text in known[kind].items()} for kind in known
            }
        for kind, texts in known.items():
            if name in texts:
                answer = await self._service.rows(None, COLUMNS.format(literal(name)))
                columns = {"columns": records(answer.table)} if kind == "views" else {}
                return {"name": name, "about": texts[name]} | columns
        names = [one for texts in known.values() for one in texts]
        raise QueryError(f"There is no view or macro {name[:80]}.", hint=did_you_mean(name[:80], names))

    async def select(
        self,
        sql: Annotated[str, Field(description="One SELECT in DuckDB's SQL; $name for a parameter")],
        params: Annotated[dict[str, Any] | None, Field(description="Values of the parameters")] = None,
        limit: Annotated[int, Field(ge=1, le=ROWS, description="Maximum number of rows")] = 100,
    ) -> dict[str, Any]:
        """Run one SELECT and return its rows. `truncated` is true if there are more."""
        answer = await self._service.rows(None, sql, params, rows=limit)
        return {"rows": records(answer.table), "truncated": answer.truncated}

    async def search(
        self,
        text: Annotated[str | None, Field(description="Words, if the database has a text model")] = None,
        frame_id: Annotated[str | None, Field(description="Find frames similar to this one")] = None,
        where: Annotated[str | None, Field(description="SQL condition on the columns of frames")] = None,
        count: Annotated[int, Field(ge=1, le=ROWS, description="Maximum number of frames")] = 12,
    ) -> dict[str, Any]:
        """Find the frames most similar to a text or to another frame, the best first. Give one of the two."""
        if (text is None) == (frame_id is None):
            raise UsageError("Search either by text or by a frame_id.")
        more = {"text": text, "frame_id": frame_id, "k": count, "where": where}
        answer = await self._service.answer(None, Ask(task="search", more=more))
        return {"frames": records(answer.table)}

    async def show_picture(
        self,
        frame_id: Annotated[str, Field(max_length=200, description="Like k3f9a2qd-000754212")],
        width: Annotated[int, Field(ge=WIDTHS[0], le=WIDTHS[1], description="Maximum width in pixels")] = 768,
    ) -> Image:
        """Show a frame, decoded from its video."""
        data, media = await self._service.pictures.frame(frame_id, width)
        return Image(data=data, format=media.partition("/")[2])

    async def draft_recipe(
        self,
        characters: Annotated[list[str] | None, Field(description="Whom the pictures show")] = None,
        count: Annotated[int | None, Field(description="Number of pictures")] = None,
        per: Annotated[str | None, Field(description="Spread: appearance, episode, shot or framing")] = None,
        layouts: Annotated[list[str] | None, Field(description="Trainers, such as kohya")] = None,
        tag: Annotated[str | None, Field(description="Activation tag")] = None,
        out: Annotated[str, Field(description="Folder for the pictures")] = "out",
    ) -> str:
        """Draft a recipe (TOML) for a training folder from the sources of this database. Nothing is written.

        A person saves it as recipe.toml and runs `animeds make`.
        """
        if characters:
            names = [("character", name) for name in characters]
            await self._service.answer(None, Ask(task="names", more={"names": names}))
        path = Path("recipe.toml")
        dataset = self._service.dataset
        form = ShortForm(
            folders=tuple(await asyncio.to_thread(source_folders, dataset)),
            out=out,
            characters=tuple(characters or ()),
            count=count,
            per=per,
            layouts=tuple(layouts or ()),
            tag=tag,
            profile=(await asyncio.to_thread(models_used, dataset)).get("profile"),
            database=dataset.uri,
        )
        text = form.text(path)
        exports_of(parse(text, path))
        return text

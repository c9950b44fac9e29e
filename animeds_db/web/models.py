"""The shapes of the API's answers and bodies, from which its OpenAPI is made."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(max_length=200)]


class Fault(BaseModel):
    """What went wrong, where in the SQL, and what to do about it."""

    kind: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    others: list[dict[str, Any]] | None = None


class Refusal(BaseModel):
    """The one shape of all errors."""

    error: Fault


class Tile(BaseModel):
    """A frame in a grid."""

    frame_id: str
    show: str | None
    season: int | None
    episode: int | None
    time_s: float | None
    width: int | None
    height: int | None
    shot: int | None
    source_id: str | None
    score: float | None
    dropped: bool
    characters: list[str]


class FramesPage(BaseModel):
    """A part of a selection. `next` is a token for the part behind it, null at the end."""

    model_config = ConfigDict(populate_by_name=True)

    frames: list[Tile]
    start: int = Field(alias="from")
    next: str | None
    truncated: bool


class Count(BaseModel):
    """How many frames a selection has."""

    count: int


class Value(BaseModel):
    """One value of a facet. `value` is null for: not known."""

    value: str | None
    count: int


class Facet(BaseModel):
    """The values of one property in a selection, most frequent first."""

    facet: str
    values: list[Value]
    truncated: bool


class Explained(BaseModel):
    """The SQL of a selection, as `animeds sql` runs it."""

    sql: str

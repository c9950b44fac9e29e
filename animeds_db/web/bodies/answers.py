"""Request and response bodies of the API; its OpenAPI description is generated from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Id = Annotated[str, Field(max_length=200)]


def _unicode(text: str) -> str:
    text.encode()  # UnicodeEncodeError is a ValueError: half of a surrogate pair is not text
    return text


Text = Annotated[str, AfterValidator(_unicode)]
Scalar = Text | int | float | bool | None
Params = dict[Text, Scalar | list[Scalar]]
"""Values of parameters by name."""


class SaveBody(BaseModel):
    """The selection to save: a query string, or the ids of frames."""

    model_config = ConfigDict(extra="forbid")

    selection: Annotated[Text, Field(max_length=100_000)] = ""
    frames: Annotated[list[Annotated[Text, Field(max_length=200)]], Field(max_length=100_000)] = Field(
        default_factory=list
    )


class Saved(BaseModel):
    """A saved selection: its query string for the pages, who saved it, and when (ISO 8601, UTC)."""

    name: str
    selection: str
    who: str
    saved_at: str


class Fault(BaseModel):
    """An error: what is wrong, where in the SQL, and what to do."""

    kind: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    others: list[dict[str, Any]] | None = None


class Refusal(BaseModel):
    """The body of every error response."""

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
    """One page of a selection. `next` is the token of the next page, null at the end."""

    model_config = ConfigDict(populate_by_name=True)

    frames: list[Tile]
    start: int = Field(alias="from")
    next: str | None
    truncated: bool


class Count(BaseModel):
    """Number of frames in a selection."""

    count: int


class Value(BaseModel):
    """One value of a facet and its number of frames. `value` is null if it is not known."""

    value: str | None
    count: int


class Facet(BaseModel):
    """The values of one property in a selection, most frequent first.

    recounting: the numbers are from before the last change and are being counted again; ask again in a second.
    """

    facet: str
    values: list[Value]
    truncated: bool
    recounting: bool


class Explained(BaseModel):
    """The SQL of a selection, as `animeds sql` runs it."""

    sql: str


class Column(BaseModel):
    """A column of a result, with its SQL type."""

    name: str
    type: str


class Rows(BaseModel):
    """Rows of a query. `next` is the token of the next rows, null at the end."""

    columns: list[Column]
    rows: list[list[Any]]
    truncated: bool
    next: str | None
    seconds: float


class Parameter(BaseModel):
    """A parameter of a named query."""

    name: str
    type: str
    required: bool
    default: Any
    help: str


class Query(BaseModel):
    """A named query. mine: it is one of the user's own files, not a built-in query."""

    name: str
    title: str
    description: str
    mine: bool
    gives_frames: bool
    parameters: list[Parameter]
    sql: str


class SqlBody(BaseModel):
    """SQL to run. Parameter values are text, numbers, true, false, null, or lists of these."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=200_000)]
    params: Params = Field(default_factory=dict)
    limit: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    format: Literal["json", "csv", "arrow"] | None = None
    token: Annotated[str | None, Field(max_length=8000)] = None


class ParamsBody(BaseModel):
    """Typed parameters of a named query."""

    model_config = ConfigDict(extra="forbid")

    params: Params = Field(default_factory=dict)
    limit: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    format: Literal["json", "csv", "arrow"] | None = None
    token: Annotated[str | None, Field(max_length=8000)] = None


class QueryBody(BaseModel):
    """A query to save as a file."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=60)]
    sql: Annotated[str, Field(max_length=100_000)]
    title: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=2000)] = ""


class MapPoints(BaseModel):
    """The points of the map. method: t-SNE or PCA; null: no map is kept. is_current: it shows the database as it is.

    ids: of the frames or faces; frames: of faces, the frame of each. x, y: 0 to 65535.
    """

    of: str
    method: str | None
    model: str | None
    is_current: bool
    ids: list[str]
    frames: list[str]
    x: list[int]
    y: list[int]


class MapColours(BaseModel):
    """The values of the points: names, the most frequent first, with their counts; codes: one per point, -1: none."""

    by: str
    names: list[str]
    counts: list[int]
    codes: list[int]


class FoundFrame(BaseModel):
    """A search result; similarity is the cosine.

    score and found_by (picture, tags, description) are there for a text, the columns of the line for what is said.
    """

    frame_id: str
    source_id: str | None
    show: str | None
    season: int | None
    episode: int | None
    time_s: float | None
    similarity: float | None = None
    tags: list[str] | None = None
    score: float | None = None
    found_by: list[str] | None = None
    text: str | None = None
    speaker: str | None = None
    kind: str | None = None
    language: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    away_s: float | None = None
    line_id: str | None = None


class Found(BaseModel):
    """Search results, best first."""

    frames: list[FoundFrame]


class FrameFacts(BaseModel):
    """Everything known about a frame, with its origin."""

    frame: dict[str, Any]
    source: dict[str, Any] | None
    tags: list[dict[str, Any]]
    faces: list[dict[str, Any]]
    heads: list[dict[str, Any]]
    persons: list[dict[str, Any]]
    halfbodies: list[dict[str, Any]]
    gate: str | None
    captions: dict[str, str | None]
    descriptions: list[dict[str, Any]]
    duplicates: list[dict[str, Any]]
    labels: list[dict[str, Any]]
    crops: list[dict[str, Any]]
    neighbours: dict[str, Any]
    provenance: dict[str, Any]


class MaskFacts(BaseModel):
    """A mask of a frame. detection_id, kind, character: of the box that is masked; null: the whole frame."""

    part: str
    detection_id: str | None
    kind: str | None
    character: str | None
    by: str
    coverage: float


class Groups(BaseModel):
    """Groups of near-duplicates; the kept frame comes first."""

    groups: list[dict[str, Any]]
    total: int
    next: str | None


class Status(BaseModel):
    """Contents of the database, and what the service allows. exists: there is a database already.

    recounting: the numbers are from before the last change and are being counted again; ask again in a second.
    """

    name: str
    database: str
    exists: bool
    version: str
    read_only: bool
    exports: bool
    sources: int = 0
    running: int = 0
    damaged: int = 0
    frames: int = 0
    faces: int = 0
    tags: int = 0
    characters: int = 0
    duplicates: int = 0
    labels: int = 0
    recounting: bool = False
    models: list[str]

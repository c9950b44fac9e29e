"""The shapes of the API's answers and bodies, from which its OpenAPI is made."""

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


class Column(BaseModel):
    """A column of an answer; type as SQL calls it."""

    name: str
    type: str


class Rows(BaseModel):
    """Rows of a query. `next` is a token for those behind them; null at the end."""

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
    """A named query. mine: it is a file of yours, not one that comes with the package."""

    name: str
    title: str
    description: str
    mine: bool
    gives_frames: bool
    parameters: list[Parameter]
    sql: str


class SqlBody(BaseModel):
    """A query to run. Values of params: text, number, true/false, null, or a list of those."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=200_000)]
    params: Params = Field(default_factory=dict)
    limit: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    format: Literal["json", "csv", "arrow"] | None = None
    token: Annotated[str | None, Field(max_length=8000)] = None


class ParamsBody(BaseModel):
    """Parameters of a named query, in their types."""

    model_config = ConfigDict(extra="forbid")

    params: Params = Field(default_factory=dict)
    limit: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    format: Literal["json", "csv", "arrow"] | None = None
    token: Annotated[str | None, Field(max_length=8000)] = None


class QueryBody(BaseModel):
    """A query to keep as a file of yours."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=60)]
    sql: Annotated[str, Field(max_length=100_000)]
    title: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=2000)] = ""


class Word(BaseModel):
    """One thing said of a frame or a face."""

    model_config = ConfigDict(extra="forbid")

    field: Annotated[str, Field(max_length=40)]
    op: Annotated[str, Field(max_length=20)]
    value: Annotated[str | None, Field(max_length=500)] = None
    id: Id


class LabelBody(BaseModel):
    """What people say: `labels`; or field, op and value of the things in `ids` or in a `selection` (a query string).

    seen: the act that was the newest when the page was drawn. Who has spoken of the same since then is not overruled.
    """

    model_config = ConfigDict(extra="forbid")

    labels: Annotated[list[Word] | None, Field(max_length=100_000)] = None
    field: Annotated[str | None, Field(max_length=40)] = None
    op: Annotated[str | None, Field(max_length=20)] = None
    value: Annotated[str | None, Field(max_length=500)] = None
    ids: Annotated[list[Id] | None, Field(max_length=100_000)] = None
    selection: Annotated[str | None, Field(max_length=200_000)] = None
    seen: Annotated[str | None, Field(max_length=100)] = None
    who: Annotated[str | None, Field(max_length=100)] = None


class UndoBody(BaseModel):
    """Which act is taken back; the newest that counts where none is named."""

    model_config = ConfigDict(extra="forbid")

    act: Annotated[str | None, Field(max_length=100)] = None
    who: Annotated[str | None, Field(max_length=100)] = None


class Act(BaseModel):
    """What one call has said."""

    act: str
    n: int
    notes: list[str]


class PastAct(BaseModel):
    """One line of the history. counts: it was not taken back."""

    act: str
    said_at: str
    who: str | None
    what: str | None
    n: int
    counts: bool
    n_gone: int


class History(BaseModel):
    """Acts of labelling, newest first."""

    acts: list[PastAct]
    next: str | None


class ExportBody(BaseModel):
    """A selection (a query string) that becomes a folder of this name; options as `animeds export` has them."""

    model_config = ConfigDict(extra="forbid")

    selection: Annotated[str, Field(max_length=200_000)] = ""
    layout: Annotated[str, Field(max_length=40)] = "plain"
    out: Annotated[str, Field(max_length=80)] = ""
    options: Params = Field(default_factory=dict)
    dry_run: bool = False


class JobState(BaseModel):
    """An export: running, done, failed or cancelled."""

    job: str
    state: str
    out: str
    done: int
    total: int
    report: dict[str, Any] | None
    error: Fault | None


class ExportAnswer(BaseModel):
    """The job; of a dry run the folders that would be written, and what to know about them."""

    job: str | None = None
    folders: list[dict[str, Any]] | None = None
    notes: list[str] = Field(default_factory=list)


class FoundFrame(BaseModel):
    """A frame that a search found; similarity is the cosine."""

    frame_id: str
    source_id: str | None
    show: str | None
    season: int | None
    episode: int | None
    time_s: float | None
    similarity: float | None
    tags: list[str] | None


class Found(BaseModel):
    """Frames, best first."""

    frames: list[FoundFrame]


class FrameFacts(BaseModel):
    """Everything known of a frame, and who says so."""

    frame: dict[str, Any]
    source: dict[str, Any] | None
    tags: list[dict[str, Any]]
    faces: list[dict[str, Any]]
    heads: list[dict[str, Any]]
    persons: list[dict[str, Any]]
    halfbodies: list[dict[str, Any]]
    gate: str | None
    captions: dict[str, str | None]
    duplicates: list[dict[str, Any]]
    labels: list[dict[str, Any]]
    neighbours: dict[str, Any]
    provenance: dict[str, Any]


class Character(BaseModel):
    """A character, and a few of its surest faces."""

    name: str
    faces: int
    frames: int
    examples: int
    sample: list[dict[str, Any]]


class CharacterFacts(BaseModel):
    """One character: examples, faces, and where it is in each episode."""

    name: str
    examples: list[dict[str, Any]]
    faces: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    truncated: bool


class Groups(BaseModel):
    """Groups of near-duplicates; the frame that stays comes first."""

    groups: list[dict[str, Any]]
    total: int
    next: str | None


class Review(BaseModel):
    """Faces whose name a person should look at."""

    faces: list[dict[str, Any]]


class Status(BaseModel):
    """The database, and what this service allows."""

    name: str
    database: str
    version: str
    read_only: bool
    exports: bool
    sources: int
    running: int
    damaged: int
    frames: int
    faces: int
    tags: int
    characters: int
    duplicates: int
    labels: int
    models: list[str]

"""Request and response bodies of labels, tags and their history."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from animeds_db.web.bodies.answers import Id, Text

Tag = Annotated[Text, Field(min_length=1, max_length=500)]


class Word(BaseModel):
    """One label of a frame or a face."""

    model_config = ConfigDict(extra="forbid")

    field: Annotated[str, Field(max_length=40)]
    op: Annotated[str, Field(max_length=20)]
    value: Annotated[str | None, Field(max_length=500)] = None
    id: Id


class TagEditBody(BaseModel):
    """Tags to add and to remove, and to replace by others where they are."""

    model_config = ConfigDict(extra="forbid")

    add: Annotated[list[Tag], Field(max_length=1000)] = Field(default_factory=list)
    remove: Annotated[list[Tag], Field(max_length=1000)] = Field(default_factory=list)
    replace: Annotated[dict[Tag, Tag], Field(max_length=1000)] = Field(default_factory=dict)


class LabelBody(BaseModel):
    """Labels to write: `labels`; or field, op and value for the items in `ids` or in a `selection` (a query string).

    tags: instead of field, op and value; with `everywhere`, for all frames that have a tag to remove or replace.
    seen: the latest change set when the page was loaded. Later labels by others are not overwritten.
    """

    model_config = ConfigDict(extra="forbid")

    labels: Annotated[list[Word] | None, Field(max_length=100_000)] = None
    field: Annotated[str | None, Field(max_length=40)] = None
    op: Annotated[str | None, Field(max_length=20)] = None
    value: Annotated[str | None, Field(max_length=500)] = None
    tags: TagEditBody | None = None
    everywhere: bool = False
    ids: Annotated[list[Id] | None, Field(max_length=100_000)] = None
    selection: Annotated[str | None, Field(max_length=200_000)] = None
    seen: Annotated[str | None, Field(max_length=100)] = None
    who: Annotated[str | None, Field(max_length=100)] = None


class MaskBody(BaseModel):
    """A mask of all of a frame or box (`id`): a PNG in base64, white = in the part. null: remove what was drawn."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    part: Annotated[Text, Field(min_length=1, max_length=100)] = "character"
    png: Annotated[str | None, Field(max_length=4_000_000)] = None
    who: Annotated[str | None, Field(max_length=100)] = None


class ChosenBody(BaseModel):
    """Frames: their `ids`, or a `selection` (a query string)."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Id] | None, Field(max_length=100_000)] = None
    selection: Annotated[str | None, Field(max_length=200_000)] = None


class TagCount(BaseModel):
    """A tag, and how many of the chosen frames have it."""

    tag: str
    category: str | None
    n_frames: int


class TagCounts(BaseModel):
    """The number of chosen frames, and their tags, most frequent first."""

    n_frames: int
    tags: list[TagCount]


class UndoBody(BaseModel):
    """Change set to undo. Without `act`: the latest one that is not itself an undo."""

    model_config = ConfigDict(extra="forbid")

    act: Annotated[str | None, Field(max_length=100)] = None
    who: Annotated[str | None, Field(max_length=100)] = None


class Act(BaseModel):
    """A change set: id, number of labels, notes."""

    act: str
    n: int
    notes: list[str]


class PastAct(BaseModel):
    """One change set of the history. counts: it has not been undone."""

    act: str
    said_at: str
    who: str | None
    what: str | None
    n: int
    counts: bool
    n_gone: int


class History(BaseModel):
    """Change sets, newest first."""

    acts: list[PastAct]
    next: str | None

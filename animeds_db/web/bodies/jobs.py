"""Request and response bodies about jobs: what they do, where they read and write, and how far they are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from animeds_db.web.bodies.answers import Fault, Params, Text


class ExportBody(BaseModel):
    """A selection (a query string) to export to the folder `out`, with the options of `animeds export`."""

    model_config = ConfigDict(extra="forbid")

    selection: Annotated[str, Field(max_length=200_000)] = ""
    layout: Annotated[str, Field(max_length=40)] = "plain"
    out: Annotated[str, Field(max_length=80)] = ""
    options: Params = Field(default_factory=dict)
    dry_run: bool = False


class SavedRecipe(BaseModel):
    """A recipe in the folder for exports. error: why it cannot be read. notes: what it does not hold."""

    name: str
    folders: list[str]
    n_sources: int
    error: str | None = None
    text: str | None = None
    notes: list[str] = Field(default_factory=list)


class Choice(BaseModel):
    """A name that a form offers, and what it means."""

    name: str
    title: str


class IngestBody(BaseModel):
    """Files and folders of the service to ingest, below the folders of `--roots`.

    profile: a profile of models; sample: a sampling mode; by default those of the last ingest. show: the name of the
    show; by default it is read from the names of the files.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["ingest"]
    paths: Annotated[list[Annotated[Text, Field(max_length=4000)]], Field(min_length=1, max_length=100)]
    profile: Annotated[Text | None, Field(max_length=100)] = None
    sample: Annotated[Text | None, Field(max_length=100)] = None
    show: Annotated[Text | None, Field(max_length=200)] = None


class DedupBody(BaseModel):
    """Find near-duplicates. threshold: minimum cosine, 0…1; by default the model's own.

    preview: write nothing; the report has the effect of several thresholds, and pairs near each of them.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["dedup"]
    threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    preview: bool = False


class ClusterBody(BaseModel):
    """Group faces that look like one person. threshold: minimum mean cosine, 0…1. min_size: faces of a cluster."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["cluster"]
    threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    min_size: Annotated[int | None, Field(ge=1, le=100_000)] = None


class ClassifyBody(BaseModel):
    """Name all faces by the examples. threshold: minimum score, 0…1."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["classify"]
    threshold: Annotated[float | None, Field(ge=0, le=1)] = None


class MapBody(BaseModel):
    """Compute the map of the frames or faces. again: although one of the same frames is kept."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["map"]
    of: Literal["frames", "faces"] = "frames"
    again: bool = False


class StartedJob(BaseModel):
    """The id of a job. joined: an equal job was waiting or running already, and this is it."""

    job: str
    joined: bool


class JobState(BaseModel):
    """State of a job: waiting, running, done, failed, cancelled, or interrupted by the end of the service.

    done, total: finished items and all items; part: finished share of the current item, 0…1. `log` starts at line
    number log_from. created_at, ended_at: seconds since 1970. out: the folder of an export.
    """

    job: str
    kind: str
    title: str
    state: str
    out: str | None
    done: int
    total: int
    part: float
    step: str
    report: dict[str, Any] | None
    error: Fault | None
    log: list[str]
    log_from: int
    created_at: float
    ended_at: float | None


class Folder(BaseModel):
    """A folder of the service. parent: null at a root. videos, pictures, archives: files directly in it."""

    path: str
    parent: str | None
    folders: list[Choice]
    videos: int
    pictures: int
    archives: int
    truncated: bool


class Folders(BaseModel):
    """The folders that the page can ingest from, and the content of one of them."""

    roots: list[str]
    folder: Folder


class FolderBody(BaseModel):
    """A folder to create in the folder `path`."""

    model_config = ConfigDict(extra="forbid")

    path: Annotated[Text, Field(max_length=4000)]
    name: Annotated[Text, Field(max_length=200)]


class Uploaded(BaseModel):
    """An uploaded picture: its folder, and its name there. is_new: it was not there yet."""

    folder: str
    name: str
    is_new: bool


class ExportAnswer(BaseModel):
    """The started job; for a dry run, the folders that would be written, with notes, and some of the pictures.

    A picture has folder, frame_id, crop (left, top, right, bottom, each 0…1; null: the whole frame), caption, repeats.
    If there is an export of this name: also before (the caption there) and is_new (it does not have the picture).
    """

    job: str | None = None
    folders: list[dict[str, Any]] | None = None
    notes: list[str] = Field(default_factory=list)
    pictures: list[dict[str, Any]] | None = None
    joined: bool = False


class Choices(BaseModel):
    """The names that forms offer. clip_layouts: those of `layouts` that hold clips.

    profile, sample: those that an ingest uses if none is chosen.
    """

    layouts: list[Choice]
    clip_layouts: list[str]
    captions: list[str]
    crops: list[str]
    formats: list[str]
    profiles: list[str]
    profile: str
    sampling: list[str]
    sample: str

"""Request and response bodies about videos in time: timelines and clips."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from animeds_db.web.bodies.answers import Id, Params
from animeds_db.web.bodies.labels import Act


class Timeline(BaseModel):
    """What happens when in one video. Times are seconds from its start.

    shots, lines, chapters have first_s, end_s and frame_id (the frame to open; null: none), in order. characters have
    name and spans, one per shot.
    """

    source_id: str
    duration_s: float | None = None
    shots: list[dict[str, Any]] = Field(default_factory=list)
    characters: list[dict[str, Any]] = Field(default_factory=list)
    lines: list[dict[str, Any]] = Field(default_factory=list)
    chapters: list[dict[str, Any]] = Field(default_factory=list)


class Clip(BaseModel):
    """A clip, as in the view `clips`. shot_first_s, shot_end_s: limits of its shot, seconds in the video."""

    clip_id: str
    shot_id: str
    source_id: str
    show: str | None
    season: int | None
    episode: int | None
    shot: int
    first_s: float
    last_s: float
    seconds: float
    n_frames: int | None
    fps: float
    source_frames: int
    drawn_frames: int | None
    motion: str | None
    characters: list[str]
    line: str | None
    frame_id: str | None
    is_kept: bool
    shot_first_s: float
    shot_end_s: float


class ClipsPage(BaseModel):
    """One page of clips. truncated: more follow."""

    model_config = ConfigDict(populate_by_name=True)

    clips: list[Clip]
    start: int = Field(alias="from")
    truncated: bool


class ClipsCount(BaseModel):
    """Number of clips, and their seconds together."""

    count: int
    seconds: float


class ClipIds(BaseModel):
    """Ids of clips."""

    model_config = ConfigDict(extra="forbid")

    clips: Annotated[list[Id], Field(min_length=1, max_length=10_000)]


class ClipBody(BaseModel):
    """The id of a clip."""

    model_config = ConfigDict(extra="forbid")

    clip: Id


class TrimBody(ClipBody):
    """New times of the first and the last frame of a clip, seconds in the video; null: as before."""

    first_s: Annotated[float | None, Field(ge=0, le=1_000_000)] = None
    last_s: Annotated[float | None, Field(ge=0, le=1_000_000)] = None


class ClipAct(Act):
    """A change set that made a clip, and the id of the clip."""

    clip_id: str


class ClipExportBody(BaseModel):
    """Clips to export to the folder `out`: those of the filter in the URL, or these `clips` of it.

    options: as of an export of pictures, and fps, frames, max_frames, lossless, crf, sound, first_frame, dialogue,
    deinterlace; fps, frames and max_frames are otherwise those of the filter.
    """

    model_config = ConfigDict(extra="forbid")

    clips: Annotated[list[Id] | None, Field(max_length=1000)] = None
    layout: Annotated[str, Field(max_length=40)] = "plain"
    out: Annotated[str, Field(max_length=80)] = ""
    options: Params = Field(default_factory=dict)
    dry_run: bool = False


class ClipExportAnswer(BaseModel):
    """The started job; for a dry run the buckets, and the clips that are left out, at most a hundred of n_dropped.

    A bucket has width, height, frames, clips, seconds, cut_s (seconds that are not used). A clip that is left out has
    clip_id, seconds, frames (as many as would fit), why.
    """

    job: str | None = None
    buckets: list[dict[str, Any]] | None = None
    dropped: list[dict[str, Any]] = Field(default_factory=list)
    n_dropped: int = 0
    notes: list[str] = Field(default_factory=list)
    joined: bool = False

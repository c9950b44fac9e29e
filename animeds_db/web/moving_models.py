"""Response bodies about videos in time."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


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

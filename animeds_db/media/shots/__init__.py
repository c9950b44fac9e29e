"""Finds the shots of a video in one pass: hard cuts, fades and dissolves, how each shot is drawn, and what moves.

with Video(path) as video:
    for shot in find_shots(small_frames(video)):
        shot.first_pts, shot.last_pts, shot.drawn_frames, shot.motion
"""

from __future__ import annotations

from animeds_db.media.shots.finding import Shot, find_shots
from animeds_db.media.shots.small import SmallFrame, small_frame, small_frames

__all__ = ["Shot", "SmallFrame", "find_shots", "small_frame", "small_frames"]

"""Motion in a shot: positions of the camera and the people in each frame, and fades.

Everything is computed from the script alone; nothing is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from .drawing.look import Pose
from .story import Actor, Shot

Acting: TypeAlias = tuple[Pose, float]
"""An actor's pose, and their position in picture widths from the canvas' left edge."""

_MOUTH = (1, 0, 1, 1, 0, 1, 0, 0)
"""Open or shut, a twelfth of a second each times two: talk is animated on twos."""


@dataclass(frozen=True)
class Moment:
    """One frame of a shot: what its people do, the camera's left upper corner (pixels), the fade (0…1, 1: black)."""

    acting: tuple[Acting, ...]
    camera: tuple[int, int]
    fade: float


def moments(shot: Shot, size: tuple[int, int], fps: int) -> list[Moment]:
    """Return every frame of a shot for pictures of this size (width, height in pixels)."""
    count = round(shot.seconds * fps)
    return [
        Moment(
            tuple(_acting(shot, actor, i, fps) for actor in shot.actors),
            _camera(shot, i, count, size),
            _fade(shot, i, count, fps),
        )
        for i in range(count)
    ]


def canvas_size(shot: Shot, size: tuple[int, int]) -> tuple[int, int]:
    """Return the width and height in pixels of the canvas that the camera moves over."""
    return round(shot.wide * size[0]), round(shot.tall * size[1])


def _acting(shot: Shot, actor: Actor, i: int, fps: int) -> Acting:
    """Return an actor's pose and position at frame i, with blinks, mouth flaps and steps."""
    pose, x = actor.placed.pose, actor.placed.x
    if shot.still:
        return pose, x
    on_twos = max(1, fps // 6)
    shut = (i + actor.blink) % int(2.75 * fps) < on_twos
    open_mouth = actor.speaks and bool(_MOUTH[i // on_twos % len(_MOUTH)])
    step = i // on_twos * on_twos / fps
    changed = replace(pose, eyes_closed=pose.eyes_closed or shut, mouth_open=pose.mouth_open or open_mouth)
    return changed, x + actor.walk * step


def _camera(shot: Shot, i: int, count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the camera's left upper corner on the canvas at frame i, in pixels."""
    share = i / max(1, count - 1)
    share = share * share * (3 - 2 * share)  # eases in and out
    left, top = (a + (b - a) * share for a, b in zip(shot.start, shot.end, strict=True))
    canvas = canvas_size(shot, size)
    return (
        min(round(left * size[0]), canvas[0] - size[0]),
        min(round(top * size[1]), canvas[1] - size[1]),
    )


def _fade(shot: Shot, i: int, count: int, fps: int) -> float:
    length = max(2, fps // 2)
    fade = 0.0
    if shot.fade_in:
        fade = max(fade, 1 - i / length)
    if shot.fade_out:
        fade = max(fade, 1 - (count - 1 - i) / length)
    return fade

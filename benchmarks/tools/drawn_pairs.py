"""Which frames of a drawn series are the same, by construction: known from the script, not from the pictures.

Two frames are *the same* when the same people stand in the same place before the same camera, each within 1 %
of the picture's width, with the same look on their faces and the fade within 5 %: what may differ is a mouth
that talks, an eyelid, grain and coding. It does not matter whether they are of one shot or of one episode.
They are *different* when the place, the people, how large they are or which way they face differ, or the
camera or anybody moved by 10 % or more. What lies between (a step of a slow pan, half a fade, another mood on
the same face, another subtitle) counts for neither. Frames faded further than 80 % towards black are left
out: they all look the same, and are blank.

A *held pose* is what a trainer needs once: all frames of a shot, or of the same shot shown again in another episode,
wherever the camera or the people have moved meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from animeds_db.sample.cast import draw_cast
from animeds_db.sample.drawing.look import Pose
from animeds_db.sample.motion import Moment, moments
from animeds_db.sample.story import Actor, Shot, write_episode
from animeds_db.sample.truth import Truth

STILL, MOVED = 0.01, 0.10
"""Shares of the picture's width."""
FADED, DARK = 0.05, 0.8


@dataclass(frozen=True)
class Drawing:
    """One frame as the script orders it. `number` is the shot's, from 0 in each episode; `width` in pixels."""

    episode: int
    number: int
    shot: Shot
    moment: Moment
    width: int

    @property
    def dark(self) -> bool:
        """True if the picture is blank."""
        return self.moment.fade > DARK

    @cached_property
    def framing(self) -> tuple[object, ...]:
        """The place, the canvas, and who is how large and faces where: if it differs, so do the pictures."""
        people = tuple(_framed(actor) for actor in self.shot.actors)
        return (self.shot.background, self.shot.wide, self.shot.tall, people)

    @property
    def words(self) -> tuple[str | None, str | None]:
        """What stands written in the picture."""
        return (self.shot.subtitle, self.shot.title)

    @cached_property
    def poses(self) -> tuple[Pose, ...]:
        """Everybody's pose with talking and blinking left out."""
        poses = (actor.placed.pose for actor in self.shot.actors)
        return tuple(replace(pose, mouth_open=False, eyes_closed=False) for pose in poses)


def _framed(actor: Actor) -> tuple[object, ...]:
    placed = actor.placed
    return (placed.look, round(placed.height, 2), round(placed.y, 2), placed.pose.facing)


def drawings(truth: Truth, episode: int) -> list[Drawing]:
    """Return every frame of an episode."""
    fps = truth.episode(episode).fps
    script = write_episode(draw_cast(truth.seed, len(truth.characters)), truth.seed, episode)
    return [
        Drawing(episode, number, shot, moment, truth.width)
        for number, shot in enumerate(script.shots)
        for moment in moments(shot, (truth.width, truth.height), fps)
    ]


def same(a: Drawing, b: Drawing) -> bool | None:
    """Whether two frames are the same by construction; None for what lies between."""
    if a.framing != b.framing:
        return False
    moved = movement(a, b)
    if moved >= MOVED:
        return False
    faded = abs(a.moment.fade - b.moment.fade)
    alike = a.words == b.words and a.poses == b.poses
    return True if moved <= STILL and faded <= FADED and alike else None


def movement(a: Drawing, b: Drawing) -> float:
    """Return how far the camera or anybody moved between two frames of one framing, in picture widths."""
    camera = max(abs(p - q) for p, q in zip(a.moment.camera, b.moment.camera, strict=True)) / a.width
    people = [abs(x - y) for (_, x), (_, y) in zip(a.moment.acting, b.moment.acting, strict=True)]
    return max([camera, *people])

"""The script: an episode as a list of shots, generated from the show's seed before anything is drawn.

A shot is completely specified here; nothing is decided while drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .cast import Cast
from .drawing.background import Background
from .drawing.look import Look, Pose
from .scene import LINES, Placed, place

_MOODS = ("neutral", "smile", "smile", "open_mouth", "laugh", "frown", "surprised", "angry", "crying")
_SPEAKING_MOODS = ("neutral", "smile", "smile", "angry", "neutral")
_SCHOOL = ("classroom", "corridor", "classroom")
_OUT = ("park", "street", "beach", "forest")
_LATE = ("bedroom", "street", "park", "bedroom")


@dataclass(frozen=True)
class Actor:
    """A person in a shot: where they start, whether they speak or walk (picture widths per second)."""

    placed: Placed
    speaks: bool = False
    walk: float = 0.0
    blink: int = 0


@dataclass(frozen=True)
class Shot:
    """One shot. The canvas is (wide, tall) pictures large; the camera moves over it from `start` to `end`
    (in pictures). Fades are in frames. `still`: nothing moves."""

    segment: str
    background: Background
    seconds: float
    actors: tuple[Actor, ...] = ()
    wide: float = 1.0
    tall: float = 1.0
    start: tuple[float, float] = (0.0, 0.0)
    end: tuple[float, float] = (0.0, 0.0)
    fade_in: bool = False
    fade_out: bool = False
    still: bool = False
    subtitle: str | None = None
    title: str | None = None


@dataclass(frozen=True)
class Episode:
    """The script of one episode."""

    number: int
    shots: tuple[Shot, ...]
    letterbox: float
    subtitled: bool


def write_episode(cast: Cast, seed: int, number: int) -> Episode:
    """Return the script of an episode; of three, the second has subtitles and the third is letterboxed."""
    rng = np.random.default_rng([seed, 2, number])
    subtitled, letterboxed = number % 3 == 2, number % 3 == 0
    places = (_pick(rng, _SCHOOL), _pick(rng, _OUT), _pick(rng, _LATE))
    hours = ("day", _pick(rng, ("day", "sunset")), "night")
    shots = list(write_opening(cast, seed))
    for which, (where, hour) in enumerate(zip(places, hours, strict=True)):
        background = Background(where, hour, int(rng.integers(1 << 31)))
        shots += _Director(cast, rng, background, 0 if which == 0 else 1).scene(
            11.0 + 3.0 * float(rng.random())
        )
    shots += _ending(cast, rng)
    if subtitled:
        shots = [_with_line(shot, rng) for shot in shots]
    return Episode(number, tuple(shots), 0.125 if letterboxed else 0.0, subtitled)


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _with_line(shot: Shot, rng: np.random.Generator) -> Shot:
    if shot.segment != "body" or not any(actor.speaks for actor in shot.actors):
        return shot
    return replace(shot, subtitle=_pick(rng, LINES))


def write_opening(cast: Cast, seed: int) -> tuple[Shot, ...]:
    """Return the opening: the same six seconds in every episode."""
    rng = np.random.default_rng([seed, 3])
    sky = Background("sky", "day", int(rng.integers(1 << 31)))
    meadow = Background("park", "day", int(rng.integers(1 << 31)))
    count = len(cast.characters)
    wide = max(1.0, 0.3 * count)
    row = tuple(
        Actor(
            _stand(
                cast,
                c.looks[0],
                "cowboy_shot",
                wide * (i + 0.5) / count,
                Pose(expression="smile", arms="wave"),
                c.name,
            ),
            blink=5 * i,
        )
        for i, c in enumerate(cast.characters)
    )
    faces = [
        Shot(
            "opening",
            Background("plain", "day", int(rng.integers(1 << 31))),
            0.75,
            (Actor(_stand(cast, c.looks[1], "portrait", 0.5, Pose(facing, "smile", blush=True), c.name)),),
        )
        for c, facing in zip(cast.characters[:2], ("left", "right"), strict=False)
    ]
    return (
        Shot("opening", sky, 2.0, wide=1.3, start=(0.3, 0), title=cast.title, fade_in=True),
        Shot("opening", meadow, 6.0 - 2.0 - 0.75 * len(faces), row, wide=wide, end=(wide - 1.0, 0)),
        *faces,
    )


def _stand(
    cast: Cast, look: Look, crop: str, x: float, pose: Pose, name: str | None, top: float = 0.17
) -> Placed:
    return place(look, pose, cast.style, crop, x, name, top)


def _ending(cast: Cast, rng: np.random.Generator) -> list[Shot]:
    dusk = Background("sky", "sunset", int(rng.integers(1 << 31)))
    star = cast.characters[int(rng.integers(len(cast.characters)))]
    pose = Pose("left", "smile", eyes_closed=True)
    who = Actor(_stand(cast, star.looks[1], "upper_body", 0.6, pose, star.name))
    return [
        Shot("ending", dusk, 2.0, (who,), fade_in=True, wide=1.15, end=(0.15, 0)),
        Shot("ending", dusk, 2.0, title="To Be Continued", fade_out=True),
    ]


class _Director:
    """Writes the shots of one scene: one place, one time of day, one set of outfits."""

    def __init__(self, cast: Cast, rng: np.random.Generator, background: Background, outfit: int) -> None:
        self.cast = cast
        self.rng = rng
        self.background = background
        self.outfit = outfit
        self.turn = int(rng.integers(len(cast.characters)))
        self.next_extra = int(rng.integers(len(cast.extras)))
        self.kinds = (
            self.talk,
            self.talk,
            self.pair,
            self.pair,
            self.group,
            self.pan,
            self.rise,
            self.walk,
            self.back,
            self.hold,
            self.crowd,
        )

    def scene(self, seconds: float) -> list[Shot]:
        """Return shots of at least this length together, faded in and out."""
        shots = [self.establish()]
        order: list[int] = []
        while sum(shot.seconds for shot in shots) < seconds:
            order = order or [int(i) for i in self.rng.permutation(len(self.kinds))]
            shots.append(self.kinds[order.pop()]())
        shots[0] = replace(shots[0], fade_in=True)
        shots[-1] = replace(shots[-1], fade_out=True)
        return shots

    def establish(self) -> Shot:
        """A pan over the background without people."""
        return Shot("body", self.background, self._seconds(1.5, 2), wide=1.25, end=(0.25, 0))

    def talk(self) -> Shot:
        """One of the cast speaks."""
        crop = _pick(self.rng, ("upper_body", "portrait", "upper_body"))
        return self._shot(2, 3.2, (self._cast(crop, 0.35 + 0.3 * float(self.rng.random()), speaks=True),))

    def pair(self) -> Shot:
        """Two of the cast, one of them speaking."""
        first = self._cast("upper_body", 0.28, speaks=True, facing="right")
        second = self._cast("upper_body", 0.72, facing=_pick(self.rng, ("left", "front", "profile_left")))
        return self._shot(2, 3, (first, second))

    def group(self) -> Shot:
        """Two of the cast with an extra between them."""
        people = (
            self._cast("cowboy_shot", 0.2),
            self._extra("cowboy_shot", 0.5),
            self._cast("cowboy_shot", 0.8),
        )
        return self._shot(1.75, 2.75, people)

    def pan(self) -> Shot:
        """The camera pans along a row of people."""
        people = tuple(
            self._cast("cowboy_shot", 0.25 + 0.4 * i, facing="front") for i in range(min(4, self._count))
        )
        shot = self._shot(2.5, 3.5, people)
        return (
            replace(shot, wide=1.7, start=(0.7, 0), end=(0, 0))
            if self.rng.random() < 0.5
            else replace(shot, wide=1.7, end=(0.7, 0))
        )

    def rise(self) -> Shot:
        """The camera moves from the shoes up to the face."""
        actor = self._cast("cowboy_shot", 0.5, facing="front")
        return replace(self._shot(2.5, 3, (actor,)), tall=1.45, start=(0, 0.45), end=(0, 0))

    def walk(self) -> Shot:
        """A person walks past, seen from the side."""
        right = bool(self.rng.random() < 0.5)
        facing, x, speed = ("profile_right", 0.2, 0.24) if right else ("profile_left", 0.8, -0.24)
        return self._shot(2, 2.5, (replace(self._cast("full_body", x, facing=facing), walk=speed),))

    def back(self) -> Shot:
        """One of the cast from behind, listening to another."""
        away = self._cast("upper_body", 0.25, facing="behind")
        return self._shot(2, 2.75, (away, self._cast("upper_body", 0.7, speaks=True, facing="left")))

    def hold(self) -> Shot:
        """A still picture."""
        pose = Pose("front", "crying" if self.rng.random() < 0.3 else "surprised")
        return replace(self._shot(1.5, 2, (self._cast("portrait", 0.5, pose=pose),)), still=True)

    def crowd(self) -> Shot:
        """Extras only."""
        return self._shot(1.75, 2.25, (self._extra("cowboy_shot", 0.3), self._extra("cowboy_shot", 0.7)))

    @property
    def _count(self) -> int:
        return len(self.cast.characters)

    def _seconds(self, least: float, most: float) -> float:
        return round(float(self.rng.uniform(least, most)) * 4) / 4

    def _shot(self, least: float, most: float, actors: tuple[Actor, ...]) -> Shot:
        return Shot("body", self.background, self._seconds(least, most), actors)

    def _cast(
        self,
        crop: str,
        x: float,
        *,
        speaks: bool = False,
        facing: str | None = None,
        pose: Pose | None = None,
    ) -> Actor:
        """Return the next member of the cast, in turn."""
        character = self.cast.characters[self.turn % self._count]
        self.turn += 1
        return self._actor(
            character.looks[self.outfit], crop, x, character.name, speaks, pose or self._pose(speaks, facing)
        )

    def _extra(self, crop: str, x: float) -> Actor:
        self.next_extra += 1
        look = self.cast.extras[self.next_extra % len(self.cast.extras)]
        return self._actor(look, crop, x, None, False, self._pose(False, None))

    def _actor(self, look: Look, crop: str, x: float, name: str | None, speaks: bool, pose: Pose) -> Actor:
        placed = _stand(self.cast, look, crop, x, pose, name, 0.17 + (0 if look.gender == "boy" else 0.03))
        return Actor(placed, speaks=speaks, blink=int(self.rng.integers(100)))

    def _pose(self, speaks: bool, facing: str | None) -> Pose:
        mood = _pick(self.rng, _SPEAKING_MOODS if speaks else _MOODS)
        return Pose(
            facing=facing or _pick(self.rng, ("front", "front", "left", "right")),
            expression=mood,
            blush=bool(self.rng.random() < 0.15),
            arms=_pick(self.rng, ("down", "down", "down", "hip", "wave")),
            tilt=round(float(self.rng.normal(0, 3)), 1),
        )

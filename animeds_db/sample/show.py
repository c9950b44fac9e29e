"""Draws and encodes the episodes of the sample show, with the ground truth for every frame.

The same seed, sizes and encoder always give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from animeds_db.errors import UsageError

from .cast import MOST_CHARACTERS, Cast, draw_cast
from .drawing.background import draw_background
from .drawing.effects import Effects, apply_effects, bar_pixels
from .drawing.figure import Box, Figure, Sketch, seen_together, sketch
from .encode import Pixels, Writer
from .motion import Acting, Moment, canvas_size, moments
from .scene import scene_tags
from .stencils import Shapes, stencil, visible
from .story import Episode, Shot, write_episode
from .truth import EpisodeTruth, Person, Relative, State, Truth

__all__ = ["Truth", "draw_episode", "draw_show", "show_shapes"]

_SUPERSAMPLE = 2
_CHARACTERS = 4
_DARK = 0.8
"""Maximum fade (0…1, 1: black) at which people and tags still count as visible."""


def draw_show(
    folder: Path,
    *,
    episodes: int = 3,
    seed: int = 7,
    characters: int = _CHARACTERS,
    size: tuple[int, int] = (640, 360),
    fps: int = 12,
    progress: Callable[[str], None] | None = None,
) -> Truth:
    """Draw a show into a folder (made if missing): `Title - S01E01.mkv` … and truth.json.

    Another seed is another show with another title, style and cast. `size` is width and height in
    pixels, even numbers; `fps` a multiple of 4. `progress` is called with each finished file's name.
    Raises UsageError for invalid values.
    """
    _check(episodes, characters, size, fps)
    folder.mkdir(parents=True, exist_ok=True)
    cast = draw_cast(seed, characters)
    films = []
    for number in range(1, episodes + 1):
        films.append(_film(folder, write_episode(cast, seed, number), cast, size, fps))
        if progress:
            progress(films[-1].file)
    truth = Truth(cast.title, seed, size[0], size[1], cast.characters, tuple(films))
    truth.save(folder)
    return truth


def draw_episode(
    folder: Path,
    number: int,
    *,
    seed: int,
    size: tuple[int, int] = (640, 360),
    fps: int = 12,
    cast: Cast | None = None,
) -> EpisodeTruth:
    """Draw one episode (1 … 99) as `draw_show` draws it, but neither the others nor truth.json.

    `cast` replaces the people and the style of the seed's own show.
    """
    _check(number, _CHARACTERS, size, fps)
    cast = cast or draw_cast(seed, _CHARACTERS)
    return _film(folder, write_episode(cast, seed, number), cast, size, fps)


def show_shapes(truth: Truth, episode: int | str, frames: Sequence[int]) -> Iterator[Shapes]:
    """Yield the shapes of the people in these frames of a drawn show, in the order of `frames`.

    One array per frame: uint8 [people, height, width], 255 = visible, in step with the frame's `people` in `truth`.
    The frames are numbers from 0 and sorted. Raises UsageError for an unknown episode, and for frames that are not
    sorted or do not exist.
    """
    film = truth.episode(episode)
    if list(frames) != sorted(frames) or (frames and not 0 <= frames[0] <= frames[-1] < film.frames):
        raise UsageError(f"the frames must be sorted numbers between 0 and {film.frames - 1}")
    cast, size = draw_cast(truth.seed, len(truth.characters)), (truth.width, truth.height)
    script = write_episode(cast, truth.seed, film.number)
    first = 0
    for number, shot in enumerate(script.shots):
        studio = _Studio(cast, shot, number, script.letterbox, size, film.fps)
        yield from (studio.shapes(f - first) for f in frames if first <= f < first + len(studio.moments))
        first += len(studio.moments)


def _check(episodes: int, characters: int, size: tuple[int, int], fps: int) -> None:
    if not 1 <= episodes <= 99:
        raise UsageError(f"cannot draw {episodes} episodes", hint="give 1 to 99")
    if not 1 <= characters <= MOST_CHARACTERS:
        raise UsageError(f"cannot draw {characters} characters", hint=f"give 1 to {MOST_CHARACTERS}")
    if size[0] % 2 or size[1] % 2 or min(size) < 32:
        raise UsageError(
            f"cannot draw pictures of size {size[0]}x{size[1]}",
            hint="give even numbers of at least 32 pixels",
        )
    if fps < 4 or fps % 4:
        raise UsageError(
            f"cannot draw {fps} frames per second",
            hint="give a multiple of 4, because shots end at quarter seconds",
        )


def _film(folder: Path, episode: Episode, cast: Cast, size: tuple[int, int], fps: int) -> EpisodeTruth:
    """Encode one episode into a folder and return its ground truth."""
    path = folder / f"{cast.title} - S01E{episode.number:02d}.mkv"
    starts: list[int] = []
    states: list[State] = []
    count = 0
    part = path.with_suffix(".part")  # a half-drawn episode must not look like one
    with Writer(part, size, fps) as writer:
        for number, shot in enumerate(episode.shots):
            studio = _Studio(cast, shot, number, episode.letterbox, size, fps)
            for i, (pixels, state) in enumerate(studio.frames()):
                writer.write(pixels, cut=i == 0)
                if not states or state != states[-1]:
                    starts.append(count)
                    states.append(state)
                count += 1
    part.replace(path)
    return EpisodeTruth(
        number=episode.number,
        file=path.name,
        fps=fps,
        frames=count,
        letterboxed=episode.letterbox > 0,
        subtitled=episode.subtitled,
        starts=tuple(starts),
        states=tuple(states),
    )


@dataclass(frozen=True)
class _Cel:
    """A drawn canvas: the picture at output size, and the people in it."""

    image: Image.Image
    sketches: tuple[Sketch, ...]


class _Studio:
    """Draws the frames of one shot. Each distinct picture is drawn only once."""

    def __init__(
        self, cast: Cast, shot: Shot, number: int, letterbox: float, size: tuple[int, int], fps: int
    ) -> None:
        self.cast = cast
        self.shot = shot
        self.number = number
        self.size = size
        self.moments = moments(shot, size, fps)
        # The opening is the same in every episode, so bars come only after it.
        self.letterbox = 0.0 if shot.segment == "opening" else letterbox
        canvas = canvas_size(shot, size)
        big = (canvas[0] * _SUPERSAMPLE, canvas[1] * _SUPERSAMPLE)
        self.empty, self.place_tags = draw_background(shot.background, big)
        self.cels: dict[tuple[Acting, ...], _Cel] = {}

    def frames(self) -> Iterator[tuple[Pixels, State]]:
        """Yield every frame of the shot as uint8 [height, width, 3] RGB, with its ground truth."""
        last: Moment | None = None
        pixels: Pixels = np.zeros((0, 0, 3), np.uint8)
        state = State(0, "", (), ())
        for moment in self.moments:
            if moment != last:
                last = moment
                effects = self._effects(moment.fade)
                cel = self._cel(moment.acting)
                pixels = self._expose(cel, moment.camera, effects)
                state = self._state(cel, moment.camera, effects)
            yield pixels, state

    def shapes(self, number: int) -> Shapes:
        """Return the shapes of the people in the shot's frame `number`: uint8 [people, height, width]."""
        moment = self.moments[number]
        width, height = self.size[0] * _SUPERSAMPLE, self.size[1] * _SUPERSAMPLE
        canvas = canvas_size(self.shot, self.size)
        drawn = [
            stencil(
                (canvas[0] * _SUPERSAMPLE, canvas[1] * _SUPERSAMPLE),
                actor.placed.look,
                pose,
                self.cast.style,
                x * width,
                actor.placed.y * height,
                actor.placed.height * height,
            )
            for actor, (pose, x) in zip(self.shot.actors, moment.acting, strict=True)
        ]
        window = self._window(moment.camera)
        figures = seen_together([figure for _, figure in drawn], window)
        shown = [n for n, figure in enumerate(figures) if figure.person and moment.fade <= _DARK]
        left, top = moment.camera
        shapes = visible([alone for alone, _ in drawn], canvas, _SUPERSAMPLE)[shown]
        shapes = shapes[:, top : top + self.size[1], left : left + self.size[0]]
        bar = bar_pixels(self.letterbox, self.size[1])
        shapes[:, :bar] = 0
        shapes[:, self.size[1] - bar :] = 0
        return shapes

    def _effects(self, fade: float) -> Effects:
        return Effects(self.letterbox, self.shot.subtitle, self.shot.title if fade < 0.5 else None, fade=fade)

    def _cel(self, acting: tuple[Acting, ...]) -> _Cel:
        if acting not in self.cels:
            self.cels[acting] = self._draw(acting)
        return self.cels[acting]

    def _draw(self, acting: tuple[Acting, ...]) -> _Cel:
        canvas = self.empty.copy()
        width, height = self.size[0] * _SUPERSAMPLE, self.size[1] * _SUPERSAMPLE
        sketches = tuple(
            sketch(
                canvas,
                actor.placed.look,
                pose,
                self.cast.style,
                x * width,
                actor.placed.y * height,
                actor.placed.height * height,
            )
            for actor, (pose, x) in zip(self.shot.actors, acting, strict=True)
        )
        return _Cel(canvas.reduce(_SUPERSAMPLE), sketches)

    def _expose(self, cel: _Cel, camera: tuple[int, int], effects: Effects) -> Pixels:
        left, top = camera
        view = cel.image.crop((left, top, left + self.size[0], top + self.size[1]))
        return np.asarray(apply_effects(view, effects))

    def _state(self, cel: _Cel, camera: tuple[int, int], effects: Effects) -> State:
        if effects.fade > _DARK:
            return State(self.number, self.shot.segment, ("general", "no_humans"), ())
        window = self._window(camera)
        figures = seen_together(cel.sketches, window)
        people = tuple(
            self._person(actor.placed.name, figure, camera)
            for actor, figure in zip(self.shot.actors, figures, strict=True)
            if figure.person
        )
        tags = scene_tags(self.place_tags, figures, effects)
        return State(self.number, self.shot.segment, tuple(sorted(tags)), people)

    def _window(self, camera: tuple[int, int]) -> Box:
        left, top = camera[0] * _SUPERSAMPLE, camera[1] * _SUPERSAMPLE
        width, height = self.size[0] * _SUPERSAMPLE, self.size[1] * _SUPERSAMPLE
        bar = bar_pixels(self.letterbox, self.size[1]) * _SUPERSAMPLE
        return (float(left), float(top + bar), float(left + width), float(top + height - bar))

    def _person(self, name: str | None, figure: Figure, camera: tuple[int, int]) -> Person:
        def relative(box: Box | None) -> Relative | None:
            if box is None:
                return None
            x0, y0, x1, y1 = (v / _SUPERSAMPLE for v in box)
            width, height = self.size
            return (
                round((x0 - camera[0]) / width, 4),
                round((y0 - camera[1]) / height, 4),
                round((x1 - camera[0]) / width, 4),
                round((y1 - camera[1]) / height, 4),
            )

        return Person(
            name=name,
            face=relative(figure.face),
            head=relative(figure.head),
            halfbody=relative(figure.halfbody),
            person=relative(figure.person),
            tags=tuple(sorted(figure.tags)),
        )

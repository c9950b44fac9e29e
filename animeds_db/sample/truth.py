"""The ground truth of a drawn show: per frame the shot, the people with their boxes and names, and the tags.

It describes the pictures as they were encoded, so it is a fair basis for scores.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from animeds_db.errors import SourceError, UsageError

from .drawing.look import Look

FILE_NAME = "truth.json"
Relative: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in shares of the picture, origin top left."""


@dataclass(frozen=True)
class Character:
    """A named member of the cast; `looks` are the same person in different outfits."""

    name: str
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class Person:
    """A person in a frame. `name` is None for extras; a box is None if that part is not visible."""

    name: str | None
    face: Relative | None
    head: Relative | None
    halfbody: Relative | None
    person: Relative | None
    tags: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """The content of a frame. `segment` is opening, body or ending; shots count from 0 in each episode."""

    shot: int
    segment: str
    tags: tuple[str, ...]
    people: tuple[Person, ...]


@dataclass(frozen=True)
class EpisodeTruth:
    """One episode. Frame `starts[i]` is the first to show `states[i]`; frame n is at n / fps seconds."""

    number: int
    file: str
    fps: int
    frames: int
    letterboxed: bool
    subtitled: bool
    starts: tuple[int, ...]
    states: tuple[State, ...]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.fps

    @property
    def cuts(self) -> tuple[int, ...]:
        """The first frame of every shot, frame 0 included."""
        firsts: dict[int, int] = {}
        for start, state in zip(self.starts, self.states, strict=True):
            firsts.setdefault(state.shot, start)
        return tuple(firsts.values())

    def frame(self, index: int) -> State:
        """Return the content of frame `index`. Raises IndexError outside the episode."""
        if not 0 <= index < self.frames:
            raise IndexError(f"{self.file} has frames 0 … {self.frames - 1}, not {index}")
        return self.states[bisect_right(self.starts, index) - 1]


@dataclass(frozen=True)
class Truth:
    """The ground truth of a whole show."""

    show: str
    seed: int
    width: int
    height: int
    characters: tuple[Character, ...]
    episodes: tuple[EpisodeTruth, ...]

    def episode(self, which: int | str) -> EpisodeTruth:
        """Return an episode by number (from 1) or by file name. Raises UsageError if it does not exist."""
        for episode in self.episodes:
            if which in (episode.number, episode.file):
                return episode
        raise UsageError(
            f"{self.show} has no episode {which!r}", hint=f"it has episodes 1 to {len(self.episodes)}"
        )

    def at(self, episode: int | str, time_s: float) -> State:
        """Return what is on screen `time_s` seconds into an episode (number or file name).

        Containers round times to milliseconds, so a time up to 2 % of a frame early still counts as
        that frame's. Times past the end give the last frame.
        """
        found = self.episode(episode)
        index = int(time_s * found.fps + 0.02)
        return found.frame(min(max(index, 0), found.frames - 1))

    def to_json(self) -> str:
        """Return the ground truth as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Truth:
        """Return the ground truth from the text of `to_json`. Raises SourceError if it is something else."""
        try:
            data = json.loads(text)
            characters = tuple(
                Character(c["name"], tuple(Look(**look) for look in c["looks"]))
                for c in data.pop("characters")
            )
            episodes = tuple(_episode(e) for e in data.pop("episodes"))
            return cls(characters=characters, episodes=episodes, **data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"not the ground truth of a drawn show: {error}", hint="run `animeds sample` again"
            ) from error

    def save(self, folder: Path) -> Path:
        """Write truth.json into the folder and return its path."""
        path = folder / FILE_NAME
        path.write_text(self.to_json() + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, folder: Path) -> Truth:
        """Read truth.json from a folder of `animeds sample`. Raises SourceError if it does not exist."""
        path = folder / FILE_NAME
        if not path.is_file():
            raise SourceError(
                f"{folder} contains no {FILE_NAME}", hint="draw a show there with `animeds sample`"
            )
        return cls.from_json(path.read_text(encoding="utf-8"))


def _episode(data: dict[str, Any]) -> EpisodeTruth:
    states = tuple(
        State(
            shot=s["shot"],
            segment=s["segment"],
            tags=tuple(s["tags"]),
            people=tuple(_person(p) for p in s["people"]),
        )
        for s in data.pop("states")
    )
    return EpisodeTruth(starts=tuple(data.pop("starts")), states=states, **data)


def _person(data: dict[str, Any]) -> Person:
    boxes = {
        kind: tuple(data[kind]) if data[kind] is not None else None
        for kind in ("face", "head", "halfbody", "person")
    }
    return Person(name=data["name"], tags=tuple(data["tags"]), **boxes)

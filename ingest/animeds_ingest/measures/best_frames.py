"""Chooses the best frames of each shot: sharp drawings that stand still, away from cuts and from movement.

The shots are those of `animeds shots`. A drawing is shown by the middle frame of the time for which it stands, where
coding has repaired what a change has blurred. Drawings that stand for one frame only are often blurred on purpose, so
they are taken only if there are no others.

A video is decoded twice: once to find shots and drawings at a small size, once to compare the best of them in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from animeds_db.media import Frame, Video, VideoFrame
from animeds_db.media.shots import SmallFrame, find_shots, small_frame, small_frames
from animeds_db.media.shots.finding import new_drawings
from animeds_db.media.shots.movement import changed_cells
from animeds_ingest.measures.frame import sharpness_of
from animeds_ingest.measures.views import grey

COMPARED = 3
"""Maximum number of drawings that are compared at full size for one chosen frame."""

OTHER_CELLS = 200
"""Minimum number of changed cells (of 20,736) between two frames of a shot: one per cent, more than a mouth."""

BLANK = 5.0
"""Standard deviation of the small luma (8-bit levels) below which a frame shows nothing."""


@dataclass(frozen=True)
class _Seen:
    """One frame at the small size: how much it differs from the one before, and how sharp it is."""

    pts: int
    cells: int
    sharpness: float
    is_blank: bool


@dataclass(frozen=True)
class _Choice:
    """The frames that are compared for one frame to choose, and the shot they are of."""

    shot: int
    pts: tuple[int, ...]


def best_frames(
    video: Video, per_shot: int = 1, start: float | None = None, end: float | None = None
) -> Iterator[Frame]:
    """Yield up to `per_shot` frames of every shot, in order of time.

    start, end: seconds, inclusive; a shot is what lies between them. A shot is divided into `per_shot` parts of equal
    length, and each gives its sharpest drawing, unless it hardly differs from that of the part before. Shots without a
    frame that shows anything give none.
    """
    shot = -1
    last: np.ndarray | None = None
    for choice, frame in _sharpest(video, list(_choices(video, per_shot, start, end)), start, end):
        luma = small_frame(frame).luma
        if last is not None and choice.shot == shot and changed_cells(last, luma) < OTHER_CELLS:
            continue
        shot, last = choice.shot, luma
        yield frame


def _sharpest(
    video: Video, choices: Sequence[_Choice], start: float | None, end: float | None
) -> Iterator[tuple[_Choice, VideoFrame]]:
    """Yield the sharpest frame of each choice."""
    choice_of = {pts: choice for choice in choices for pts in choice.pts}
    best: tuple[_Choice, VideoFrame] | None = None
    sharpest = -1.0
    for frame in video.frames(start, end):
        choice = choice_of.get(frame.pts)
        if choice is None:
            continue
        if best is not None and best[0] is not choice:
            yield best
            sharpest = -1.0
        sharpness = sharpness_of(grey(frame))
        if sharpness > sharpest:
            best, sharpest = (choice, frame), sharpness
    if best is not None:
        yield best


def _choices(video: Video, per_shot: int, start: float | None, end: float | None) -> Iterator[_Choice]:
    """Yield, in order of time, the frames among which each frame is chosen."""
    held: list[_Seen] = []
    with Video(
        video.path, video.info.stream, video.hardware
    ) as same:  # the other pass notes what is wrong with the file
        for shot in find_shots(_remembered(small_frames(same, start, end), held)):
            for pts in candidates(held[: shot.n_frames], per_shot):
                yield _Choice(shot.number, tuple(pts))
            del held[: shot.n_frames]


def _remembered(frames: Iterator[SmallFrame], held: list[_Seen]) -> Iterator[SmallFrame]:
    last: np.ndarray | None = None
    for frame in frames:
        cells = 0 if last is None else changed_cells(last, frame.luma)
        last = frame.luma
        held.append(_Seen(frame.pts, cells, sharpness_of(last), float(last[::4, ::4].std()) < BLANK))
        yield frame


def candidates(shot: Sequence[_Seen], per_shot: int) -> Iterator[list[int]]:
    """Yield, for each of up to `per_shot` parts of a shot, the pts of its COMPARED best drawings, sharpest first."""
    is_new = new_drawings(np.array([frame.cells for frame in shot]))
    firsts = np.flatnonzero(is_new)
    lengths = np.diff(np.append(firsts, len(shot)))
    middles = firsts + (lengths - 1) // 2
    part = middles * per_shot // len(shot)
    for number in range(per_shot):
        drawings = [
            (length > 1, shot[middle].sharpness, shot[middle].pts)
            for length, middle in zip(lengths[part == number], middles[part == number], strict=True)
            if not shot[middle].is_blank
        ]
        stands = any(is_held for is_held, *_ in drawings)
        ranked = sorted((d for d in drawings if d[0] or not stands), reverse=True)
        if ranked:
            yield [pts for *_, pts in ranked[:COMPARED]]

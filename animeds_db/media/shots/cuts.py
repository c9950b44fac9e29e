"""Finds where shots begin: hard cuts, fades through black or white, and dissolves. Flashes are not cuts.

Every decision looks at most CONTEXT frames ahead and back, so a video is decided stretch by stretch, with the same
result as at once. Frame counts are for about 24 frames per second.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from animeds_db.media.shots.likeness import (
    blank,
    changed_share,
    colours_differ,
    contrast,
    light_agrees,
    outlines_agree,
    unexplained,
)

CONTEXT = 72
"""Frames on each side that a decision may depend on."""

STRETCH = 480
"""Frames that are decided together: 20 s, whose coarse pictures take 2 MB."""

LEAST_CHANGE = 0.12
"""Minimum share of the picture that changes in a cut: in a limited drawn dialogue, only the speaker is replaced."""

OTHER_OUTLINES = 0.75
"""Correlation of outlines from which two pictures are of one shot, whatever their light."""

OTHER_COLOURS = 0.06
"""Minimum distance of the colour histograms for a cut that leaves most of the picture as it was."""

SAME_LIGHT = 0.85
"""Correlation of luma from which a faint picture is a fade of another one."""

STRONG = 0.5
"""Share that nothing explains, and correlation of outlines below it, of a cut that is beyond doubt."""

NEAR, WIDE = 4, 8
"""Frames around a change with which it is compared: a cut stands out, a movement has movements beside it."""

STANDS_OUT = 1.4
"""Minimum ratio of a cut to the greatest change within WIDE frames on both sides."""

BEYOND_DOUBT = 2.0
"""Minimum ratio of a strong cut to the greatest change within NEAR frames on its quieter side."""

FLASH = 8
"""Maximum frames of a flash: if the picture from before is there again, nothing was cut."""

LONG_BLANK = 24
"""Frames of black or white that are a shot of their own. Shorter ones are divided between their neighbours."""

FADE = 12
"""Frames beside a blank in which the full picture is looked for."""

DISSOLVES = (8, 16, 32)
"""Lengths in frames at which dissolves are looked for."""

LEAST_FAR = 0.25
"""Minimum share of the picture that differs between the ends of a dissolve, movement included."""

DISSOLVED = 0.2
"""Minimum share of the picture that a dissolve changes."""

NOT_A_FADE = 0.35
"""Minimum contrast of the fainter end of a dissolve, as a share of the other end's: below it, it is a fade."""

ON_THE_LINE = 0.25
"""Maximum distance of a dissolve's pictures from the mixture of its ends, in distances between these ends."""


LONGEST_STEP = 0.3
"""Maximum share of a dissolve between two frames: a drawing between two others is no dissolve."""


class CutFinder:
    """Takes the coarse pictures of a video one by one and returns the first frames of shots, some seconds later."""

    def __init__(self) -> None:
        self._held: list[np.ndarray] = []
        self._first = 0
        self._decided = 1

    def add(self, picture: np.ndarray) -> list[int]:
        """Add the next frame. Return the shots' first frames that are certain now, counted from 0."""
        self._held.append(picture)
        ready = self._first + len(self._held) - CONTEXT
        return self._decide(ready) if ready - self._decided >= STRETCH else []

    def end(self) -> list[int]:
        """Return the remaining first frames, after the last frame of the video."""
        return self._decide(self._first + len(self._held))

    def _decide(self, until: int) -> list[int]:
        if not self._held:
            return []
        found = starts(np.stack(self._held)) + self._first
        now = [int(t) for t in found if self._decided <= t < until]
        keep = max(self._first, until - CONTEXT)
        del self._held[: keep - self._first]
        self._first, self._decided = keep, until
        return now


def starts(pictures: np.ndarray) -> np.ndarray:
    """Return the first frame of every shot but the first, sorted int64, of coarse pictures uint8 [n, 3, 27, 48]."""
    if len(pictures) < 2:
        return np.empty(0, np.int64)
    share = np.concatenate([[0], changed_share(pictures[:-1], pictures[1:])])
    is_blank = blank(pictures)
    hard = set(_hard(pictures, share, is_blank))
    faded = set(_through_blank(pictures, is_blank))
    soft = _dissolves(pictures, is_blank, sorted(hard | faded))
    return np.array(sorted(hard | faded | set(soft)), np.int64)


def _hard(pictures: np.ndarray, share: np.ndarray, is_blank: np.ndarray) -> Iterator[int]:
    """Yield the hard cuts between frames that show something, without flashes."""
    until = 0
    for t in np.flatnonzero(share >= LEAST_CHANGE).tolist():
        if is_blank[t] or is_blank[t - 1] or not _is_cut(pictures, share, t):
            continue
        back = _returns(pictures, share, t)
        if t >= until and back is None:
            yield t
        until = max(until, t + back + 1 if back else 0)


def _is_cut(pictures: np.ndarray, share: np.ndarray, t: int) -> bool:
    outstanding = share[t] / max(_most(share, t, WIDE, max), 0.01)
    one_sided = share[t] / max(_most(share, t, NEAR, min), 0.01)
    if outstanding < STANDS_OUT and one_sided < BEYOND_DOUBT:
        return False
    before, after = pictures[t - 1], pictures[t]
    outlines = outlines_agree(before, after)
    if outlines >= OTHER_OUTLINES:
        return False
    new = unexplained(before, after)
    if one_sided >= BEYOND_DOUBT and new >= STRONG > outlines:
        return True
    is_other = new >= LEAST_CHANGE and colours_differ(before, after) >= OTHER_COLOURS
    return bool(outstanding >= STANDS_OUT and is_other)


def _most(share: np.ndarray, t: int, reach: int, of: object) -> float:
    """Return the greatest change within `reach` frames: on the side where it is greater (max) or smaller (min)."""
    sides = share[max(0, t - reach) : t].max(initial=0), share[t + 1 : t + 1 + reach].max(initial=0)
    return float(max(sides) if of is max else min(sides))


def _returns(pictures: np.ndarray, share: np.ndarray, t: int) -> int | None:
    """Return the number of frames after `t` at which the picture from before is there again, or None."""
    later = pictures[t + 1 : t + 1 + FLASH]
    if not len(later):
        return None
    apart = changed_share(np.broadcast_to(pictures[t - 1], later.shape), later)
    nearest = int(apart.argmin())
    if apart[nearest] >= share[t]:
        return None
    alike = apart[nearest] < LEAST_CHANGE or unexplained(pictures[t - 1], later[nearest]) < LEAST_CHANGE
    return nearest + 1 if alike else None


def _through_blank(pictures: np.ndarray, is_blank: np.ndarray) -> Iterator[int]:
    """Yield the cuts at runs of black or white frames."""
    strength = contrast(pictures)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_blank, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2):
        if end - start >= LONG_BLANK:
            yield from (int(t) for t in (start, end) if 0 < t < len(pictures))
        elif start > 0 and end < len(pictures):
            before = max(0, start - FADE) + int(strength[max(0, start - FADE) : start].argmax())
            after = end + int(strength[end : end + FADE].argmax())
            if not _same(pictures[before], pictures[after]):
                sudden = strength[start - 1] > 0.6 * strength[before], strength[end] > 0.6 * strength[after]
                yield int({(True, False): start, (False, True): end}.get(sudden, (start + end) // 2))


def _same(one: np.ndarray, other: np.ndarray, least: float = LEAST_CHANGE) -> bool:
    """Return True if two pictures may be of one shot: before and after a fade, or more and less of a fade."""
    if outlines_agree(one, other) >= OTHER_OUTLINES or light_agrees(one, other) >= SAME_LIGHT:
        return True
    return unexplained(one, other) < least


def _dissolves(pictures: np.ndarray, is_blank: np.ndarray, known: list[int]) -> Iterator[int]:
    """Yield the middles of dissolves: every picture is a mixture of the first and the last one."""
    strength = contrast(pictures)
    found: list[tuple[float, int]] = []
    taken = np.concatenate([[-CONTEXT], known, [len(pictures) + CONTEXT]])
    for length in DISSOLVES:
        firsts = np.arange(0, len(pictures) - length, length // 4)
        if not len(firsts):
            continue
        far = changed_share(pictures[firsts], pictures[firsts + length])
        faint, strong = np.sort([strength[firsts], strength[firsts + length]], axis=0)
        for first in firsts[(far >= LEAST_FAR) & (faint > NOT_A_FADE * strong)].tolist():
            last = first + length
            next_cut = taken[np.searchsorted(taken, first, side="right")]
            if next_cut <= last or is_blank[first : last + 1].any():
                continue
            mixed = _mixture(pictures[first : last + 1])
            if mixed is not None and not _same(pictures[first], pictures[last], DISSOLVED):
                found.append((mixed[0], first + mixed[1]))
    chosen: list[int] = []
    for _, t in sorted(found, reverse=True):  # the window with the greatest change holds the whole dissolve
        if all(abs(t - other) > DISSOLVES[1] for other in chosen):
            chosen.append(t)
    yield from chosen


def _mixture(run: np.ndarray) -> tuple[float, int] | None:
    """Return how much changes in a dissolve, in levels, and where its pictures are half of each end.

    None if the pictures are not mixtures of the first and the last one.
    """
    flat = run.reshape(len(run), -1).astype(np.float32)
    way = flat[-1] - flat[0]
    length = float(way @ way)
    moved = flat - flat[0]
    part = moved @ way / length
    inside = (part > 0.1) & (part < 0.9)
    steps = np.diff(part)
    if inside.sum() < 3 or steps.min() < -0.1 or steps.max() > LONGEST_STEP:
        return None
    off = np.sqrt(((moved[inside] - part[inside, None] * way) ** 2).sum(axis=1) / length)
    if off.max() > ON_THE_LINE:
        return None
    return float(np.sqrt(length)), int(np.argmax(part >= 0.5))

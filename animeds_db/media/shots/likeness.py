"""Tells whether two coarse pictures can be of the same shot: by what moved, by outlines, and by colours.

A coarse picture is uint8 [3, 27, 48]: luma, Cb, Cr (see `SmallFrame.coarse`).
"""

from __future__ import annotations

import numpy as np

REACH = 3
"""Coarse cells that a part of the picture may move between two frames: a sixteenth of the width."""

BLOCK = 3
"""Side of the blocks that are searched in the other picture, in coarse cells. 27 and 48 are multiples."""

NOTICED = 10
"""Levels (of 255) by which a cell must differ to count as changed: more than coding and grain change it."""

BLANK = 5.0
"""Standard deviation of luma below which a picture shows nothing."""


def changed_share(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the share (0…1) of cells that differ, of each pair of pictures [n, 3, 27, 48]: float32 [n]."""
    changed = np.maximum(before, after) - np.minimum(before, after) > NOTICED
    count = np.logical_or.reduce(changed, axis=1).reshape(len(changed), -1).sum(axis=1, dtype=np.int32)
    shares: np.ndarray = count.astype(np.float32) / (before.shape[-1] * before.shape[-2])
    return shares


def blank(pictures: np.ndarray) -> np.ndarray:
    """Return which of the pictures [n, 3, 27, 48] show nothing, bool [n]."""
    return contrast(pictures) < BLANK


def contrast(pictures: np.ndarray) -> np.ndarray:
    """Return the standard deviation of luma of each picture, float32 [n]."""
    luma = pictures[:, 0].reshape(len(pictures), -1)
    return np.asarray(luma.std(axis=1, dtype=np.float32))


def unexplained(before: np.ndarray, after: np.ndarray) -> float:
    """Return the share (0…1) of one picture whose blocks are nowhere near in the other, in the worse direction.

    Movement does not count up to REACH, and neither does a change of light that is the same everywhere.
    """
    plain = max(_not_found(before, after), _not_found(after, before))
    if plain < NOTICED / 255:
        return plain
    lit = _in_the_light_of(before, after)
    return min(plain, max(_not_found(lit, after), _not_found(after, lit)))


def outlines_agree(before: np.ndarray, after: np.ndarray) -> float:
    """Return the correlation (-1…1) of the outlines at the shift at which it is greatest."""
    return _best_correlation(_outlines(before), _outlines(after))


def light_agrees(before: np.ndarray, after: np.ndarray) -> float:
    """Return the correlation (-1…1) of luma at the shift at which it is greatest: 1 for a picture and its fade."""
    return _best_correlation(before[0].astype(np.float32), after[0].astype(np.float32))


def colours_differ(before: np.ndarray, after: np.ndarray) -> float:
    """Return half the sum of absolute differences of the colour histograms, 0 (same) … 1 (nothing in common)."""
    return float(np.abs(_colours(before) - _colours(after)).sum()) / 2


def _not_found(here: np.ndarray, there: np.ndarray) -> float:
    """Return the share of blocks of `there` that differ from every block within REACH in `here`."""
    _, high, wide = here.shape
    padded = np.pad(here.astype(np.int16), ((0, 0), (REACH, REACH), (REACH, REACH)), constant_values=-500)
    wanted = there.astype(np.int16)
    least = np.full((high // BLOCK, wide // BLOCK), np.iinfo(np.int16).max, np.int16)
    for down in range(2 * REACH + 1):
        for right in range(2 * REACH + 1):
            apart = np.abs(padded[:, down : down + high, right : right + wide] - wanted).max(axis=0)
            rows = sum(apart[i::BLOCK] for i in range(BLOCK))
            np.minimum(least, sum(rows[:, i::BLOCK] for i in range(BLOCK)), out=least)
    return float((least > NOTICED * BLOCK * BLOCK).mean())


def _in_the_light_of(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the first picture with the brightness and contrast of the second, by regression of each channel."""
    p, q = before.astype(np.float32), after.astype(np.float32)
    p_mean, q_mean = p.mean(axis=(1, 2), keepdims=True), q.mean(axis=(1, 2), keepdims=True)
    slope = ((p - p_mean) * (q - q_mean)).mean(axis=(1, 2), keepdims=True)
    slope /= np.maximum(p.var(axis=(1, 2), keepdims=True), 1)
    # Luma keeps some contrast: a picture without any would be found everywhere in a dull one.
    slope = np.clip(slope, np.array([0.25, 0, 0], np.float32).reshape(3, 1, 1), 4)
    lit: np.ndarray = np.clip((p - p_mean) * slope + q_mean, 0, 255)
    return lit


def _outlines(picture: np.ndarray) -> np.ndarray:
    """Return the strength of the outlines: the root of the gradient of luma, float32 [26, 47]."""
    luma = picture[0].astype(np.float32)
    strength: np.ndarray = np.sqrt(np.hypot(np.diff(luma, axis=1)[1:], np.diff(luma, axis=0)[:, 1:]))
    return strength


def _best_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the greatest correlation of two planes over all shifts. Parts that do not overlap count as 0."""
    size = (2 * one.shape[0], 2 * one.shape[1])
    spectra = []
    for plane in (one, other):
        centred = plane - plane.mean()
        norm = float(np.sqrt((centred * centred).sum()))
        spectra.append(np.fft.rfft2(centred / max(norm, 1e-6), size))
    return float(np.fft.irfft2(spectra[0] * np.conj(spectra[1]), size).max())


def _colours(picture: np.ndarray) -> np.ndarray:
    """Return float64 [512], sum 1: the shares of 8 levels of luma with 8 of Cb and Cr around grey."""
    luma = picture[0].astype(np.intp) // 32
    blue, red = (np.clip(picture[k].astype(np.intp) // 8 - 12, 0, 7) for k in (1, 2))
    shares: np.ndarray = np.bincount((luma * 64 + blue * 8 + red).ravel(), minlength=512) / luma.size
    return shares

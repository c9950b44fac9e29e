"""Which drawing each moment of a clip shows, and how a crop moves, over small numbers."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from videos import shared_clip

from animeds_db.export.clips.feeds import Budget, Feed, StoppedError
from animeds_db.export.clips.following import crop_at, followed
from animeds_db.media import Video, VideoFrame
from animeds_db.media.clips.drawings import choose

CROP = (0.2, 0.1, 0.6, 0.9)


def shown(starts: list[int], moments: int, fps: float, source: float = 24) -> list[int]:
    """Return the drawings of the moments, for drawings that begin at these frames of a source."""
    begins = np.array(starts) / source
    ends = np.append(begins[1:], np.inf)
    return choose(begins, ends, [n / fps for n in range(moments)], 0.5 / fps)


def test_drawings_on_ones_are_thinned_evenly() -> None:
    assert shown(list(range(24)), 16, 16) == [0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22]


def test_drawings_that_come_slower_than_the_moments_stay_as_long_as_in_the_source() -> None:
    assert shown(list(range(0, 24, 3)), 16, 16) == [n // 2 for n in range(16)]
    assert shown([0], 5, 16) == [0] * 5
    assert shown(list(range(0, 24, 2)), 24, 24) == [n // 2 for n in range(24)]


@pytest.mark.parametrize("starts", [[0, 2, 3, 5, 6, 8, 9, 11], [0, 1, 3, 4, 6, 7, 9, 10]])
def test_uneven_drawings_as_many_as_moments_are_each_shown_once(starts: list[int]) -> None:
    assert shown(starts, 8, 16) == list(range(8))


def test_repeated_frames_of_a_conversion_to_30_are_left_out() -> None:
    starts = [n for n in range(30) if n % 5 != 2]
    assert shown(starts, 24, 24, source=30) == list(range(24))


def test_no_drawing_is_shown_much_before_or_after_its_time() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        starts = np.flatnonzero(np.append(1, rng.random(60) < rng.uniform(0.2, 0.9)))
        chosen = shown(list(starts), 40, 16)
        begins, ends = starts / 24, np.append(starts[1:], 1000) / 24
        for moment, drawing in zip(np.arange(40) / 16, chosen, strict=True):
            assert begins[drawing] - 1 / 32 - 1e-6 <= moment <= ends[drawing] + 1 / 32 + 1e-6
        assert chosen == sorted(chosen)
        plain = [int(np.searchsorted(starts / 24, n / 16 + 1e-6, side="right")) - 1 for n in range(40)]
        assert len(set(chosen)) >= len(set(plain))


def test_a_crop_follows_the_box_smoothly_and_keeps_its_size() -> None:
    boxes = [(1.0, (0.3, 0.2, 0.5, 0.8)), (2.0, (0.5, 0.2, 0.7, 0.8)), (3.0, (0.5, 0.2, 0.75, 0.8))]
    crop, path = followed(CROP, 1.0, boxes)
    assert crop[2] - crop[0] == pytest.approx(0.4 * 1.25) and crop[3] - crop[1] == pytest.approx(0.8)
    places = np.array([crop_at(crop, path, seconds) for seconds in np.arange(0, 4, 1 / 24)])
    sizes = places[:, 2:] - places[:, :2]
    assert np.ptp(sizes, axis=0).max() < 1e-9
    steps = np.diff(places[:, 0])
    assert (steps > -1e-9).all() and steps.max() < 0.2 / 24 * 1.05 and np.abs(np.diff(steps)).max() < 0.002
    assert places.min() >= 0 and places.max() <= 1


def test_a_crop_without_other_boxes_stays() -> None:
    assert followed(CROP, 1.0, [(1.0, (0.3, 0.2, 0.5, 0.8))]) == (CROP, ())
    assert followed(CROP, 1.0, []) == (CROP, ())
    assert crop_at(CROP, (), 7.0) == CROP


@pytest.fixture(scope="module")
def frames() -> list[VideoFrame]:
    return list(Video(shared_clip("h264 mp4")).frames())


def test_a_feed_holds_a_bounded_number_of_bytes(frames: list[VideoFrame]) -> None:
    size = 3 * frames[0].width * frames[0].height
    budget = Budget(4 * size)
    feed = Feed(budget)
    got: list[int] = []
    most = 0

    def take() -> None:
        nonlocal most
        for frame in feed:
            most = max(most, budget.held)
            got.append(frame.pts)

    thread = threading.Thread(target=take)
    thread.start()
    for frame in frames:
        feed.add(frame)
    feed.end()
    thread.join(10)
    assert got == [frame.pts for frame in frames] and most <= 4 * size and budget.held == 0


def test_a_feed_that_nobody_reads_any_more_blocks_nobody(frames: list[VideoFrame]) -> None:
    feed = Feed(Budget(1))
    feed.add(frames[0])
    feed.leave()
    for frame in frames:
        feed.add(frame)
    stopped = Feed(Budget(1))
    stopped.stop()
    with pytest.raises(StoppedError):
        list(stopped)

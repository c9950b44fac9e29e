"""Shots are found frame by frame: cuts, fades and dissolves, but no flashes; and what moves in each is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from videos import write_video

from animeds_db.media import Video
from animeds_db.media.shots import Shot, SmallFrame, find_shots, small_frames
from animeds_db.media.shots.cuts import CONTEXT, STRETCH, CutFinder, starts
from animeds_db.media.shots.movement import movement
from animeds_db.media.shots.small import HEIGHT, WIDTH

Picture = np.ndarray
"""Luma, Cb and Cr at the small size, uint8 [3, 108, 192]."""


def painted(seed: int, wide: int = WIDTH, high: int = HEIGHT) -> Picture:
    """A painted background: its own palette, its own shapes."""
    rng = np.random.default_rng(seed)
    base = np.array([rng.integers(60, 190), rng.integers(90, 166), rng.integers(90, 166)])
    picture = np.empty((3, high, wide), np.uint8)
    picture[:] = base[:, None, None]
    for _ in range(wide * high // 300):
        x, y = int(rng.integers(wide)), int(rng.integers(high))
        w, h = (int(v) for v in rng.integers(6, 40, 2))
        colour = np.clip(base + rng.integers((-50, -30, -30), (51, 31, 31)), 16, 240)
        picture[:, y : y + h, x : x + w] = colour[:, None, None]
    return picture


def with_figure(picture: Picture, x: int, colour: int = 240) -> Picture:
    """Somebody stands in front of the background."""
    picture = picture.copy()
    picture[0, 30:, x : x + 40] = colour
    picture[1:, 30:, x : x + 40] = 100
    return picture


def mixed(one: Picture, other: Picture, share: float) -> Picture:
    return np.rint(one * (1.0 - share) + other * share).astype(np.uint8)


BLACK = np.stack([np.full((HEIGHT, WIDTH), v, np.uint8) for v in (0, 128, 128)])
WHITE = np.stack([np.full((HEIGHT, WIDTH), v, np.uint8) for v in (255, 128, 128)])


def frames(pictures: Iterable[Picture]) -> Iterable[SmallFrame]:
    for n, picture in enumerate(pictures):
        yield SmallFrame(n * 512, n / 24, picture[0], picture[1:, ::2, ::2])


def found(pictures: Iterable[Picture]) -> list[Shot]:
    return list(find_shots(frames(pictures)))


def firsts(pictures: Iterable[Picture]) -> list[int]:
    return [shot.first_pts // 512 for shot in found(pictures)]


def test_a_hard_cut_is_found_at_its_very_frame() -> None:
    assert firsts([painted(1)] * 30 + [painted(2)] * 17 + [painted(3)] * 40) == [0, 30, 47]


def test_shots_of_six_frames_are_told_apart() -> None:
    assert firsts([painted(n // 6) for n in range(60)]) == list(range(0, 60, 6))


def test_a_cut_to_another_speaker_before_the_same_background_is_found() -> None:
    room = painted(4)
    pictures = [with_figure(room, 20, 230)] * 30 + [with_figure(room, 120, 60)] * 30
    assert firsts(pictures) == [0, 30]


def test_a_figure_that_walks_is_no_cut() -> None:
    assert firsts(with_figure(painted(5), 2 * (n // 2)) for n in range(60)) == [0]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_flash_is_no_cut(length: int) -> None:
    for flash in (WHITE, painted(99)):
        assert firsts([painted(6)] * 30 + [flash] * length + [painted(6)] * 30) == [0]


def test_a_flash_that_hides_a_cut_is_one_cut() -> None:
    (_, at) = firsts([painted(7)] * 30 + [WHITE] * 4 + [painted(8)] * 30)
    assert 30 <= at <= 34


def test_a_fade_through_black_is_one_cut_in_the_middle_of_the_black() -> None:
    out = [mixed(painted(9), BLACK, n / 12) for n in range(13)]
    back = [mixed(BLACK, painted(10), n / 12) for n in range(13)]
    (_, at) = firsts([painted(9)] * 30 + out + back + [painted(10)] * 30)
    assert abs(at - 43) <= 2


def test_a_blink_of_black_within_a_shot_is_no_cut() -> None:
    out = [mixed(painted(9), BLACK, n / 6) for n in range(7)]
    assert firsts([painted(9)] * 30 + out + out[::-1] + [painted(9)] * 30) == [0]


def test_a_fade_in_from_black_begins_the_video() -> None:
    assert firsts([mixed(BLACK, painted(11), min(1, n / 20)) for n in range(60)]) == [0]


def test_a_long_black_is_a_shot_of_its_own() -> None:
    shots = found([painted(12)] * 30 + [BLACK] * 40 + [painted(13)] * 30)
    assert [(shot.n_frames, shot.is_blank) for shot in shots] == [(30, False), (40, True), (30, False)]


@pytest.mark.parametrize("length", [8, 14, 24])
def test_a_dissolve_is_one_cut_in_its_middle(length: int) -> None:
    between = [mixed(painted(14), painted(15), n / length) for n in range(1, length)]
    (_, at) = firsts([painted(14)] * 40 + between + [painted(15)] * 40)
    assert abs(at - (40 + length / 2)) <= 2


def test_a_change_of_light_is_no_cut() -> None:
    dark = painted(16)
    dark = np.concatenate([dark[:1] // 2, dark[1:]])
    assert firsts([painted(16)] * 30 + [dark] * 30) == [0]


def pan(seed: int, n: int, step: int) -> list[Picture]:
    wide = painted(seed, WIDTH + n * step)
    return [wide[:, :, step * i : step * i + WIDTH] for i in range(n)]


def test_a_pan_over_a_still_is_one_shot_that_pans() -> None:
    (shot,) = found(pan(17, 48, 2))
    assert (shot.motion, shot.cadence) == ("pan", 1)
    assert shot.pan_x == pytest.approx(94 / WIDTH, abs=0.05)
    assert abs(shot.pan_y) < 0.01 and shot.zoom == pytest.approx(1, abs=0.01)


def test_a_zoom_into_a_still_is_one_shot_that_zooms() -> None:
    big = painted(18, 4 * WIDTH, 4 * HEIGHT).astype(np.float32)

    def at(scale: float) -> Picture:
        y = (np.arange(HEIGHT) - HEIGHT / 2) / scale * 4 + 2 * HEIGHT
        x = (np.arange(WIDTH) - WIDTH / 2) / scale * 4 + 2 * WIDTH
        cells = [
            big[:, (y + dy).astype(int)][:, :, (x + dx).astype(int)] for dy in range(4) for dx in range(4)
        ]
        shown: Picture = np.mean(cells, axis=0).astype(np.uint8)
        return shown

    (shot,) = found(at(1.05 + 0.005 * n) for n in range(48))
    assert shot.motion == "zoom"
    assert shot.zoom == pytest.approx((1.05 + 0.005 * 47) / 1.05, abs=0.05)


def test_a_held_picture_is_still_and_drawn_once() -> None:
    rng = np.random.default_rng(0)
    noisy = [
        np.clip(painted(19) + rng.normal(0, 1, (3, HEIGHT, WIDTH)), 0, 255).astype(np.uint8)
        for _ in range(40)
    ]
    (shot,) = found(noisy)
    assert (shot.motion, shot.drawn_frames, shot.cadence, shot.moved) == ("still", 1, None, 0)


@pytest.mark.parametrize("hold", [1, 2, 3, 4])
def test_the_cadence_of_a_walk_is_counted(hold: int) -> None:
    (shot,) = found(with_figure(painted(20), 3 * (n // hold)) for n in range(36))
    assert (shot.cadence, shot.drawn_frames) == (hold, 36 // hold)
    assert shot.motion == "moving"


def test_a_small_mouth_is_another_drawing_and_what_coding_leaves_is_not() -> None:
    def talks(n: int) -> Picture:
        picture = painted(21)
        picture[0, 50:53, 90:94] = 20 if n // 2 % 2 else 200
        return picture

    (shot,) = found(talks(n) for n in range(40))
    assert (shot.drawn_frames, shot.cadence) == (20, 2)


def test_every_frame_is_in_exactly_one_shot_and_times_are_those_of_the_frames() -> None:
    shots = found([painted(n // 25) for n in range(260)])
    assert sum(shot.n_frames for shot in shots) == 260
    assert [shot.number for shot in shots] == list(range(len(shots)))
    assert all(b.first_pts == a.last_pts + 512 for a, b in pairwise(shots))
    assert all(shot.start_s == shot.first_pts / 512 / 24 for shot in shots)


def test_no_frames_are_no_shots_and_one_frame_is_one_shot() -> None:
    assert found([]) == []
    (shot,) = found([painted(22)])
    assert (shot.n_frames, shot.drawn_frames, shot.motion) == (1, 1, "still")


@hypothesis_settings(max_examples=8)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 160)), min_size=3, max_size=12))
def test_a_video_is_decided_in_stretches_as_at_once(parts: Sequence[tuple[int, int]]) -> None:
    """Also where a cut, a flash or a black lies at the edge of a stretch."""
    palette = [painted(seed, 48, 27) for seed in range(6)] + [BLACK[:, :27, :48]]
    pictures = np.stack([palette[which] for which, length in parts for _ in range(length)])
    pictures = np.concatenate([pictures] * (1 + 2 * STRETCH // len(pictures)))
    finder = CutFinder()
    now = [cut for picture in pictures for cut in finder.add(picture)] + finder.end()
    assert now == starts(pictures).tolist()


def test_only_some_seconds_of_pictures_are_held() -> None:
    finder = CutFinder()
    picture = painted(23, 48, 27)
    for _ in range(3 * STRETCH):
        finder.add(picture)
        assert len(finder._held) <= STRETCH + 2 * CONTEXT + 1


def test_movement_of_the_picture_and_of_a_figure_are_told_apart() -> None:
    one, other = pan(24, 2, 4)
    moved = movement(one[0], other[0])
    assert moved.right == pytest.approx(-4 / WIDTH, abs=0.003) and moved.moved < 0.03
    walks = movement(with_figure(one, 40)[0], with_figure(one, 60)[0])
    assert abs(walks.right) < 0.003 and walks.moved > 0.08


def test_frames_of_any_format_are_found_at_their_times(tmp_path: Path) -> None:
    rgb: Callable[[int], np.ndarray] = lambda seed: np.moveaxis(painted(seed), 0, 2)  # noqa: E731
    pictures = [rgb(1)] * 20 + [rgb(2)] * 28
    for name, changes in (
        ("a.mkv", {"pix_fmt": "yuv420p10le"}),
        ("b.mp4", {"pix_fmt": "yuv444p"}),
        ("c.mkv", {"vfr": True}),
    ):
        path = write_video(tmp_path / name, pictures=pictures, **changes)
        with Video(path) as video:
            shots = list(find_shots(small_frames(video)))
        times = [frame.pts for frame in Video(path).frames()]
        assert [(s.first_pts, s.last_pts) for s in shots] == [(times[0], times[19]), (times[20], times[-1])]

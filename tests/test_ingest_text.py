"""Burned-in text: which band it is in and how much of it it covers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measuring import MATERIAL, drawn, luma, subtitled

from animeds_db.media import Video
from animeds_ingest.measures.burned_text import text_share, text_shares
from animeds_ingest.measures.views import grey

LINES = (
    "I never said that you could go.",
    "Wait, where are you going\nin the middle of the night?",
    "The meeting starts tomorrow at nine.",
    "Good morning, everyone!",
)


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("fill", [255, 225])
def test_subtitles_are_found_in_the_band_they_are_in(text: str, fill: int) -> None:
    for seed in range(6):
        upper, lower = text_shares(luma(subtitled(drawn(seed), text, fill=fill)))
        assert upper == 0 and 0.01 < lower < 0.4
        upper, lower = text_shares(luma(subtitled(drawn(seed), text, fill=fill, top=True)))
        assert lower == 0 and 0.01 < upper < 0.4


@pytest.mark.parametrize("size", [15, 18, 22])
def test_more_text_covers_more(size: int) -> None:
    shares = [
        text_shares(luma(subtitled(drawn(7), "Good morning, everyone!" + more, size=size)))[1]
        for more in ("", "\nDid you sleep well last night?")
    ]
    assert 0 < shares[0] < shares[1]


def test_pictures_without_text_have_none() -> None:
    shares = [text_shares(luma(drawn(seed))) for seed in range(60)]
    assert sum(upper > 0 or lower > 0 for upper, lower in shares) == 0


def test_stripes_noise_and_bright_lines_are_no_text() -> None:
    y, x = np.mgrid[0:360, 0:640]
    fence = np.where(x % 24 < 12, 250, 30).astype(np.uint8)
    lines = np.where(y % 20 < 3, 250, 30).astype(np.uint8)
    windows = np.where((x % 40 < 18) & (y % 40 < 24), 240, 40).astype(np.uint8)
    rain = np.where((x + 3 * y) % 97 < 2, 220, 60).astype(np.uint8)
    for picture in (fence, lines, windows, rain, np.full((360, 640), 255, np.uint8)):
        assert text_shares(picture) == (0, 0)


@given(st.integers(0, 20), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_a_band_of_any_size_has_a_share(height: int, width: int, seed: int) -> None:
    band = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    assert 0 <= text_share(band) <= 1


@pytest.mark.skipif(not (MATERIAL / "real_clip.mp4").exists(), reason="the real clip is not here")
def test_in_the_real_clip_just_the_frames_with_subtitles_have_text() -> None:
    with Video(MATERIAL / "real_clip.mp4") as video:
        frames = [
            frame for i, frame in enumerate(video.frames()) if i in (0, 60, 84, 96, 105, 120, 160, 172, 180)
        ]
    found = [text_shares(grey(frame)) for frame in frames]
    assert [lower > 0.03 for _, lower in found] == [True, True, True, False, False, True, True, False, False]
    assert all(upper == 0 for upper, _ in found)

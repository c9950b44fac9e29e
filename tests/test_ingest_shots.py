"""Cuts are counted; fades, pans, blank frames and moving characters are not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sampleshow
from PIL import Image, ImageDraw, ImageFilter
from videos import write_video

from animeds_db.media import Frame, Video
from animeds_db.sample.truth import Truth
from animeds_ingest.measures.shots import ShotCounter, Signature, colour_distance, is_cut, outline_correlation
from animeds_ingest.sampling import Sampling, sample

SIZE = (320, 180)


def background(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """A painted background: its own palette, its own shapes."""
    rng = np.random.default_rng(seed)
    base = rng.integers(30, 226, 3)
    image = Image.new("RGB", size, tuple(int(v) for v in base))
    pen = ImageDraw.Draw(image)
    for _ in range(size[0] // 14):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        w, h = rng.uniform(15, 90, 2)
        colour = np.clip(base + rng.integers(-70, 71, 3), 0, 255)
        pen.rectangle((x, y, x + w, y + h), fill=tuple(int(v) for v in colour), outline=(20, 20, 30))
    return image


def with_figure(image: Image.Image, x: float) -> Image.Image:
    """Somebody stands in front of the background."""
    image = image.copy()
    pen = ImageDraw.Draw(image)
    pen.ellipse((x - 20, 50, x + 20, 100), fill=(240, 205, 180), outline=(20, 15, 20), width=3)
    pen.rectangle((x - 24, 100, x + 24, 180), fill=(60, 60, 140), outline=(20, 15, 20), width=3)
    return image


def faded(image: Image.Image, share: float) -> Image.Image:
    return Image.blend(Image.new("RGB", image.size), image, share)


def shots(folder: Path, pictures: Sequence[Image.Image]) -> list[int]:
    """Encode pictures and count the shots of the decoded frames."""
    path = write_video(folder / "a.mkv", pictures=[np.asarray(p) for p in pictures], gop=4)
    count = ShotCounter()
    return [count(frame) for frame in Video(path).frames()]


def signature(image: Image.Image) -> Signature:
    return Signature(np.asarray(image.resize((64, 36), Image.Resampling.BOX)))


def test_each_cut_begins_a_new_shot(tmp_path: Path) -> None:
    pictures = [background(seed) for seed in (1, 1, 2, 2, 2, 3, 1)]
    assert shots(tmp_path, pictures) == [0, 0, 1, 1, 1, 2, 3]


def test_a_held_picture_is_one_shot(tmp_path: Path) -> None:
    assert shots(tmp_path, [background(4)] * 5) == [0] * 5


def test_somebody_who_walks_through_is_no_cut(tmp_path: Path) -> None:
    pictures = [with_figure(background(5), x) for x in range(20, 320, 60)]
    assert shots(tmp_path, pictures) == [0] * len(pictures)


def test_a_pan_is_one_shot(tmp_path: Path) -> None:
    wide = background(6, (640, 180))
    pictures = [wide.crop((x, 0, x + 320, 180)) for x in range(0, 321, 40)]
    assert shots(tmp_path, pictures) == [0] * len(pictures)


def test_a_fade_is_one_shot(tmp_path: Path) -> None:
    pictures = [faded(background(7), share) for share in (1, 0.8, 0.6, 0.4, 0.25)]
    assert shots(tmp_path, pictures) == [0] * len(pictures)


def test_black_belongs_to_the_shot_before_and_hides_no_cut(tmp_path: Path) -> None:
    black = Image.new("RGB", SIZE)
    same = [background(8), black, black, background(8)]
    other = [background(8), black, black, background(9)]
    assert shots(tmp_path, same) == [0, 0, 0, 0]
    assert shots(tmp_path, other) == [0, 0, 0, 1]


def test_letterbox_bars_do_not_make_all_pictures_alike(tmp_path: Path) -> None:
    pictures = []
    for seed in (10, 11, 12):
        boxed = Image.new("RGB", SIZE)
        boxed.paste(background(seed).crop((0, 22, 320, 158)), (0, 22))
        pictures.append(boxed)
    assert shots(tmp_path, pictures) == [0, 1, 2]


def test_frames_of_any_size_are_compared() -> None:
    tiny = Signature(np.asarray(Image.new("RGB", (64, 36), "red")))
    assert tiny.is_blank
    assert outline_correlation(tiny, tiny) == pytest.approx(0, abs=1e-6)
    assert colour_distance(tiny, tiny) == 0


def test_most_pairs_of_backgrounds_are_cuts_and_no_picture_is_cut_from_itself() -> None:
    signatures = [signature(background(seed)) for seed in range(20)]
    assert not any(is_cut(s, s) for s in signatures)
    cuts = [is_cut(a, b) for i, a in enumerate(signatures) for b in signatures[:i]]
    assert np.mean(cuts) > 0.95
    assert all(outline_correlation(s, s) == pytest.approx(1) for s in signatures)


# One frame per scene


def scenes(folder: Path, pictures: Sequence[Image.Image], fps: int = 12) -> list[int]:
    """Return the places of the frames that stand for the scenes."""
    path = write_video(folder / "b.mp4", pictures=[np.asarray(p) for p in pictures], fps=fps)
    with Video(path) as video:
        return [round((f.time_s or 0.0) * fps) for f in sample(video, Sampling.parse("scenes"))]


def test_one_frame_stands_for_each_scene(tmp_path: Path) -> None:
    pictures = [background(1)] * 8 + [background(2)] * 6 + [background(3)] * 10
    places = scenes(tmp_path, pictures)
    assert [0 <= places[0] < 8, 8 <= places[1] < 14, 14 <= places[2] < 24] == [True] * 3
    assert len(places) == 3


def test_a_scene_that_fades_in_is_shown_when_it_stands(tmp_path: Path) -> None:
    ramp = [faded(background(2), share / 8) for share in range(9)]
    places = scenes(tmp_path, ramp + [background(2)] * 8)
    assert len(places) == 1 and 8 <= places[0] <= 10


def test_a_dissolve_gives_the_new_scene_once_it_is_there(tmp_path: Path) -> None:
    mixed = [Image.blend(background(1), background(2), share / 10) for share in range(11)]
    places = scenes(tmp_path, [background(1)] * 8 + mixed + [background(2)] * 12)
    assert places[0] < 8 and places[-1] >= 15


def test_a_scene_that_never_stands_still_is_shown_by_its_sharpest_start(tmp_path: Path) -> None:
    wide = background(6, (1200, 180))
    pictures = [wide.crop((x, 0, x + 320, 180)) for x in range(0, 840, 35)]
    assert len(scenes(tmp_path, pictures)) == 1


def test_black_gives_no_scene(tmp_path: Path) -> None:
    assert scenes(tmp_path, [Image.new("RGB", SIZE)] * 10) == []


def test_a_single_frame_is_a_scene(tmp_path: Path) -> None:
    assert scenes(tmp_path, [background(1)]) == [0]


# The best frames of each shot


def best(folder: Path, pictures: Sequence[Image.Image], how: str = "shots", fps: int = 24) -> list[int]:
    """Return the places of the frames that are chosen."""
    path = write_video(folder / "c.mkv", pictures=[np.asarray(p) for p in pictures], fps=fps)
    with Video(path) as video:
        return [round((f.time_s or 0.0) * fps) for f in sample(video, Sampling.parse(how))]


def talk(seed: int, places: Sequence[float]) -> list[Image.Image]:
    """A shot on threes: somebody stands at each of these places for three frames."""
    return [with_figure(background(seed), x) for x in places for _ in range(3)]


def test_the_best_frame_of_a_shot_is_in_the_middle_of_its_sharpest_drawing(tmp_path: Path) -> None:
    first, second = talk(1, [80, 120, 160, 200]), talk(2, [60, 90, 120, 150])
    for number, picture in enumerate(first):
        if not 6 <= number < 9:
            first[number] = picture.filter(ImageFilter.GaussianBlur(2))
    second[3:6] = [second[3].filter(ImageFilter.GaussianBlur(1))] * 3
    first_place, second_place = best(tmp_path, first + second)
    assert first_place == 7
    assert second_place % 3 == 1 and 12 <= second_place < 24 and second_place != 16


def test_a_smear_of_one_frame_is_chosen_only_if_nothing_stands(tmp_path: Path) -> None:
    """The smear has more edges than the drawings, so it counts as sharper."""
    smear = with_figure(background(1), 140)
    ImageDraw.Draw(smear).line(
        [(x, y) for x in range(60, 220, 4) for y in (60, 170)], fill=(0, 0, 0), width=2
    )
    pictures = [*talk(1, [80, 100]), smear, *talk(1, [180, 200])]
    (place,) = best(tmp_path, pictures)
    assert place in (1, 4, 8, 11)
    moving = [with_figure(background(1), 60 + 8 * n) for n in range(12)]
    assert len(best(tmp_path, moving)) == 1


def test_each_part_of_a_shot_gives_another_drawing(tmp_path: Path) -> None:
    pictures = [*talk(1, range(60, 240, 20)), *[background(2)] * 27]
    places = best(tmp_path, pictures, "shots=3")
    assert [place // 9 for place in places[:3]] == [0, 1, 2] and all(place % 3 == 1 for place in places[:3])
    assert len(places) == 4 and places[3] >= 27, "a still picture is one drawing"


def test_black_gives_no_best_frame(tmp_path: Path) -> None:
    assert best(tmp_path, [Image.new("RGB", SIZE)] * 40) == []


def test_the_best_frames_of_the_drawn_show_are_one_of_each_shot() -> None:
    episode = Truth.load(sampleshow.episodes()).episodes[0]
    with Video(sampleshow.episodes() / episode.file) as video:
        frames = [round((f.time_s or 0.0) * episode.fps) for f in sample(video, Sampling.parse("shots"))]
    assert [episode.frame(n).shot for n in frames] == list(range(len(episode.cuts)))


def test_the_counter_takes_pictures_too(tmp_path: Path) -> None:
    from animeds_db.media import Pictures

    for i, seed in enumerate((1, 1, 2)):
        background(seed).save(tmp_path / f"{i}.png")
    count = ShotCounter()
    frames: list[Frame] = list(Pictures(tmp_path).frames())
    assert [count(frame) for frame in frames] == [0, 0, 1]

"""The drawn show: the same bytes from the same seed, and a truth that the pixels confirm."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest

from animeds_db.errors import SourceError, UsageError
from animeds_db.sample.drawing.figure import HAIR_COLOURS
from animeds_db.sample.show import draw_episode, draw_show, show_shapes
from animeds_db.sample.tags import TAGS
from animeds_db.sample.truth import EpisodeTruth, State, Truth

SIZE = (160, 90)
FPS = 4


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("show")
    return folder, draw_show(folder, seed=7, size=SIZE, fps=FPS)


@pytest.fixture(scope="module")
def pixels(show: tuple[Path, Truth]) -> dict[int, np.ndarray]:
    """Episode number to uint8 [frames, height, width, 3]."""
    folder, truth = show
    return {e.number: _decoded(folder / e.file) for e in truth.episodes}


def _decoded(path: Path) -> np.ndarray:
    with av.open(path) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    return np.stack(frames)


def _states(episode: EpisodeTruth) -> list[State]:
    return [episode.frame(i) for i in range(episode.frames)]


def _well_inside_shots(episode: EpisodeTruth) -> set[int]:
    """Frames well inside a shot: no fade there."""
    edges = [*episode.cuts, episode.frames]
    return {i for a, b in itertools.pairwise(edges) for i in range(a + 3, b - 2)}


def test_files_are_named_like_episodes_and_are_h264_in_matroska(show: tuple[Path, Truth]) -> None:
    folder, truth = show
    assert [e.file for e in truth.episodes] == [f"Hoshizora Diary - S01E0{n}.mkv" for n in (1, 2, 3)]
    assert {p.name for p in folder.iterdir()} == {*(e.file for e in truth.episodes), "truth.json"}
    with av.open(folder / truth.episodes[0].file) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert "matroska" in container.format.name


def test_the_same_seed_gives_the_same_bytes(show: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, truth = show
    again = draw_show(tmp_path, episodes=1, seed=7, size=SIZE, fps=FPS)
    file = truth.episodes[0].file
    assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()
    assert again.episodes[0] == truth.episodes[0]


def test_an_episode_drawn_alone_is_that_of_the_show(show: tuple[Path, Truth], tmp_path: Path) -> None:
    alone = draw_episode(tmp_path, 2, seed=7, size=SIZE, fps=FPS)
    assert alone == show[1].episodes[1]
    assert (tmp_path / alone.file).read_bytes() == (show[0] / alone.file).read_bytes()


def test_another_seed_is_another_show_with_another_cast(show: tuple[Path, Truth], tmp_path: Path) -> None:
    other = draw_show(tmp_path, episodes=1, seed=8, characters=3, size=(64, 36), fps=4)
    assert other.show != show[1].show
    assert len(other.characters) == 3
    assert {c.name for c in other.characters} != {c.name for c in show[1].characters}


def test_episodes_have_the_promised_length_and_number_of_frames(
    show: tuple[Path, Truth], pixels: dict[int, np.ndarray]
) -> None:
    for episode in show[1].episodes:
        assert 40 <= episode.duration_s <= 60
        assert len(pixels[episode.number]) == episode.frames


def test_every_cut_is_a_key_frame_and_key_frames_are_never_far(show: tuple[Path, Truth]) -> None:
    folder, truth = show
    for episode in truth.episodes:
        with av.open(folder / episode.file) as container:
            packets = [p for p in container.demux(video=0) if p.size]
        keys = sorted(
            round(float(cast(int, p.pts) * p.time_base) * episode.fps) for p in packets if p.is_keyframe
        )
        assert set(episode.cuts) <= set(keys)
        assert np.diff(keys).max() <= 4 * episode.fps


def test_pictures_jump_at_cuts_and_are_quiet_while_nothing_moves(
    show: tuple[Path, Truth], pixels: dict[int, np.ndarray]
) -> None:
    for episode in show[1].episodes:
        small = pixels[episode.number][:, ::3, ::3].astype(np.int16)
        jump = np.concatenate([[0], np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3))])
        assert np.median(jump[list(episode.cuts[1:])]) > 20
        states = _states(episode)
        quiet = [
            i
            for i in _well_inside_shots(episode)
            if states[i].people
            and all(p.head for p in states[i].people)
            and [(p.person, p.head) for p in states[i].people]
            == [(p.person, p.head) for p in states[i - 1].people]
        ]
        assert len(quiet) > 25
        assert jump[quiet].max() < 8, (episode.file, quiet[int(jump[quiet].argmax())])


def test_opening_is_the_same_in_every_episode(
    show: tuple[Path, Truth], pixels: dict[int, np.ndarray]
) -> None:
    first = [s for s in _states(show[1].episodes[0]) if s.segment == "opening"]
    assert len(first) == 6 * FPS
    for episode in show[1].episodes[1:]:
        assert [s for s in _states(episode) if s.segment == "opening"] == first
        a, b = (pixels[n][: len(first)].astype(int) for n in (1, episode.number))
        assert np.abs(a - b).mean() < 1


def test_bars_are_black_exactly_where_the_truth_says(
    show: tuple[Path, Truth], pixels: dict[int, np.ndarray]
) -> None:
    third = show[1].episodes[2]
    assert [e.letterboxed for e in show[1].episodes] == [False, False, True]
    marked = [i for i, s in enumerate(_states(third)) if "letterboxed" in s.tags]
    assert len(marked) > third.frames / 2
    bars = np.concatenate([pixels[3][marked][:, :8], pixels[3][marked][:, -8:]], axis=1)
    assert bars.max() < 16
    assert pixels[1][:, :10].mean() > 60


def test_subtitles_are_in_the_second_episode_only_while_somebody_speaks(show: tuple[Path, Truth]) -> None:
    marked = [{i for i, s in enumerate(_states(e)) if "subtitled" in s.tags} for e in show[1].episodes]
    assert not marked[0] and not marked[2]
    second = show[1].episodes[1]
    assert 0.2 < len(marked[1]) / second.frames < 0.8


def test_hair_of_named_people_has_its_colour_in_the_picture(
    show: tuple[Path, Truth], pixels: dict[int, np.ndarray]
) -> None:
    looks = {c.name: c.looks[0] for c in show[1].characters}
    checked = 0
    for episode in show[1].episodes:
        for cut in episode.cuts:
            i = min(cut + 3, episode.frames - 1)
            for person in episode.frame(i).people:
                if (
                    person.name is None
                    or person.head is None
                    or person.face is None
                    or i not in _well_inside_shots(episode)
                ):
                    continue
                left, top, right, bottom = person.head
                box = pixels[episode.number][i][
                    int(top * SIZE[1]) : int(bottom * SIZE[1]) + 1,
                    int(left * SIZE[0]) : int(right * SIZE[0]) + 1,
                ].reshape(-1, 3)
                away = np.abs(box.astype(int) - HAIR_COLOURS[looks[person.name].hair_colour]).max(axis=1)
                assert (away < 45).mean() > 0.1, (episode.file, i, person.name)
                checked += 1
    assert checked > 40


def test_each_of_the_cast_appears_in_both_outfits_and_extras_have_no_name(show: tuple[Path, Truth]) -> None:
    truth = show[1]
    people = [p for e in truth.episodes for s in e.states for p in s.people]
    assert any(p.name is None for p in people)
    assert {p.name for p in people} - {None} == {c.name for c in truth.characters}
    for character in truth.characters:
        uniform, casual = character.looks
        assert (uniform.hair_colour, uniform.eye_colour) == (casual.hair_colour, casual.eye_colour)
        tags = [set(p.tags) for p in people if p.name == character.name and p.head]
        assert any("school_uniform" in t for t in tags)
        assert any(casual.outfit in t for t in tags)
        assert all(f"{uniform.hair_colour}_hair" in t for t in tags)


def test_every_tag_of_the_show_is_in_the_vocabulary_and_boxes_are_relative(show: tuple[Path, Truth]) -> None:
    known = {tag for tag, _ in TAGS}
    for episode in show[1].episodes:
        for state in episode.states:
            assert set(state.tags) <= known
            for person in state.people:
                for box in (person.face, person.head, person.halfbody, person.person):
                    assert box is None or (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1)


def test_people_blink_and_talk_between_frames(show: tuple[Path, Truth]) -> None:
    body = [s for s in _states(show[1].episodes[0]) if s.segment == "body"]
    pairs = [(a, b) for a, b in itertools.pairwise(body) if a.shot == b.shot]
    assert any("closed_eyes" in set(b.tags) - set(a.tags) for a, b in pairs)
    assert any("open_mouth" in set(b.tags) - set(a.tags) for a, b in pairs)


def test_a_person_without_a_visible_head_still_counts(show: tuple[Path, Truth]) -> None:
    headless = [
        s for e in show[1].episodes for s in e.states if s.people and all(not p.head for p in s.people)
    ]
    assert headless
    for state in headless:
        assert state.people[0].head is None
        assert "no_humans" not in state.tags and {"1girl", "1boy", "2girls", "2boys"} & set(state.tags)
        assert not any(tag.endswith(("_hair", "_eyes")) for tag in state.tags)


def test_truth_survives_its_file(show: tuple[Path, Truth]) -> None:
    assert Truth.load(show[0]) == show[1]


def test_time_finds_the_frame_even_after_rounding_to_milliseconds(show: tuple[Path, Truth]) -> None:
    episode = show[1].episodes[0]
    for index in (0, 1, 23, 24, episode.cuts[5], episode.frames - 1):
        assert show[1].at(1, round(index / episode.fps, 3)) == episode.frame(index)
        assert show[1].at(episode.file, index / episode.fps + 0.5 / episode.fps) == episode.frame(index)
    assert show[1].at(1, 1e6) == episode.frame(episode.frames - 1)


def test_an_episode_that_does_not_exist_is_named(show: tuple[Path, Truth]) -> None:
    with pytest.raises(UsageError, match="no episode 9"):
        show[1].at(9, 0.0)


def test_a_folder_without_truth_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no truth\.json"):
        Truth.load(tmp_path)
    (tmp_path / "truth.json").write_text('{"show": 3}')
    with pytest.raises(SourceError, match="not the ground truth"):
        Truth.load(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"episodes": 0},
        {"characters": 0},
        {"characters": 99},
        {"size": (161, 90)},
        {"size": (2, 2)},
        {"fps": 7},
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(UsageError):
        draw_show(tmp_path / "new", **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_the_shapes_of_people_fill_their_boxes(show: tuple[Path, Truth]) -> None:
    truth = show[1]
    numbers = [n for n in sorted(_well_inside_shots(truth.episode(3))) if truth.episode(3).frame(n).people][
        ::9
    ]
    fits = []
    for n, shapes in zip(numbers, show_shapes(truth, 3, numbers), strict=True):
        people = truth.episode(3).frame(n).people
        assert shapes.shape == (len(people), SIZE[1], SIZE[0])
        for person, shape in zip(people, shapes > 127, strict=True):
            rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
            assert person.person is not None
            wanted = np.array(person.person) * (*SIZE, *SIZE)
            found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            fits.append(bool(np.abs(np.array(found) - wanted).max() <= 3))
        assert not shapes[:, :6].any()  # the third episode has black bars
    assert len(fits) > 10 and np.mean(fits) > 0.75  # a nearer person may hide an edge
    with pytest.raises(UsageError, match="sorted"):
        next(show_shapes(truth, 1, [3, 1]))

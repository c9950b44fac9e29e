"""Pairs of frames of the drawn show, judged by the truth: who is on them, in which outfit, in which shot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import whoiswho
from drawntruth import drawn_faces, truth

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.sample.truth import Person

UNIFORM = frozenset({"school_uniform", "serafuku", "gakuran"})
TRUTH = "SELECT frame_id, episode, time_s FROM frames"


def worn(person: Person) -> str:
    """Return what somebody wears in truth; every character has one outfit of each kind."""
    return "school" if UNIFORM & set(person.tags) else "free"


@pytest.fixture(scope="module")
def ds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """The show with the true names and outfits of all faces. Do not change it."""
    path = whoiswho.named_show(tmp_path_factory.mktemp("pairs"))
    with animeds_db.open(path) as opened:
        opened.dedup()
        faces = [face for face in drawn_faces(opened) if face.person and face.person.name]
        opened.label_all(
            ("appearance", "set", worn(face.person), face.face_id) for face in faces if face.person
        )
        yield opened


def test_no_pair_shares_a_shot_and_all_share_character_and_outfit(ds: Dataset) -> None:
    rows = ds.sql("SELECT frame_id, control_id, character FROM pairs()").fetchall()
    shown = {frame: (episode, truth().at(episode, time)) for frame, episode, time in ds.sql(TRUTH).fetchall()}
    for frame, control, name in rows:
        (episode, state), (other_episode, other) = shown[frame], shown[control]
        assert (episode, state.shot) != (other_episode, other.shot)
        one, two = (next(p for p in s.people if p.name == name) for s in (state, other))
        assert worn(one) == worn(two), (frame, control)
    assert len(rows) >= 30 and len({name for _, _, name in rows}) >= 3


def test_pairs_of_one_character_in_another_outfit_or_episode(ds: Dataset) -> None:
    asked = (
        "pairs(character := 'Daichi', same := 'character', different := 'appearance', ranked_by := 'pose')"
    )
    rows = ds.sql(f"SELECT character, appearance, control_appearance, likeness FROM {asked}").fetchall()
    assert rows and {name for name, *_ in rows} == {"Daichi"}
    assert all(outfit != other and 0 <= likeness <= 1 for _, outfit, other, likeness in rows)
    rows = ds.sql("SELECT frame_id, control_id FROM pairs(different := 'source')").fetchall()
    assert rows and all(one[:8] != two[:8] for one, two in rows)

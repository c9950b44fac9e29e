"""The queries about characters, on the drawn show with names and tags from its truth: they judge the SQL alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from drawntruth import truth
from faceclusters import faces_store, looks

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError
from animeds_db.sample.truth import EpisodeTruth, Person, State
from animeds_db.store import Store

STEP = 0.5
"""Seconds between the frames of this database."""


def frame_of(source: str, at: float, state: State, ids: dict[str, int]) -> dict[str, object]:
    return {
        "frame_id": schema.frame_id(source, round(at * 1000)),
        "source_id": source,
        "time_s": at,
        "ordinal": round(at / STEP),
        "shot": state.shot,
        "is_blank": False,
        "tags": [ids[tag] for tag in state.tags],
        "tag_scores": [900] * len(state.tags),
        "sure_tags": [ids[tag] for tag in state.tags],
        "sure_scores": [900] * len(state.tags),
        "tagger": "truth@1",
    }


def boxes_of(frame: str, source: str, people: list[Person]) -> Iterator[tuple[dict[str, object], str | None]]:
    for kind in ("face", "head"):
        there = [(getattr(person, kind), person.name) for person in people if getattr(person, kind)]
        for index, (box, name) in enumerate(there):
            sides = dict(zip(("left", "top", "right", "bottom"), box, strict=True))
            key = {"detection_id": schema.detection_id(frame, kind, index), "frame_id": frame}
            yield (
                key | sides | {"source_id": source, "kind": kind, "score": 0.9},
                (name or "unknown" if kind == "face" else None),
            )


def sampled(episode: EpisodeTruth) -> list[tuple[float, State]]:
    """Every half second of the episode, with what is on the screen."""
    return [
        (i * STEP, episode.frame(round(i * STEP * episode.fps)))
        for i in range(int(episode.duration_s / STEP))
    ]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    store = Store.create(str(tmp_path_factory.mktemp("truth") / "show.animeds"), 4, 4)
    told = truth()
    states = [state for episode in told.episodes for _, state in sampled(episode)]
    ids = store.ensure_tags(sorted({(tag, "general") for state in states for tag in state.tags}))
    sources, frames, detections, identities = [], [], [], []
    for episode in told.episodes:
        source = f"aaaaaaa{chr(96 + episode.number)}"
        row = {
            "source_id": source,
            "state": "done",
            "show": told.show,
            "season": 1,
            "episode": episode.number,
        }
        sources.append(row | {"kind": "video", "duration_s": episode.duration_s})
        for at, state in sampled(episode):
            frame = frame_of(source, at, state, ids)
            frames.append(frame)
            for box, name in boxes_of(str(frame["frame_id"]), source, list(state.people)):
                detections.append(box)
                if name is not None:
                    kept = {key: box[key] for key in ("detection_id", "frame_id", "source_id")}
                    scores = {"score": 0.9, "margin": 0.5, "by": "examples"}
                    identities.append(kept | scores | {"character": name})
    for name, rows in (
        ("sources", sources), ("frames", frames), ("detections", detections), ("identities", identities)
    ):  # fmt: skip
        store.upsert(name, pa.Table.from_pylist(rows, store.schema(name).schema))
    with Dataset(store) as opened:
        yield opened


def visible(state: State) -> set[str]:
    """Names of those whose face is seen."""
    return {person.name for person in state.people if person.name and person.face}


def n_people(state: State) -> int:
    return max(sum(p.face is not None for p in state.people), sum(p.head is not None for p in state.people))


def all_states() -> list[State]:
    return [state for episode in truth().episodes for _, state in sampled(episode)]


def test_the_cast_has_its_screen_time(dataset: Dataset) -> None:
    rows = {row["character"]: row for row in dataset.query("cast").to_arrow_table().to_pylist()}
    assert set(rows) == {character.name for character in truth().characters}
    running = sum(episode.duration_s for episode in truth().episodes)
    for name, row in rows.items():
        exact = sum(
            (following - start) / episode.fps
            for episode in truth().episodes
            for start, following, state in zip(
                episode.starts, (*episode.starts[1:], episode.frames), episode.states, strict=True
            )
            if name in visible(state)
        )
        assert row["seconds"] == pytest.approx(exact, rel=0.1)
        assert row["share"] == pytest.approx(exact / running, rel=0.1)
        assert row["n_frames"] == sum(name in visible(state) for state in all_states())
    assert [row["seconds"] for row in rows.values()] == sorted(
        (r["seconds"] for r in rows.values()), reverse=True
    )


def test_the_cast_is_told_by_episode_and_where_first_seen(dataset: Dataset) -> None:
    rows = dataset.query("cast", {"per": "episode"}).to_arrow_table().to_pylist()
    counted = {(row["period"], row["character"]): row["n_frames"] for row in rows}
    for episode in truth().episodes:
        for character in truth().characters:
            frames = [at for at, state in sampled(episode) if character.name in visible(state)]
            assert counted.get((f"S01E{episode.number:02d}", character.name), 0) == len(frames)
    for row in dataset.query("cast").to_arrow_table().to_pylist():
        first = min(at for at, state in sampled(truth().episode(1)) if row["character"] in visible(state))
        assert row["first_seen"] == f"S01E01 {int(first) // 60}:{int(first) % 60:02d}"
        assert row["n_episodes"] == len(truth().episodes)


GARMENTS = {
    "school_uniform",
    "serafuku",
    "gakuran",
    "dress",
    "hoodie",
    "suit",
    "kimono",
    "t-shirt",
    "sweater",
}


def test_outfits_are_those_that_were_drawn(dataset: Dataset) -> None:
    rows = dataset.query("outfits").to_arrow_table().to_pylist()
    drawn: dict[str, Counter[str]] = {character.name: Counter() for character in truth().characters}
    for state in all_states():
        if len(visible(state)) == 1 and n_people(state) == 1:
            (person,) = (p for p in state.people if p.name and p.face)
            drawn[str(person.name)].update(GARMENTS & set(person.tags))
    assert sum(len(counts) for counts in drawn.values()) > len(drawn)  # they change clothes
    for name, counts in drawn.items():
        worn = {row["outfit"] for row in rows if row["character"] == name}
        assert worn & GARMENTS == {tag for tag, n in counts.items() if n >= 2}


@pytest.mark.parametrize(("query", "column"), [("outfits", "outfit"), ("expressions", "expression")])
def test_shares_are_those_of_frames_on_which_they_are_alone(
    dataset: Dataset, query: str, column: str
) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    alone: Counter[str] = Counter()
    for state in all_states():
        if len(visible(state)) == 1 and n_people(state) == 1:
            name = next(iter(visible(state)))
            alone[name] += 1
            counted.update((name, tag) for tag in state.tags)
    rows = dataset.query(query, {"min_frames": 1}).to_arrow_table().to_pylist()
    assert rows
    for row in rows:
        name, tag = row["character"], row[column]
        assert (row["n_frames"], row["n_seen"]) == (counted[name, tag], alone[name]), (name, tag)
        assert row["share"] == pytest.approx(counted[name, tag] / alone[name], abs=1e-3)
    if query == "expressions":
        drawn = {
            (name, tag) for name, tag in counted if tag in ("smile", "open_mouth", "closed_eyes", "crying")
        }
        assert drawn <= {(row["character"], row[column]) for row in rows}


def test_settings_count_every_frame_of_a_character(dataset: Dataset) -> None:
    rows = dataset.query("settings", {"per": "episode"}).to_arrow_table().to_pylist()
    found = {(row["period"], row["character"], row["setting"]): row["n_frames"] for row in rows}
    for episode in truth().episodes:
        for character in truth().characters:
            there = [state for _, state in sampled(episode) if character.name in visible(state)]
            for tag in ("outdoors", "indoors", "night"):
                n = sum(tag in state.tags for state in there)
                assert found.get((f"S01E{episode.number:02d}", character.name, tag), 0) == (
                    n if n >= 2 else 0
                )


def test_solo_and_pair_are_the_frames_of_just_those(dataset: Dataset) -> None:
    names = [character.name for character in truth().characters]
    states = all_states()
    for name in names:
        rows = dataset.query("character_solo", {"character": name}).fetchall()
        assert len(rows) == sum(visible(s) == {name} and n_people(s) == 1 for s in states)
    first, second = names[:2]
    both = dataset.query("character_pair", {"first": first, "second": second, "only": False}).fetchall()
    assert len(both) == sum({first, second} <= visible(state) for state in states)
    alone = dataset.query("character_pair", {"first": second, "second": first}).fetchall()
    assert len(alone) == sum(visible(s) == {first, second} and n_people(s) == 2 for s in states)


def test_unknown_faces_are_the_extras(dataset: Dataset) -> None:
    rows = dataset.query("unknown_faces", {"min_height": 0, "limit": None}).fetchall()
    assert len(rows) == sum(p.name is None and p.face is not None for s in all_states() for p in s.people)


def test_a_period_that_is_none_is_told(dataset: Dataset) -> None:
    with pytest.raises(QueryError, match="series, season or episode, not month"), dataset.session.errors():
        dataset.query("cast", {"per": "month"}).fetchall()


def test_doubtful_answers_are_asked_for_first(tmp_path: Path) -> None:
    anna, bea = looks(2)
    at_ease = [{"at": 20 * i, "vector": anna, "character": "Anna", "margin": 0.4} for i in range(6)]
    narrow = {"at": 201, "vector": anna, "character": "Anna", "margin": 0.01, "second": "Bea"}
    border = {"at": 301, "vector": bea, "character": "unknown", "score": 0.48, "margin": 0.0}
    one_shot = [
        {"at": 401, "vector": anna, "character": "Anna", "margin": 0.4},
        {"at": 402, "vector": anna, "character": "Bea", "margin": 0.4, "score": 0.85},
    ]
    dark = {"at": 501, "vector": bea, "character": "unknown", "score": 0.01, "margin": 0.0, "brightness": 0.1}
    faint = dark | {"at": 601, "detected": 0.1}
    with faces_store(tmp_path, [*at_ease, narrow, border, *one_shot, dark, faint]) as dataset:
        rows = dataset.query("needs_review", {"limit": 4}).to_arrow_table().to_pylist()
    assert {row["face_id"].split("-")[1]: row["reason"] for row in rows} == {
        "000201000": "margin", "000301000": "score", "000402000": "shot", "000501000": "sight"
    }  # fmt: skip

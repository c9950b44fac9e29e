"""The vector query and the calibration under the classification."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeds_db.steps.characters.calibrate import calibrate
from animeds_db.steps.characters.neighbours import STEP, References, neighbours
from animeds_db.steps.characters.vote import vote


def references(vectors: np.ndarray, names: list[str], shots: list[str | None] | None = None) -> References:
    n = len(names)
    return References.of(
        pa.table(
            {
                "example_id": [f"e{i:03}" for i in range(n)],
                "character": names,
                "appearance": pa.nulls(n, pa.string()),
                "shot": pa.array(shots or [None] * n, pa.string()),
                "vector": list(vectors.astype(np.float32)),
            }
        )
    )


def units(rng: np.random.Generator, n: int, width: int = 6) -> np.ndarray:
    x = rng.standard_normal((n, width)).astype(np.float32)
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 4), st.integers(1, 7))
def test_neighbours_are_the_most_similar_examples_and_the_best_of_another(
    seed: int, n: int, people: int, k: int
) -> None:
    rng = np.random.default_rng(seed)
    of = references(units(rng, n), [f"c{i}" for i in rng.integers(0, people, n)])
    faces = units(rng, 5)
    found = neighbours(faces, of, k, threads=1)
    similarity = faces @ of.vectors.T
    for face in range(5):
        mine = [row for row in found.to_pylist() if row["face"] == face]
        order = np.argsort(-similarity[face], kind="stable")
        assert [row["reference"] for row in mine][: min(k, n)] == order[: min(k, n)].tolist()
        assert [row["similarity"] for row in mine] == pytest.approx(
            [similarity[face, row["reference"]] for row in mine], abs=STEP
        )
        if len(of.names) > 1:
            assert len({row["code"] for row in mine}) > 1
            others = similarity[face][of.codes != mine[0]["code"]]
            assert max(r["similarity"] for r in mine if r["code"] != mine[0]["code"]) == pytest.approx(
                others.max(), abs=STEP
            )


def test_an_answer_does_not_depend_on_the_batch_or_the_threads() -> None:
    rng = np.random.default_rng(1)
    of = references(units(rng, 40, 32), [f"c{i % 5}" for i in range(40)])
    faces = units(rng, 3000, 32)
    whole = neighbours(faces, of, 5, threads=2)
    parts = pa.concat_tables(
        [neighbours(faces[:1700], of, 5, threads=1), neighbours(faces[1700:], of, 5, threads=1)]
    )
    for column in ("reference", "code"):
        assert whole[column].to_pylist() == parts[column].to_pylist()
    for column in ("similarity", "nearest"):  # a product may round to the next step in another batch
        assert np.abs(whole[column].to_numpy() - parts[column].to_numpy()).max() <= STEP


def counted(rows: list[dict[str, float]], of: References) -> tuple[object, ...]:
    """Return the result of the vote for one face, from its neighbours, by the rule itself."""
    votes: dict[str, float] = {}
    best: dict[str, dict[str, float]] = {}
    for row in rows:
        name = of.characters[int(row["reference"])]
        votes[name] = votes.get(name, 0) + np.exp((row["similarity"] - row["nearest"]) / 0.05)
        best.setdefault(name, row)
    order = sorted(votes, key=lambda name: (-votes[name], name))
    first, second = best[order[0]], best[order[1]] if order[1:] else None
    margin = first["similarity"] - (second["similarity"] if second else 0)
    return (
        order[0],
        of.ids[int(first["reference"])],
        order[1] if second else None,
        pytest.approx(max(first["similarity"], 0)),
        pytest.approx(votes[order[0]] / sum(votes.values())),
        pytest.approx(max(margin, 0)),
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 4), st.integers(1, 7), st.booleans())
def test_the_vote_is_that_of_the_rule_also_among_equals(
    seed: int, n: int, people: int, k: int, equal: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = units(rng, n)
    x = x[rng.integers(0, n, n)] if equal else x  # the same vector for several characters
    of = references(x, [f"c{i}" for i in rng.integers(0, people, n)])
    found = neighbours(units(rng, 6), of, k, threads=1)
    rows = found.to_pylist()
    names = ("character", "example_id", "second", "similarity", "share", "margin")
    results = vote(found, of).to_pylist()
    assert [row["face"] for row in results] == [*range(6)]
    for row in results:
        mine = [one for one in rows if one["face"] == row["face"]]
        assert tuple(row[name] for name in names) == counted(mine, of)
    assert vote(found.slice(0, 0), of).num_rows == 0


def test_the_nearest_reference_outvotes_many_that_are_further() -> None:
    of = references(np.eye(3), ["Arf", "Arf", "Fate"])
    found = pa.table(
        {
            "face": [7] * 3,
            "reference": [2, 0, 1],
            "code": [1, 0, 0],
            "similarity": np.array([0.9, 0.7, 0.7], np.float32),
            "nearest": np.array([0.9] * 3, np.float32),
        }
    )
    (row,) = vote(found, of).to_pylist()
    assert (row["face"], row["character"], row["example_id"], row["second"]) == (7, "Fate", "e002", "Arf")
    assert row["margin"] == pytest.approx(0.2)
    assert row["share"] == pytest.approx(0.965, abs=0.001)


def test_shares_of_the_vote_add_up_and_the_second_is_another() -> None:
    rng = np.random.default_rng(2)
    of = references(units(rng, 30), [f"c{i % 3}" for i in range(30)])
    rows = vote(neighbours(units(rng, 50), of, 5), of).to_pylist()
    assert len(rows) == 50
    for row in rows:
        assert 1 / 3 <= row["share"] <= 1
        assert row["second"] != row["character"]
        assert row["margin"] >= 0 or row["share"] < 0.5


def clouds(each: int, people: int = 3, spread: float = 0.1, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    names = [f"c{i % people}" for i in range(each * people)]
    x = (
        np.eye(16)[[i % people for i in range(each * people)]]
        + spread * rng.standard_normal((each * people, 16)) / 2
    )
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), np.float32), names


def test_the_score_rises_with_similarity_and_parts_known_from_strangers() -> None:
    _, fitted = calibrate(references(*clouds(6)), 5)
    scores = fitted.score(np.linspace(0, 1, 50))
    assert (np.diff(scores) > 0).all()
    assert scores[0] < 0.1
    assert scores[-1] > 0.9
    assert (fitted.known, fitted.right, fitted.recognised, fitted.strangers, fitted.taken) == (
        18,
        18,
        18,
        18,
        0,
    )


def test_tighter_examples_ask_for_more_similarity() -> None:
    loose = calibrate(references(*clouds(6, spread=0.4)), 5)[1].similarity
    tight = calibrate(references(*clouds(6, spread=0.05)), 5)[1].similarity
    assert loose < tight


def test_examples_of_one_shot_do_not_vouch_for_one_another() -> None:
    vectors, names = clouds(2, spread=0.0)
    again = np.concatenate([vectors, clouds(2, spread=0.5, seed=3)[0]])
    shots: list[str | None] = [*["s1"] * 6, *["s2"] * 6]
    apart = calibrate(references(again, names * 2, shots), 5)[1]
    together = calibrate(references(again, names * 2), 5)[1]
    assert apart.middle < together.middle


def test_one_character_with_one_example_has_no_trials_and_a_score_all_the_same() -> None:
    used, fitted = calibrate(references(*clouds(1, people=1)), 5)
    assert len(used) == 1
    assert (fitted.known, fitted.strangers) == (0, 0)
    assert 0.7 < fitted.similarity < 0.95
    assert fitted.at(0.5) == (None, None)


def test_a_model_with_a_threshold_of_its_own_starts_from_that() -> None:
    of = references(*clouds(1, people=1))
    assert calibrate(of, 5, model_similarity=0.643)[1].similarity == pytest.approx(0.643, abs=1e-6)


def test_prototypes_stand_for_appearances_and_are_left_out_of_their_own_trial() -> None:
    of = references(*clouds(5, spread=0.6))
    richer = of.with_prototypes()
    assert int(richer.is_prototype.sum()) == 3
    assert list(richer.characters) == sorted(richer.characters)
    means = richer.vectors[richer.is_prototype]
    assert np.linalg.norm(means, axis=1) == pytest.approx(1, abs=1e-5)
    assert not references(*clouds(2)).groups  # two examples make no prototype


def test_many_examples_of_one_do_not_outvote_the_one_that_fits() -> None:
    vectors, _ = clouds(1, people=2, spread=0)
    of = references(np.vstack([np.repeat(vectors[:1], 20, axis=0), vectors[1:]]), ["many"] * 20 + ["single"])
    face = (0.45 * vectors[:1] + 0.9 * vectors[1:]).astype(np.float32)
    row = vote(neighbours(face / np.linalg.norm(face), of, 5), of).to_pylist()[0]
    assert (row["character"], row["second"]) == ("single", "many")
    assert row["share"] > 0.9


def test_appearances_vote_for_one_character_and_the_nearest_is_told() -> None:
    vectors, _ = clouds(1, people=3, spread=0)
    told = pa.table(
        {
            "example_id": ["a", "b", "c"],
            "character": ["Hinata", "Hinata", "Aoi"],
            "appearance": [None, "Hairdown", None],
            "shot": pa.nulls(3, pa.string()),
            "vector": list(vectors),
        }
    )
    of = References.of(told)
    row = vote(neighbours(vectors[1:2], of, 5), of).to_pylist()[0]
    assert (row["character"], row["appearance"], row["second"]) == ("Hinata", "Hairdown", "Aoi")


def test_negatives_are_strangers_to_the_cast_and_nobodys_prototype() -> None:
    vectors, names = clouds(4)
    passer_by = np.eye(16, dtype=np.float32)[[12] * 4]
    of = references(np.vstack([vectors, passer_by]), [*names, *["ood"] * 4])
    _, fitted = calibrate(of, 5)
    assert (fitted.known, fitted.strangers) == (12, 16)
    assert "ood" not in np.array(of.with_prototypes().characters)[of.with_prototypes().is_prototype]

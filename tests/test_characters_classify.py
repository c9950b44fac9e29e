"""Who is who by a few examples: names, scores, strangers, shots, tags, people from behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from castings import MODEL, PEOPLE, Face, around, face_id, faces_of, give_examples, identities, three_people
from cli_run import Runner

from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.steps.characters.classify import Classified, ClassifyOptions

STRANGER, PASSER_BY = 9, 8
ASIDE, FAR = (0.0, 0.2, 0.2, 0.5), (0.75, 0.2, 0.95, 0.5)
HEAD = Face(None, (0.35, 0.1, 0.65, 0.55), "head")
BODY = Face(None, (0.3, 0.1, 0.7, 1.0), "person")


def of(person: int, seed: int = 0, box: tuple[float, float, float, float] | None = None) -> Face:
    return Face(around(person, seed), box) if box else Face(around(person, seed))


TURNED = of(STRANGER, 1)  # comes closest to Akari
LIKE_MIO = Face(around(STRANGER, 1) + 0.3 * around(1, 2))

SHOTS: dict[str, list[list[Face]]] = {
    "two people": [[of(0), of(1, 0, ASIDE)]],
    "one": [[of(2)]],
    "a stranger": [[of(STRANGER)]],
    "a negative": [[of(PASSER_BY)]],
    "somebody turns away and back": [[of(0, 1)], [TURNED], [of(0, 2)], [TURNED]],
    "somebody else after": [[of(0, 1)], [LIKE_MIO]],
    "far away": [[of(0, 1)], [of(STRANGER, 1, FAR)], [of(0, 2)]],
    "in the frame already": [[of(0, 1)], [TURNED, of(0, 3, ASIDE)], [of(0, 2)]],
    "another name after": [[of(0, 1)], [TURNED], [of(1, 2)]],
    "a cut before": [[of(0, 1)]],
    "a cut behind": [[LIKE_MIO], [of(0, 1)]],
    "tagged": [[of(STRANGER)]],
    "tagged faintly": [[of(STRANGER)]],
    "two faces tagged": [[of(STRANGER), of(STRANGER, 1, ASIDE)]],
    "two tags": [[of(STRANGER)]],
    "turns round": [[of(0, 1)], [HEAD, BODY]],
    "turns round, name is taken": [[of(0, 1)], [HEAD, of(0, 2, ASIDE)]],
    "turns round where two stood": [[of(0, 1)], [HEAD], [of(1, 1)]],
    "turns round, nobody known": [[TURNED], [HEAD]],
    "a second box": [[of(0, 1)], [of(1, 1), Face(None, (0.38, 0.15, 0.62, 1.0), "person"), HEAD]],
    "not embedded": [[Face(None)]],
}
TAGS = {
    "tagged": {"akari_(show)": 95},
    "tagged faintly": {"akari_(show)": 60},
    "two faces tagged": {"mio": 95},
    "two tags": {"akari_(show)": 90, "mio": 90},
}
FIRST = {name: sum(map(len, list(SHOTS.values())[:n])) for n, name in enumerate(SHOTS)}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(capsys, monkeypatch)


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """All of SHOTS in one database, with five examples of each of three people and negatives. Only classify it."""
    folder = tmp_path_factory.mktemp("show")
    frames = [frame for shot in SHOTS.values() for frame in shot]
    shots = [number for number, shot in enumerate(SHOTS.values()) for _ in shot]
    tags = [TAGS.get(name, {}) for name, shot in SHOTS.items() for _ in shot]
    with faces_of(folder, frames, shots=shots, tags=tags) as ds:
        three_people(ds)
        give_examples(ds, *((f"n{n}", "ood", around(PASSER_BY, 100 + n)) for n in range(3)))
        yield ds


@pytest.fixture(scope="module")
def answers(show: Dataset) -> dict[str, list[dict[str, Any]]]:
    """Who is in each shot, in order of frames and boxes."""
    return answers_of(show, ClassifyOptions())


def answers_of(show: Dataset, options: ClassifyOptions) -> dict[str, list[dict[str, Any]]]:
    show.characters.classify(options)
    rows = identities(show)
    ids = {name: [face_id(FIRST[name] + n)[:18] for n in range(len(shot))] for name, shot in SHOTS.items()}
    return {
        name: [row for one, row in sorted(rows.items()) if one[:18] in mine] for name, mine in ids.items()
    }


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["character"] for row in rows]


def test_every_face_gets_its_name_and_strangers_stay_unknown(answers: dict[str, Any]) -> None:
    assert names(answers["two people"]) == ["Akari", "Mio"]
    assert names(answers["one"]) == ["Rin"]
    assert names(answers["a stranger"]) == ["unknown"]


def test_negatives_are_ood(answers: dict[str, Any]) -> None:
    assert names(answers["a negative"]) == ["ood"]


def test_an_answer_tells_score_margin_the_next_and_what_decided(answers: dict[str, Any]) -> None:
    known, stranger = answers["one"][0], answers["a stranger"][0]
    assert known["score"] > 0.8 > 0.5 > stranger["score"]
    assert 0 < known["margin"] <= 1
    assert known["second"] in (*PEOPLE, "ood")
    assert known["example_id"].startswith("Rin-")
    assert known["by"] == "examples"
    told = json.loads(known["parameters"])
    assert (told["threshold"], told["model"], told["examples"]) == (0.5, MODEL, 18)
    assert stranger["second"] in (*PEOPLE, "ood")  # whom it came closest to


def test_a_face_between_two_of_one_character_in_a_shot_gets_that_name(answers: dict[str, Any]) -> None:
    before, turned, after, last = answers["somebody turns away and back"]
    assert (turned["character"], turned["by"]) == ("Akari", "shot")
    assert turned["score"] < before["score"]
    assert (last["character"], last["by"]) == ("Akari", "shot")  # only before, but it comes closest to her
    assert last["score"] == pytest.approx(0.7 * after["score"])


@pytest.mark.parametrize(
    "shot", ["somebody else after", "far away", "in the frame already", "another name after"]
)
def test_a_face_is_not_lifted_where_the_shot_says_nothing(answers: dict[str, Any], shot: str) -> None:
    assert names(answers[shot])[1] == "unknown"


def test_a_face_is_not_lifted_across_a_cut(answers: dict[str, Any]) -> None:
    assert names(answers["a cut behind"]) == ["unknown", "Akari"]


def test_a_lone_unknown_face_is_named_by_a_sure_tagger(answers: dict[str, Any]) -> None:
    row = answers["tagged"][0]
    assert (row["character"], row["by"]) == ("Akari", "tag")
    assert row["score"] == pytest.approx(0.95)


@pytest.mark.parametrize("shot", ["tagged faintly", "two faces tagged", "two tags"])
def test_a_tag_that_is_faint_or_may_mean_another_names_nobody(answers: dict[str, Any], shot: str) -> None:
    assert set(names(answers[shot])) == {"unknown"}


def test_somebody_who_turns_round_keeps_the_name_with_a_lower_score(answers: dict[str, Any]) -> None:
    face, back = answers["turns round"]  # the body is the same person as the head
    assert back["detection_id"].endswith("-h0")
    assert (back["character"], back["by"]) == ("Akari", "body")
    assert back["score"] == pytest.approx(0.7 * face["score"])


@pytest.mark.parametrize(
    "shot", ["name is taken", "where two stood", "nobody known"], ids=lambda s: s.replace(" ", "-")
)
def test_a_back_is_nobody_where_another_stood_or_the_name_is_taken(
    answers: dict[str, Any], shot: str
) -> None:
    rows = next(rows for name, rows in answers.items() if name.startswith("turns") and name.endswith(shot))
    assert [row for row in rows if row["by"] == "body"] == []


def test_a_second_box_around_a_face_is_nobody_else(answers: dict[str, Any]) -> None:
    assert names(answers["a second box"]) == ["Akari", "Mio"]


def test_lifts_can_be_left_out(show: Dataset) -> None:
    plain = answers_of(show, ClassifyOptions(shots=False, behind=False))
    assert {row["by"] for rows in plain.values() for row in rows} == {"examples", "tag"}


def test_threshold_and_margin_decide_what_is_unknown(show: Dataset, answers: dict[str, Any]) -> None:
    row = answers["one"][0]
    for options, name in [
        (ClassifyOptions(threshold=row["score"], margin=row["margin"]), "Rin"),
        (ClassifyOptions(threshold=min(1.0, row["score"] + 0.005)), "unknown"),
        (ClassifyOptions(margin=row["margin"] + 0.01), "unknown"),
    ]:
        assert names(answers_of(show, options)["one"]) == [name]


def test_classifying_twice_writes_nothing_the_second_time(show: Dataset) -> None:
    show.characters.classify()
    version, before = show.store.version("identities"), identities(show)
    show.characters.classify()
    assert show.store.version("identities") == version
    assert identities(show) == before


def test_where_classifies_some_frames_and_leaves_the_others(show: Dataset) -> None:
    show.characters.classify()
    one = FIRST["one"]
    told = answers_of(show, ClassifyOptions(threshold=1.0, where=f"ordinal = {one}"))
    assert names(told["one"]) == ["unknown"]
    assert names(told["two people"]) == ["Akari", "Mio"]
    with pytest.raises(QueryError, match="--where"):
        show.characters.classify(ClassifyOptions(where="no_such = 1"))


def test_preview_writes_nothing_and_shows_what_thresholds_give(show: Dataset) -> None:
    show.characters.classify()
    version = show.store.version("identities")
    rows = show.characters.preview(ClassifyOptions(threshold=0.55))
    assert 0.55 in [row["threshold"] for row in rows]
    assert len({sum(int(str(row[k])) for k in ("named", "unknown", "ood")) for row in rows}) == 1
    named = [int(str(row["named"])) for row in rows]
    assert named == sorted(named, reverse=True)
    assert rows[0]["examples_recognised"] == 1.0
    assert show.store.version("identities") == version


def test_the_command_tells_names_and_how_good_the_examples_are(show: Dataset, run: Runner) -> None:
    ran = run("characters", "classify", "--db", show.uri, "--format", "csv")
    assert ran.code == 0
    header, *rows = ran.out.splitlines()
    assert header == "character,faces,by_shot,by_tag,from_behind"
    assert next(row for row in rows if row.startswith("Akari")).split(",")[2:] == ["2", "1", "1"]
    assert "compared with 18 examples" in ran.err
    assert "15 of 15 examples get the right name from the other examples (100 %)" in ran.err
    assert "0 of 18 examples get a wrong name" in ran.err
    assert "1 faces have no vector" in ran.err
    ran = run("characters", "list", "--db", show.uri, "--format", "csv")
    assert ran.out.splitlines()[1].startswith("Akari,,5,5,0,0,0,0,")


@cache
def _none() -> tuple[Face, ...]:
    return (of(0), of(4, 0, ASIDE), of(4, 1, FAR))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Dataset]:
    """One frame with Akari, and twice somebody of whom there are no examples yet."""
    with faces_of(tmp_path, [_none()]) as ds:
        yield ds


def classified(ds: Dataset) -> tuple[Classified, list[str]]:
    found = ds.characters.classify()
    return found, names([row for _, row in sorted(identities(ds).items())])


def test_what_people_said_of_a_face_is_an_example_and_outranks_one_made_of_it(small: Dataset) -> None:
    three_people(small)
    small.characters.add_faces("Wrong", [face_id(0, 1)])
    small.label("character", "set", "Emi", [face_id(0, 1)])
    small.rename_characters({"Akari": "Takamachi Akari"})
    assert classified(small)[1] == ["Takamachi Akari", "Emi", "Emi"]
    assert identities(small)[face_id(0, 2)]["example_id"] == f"label {face_id(0, 1)}"


def test_bad_examples_are_told(small: Dataset) -> None:
    with pytest.raises(UsageError, match="no examples") as error:
        small.characters.classify()
    assert "animeds characters add" in str(error.value.hint)
    give_examples(small, ("n", "ood", around(STRANGER, 1)))
    with pytest.raises(UsageError, match="only negative examples"):
        small.characters.classify()
    small.characters.remove(examples=["n"])
    give_examples(small, ("old", "Akari", around(0, 100)), model="other@1")
    with pytest.raises(UsageError, match=r"other@1.*look@1") as error:
        small.characters.classify()
    assert "animeds characters embed" in str(error.value.hint)
    three_people(small)
    give_examples(small, ("slip", "Akari", around(1, 55)), ("single", "Emi", around(4, 55)))
    notes = classified(small)[0].notes
    assert any("other@1" in note for note in notes)
    assert any("example slip looks more like Mio" in note for note in notes)
    assert any("only one example of Emi" in note for note in notes)


def test_a_database_without_vectors_cannot_be_classified(tmp_path: Path) -> None:
    with (
        faces_of(tmp_path, [[Face(None)]]) as ds,
        pytest.raises(StoreError, match="No face in this database has a character vector"),
    ):
        ds.characters.classify()


@pytest.mark.parametrize("wrong", [{"k": 0}, {"threshold": 1.2}, {"margin": -0.1}])
def test_values_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        ClassifyOptions(**wrong).check()

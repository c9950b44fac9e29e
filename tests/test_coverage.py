"""Coverage of a character: what its pictures show and what is missing, judged by the drawn truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import whoiswho
from cli_run import Runner
from drawntruth import truth
from webserving import ONE, client_of

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, UsageError
from animeds_db.sample.truth import Person, State
from animeds_db.steps.coverage import KINDS
from animeds_db.steps.coverage.stretches import LEAST_S
from animeds_db.web import Options

Kind = tuple[str, str]


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whoiswho.named_show(tmp_path_factory.mktemp("coverage"))


@pytest.fixture(scope="module")
def ds(show: Path) -> Iterator[Dataset]:
    with animeds_db.open(show) as opened:
        yield opened


def drawn_kinds(person: Person, state: State) -> Iterator[Kind]:
    """Yield what a drawn person's picture shows, by the truth's tags."""
    tags = set(person.tags)
    alone = sum(one.head is not None for one in state.people) == 1
    behind, side = {"from_behind", "facing_away"} & tags, {"from_side", "profile"} & tags
    yield "angle", "behind" if behind else "side" if side else "front"
    framing = [one for kind, one in KINDS if kind == "framing" and one in tags]
    if framing:
        yield "framing", framing[0]
    if alone:
        moods = (
            ("crying", {"crying", "tears"}), ("angry", {"angry", "v-shaped_eyebrows"}), ("surprised", {"surprised"}),
            ("sad", {"frown"}), ("smiling", {"smile"}),
        )  # fmt: skip
        yield "expression", next((mood for mood, own in moods if own & tags), "neutral")
    around = set(state.tags)
    if "simple_background" in around:
        yield "setting", "plain"
    elif around & {"indoors", "outdoors"}:
        yield "setting", "outdoors" if "outdoors" in around else "indoors"


def truly_shown(ds: Dataset, character: str) -> Counter[Kind]:
    """Return how many of the character's kept frames show each kind in truth."""
    drawn = truth()
    frames = ds.sql(
        "SELECT DISTINCT k.frame_id, k.episode, k.time_s FROM characters AS c JOIN kept AS k USING (frame_id)"
        " WHERE c.character = $c AND k.is_blank IS NOT TRUE",
        c=character,
    ).fetchall()
    counts: Counter[Kind] = Counter()
    for _, episode, time_s in frames:
        state = drawn.at(episode, time_s)
        for person in state.people:
            if person.name == character:
                counts.update(drawn_kinds(person, state))
    return counts


LEAST, SLACK = 3, 1
"""The threshold of the agreement: a kind with fewer than LEAST pictures is a gap. Every gap that is named has fewer
than LEAST + SLACK pictures in truth, and every kind without one in truth is named."""


LEAST_RIGHT = 0.95
"""Share of the stretches beside a character that show it in the middle, of the drawn show's key frames."""


def test_gaps_agree_with_the_drawn_truth(ds: Dataset) -> None:
    for character in truth().characters:
        shown = truly_shown(ds, character.name)
        gaps = {(gap.aspect, gap.value) for gap in ds.coverage(character.name, least=LEAST).gaps}
        wrong = {kind: shown[kind] for kind in gaps if shown[kind] >= LEAST + SLACK}
        missed = {kind for kind in KINDS if shown[kind] == 0} - gaps
        assert not wrong, (character.name, wrong)
        assert not missed, (character.name, missed)


def test_stretches_that_were_not_ingested_show_the_character_in_truth(ds: Dataset) -> None:
    drawn, named, right = truth(), 0, 0
    for character in drawn.characters:
        for row in ds.coverage(character.name).stretches.rows.to_pylist():
            middle = (row["start_s"] + row["end_s"]) / 2
            people = drawn.at(row["episode"], middle).people
            named, right = named + 1, right + any(one.name == character.name for one in people)
    assert named >= 20 and right / named >= LEAST_RIGHT, (named, right)


def test_a_gap_says_in_words_what_is_missing_and_what_would_fill_it(ds: Dataset) -> None:
    chosen = ds.character_set("Emi", framing=["portrait"])
    found = ds.coverage("Emi", chosen)
    told = {str(gap): gap for gap in found.gaps}
    gap = told["no picture down to the thighs"]
    assert gap.n == 0 and 1 <= len(gap.best) <= 3
    kinds = ds.sql(
        "SELECT DISTINCT framing(f.tag_ids, c.bottom - c.top) FROM frames AS f"
        " JOIN faces AS c USING (frame_id) WHERE character = 'Emi' AND list_contains($ids, frame_id)",
        ids=list(gap.best),
    ).fetchall()
    assert ("cowboy_shot",) in kinds
    assert not set(gap.best) & {row[0] for row in chosen.fetchall()}
    assert "no picture down to the thighs" in str(found) and "<p>" in found._repr_html_()
    assert repr(found).startswith("Coverage(Emi: ")


def test_gaps_are_those_of_each_outfit(show: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(show, tmp_path / "show.animeds")
    with animeds_db.open(tmp_path / "show.animeds") as ds:
        outfits = ds.outfits("Natsuki")
        ds.name_outfits(outfits, {1: "school", 2: "summer"})
        found = ds.coverage("Natsuki")
    gaps = [str(gap) for gap in found.gaps]
    assert all(gap.endswith((" in the school outfit", " in the summer outfit")) for gap in gaps)
    summer = found.near.of({"summer"}).rows["appearance"].to_pylist()
    assert any(gap.startswith("no picture") and "summer" in gap for gap in gaps)
    assert 0 < len(summer) < len(found.near) and set(summer) <= {"summer", None}
    assert len(found.near.of({"summer", None})) == len(found.near)


def test_the_command_lists_gaps_and_counts(
    show: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEDS_DB", str(show))
    run = Runner(capsys, monkeypatch)
    done = run("coverage", "Emi", "--least", "2", "--format", "json")
    rows = json.loads(done.out)
    assert done.code == 0 and set(rows[0]) == {"gap", "n", "best"} and all(row["n"] < 2 for row in rows)
    counts = json.loads(run("coverage", "Emi", "--counts", "--format", "json").out)
    assert [(row["aspect"], row["value"]) for row in counts] == list(KINDS)
    told = run("coverage", "Emi", "--stretches", "--format", "json")
    stretches = json.loads(told.out)
    assert stretches[0]["n_sides"] == 2 and stretches[0]["end_s"] - stretches[0]["start_s"] >= LEAST_S
    assert f"{len(stretches)} stretches of 2 videos" in told.err
    assert "S01E01.mkv' --sample changes --replace" in told.err
    assert run("coverage", "Emi", "--stretches", "--counts").code == 2
    done = run("coverage", "Emi", "character_set", "-p", "characters=Emi", "-p", "count=2")
    assert "2 pictures of Emi were chosen" in done.err


def test_the_service_tells_the_same(ds: Dataset, show: Path) -> None:
    found = ds.coverage("Emi")
    with client_of(show, Options(limits=ONE)) as client:
        told = client.get("/api/characters/Emi/coverage").json()
        assert [(row["gap"], row["n"], row["best"]) for row in told["gaps"]] == [
            (str(gap), gap.n, list(gap.best)) for gap in found.gaps
        ]
        assert told["stretches"] == str(found.stretches) and told["commands"] == found.stretches.commands()
        assert client.get("/api/characters/Nobody/coverage").status_code == 400


def test_wrong_requests_are_errors(ds: Dataset) -> None:
    with pytest.raises(QueryError, match='no character "Nobody"'):
        ds.coverage("Nobody")
    with pytest.raises(UsageError, match="least is 0"):
        ds.coverage("Emi", least=0)
    with pytest.raises(QueryError, match="no column frame_id"):
        ds.coverage("Emi", sql="SELECT 1 AS x")

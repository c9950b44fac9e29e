"""`animeds tag --boxes`: tags of single people, and what captions of crops make of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import drawntruth
import pytest
import sampleshow
from cli_run import Runner
from drawntruth import overlap, truth
from ingesting import everything

import animeds_db
from animeds_db.captions import CaptionProfile
from animeds_db.dataset import Dataset
from animeds_db.errors import UsageError
from animeds_db.export import CropOptions, ExportOptions, select
from animeds_db.sample.drawing.look import HAIR_COLOURS
from animeds_db.sample.truth import Person, State
from animeds_db.store import Store
from animeds_db.store.remembered import remembered

KINDS = ("face", "person")
CROPS = ExportOptions(profile=CaptionProfile(parts=("tags",)), crops=CropOptions(kinds=KINDS))
BOXES = """
SELECT d.detection_id, d.kind, f.episode, f.time_s, d."left", d.top, d."right", d.bottom
FROM newest_detections AS d JOIN frames AS f USING (frame_id)
"""


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """The sample show with the tags of each face and each person."""
    with drawntruth.copy_of_show(tmp_path_factory.mktemp("tagged")) as dataset:
        report = dataset.tag("tiny-tagger", boxes=KINDS, device="cpu")
        assert {outcome.state for outcome in report.outcomes} == {"done"}
        yield dataset


def captions(dataset: Dataset) -> dict[str, str]:
    """Return the captions of the crops of faces and persons, by box."""
    plan = select(dataset.session, "SELECT frame_id FROM frames", options=CROPS)
    return {row["face_id"]: row["caption"] for row in plan.pictures.to_pylist() if row["crop_kind"]}


def owners(dataset: Dataset) -> dict[str, tuple[str, State, Person]]:
    """Return the kind of each box, what its frame shows, and whose box it is, for boxes of people who were drawn."""
    drawn = truth()
    found = {}
    for row in dataset.session.arrow(BOXES).to_pylist():
        state = drawn.at(row["episode"], row["time_s"])
        box = tuple(row[side] for side in ("left", "top", "right", "bottom"))
        people = [
            (overlap(box, part), n) for n, p in enumerate(state.people) if (part := getattr(p, row["kind"]))
        ]
        share, number = max(people, default=(0.0, 0))
        if share >= 0.3:
            found[row["detection_id"]] = (row["kind"], state, state.people[number])
    return found


def wrong(dataset: Dataset) -> dict[str, tuple[int, int]]:
    """Return, per kind of crop, the captions that name somebody else's hair colour or clothes, and all captions."""
    every = sorted(
        {tag for episode in truth().episodes for s in episode.states for p in s.people for tag in p.tags}
    )
    sql = "SELECT tag FROM (SELECT unnest($tags) AS tag) WHERE is_outfit_tag(tag) AND NOT is_hair_tag(tag)"
    looks = {row[0] for row in dataset.session.sql(sql, {"tags": every}).fetchall()}
    looks |= {f"{colour}_hair" for colour in HAIR_COLOURS}
    counts = {kind: [0, 0] for kind in KINDS}
    people = owners(dataset)
    for box, caption in captions(dataset).items():
        if box not in people:
            continue
        kind, state, person = people[box]
        others = {tag for one in state.people if one is not person for tag in one.tags} - set(person.tags)
        named = {words.replace(" ", "_") for words in caption.split(", ")}
        counts[kind][0] += bool(named & others & looks)
        counts[kind][1] += 1
    return {kind: (bad, n) for kind, (bad, n) in counts.items()}


def test_at_most_a_twentieth_of_the_captions_of_crops_name_somebody_elses_hair_or_clothes(
    tagged: Dataset,
) -> None:
    with animeds_db.open(sampleshow.database()) as without:
        before = wrong(without)
    after = wrong(tagged)
    for kind in KINDS:
        print(
            f"{kind} crops naming somebody else's looks: {before[kind]} before, {after[kind]} with tags per person"
        )
        assert before[kind][1] == after[kind][1] >= 40
        assert before[kind][0] > 0.5 * before[kind][1]
        assert after[kind][0] <= 0.05 * after[kind][1]


def test_the_boxes_of_a_person_are_found_together(tagged: Dataset) -> None:
    people = owners(tagged)
    rows = tagged.session.arrow("SELECT detection_id, person FROM person_boxes('frames')").to_pylist()
    found = [(row["detection_id"], row["person"]) for row in rows if row["detection_id"] != row["person"]]
    pairs = [(people[box][2], people[person][2]) for box, person in found if {box, person} <= people.keys()]
    assert len(pairs) >= 80
    assert sum(mine is not other for mine, other in pairs) <= 0.02 * len(pairs)


def test_a_second_run_does_nothing_and_an_ingest_that_tags_boxes_gives_the_same_rows(
    tagged: Dataset, tmp_path: Path
) -> None:
    before = tagged.store.version("box_tags")
    report = tagged.tag("tiny-tagger", boxes=KINDS, device="cpu")
    assert {outcome.state for outcome in report.outcomes} == {"skipped"}
    assert tagged.store.version("box_tags") == before
    (episode,) = sorted(sampleshow.episodes().glob("*E01*"))
    with animeds_db.create(tmp_path / "new.animeds", profile="tiny") as fresh:
        fresh.ingest(
            episode,
            sample="keyframes",
            end="0:20",
            profile="tiny",
            models={"boxes": "face,person"},
            device="cpu",
        )
        frames = {row["frame_id"] for row in everything(fresh.store)["frames"]}
        made = everything(fresh.store)["box_tags"]
        assert remembered(fresh.store)["boxes"] == "face,person"
    assert made == [row for row in everything(tagged.store)["box_tags"] if row["frame_id"] in frames]
    assert {row["kind"] for row in made} == set(KINDS)


def test_the_command_tags_boxes_and_drops_them_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with drawntruth.copy_of_show(tmp_path) as dataset:
        (frame,) = dataset.sql("SELECT min(frame_id) FROM faces").fetchall()[0]
        monkeypatch.setenv("ANIMEDS_DB", dataset.uri)
        run = Runner(capsys, monkeypatch)
        where = ["--where", f"frame_id = '{frame}'"]
        done = run("tag", "--model", "tiny-tagger", "--boxes", "head, face", *where, "--device", "cpu")
        assert done.code == 0, done.err
        boxes = dataset.sql(
            f"SELECT count(*) FROM newest_detections WHERE frame_id = '{frame}' AND kind <> 'person'"
        )
        assert dataset.sql("SELECT count(*) FROM box_tags").fetchall() == boxes.fetchall()
        for words, told in (
            (["--boxes", "fase"], 'did you mean "face"?'),
            (["--boxes", "halfbody"], "contains no halfbody boxes"),
            (["--boxes", "face", "--use"], "Omit --use"),
        ):
            refused = run("tag", "--model", "tiny-tagger", *words)
            assert refused.code == 2 and told in refused.err
        assert run("drop-model", "tiny-tagger").code == 0
        assert dataset.sql("SELECT count(*) FROM box_tags").fetchall() == [(0,)]
        with pytest.raises(UsageError, match="no person"):
            Dataset(Store.create(str(tmp_path / "empty.animeds"), 8, 8)).tag("tiny-tagger", boxes=["person"])

"""Pages and numbers of frames that are found source by source equal those of one query over all frames."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tables import TAGS, add_source, frame, new_store, rows
from webserving import ONE, client_of

from animeds_db.dataset import Dataset
from animeds_db.schema import frame_id
from animeds_db.store import Store
from animeds_db.store.remembered import remember
from animeds_db.web import Options
from animeds_db.web.paging import by_source
from animeds_db.web.paging.corrected import Corrections

SOURCES = ("cccccccc", "aaaaaaaa", "eeeeeeee", "bbbbbbbb", "dddddddd")
"""In the order of episodes, which is another one than that of the ids."""
FRAMES = 7
SELECTIONS = (
    "tag=1girl",
    "tag=1girl&tag=red_hair",
    "tag=-1girl",
    "character=Emi",
    "character=-Emi&tag=smile",
    "appearance=Emi/Summer",
    "hide=copies,dropped,blank,subtitled",
    "hide=dropped&tag=smile",
    "episode=2&episode=4",
    "source=aaaaaaaa&tag=red_hair",
    "gate=passed&gate=blank",
    "group=cccccccc-000000000",
    "tag=1boy&tag=1girl&tag=red_hair&tag=smile&character=Emi",
)


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few frames fill a group of sources, as many do in a large database."""
    monkeypatch.setattr(by_source, "FIRST", FRAMES + 1)
    monkeypatch.setattr(by_source, "GROWTH", 2)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = new_store(tmp_path)
    made.ensure_tags([(tag, "general") for tag in TAGS])
    for episode, source in enumerate(SOURCES, 1):
        add_source(made, source, episode=episode, n_frames=FRAMES)
        add_frames(made, source, seed=episode)
    add_source(made, "zzzzzzzz", state="running", episode=2)
    add_frames(made, "zzzzzzzz", seed=9)
    return made


def add_frames(store: Store, source: str, seed: int) -> None:
    chance = random.Random(seed)
    frames, faces, names, copies = [], [], [], []
    for number in range(FRAMES):
        tags = [tag for tag in range(1, len(TAGS) + 1) if chance.random() < 0.5]
        row = frame(
            source,
            number,
            tags=tags,
            shot=number // 3,
            width=1280,
            height=720,
            is_blank=chance.random() < 0.2,
        )
        row |= {
            "sharpness": 90.0,
            "brightness": 0.5,
            "text_upper": 0.0,
            "text_lower": chance.choice([0.0, 0.1]),
        }
        row |= dict.fromkeys(("border_left", "border_top", "border_right", "border_bottom"), 0.0)
        of = {"frame_id": row["frame_id"], "source_id": source}
        face = of | {"detection_id": f"{row['frame_id']}-f0"}
        frames.append(row)
        faces.append(
            face | {"kind": "face", "left": 0.2, "top": 0.2, "right": 0.6, "bottom": 0.6, "score": 0.9}
        )
        names.append(face | {"character": chance.choice(["Emi", "Aoi", "unknown"]), "appearance": "Summer"})
        if number < 2:
            copies.append(of | {"group_id": f"{source}-000000000", "keeper": number == 0})
    for table, made in (
        ("frames", frames),
        ("detections", faces),
        ("identities", names),
        ("duplicates", copies),
    ):
        store.upsert(table, rows(store, table, *made))


@pytest.fixture
def client(store: Store) -> Iterator[httpx2.Client]:
    with client_of(Path(store.uri), Options(limits=ONE)) as client:
        yield client


def by_query(client: httpx2.Client, selection: str) -> list[str]:
    """The frames of a selection by its SQL."""
    sql = client.get(f"/api/explain?{selection}").json()["sql"]
    answer = client.post("/api/sql", json={"q": sql, "limit": 1000})
    return [row[0] for row in answer.json()["rows"]]


def page(client: httpx2.Client, selection: str, start: int, count: int) -> list[str]:
    answer = client.get(f"/api/frames?{selection}&from={start}&count={count}")
    assert answer.status_code == 200, answer.text
    return [row["frame_id"] for row in answer.json()["frames"]]


def number(client: httpx2.Client, selection: str) -> int:
    answer = client.get(f"/api/count?{selection}")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["count"])


def expect_equal(client: httpx2.Client, selection: str) -> None:
    wanted = by_query(client, selection)
    assert page(client, selection, 0, 1000) == wanted
    assert number(client, selection) == len(wanted)


@pytest.mark.parametrize("selection", SELECTIONS)
def test_pages_from_any_position_equal_the_query(client: httpx2.Client, selection: str) -> None:
    wanted = by_query(client, selection)
    for start in random.Random(1).sample(range(len(wanted) + 2), len(wanted) + 2):
        assert page(client, selection, start, 4) == wanted[start : start + 4], start
    assert number(client, selection) == len(wanted)
    assert wanted or selection.count("=") > 4


def test_the_pages_that_follow_each_other_have_every_frame_once(client: httpx2.Client) -> None:
    wanted, found, after = by_query(client, "tag=-1boy"), [], "tag=-1boy&count=3"
    while after:
        answer = client.get(f"/api/frames?{after}").json()
        found += [row["frame_id"] for row in answer["frames"]]
        after = f"token={answer['next']}" if answer["next"] else ""
    assert found == wanted


def test_corrections_are_in_the_next_page_and_number(client: httpx2.Client) -> None:
    asked = ("hide=dropped&tag=smile", "tag=smile", "character=Emi", "character=-Emi&tag=smile", "tag=-1girl")
    for selection in asked:
        expect_equal(client, selection)
    smiling, emi = by_query(client, "tag=smile"), by_query(client, "character=Emi")
    corrections = (
        {"field": "frame", "op": "set", "value": "drop", "ids": smiling[2:4]},
        {"field": "tag", "op": "remove", "value": "smile", "ids": smiling[:1]},
        {"field": "tag", "op": "add", "value": "1girl", "ids": smiling[:5]},
        {"field": "character", "op": "set", "value": "Aoi", "ids": [f"{emi[0]}-f0"]},
    )
    acts = []
    for correction in corrections:
        before = {selection: number(client, selection) for selection in asked}
        answer = client.post("/api/labels", json=correction)
        assert answer.status_code == 200, answer.text
        acts.append(answer.json()["act"])
        for selection in asked:
            expect_equal(client, selection)
        assert {selection: number(client, selection) for selection in asked} != before
    for act in (acts[1], acts[3]):
        undone = client.delete(f"/api/labels/{act}").json()["act"]
        for selection in asked:
            expect_equal(client, selection)
        client.delete(f"/api/labels/{undone}")  # redo
        for selection in asked:
            expect_equal(client, selection)


def test_a_renamed_character_is_found_by_the_new_name_in_all_sources(
    client: httpx2.Client, store: Store
) -> None:
    emi = by_query(client, "character=Emi")
    assert page(client, "character=Emi", 0, 1000) == emi
    with Dataset(store) as dataset:
        dataset.rename_characters({"Emi": "Emilia"})
    assert page(client, "character=Emilia", 0, 1000) == emi
    assert number(client, "character=-Emilia") == len(SOURCES) * FRAMES - len(emi)


def test_corrections_are_about_the_sources_of_their_labels_and_of_what_they_undo(store: Store) -> None:
    corrections, versions = Corrections(store), store.versions()
    assert corrections.between({}, versions) is None
    assert corrections.between(versions, versions) == []

    def changed() -> list[str] | None:
        nonlocal versions
        before, versions = versions, store.versions()
        sources = corrections.between(before, versions)
        return None if sources is None else sorted(sources)

    with Dataset(store) as dataset:
        first, second = (frame_id(source, 0) for source in SOURCES[:2])
        dataset.label("tag", "add", "new_tag", [first], who="a")
        assert changed() == [SOURCES[0]]
        done = dataset.label("frame", "set", "drop", [first, second], who="a")
        assert changed() == sorted(SOURCES[:2])
        undone = dataset.undo(done.id)
        assert changed() == sorted(SOURCES[:2])
        dataset.undo(undone.id)
        dataset.label("frame", "set", "drop", [frame_id(SOURCES[4], 0)])
        assert changed() == sorted([*SOURCES[:2], SOURCES[4]])
        dataset.rename_characters({"Emi": "Emilia"})
        assert changed() is None
        remember(store, {"profile": "small"})
        assert changed() == []
        add_source(store, SOURCES[0], episode=9, n_frames=FRAMES)
        assert changed() is None


def test_another_episode_is_in_the_next_page(client: httpx2.Client, store: Store) -> None:
    first = page(client, "tag=-1boy", 0, 3)
    total = number(client, "tag=-1boy")
    add_frames(store, "ffffffff", seed=20)
    add_source(store, "ffffffff", episode=0, n_frames=FRAMES)
    wanted = by_query(client, "tag=-1boy")
    assert wanted[0].startswith("ffffffff") and len(wanted) > total
    assert page(client, "tag=-1boy", 3, 3) == wanted[3:6] != first
    assert number(client, "tag=-1boy") == len(wanted)


def test_frames_without_a_source_are_found_too(client: httpx2.Client, store: Store) -> None:
    add_frames(store, "yyyyyyyy", seed=3)
    wanted = by_query(client, "tag=-1boy")
    assert any(frame.startswith("yyyyyyyy") for frame in wanted)
    expect_equal(client, "tag=-1boy")


def test_an_unknown_name_is_an_error_although_frames_are_found(client: httpx2.Client) -> None:
    assert (
        client.get("/api/frames?tag=smile&tag=-smyle").json()["error"]["message"]
        == 'There is no tag "smyle".'
    )
    assert client.get("/api/count?show=Show&show=Nowhere").status_code == 400
    assert client.get("/api/frames?character=Nobody").status_code == 400


def test_the_facts_of_a_frame_have_its_copies_in_other_episodes(client: httpx2.Client, store: Store) -> None:
    mine, other = frame_id("aaaaaaaa", 4000), frame_id("bbbbbbbb", 5000)
    group = [
        {"frame_id": one, "source_id": one[:8], "group_id": other, "keeper": one == other}
        for one in (mine, other)
    ]
    store.upsert("duplicates", rows(store, "duplicates", *group))
    facts = client.get(f"/api/frames/{mine}").json()
    assert [(copy["frame_id"], copy["keeper"]) for copy in facts["duplicates"]] == [
        (other, True),
        (mine, False),
    ]
    assert [face["face_id"] for face in facts["faces"]] == [f"{mine}-f0"]
    assert facts["neighbours"]["before"] == frame_id("aaaaaaaa", 3000)
    assert client.get("/api/frames/aaaaaaaa-999999999").status_code == 404

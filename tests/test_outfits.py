"""Outfits: the bodies of a character grouped by their clothes, judged by the drawn truth, and corrected."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pytest
import sampleshow
import whoiswho
from cli_run import Runner
from drawntruth import truth
from ingesting import run
from webserving import ONE, client_of

import animeds_db
from animeds_db.dataset import Dataset, open_or_create
from animeds_db.errors import QueryError, UsageError
from animeds_db.models import load_profile
from animeds_db.steps.outfits.find import OutfitOptions, Outfits
from animeds_db.web import Options

LEAST_PURITY = 0.95
"""Share of the grouped bodies whose outfit is mostly what they wear, with the tiny pack, over the whole cast."""
LEAST_GROUPED = 0.7
"""Share of all bodies that are in an outfit."""
UNIFORM = ("school_uniform", "serafuku", "gakuran")


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whoiswho.named_show(tmp_path_factory.mktemp("outfits"))


@pytest.fixture
def ds(show: Path, tmp_path: Path) -> Iterator[Dataset]:
    shutil.copytree(show, tmp_path / "show.animeds")
    with animeds_db.open(tmp_path / "show.animeds") as opened:
        yield opened


def truly_worn(ds: Dataset, found: Outfits) -> list[str]:
    """Return what each body wears in truth: "school" or "free"; every character has one outfit of each kind."""
    drawn = truth()
    times = dict(ds.sql("SELECT frame_id, time_s FROM frames").fetchall())
    worn = []
    for row in found.bodies.to_pylist():
        people = drawn.at(row["episode"], times[row["frame_id"]]).people
        person = next(one for one in people if one.name == found.character)
        worn.append("school" if any(tag in person.tags for tag in UNIFORM) else "free")
    return worn


def purity(ds: Dataset, found: Outfits) -> tuple[int, int]:
    """Return how many grouped bodies wear what most of their outfit wear, and how many are grouped."""
    groups: dict[int, Counter[str]] = {}
    for number, worn in zip(found.numbers.tolist(), truly_worn(ds, found), strict=True):
        if number:
            groups.setdefault(number, Counter())[worn] += 1
    counts = groups.values()
    return sum(max(one.values()) for one in counts), sum(sum(one.values()) for one in counts)


def test_outfits_of_the_drawn_cast_are_pure_and_few(ds: Dataset) -> None:
    right = grouped = bodies = 0
    for character in truth().characters:
        found = ds.outfits(character.name)
        pure, n = purity(ds, found)
        right, grouped, bodies = right + pure, grouped + n, bodies + found.bodies.num_rows
        assert 1 <= len(found.rows()) <= 6, (character.name, found.rows())
    assert right / grouped >= LEAST_PURITY and grouped / bodies >= LEAST_GROUPED, (right, grouped, bodies)


def test_names_are_appearances_that_queries_and_folders_know(ds: Dataset) -> None:
    found = ds.outfits("Natsuki")
    act = ds.name_outfits(found, {1: "first", 2: "second"})
    assert act.n == len(found.ids(1)) + len(found.ids(2))
    again = ds.outfits("Natsuki")
    assert [row["name"] for row in again.rows()][:2] == ["first", "second"]
    assert set(found.ids(1)) <= set(again.ids(1))
    rows = ds.character_set("Natsuki", appearances=["first", "second"], per="appearance", count=6).fetchall()
    appearances = [row[7] for row in rows]
    assert Counter(appearances) == {"first": 3, "second": 3}
    folders = {row["folder"] for row in _folders(ds)}
    assert {"first", "second"} <= folders
    ds.undo(act.id)
    assert all(row["name"] is None for row in ds.outfits("Natsuki").rows())


def _folders(ds: Dataset) -> list[dict[str, object]]:
    from animeds_db.export import Arrangement, ExportOptions

    options = ExportOptions(arrangement=Arrangement(form="appearance"))
    selection = ds.character_set("Natsuki", appearances=["first", "second"])
    return ds.preview_export(selection, options=options).folders


def test_what_a_person_said_of_one_face_wins(ds: Dataset) -> None:
    found = ds.outfits("Natsuki")
    other = found.ids(2)[0]
    ds.name_outfits(found, {1: "first", 2: "second"})
    ds.label("appearance", "set", "first", [other])
    again = ds.outfits("Natsuki")
    assert other in again.ids(1) and set(found.ids(2)) - {other} <= set(again.ids(2))
    ds.name_outfits(again, {2: "third"})
    named = dict(ds.sql("SELECT face_id, appearance FROM characters WHERE character = 'Natsuki'").fetchall())
    assert named[other] == "first"


def test_a_close_up_has_the_outfit_of_its_shot(tmp_path: Path) -> None:
    models = load_profile("tiny", device="cpu")
    with open_or_create(str(tmp_path / "shot.animeds"), models) as ds:
        episode = min(sampleshow.episodes().glob("*.mkv"))
        run(ds.store, episode, how="every=0.5s 2..4", models=models)
        ds.label_all(
            ("character", "set", name, face) for face, name in whoiswho.truly(ds).items() if name != "extra"
        )
        seen = ds.outfits("Natsuki")
        assert len(set(seen.bodies["shot"].to_pylist())) == 1 and seen.rows()[0]["n_from_shot"] == 0
        body = seen.bodies.filter(pc.equal(seen.bodies["outfit"], 1)).to_pylist()[1]
        ds.label("tag", "add", "close-up", [body["frame_id"]])
        found = ds.outfits("Natsuki")
        row = next(one for one in found.bodies.to_pylist() if one["detection_id"] == body["detection_id"])
        assert (row["tags"], row["outfit"], row["from_shot"]) == ([], 1, True)
        assert found.rows()[0]["n_from_shot"] == 1
        ds.name_outfits(found, {1: "school"})
        named = dict(ds.sql("SELECT face_id, appearance FROM characters").fetchall())
        assert named[body["detection_id"]] == "school"


def test_the_service_names_merges_splits_and_filters_outfits(ds: Dataset) -> None:
    with client_of(Path(ds.uri), Options(limits=ONE, who="Mika")) as client:
        path = "/api/characters/Natsuki/outfits"
        sheet = client.get(path, params={"count": 2}).json()
        rows = ds.outfits("Natsuki").rows()
        assert [{key: one[key] for key in rows[0]} for one in sheet["outfits"]] == rows
        assert all(1 <= len(one["bodies"]) <= 2 for one in sheet["outfits"])
        body = {"version": sheet["version"]}
        named = client.post(f"{path}/1/name", json=body | {"name": "school"})
        assert named.json()["n"] == rows[0]["n_bodies"]
        late = client.post(f"{path}/1/name", json=body | {"name": "summer"})
        assert late.status_code == 409 and "have changed" in late.json()["error"]["message"]

        body = {"version": client.get(path).json()["version"]}
        assert client.post(f"{path}/2/name", json=body | {"name": "summer"}).status_code == 200
        values = client.get("/api/facets", params={"facet": "appearance"}).json()["values"]
        assert {row["value"] for row in values} == {"Natsuki/school", "Natsuki/summer"}
        for row in values:
            assert (
                client.get("/api/count", params={"appearance": row["value"]}).json()["count"] == row["count"]
            )
        both = {"appearance": [row["value"] for row in values]}
        assert client.get("/api/count", params=both).json()["count"] == sum(row["count"] for row in values)
        hers = {"character": "Natsuki"}
        without = client.get("/api/count", params=hers | {"appearance": "-Natsuki/school"}).json()["count"]
        in_school = next(row["count"] for row in values if row["value"] == "Natsuki/school")
        assert without == client.get("/api/count", params=hers).json()["count"] - in_school > 0
        wrong = client.get("/api/count", params={"appearance": "Natsuki/schol"})
        assert wrong.status_code == 400 and 'did you mean "Natsuki/school"' in wrong.json()["error"]["hint"]

        body = {"version": client.get(path).json()["version"]}
        assert client.post(f"{path}/merge", json=body | {"outfits": [1, 2]}).status_code == 200
        merged = client.get(path).json()
        assert merged["outfits"][0]["name"] == "school" and merged["outfits"][0]["n_bodies"] >= 12
        body = {"version": merged["version"]}
        assert client.post(f"{path}/1/split", json=body).status_code == 200
        assert {one["name"] for one in client.get(path).json()["outfits"]} >= {"school", "school 2"}
        assert client.get("/api/characters/Nobody/outfits").status_code == 400
        assert client.post(f"{path}/merge", json=body | {"outfits": [1]}).status_code == 422


def test_outfits_are_merged_and_split_and_that_is_undone(ds: Dataset) -> None:
    found = ds.outfits("Natsuki")
    both = set(found.ids(1)) | set(found.ids(2))
    act = ds.merge_outfits(found, [2, 1])
    merged = ds.outfits("Natsuki")
    assert both <= set(merged.ids(1)) and merged.names()[1] == "outfit 2"
    split = ds.split_outfit(merged, 1)
    parts = ds.outfits("Natsuki")
    assert {"outfit 2", "outfit 2 2"} <= set(parts.names().values())
    ds.undo(split.id)
    ds.undo(act.id)
    assert ds.outfits("Natsuki").numbers.tolist() == found.numbers.tolist()


def test_wrong_requests_are_errors_with_a_way_out(ds: Dataset) -> None:
    with pytest.raises(QueryError, match='no character "Natsuky"') as caught:
        ds.outfits("Natsuky")
    assert 'did you mean "Natsuki"' in (caught.value.hint or "")
    found = ds.outfits("Natsuki")
    with pytest.raises(QueryError, match="Natsuki has no outfit 99"):
        ds.name_outfits(found, {99: "x"})
    with pytest.raises(UsageError, match="is empty"):
        ds.name_outfits(found, {1: " "})
    with pytest.raises(UsageError, match="at least 2 outfits"):
        ds.merge_outfits(found, [1])
    with pytest.raises(UsageError, match="at least 2"):
        ds.split_outfit(found, 1, 1)
    with pytest.raises(UsageError, match="threshold is 2"):
        OutfitOptions(threshold=2)


def test_the_command_shows_names_and_writes_a_sheet(
    ds: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEDS_DB", ds.uri)
    command = Runner(capsys, monkeypatch)
    done = command(
        "characters",
        "outfits",
        "Natsuki",
        "--name",
        "1=school",
        "--sheet",
        tmp_path / "natsuki.html",
        "-n",
        3,
    )
    assert done.code == 0, done.err
    assert "named: " in done.err and "school" in done.out
    page = (tmp_path / "natsuki.html").read_text("utf-8")
    assert "What Natsuki wears" in page and "1 · school · " in page and "data:image/webp" in page
    assert command("characters", "outfits", "Natsuki", "--merge", "1,2").code == 0
    for words in (("--name", "one=school"), ("--merge", "a,b"), ("--name", "1=x", "--split", "1")):
        assert command("characters", "outfits", "Natsuki", *words).code == 2

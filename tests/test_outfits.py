"""Outfits: the bodies of a character grouped by their clothes, judged by the drawn truth, and corrected."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import whoiswho
from cli_run import Runner
from drawntruth import truth

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, UsageError
from animeds_db.steps.outfits.find import OutfitOptions, Outfits

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
    run = Runner(capsys, monkeypatch)
    done = run(
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
    assert run("characters", "outfits", "Natsuki", "--merge", "1,2").code == 0
    for words in (("--name", "one=school"), ("--merge", "a,b"), ("--name", "1=x", "--split", "1")):
        assert run("characters", "outfits", "Natsuki", *words).code == 2

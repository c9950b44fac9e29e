"""What a person dropped is never exported, captioned or balanced; near-duplicates only where they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_run import Runner
from export_material import GIRL, Measured, content, database, picture_source, video_source
from tables import rows

from animeds_db.captions import CaptionProfile
from animeds_db.dataset import Dataset
from animeds_db.errors import ExportError
from animeds_db.export import ExportOptions
from animeds_db.export.columns.balance import Balance

ALL = "SELECT frame_id FROM frames"
GIRLS = {"has": ["1girl"]}


@pytest.fixture
def sources(tmp_path: Path) -> list[Measured]:
    return [video_source(tmp_path / "Show - S01E01.mkv"), picture_source(tmp_path / "caps")]


@pytest.fixture
def ds(tmp_path: Path, sources: list[Measured]) -> Iterator[Dataset]:
    """Four frames of a video, the second and third near-duplicates of the first; three pictures, the first dropped."""
    store = database(tmp_path / "db", sources, lambda _i, _id: GIRL)
    first, second, third, _ = sources[0].frame_ids
    group = [
        {"frame_id": frame, "group_id": first, "keeper": frame == first} for frame in (first, second, third)
    ]
    store.rewrite("duplicates", rows(store, "duplicates", *group))
    with Dataset(store) as opened:
        opened.label("frame", "set", "drop", sources[1].frame_ids[:1])
        yield opened


def exported(folder: Path) -> set[str]:
    return {line["frame_id"] for line in json.loads((folder / "animeds-export.json").read_text())["pictures"]}


def test_a_dropped_frame_is_never_exported_whatever_the_selection_is(
    ds: Dataset, sources: list[Measured], tmp_path: Path
) -> None:
    every = {*sources[0].frame_ids, *sources[1].frame_ids}
    dropped = sources[1].frame_ids[0]
    for number, sql in enumerate((ALL, "SELECT * FROM lance_frames", f"SELECT frame_id FROM ({ALL})")):
        ds.export(None, tmp_path / f"out{number}", sql=sql)
        assert exported(tmp_path / f"out{number}") == every - {dropped}
    report = ds.export(None, tmp_path / "all", sql=ALL, include_dropped=True)
    assert exported(tmp_path / "all") == every and report.notes == ()


def test_built_in_queries_leave_near_duplicates_out_unless_they_are_asked_for(
    ds: Dataset, sources: list[Measured], tmp_path: Path
) -> None:
    first, second, third, fourth = sources[0].frame_ids
    dropped, *others = sources[1].frame_ids
    report = ds.export("by_tags", tmp_path / "out", params=GIRLS)
    assert exported(tmp_path / "out") == {first, fourth, *others}
    assert report.notes[0] == "7 match, 2 near-duplicates and 1 dropped left out"
    report = ds.export("by_tags", tmp_path / "copies", params=GIRLS | {"copies": True})
    assert exported(tmp_path / "copies") == {first, second, third, fourth, *others}
    assert report.notes[0] == "7 match, 1 dropped left out"
    report = ds.export("by_tags", tmp_path / "dropped", params=GIRLS, include_dropped=True)
    assert exported(tmp_path / "dropped") == {first, fourth, dropped, *others}
    assert report.notes[0] == "7 match, 2 near-duplicates left out"


@pytest.mark.parametrize("query", ["by_tags", "sample"])
def test_what_is_left_out_takes_no_place_of_a_limited_selection(
    ds: Dataset, sources: list[Measured], query: str
) -> None:
    limit = {"by_tags": "limit", "sample": "n"}[query]
    found = [row[0] for row in ds.query(query, {limit: 4}).fetchall()]
    assert set(found) == {sources[0].frame_ids[0], sources[0].frame_ids[3], *sources[1].frame_ids[1:]}


def test_a_near_duplicate_that_a_person_keeps_is_exported(
    ds: Dataset, sources: list[Measured], tmp_path: Path
) -> None:
    ds.label("frame", "set", "keep", sources[0].frame_ids[1:2])
    report = ds.export("by_tags", tmp_path / "out", params=GIRLS)
    assert sources[0].frame_ids[1] in exported(tmp_path / "out")
    assert report.notes[0] == "7 match, 1 near-duplicate and 1 dropped left out"


def test_near_duplicates_of_any_selection_can_be_left_out(
    ds: Dataset, sources: list[Measured], tmp_path: Path
) -> None:
    report = ds.export(None, tmp_path / "out", sql=ALL, include_copies=False)
    assert len(exported(tmp_path / "out")) == report.n_pictures == 4
    assert report.notes[0] == "7 match, 2 near-duplicates and 1 dropped left out"


def test_a_dropped_frame_is_neither_captioned_nor_balanced(
    ds: Dataset, sources: list[Measured], tmp_path: Path
) -> None:
    dropped = sources[1].frame_ids[0]
    captioned = ds.captions(None, sql=ALL, profile=CaptionProfile())
    assert len(captioned) == 6 and dropped not in {row["frame_id"] for row in captioned}
    assert len(ds.captions(None, sql=ALL, include_dropped=True)) == 7
    by_source = "SELECT frame_id, source_id AS folder FROM frames"
    preview = ds.preview_export(None, sql=by_source, options=ExportOptions(balance=Balance()))
    assert [(row["pictures"], row["repeats"]) for row in preview.folders] == [(4, 1), (2, 2)]
    assert preview.notes == ("7 match, 1 dropped left out",)


def test_a_selection_of_dropped_frames_only_says_so(
    ds: Dataset, sources: list[Measured], tmp_path: Path
) -> None:
    only = f"SELECT frame_id FROM frames WHERE frame_id = '{sources[1].frame_ids[0]}'"
    with pytest.raises(ExportError, match="1 match, 1 dropped left out") as caught:
        ds.export(None, tmp_path / "out", sql=only)
    assert "--include-dropped" in (caught.value.hint or "")
    with pytest.raises(ExportError, match="1 dropped left out"):
        ds.captions(None, sql=only)


def test_a_dropped_frame_gives_no_crops_and_its_faces_select_nothing(
    ds: Dataset, sources: list[Measured], tmp_path: Path
) -> None:
    left = "SELECT frame_id, unnest([[0, 0, 0.5, 1], [0.5, 0, 1, 1]]) AS crop FROM frames"
    ds.export(None, tmp_path / "out", sql=left, options=ExportOptions(captions=False))
    assert sources[1].frame_ids[0] not in exported(tmp_path / "out")
    assert sum(name.endswith(".png") for name in content(tmp_path / "out")) == 12


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    return Runner(capsys, monkeypatch)


def test_the_command_line_says_what_is_left_out(ds: Dataset, run: Runner, tmp_path: Path) -> None:
    db = ("--db", ds.uri)
    sentence = "7 match, 2 near-duplicates and 1 dropped left out"
    for more in (("--dry-run",), ()):
        ran = run("export", "by_tags", "-p", "has=1girl", tmp_path / "out", *db, *more)
        assert ran.code == 0 and sentence in ran.err
    ran = run("export", "by_tags", tmp_path / "all", "-p", "copies=true", "--include-dropped", *db)
    assert "7 pictures" in ran.err and "left out" not in ran.err
    ran = run("caption", "--sql", ALL, "--format", "csv", *db)
    assert len(ran.out.splitlines()) == 1 + 6
    ran = run("caption", "--sql", ALL, "--include-dropped", "--format", "csv", *db)
    assert len(ran.out.splitlines()) == 1 + 7

"""Episodes that moved: told once, checked against the frames that were stored."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_run import Ran, Runner
from export_material import Measured, database, picture_source, video_source

from animeds_db.errors import SourceError, UsageError
from animeds_db.steps.relocate import relocate
from animeds_db.store import Store


@pytest.fixture
def disk(tmp_path: Path) -> tuple[Path, list[Measured], Store]:
    place = tmp_path / "old" / "anime"
    place.mkdir(parents=True)
    sources = [video_source(place / "Show - 01.mkv"), picture_source(place / "caps")]
    return place, sources, database(tmp_path / "db", sources)


def uris(store: Store) -> set[str]:
    return set(store.table("sources").to_table()["uri"].to_pylist())


def test_all_sources_below_a_folder_move_with_it(
    disk: tuple[Path, list[Measured], Store], tmp_path: Path
) -> None:
    place, _, store = disk
    shutil.move(place.parent, tmp_path / "new")
    moved = relocate(store, str(tmp_path / "old"), tmp_path / "new")
    assert len(moved) == 2
    assert uris(store) == {str(tmp_path / "new" / "anime" / name) for name in ("Show - 01.mkv", "caps")}


def test_a_file_may_get_another_name(disk: tuple[Path, list[Measured], Store], tmp_path: Path) -> None:
    place, sources, store = disk
    (place / "Show - 01.mkv").rename(place / "renamed.mkv")
    (moved,) = relocate(store, sources[0].source_id, place / "renamed.mkv")
    assert moved.new == str(place / "renamed.mkv") and moved.new in uris(store)


def test_a_file_that_is_another_is_refused_and_nothing_changes(
    disk: tuple[Path, list[Measured], Store], tmp_path: Path
) -> None:
    place, sources, store = disk
    other = video_source(tmp_path / "other.mkv", params="crf=40")
    before = uris(store)
    with pytest.raises(SourceError, match=r"other\.mkv is not the Show - 01\.mkv that was ingested"):
        relocate(store, str(sources[0].path), other.path)
    with pytest.raises(SourceError, match="does not exist"):
        relocate(store, str(place), tmp_path / "nowhere")
    with pytest.raises(UsageError, match="No source was at"):
        relocate(store, str(tmp_path / "never"), place)
    assert uris(store) == before


def test_an_export_names_the_video_that_is_gone_and_the_way_out(
    disk: tuple[Path, list[Measured], Store],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place, _, store = disk
    run = Runner(capsys, monkeypatch)

    def animeds(*words: object) -> Ran:
        return run(*words, "--db", store.uri)

    place.rename(tmp_path / "new")
    gone = animeds("export", "--sql", "SELECT frame_id FROM frames", tmp_path / "out")
    assert gone.code == 1 and "no longer exists" in gone.err and "animeds sources relocate" in gone.err
    listed = animeds("sources", "list", "--format", "json")
    assert listed.out.count('"is_there":false') == 2 or listed.out.count('"is_there": false') == 2
    assert animeds("sources", "relocate", place, tmp_path / "new").code == 0
    assert animeds("export", "--sql", "SELECT frame_id FROM frames", tmp_path / "out").code == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 7

"""A folder appears whole or not at all, and nothing that a person made is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from export_material import Measured, content, picture_source, tables, video_source

from animeds_db.captions import CaptionProfile
from animeds_db.errors import ExportError, SourceError
from animeds_db.export import ExportOptions, export
from animeds_db.export.folder.writer import NewFolder

AGAIN = ExportOptions(overwrite=True)


@pytest.fixture(scope="module")
def caps(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return picture_source(tmp_path_factory.mktemp("caps") / "caps")


@pytest.fixture
def out(tmp_path: Path, caps: Measured) -> Path:
    """A folder that was exported before."""
    export(
        *tables([caps]),
        tmp_path / "out",
        options=ExportOptions(profile=CaptionProfile(activation_tag="first")),
    )
    return tmp_path / "out"


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let this process write no file above 100 bytes: the kernel's own error, as on a full disk."""
    resource = pytest.importorskip("resource", reason="limits of file size are a thing of Unix")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refused(caps: Measured, out: Path, options: ExportOptions = AGAIN) -> str:
    """Export and return the message of the refusal; the folder must be as it was."""
    before = content(out.parent)
    with pytest.raises(ExportError) as caught:
        export(*tables([caps]), out, options=options)
    assert caught.value.hint
    assert content(out.parent) == before
    return f"{caught.value} {caught.value.hint}"


def test_a_folder_with_something_in_it_is_refused_without_overwrite(caps: Measured, out: Path) -> None:
    assert "not empty" in refused(caps, out, ExportOptions())


def test_an_earlier_export_is_replaced_with_overwrite(caps: Measured, out: Path) -> None:
    before = content(out)
    again = tables([caps], steer=lambda i, row: {"caption": "second, 1girl"})
    export(*again, out, options=ExportOptions(image_format="webp", overwrite=True))
    after = content(out)
    assert not set(after) & {name for name in before if name.endswith(".png")}
    assert after["picture 1.txt"].startswith(b"second, ")
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_a_folder_that_no_export_made_is_never_replaced(caps: Measured, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("mine")
    assert "no export wrote" in refused(caps, tmp_path / "out")


def test_files_that_a_person_added_keep_the_folder_from_being_replaced(caps: Measured, out: Path) -> None:
    (out / "notes").mkdir()
    (out / "notes" / "fan art.png").write_bytes(b"png")
    assert "notes/fan art.png (not from the export)" in refused(caps, out)


def test_captions_that_a_person_edited_keep_the_folder_from_being_replaced(caps: Measured, out: Path) -> None:
    (out / "picture 2.txt").write_text("a better caption")
    assert "picture 2.txt (edited)" in refused(caps, out)


def test_pictures_that_a_person_painted_on_keep_the_folder_from_being_replaced(
    caps: Measured, out: Path
) -> None:
    (out / "picture 2.png").write_bytes(b"another picture")
    assert "picture 2.png (another picture)" in refused(caps, out)


def test_what_a_file_manager_leaves_behind_does_not_matter(caps: Measured, out: Path) -> None:
    (out / ".DS_Store").write_bytes(b"")
    export(*tables([caps]), out, options=AGAIN)
    assert (out / "picture 3.png").is_file() and not (out / ".DS_Store").exists()


def test_a_deleted_picture_does_not_come_back_before_sync_has_read_the_deletion(
    caps: Measured, out: Path
) -> None:
    (out / "picture 3.png").unlink()
    message = refused(caps, out)
    assert "picture 3.png (deleted)" in message and f"Run `animeds sync '{out}'` first" in message
    (out / ".animeds-sync.json").write_text("{")  # a record that cannot be read excuses nothing
    assert "picture 3.png (deleted)" in refused(caps, out)


def test_a_manifest_that_cannot_be_read_protects_its_folder(caps: Measured, out: Path) -> None:
    (out / "animeds-export.json").write_text("{")
    assert "cannot be read" in refused(caps, out)


def test_a_file_in_the_place_of_the_folder_is_refused(caps: Measured, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    assert "is a file" in refused(caps, tmp_path / "out")


def test_an_empty_folder_is_used(caps: Measured, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(*tables([caps]), tmp_path / "out")
    assert (tmp_path / "out" / "picture 1.png").is_file()


def test_missing_folders_above_are_made(caps: Measured, tmp_path: Path) -> None:
    export(*tables([caps]), tmp_path / "a" / "b" / "out")
    assert (tmp_path / "a" / "b" / "out" / "CREDITS.txt").is_file()


def test_the_folder_one_is_in_is_refused(
    caps: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert "the current folder" in refused(caps, Path())


def test_a_full_disk_leaves_nothing_behind(caps: Measured, tmp_path: Path, small_files: None) -> None:
    with pytest.raises(ExportError, match="no space left") as caught:
        export(*tables([caps]), tmp_path / "out")
    assert caught.value.hint and list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_folder_as_it_was(caps: Measured, out: Path, small_files: None) -> None:
    assert "no space left" in refused(caps, out)


def test_an_export_that_was_interrupted_goes_on_where_it_stopped(caps: Measured, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        signal.raise_signal(signal.SIGINT)

    plan, sources = tables([caps])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            export(plan, sources, tmp_path / "out", options=ExportOptions(workers=1), progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "out").exists()
    (tmp_path / ".out.partial" / "stray.png").write_bytes(b"left by a crash")
    steps: list[int] = []
    export(plan, sources, tmp_path / "out", progress=lambda done, total: steps.append(done))
    export(plan, sources, tmp_path / "fresh")
    assert steps[0] >= 1 and len(steps) == 3, "the first step tells of what was there"
    assert content(tmp_path / "out") == content(tmp_path / "fresh")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fresh", "out"]


def test_pictures_of_an_interrupted_export_that_are_damaged_or_made_otherwise_are_made_again(
    caps: Measured, tmp_path: Path
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    plan, sources = tables([caps])
    with pytest.raises(KeyboardInterrupt):
        export(plan, sources, tmp_path / "out", progress=interrupt)
    first = sorted((tmp_path / ".out.partial").glob("*.png"))[0]
    first.write_bytes(b"\0" * first.stat().st_size)  # as a power cut leaves it
    small = ExportOptions(max_size=20)
    export(plan, sources, tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        export(plan, sources, tmp_path / "other", progress=interrupt)
    export(plan, sources, tmp_path / "other", options=small)
    export(plan, sources, tmp_path / "fresh")
    export(plan, sources, tmp_path / "fresh small", options=small)
    assert content(tmp_path / "out") == content(tmp_path / "fresh")
    assert content(tmp_path / "other") == content(tmp_path / "fresh small")


def test_a_source_that_is_gone_is_named_before_anything_is_written(caps: Measured, tmp_path: Path) -> None:
    source = video_source(tmp_path / "a.mkv")
    source.path.rename(tmp_path / "b.mkv")
    with pytest.raises(SourceError, match=r"a\.mkv no longer exists") as caught:
        export(*tables([source, caps]), tmp_path / "out")
    assert caught.value.hint and [p.name for p in tmp_path.iterdir()] == ["b.mkv"]


def test_a_source_that_changed_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    source = video_source(tmp_path / "a.mkv")
    video_source(tmp_path / "a.mkv", size=(192, 96))
    with pytest.raises(SourceError, match=r"a\.mkv.*aaaaaaaa-000000000"):
        export(*tables([source]), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def test_what_a_killed_export_left_is_cleared_away(caps: Measured, tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from animeds_db.export.folder.writer import NewFolder\n"
        "folder = NewFolder(pathlib.Path(sys.argv[1])).__enter__()\n"
        "folder.write('sub/half.png', b'half'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")]).returncode == 9
    assert (tmp_path / ".out.partial" / "sub" / "half.png").is_file() and not (tmp_path / "out").exists()
    export(*tables([caps]), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert not (tmp_path / "out" / "sub").exists()


def test_two_exports_to_one_place_do_not_meet(caps: Measured, tmp_path: Path) -> None:
    with NewFolder(tmp_path / "out") as first:
        first.write("a.txt", b"a")
        with pytest.raises(ExportError, match="Another export"):
            export(*tables([caps]), tmp_path / "out")
        assert (first.partial / "a.txt").is_file()
        first.commit()
    assert content(tmp_path) == {"out/a.txt": b"a"}


def test_a_folder_of_that_hidden_name_which_is_not_ours_is_left_alone(caps: Measured, tmp_path: Path) -> None:
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "mine.txt").write_text("mine")
    assert "in the way" in refused(caps, tmp_path / "out")


def test_a_crash_between_the_two_renames_is_mended(caps: Measured, out: Path) -> None:
    before = content(out)
    out.rename(out.parent / ".out.old")
    with pytest.raises(ExportError, match="not empty"):
        export(*tables([caps]), out)
    assert content(out) == before
    export(*tables([caps]), out.parent / "copy")
    (out.parent / "copy").rename(out.parent / ".out.old")
    export(*tables([caps]), out, options=AGAIN)
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_what_appears_in_the_folder_meanwhile_is_not_lost(caps: Measured, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no export wrote"), NewFolder(tmp_path / "out") as folder:
        folder.write("a.txt", b"a")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine.txt").write_text("mine")
        folder.commit()
    assert content(tmp_path) == {"out/mine.txt": b"mine"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_without_permission_is_named(caps: Measured, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(ExportError, match="no permission"):
        export(*tables([caps]), tmp_path / "locked" / "out")

"""Paths that a stranger names stay inside their folder, and files are whole or not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path, PurePath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from animeds_db.errors import StoreError
from animeds_db.safe_files import UnsafePathError, inside, locked_file, new_folder, whole_file
from animeds_db.store import Store

PARTS = st.sampled_from(
    ["..", ".", "", "a", "b", "~", " ", "c:", "\\..\\", "…", "link", "back", "deep", "\0"]
)
PATHS = st.one_of(
    st.lists(PARTS, max_size=6).map("/".join),
    st.text(max_size=30),
    st.text(alphabet="./\\~ab", max_size=20),
)


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too, in order."""
    return sorted(path.name for path in folder.iterdir())


def tree(top: Path) -> Path:
    """Return a folder in `top` with links out of it, back into it, and to nothing; beside it lies a secret."""
    root = top / "root"
    (root / "a" / "deep").mkdir(parents=True)
    (top / "secret").write_text("secret")
    (root / "link").symlink_to(top)
    (root / "a" / "link").symlink_to("../../secret")
    (root / "a" / "back").symlink_to("deep")
    (root / "b").symlink_to("nowhere")
    return root


KEPT = tempfile.TemporaryDirectory(prefix="animeds-inside-")
"""It is deleted when the tests end."""
ROOT = tree(Path(KEPT.name))


@given(PATHS)
@example("../secret")
@example("/etc/passwd")
@example("a/link")
@example("a/../../secret")
@example("link/secret")
@example("a/back/x")
@example("")
@example("a\0b")
def test_a_path_is_refused_or_lies_inside_and_leads_through_no_link(path: str) -> None:
    try:
        place = inside(ROOT, path)
    except UnsafePathError as error:
        assert "\n" not in error.message
        return
    assert place.resolve() == ROOT.resolve() / PurePath(path)
    assert ".." not in place.parts
    for part in (place, *place.parents):
        if part == ROOT:
            break
        assert not part.is_symlink()


@given(st.lists(st.sampled_from(["a", "deep", "x", "ä ö", "...", "a..b", "-"]), min_size=1, max_size=5))
def test_ordinary_paths_are_accepted_whether_they_exist_or_not(parts: list[str]) -> None:
    assert inside(ROOT, "/".join(parts)) == ROOT.joinpath(*parts)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "disk")
    assert inside(tmp_path / "here", "a/b") == tmp_path / "here" / "a" / "b"


def test_a_file_replaces_a_link_and_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "file").symlink_to(tmp_path / "mine")
    with whole_file(tmp_path / "file") as file:
        file.write(b"new")
    assert (tmp_path / "file").read_text() == "new"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_file_that_fails_leaves_the_old_one_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "file") as file:
        file.write(b"half")
        raise RuntimeError("stop")
    assert (tmp_path / "file").read_text() == "old"
    assert names_in(tmp_path) == ["file"]


KILLED = """
import os, signal, sys, time
from pathlib import Path
from animeds_db.safe_files import new_folder, whole_file
with whole_file(Path(sys.argv[1], "file")) as file, new_folder(Path(sys.argv[1]), ".show.") as folder:
    (folder / "table").mkdir()
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writing(tmp_path: Path) -> subprocess.Popen[str]:
    """A process in the middle of writing a file and a folder."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked on Windows")
def test_what_a_killed_run_left_goes_with_the_next_and_what_a_running_one_writes_stays(
    tmp_path: Path, writing: subprocess.Popen[str]
) -> None:
    left = set(names_in(tmp_path))
    assert len(left) == 2
    for name in left:
        os.utime(tmp_path / name, (time.time() - 60,) * 2)
    with whole_file(tmp_path / "file"), new_folder(tmp_path, ".show."):
        assert left < set(names_in(tmp_path))
    writing.send_signal(signal.SIGKILL)
    writing.wait()
    writing.stdout.close()  # type: ignore[union-attr]
    (tmp_path / ".show.mine.partial").mkdir()  # not of the form that we give
    with whole_file(tmp_path / "file"), new_folder(tmp_path, ".show."):
        assert not left & set(names_in(tmp_path))
    assert sorted(names_in(tmp_path)) == [".show.mine.partial", "file"]


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError):
        locked_file(tmp_path / "lock")
    assert (tmp_path / "mine").read_text() == "mine"


CREATING = """
import sys
from animeds_db.dataset import open_or_create
from animeds_db.models import Models
print("ready", flush=True)
sys.stdin.readline()
print(len(open_or_create(sys.argv[1], Models()).store.names()))
"""


def test_three_processes_that_create_one_database_all_get_it(tmp_path: Path) -> None:
    uri = str(tmp_path / "show.animeds")
    command = [sys.executable, "-c", CREATING, uri]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    answers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate(timeout=120)
        answers.append((process.returncode, out.strip(), err))
    assert [answer[0] for answer in answers] == [0] * 3, answers
    tables = str(len(Store.open(uri).names()))
    assert [answer[:2] for answer in answers] == [(0, tables)] * 3, answers
    assert names_in(tmp_path) == ["show.animeds"]


def test_a_database_killed_while_it_was_created_leaves_nothing_after_the_next_run(tmp_path: Path) -> None:
    left = tmp_path / ".show.animeds.0a1b2c3d.partial"
    (left / "frames.lance").mkdir(parents=True)
    os.utime(left, (time.time() - 60,) * 2)
    Store.create(str(tmp_path / "show.animeds"), 8, 8)
    assert names_in(tmp_path) == ["show.animeds"]
    with pytest.raises(StoreError, match="already"):
        Store.create(str(tmp_path / "show.animeds"), 8, 8)

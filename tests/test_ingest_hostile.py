"""Names and files from elsewhere that nobody expects: they cost themselves, and never the other sources."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
import videos
from cli_run import Runner
from ingesting import a_store, rows, run
from PIL import Image

import animeds_db
from animeds_db.errors import SourceError
from animeds_db.media import Hardware
from animeds_db.printable import printable

posix = pytest.mark.skipif(os.name != "posix", reason="this system has other names and no pipes")
EVIL = "\x1b]0;owned\x07\x1b[31mred\u202e"
"""Sets a terminal's title, its colour and the direction of writing."""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    return Runner(capsys, monkeypatch)


def picture(path: Path, colour: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), colour).save(path, "PNG")
    return path


def not_utf8(folder: Path) -> Path:
    path = (
        os.fsencode(folder) + b"/\x83A\x83j\x83\x81 - 01.mkv"
    )  # アニメ in the code of an old Japanese Windows
    shutil.copyfile(videos.shared_clip("vp9"), path)
    return Path(os.fsdecode(path))


def late_times(folder: Path) -> Path:
    """A video whose second half is thirty years after its first."""
    path = folder / "late.mkv"
    with av.open(str(videos.shared_clip("h264 closed"))) as given, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size and packet.pts is not None and packet.dts is not None:
                late = round(30 * 365 * 86400 / (packet.time_base or Fraction(1, 1000)))
                shift = late if packet.pts >= 1000 else 0
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                made.mux(packet)
    return path


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.mkv")
    return folder / "pipe.mkv"


def link_to_a_device(folder: Path) -> Path:
    (folder / "zero.mkv").symlink_to("/dev/zero")
    return folder / "zero.mkv"


def listening(folder: Path) -> Path:
    path = folder / "socket.mkv"
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(folder):
        server.bind(path.name)
    return path


BAD: list[tuple[Callable[[Path], Path], str]] = [
    (not_utf8, r"\\x83A\\x83j\\x83\\x81 - 01.mkv: this name is not valid UTF-8"),
    (late_times, "more than eleven days after its start"),
    (pipe, "pipe.mkv cannot be read: it is a named pipe, not a file"),
    (link_to_a_device, "zero.mkv cannot be read: it is a device, not a file"),
    (listening, "socket.mkv cannot be read: it is a socket, not a file"),
]


@posix
@pytest.mark.parametrize(("make", "message"), BAD, ids=[case[0].__name__ for case in BAD])
def test_a_bad_source_fails_alone_and_is_named(
    cli: Runner, tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    make(folder)
    shutil.copyfile(videos.shared_clip("h264 open"), folder / "zz good.mkv")
    done = cli("ingest", folder, "--profile", "none")
    assert done.code == 3, done.err
    assert message.replace("\\\\", "\\") in done.err
    assert "1 of 2 sources" in done.err and "Traceback" not in done.err
    states = cli("sql", "SELECT state FROM sources ORDER BY state", "--format", "csv").out
    assert states.splitlines()[1] == "done"
    assert cli("sources", "list").code == 0


@posix
def test_an_error_that_nobody_foresaw_is_that_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from animeds_db.media import open_media as really
    from animeds_ingest import one_source

    def opened(path: Path, hardware: Hardware) -> object:
        if path.name.startswith("a "):
            raise ZeroDivisionError("a file that no test has")
        return really(path, hardware)

    monkeypatch.setattr(one_source, "open_media", opened)
    for name in ("a bad.mkv", "b good.mkv"):
        shutil.copyfile(videos.shared_clip("h264 open" if name[0] == "b" else "vp9"), tmp_path / name)
    store = a_store(tmp_path)
    report = run(store, tmp_path / "a bad.mkv", tmp_path / "b good.mkv")
    assert [outcome.state for outcome in report.outcomes] == ["failed", "new"]
    assert "reading it failed with ZeroDivisionError: a file that no test has" in str(report.failed[0].error)


NESTED = "[" * 200_000


@pytest.mark.parametrize(
    "name", [".1_meta.json", "1.json", "metadata.jsonl"], ids=["waifuc", "pipeline", "imagefolder"]
)
def test_a_deeply_nested_sidecar_costs_its_words_and_not_the_picture(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "caps"
    picture(folder / "1.png")
    (folder / name).write_text(NESTED)
    store = a_store(tmp_path)
    report = run(store, folder)
    assert not report.failed
    assert rows(store, "frames").num_rows == 1
    assert name in "".join(report.outcomes[0].notes)


@posix
def test_names_as_long_as_a_file_system_takes_are_read(tmp_path: Path) -> None:
    long = "n" * 250
    one = picture(tmp_path / f"{long}.png")
    film = tmp_path / f"{long}.mkv"
    shutil.copyfile(videos.shared_clip("h264 open"), film)
    caps = picture(tmp_path / "caps" / f"{'m' * 250}.png", "blue").parent
    store = a_store(tmp_path)
    assert [outcome.error for outcome in run(store, one, film, caps).outcomes] == [None] * 3


@posix
def test_a_pipe_among_pictures_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "caps"
    picture(folder / "1.png")
    for name in ("2.png", "1.txt", "metadata.jsonl"):
        os.mkfifo(folder / name)
    store = a_store(tmp_path)
    [outcome] = run(store, folder).outcomes
    assert (outcome.state, outcome.frames) == ("new", 1)
    assert any("2.png was left out: it is a named pipe" in note for note in outcome.notes)
    assert run(store, folder).outcomes[0].state == "skipped"


@posix
@pytest.mark.parametrize("kind", ["video", "images", "archive"])
def test_a_crafted_source_path_that_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    import pyarrow as pa

    store = a_store(tmp_path)
    run(store, videos.shared_clip("h264 open"))
    os.mkfifo(tmp_path / "pipe.zip")
    [row] = store.table("sources").to_table().to_pylist()
    for uri in (str(tmp_path / "pipe.zip"), "/dev/zero"):
        crafted = row | {"uri": uri, "kind": kind}
        store.replace("sources", pa.Table.from_pylist([crafted], store.schema("sources").schema))
        with animeds_db.open(store.uri) as dataset:
            frame = dataset.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
            began = time.monotonic()
            with pytest.raises(SourceError, match="it is a (named pipe|device), not a file"):
                dataset.image(frame)
            assert time.monotonic() - began < 5


@pytest.fixture
def evil(cli: Runner, tmp_path: Path) -> Iterator[Path]:
    """A folder with a source whose name commands terminals, in a database."""
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copyfile(videos.shared_clip("h264 open"), folder / f"Show {EVIL} - 01.mkv")
    (folder / f"bad {EVIL}.mkv").write_text("no video")
    done = cli("ingest", folder, "--profile", "none")
    assert done.code == 3
    assert "\x1b" not in done.err and "\u202e" not in done.err
    assert r"Show \x1b]0;owned\x07\x1b[31mred\u202e - 01: new" in done.err
    yield folder


ON_A_TERMINAL = """
import os, pty, sys
def read(fd):
    data = os.read(fd, 1 << 16)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return b""
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.executable, [sys.executable, "-m", "animeds_db", *sys.argv[1:]])
while True:
    try:
        data = os.read(fd, 1 << 16)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
os.waitpid(pid, 0)
"""


@posix
@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["sources", "list"],
        ["sql", "SELECT title, uri FROM sources", "--format", "json"],
        ["sql", "SELECT title, uri FROM sources", "--format", "csv"],
        ["ingest", "in", "--dry-run"],
        ["ingest", "in", "--replace"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_control_characters_of_a_name_never_reach_a_terminal(evil: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL, *words],
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
    )
    shown = done.stdout.decode()
    assert "owned" in shown
    for raw in ("\x1b]0;owned", "\x07", "\x1b[31mred", "\u202e"):
        assert raw not in shown


def test_a_pipe_gets_names_as_they_are(evil: Path, cli: Runner) -> None:
    out = cli("sql", "SELECT title FROM sources WHERE state = 'done'", "--format", "json").out
    assert json.loads(out)[0]["title"] == f"Show {EVIL} - 01"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("日本 – Ünï 🎌", "日本 – Ünï 🎌"),
        ("a\x1b[31mb\x7f\x9b", r"a\x1b[31mb\x7f\x9b"),
        ("bad \udcff\udc80", r"bad \xff\x80"),
        ("line\nbreak\ttab", r"line\nbreak\ttab"),
        ("\u202eexe.mkv \ud800", r"\u202eexe.mkv \ud800"),
        ("e\u0301 \u200d", "e\u0301 \u200d"),
    ],
)
def test_text_is_made_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable("a\nb", keep="\n") == "a\nb"

"""The folders of the trials, runs of commands in processes of their own, and the comparison of rows."""

from __future__ import annotations

import datetime
import hashlib
import io
import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from counts import Counts
from verbs import BASES, Verb

from animeds_db.sample.show import draw_show

HANG_S = 180.0
"""Seconds after which a run counts as hung and is killed. The longest takes 2 s on an idle machine."""
RANDOM = {"label_id", "act", "who"}
"""Columns that differ from run to run; those that hold a time do, too."""
Content = Mapping[str, Counter[str]]
"""Rows by table, or files, each with its number."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code (negative: the signal; None: it hung), seconds of CPU, and what it printed."""

    code: int | None
    cpu: float
    told: str

    @property
    def is_raw(self) -> bool:
        """True if it showed a traceback or a panic, or died of a signal that nobody sent."""
        return (
            "Traceback (most recent call last)" in self.told
            or "panicked at" in self.told
            or (self.code is not None and (self.code < 0 or self.code == 70))
        )


class Stage:
    """The folders of the trials: `material`, base folders, and the work folders of one driver.

    The process that holds a stage opens no table itself: whatever it runs is forked from it, with all modules loaded
    and no thread of Lance running. So a run costs what the command costs, and not the import of its libraries.
    """

    def __init__(self, top: Path, driver: str = "0") -> None:
        self.top = top
        self.own = top / f"driver-{driver}"
        self.own.mkdir(parents=True, exist_ok=True)
        self.words = {"{material}": str(top / "material")}
        """What stands for the words in braces in the arguments of a verb."""

    def make(self) -> None:
        """Draw a show and make the base folders."""
        self.must(self.forked(self._draw, self.top), "drawing the show")
        for name, (start, commands) in BASES.items():
            folder = self.base(name)
            if start is None:
                folder.mkdir()
            else:
                shutil.copytree(self.base(start), folder)
            for argv in commands:
                self.must(self.run(argv, folder), " ".join(argv))
            if name == "tiny":
                self.words |= self._faces(folder)
        next((self.base("exported") / "out").rglob("*.png")).unlink()
        detections = self.base("damaged") / "show.animeds" / "detections.lance" / "data"
        damaged = next(detections.glob("*.lance"))
        damaged.write_bytes(bytes(damaged.stat().st_size))

    def for_driver(self, driver: str) -> Stage:
        """Return a stage over the same base folders with work folders of its own."""
        other = Stage(self.top, driver)
        other.words = self.words
        return other

    def base(self, name: str) -> Path:
        """Return a base folder."""
        return self.top / f"base-{name}"

    def work(self, verb: Verb) -> Path:
        """Return a fresh copy of the verb's base folder."""
        folder = self.fresh()
        shutil.copytree(self.base(verb.base), folder, symlinks=True, dirs_exist_ok=True)
        return folder

    def fresh(self) -> Path:
        """Return the work folder, empty."""
        folder = self.own / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def run(
        self,
        argv: tuple[str, ...],
        folder: Path,
        *,
        kill_at: float | None = None,
        before: Callable[[], object] = lambda: None,
    ) -> Ended:
        """Run a command in a forked process. `before` runs in it first. See `forked`."""
        filled = [self.words.get(word, word) for word in argv]
        return self.forked(lambda: command(filled), folder, kill_at=kill_at, before=before)

    def forked(
        self,
        work: Callable[[], int],
        folder: Path,
        *,
        kill_at: float | None = None,
        before: Callable[[], object] = lambda: None,
    ) -> Ended:
        """Run `work` in a forked process and return how it ended.

        It is killed when it has used `kill_at` seconds of CPU. A busy machine makes no difference to that.
        """
        log = self.own / "told"
        started = time.monotonic()
        pid = os.fork()
        if not pid:
            _child(work, folder, log, before)
        done, status, used = 0, 0, None
        while not done:
            is_due = kill_at is not None and _cpu(pid) >= kill_at
            if is_due or time.monotonic() - started > HANG_S:
                os.kill(pid, signal.SIGKILL)
                done, status, used = os.wait4(pid, 0)
                break
            time.sleep(0.001)
            done, status, used = os.wait4(pid, os.WNOHANG)
        is_hung = time.monotonic() - started > HANG_S and os.WIFSIGNALED(status)
        assert used is not None
        code = None if is_hung else os.waitstatus_to_exitcode(status)
        return Ended(code, used.ru_utime + used.ru_stime, log.read_text("utf-8", "replace"))

    def must(self, ended: Ended, what: str) -> None:
        """Raise RuntimeError when a run that nothing disturbed did not end well."""
        if ended.code != 0:
            raise RuntimeError(f"{what} ended with {ended.code}: {ended.told}")

    def content(self, path: Path, like: tuple[Path, Content] | None = None) -> Content:
        """Return what a database or an exported folder holds.

        `like` is another database with its content: tables whose files are the same as there are not read again.
        """
        if not (path / "sources.lance").is_dir():
            files = (file for file in path.rglob("*") if file.is_file())
            return {file.relative_to(path).as_posix(): Counter([_digest(file)]) for file in files}
        same = {} if like is None else dict(like[1])
        for name in list(same):
            if like is not None and _files(path / f"{name}.lance") != _files(like[0] / f"{name}.lance"):
                del same[name]
        out = self.own / "rows"
        out.unlink(missing_ok=True)
        ended = self.forked(partial(_dump, path, out, frozenset(same)), self.own)
        if ended.code != 0:
            raise RuntimeError(f"{path.name} cannot be read: {ended.told}")
        read: dict[str, Counter[str]] = pickle.loads(out.read_bytes())
        return same | read

    def judge(
        self, verb: Verb, folder: Path, expected: Content, base: Content, counts: Counts, case: str
    ) -> None:
        """Compare what is there now with an undisturbed run, and look for what was left behind."""
        try:
            found = self.content(folder / verb.compares, (self.base(verb.base) / "show.animeds", base))
        except (RuntimeError, OSError) as error:
            counts.add("lost", f"{case}: {str(error)[-600:]}")
            return
        for name in sorted(expected.keys() | found.keys()):
            wanted, here = expected.get(name, Counter()), found.get(name, Counter())
            if verb.repeats and set(here) == set(wanted):
                if here != wanted:
                    counts.add("repeated", case)
                continue
            if wanted - here:
                counts.add(
                    "lost", f"{case}: {name}: {(wanted - here).total()} of {wanted.total()} rows or files"
                )
            if here - wanted:
                counts.add("doubled", f"{case}: {name}: {(here - wanted).total()} rows or files more")
        left = [path.name for path in folder.rglob("*") if path.name.endswith((".partial", ".part", ".old"))]
        if left:
            counts.add("leftovers", f"{case}: {', '.join(left[:3])}")

    def outside(self) -> list[tuple[str, int, int]]:
        """Return name, size and time of change of everything on the stage that no trial may touch."""
        shared = [folder for folder in self.top.iterdir() if not folder.name.startswith("driver-")]
        others = [path for path in self.own.iterdir() if path.name not in ("work", "told", "rows", "calls")]
        return [
            (str(path), found.st_size, found.st_mtime_ns)
            for folder in (*shared, *others)
            for path in sorted((folder, *folder.rglob("*")))
            for found in (path.lstat(),)
        ]

    def _draw(self) -> int:
        draw_show(self.top / "drawn", episodes=1, seed=8, size=(320, 180))
        material = self.top / "material"
        material.mkdir()
        next((self.top / "drawn").glob("*.mkv")).rename(material / "Show - S01E01.mkv")
        return 0

    def _faces(self, folder: Path) -> dict[str, str]:
        sql = "SELECT detection_id FROM detections WHERE kind = 'face' ORDER BY ALL"
        told = self.run(("sql", sql, "--db", "show.animeds", "--format", "csv"), folder).told
        ids = [line.strip() for line in told.splitlines() if "-f" in line]
        return {"{first}": ids[0], "{last}": ids[-1]}


def command(argv: list[str]) -> int:
    """Run `animeds` with these arguments in this process and return its exit code."""
    from animeds_db.cli import main

    sys.argv = ["animeds", *argv]
    try:
        main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    return 0


def _child(work: Callable[[], int], folder: Path, log: Path, before: Callable[[], object]) -> None:
    code = 70
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", buffering=0, closefd=False), write_through=True)
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", buffering=0, closefd=False), write_through=True)
        os.chdir(folder)
        tempfile.tempdir = str(log.parent)
        before()
        code = work()
    except BaseException:  # noqa: BLE001 (it is what the trial counts)
        traceback.print_exc()
    finally:
        os._exit(code)


def _cpu(pid: int) -> float:
    """Return the seconds of CPU that a process of ours has used: the clock of clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:  # it has just ended
        return 0.0


def _files(folder: Path) -> list[tuple[str, int, int]]:
    """Return path, size and time of change of the files in a folder. A table never writes to a file twice."""
    found = ((path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file())
    return [(str(path.relative_to(folder)), stat.st_size, stat.st_mtime_ns) for path, stat in found]


def _dump(path: Path, out: Path, skip: frozenset[str]) -> int:
    from animeds_db.store import Store

    store = Store.open(str(path))
    rows: dict[str, Counter[str]] = {}
    for name in set(store.names()) - skip:
        table = store.table(name).to_table()
        keep = [column for column in table.column_names if column not in RANDOM]
        plain = [
            {k: v for k, v in row.items() if not isinstance(v, datetime.datetime)}
            for row in table.select(keep).to_pylist()
        ]
        rows[name] = Counter(hashlib.sha256(repr(row).encode()).hexdigest() for row in plain)
    out.write_bytes(pickle.dumps(rows))
    return 0


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()

"""What the trials share: material, verbs that write, runs in a process of their own, and comparing rows."""

from __future__ import annotations

import datetime
import hashlib
import io
import os
import pickle
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from videos import write_video

HANG_S = 120.0
"""A run that takes longer is counted as hung and killed."""
RANDOM = {"label_id", "act", "who"}
"""Columns that differ from run to run; those that hold a time do, too."""


@dataclass(frozen=True)
class Verb:
    """A command that writes. It runs in a folder that is a copy of the base folder `base`."""

    name: str
    argv: tuple[str, ...]
    base: str
    compares: str = "show.animeds"
    """What must be the same afterwards: a database, or the folder of an export."""
    may_repeat: bool = False
    """A run that was cut off after its commit says the same once more: labels are appended."""


VERBS = (
    Verb("ingest", ("ingest", "../material", "--profile", "tiny", "--db", "show.animeds"), "empty"),
    Verb("tag", ("tag", "--model", "tiny-tagger", "--db", "show.animeds"), "plain"),
    Verb("detect", ("detect", "--model", "tiny-face", "--db", "show.animeds"), "plain"),
    Verb("embed", ("embed", "--model", "tiny-image", "--db", "show.animeds"), "plain"),
    Verb("dedup", ("dedup", "--db", "show.animeds"), "tiny"),
    Verb(
        "label", ("label", "drop", "--where", "ordinal = 1", "--db", "show.animeds"), "tiny", may_repeat=True
    ),
    Verb("optimize", ("optimize", "--db", "show.animeds"), "tiny"),
    Verb("backup", ("backup", "copy.animeds", "--db", "show.animeds"), "tiny", "copy.animeds"),
    Verb(
        "export",
        ("export", "--sql", "SELECT frame_id FROM frames", "out", "--db", "show.animeds"),
        "tiny",
        "out",
    ),
    Verb("sync", ("sync", "out", "--db", "show.animeds"), "exported", may_repeat=True),
)


@dataclass
class Counts:
    """What went wrong, by name, with the first few cases in words."""

    tried: int = 0
    lost: int = 0
    doubled: int = 0
    out: int = 0
    hung: int = 0
    tracebacks: int = 0
    refused: int = 0
    """Reruns that did not end well although nothing stood in their way."""
    leftovers: int = 0
    repeated: int = 0
    """Labels said twice: the first run had committed them when it was cut off. No harm."""
    cases: list[str] = field(default_factory=list)

    def add(self, name: str, case: str) -> None:
        """Count one, and keep the case."""
        setattr(self, name, getattr(self, name) + 1)
        if name != "repeated" and len(self.cases) < 40:
            self.cases.append(f"{name}: {case}")

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, left, hung or raw."""
        return not self.cases


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code (negative: the signal; None: it hung), seconds, and what it printed."""

    code: int | None
    seconds: float
    told: str

    @property
    def is_raw(self) -> bool:
        """Whether it showed a traceback, or died of a signal that nobody sent."""
        return "Traceback (most recent call last)" in self.told or "panicked at" in self.told


class Stage:
    """The folders of a trial: `material`, base folders, and one work folder after the other."""

    def __init__(self, top: Path) -> None:
        self.top = top
        (top / "log").mkdir(parents=True)
        make_material(top / "material")
        self.base("empty").mkdir()
        for name, profile in (("plain", "none"), ("tiny", "tiny")):
            self.base(name).mkdir()
            argv = ("ingest", "../material", "--profile", profile, "--db", "show.animeds")
            self.must(self.run(argv, self.base(name)), argv)
        shutil.copytree(self.base("tiny"), self.base("exported"))
        export = next(verb for verb in VERBS if verb.name == "export").argv
        self.must(self.run(export, self.base("exported")), export)
        next((self.base("exported") / "out").rglob("*.png")).unlink()

    def base(self, name: str) -> Path:
        """Return a base folder."""
        return self.top / f"base-{name}"

    def work(self, verb: Verb) -> Path:
        """Return a fresh copy of the verb's base folder."""
        folder = self.top / "work"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.base(verb.base), folder, symlinks=True)
        return folder

    def run(
        self,
        argv: tuple[str, ...],
        folder: Path,
        *,
        kill_after: float | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Run a command in a forked process, killed after some seconds if wanted. `before` runs in it first."""
        return self.forked(lambda: _command(argv), folder, kill_after=kill_after, before=before)

    def forked(
        self,
        work: Callable[[], int],
        folder: Path,
        *,
        kill_after: float | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Run `work` in a forked process and return how it ended. This process itself never opens a table."""
        log = self.top / "log" / "told"
        started = time.monotonic()
        pid = os.fork()
        if not pid:
            _child(work, folder, log, before)
        limit = HANG_S if kill_after is None else kill_after
        code: int | None = None
        while time.monotonic() - started < limit:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                break
            time.sleep(0.002)
        else:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return Ended(code, time.monotonic() - started, log.read_text("utf-8", "replace"))

    def must(self, ended: Ended, argv: tuple[str, ...]) -> None:
        """Raise RuntimeError when a run that nothing disturbed did not end well."""
        if ended.code != 0:
            raise RuntimeError(f"animeds {' '.join(argv)} ended with {ended.code}: {ended.told}")

    def content(self, path: Path) -> Mapping[str, Counter[str]]:
        """Return what a database or an exported folder holds: rows by table, or files, each with its number."""
        if (path / "sources.lance").is_dir():
            out = self.top / "log" / "rows"
            out.unlink(missing_ok=True)
            ended = self.forked(lambda: _dump(path, out), self.top)
            if ended.code != 0:
                raise RuntimeError(f"{path} cannot be read: {ended.told}")
            rows: Mapping[str, Counter[str]] = pickle.loads(out.read_bytes())
            return rows
        files = (file for file in path.rglob("*") if file.is_file())
        return {file.relative_to(path).as_posix(): Counter([_digest(file)]) for file in files}

    def judge(
        self, verb: Verb, folder: Path, expected: Mapping[str, Counter[str]], counts: Counts, case: str
    ) -> None:
        """Compare what is there now with an undisturbed run, and look for what was left behind."""
        try:
            found = self.content(folder / verb.compares)
        except (RuntimeError, OSError) as error:
            counts.add("lost", f"{case}: {str(error)[-300:]}")
            return
        for name in expected.keys() | found.keys():
            wanted, here = expected.get(name, Counter()), found.get(name, Counter())
            if verb.may_repeat and set(here) == set(wanted):
                if here != wanted:
                    counts.add("repeated", case)
                continue
            if wanted - here:
                counts.add(
                    "lost", f"{case}: {name}: {sum((wanted - here).values())} of {sum(wanted.values())}"
                )
            if here - wanted:
                counts.add("doubled", f"{case}: {name}: {sum((here - wanted).values())} more")
        left = [path.name for path in folder.rglob("*") if path.name.endswith((".partial", ".part", ".old"))]
        if left:
            counts.add("leftovers", f"{case}: {', '.join(left[:3])}")


def make_material(folder: Path) -> None:
    """Draw a short video and a folder of pictures with captions."""
    folder.mkdir(parents=True)
    write_video(folder / "Show - S01E01.mkv", count=36, gop=6)
    (folder / "stills").mkdir()
    for number in range(6):
        image = Image.radial_gradient("L").resize((96, 64)).rotate(30 * number).convert("RGB")
        image.save(folder / "stills" / f"{number}.png")
        (folder / "stills" / f"{number}.txt").write_text(f"red hair, number {number}")


def _command(argv: tuple[str, ...]) -> int:
    from animeds_db.cli import main

    sys.argv = ["animeds", *argv]
    try:
        main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    return 0


def _child(work: Callable[[], int], folder: Path, log: Path, before: Callable[[], None]) -> None:
    code = 70
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", buffering=0, closefd=False), write_through=True)
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", buffering=0, closefd=False), write_through=True)
        os.chdir(folder)
        before()
        code = work()
    except BaseException:  # noqa: BLE001 (it is what the trial counts)
        traceback.print_exc()
    finally:
        os._exit(code)


def _dump(path: Path, out: Path) -> int:
    from animeds_db.store import Store

    store = Store.open(str(path))
    rows: dict[str, Counter[str]] = {}
    for name in store.names():
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

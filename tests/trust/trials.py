"""The trials: kills at random moments, every write call failed in turn, damaged media from seeds."""

from __future__ import annotations

import ctypes
import gzip
import os
import random
import shutil
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image
from stage import VERBS, Counts, Ended, Stage, Verb
from videos import CLIPS, write_clip

Deadline = float
"""A time of time.monotonic() at which a trial stops, and says how far it came."""


def kills(stage: Stage, n: int, seed: int, deadline: Deadline) -> Counts:
    """Kill each verb at random moments, run it again to its end, and compare with an undisturbed run."""
    counts, chance = Counts(), random.Random(seed)
    plain = {verb.name: _undisturbed(stage, verb) for verb in VERBS}
    for number in range(n):
        if time.monotonic() > deadline:
            break
        verb = VERBS[number % len(VERBS)]
        expected, seconds = plain[verb.name]
        moment = chance.uniform(0, seconds)
        folder = stage.work(verb)
        case = f"{verb.name} killed after {moment:.3f} s (number {number})"
        counts.tried += 1
        stage.run(verb.argv, folder, kill_after=moment)
        _finish(stage, verb, folder, expected, counts, case)
    return counts


def faults(stage: Stage, library: str, seed: int, deadline: Deadline) -> tuple[Counts, dict[str, str]]:
    """Let every call that writes fail once in turn, and the disk be full from it on; then run the verb again.

    Returns the counts, and by verb how many of its calls were reached before the deadline, in random order.
    """
    shim = ctypes.CDLL(library)
    shim.fault_count.restype = ctypes.c_long
    counts, chance = Counts(), random.Random(seed)
    turns: list[tuple[Verb, int, bool]] = []
    calls: dict[str, int] = {}
    for verb in VERBS:
        calls[verb.name] = _calls(stage, verb, shim)
        turns += [(verb, n, full) for n in range(1, calls[verb.name] + 1) for full in (False, True)]
    chance.shuffle(turns)
    plain = {verb.name: _undisturbed(stage, verb)[0] for verb in VERBS}
    reached = dict.fromkeys(calls, 0)
    for verb, n, full in turns:
        if time.monotonic() > deadline:
            break
        folder = stage.work(verb)
        case = f"{verb.name}: call {n} of {calls[verb.name]} failed{', and all after it' if full else ''}"
        counts.tried += 1
        reached[verb.name] += 1
        ended = stage.run(verb.argv, folder, before=_armed(shim, folder, n, full))
        _note(ended, counts, case)
        _finish(stage, verb, folder, plain[verb.name], counts, case)
    return counts, {name: f"{reached[name]} of {2 * calls[name]}" for name in calls}


def media(stage: Stage, n: int, seed: int, deadline: Deadline) -> tuple[Counts, dict[str, int]]:
    """Ingest damaged files, each by itself. Returns the counts, and how the runs ended."""
    counts, ends = Counts(), {"read": 0, "refused": 0}
    sound = list(_sound(stage.top / "sound"))
    for number in range(n):
        if time.monotonic() > deadline:
            break
        chance = random.Random(f"{seed}/{number}")
        folder = stage.top / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        source = chance.choice(sound)
        path = folder / f"bad{''.join(source.suffixes[-2:])}"
        path.write_bytes(damaged(source.read_bytes(), chance))
        case = f"{source.name} damaged by seed {seed}/{number}"
        counts.tried += 1
        before = _outside(stage, folder)
        ended = stage.run(("ingest", path.name, "--profile", "none", "--db", "show.animeds"), folder)
        _note(ended, counts, case)
        if ended.code not in (0, None):
            ends["refused"] += 1
        elif ended.code == 0:
            ends["read"] += 1
        if _outside(stage, folder) != before:
            counts.add("out", case)
    return counts, ends


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes cut, flipped, zeroed, doubled or swapped, as the random numbers will have it."""
    bad = bytearray(data)
    for _ in range(chance.choice((1, 1, 3))):
        at, length = chance.randrange(len(bad)), chance.randrange(1, max(2, len(bad) // 8))
        kind = chance.choice(("cut", "flip", "zero", "double", "head", "drop", "noise"))
        if kind == "cut":
            del bad[max(1, at) :]
        elif kind == "flip":
            for _ in range(chance.randrange(1, 64)):
                bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        elif kind == "zero":
            bad[at : at + length] = bytes(len(bad[at : at + length]))
        elif kind == "double":
            bad[at:at] = bad[at : at + length]
        elif kind == "head":
            for place in range(min(64, len(bad))):
                if chance.random() < 0.1:
                    bad[place] = chance.randrange(256)
        elif kind == "drop" and at + length < len(bad):
            del bad[at : at + length]
        else:
            bad[at : at + length] = chance.randbytes(len(bad[at : at + length]))
    return bytes(bad)


def _sound(folder: Path) -> Iterator[Path]:
    """Yield whole files of every kind that is read."""
    folder.mkdir()
    for name in CLIPS:
        yield write_clip(folder, name)
    for suffix in ("png", "jpg", "webp", "bmp", "gif", "avif"):
        path = folder / f"picture.{suffix}"
        Image.radial_gradient("L").convert("RGB").save(path)
        yield path
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        archive.write(folder / "picture.png", "a.png")
        archive.write(folder / "picture.jpg", "b.jpg")
    yield folder / "pictures.zip"
    with gzip.open(folder / "pictures.tar.gz", "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(folder / "picture.webp", "a.webp")
    yield folder / "pictures.tar.gz"


def _undisturbed(stage: Stage, verb: Verb) -> tuple[dict, float]:  # type: ignore[type-arg]
    folder = stage.work(verb)
    ended = stage.run(verb.argv, folder)
    stage.must(ended, verb.argv)
    return dict(stage.content(folder / verb.compares)), ended.seconds


def _finish(stage: Stage, verb: Verb, folder: Path, expected: dict, counts: Counts, case: str) -> None:  # type: ignore[type-arg]
    _age_leftovers(folder)
    again = stage.run(verb.argv, folder)
    if again.code != 0 and "overwrite" in again.told and verb.name == "export":
        again = Ended(0, again.seconds, "")  # the first run was complete when it was cut off
    _note(again, counts, f"{case}, run again")
    if again.code != 0:
        counts.add("refused", f"{case}, run again: {again.told[-300:]}")
        return
    stage.judge(verb, folder, expected, counts, case)


def _age_leftovers(folder: Path) -> None:
    """Let a second pass for what the next run may delete: see safe_files.remove_leftovers."""
    for path in folder.rglob("*.partial"):
        os.utime(path, (time.time() - 2,) * 2, follow_symlinks=False)


def _note(ended: Ended, counts: Counts, case: str) -> None:
    if ended.code is None:
        counts.add("hung", case)
    elif ended.is_raw or ended.code < 0 or ended.code == 70:
        counts.add("tracebacks", f"{case}: {ended.told[-300:]}")


def _calls(stage: Stage, verb: Verb, shim: ctypes.CDLL) -> int:
    """Return how many calls that write an undisturbed run makes."""
    folder, count = stage.work(verb), stage.top / "log" / "calls"

    def work() -> int:
        import stage as module

        code = module._command(verb.argv)
        count.write_text(str(shim.fault_count()))
        return code

    stage.must(stage.forked(work, folder, before=_armed(shim, folder, 0, False)), verb.argv)
    return int(count.read_text())


def _armed(shim: ctypes.CDLL, folder: Path, n: int, full: bool) -> Callable[[], None]:
    return lambda: shim.fault_set(str(folder).encode(), ctypes.c_long(n), int(full))


def _outside(stage: Stage, folder: Path) -> list[str]:
    """Return the names of everything on the stage but the work folder and the log."""
    inner = (folder, stage.top / "log")
    return sorted(
        str(path) for path in stage.top.rglob("*") if not any(path.is_relative_to(f) for f in inner)
    )

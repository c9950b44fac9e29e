"""Kills at random moments, and calls that write that fail. Afterwards the verb runs again and the rows are compared."""

from __future__ import annotations

import ctypes
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from counts import Counts
from stage import Content, Ended, Stage
from verbs import DAMAGED, VERBS, Verb

Deadline = float
"""A time of time.monotonic() at which a trial stops, and says how far it came."""


@dataclass(frozen=True)
class Undisturbed:
    """What a verb does when nothing is in its way: content before and after, seconds of CPU, calls that write."""

    before: Content
    after: Content
    cpu: float
    calls: list[str]


@dataclass
class Faults:
    """What the failing calls came to: the counts, and by verb which sites were hit in how many turns."""

    counts: Counts = field(default_factory=Counts)
    turns: Counter[str] = field(default_factory=Counter)
    sites: dict[str, set[str]] = field(default_factory=dict)


class Shim:
    """The library of faults.c, loaded into this process and into those that it forks."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)

    def armed(self, stage: Stage, folder: Path, n: int, full: bool) -> Callable[[], None]:
        """Return what lets the n-th call fail in the process that runs it; 0: none, all calls are noted."""
        log = str(stage.own / "calls").encode()
        return lambda: self._library.fault_set(f"{folder}/".encode(), ctypes.c_long(n), int(full), log)

    def calls(self, stage: Stage) -> list[str]:
        """Return the sites of the calls that were noted: see `site`."""
        log = stage.own / "calls"
        return [site(line) for line in log.read_text("utf-8", "replace").splitlines()] if log.exists() else []


def site(line: str) -> str:
    """Return the call and the kind of file that it is about: the path without table names, numbers and random parts."""
    call, _, path = line.partition(" ")
    path = re.sub(r"\.tmp\w+|[^/]*[0-9a-f-]{8,}", "*", path)
    path = re.sub(r"\w+\.lance(?=/|$)", "*.lance", path)
    return f"{call} {re.sub(r'[0-9]+', '*', path)}"


def undisturbed(stage: Stage, shim: Shim, verbs: tuple[Verb, ...]) -> dict[str, Undisturbed]:
    """Run each verb twice, each time on a fresh copy. Raises RuntimeError when the two differ."""
    found = {}
    bases: dict[str, Content] = {}
    for verb in verbs:
        database = stage.base(verb.base) / "show.animeds"
        if verb.base not in bases:
            bases[verb.base] = stage.content(database) if database.exists() and verb.base != DAMAGED else {}
        folder = stage.work(verb)
        ended = stage.run(verb.argv, folder, before=shim.armed(stage, folder, 0, False))
        stage.must(ended, verb.name)
        after = stage.content(folder / verb.compares)
        found[verb.name] = Undisturbed(bases[verb.base], after, ended.cpu, shim.calls(stage))
        folder, counts = stage.work(verb), Counts()
        stage.must(stage.run(verb.argv, folder), verb.name)
        stage.judge(verb, folder, after, bases[verb.base], counts, "second undisturbed run")
        if counts.cases:
            raise RuntimeError(f"{verb.name} is not the same twice: {counts.cases}")
    return found


def kills(
    stage: Stage, plain: dict[str, Undisturbed], numbers: range, seed: int, deadline: Deadline
) -> Counts:
    """Kill each verb at random moments, run it again to its end, and compare with an undisturbed run."""
    counts = Counts()
    for number in numbers:
        if time.monotonic() > deadline:
            break
        verb = VERBS[number % len(VERBS)]
        moment = random.Random(f"{seed}/{number}").uniform(0, plain[verb.name].cpu)
        folder = stage.work(verb)
        case = f"{verb.name} killed after {moment:.3f} s of CPU (number {number})"
        counts.tried += 1
        ended = stage.run(verb.argv, folder, kill_at=moment)
        if ended.code != -9:
            _note(ended, counts, case)
        _finish(stage, verb, folder, plain[verb.name], counts, case)
    return counts


def turns_of(plain: dict[str, Undisturbed], seed: int) -> list[tuple[Verb, int, bool]]:
    """Return verb, number of the call and whether the disk stays full, of every call; each site comes first once."""
    chance = random.Random(seed)
    first: list[tuple[Verb, int, bool]] = []
    rest: list[tuple[Verb, int, bool]] = []
    for verb in VERBS:
        calls = plain[verb.name].calls
        by_site: dict[str, list[int]] = {}
        for n, name in enumerate(calls, 1):
            by_site.setdefault(name, []).append(n)
        chosen = {chance.choice(numbers): chance.random() < 0.5 for numbers in by_site.values()}
        first += [(verb, n, full) for n, full in chosen.items()]
        rest += [
            (verb, n, full)
            for n in range(1, len(calls) + 1)
            for full in (False, True)
            if chosen.get(n) is not full
        ]
    chance.shuffle(first)
    chance.shuffle(rest)
    return first + rest


def faults(
    stage: Stage,
    plain: dict[str, Undisturbed],
    shim: Shim,
    turns: list[tuple[Verb, int, bool]],
    deadline: Deadline,
) -> Faults:
    """Let a call that writes fail once, or the disk be full from it on; run the verb again, and compare."""
    result = Faults(sites={verb.name: set() for verb in VERBS})
    for verb, n, full in turns:
        if time.monotonic() > deadline:
            break
        folder = stage.work(verb)
        result.counts.tried += 1
        result.turns[verb.name] += 1
        ended = stage.run(verb.argv, folder, before=shim.armed(stage, folder, n, full))
        hit = shim.calls(stage)
        result.sites[verb.name] |= set(hit)
        case = f"{verb.name}: call {n} ({''.join(hit)}) failed{', and all after it' if full else ''}"
        _note(ended, result.counts, case)
        _finish(stage, verb, folder, plain[verb.name], result.counts, case)
    return result


def _finish(stage: Stage, verb: Verb, folder: Path, plain: Undisturbed, counts: Counts, case: str) -> None:
    """Run the verb again, and compare with an undisturbed run."""
    _age_leftovers(folder)
    again = stage.run(verb.argv, folder)
    was_done = again.code in (1, 2) and verb.done is not None and verb.done in again.told
    _note(again, counts, f"{case}, run again")
    if again.code != 0 and not was_done:
        counts.add("refused", f"{case}, run again: {again.code}: {again.told[-600:]}")
        return
    stage.judge(verb, folder, plain.after, plain.before, counts, case)


def _age_leftovers(folder: Path) -> None:
    """Let a second pass for what the next run may delete: see safe_files.remove_leftovers."""
    for path in folder.rglob("*.partial"):
        os.utime(path, (time.time() - 2,) * 2, follow_symlinks=False)


def _note(ended: Ended, counts: Counts, case: str) -> None:
    if ended.code is None:
        counts.add("hung", case)
    elif ended.is_raw:
        counts.add("tracebacks", f"{case}: {ended.code}: {ended.told[-600:]}")

"""Tries what a stranger's file, a kill or a full disk can do, and prints how often it did harm. `make trust`.

    python tests/trust/run.py --minutes 45 --kills 500 --media 300 --statements 20000

Needs Linux and a C compiler for the trial of failing writes. The exit code is 1 when there is anything to report.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import reduce
from operator import add
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from counts import Counts  # noqa: E402 (the folder of this file comes first)

CRAFTED = (
    *(
        "test_safe_files.py",
        "test_strangers_media.py",
        "test_strangers_folders.py",
        "test_media_bad_files.py",
    ),
    *("test_media_archives.py", "test_models_manifest.py", "test_web_escapes.py", "test_upkeep_check.py"),
)
"""Tests of crafted folders, manifests, databases, models, media and SQL."""
PRELOADED = (
    *("duckdb", "pyarrow", "av", "numpy", "PIL.Image", "lance", "lancedb", "onnxruntime", "pydantic"),
    *(
        "typer._adapters",
        "platformdirs.unix",
        "importlib.readers",
        "hypothesis",
        "animeds_db",
        "animeds_ingest",
    ),
)
"""Imported once, with all their modules where they are ours, before processes are forked: these imports take longer
than most commands."""
NOT_PRELOADED = ("animeds_db.__main__", "animeds_db.web.app", "animeds_ingest.engines.ray_worker")
SHARES = {"kills": 0.45, "faults": 0.7, "media": 0.82, "sql": 0.88, "served": 0.93}
"""The part of the time that has passed when each trial must stop. The crafted files have the rest."""


def main() -> int:
    """Run the trials one after the other and print a report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=45.0, help="stop after this time")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--media", type=int, default=300)
    parser.add_argument("--statements", type=int, default=20_000, help="drawn SQL statements")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--only", choices=(*SHARES, "crafted"), action="append")
    wanted = parser.parse_args()
    if "ANIMEDS_TRUST_SHIM" not in os.environ:
        return _again_with_shim()
    started = time.monotonic()
    until = {name: started + 60 * wanted.minutes * share for name, share in SHARES.items()}
    total = Counts()
    preload()
    with tempfile.TemporaryDirectory(prefix="animeds-trust-") as top:
        Path(top).chmod(0o755)  # a test of files without permission looks at them as another user
        os.environ |= {"ANIMEDS_DATA": f"{top}/data", "TMPDIR": top, "NO_COLOR": "1", "HOME": top}
        tempfile.tempdir = top
        for name, trial in _trials(Path(top), wanted, until).items():
            if wanted.only and name not in wanted.only:
                continue
            began = time.monotonic()
            counts, more = trial()
            total += counts
            seconds = {"seconds": round(time.monotonic() - began)}
            print(
                json.dumps({name: asdict(counts) | more | seconds}, indent=1, ensure_ascii=False), flush=True
            )
    print(f"tried {total.tried}: {total.harm()}; {total.refused} refused, {total.leftovers} leftovers")
    return int(bool(total.cases))


def preload() -> None:
    """Import what the commands need. Nothing is opened, so Lance runs no thread yet that a fork would lose."""
    warnings.filterwarnings("ignore", message=".*fork")
    for name in PRELOADED:
        module = importlib.import_module(name)
        if name.startswith("animeds_"):
            for found in pkgutil.walk_packages(module.__path__, f"{name}."):
                if found.name not in NOT_PRELOADED:
                    importlib.import_module(found.name)
    from PIL import Image

    Image.init()


Trial = Callable[[], tuple[Counts, dict[str, object]]]


def _trials(top: Path, wanted: argparse.Namespace, until: dict[str, float]) -> dict[str, Trial]:
    """Return the trials by name. The stage is made, and every verb run undisturbed, before the first."""
    import sqlfuzz
    import trials
    from drivers import spread
    from media import media, sound_files
    from stage import Stage
    from verbs import VERBS

    stage, shim = Stage(top / "stage"), trials.Shim(os.environ["ANIMEDS_TRUST_SHIM"])
    jobs, seed = wanted.jobs, wanted.seed
    began = time.monotonic()
    stage.make()
    plain: dict[str, trials.Undisturbed] = {}
    if not wanted.only or {"kills", "faults"} & set(wanted.only):
        for part in spread(stage, jobs, lambda own, k: trials.undisturbed(own, shim, VERBS[k::jobs])):
            plain |= part
    print(f"{len(plain)} verbs, undisturbed: {time.monotonic() - began:.0f} s", flush=True)

    def kills() -> tuple[Counts, dict[str, object]]:
        def work(own: Stage, driver: int) -> Counts:
            numbers = range(driver, wanted.kills, jobs)
            return trials.kills(own, plain, numbers, seed, until["kills"])

        return reduce(add, spread(stage, jobs, work)), {"verbs": len(plain), "of": wanted.kills}

    def faults() -> tuple[Counts, dict[str, object]]:
        turns = trials.turns_of(plain, seed)

        def work(own: Stage, driver: int) -> trials.Faults:
            return trials.faults(own, plain, shim, turns[driver::jobs], until["faults"])

        found = spread(stage, jobs, work)
        verbs = {}
        for name, run in plain.items():
            sites, hit = set(run.calls), set().union(*(one.sites[name] for one in found))
            tried = sum(one.turns[name] for one in found)
            verbs[name] = f"{tried} of {2 * len(run.calls)} turns, {len(sites & hit)} of {len(sites)} sites"
        return reduce(add, (one.counts for one in found)), {"of": len(turns), "reached": verbs}

    def damaged() -> tuple[Counts, dict[str, object]]:
        stage.must(stage.forked(lambda: len(list(sound_files(top / "sound"))) * 0, top), "writing media")
        sound = sorted((top / "sound").iterdir())

        def work(own: Stage, driver: int) -> tuple[Counts, Counter[str]]:
            return media(own, sound, range(driver, wanted.media, jobs), seed, until["media"])

        found = spread(stage, jobs, work)
        ends = reduce(add, (ends for _, ends in found))
        told: dict[str, object] = {**ends}
        return reduce(add, (one for one, _ in found)), told

    def sql() -> tuple[Counts, dict[str, object]]:
        keywords, functions = sqlfuzz.vocabulary()

        def work(own: Stage, driver: int) -> tuple[Counts, Counter[str]]:
            return sqlfuzz.fuzz(own, wanted.statements, seed, driver, jobs, until["sql"])

        found = spread(stage, jobs, work)
        ends = reduce(add, (ends for _, ends in found))
        told: dict[str, object] = {"keywords": len(keywords), "functions": len(functions), **ends}
        return reduce(add, (one for one, _ in found)), told

    def served() -> tuple[Counts, dict[str, object]]:
        folder = stage.fresh()
        shutil.copytree(stage.base("cast") / "show.animeds", folder / "show.animeds")
        before, left = stage.outside(), max(20.0, until["served"] - time.monotonic())
        command = [sys.executable, str(HERE / "served.py"), "show.animeds", "--seed", str(seed)]
        ended = subprocess.run(
            [*command, "--seconds", str(left)], cwd=folder, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise RuntimeError(f"served.py ended with {ended.returncode}: {ended.stderr[-3000:]}")
        told = json.loads(ended.stdout.splitlines()[-1])
        counts = Counts(**{name: told.pop(name) for name in vars(Counts())})
        if stage.outside() != before:
            counts.add("out", "a request changed a file outside the folder of the service")
        return counts, told

    return {
        "kills": kills,
        "faults": faults,
        "media": damaged,
        "sql": sql,
        "served": served,
        "crafted": _crafted,
    }


def _crafted() -> tuple[Counts, dict[str, object]]:
    """Run the tests of crafted files. A failure is counted as `out`: what they test is that nothing gets out."""
    command = [sys.executable, "-m", "pytest", *(str(HERE.parent / name) for name in CRAFTED)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent.parent)
    last = ended.stdout.strip().splitlines()[-1:]
    numbers = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", "".join(last))}
    counts = Counts(tried=sum(numbers.values()))
    for line in ended.stdout.splitlines():
        if line.startswith(("FAILED", "ERROR")):
            counts.add("out", line)
    if ended.returncode and not counts.cases:
        counts.add("out", ended.stdout[-1500:] + ended.stderr[-1500:])
    return counts, {"result": last}


def _again_with_shim() -> int:
    """Build the library that lets writes fail, and start this program again with it loaded."""
    with tempfile.TemporaryDirectory(prefix="animeds-shim-") as folder:
        library = Path(folder, "faults.so")
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "faults.c"), "-ldl"]
        subprocess.run(command, check=True)
        environ = os.environ | {"LD_PRELOAD": str(library), "ANIMEDS_TRUST_SHIM": str(library)}
        return subprocess.run([sys.executable, *sys.argv], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

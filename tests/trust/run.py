"""Tries what a stranger's file, a kill or a full disk can do, and prints how often it did harm. `make trust`.

    python tests/trust/run.py --minutes 45 --kills 500 --media 300

Needs Linux and a C compiler for the trial of failing writes. The exit code is 1 when there is anything to report.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

CRAFTED = (
    "test_safe_files.py",
    "test_strangers_media.py",
    "test_strangers_folders.py",
    "test_media_bad_files.py",
    "test_upkeep_check.py",
)
"""Tests of crafted folders, manifests, databases, models and media."""
PRELOADED = (
    *("duckdb", "pyarrow", "av", "numpy", "PIL.Image", "lance", "onnxruntime"),
    *("animeds_db.cli", "animeds_db.dataset.dataset", "animeds_db.models", "animeds_db.export"),
    *("animeds_db.sync", "animeds_db.upkeep.copying", "animeds_ingest.engines.local"),
)
SHARES = {"kills": 0.45, "faults": 0.75, "media": 0.95}
"""The part of the time that has passed when each trial must stop."""


def main() -> int:
    """Run the trials one after the other and print a report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=45.0, help="stop after this time")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--media", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("kills", "faults", "media", "crafted"))
    wanted = parser.parse_args()
    if "ANIMEDS_TRUST_SHIM" not in os.environ and wanted.only in (None, "faults"):
        return _again_with_shim()
    started = time.monotonic()
    until = {name: started + 60 * wanted.minutes * share for name, share in SHARES.items()}
    # Imported once, before the processes are forked: 20 s of imports under load would be most of the time.
    # Nothing is opened here, so Lance has no runtime yet that a fork could break.
    warnings.filterwarnings("ignore", message="lance is not fork-safe")
    for module in PRELOADED:
        importlib.import_module(module)
    import trials
    from stage import Stage

    report: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="animeds-trust-") as top:
        os.environ |= {"ANIMEDS_DATA": f"{top}/data", "TMPDIR": top, "NO_COLOR": "1"}
        stage = Stage(Path(top, "stage"))
        if wanted.only in (None, "kills"):
            report["kills"] = asdict(trials.kills(stage, wanted.kills, wanted.seed, until["kills"]))
            _print("kills", report)
        if wanted.only in (None, "faults"):
            library = os.environ["ANIMEDS_TRUST_SHIM"]
            counts, reached = trials.faults(stage, library, wanted.seed, until["faults"])
            report["faults"] = asdict(counts) | {"calls": reached}
            _print("faults", report)
        if wanted.only in (None, "media"):
            counts, ends = trials.media(stage, wanted.media, wanted.seed, until["media"])
            report["media"] = asdict(counts) | ends
            _print("media", report)
    if wanted.only in (None, "crafted"):
        report["crafted"] = _crafted()
        _print("crafted", report)
    return int(any(part["cases"] for part in report.values()))  # type: ignore[index]


def _print(name: str, report: dict[str, object]) -> None:
    print(json.dumps({name: report[name]}, indent=1, ensure_ascii=False), flush=True)


def _again_with_shim() -> int:
    """Build the library that lets writes fail, and start this program again with it loaded."""
    with tempfile.TemporaryDirectory(prefix="animeds-shim-") as folder:
        library = Path(folder, "faults.so")
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "faults.c"), "-ldl"]
        subprocess.run(command, check=True)
        environ = os.environ | {"LD_PRELOAD": str(library), "ANIMEDS_TRUST_SHIM": str(library)}
        return subprocess.run([sys.executable, *sys.argv], env=environ, check=False).returncode


def _crafted() -> dict[str, object]:
    """Run the tests of crafted files and return how many there were, and the last lines where one failed."""
    command = [sys.executable, "-m", "pytest", *(str(HERE.parent / name) for name in CRAFTED)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    last = ended.stdout.strip().splitlines()[-1:]
    return {"result": last, "cases": ended.stdout.splitlines()[-20:] if ended.returncode else []}


if __name__ == "__main__":
    sys.exit(main())

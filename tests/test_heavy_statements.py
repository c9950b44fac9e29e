"""The largest statements stay within 1 GB on 100,000 frames, whatever plan this version of DuckDB makes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tools import synthetic

from animeds_db.session import catalog

FRAMES = 100_000
LIMIT_MB = 1000
"""Memory that the whole process may hold while one of the statements runs, at most."""
DUCKDB_MEMORY = "512MB"
"""DuckDB does not count lists in flight and results, so that its own limit alone would prove nothing."""
PICTURES = 8_000
"""Pictures that get captions: to write 100,000 takes half a minute."""
MOST_BYTES = 6 << 30
"""What the system gives the process at most, so that a bad plan ends the process and not the machine."""
EVERY = "SELECT frame_id FROM frames"
VIEWS = [name for name in catalog.view_names() if name != "captions"]
"""All views but the captions of every frame; the plan with captions runs what they are made of."""
STATEMENTS = [
    "plan with captions",
    "plan of every frame",
    "plan of every face",
    *(f"view {name}" for name in VIEWS),
]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not Path("/proc/self/clear_refs").exists(),
        reason="only Linux says how much memory a process has held",
    ),
]


def statements(path: str) -> dict[str, Callable[[], object]]:
    """Return what to run, by name, over the database at a path."""
    import animeds_db
    from animeds_db.export import CropOptions, ExportOptions
    from animeds_db.export.plan import select

    ds = animeds_db.open(path)
    session = ds.session
    some = f"{EVERY} ORDER BY frame_id LIMIT {PICTURES}"

    def whole(view: str) -> Callable[[], object]:
        return lambda: ds.sql(f"SELECT count(*), bit_xor(hash(one)) FROM {view} AS one").fetchall()

    return {
        "plan with captions": lambda: select(session, some, options=ExportOptions()),
        "plan of every frame": lambda: select(session, EVERY),
        "plan of every face": lambda: select(
            session, EVERY, options=ExportOptions(captions=False, crops=CropOptions(kinds=("face",)))
        ),
        **{f"view {view}": whole(view) for view in VIEWS},
    }


@pytest.fixture(scope="module")
def peaks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The most memory that a process held during each statement, MB."""
    path = tmp_path_factory.mktemp("many") / "many.animeds"
    synthetic.write_database(path, FRAMES, width=8)
    done = subprocess.run(
        [sys.executable, __file__, str(path)],
        env={
            **os.environ,
            "ANIMEDS_MEMORY": DUCKDB_MEMORY,
            "PYTHONPATH": os.pathsep.join([str(Path(synthetic.__file__).parent), *filter(None, sys.path)]),
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_over_100_000_frames_stays_within_1_gb(statement: str, peaks: dict[str, int]) -> None:
    assert peaks[statement] < LIMIT_MB


def main() -> None:
    """Run every statement, and print the peak of each."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    found = {}
    for name, run in statements(sys.argv[1]).items():
        Path("/proc/self/clear_refs").write_text("5", "utf-8")  # reset the peak to the memory in use now
        run()
        status = Path("/proc/self/status").read_text("utf-8")
        found[name] = next(int(line.split()[1]) // 1024 for line in status.splitlines() if "VmHWM" in line)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

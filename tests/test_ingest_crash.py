"""kill -9 at random moments loses nothing and doubles nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import videos
from ingesting import a_store, everything, run

from animeds_db.store import Store

KILLS = int(os.environ.get("ANIMEDS_KILLS", "4"))

SCRIPT = """
import sys
from pathlib import Path
from animeds_ingest import pipeline
pipeline.BATCH, pipeline.CHUNK = 4, 8
from ingesting import run
from animeds_db.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
run(store, *map(Path, sys.argv[2:]), how="all")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_killed_runs_and_one_more_give_the_rows_of_an_undisturbed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from animeds_ingest import pipeline

    monkeypatch.setattr(pipeline, "BATCH", 4)
    monkeypatch.setattr(pipeline, "CHUNK", 8)
    clips = [videos.shared_clip("h264 open"), videos.shared_clip("vp9")]
    (tmp_path / "calm").mkdir()
    calm = a_store(tmp_path / "calm")
    started = time.monotonic()
    run(calm, *clips, how="all")
    length = time.monotonic() - started
    store = a_store(tmp_path)
    chance = random.Random(7)
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, store.uri, *map(str, clips)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent / "support")},
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, length))
            process.kill()
    run(store, *clips, how="all")
    assert everything(Store.open(store.uri)) == everything(calm)

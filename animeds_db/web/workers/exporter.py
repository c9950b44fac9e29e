"""A process that runs one export: `python -m animeds_db.web.workers.exporter URI REQUEST`.

It reports progress and its result on stdout. An interrupt ends it as Ctrl-C ends `animeds export`.
"""

from __future__ import annotations

import json
import os
import sys
import time

from animeds_db.errors import AnimedsError
from animeds_db.web.errors import as_json
from animeds_db.web.workers import framing
from animeds_db.web.workers.confine import confine
from animeds_db.web.workers.export_request import described, included

EVERY_S = 0.2
"""Seconds between two messages about progress."""
NICENESS = 10
"""Exports have a lower CPU priority than queries, because somebody waits for those."""


def main(uri: str, text: str) -> int:
    """Run the export, and return the exit code."""
    from animeds_db.dataset import Dataset
    from animeds_db.session.sandbox import Bounds
    from animeds_db.store import Store

    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request = json.loads(text)
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last > EVERY_S:
            last = now
            framing.send_json(target, framing.FACTS, {"done": done, "total": total})

    try:
        options = described(request["options"])
        bounds = Bounds(f"{request['memory'] >> 20}MiB", request["threads"])
        with Dataset(Store.open(uri), unfinished=request["unfinished"], bounds=bounds) as dataset:
            dataset.sql("SELECT count(*) FROM frames").fetchall()  # loads libraries before the limits are set
            confine(request["memory"], niceness=NICENESS, writes=True)
            framing.send(target, framing.READY)
            report = dataset.export(
                None,
                request["out"],
                sql=request["sql"],
                options=options,
                progress=progress,
                **included(request["options"]),
            )
    except AnimedsError as error:
        framing.send_json(target, framing.FAILED, as_json(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the service has ended
        return 1
    done = {
        "folder": report.folder.name,
        "n_pictures": report.n_pictures,
        "n_sources": report.n_sources,
        "n_bytes": report.n_bytes,
        "folders": report.folders,
        "notes": list(report.notes),
    }
    framing.send_json(target, framing.DONE, done)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

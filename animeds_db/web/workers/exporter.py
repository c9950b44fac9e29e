"""A process of its own that runs one export: `python -m animeds_db.web.workers.exporter URI JSON`.

Its one rule: it says on stdout how far it is and how it ended; an interrupt ends it as Ctrl-C ends `animeds export`.
"""

from __future__ import annotations

import json
import os
import sys
import time

from animeds_db.errors import AnimedsError
from animeds_db.web.errors import as_json
from animeds_db.web.workers import framing
from animeds_db.web.workers.export_request import described, included

EVERY_S = 0.2


def main(uri: str, told: str) -> int:
    """Run the export, and return the exit code."""
    from animeds_db.dataset import Dataset
    from animeds_db.store import Store

    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    wanted = json.loads(told)
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last > EVERY_S:
            last = now
            framing.tell(target, framing.TOLD, {"done": done, "total": total})

    try:
        options, shape = described(wanted["options"])
        with Dataset(Store.open(uri), unfinished=wanted["unfinished"]) as dataset:
            report = dataset.export(
                None,
                wanted["out"],
                sql=wanted["sql"],
                options=options,
                shape=shape,
                progress=progress,
                **included(wanted["options"]),
            )
    except AnimedsError as error:
        framing.tell(target, framing.FAILED, as_json(error))
        return 1
    except KeyboardInterrupt:
        return 130
    done = {
        "folder": report.folder.name,
        "n_pictures": report.n_pictures,
        "n_sources": report.n_sources,
        "n_bytes": report.n_bytes,
        "folders": report.folders,
        "notes": list(report.notes),
    }
    framing.tell(target, framing.DONE, done)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

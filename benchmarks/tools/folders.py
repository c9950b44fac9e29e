"""The folder for the videos and databases that a benchmark makes. They can take several gigabytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def work_folder(kept: Path | None) -> Iterator[Path]:
    """Yield `kept`, which stays for the next run. If it is None, yield a temporary folder and delete it afterwards."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="animeds-bench-") as folder:
            yield Path(folder)
    else:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept

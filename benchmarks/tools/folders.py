"""Where a benchmark keeps what it draws and ingests: some gigabytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def work_folder(kept: Path | None) -> Iterator[Path]:
    """Give the folder `kept`, which stays for the next run; if it is None a new one, which is deleted afterwards."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="animeds-bench-") as folder:
            yield Path(folder)
    else:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept

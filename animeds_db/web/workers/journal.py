"""A file beside the database that remembers the service's jobs, so that a restart does not forget them."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import IO, Any

from animeds_db.remote.storage import is_remote
from animeds_db.safe_files import locked_file

KEPT = 100
"""Maximum number of jobs that are remembered."""
_log = logging.getLogger("animeds")


def journal_path(uri: str) -> Path | None:
    """Return the path of the journal of a database, `NAME.jobs`; None for a database in a bucket."""
    if is_remote(uri):
        return None
    place = Path(uri).absolute()
    return place.with_name(f"{place.name}.jobs")


class Journal:
    """One line of JSON for each change of a job. The last line of a job counts.

    One service holds the file at a time. For a second one, for a database in a bucket, and in a folder that cannot be
    written, nothing is remembered after the end of the service.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def read(self) -> list[dict[str, Any]]:
        """Return the remembered jobs, oldest first. Lines that are damaged are skipped."""
        if self._path is None or not self._path.is_file() or not self._open():
            return []
        assert self._file is not None
        self._file.seek(0)
        jobs: dict[str, dict[str, Any]] = {}
        for line in self._file.read().splitlines():
            try:
                job = json.loads(line)
                jobs[str(job["id"])] = job
            except (ValueError, KeyError, TypeError):
                _log.debug("a line of %s is not valid", self._path)
        kept = list(jobs.values())[-KEPT:]
        self._file.truncate(0)
        self._file.write(b"".join(_line(job) for job in kept))
        return kept

    def write(self, job: dict[str, Any]) -> None:
        """Remember the state of a job."""
        if not self._open():
            return
        assert self._file is not None
        try:
            self._file.write(_line(job))
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error)

    def close(self) -> None:
        """Close the file, so that another service can use it."""
        if self._file is not None:
            self._file.close()
        self._file = self._path = None

    def _open(self) -> bool:
        if self._file is None and self._path is not None:
            try:
                self._file = locked_file(self._path)
            except OSError as error:
                _log.warning("%s cannot be written, so jobs are not remembered: %s", self._path, error)
            if self._file is None:
                self._path = None
        return self._file is not None


def _line(job: dict[str, Any]) -> bytes:
    return json.dumps(job, ensure_ascii=False).encode() + os.linesep.encode()

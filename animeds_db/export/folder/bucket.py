"""An export to object storage: a folder is made on this disk, then sent. Its one rule: the manifest arrives last.

A prefix with `animeds-export.json` in it is therefore whole; what was there before is never touched.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from animeds_db.errors import ExportError, StoreError
from animeds_db.export.manifest import MANIFEST_NAME
from animeds_db.export.options import ExportReport
from animeds_db.remote.storage import expect_reachable, explained, storage_options
from animeds_db.safe_files import new_folder

AT_ONCE = 8
"""Files on their way at the same time."""


def sent(uri: str, make: Callable[[Path], ExportReport]) -> ExportReport:
    """Let `make` write a folder, send it to `uri` (s3://BUCKET/PREFIX, gs://, az://), and return its report.

    Raises ExportError when something is there already, or cannot be sent.
    """
    with _errors(uri):
        expect_reachable(uri)
        bucket = _bucket(uri)
        _refuse_occupied(uri, bucket.list())
    with new_folder(Path(tempfile.gettempdir()), "animeds-export-", 0o700) as there:
        folder = there / "export"
        report = make(folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        *first, last = sorted(files, key=lambda path: path == folder / MANIFEST_NAME)
        with _errors(uri), ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda path: _send(bucket, path, folder), first))
            _send(bucket, last, folder)
    return replace(report, notes=(*report.notes, f"{len(files)} files were sent to {uri}"))


def _send(bucket: Any, path: Path, folder: Path) -> None:
    bucket.upload_file(path, path.relative_to(folder).as_posix())


def _bucket(uri: str) -> Any:
    from lance.file import LanceFileSession

    return LanceFileSession(uri, storage_options(uri))


def _refuse_occupied(uri: str, there: list[str]) -> None:
    if not there:
        return
    if MANIFEST_NAME in there:
        raise ExportError(
            f"there is an export at {uri} already", hint="name another place, or delete that one first"
        )
    raise ExportError(
        f"{uri} is not empty: {len(there)} objects, and none says that it is a whole export",
        hint="the rest of one that was interrupted? Delete it, or name another place",
    )


@contextlib.contextmanager
def _errors(uri: str) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise ExportError(error.message, hint=error.hint) from error
    except (OSError, ValueError, RuntimeError) as error:
        known = explained(uri, error, writing=True)
        told = known.message if known else f"cannot write {uri}: {str(error)[:300]}"
        raise ExportError(told, hint=known.hint if known else None) from error

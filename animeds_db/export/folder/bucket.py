"""An export to object storage: a folder is written on this disk, then uploaded. The manifest is uploaded last.

So a prefix with `animeds-export.json` is complete. Existing objects are never changed.
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
"""Number of files that are uploaded at the same time."""


def sent(uri: str, make: Callable[[Path], ExportReport]) -> ExportReport:
    """Let `make` write a folder, send it to `uri` (s3://BUCKET/PREFIX, gs://, az://), and return its report.

    Raises ExportError if the URI is not empty, or if the upload fails.
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
    return replace(report, notes=(*report.notes, f"{len(files)} files were uploaded to {uri}"))


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
            f"{uri} already contains an export.", hint="Choose another URI, or delete that export first."
        )
    raise ExportError(
        f"{uri} is not empty: it has {len(there)} objects, but no manifest of a complete export.",
        hint="If it is the rest of an interrupted export, delete it. Otherwise choose another URI.",
    )


@contextlib.contextmanager
def _errors(uri: str) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise ExportError(error.message, hint=error.hint) from error
    except (OSError, ValueError, RuntimeError) as error:
        known = explained(uri, error, writing=True)
        told = known.message if known else f"Cannot write {uri}: {str(error)[:300]}"
        raise ExportError(told, hint=known.hint if known else None) from error

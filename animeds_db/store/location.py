"""Where a database is: paths and URIs, what stands there, and errors told in terms of that place.

Its one rule: everything that depends on "folder or URI" is here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from animeds_db.errors import StoreError
from animeds_db.remote.storage import expect_reachable, explained, is_remote, storage_options
from animeds_db.safe_files import UnsafePathError, inside, new_folder, relative
from animeds_db.schema import Table
from animeds_db.store.fsync import flush_folder, flush_tree

if TYPE_CHECKING:
    import lance
    import lancedb

Answer = TypeVar("Answer")

CORE = ("sources", "frames", "detections", "thumbnails", "vocabulary", "models")
"""Tables that every database has had from the first version on; the others are added when it is opened."""

BACKUP_NAME = "animeds-backup.json"
"""In a database that is a copy, and is brought up to date by `animeds backup`: of which one."""
AT_ONCE = 16
"""Requests to object storage at the same time: each costs tens of milliseconds of waiting."""
CHECK = "`animeds check` says what is lost and what can bring it back; restore a backup, if there is one"
"""What to do about a database that cannot be read."""
_NOTHING_THERE = re.compile(r"Dataset at path .* was not found")
_STREAM = re.compile(r"registered as '(?:lance_)?(\w+)' failed: (?:Invalid: )?(?:External error: )?(.*)")
_LANCE_SOURCE = re.compile(r"/lance[\w/-]*/src/[\w/]+\.rs:\d+")
"""Lance names the line of its source that an error comes from."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Place:
    """A folder or URI that is, or is to be, a database. `path` is None for a URI."""

    def __init__(self, uri: str) -> None:
        self.path = _local(uri)
        self.uri = uri if self.path is None else str(self.path)
        self.options = storage_options(uri)
        """What Lance has to be told to get there; None where this is a folder."""

    @property
    def shared(self) -> str:
        """The place as other processes know it, whatever folder they were started in."""
        return self.uri if self.path is None else str(self.path.absolute())

    @property
    def way_out(self) -> str:
        """What to do when there is no database here."""
        return f"make one with `animeds ingest FILES --db {self.uri}`, or name another with --db"

    def table(self, name: str) -> str:
        """Return the path or URI of a table."""
        return (
            f"{self.uri.rstrip('/')}/{name}.lance" if self.path is None else str(self.path / f"{name}.lance")
        )

    def dataset(self, name: str, version: int | None = None) -> lance.LanceDataset:
        """Open a table at a version, else at its newest. Raises StoreError."""
        import lance

        with read_errors(self.uri):
            return lance.dataset(self.table(name), version=version, storage_options=self.options)

    def connect(self) -> lancedb.DBConnection:
        """Return LanceDB's connection to this database.

        To import lancedb takes five times as long as to import lance, so only what writes or searches calls this.
        """
        import lancedb

        with read_errors(self.uri):
            return lancedb.connect(self.uri, storage_options=self.options)

    def has_table(self, name: str) -> bool:
        """Tell whether a table is here, without reading it where this is a folder."""
        if self.path is not None:
            return (self.path / f"{name}.lance" / "_versions").is_dir()
        try:
            self.dataset(name)
        except StoreError as error:
            if _NOTHING_THERE.search(str(error.__cause__)):
                return False
            raise
        return True

    def of_each(self, names: Sequence[str], ask: Callable[[str], Answer]) -> dict[str, Answer]:
        """Return what `ask` answers for each of these tables; at a URI, all are asked at once."""
        if self.path is not None:
            return {name: ask(name) for name in names}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(names, pool.map(ask, names), strict=True))

    def check_way(self) -> None:
        """Raise StoreError where this is a URI at which, for all that can be told at once, nobody answers."""
        if self.path is None:
            expect_reachable(self.uri)

    def check(self) -> None:
        """Raise StoreError unless all tables are here; the message says what is here instead."""
        self.check_way()
        if self.path is not None:
            _check_folder(self, self.path)
        here = self.of_each(CORE, self.has_table)
        if not here["sources"]:
            raise StoreError(f"there is no database at {self.uri}", hint=self.way_out)
        for name in CORE:
            if not here[name]:
                raise damaged(self, name)


def damaged(place: Place, name: str) -> StoreError:
    """Return the error for a table that is gone."""
    return StoreError(f"the database {place.uri} is damaged: its table {name}.lance is gone", hint=CHECK)


def _local(uri: str) -> Path | None:
    if uri.startswith("file://"):
        return Path(url2pathname(urlsplit(uri).path))
    return None if "://" in uri else Path(uri).expanduser()


ELSEWHERE = "--db names the folder of a database: `animeds ingest FILES --db ./anime.animeds` makes one"
"""What to do where something else is: no database is made there."""


def _check_folder(place: Place, path: Path) -> None:
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208 (names only, and its errors)
    except FileNotFoundError:
        raise StoreError(f"there is no database at {path}: no such folder", hint=place.way_out) from None
    except NotADirectoryError:
        raise StoreError(f"{path} is a file, not a database", hint=ELSEWHERE) from None
    except PermissionError:
        raise StoreError(f"no permission to read {path}", hint=f"check its owner: ls -ld {path}") from None
    if BACKUP_NAME in names and not place.has_table("sources"):
        raise StoreError(f"{path} is a backup that was interrupted", hint="run the same animeds backup again")
    if "sources.lance" in names:
        return
    if not names:
        raise StoreError(f"{path} is an empty folder, not a database", hint=place.way_out)
    if "_versions" in names:
        raise StoreError(f"{path} is a single Lance table, not a database", hint=f"try --db {path.parent}")
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    raise StoreError(f"{path} is a folder of other things ({shown}), not a database", hint=ELSEWHERE)


def check_files(place: Place, name: str, version: int | None = None) -> None:
    """Raise StoreError when a version of a table in a folder has data anywhere but in its own folder."""
    table = place.dataset(name, version)
    with read_errors(place.uri):
        files = [file for fragment in table.get_fragments() for file in fragment.metadata.files]
    for file in files:
        try:
            if file.base_id is not None:
                raise UnsafePathError(f"a file of {name} lies in another folder (base {file.base_id})")
            if place.path is not None:
                relative(file.path, f"the table {name}")
                inside(place.path / f"{name}.lance", f"data/{file.path}")
        except UnsafePathError as error:
            raise StoreError(
                f"{place.uri}: {error.message}",
                hint="somebody made this database so: do not use it. Of your own, put the files themselves there",
            ) from error


def place_new_database(place: Place, tables: Sequence[Table]) -> None:
    """Create these tables, empty. In a folder they appear all at once; at a URI `sources` comes last.

    Raises StoreError when anything but an empty folder is there.
    """
    if place.path is None:
        place.check_way()
        if place.has_table("sources"):
            raise StoreError(f"there is a database at {place.uri} already")
        add_missing_tables(
            place, tables
        )  # some may be there: of a creation that was interrupted, or goes on beside
        return
    with write_errors(place.uri):
        refuse_occupied(place.path)
        place.path.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(place.path.parent, f".{place.path.name}.") as partial:
            _write_tables(Place(str(partial)), tables)
            flush_tree(partial)
            _move(partial, place.path)
        flush_folder(place.path.parent)


def add_missing_tables(place: Place, tables: Sequence[Table]) -> None:
    """Create, empty, the tables that came with a later version of this program."""
    here = place.of_each([table.name for table in tables], place.has_table)
    for table in reversed(tables):  # `sources` comes last, as when a database is made
        if not here[table.name]:
            try:
                _write_tables(place, [table])
            except StoreError:
                if not place.has_table(table.name):  # else another process was first
                    raise
            if place.path is not None:
                with write_errors(place.uri):
                    flush_tree(place.path / f"{table.name}.lance")


def _write_tables(place: Place, tables: Sequence[Table]) -> None:
    if not tables:
        return
    connection = place.connect()
    for table in reversed(tables):  # `sources` is the first of them, so the last to appear
        with write_errors(place.uri):
            connection.create_table(table.name, schema=table.schema)


def refuse_occupied(path: Path) -> None:
    """Raise StoreError unless nothing is at a path, or an empty folder."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if Place(str(path)).has_table("sources"):
        raise StoreError(
            f"there is a database at {path} already", hint="name another with --db, or open this one"
        )
    if path.is_dir():
        _check_folder(Place(str(path)), path)
    if path.exists() or path.is_symlink():
        raise StoreError(
            f"{path} is a file; a database cannot be put there", hint="name another path with --db"
        )


def _move(partial: Path, path: Path) -> None:
    try:
        if os.name == "nt" and path.is_dir():
            path.rmdir()  # empty; Windows cannot rename over it
        partial.rename(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # another process was first
            raise StoreError(f"there is a database at {path} already") from error
        raise


@contextlib.contextmanager
def read_errors(uri: str) -> Iterator[None]:
    """Turn what Lance raises on reading into StoreError; `__cause__` has the original."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        known = explained(uri, error, writing=False)
        raise known or _unreadable(uri, error) from error
    except BaseException as error:
        if (
            type(error).__name__ != "PanicException"
        ):  # Lance gave up on a damaged file; the class has no module
            raise
        raise _unreadable(uri, error) from error


def damage(error: BaseException) -> StoreError | None:
    """Return the error to show for what Lance raised about a file that it cannot read; None for any other error.

    DuckDB passes it on as an error of its own, with the name of the table.
    """
    text = str(error)
    if streamed := _STREAM.search(text):
        return StoreError(f"the table {streamed[1]} cannot be read: {first_words(streamed[2])}", hint=CHECK)
    if _LANCE_SOURCE.search(text) or type(error).__name__ == "PanicException":
        return StoreError(f"the database cannot be read: {first_words(error)}", hint=CHECK)
    return None


def _unreadable(uri: str, error: BaseException) -> StoreError:
    hint = None if is_remote(uri) else CHECK
    return StoreError(f"cannot read {uri}: {first_words(error)}", hint=hint)


@contextlib.contextmanager
def write_errors(uri: str) -> Iterator[None]:
    """Turn what Lance and the file system raise on writing into StoreError; `__cause__` has the original."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        text = str(error)
        if getattr(error, "errno", None) in _FULL or any(f"os error {code})" in text for code in _FULL):
            raise StoreError(
                f"{uri}: the disk is full, or a quota or size limit is reached",
                hint="make room and run it again; what was stored is safe",
            ) from error
        if not is_remote(uri) and (isinstance(error, PermissionError) or "ermission denied" in text):
            raise StoreError(
                f"no permission to write {uri}", hint="check the owner of that folder"
            ) from error
        known = explained(uri, error, writing=True)
        raise known or StoreError(f"cannot write {uri}: {first_words(error)}") from error


def first_words(error: BaseException | str | None) -> str:
    """Return an error's text without the source lines that Lance appends."""
    return str(error).split(", /home/")[0].split("\n")[0][:300]

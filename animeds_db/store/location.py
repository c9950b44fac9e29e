"""The location of a database: a path or a URI, what is there, and errors that name it.

All code that depends on "folder or URI" is in this module.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

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
"""Tables that every database has had since the first version. The others are added when it is opened."""

BACKUP_NAME = "animeds-backup.json"
"""File in a copy made by `animeds backup`. It says which database was copied."""
AT_ONCE = 16
"""Number of simultaneous requests to object storage, each of which takes tens of milliseconds."""
CHECK = "run `animeds check` to see what is lost and how to restore it, or restore a backup if there is one"
"""A hint: what to do about a database that cannot be read."""
_NOTHING_THERE = re.compile(r"Dataset at path .* was not found")
_STREAM = re.compile(r"registered as '(?:lance_)?(\w+)' failed: (?:Invalid: )?(?:External error: )?(.*)")
_LANCE_SOURCE = re.compile(r"/lance[\w/-]*/src/[\w/]+\.rs:\d+")
"""Lance's errors name the line of its source code that raised them."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Location:
    """The folder or URI of a database that exists or will be created. `path` is None for a URI."""

    def __init__(self, uri: str) -> None:
        self.path = _local(uri)
        self.uri = uri if self.path is None else str(self.path)
        self.options = storage_options(uri)
        """Lance's storage options for this URI; None for a folder."""

    @property
    def shared(self) -> str:
        """The location in a form that is valid in other processes: an absolute path or a URI."""
        return self.uri if self.path is None else str(self.path.absolute())

    @property
    def way_out(self) -> str:
        """A hint: what to do if there is no database here."""
        return f"create one with `animeds ingest FILES --db {self.uri}`, or choose another with --db"

    def table(self, name: str) -> str:
        """Return the path or URI of a table."""
        return (
            f"{self.uri.rstrip('/')}/{name}.lance" if self.path is None else str(self.path / f"{name}.lance")
        )

    def dataset(self, name: str, version: int | None = None) -> lance.LanceDataset:
        """Open a table at a version (default: the newest). Raises StoreError."""
        import lance

        with read_errors(self.uri):
            return lance.dataset(
                self.table(name), version=version, storage_options=self.options, session=self.session
            )

    @cached_property
    def session(self) -> lance.Session | None:
        """The connections and the metadata that all tables at a URI share; None for a folder, which needs neither.

        With it, opening a table takes one request instead of two, and a quarter of the processor time.
        """
        import lance

        return lance.Session() if self.path is None else None

    def connect(self) -> lancedb.DBConnection:
        """Return LanceDB's connection to this database.

        To import lancedb takes ten times as long as to import lance, so only what searches or indexes calls this.
        """
        import lancedb

        with read_errors(self.uri):
            return lancedb.connect(self.uri, storage_options=self.options)

    def has_table(self, name: str) -> bool:
        """Return True if the table exists. In a folder, this does not read it."""
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
        """Return the result of `ask` for each of these tables. At a URI, they are asked in parallel."""
        if self.path is not None:
            return {name: ask(name) for name in names}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(names, pool.map(ask, names), strict=True))

    def check_way(self) -> None:
        """Raise StoreError if this is a URI whose server can be seen at once not to answer."""
        if self.path is None:
            expect_reachable(self.uri)

    def check(self) -> None:
        """Raise StoreError unless all tables exist. The message says what is there instead."""
        self.check_way()
        if self.path is not None:
            _check_folder(self, self.path)
        here = self.of_each(CORE, self.has_table)
        if not here["sources"]:
            raise StoreError(f"there is no database at {self.uri}", hint=self.way_out)
        for name in CORE:
            if not here[name]:
                raise damaged(self, name)


def damaged(location: Location, name: str) -> StoreError:
    """Return the error for a missing table."""
    return StoreError(
        f"the database {location.uri} is damaged: its table {name}.lance is missing", hint=CHECK
    )


def _local(uri: str) -> Path | None:
    if uri.startswith("file://"):
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(uri).path))
    return None if "://" in uri else Path(uri).expanduser()


ELSEWHERE = "--db must be the folder of a database: `animeds ingest FILES --db ./anime.animeds` creates one"
"""A hint for locations that contain something else, where no database is created."""


def _check_folder(location: Location, path: Path) -> None:
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208 (names only, and its errors)
    except FileNotFoundError:
        raise StoreError(f"there is no database at {path}: no such folder", hint=location.way_out) from None
    except NotADirectoryError:
        raise StoreError(f"{path} is a file, not a database", hint=ELSEWHERE) from None
    except PermissionError:
        raise StoreError(f"no permission to read {path}", hint=f"check its owner: ls -ld {path}") from None
    if BACKUP_NAME in names and not location.has_table("sources"):
        raise StoreError(f"{path} is an unfinished backup", hint="run the same `animeds backup` again")
    if "sources.lance" in names:
        return
    if not names:
        raise StoreError(f"{path} is an empty folder, not a database", hint=location.way_out)
    if "_versions" in names:
        raise StoreError(f"{path} is a single Lance table, not a database", hint=f"try --db {path.parent}")
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    raise StoreError(f"{path} is a folder with other files ({shown}), not a database", hint=ELSEWHERE)


def check_files(location: Location, name: str, version: int | None = None) -> lance.LanceDataset:
    """Return a table. Raises StoreError if it is in a folder and has data files outside its own folder."""
    table = location.dataset(name, version)
    with read_errors(location.uri):
        files = [file for fragment in table.get_fragments() for file in fragment.metadata.files]
    for file in files:
        try:
            if file.base_id is not None:
                raise UnsafePathError(f"a file of {name} is in another folder (base {file.base_id})")
            if location.path is not None:
                relative(file.path, f"the table {name}")
                inside(location.path / f"{name}.lance", f"data/{file.path}")
        except UnsafePathError as error:
            raise StoreError(
                f"{location.uri}: {error.message}",
                hint="do not use this database unless it is your own; then move the files themselves into it",
            ) from error
    return table


def create_database(location: Location, tables: Sequence[Table]) -> None:
    """Create these tables, empty. In a folder they all appear at once; at a URI, `sources` appears last.

    Raises StoreError if the location exists and is not an empty folder.
    """
    if location.path is None:
        location.check_way()
        if location.has_table("sources"):
            raise StoreError(f"{location.uri} is already a database")
        add_missing_tables(location, tables)  # some may exist, from an interrupted or a parallel creation
        return
    with write_errors(location.uri):
        refuse_occupied(location.path)
        location.path.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(location.path.parent, f".{location.path.name}.") as partial:
            _write_tables(Location(str(partial)), tables)
            flush_tree(partial)
            _move(partial, location.path)
        flush_folder(location.path.parent)


def add_missing_tables(location: Location, tables: Sequence[Table]) -> None:
    """Create the tables that newer versions of this program added, empty."""
    here = location.of_each([table.name for table in tables], location.has_table)
    for table in reversed(tables):  # `sources` comes last, as in a new database
        if not here[table.name]:
            try:
                _write_tables(location, [table])
            except StoreError:
                if not location.has_table(table.name):  # otherwise another process was first
                    raise
            if location.path is not None:
                with write_errors(location.uri):
                    flush_tree(location.path / f"{table.name}.lance")


def _write_tables(location: Location, tables: Sequence[Table]) -> None:
    import lance

    for table in reversed(tables):  # `sources` is the first in the list, so it appears last
        with write_errors(location.uri):
            lance.write_dataset(
                table.schema.empty_table(),
                location.table(table.name),
                storage_options=location.options,
                session=location.session,
            )


def refuse_occupied(path: Path) -> None:
    """Raise StoreError unless the path does not exist or is an empty folder."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if Location(str(path)).has_table("sources"):
        raise StoreError(
            f"{path} is already a database", hint="choose another path with --db, or open this one"
        )
    if path.is_dir():
        _check_folder(Location(str(path)), path)
    if path.exists() or path.is_symlink():
        raise StoreError(
            f"{path} is a file, so a database cannot be created there", hint="choose another path with --db"
        )


def _move(partial: Path, path: Path) -> None:
    try:
        if os.name == "nt" and path.is_dir():
            path.rmdir()  # it is empty; Windows cannot rename over it
        partial.rename(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # another process was first
            raise StoreError(f"{path} is already a database") from error
        raise


@contextlib.contextmanager
def read_errors(uri: str) -> Iterator[None]:
    """Turn Lance's errors on reading into StoreError. `__cause__` is the original error."""
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
    """Turn errors of Lance and the file system on writing into StoreError. `__cause__` is the original error."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        text = str(error)
        if getattr(error, "errno", None) in _FULL or any(f"os error {code})" in text for code in _FULL):
            raise StoreError(
                f"{uri}: the disk is full, or a quota or size limit is reached",
                hint="free some space and run the command again; what was already stored is safe",
            ) from error
        if not is_remote(uri) and (isinstance(error, PermissionError) or "ermission denied" in text):
            raise StoreError(
                f"no permission to write {uri}", hint="check the owner of that folder"
            ) from error
        known = explained(uri, error, writing=True)
        raise known or StoreError(f"cannot write {uri}: {first_words(error)}") from error


def first_words(error: BaseException | str | None) -> str:
    """Return an error's message without the source locations that Lance appends."""
    return str(error).split(", /home/")[0].split("\n")[0][:300]

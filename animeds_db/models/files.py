"""Where a model's files lie on this disk. Its one rule: no file is used that differs from its checksum.

A checksum comes from the manifest, or from the first pull (or `add`), which writes it into a record
beside the user's data; after that every use is compared with it. Re-hashing is skipped while a
file's size and time are those of the last comparison.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from animeds_db.errors import ModelError
from animeds_db.models.manifest import Entry
from animeds_db.safe_files import whole_file

Progress = Callable[[str, int, int | None], None]
"""Called with (file name, bytes so far, bytes in all or None) while something is fetched."""


@dataclass(frozen=True)
class Files:
    """An entry's files, present and checked. `revision` is the hub's commit, or the start of the checksum."""

    entry: Entry
    paths: Mapping[str, Path]
    revision: str
    sha256: str  # of the model file

    @property
    def id(self) -> str:
        """name@revision, as it stands in the database."""
        return f"{self.entry.name}@{self.revision[:8]}"


def locate(entry: Entry) -> Files | None:
    """Return an entry's files when all are on this disk; None when it has yet to be pulled.

    Raises ModelError for a file that is missing from an embedded or local model, or is not the one recorded.
    """
    if entry.engine != "onnx":  # its library finds and fetches it; its revision is known once it is loaded
        return Files(entry, {}, "", "")
    if entry.repo:
        return _pulled(entry)
    folder = entry.folder or Path()
    paths = {role: folder / name for role, name in entry.files.items()}
    for path in paths.values():
        if not path.is_file():
            raise ModelError(f"{entry.name}: the file {path} is missing", hint=_missing_hint(entry))
    sums = {role: sha256_of(path) for role, path in paths.items()}
    for role, wanted in entry.sha256.items():
        if sums.get(role) != wanted:
            raise ModelError(
                f"{entry.name}: {paths[role]} has changed since it was added (sha256 {sums[role][:12]}…, "
                f"not {wanted[:12]}…)",
                hint=f"put the old file back, or `animeds models remove {entry.name}` and add it again",
            )
    return Files(entry, paths, sums["model"], sums["model"])


def _missing_hint(entry: Entry) -> str:
    if entry.place == "embedded":
        return "the embedded pack is incomplete: install animeds-db again"
    return f"put it back, or `animeds models remove {entry.name}`"


def _pulled(entry: Entry) -> Files | None:
    known = Record.load().of(entry)
    if known is None:
        return None
    paths: dict[str, Path] = {}
    for role in entry.files:
        path = Path(known["files"][role]["path"])
        if not path.is_file():
            return None
        check(entry, path, known["files"][role]["sha256"])
        paths[role] = path
    return Files(entry, paths, known["commit"], known["files"]["model"]["sha256"])


def check(entry: Entry, path: Path, wanted: str, *, again: bool = False) -> None:
    """Raise ModelError unless the file's sha256 is `wanted`. `again` reads it in any case."""
    found = sha256_of(path, again=again)
    if found != wanted:
        raise ModelError(
            f"{entry.name}: {path} is damaged or was exchanged: sha256 {found[:12]}…, not {wanted[:12]}…",
            hint=f"`animeds models remove {entry.name}` and `animeds models pull {entry.name}` get a new one",
        )


_seen: dict[tuple[str, int, int], str] = {}


def sha256_of(path: Path, *, again: bool = False) -> str:
    """Return a file's sha256 in hex; remembered by path, size and time unless `again`."""
    stat = path.stat()
    key = (str(path.resolve()), stat.st_size, stat.st_mtime_ns)
    name = f"{key[0]}|{key[1]}|{key[2]}"
    if not again and key in _seen:
        return _seen[key]
    remembered = None if again else Record.load().hashes.get(name)
    if remembered is None:
        with path.open("rb") as file:
            remembered = hashlib.file_digest(file, "sha256").hexdigest()
        if stat.st_size > REMEMBER_FROM:
            with Record.changing() as record:
                record.hashes[name] = remembered
    _seen[key] = remembered
    return remembered


REMEMBER_FROM = 16 << 20  # bytes: smaller files are hashed in milliseconds


def data_folder() -> Path:
    """Return the folder of our record and locks: `ANIMEDS_DATA`, else the user's data folder."""
    if os.environ.get("ANIMEDS_DATA"):
        return Path(os.environ["ANIMEDS_DATA"]).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("animeds", appauthor=False))


@dataclass
class Record:
    """What was pulled (per repository, revision and file set), and which checksums were computed."""

    pulled: dict[str, dict[str, Any]]
    hashes: dict[str, str]
    used: list[str] = field(default_factory=list)
    """Models without an entry in the manifest that this person asked for by name."""

    @classmethod
    def load(cls) -> Record:
        """Read the record; an absent one is empty. Raises ModelError for one that cannot be read."""
        path = data_folder() / "models.json"
        try:
            content = json.loads(path.read_text("utf-8"))
            return cls(dict(content["pulled"]), dict(content["hashes"]), list(content.get("used", [])))
        except FileNotFoundError:
            return cls({}, {})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"cannot read the record of pulled models {path}: {error}",
                hint="move it away; the next `animeds models pull` writes a new one",
            ) from error

    @classmethod
    @contextmanager
    def changing(cls) -> Iterator[Record]:
        """Load the record, let the caller change it, write it back whole; one process at a time."""
        folder = data_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with lock(folder / "models.json.lock"):
                record = cls.load()
                yield record
                _write_whole(folder / "models.json", vars(record))
        except OSError as error:
            raise ModelError(
                f"cannot write the record of models in {folder}: {error}",
                hint="set ANIMEDS_DATA to another folder",
            ) from error

    def of(self, entry: Entry) -> dict[str, Any] | None:
        """Return what was recorded when this entry was pulled, or None."""
        known = self.pulled.get(record_key(entry))
        return known if known and set(entry.files) <= set(known["files"]) else None


def record_key(entry: Entry) -> str:
    """Return the name under which an entry's pull is recorded: what is fetched, not what it is called."""
    return f"{entry.repo}@{entry.revision}/{entry.files['model']}"


def _write_whole(path: Path, content: object) -> None:
    """Write JSON beside the file, then put it in its place: a reader sees the old or the new one."""
    with whole_file(path) as file:
        file.write(json.dumps(content, indent=1, sort_keys=True).encode())


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file that other processes wait for."""
    from huggingface_hub.utils import WeakFileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(path):
        yield

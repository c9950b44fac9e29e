"""Finds a model's files on this disk. A file that does not match its checksum is never used.

The checksum comes from the manifest, or from the first pull (or `add`), which records it in the user's
data folder. Each use compares the file with it. A file is not hashed again while its size and time are
those of the last comparison.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from animeds_db.errors import ModelError
from animeds_db.models.manifest import Entry
from animeds_db.models.preprocess import read_preprocess
from animeds_db.models.thresholds import read_thresholds
from animeds_db.safe_files import whole_file

Progress = Callable[[str, int, int | None], None]
"""Called during downloads with (file name, bytes so far, total bytes or None)."""


@dataclass(frozen=True)
class Files:
    """The files of an entry, present and checked. `revision` is the hub's commit, or the start of the checksum."""

    entry: Entry
    paths: Mapping[str, Path]
    revision: str
    sha256: str  # of the model file

    @cached_property
    def described(self) -> Entry:
        """The entry, completed by the model's own files: how pictures are prepared, and thresholds.

        A threshold in the entry has priority. Raises ModelError for a file that cannot be read.
        """
        entry = self.entry
        if "preprocess" in self.paths:
            entry = replace(entry, input=read_preprocess(self.paths["preprocess"], entry.input))
        if "thresholds" in self.paths:
            own = read_thresholds(self.paths["thresholds"])
            entry = replace(entry, thresholds={**own, **entry.thresholds})
        return entry

    @property
    def id(self) -> str:
        """The model id in the database: name@revision."""
        return f"{self.entry.name}@{self.revision[:8]}"


def locate(entry: Entry) -> Files | None:
    """Return an entry's files if all are on this disk, or None if the model must be pulled first.

    Raises ModelError if an embedded or local model lacks a file, or if a file does not match its record.
    """
    if entry.engine != "onnx":  # its library finds and downloads it; the revision is known after loading
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
                hint=f"restore the old file, or run `animeds models remove {entry.name}` and add it again",
            )
    return Files(entry, paths, sums["model"], sums["model"])


def _missing_hint(entry: Entry) -> str:
    if entry.origin_kind == "embedded":
        return "the embedded pack is incomplete: install animeds-db again"
    return f"restore it, or run `animeds models remove {entry.name}`"


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
    """Raise ModelError unless the file's sha256 is `wanted`. `again`: hash it even if it seems unchanged."""
    found = sha256_of(path, again=again)
    if found != wanted:
        raise ModelError(
            f"{entry.name}: {path} is damaged or was replaced: sha256 {found[:12]}…, not {wanted[:12]}…",
            hint=f"run `animeds models remove {entry.name}`, then `animeds models pull {entry.name}`",
        )


_seen: dict[tuple[str, int, int], str] = {}


def sha256_of(path: Path, *, again: bool = False) -> str:
    """Return a file's sha256 in hex, cached by path, size and time. `again`: ignore the cache."""
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
    """Return the folder of the record and the locks: `ANIMEDS_DATA`, else the user's data folder."""
    if os.environ.get("ANIMEDS_DATA"):
        return Path(os.environ["ANIMEDS_DATA"]).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("animeds", appauthor=False))


@dataclass
class Record:
    """The models that were pulled (per repository, revision and set of files), and the checksums computed."""

    pulled: dict[str, dict[str, Any]]
    hashes: dict[str, str]
    used: list[str] = field(default_factory=list)
    """Models without a manifest entry that the user asked for by name."""

    @classmethod
    def load(cls) -> Record:
        """Read the record; a missing one is empty. Raises ModelError if it cannot be read."""
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
        """Load the record, let the caller change it, and replace it atomically; one process at a time."""
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
        """Return the record of this entry's pull, or None."""
        known = self.pulled.get(record_key(entry))
        return known if known and set(entry.files) <= set(known["files"]) else None


def record_key(entry: Entry) -> str:
    """Return the key of an entry's pull in the record. It depends on what is downloaded, not on the entry's name."""
    return f"{entry.repo}@{entry.revision}/{entry.files['model']}"


def _write_whole(path: Path, content: object) -> None:
    """Write JSON to a temporary file, then rename it, so that readers see either the old or the new file."""
    with whole_file(path) as file:
        file.write(json.dumps(content, indent=1, sort_keys=True).encode())


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file. Other processes wait until it is released."""
    from huggingface_hub.utils import WeakFileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(path):
        yield

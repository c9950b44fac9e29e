"""Pulls models from the hub. Only files that were downloaded completely and checked are used.

huggingface_hub does the transfer, so its endpoint (HF_ENDPOINT), cache (HF_HOME, HF_HUB_CACHE), token
(HF_TOKEN, `hf auth login`) and offline switch (HF_HUB_OFFLINE) apply. It downloads into a temporary
file and renames it, and resumes with range requests if the connection breaks during a pull.
"""

from __future__ import annotations

import errno
import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from animeds_db.errors import ModelError
from animeds_db.models import files
from animeds_db.models.files import Files, Progress
from animeds_db.models.manifest import Entry
from animeds_db.models.runtime import refuse_other_files

log = logging.getLogger("animeds")

PUBLIC_ENDPOINT = "https://huggingface.co"


def pull(entry: Entry, progress: Progress | None = None, *, force: bool = False) -> Files:
    """Download an entry's files, check them, record their checksums, and return them.

    Files that are present and checked are not downloaded again unless `force`. If two processes pull the
    same model, the second waits and then uses the first one's files. Raises ModelError for every failure,
    with the model, its size and what to do.
    """
    if entry.repo is None or entry.engine != "onnx":
        found = files.locate(entry)
        assert found is not None
        return found
    with _turn(entry):
        found = None if force else files.locate(entry)
        if found is not None:
            return found
        return _fetch(entry, progress, force)


@contextmanager
def _turn(entry: Entry) -> Iterator[None]:
    name = files.record_key(entry).replace("/", "--")
    try:
        with files.lock(files.data_folder() / "locks" / f"{name}.lock"):
            yield
    except PermissionError as error:
        raise ModelError(
            f"cannot write in {files.data_folder()}: {error.strerror}",
            hint="set ANIMEDS_DATA to another folder",
        ) from error


def _fetch(entry: Entry, progress: Progress | None, force: bool) -> Files:
    commit = _commit(entry)
    log.info("pulling %s%s from %s", entry.name, _size(entry), _address(entry))
    paths: dict[str, Path] = {}
    # The largest file comes last, so that an error in the entry shows before the long download.
    for role in sorted(entry.files, key=lambda role: role == "model"):
        with _plain_errors(entry, entry.files[role]):
            paths[role] = _download(entry, entry.files[role], commit, progress, force)
        _checked(entry, role, paths[role])
    return _recorded(entry, paths, commit or _commit_of(paths["model"]))


def _recorded(entry: Entry, paths: dict[str, Path], commit: str) -> Files:
    sums = {role: files.sha256_of(path) for role, path in paths.items()}
    with files.Record.changing() as record:
        known = {role: {"path": str(paths[role]), "sha256": sums[role]} for role in paths}
        record.pulled[files.record_key(entry)] = {"commit": commit, "files": known}
    return Files(entry, paths, commit, sums["model"])


def _commit(entry: Entry) -> str | None:
    """Ask the hub for the commit of the entry's revision; None if it does not answer but the model is in the cache.

    There are no retries, so that without a network the error appears after a second, not half a minute.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    assert entry.repo is not None
    name = entry.files["model"]
    if is_offline():
        return None
    try:
        with _plain_errors(entry, name):
            url = hf_hub_url(entry.repo, name, revision=entry.revision, endpoint=endpoint())
            answer = get_hf_file_metadata(url, token=_token(), timeout=_patience(), endpoint=endpoint())
    except UnreachableError:
        if _cached(entry):
            log.warning("%s cannot be reached; using %s from its cache", endpoint(), entry.name)
            return None
        raise
    if answer.commit_hash is None or answer.etag is None:
        raise _no_hub(entry)
    return str(answer.commit_hash)


def _no_hub(entry: Entry) -> ModelError:
    return ModelError(
        f"{entry.name}{_size(entry)}: {endpoint()} answers, but it is not a model hub",
        hint="a login page or proxy may be in between: open the address in a browser; --profile tiny needs no network",
    )


def _cached(entry: Entry) -> bool:
    from huggingface_hub import try_to_load_from_cache

    assert entry.repo is not None
    found = [
        try_to_load_from_cache(entry.repo, name, cache_dir=cache_folder(), revision=entry.revision)
        for name in entry.files.values()
    ]
    return all(isinstance(path, str) for path in found)


def _download(entry: Entry, name: str, commit: str | None, progress: Progress | None, force: bool) -> Path:
    """Download one file of a commit (None: take it from the cache) and return its path in the hub's cache."""
    from huggingface_hub import hf_hub_download

    return Path(
        hf_hub_download(
            entry.repo,
            name,
            revision=commit or entry.revision,
            endpoint=endpoint(),
            cache_dir=cache_folder(),
            token=_token(),
            etag_timeout=_patience(),
            local_files_only=commit is None,
            force_download=force and commit is not None,
            library_name="animeds-db",
            tqdm_class=_bar_class(f"{entry.name} {Path(name).name}", progress),
        )
    )


def _commit_of(path: Path) -> str:
    """Return the commit of a file in the hub's cache: …/models--owner--name/snapshots/COMMIT/path/in/repo."""
    inside = path.relative_to(cache_folder()).parts
    return inside[inside.index("snapshots") + 1]


def _token() -> str | None:
    return os.environ.get("HF_TOKEN") or None


def _patience() -> float:
    return float(os.environ.get("HF_HUB_ETAG_TIMEOUT") or 10)


class UnreachableError(ModelError):
    """The hub cannot be reached, is too slow, or is down."""


def cache_folder() -> Path:
    """Return huggingface_hub's cache folder, from the current environment variables."""
    from huggingface_hub import constants

    if os.environ.get("HF_HUB_CACHE"):
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    if os.environ.get("HF_HOME"):
        return Path(os.environ["HF_HOME"]).expanduser() / "hub"
    return Path(constants.HF_HUB_CACHE)


def is_offline() -> bool:
    """Return True if the user has switched off the network for the hub (HF_HUB_OFFLINE)."""
    from huggingface_hub import constants

    return constants.is_offline_mode() or os.environ.get("HF_HUB_OFFLINE", "").upper() in (
        "1",
        "ON",
        "YES",
        "TRUE",
    )


def endpoint() -> str:
    """Return the address of the hub in use."""
    return (os.environ.get("HF_ENDPOINT") or PUBLIC_ENDPOINT).rstrip("/")


def _checked(entry: Entry, role: str, path: Path) -> None:
    """Delete a file that is not a model or has another checksum, and raise ModelError."""
    try:
        if role == "model":
            refuse_other_files(path)
        wanted = entry.sha256.get(role) or _stated_sha256(path)
        if wanted:
            files.check(entry, path, wanted, again=True)
    except ModelError:
        forget(path, damaged=True)
        raise


def _blob(path: Path) -> Path:
    """Return the file that a name in the hub's cache points to, or the name itself if links are not used."""
    return path.parent / path.readlink() if path.is_symlink() else path


def _stated_sha256(path: Path) -> str | None:
    """Return the sha256 from the hub. Large files are named after it in the cache."""
    name = _blob(path).name
    return name if len(name) == 64 and all(c in "0123456789abcdef" for c in name) else None


def forget(path: Path, *, damaged: bool = False) -> int:
    """Delete a name in the hub's cache and the file it points to; return the bytes freed.

    A file that other repositories share is kept, unless it is damaged.
    """
    blob, content = _blob(path), path.resolve()
    shared = blob.is_symlink() and not damaged
    freed = content.stat().st_size if content.is_file() and not shared else 0
    for each in (path, blob, *(() if shared else (content,))):
        each.unlink(missing_ok=True)
    return freed


@contextmanager
def _plain_errors(entry: Entry, name: str) -> Iterator[None]:
    """Turn any error of the transfer into a ModelError with the model, its size and what to do."""
    from huggingface_hub import errors

    what = f"{entry.name}{_size(entry)}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise _problem(
            f"{what}: accept its licence first, at {_address(entry)}", error, token=True
        ) from error
    except errors.RevisionNotFoundError as error:
        raise _problem(f"{what}: {_address(entry)} has no revision {entry.revision}", error) from error
    except errors.RemoteEntryNotFoundError as error:
        raise _problem(f"{what}: {_address(entry)} has no file {name} (404)", error) from error
    except errors.RepositoryNotFoundError as error:
        raise _problem(
            f"{what}: {_address(entry)} does not exist, or you have no access", error, token=True
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise _not_cached(what, entry, error) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        kind = UnreachableError if status >= 500 else ModelError
        denied = status in (401, 403)
        raise _problem(f"{what}: {endpoint()} answered {status}", error, token=denied, kind=kind) from error
    except errors.HTTPError as error:  # httpx's, which huggingface_hub uses
        state = "is too slow" if "Timeout" in type(error).__name__ else "cannot be reached"
        raise _problem(f"{what}: {endpoint()} {state}", error, kind=UnreachableError) from error
    except OSError as error:
        raise _local_problem(what, name, error) from error


def _not_cached(what: str, entry: Entry, error: Exception) -> ModelError:
    if is_offline():
        return ModelError(
            f"{what} is not on this disk, and HF_HUB_OFFLINE forbids downloading it",
            hint=f"unset HF_HUB_OFFLINE and run `animeds models pull {entry.name}`, or use --profile tiny",
        )
    if type(error.__cause__).__name__ == "FileMetadataError":
        return _no_hub(entry)
    return ModelError(
        f"{what}: the connection to {endpoint()} was lost",
        hint=f"run `animeds models pull {entry.name}` again; --profile tiny needs no network",
    )


def _problem(
    message: str, error: Exception, *, token: bool = False, kind: type[ModelError] = ModelError
) -> ModelError:
    """Return the error with a hint. The transfer's own message, often long, goes to the debug log."""
    log.debug("%s", error)
    if token:
        hint = "if you have access, run `hf auth login` or set HF_TOKEN; --profile tiny needs no login"
    else:
        hint = (
            "try `animeds models pull` later or set HF_ENDPOINT to a mirror; --profile tiny needs no network"
        )
    return kind(message, hint=hint)


def _local_problem(what: str, name: str, error: OSError) -> ModelError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelError(
            f"{what}: the disk of {cache_folder()} is full",
            hint="free some space, or set HF_HOME to a folder on another disk; --profile tiny needs no download",
        )
    if "Consistency check failed" in str(error):
        return _problem(f"{what}: {name} was not downloaded completely", error)
    return ModelError(f"{what}: cannot write {name} into {cache_folder()}: {error.strerror or error}")


def _size(entry: Entry) -> str:
    return f" ({entry.size_mb:.0f} MB)" if entry.size_mb else ""


def _address(entry: Entry) -> str:
    return f"{endpoint()}/{entry.repo}"


def _bar_class(name: str, progress: Progress | None) -> type[Any]:
    """Return a tqdm class that draws nothing and calls `progress` instead.

    A Xet transfer has two bars, bytes received and bytes written. The one that is further along is reported.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    furthest = 0

    class Reporting(tqdm):  # type: ignore[misc]
        def update(self, n: float | None = 1) -> bool | None:
            nonlocal furthest
            drawn: bool | None = super().update(n)
            furthest = max(furthest, min(int(self.n), self.expected or int(self.n)))
            if progress is not None:
                progress(name, furthest, self.expected)
            return drawn

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.expected: int | None = kwargs.get("total")
            super().__init__(*args, **kwargs | {"file": io.StringIO()})

    return Reporting

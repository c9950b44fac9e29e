"""Pushes an exported folder to the Hugging Face hub, as a dataset with a card.

huggingface_hub does the transfer. The files go up in several commits, and what is there already is not sent again, so
that a push that was interrupted continues with the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.errors import ExportError, UsageError
from animeds_db.export.hub.card import TAG, card
from animeds_db.export.manifest import MANIFEST_NAME, read_manifest
from animeds_db.models.hub import endpoint
from animeds_db.printable import counted

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import DatasetInfo

SCHEME = "hf://"
BATCH = 100
"""Files per commit. An interrupted push loses at most one commit."""
CARD = "README.md"
_OWN = frozenset({CARD, ".gitattributes"})


@dataclass(frozen=True)
class Pushed:
    """What a push did."""

    url: str
    """Address of the dataset."""
    n_files: int
    """Number of files in the dataset, without its card."""
    is_public: bool


def repo_of(target: str) -> str:
    """Return owner/name of an address such as hf://owner/name. Raises UsageError if it is not one."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    repo = target.removeprefix(SCHEME)
    try:
        validate_repo_id(repo)
        is_valid = target.startswith(SCHEME) and repo.count("/") == 1
    except HFValidationError:
        is_valid = False
    if not is_valid:
        raise UsageError(
            f'"{target}" is not a dataset on the Hugging Face hub.',
            hint="Give hf://OWNER/NAME, with letters, digits, -, _ and .",
        )
    return repo


def check_push(target: str) -> None:
    """Raise UsageError for an address that is not valid, ExportError without a token: before anything is written."""
    repo_of(target)
    _token()


def push(
    folder: str | Path,
    target: str,
    *,
    public: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Pushed:
    """Push an exported folder to the dataset `target` (hf://owner/name), and return what was done.

    The dataset is made if it is missing: private, or public with `public`. It then has the files of the folder and a
    card, without animeds-export.json, which names paths of this machine. Files that an earlier push left there and the
    folder no longer has are deleted. `progress` gets the numbers of files done and in total. A push that was
    interrupted continues when it is called again. Raises UsageError, ExportError.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    folder = Path(folder)
    manifest = read_manifest(folder)
    repo = repo_of(target)
    paths = _files(folder)
    if not paths:
        raise ExportError(f"{folder} has no files to push.")
    api = HfApi(endpoint=endpoint(), token=_token())
    done = 0
    with _plain_errors(target, lambda: done, len(paths)):
        before = _dataset(api, repo, public)
        there = _expect_own(before, target, public)
        readme = CommitOperationAdd(CARD, card(manifest, repo, paths).encode())
        stale = sorted(there - _OWN - set(paths))
        first: list[Any] = [readme, *(CommitOperationDelete(path) for path in stale)]
        for batch in (paths[start : start + BATCH] for start in range(0, len(paths), BATCH)):
            operations = [*first, *(CommitOperationAdd(path, folder / path) for path in batch)]
            message = f"Pictures {done + 1} to {done + len(batch)} of {len(paths)}, by animeds-db"
            api.create_commit(repo, operations, commit_message=message, repo_type="dataset")
            first = []
            done += len(batch)
            if progress:
                progress(done, len(paths))
    return Pushed(f"{endpoint()}/datasets/{repo}", len(paths), public)


def _files(folder: Path) -> list[str]:
    """Return the files of an exported folder, except its manifest, a card and hidden ones."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in found
        if path.as_posix() not in (MANIFEST_NAME, CARD) and not any(p.startswith(".") for p in path.parts)
    )


def _token() -> str:
    from huggingface_hub import get_token

    token = get_token()
    if token is None:
        raise ExportError(
            "There is no token for the Hugging Face hub.",
            hint="Run `hf auth login`, or set HF_TOKEN to a token that may write.",
        )
    return str(token)


def _dataset(api: HfApi, repo: str, public: bool) -> DatasetInfo:
    """Return what the hub knows about a dataset. Make it if it is missing."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.dataset_info(repo)
    except RepositoryNotFoundError:
        api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
        return api.dataset_info(repo)


def _expect_own(info: DatasetInfo, target: str, public: bool) -> set[str]:
    """Return the paths in a dataset. Raises ExportError if others wrote to it, or if `public` differs."""
    there = {file.rfilename for file in info.siblings or ()}
    if there - _OWN and TAG not in (info.tags or ()):
        raise ExportError(
            f"{target} contains files that no push wrote.",
            hint="Choose another name, so that nothing is lost.",
        )
    if bool(info.private) == public:
        now, flag = ("private", "without --public") if info.private else ("public", "with --public")
        raise ExportError(
            f"{target} is {now} already.", hint=f"Push {flag}, or change it in the settings of the dataset."
        )
    return there


@contextmanager
def _plain_errors(target: str, done: Callable[[], int], total: int) -> Iterator[None]:
    """Turn every error of the transfer into an ExportError that says what to do. It never has the token."""
    from huggingface_hub import errors

    try:
        with _quiet():
            yield
    except ExportError:
        raise
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403, 404):
            raise ExportError(
                f"{target}: the hub refused the push ({status}).",
                hint="The token must be allowed to write to this owner: `hf auth whoami`, `hf auth login`.",
            ) from None
        raise _cut(target, done(), total, f"the hub answered {status}") from None
    except (errors.HTTPError, RuntimeError, OSError, ValueError) as error:
        cause = error.__cause__ or error
        raise _cut(target, done(), total, str(cause) or type(cause).__name__) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the bars of huggingface_hub, and its warning that a commit has nothing new: so a push continues."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    log = logging.getLogger("huggingface_hub")
    level, was_disabled = log.level, are_progress_bars_disabled()
    log.setLevel(logging.ERROR)
    disable_progress_bars()
    try:
        yield
    finally:
        log.setLevel(level)
        if not was_disabled:
            enable_progress_bars()


def _cut(target: str, done: int, total: int, why: str) -> ExportError:
    return ExportError(
        f"The push to {target} stopped after {done} of {counted(total, 'file')}: {why}.",
        hint="Run it again: it continues, and does not send again what is there.",
    )

"""The folders of the service below `--roots`, for a person who chooses what to ingest, and uploads to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from animeds_db.errors import SourceError, UsageError
from animeds_db.media import ARCHIVE_SUFFIXES, PICTURE_SUFFIXES, VIDEO_SUFFIXES, natural_key, suffix_of
from animeds_db.safe_files import UnsafePathError, resolved_below
from animeds_db.web.bodies import jobs as job_models
from animeds_db.web.errors import RefusedError
from animeds_db.web.service import service_of
from animeds_db.web.uploading import new_folder_in, store_picture

router = APIRouter(tags=["folders"])
MOST = 2000
"""Maximum number of folders that are listed."""
MOST_SEEN = 50_000
"""Maximum number of entries of a folder that are looked at."""
KINDS = {"videos": VIDEO_SUFFIXES, "pictures": PICTURE_SUFFIXES, "archives": ARCHIVE_SUFFIXES}


@router.get("/folders")
async def folders(
    request: Request,
    path: Annotated[str | None, Query(max_length=4000, description="default: the first root")] = None,
) -> job_models.Folders:
    """Return the folders inside a folder, and how many files in it can be ingested. Hidden ones are left out."""
    roots = _roots(request)
    return await _folders(roots, path or str(roots[0]))


@router.post("/folders")
async def make_folder(request: Request, body: job_models.FolderBody) -> job_models.Folders:
    """Create a folder, and return its content."""
    roots = _roots(request)
    parent = await run_in_threadpool(_folder, roots, body.path)
    place = await run_in_threadpool(new_folder_in, parent, body.name)
    return await _folders(roots, str(place))


@router.put("/uploads")
async def upload(
    request: Request,
    folder: Annotated[str, Query(max_length=4000)],
    name: Annotated[str, Query(min_length=1, max_length=400, description="of the file, without a path")],
) -> job_models.Uploaded:
    """Write the body, one picture, to a folder. A picture that is there already is not written again."""
    place = await run_in_threadpool(_folder, _roots(request), folder)
    data = await request.body()  # Safety limits its size

    def write() -> tuple[str, bool]:
        with service_of(request).writing:
            return store_picture(place, name, data)

    stored, is_new = await run_in_threadpool(write)
    return job_models.Uploaded(folder=str(place), name=stored, is_new=is_new)


def _roots(request: Request) -> list[Path]:
    """Return the roots of the service. Raises RefusedError if it does not ingest."""
    service = service_of(request)
    if not service.may_ingest:
        raise RefusedError(
            "This service does not ingest.",
            hint="`animeds serve --roots FOLDER` lets it read below a folder.",
        )
    return [root.resolve() for root in service.options.roots]


def _folder(roots: list[Path], path: str) -> Path:
    """Return a folder below the roots. Raises UnsafePathError, UsageError if it is a file."""
    place = resolved_below(roots, path)
    if not place.is_dir():
        raise UsageError(f"{place} is a file.", hint="Choose a folder.")
    return place


async def _folders(roots: list[Path], path: str) -> job_models.Folders:
    place = await run_in_threadpool(resolved_below, roots, path)
    folder = await run_in_threadpool(_listed, place if place.is_dir() else place.parent, roots)
    return job_models.Folders(roots=[str(root) for root in roots], folder=folder)


def _listed(place: Path, roots: list[Path]) -> job_models.Folder:
    inside: list[Path] = []
    counts = dict.fromkeys(KINDS, 0)
    try:
        seen = 0
        for entry in place.iterdir():
            seen += 1
            if seen > MOST_SEEN:
                break
            if not entry.name.startswith("."):
                _sort_in(entry, roots, inside, counts)
    except OSError as error:
        raise SourceError(
            f"{place} cannot be read: {error.strerror}", hint="Choose another folder."
        ) from error
    inside.sort(key=lambda entry: natural_key(entry.name))
    return job_models.Folder(
        path=str(place),
        parent=None if place in roots else str(place.parent),
        folders=[job_models.Choice(name=str(entry), title=entry.name) for entry in inside[:MOST]],
        truncated=len(inside) > MOST or seen > MOST_SEEN,
        **counts,
    )


def _sort_in(entry: Path, roots: list[Path], inside: list[Path], counts: dict[str, int]) -> None:
    """Add an entry to the folders, or count it. A link that leads elsewhere is left out."""
    if entry.is_symlink():
        try:
            resolved_below(roots, str(entry))
        except UnsafePathError:
            return
    if entry.is_dir():
        inside.append(entry)
        return
    for kind, suffixes in KINDS.items():
        counts[kind] += suffix_of(entry) in suffixes

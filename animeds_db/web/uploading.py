"""Pictures that a page sends: they are checked, and written to a folder below the roots of the service."""

from __future__ import annotations

import shutil
from pathlib import Path

from animeds_db.errors import SourceError, UsageError
from animeds_db.export.names import MAX_BYTES, safe_name, with_ending
from animeds_db.media import PICTURE_SUFFIXES
from animeds_db.media.picture_files import DECODE_ERRORS, PictureError, open_picture
from animeds_db.safe_files import whole_file

MOST_UPLOAD = 64 << 20
"""Maximum bytes of one picture; a lossless 4K frame has about 25 MB."""
MIN_FREE = 1 << 30
"""Bytes that must stay free on the disk."""
MOST_SAME = 1000
"""Maximum number of pictures of one name in a folder; the others get a number."""


def store_picture(folder: Path, name: str, data: bytes) -> tuple[str, bool]:
    """Write a picture to a folder; return its name there, and False if it was there already.

    A name that another picture has gets a number. Raises UsageError for a file that is not a picture, SourceError if
    the disk is full or the folder cannot be written.
    """
    name = safe_name(name)
    stem, suffix = Path(name).stem, Path(name).suffix
    if suffix.lower() not in PICTURE_SUFFIXES:
        known = ", ".join(sorted(PICTURE_SUFFIXES))
        raise UsageError(f"{name} is not a picture.", hint=f"Pictures have one of these endings: {known}")
    check_picture(name, data)
    try:
        if shutil.disk_usage(folder).free < len(data) + MIN_FREE:
            raise SourceError(
                f"The disk of {folder} is nearly full.", hint="Free some space, then try again."
            )
        for number in range(1, MOST_SAME):
            ending = suffix if number == 1 else f"_{number}{suffix}"
            place = folder / with_ending(stem, ending, MAX_BYTES)
            if not place.exists() and not place.is_symlink():
                with whole_file(place) as file:
                    file.write(data)
                return place.name, True
            if place.is_file() and place.stat().st_size == len(data) and place.read_bytes() == data:
                return place.name, False
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be written: {error.strerror}", hint="Choose another folder."
        ) from error
    raise UsageError(f"{folder} has too many pictures named {name}.", hint="Choose another folder.")


def check_picture(name: str, data: bytes) -> None:
    """Raise UsageError unless the bytes are a whole picture in a supported format."""
    try:
        open_picture(data).load()
    except PictureError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from error
    except DECODE_ERRORS as error:
        raise UsageError(f"{name} is damaged: {error}", hint="Download or copy it again.") from error


def new_folder_in(parent: Path, name: str) -> Path:
    """Create a folder; one that is there already is fine. Raises UsageError for a name that is not valid."""
    if not name.strip() or safe_name(name) != name:
        raise UsageError(
            f'"{name[:80]}" is not a valid name for a folder.',
            hint='Do not use < > : " / \\ | ? * or a leading dot.',
        )
    place = parent / name
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"{place} cannot be created: {error.strerror}", hint="Choose another folder."
        ) from error
    return place

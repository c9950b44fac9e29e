"""Paths that a stranger named: in a manifest, a database, an export or an archive."""

from __future__ import annotations

from pathlib import Path, PurePath

from animeds_db.errors import AnimedsError


class UnsafePathError(AnimedsError, ValueError):
    """A path that leaves the folder it belongs to."""


def inside(root: Path, path: str) -> Path:
    """Return `root / path`, which lies below `root` and is reached without a link. Nothing has to exist there.

    `root` itself may be a link: the person named it. Raises UnsafePathError for an absolute path, for `..`,
    and where any part of `path` is a link, whatever it points to.
    """
    relative = PurePath(path)
    if not relative.parts or relative.anchor or ".." in relative.parts or "\0" in path:
        raise UnsafePathError(
            f"{path!a} is not a path inside {root}",
            hint="the file that names it is damaged or was made to do harm: do not use it",
        )
    place = root
    for part in relative.parts:
        place = place / part
        if place.is_symlink():
            raise UnsafePathError(
                f"{place} is a link, and links inside {root} are not followed",
                hint="put the file itself there, or delete the link",
            )
    return place

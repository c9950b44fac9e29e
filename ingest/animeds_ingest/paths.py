"""The paths of a source that was moved, renamed or copied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from animeds_db.errors import SourceError
from animeds_db.remote.paths import source_path
from animeds_db.remote.requests import BucketError
from animeds_ingest.naming import parse_name
from animeds_ingest.sources import SourceSpec, content_hash, fingerprint

Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """Changed columns of a source's row after it was found at another path, and notes for the user."""

    columns: Row
    notes: tuple[str, ...] = ()


def adopted(spec: SourceSpec, known: Row, mark: str) -> Found:
    """Return the changes to a finished source's row if its content is at `spec.path`, with fingerprint `mark`.

    A second path is added to `other_uris`. If the content is no longer at its old path, the new path replaces
    it. Raises SourceError if the new name is that of another kind of file.
    """
    uri = uri_of(spec)
    if uri == known["uri"]:
        return Found({"fingerprint": mark})
    if is_still_there(spec, known):
        note = f"has the same content as {known['uri']}: it is one source, known at both paths"
        return Found({"other_uris": _others(known, uri)}, (note,))
    expect_kind(spec, known)
    others = [path for path in known["other_uris"] or [] if path != uri]
    columns = {"uri": uri, "fingerprint": mark, "other_uris": others or None, "title": _title(spec, known)}
    return Found(columns, (f"was moved from {known['uri']} to {uri}; the database uses the new path",))


def expect_kind(spec: SourceSpec, known: Row) -> None:
    """Raise SourceError if the same content was ingested as another kind of source, such as a video."""
    if uri_of(spec) != known["uri"] and spec.kind != known["kind"]:
        raise SourceError(
            f"{spec.path} has the same content as {known['uri']}, which was ingested as {_KINDS[known['kind']]}",
            hint=f"give it the suffix of {_KINDS[known['kind']]}, then ingest it again",
        )


def is_still_there(spec: SourceSpec, known: Row) -> bool:
    """Return True if a source's content is still at its stored path, or if its bucket does not answer."""
    path = source_path(known["uri"])
    old = replace(spec, path=path, kind=known["kind"])
    try:
        if not path.exists():
            return False
        return bool(fingerprint(old) == known["fingerprint"] or content_hash(old) == known["content_hash"])
    except BucketError:
        return True
    except (SourceError, OSError):
        return False


def with_old_path(spec: SourceSpec, known: Row) -> Row:
    """Return the columns of an unfinished source that continues at `spec.path`. Its old path is kept, too."""
    uri = uri_of(spec)
    if uri == known["uri"] or not is_still_there(spec, known):
        return {}
    others = {*(known["other_uris"] or []), known["uri"]} - {uri}
    return {"other_uris": sorted(others)}


def uri_of(spec: SourceSpec) -> str:
    """Return a source's path in the form stored in its row: absolute, with links resolved."""
    return str(spec.path.resolve())


def _others(known: Row, uri: str) -> list[str]:
    return sorted({*(known["other_uris"] or []), uri})


def _title(spec: SourceSpec, known: Row) -> str | None:
    """Return the title: the new file name, unless the user set the old title."""
    was_read = known["title"] == parse_name(source_path(known["uri"])).title
    return spec.name.title if was_read else known["title"]


_KINDS = {
    "video": "a video",
    "images": "pictures",
    "imagefolder": "pictures",
    "archive": "an archive",
}

"""The paths of one content: a source that moved, was renamed, or was copied."""

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
    """Columns of a source's row that change because of the path it was found at, and what to tell about it."""

    columns: Row
    notes: tuple[str, ...] = ()


def adopted(spec: SourceSpec, known: Row, mark: str) -> Found:
    """Return what a finished source's row becomes when its content is at `spec.path`, with fingerprint `mark`.

    A second path is added to `other_uris`. Where the content is not at its old path any more, the new path takes
    its place. Raises SourceError when the content's new name is that of another kind of file.
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
    return Found(columns, (f"was at {known['uri']} and is at {uri} now; the database uses the new path",))


def expect_kind(spec: SourceSpec, known: Row) -> None:
    """Raise SourceError when the same content was ingested as another kind of source, such as a video."""
    if uri_of(spec) != known["uri"] and spec.kind != known["kind"]:
        raise SourceError(
            f"{spec.path} has the content of {known['uri']}, which was ingested as {_KINDS[known['kind']]}",
            hint=f"give it a name that ends like that of {_KINDS[known['kind']]}, and ingest it again",
        )


def is_still_there(spec: SourceSpec, known: Row) -> bool:
    """Return whether a source's content is still at its stored path; True where a bucket cannot be asked."""
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
    """Return the columns of an unfinished source that goes on at `spec.path`: its old path stays known."""
    uri = uri_of(spec)
    if uri == known["uri"] or not is_still_there(spec, known):
        return {}
    others = {*(known["other_uris"] or []), known["uri"]} - {uri}
    return {"other_uris": sorted(others)}


def uri_of(spec: SourceSpec) -> str:
    """Return a source's path as its row has it: absolute, links followed."""
    return str(spec.path.resolve())


def _others(known: Row, uri: str) -> list[str]:
    return sorted({*(known["other_uris"] or []), uri})


def _title(spec: SourceSpec, known: Row) -> str | None:
    """Return the title: that of the new file name, unless the old one was given by a person."""
    was_read = known["title"] == parse_name(source_path(known["uri"])).title
    return spec.name.title if was_read else known["title"]


_KINDS = {
    "video": "a video",
    "images": "pictures",
    "imagefolder": "pictures",
    "archive": "an archive",
}

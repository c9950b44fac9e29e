"""The status of sources in the table `sources`: what is known, what is left to do, and the outcome.

A source is `running` until its last frame is committed. Only then is it `done` and are its rows visible.
A file is identified by its content, so it is the same source under another path or name.
"""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import SourceError, UsageError
from animeds_db.media import Damage, MediaInfo
from animeds_db.printable import printable
from animeds_db.remote.paths import SourcePath, present, source_path
from animeds_db.store.location import read_errors
from animeds_db.store.store import Store, quoted
from animeds_ingest.paths import adopted, expect_kind, uri_of, with_old_path
from animeds_ingest.pipeline import NOTHING, Progress
from animeds_ingest.request import Request
from animeds_ingest.sources import SourceSpec, content_hash, discover, fingerprint

Row = dict[str, Any]

EDITABLE = ("show", "season", "episode", "credit", "licence")
"""Columns of `sources` that `animeds sources edit` changes."""


@dataclass(frozen=True)
class Status:
    """Status of a source before this run: new, resumed, grown (a folder) or skipped; and notes about its path."""

    row: Row
    state: str
    earlier: Progress
    notes: tuple[str, ...] = ()


def status_of(store: Store, spec: SourceSpec, request: Request, *, replace: bool) -> Status:
    """Return the status of a source, which is looked up by its path and its content.

    A new path of known content is added to the row; it replaces the old path if the content is no longer there.
    With `replace`, the rows of an earlier ingest are deleted. Raises SourceError if the source was ingested with
    other sampling or models than `request` has, and `replace` is not given.
    """
    _expect_text(spec)
    mark = fingerprint(spec)
    known, same_content = _known(store, spec, mark)
    if not known["state"]:
        return _new(store, _row(spec, mark, known, keep=False) | request.work(known))
    if known["state"] == "done" and same_content and not replace:
        request.expect_same(spec, known, is_done=True)
        return _skipped(store, spec, known, mark)
    earlier = _progress(store, known, same_files=same_content)
    if earlier != NOTHING:
        expect_kind(spec, known)
        if not replace:
            request.expect_same(spec, known, is_done=False)
    row = _row(spec, mark, known, keep=earlier != NOTHING or known["uri"] == uri_of(spec))
    row |= with_old_path(spec, known) | request.work(known)
    if replace:
        _forget(store, known)
        return Status(row, "new", NOTHING)
    if known["state"] == schema.DAMAGED:
        return Status(row, "resumed", _from_the_start(store, known))
    return Status(row, "grown" if earlier.members else "resumed", earlier)


def _new(store: Store, row: Row) -> Status:
    """Return the status of a source without a row. If it has frames, the row was lost, and it counts as damaged."""
    if not store.table("frames").count_rows(f"source_id = {quoted(row['source_id'])}"):
        return Status(row, "new", NOTHING)
    return Status(row | {"state": schema.DAMAGED}, "resumed", _from_the_start(store, row))


def unfinished(store: Store, specs: Sequence[SourceSpec]) -> list[SourceSpec]:
    """Return the sources that are not done, or whose file has another size or time than when they were ingested.

    Only paths, sizes and times are compared. A file that was moved is in the result; its ingest recognises it.
    """
    done = {
        (uri, row["fingerprint"])
        for row in _rows(store, "sources", columns=["uri", "other_uris", "fingerprint", "state"])
        if row["state"] == "done"
        for uri in (row["uri"], *(row["other_uris"] or ()))
    }
    return [spec for spec in specs if (uri_of(spec), fingerprint(spec)) not in done]


def begin(store: Store, row: Row, info: MediaInfo) -> Row:
    """Write the source's row with state `running` and the file's properties, and return it."""
    running = row | {
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "fps": info.fps,
        "duration_s": info.duration_s,
        "colour": info.colour,
        "state": _unfinished(row, "running"),
        "error": None,
        "started_at": now(),
        "finished_at": None,
    }
    return _save(store, running)


def finish(store: Store, row: Row, n_frames: int, notes: Sequence[str], damage: Damage) -> None:
    """Write the source's row with state `done`, which makes its frames visible."""
    done = {"state": "done", "n_frames": n_frames, "error": "; ".join(notes) or None, "finished_at": now()}
    _save(store, row | done | {"n_damaged": damage.damaged, "n_gaps": damage.gaps})


def fail(store: Store, row: Row, error: SourceError) -> None:
    """Write the error into the source's row. Its frames stay hidden, and the next run continues from them."""
    _save(
        store,
        row | {"state": _unfinished(row, "failed"), "error": printable(error.headline), "finished_at": now()},
    )


def interrupt(store: Store, row: Row) -> None:
    """Write the source's row with state `interrupted`, because the user stopped the ingest. The next run continues."""
    _save(store, row | {"state": _unfinished(row, "interrupted"), "finished_at": now()})


def interrupt_running(store: Store, specs: Sequence[SourceSpec]) -> None:
    """Change the state of these sources from `running` to `interrupted`."""
    uris = {uri_of(spec) for spec in specs}
    for row in _rows(store, "sources", filter="state = 'running'"):
        if row["uri"] in uris:
            interrupt(store, row)


def videos(store: Store, sources: Sequence[str] | None = None) -> list[Row]:
    """Return the rows of finished videos, all or those with these ids. Raises UsageError for an unknown id."""
    with read_errors(store.uri):
        rows = store.table("sources").to_table(filter="kind = 'video' AND state = 'done'").to_pylist()
    unknown = sorted(set(sources or ()) - {row["source_id"] for row in rows})
    if unknown:
        raise UsageError(
            f"There is no finished video {unknown[0]} in this database.",
            hint="`animeds sources list` shows the ids.",
        )
    chosen = [row for row in rows if sources is None or row["source_id"] in sources]
    return sorted(chosen, key=lambda row: str(row["uri"]))


def unchanged(row: Row) -> SourcePath:
    """Return the path of a source's file. Raises SourceError if it is missing, or has changed since the ingest."""
    path = source_path(present(row["uri"], row["other_uris"]))
    if content_hash(discover([str(path)])[0]) != row["content_hash"]:
        raise SourceError(
            f"{path} has changed since it was ingested",
            hint="restore the original, or ingest this file again",
        )
    return path


def register_models(store: Store, records: Sequence[Row]) -> None:
    """Write the models' rows if they do not exist yet. Using a model again does not create a new version."""
    there = store.take("models", [str(record["model_id"]) for record in records], ["model_id"])["model_id"]
    new = [r | {"added_at": now()} for r in records if r["model_id"] not in there.to_pylist()]
    store.upsert("models", pa.Table.from_pylist(new, schema.MODELS.schema))


def now() -> datetime.datetime:
    """Return the current time in the form used in tables: UTC without a time zone."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _expect_text(spec: SourceSpec) -> None:
    """Raise SourceError for a path that cannot be stored in a table."""
    try:
        str(spec.path.resolve()).encode("utf-8")
    except UnicodeEncodeError as error:
        raise SourceError(
            f"{printable(str(spec.path))}: this name is not valid UTF-8",
            hint="rename it; `convmv -f cp932 -t utf8` renames files from an old Japanese Windows, for example",
        ) from error


def _skipped(store: Store, spec: SourceSpec, known: Row, mark: str) -> Status:
    """Return the status of a source that is done, and store the path at which it was found."""
    found = adopted(spec, known, mark)
    row = known | found.columns
    if row != known:
        _save(store, row)
    return Status(row, "skipped", NOTHING, (*found.notes, *_not_applied(spec, known)))


def _not_applied(spec: SourceSpec, known: Row) -> list[str]:
    """Return a note for each given value that differs from a finished source's own, which is kept."""
    values = {name: spec.columns()[name] for name in sorted(spec.given)}
    return [
        f"{name} is still {_shown(known[name])}, not {_shown(value)}: {_way_to_change(known, name, value)}"
        for name, value in values.items()
        if value != known[name]
    ]


def _way_to_change(known: Row, name: str, value: object) -> str:
    if name in EDITABLE:
        return (
            f"change it with `animeds sources edit {known['source_id']} --{name} {shlex.quote(str(value))}`"
        )
    return "add --replace to ingest it again"


def _shown(value: object) -> str:
    return "empty" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def _save(store: Store, row: Row) -> Row:
    store.replace("sources", pa.Table.from_pylist([row], schema.SOURCES.schema))
    return row


def _rows(store: Store, name: str, **which: Any) -> list[Row]:
    with read_errors(store.uri):
        rows: list[Row] = store.table(name).to_table(**which).to_pylist()
    return rows


def _known(store: Store, spec: SourceSpec, mark: str) -> tuple[Row, bool]:
    """Return a source's row, and True if its content is unchanged (False for a folder that has changed).

    It is looked up by path and fingerprint, then by content. A new source gets a row with only its id
    (`state` None).
    """
    rows = _rows(store, "sources")
    uri = uri_of(spec)
    here = [row for row in rows if row["uri"] == uri]
    for row in here:
        if row["fingerprint"] == mark:
            return row, True
    digest = content_hash(spec)
    for row in rows:
        if row["content_hash"] == digest:
            return row, True
    if here and spec.kind != "video":
        return here[0], False
    new = dict.fromkeys(schema.SOURCES.schema.names) | {
        "source_id": schema.source_id(digest),
        "content_hash": digest,
    }
    clash = next((row for row in rows if row["source_id"] == new["source_id"]), None)
    if clash:
        raise SourceError(
            f"{spec.path} happens to have the same short id as {clash['uri']}",
            hint="ingest one of them into a separate database with --db",
        )
    return new, True


def _row(spec: SourceSpec, mark: str, known: Row, *, keep: bool) -> Row:
    """Return a source's row with the path of `spec`. With `keep`, existing names stay unless new ones are given."""
    names = {
        name: known[name] if keep and known[name] is not None and name not in spec.given else value
        for name, value in spec.columns().items()
    }
    return known | names | {"fingerprint": mark, "kind": spec.kind, "uri": uri_of(spec)}


def _forget(store: Store, known: Row) -> None:
    _save(store, known | {"state": "running"})  # first hidden, then deleted
    computed = (
        "frames",
        "detections",
        "thumbnails",
        "lines",
        "chapters",
        *schema.RERUNS,
        "identities",
        "clusters",
    )
    for name in computed:  # labels by people are kept
        store.delete(name, f"source_id = '{known['source_id']}'")


def _progress(store: Store, known: Row, *, same_files: bool) -> Progress:
    rows = _rows(
        store,
        "frames",
        columns=["frame_id", "member", "content_hash", "ordinal", "shot"],
        filter=f"source_id = {quoted(known['source_id'])}",
    )
    if not rows:
        return NOTHING
    if same_files:
        return Progress(ids=frozenset(row["frame_id"] for row in rows))
    members = frozenset((row["member"], row["content_hash"]) for row in rows)
    first_ordinal, first_shot = (max(row[name] for row in rows) + 1 for name in ("ordinal", "shot"))
    return Progress(members=members, first_ordinal=first_ordinal, first_shot=first_shot)


def _from_the_start(store: Store, known: Row) -> Progress:
    """Return the progress of a damaged source: every frame is done again; pictures keep their numbers."""
    if known["kind"] == "video":
        return NOTHING
    rows = _rows(
        store,
        "frames",
        columns=["member", "content_hash", "ordinal"],
        filter=f"source_id = {quoted(known['source_id'])}",
    )
    return Progress(ordinals={(row["member"], row["content_hash"]): row["ordinal"] for row in rows})


def _unfinished(row: Row, state: str) -> str:
    """Return a state of a source that is not done: a damaged one stays damaged, whatever becomes of this run."""
    return schema.DAMAGED if row["state"] == schema.DAMAGED else state

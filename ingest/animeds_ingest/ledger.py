"""The `sources` table as a ledger: what is known of a source, what is left to do, how it ended.

A source is `running` until its last frame is committed; only then is it `done` and its rows visible.
One content is one source: a file that is ingested again under another path or name is found by its content.
"""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import SourceError
from animeds_db.media import Damage, MediaInfo
from animeds_db.printable import printable
from animeds_db.store.location import read_errors
from animeds_db.store.store import Store, quoted
from animeds_ingest.paths import adopted, expect_kind, uri_of, with_old_path
from animeds_ingest.pipeline import NOTHING, Progress
from animeds_ingest.request import Request
from animeds_ingest.sources import SourceSpec, content_hash, fingerprint

Row = dict[str, Any]

EDITABLE = ("show", "season", "episode", "credit", "licence")
"""Columns of `sources` that `animeds sources edit` changes."""


@dataclass(frozen=True)
class Standing:
    """Status of a source before this run: new, resumed, grown (a folder) or skipped; and notes about its path."""

    row: Row
    state: str
    earlier: Progress
    notes: tuple[str, ...] = ()


def standing(store: Store, spec: SourceSpec, request: Request, *, replace: bool) -> Standing:
    """Look a source up, by its path and by its content.

    A new path of a known content is written into the row; where the content is not at its old path any more, the
    new path takes its place. With `replace`, the rows of an earlier ingest are deleted. Raises SourceError when
    the source was ingested with other sampling or models than `request` asks for and `replace` is not given.
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
        return Standing(row, "new", NOTHING)
    if known["state"] == schema.DAMAGED:
        return Standing(row, "resumed", _from_the_start(store, known))
    return Standing(row, "grown" if earlier.members else "resumed", earlier)


def _new(store: Store, row: Row) -> Standing:
    """Return the status of a source without a row. One that has frames lost its row: it is as a damaged one."""
    if not store.table("frames").count_rows(f"source_id = {quoted(row['source_id'])}"):
        return Standing(row, "new", NOTHING)
    return Standing(row | {"state": schema.DAMAGED}, "resumed", _from_the_start(store, row))


def begin(store: Store, row: Row, info: MediaInfo) -> Row:
    """Write the source's row as running, with what the file says of itself, and return it."""
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
    """Write the source's row as done: from now on its frames are visible."""
    done = {"state": "done", "n_frames": n_frames, "error": "; ".join(notes) or None, "finished_at": now()}
    _save(store, row | done | {"n_damaged": damage.damaged, "n_gaps": damage.gaps})


def fail(store: Store, row: Row, error: SourceError) -> None:
    """Keep the reason in the source's row; its rows stay hidden and the next run goes on from them."""
    _save(
        store,
        row | {"state": _unfinished(row, "failed"), "error": printable(error.headline), "finished_at": now()},
    )


def interrupt(store: Store, row: Row) -> None:
    """Write the source's row as interrupted: a person stopped the ingest. The next run goes on."""
    _save(store, row | {"state": _unfinished(row, "interrupted"), "finished_at": now()})


def interrupt_running(store: Store, specs: Sequence[SourceSpec]) -> None:
    """Write those of the sources that are `running` as interrupted."""
    uris = {uri_of(spec) for spec in specs}
    for row in _rows(store, "sources", filter="state = 'running'"):
        if row["uri"] in uris:
            interrupt(store, row)


def register_models(store: Store, records: Sequence[Row]) -> None:
    """Write the models' rows unless they are there: using a model again makes no new version."""
    there = store.take("models", [str(record["model_id"]) for record in records], ["model_id"])["model_id"]
    new = [r | {"added_at": now()} for r in records if r["model_id"] not in there.to_pylist()]
    store.upsert("models", pa.Table.from_pylist(new, schema.MODELS.schema))


def now() -> datetime.datetime:
    """Return the time as the tables hold it: UTC without a zone."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _expect_text(spec: SourceSpec) -> None:
    """Raise SourceError for a path that no table can hold."""
    try:
        str(spec.path.resolve()).encode("utf-8")
    except UnicodeEncodeError as error:
        raise SourceError(
            f"{printable(str(spec.path))}: this name is not valid UTF-8",
            hint="rename it; `convmv -f cp932 -t utf8` renames files from an old Japanese Windows, for example",
        ) from error


def _skipped(store: Store, spec: SourceSpec, known: Row, mark: str) -> Standing:
    """Return the status of a source that is done, and keep the path it was found at."""
    found = adopted(spec, known, mark)
    row = known | found.columns
    if row != known:
        _save(store, row)
    return Standing(row, "skipped", NOTHING, (*found.notes, *_not_applied(spec, known)))


def _not_applied(spec: SourceSpec, known: Row) -> list[str]:
    """Return a note for each value that was given for a finished source, which keeps the one it has."""
    values = {name: spec.columns()[name] for name in sorted(spec.given)}
    return [
        f"{name} is still {_spoken(known[name])}, not {_spoken(value)}: {_way_to_change(known, name, value)}"
        for name, value in values.items()
        if value != known[name]
    ]


def _way_to_change(known: Row, name: str, value: object) -> str:
    if name in EDITABLE:
        return (
            f"change it with `animeds sources edit {known['source_id']} --{name} {shlex.quote(str(value))}`"
        )
    return "add --replace to ingest it again"


def _spoken(value: object) -> str:
    return "empty" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def _save(store: Store, row: Row) -> Row:
    store.replace("sources", pa.Table.from_pylist([row], schema.SOURCES.schema))
    return row


def _rows(store: Store, name: str, **which: Any) -> list[Row]:
    with read_errors(store.uri):
        rows: list[Row] = store.table(name).to_table(**which).to_pylist()
    return rows


def _known(store: Store, spec: SourceSpec, mark: str) -> tuple[Row, bool]:
    """Return a source's row, and whether it has the content of that row: False for a folder that has changed.

    It is looked up by path and fingerprint, then by content. A source never seen gets a row with its id and
    nothing else (`state` None).
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
            f"{spec.path} has by chance the same short id as {clash['uri']}",
            hint="ingest one of them into a separate database with --db",
        )
    return new, True


def _row(spec: SourceSpec, mark: str, known: Row, *, keep: bool) -> Row:
    """Return a source's row at the path of `spec`. With `keep`, names that it has stay, unless others are given."""
    names = {
        name: known[name] if keep and known[name] is not None and name not in spec.given else value
        for name, value in spec.columns().items()
    }
    return known | names | {"fingerprint": mark, "kind": spec.kind, "uri": uri_of(spec)}


def _forget(store: Store, known: Row) -> None:
    _save(store, known | {"state": "running"})  # first hidden, then gone
    computed = (
        "frames",
        "detections",
        "thumbnails",
        "taggings",
        "embeddings",
        "detected",
        "identities",
        "clusters",
    )
    for name in computed:  # what people said stays
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

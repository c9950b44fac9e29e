"""The `sources` table as a ledger: what is known of a source, what is left to do, how it ended.

A source is `running` until its last frame is committed; only then is it `done` and its rows visible.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import SourceError
from animeds_db.media import MediaInfo
from animeds_db.store import Store
from animeds_ingest.pipeline import NOTHING, Progress
from animeds_ingest.sources import SourceSpec, content_hash, fingerprint

Row = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """Where a source stands before this run. `state` is new, resumed, grown (a folder) or skipped."""

    row: Row
    state: str
    earlier: Progress


def standing(store: Store, spec: SourceSpec, work: Row, *, replace: bool) -> Standing:
    """Look a source up. `work` is what will be done: its `sampling` and `models` columns.

    With `replace`, rows of an earlier ingest are deleted. Raises SourceError when the source was
    ingested with other sampling or models and `replace` is not given.
    """
    mark = fingerprint(spec)
    known = _known(store, spec, mark)
    row = _row(spec, mark, known) | work
    if not known["state"]:
        return Standing(row, "new", NOTHING)
    if replace:
        _forget(store, known)
        return Standing(row, "new", NOTHING)
    _refuse_other_work(spec, known, work)
    if known["state"] == "done" and known["fingerprint"] == mark:
        return Standing(known, "skipped", NOTHING)
    earlier = _progress(store, known, same_files=spec.kind == "video" or known["fingerprint"] == mark)
    return Standing(row, "grown" if earlier.members else "resumed", earlier)


def begin(store: Store, row: Row, info: MediaInfo) -> Row:
    """Write the source's row as running, with what the file says of itself, and return it."""
    running = row | {
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "fps": info.fps,
        "duration_s": info.duration_s,
        "colour": info.colour,
        "state": "running",
        "error": None,
        "started_at": now(),
        "finished_at": None,
    }
    return _save(store, running)


def finish(store: Store, row: Row, n_frames: int, notes: Sequence[str]) -> None:
    """Write the source's row as done: from now on its frames are visible."""
    done = {"state": "done", "n_frames": n_frames, "error": "; ".join(notes) or None, "finished_at": now()}
    _save(store, row | done)


def fail(store: Store, row: Row, error: SourceError) -> None:
    """Keep the reason in the source's row; its rows stay hidden and the next run goes on from them."""
    _save(store, row | {"state": "failed", "error": error.headline, "finished_at": now()})


def now() -> datetime.datetime:
    """Return the time as the tables hold it: UTC without a zone."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _save(store: Store, row: Row) -> Row:
    store.replace("sources", pa.Table.from_pylist([row], schema.SOURCES.schema))
    return row


def _known(store: Store, spec: SourceSpec, mark: str) -> Row:
    """Return the row of a source: by place and fingerprint, by content, or a folder that has changed.

    A source never seen gets a row with its id and nothing else (`state` None).
    """
    rows = store.table("sources").to_table().to_pylist()
    uri = str(spec.path.resolve())
    here = [row for row in rows if row["uri"] == uri]
    for row in here:
        if row["fingerprint"] == mark:
            return dict(row)
    digest = content_hash(spec)
    for row in rows:
        if row["content_hash"] == digest:
            return dict(row)
    if here and spec.kind != "video":
        return dict(here[0])
    new = dict.fromkeys(schema.SOURCES.schema.names) | {
        "source_id": schema.source_id(digest),
        "content_hash": digest,
    }
    clash = next((row for row in rows if row["source_id"] == new["source_id"]), None)
    if clash:
        raise SourceError(
            f"{spec.path} has by chance the same short id as {clash['uri']}",
            hint="put one of the two in another database (--db)",
        )
    return new


def _row(spec: SourceSpec, mark: str, known: Row) -> Row:
    return known | {
        "fingerprint": mark,
        "kind": spec.kind,
        "uri": str(spec.path.resolve()),
        "image_type": spec.image_type,
        "show": spec.name.show,
        "season": spec.name.season,
        "episode": spec.name.episode,
        "title": spec.name.title,
        "credit": spec.credit,
        "licence": spec.licence,
        "url": spec.url,
    }


def _refuse_other_work(spec: SourceSpec, known: Row, work: Row) -> None:
    for what in ("sampling", "models"):
        if known[what] != work[what]:
            raise SourceError(
                f"{spec.path.name} was ingested with {what} {_spoken(known[what])}, not {_spoken(work[what])}",
                hint="ask for the same again, or `--replace` to ingest it anew",
            )


def _spoken(value: str | list[str] | None) -> str:
    return value if isinstance(value, str) else ", ".join(value or ["none"])


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
    rows = store.table("frames").to_table(
        columns=["frame_id", "member", "content_hash", "ordinal", "shot"],
        filter=f"source_id = '{known['source_id']}'",
    )
    if not rows.num_rows:
        return NOTHING
    columns = rows.to_pydict()
    if same_files:
        return Progress(ids=frozenset(columns["frame_id"]))
    members = frozenset(zip(columns["member"], columns["content_hash"], strict=True))
    return Progress(frozenset(), members, max(columns["ordinal"]) + 1, max(columns["shot"]) + 1)

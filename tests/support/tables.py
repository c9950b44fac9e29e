"""Rows for tests of the store and the session: small, and written out where a test reads them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from sampleshow import once

from animeds_db import schema
from animeds_db.store import Store

TAGS = ("1girl", "red_hair", "1boy", "smile")
WIDTH = 4


def new_store(folder: Path, name: str = "test.animeds") -> Store:
    return empty_store(folder / name, WIDTH, WIDTH)


def empty_store(path: Path, image_width: int, character_width: int) -> Store:
    """Return a new database. The empty tables are made once and then copied, which takes half the time."""
    made = once(
        f"empty-{image_width}-{character_width}",
        lambda new: Store.create(str(new), image_width, character_width),
    )
    shutil.copytree(made, path)
    return Store.open(str(path))


def rows(store: Store, table: str, *values: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in values], schema=store.schema(table).schema)


def add_source(store: Store, source: str, state: str = "done", **columns: Any) -> None:
    row = {"source_id": source, "state": state, "show": "Show", "season": 1, "episode": 1} | columns
    store.replace("sources", rows(store, "sources", row))


def frame(source: str, number: int, **columns: Any) -> dict[str, Any]:
    """One row of `frames`; tag_scores are per cent. Those of at least 35 count, unless `sure_tags` says which."""
    if columns.get("tags") is not None and "sure_tags" not in columns:
        columns |= counted(columns["tags"], columns.get("tag_scores") or [100] * len(columns["tags"]))
    if columns.get("tag_scores") is not None:
        columns["tag_scores"] = stored(columns["tag_scores"])
    return {
        "frame_id": schema.frame_id(source, number * 1000),
        "source_id": source,
        "time_s": float(number),
        "ordinal": number,
    } | columns


def counted(tags: Sequence[int], scores: Sequence[int], least: int = 35) -> dict[str, list[int]]:
    """The columns sure_tags and sure_scores, of scores in per cent."""
    sure = [(tag, score) for tag, score in zip(tags, scores, strict=True) if score >= least]
    return {"sure_tags": [tag for tag, _ in sure], "sure_scores": stored([score for _, score in sure])}


def stored(scores: Sequence[int]) -> list[int]:
    """Scores in per cent as the database stores them: in thousandths."""
    return [score * 10 for score in scores]


def frames(store: Store, source: str, n: int, first: int = 0, **columns: Any) -> pa.Table:
    return rows(store, "frames", *(frame(source, i, **columns) for i in range(first, first + n)))


def tagged_store(folder: Path, tag_lists: Sequence[Sequence[str] | None], source: str = "aaaaaaaa") -> Store:
    """One finished source, one frame per list of tags; scores fall from 90 by 20 per place."""
    store = new_store(folder)
    ids = store.ensure_tags([(tag, "general") for tag in TAGS])
    add_source(store, source)
    values = []
    for number, tags in enumerate(tag_lists):
        scores = None if tags is None else [90 - 20 * place for place in range(len(tags))]
        numbers = None if tags is None else [ids[tag] for tag in tags]
        tagger = None if tags is None else "tagger@1"
        values.append(frame(source, number, tags=numbers, tag_scores=scores, tagger=tagger))
    store.upsert("frames", rows(store, "frames", *values))
    return store

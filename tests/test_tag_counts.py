"""Tags are counted alike in every way, whatever people corrected, and in every earlier version."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tables import TAGS, add_source, frame, rows, tagged_store

import animeds_db
from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.web.selection import script

Tags = list[str] | None
lists = st.lists(st.none() | st.lists(st.sampled_from(TAGS), unique=True, max_size=3), min_size=1, max_size=5)
edits = st.lists(
    st.tuples(
        st.sampled_from(("add", "remove")), st.sampled_from(TAGS), st.sets(st.integers(0, 4), min_size=1)
    ),
    max_size=3,
)


def check(dataset: Dataset, expected: Sequence[Tags]) -> None:
    """Compare every way to the tags of frames with the tags that they must have."""
    found = dataset.sql("SELECT tags, tag_ids FROM frames ORDER BY frame_id").fetchall()
    assert [tags and sorted(tags) for tags, _ in found] == [tags and sorted(tags) for tags in expected]
    counted = Counter(tag for tags in expected for tag in tags or ())
    ids = dict(dataset.sql("SELECT tag, tag_id FROM vocabulary").fetchall())
    assert [ids_ and Counter(ids_) for _, ids_ in found] == [
        tags and Counter(ids[tag] for tag in tags) for tags in expected
    ]
    assert dict(dataset.sql("SELECT tag, count(*) FROM tags GROUP BY tag").fetchall()) == counted
    assert dict(dataset.sql(script("facet_tag", within="true")).fetchall()) == counted
    for tag in TAGS:
        for column in ("tags", "tag_ids"):
            asked = f"SELECT count(*) FROM frames WHERE has_tag({column}, '{tag}')"
            assert dataset.sql(asked).fetchall() == [(counted[tag],)]


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(lists, edits, st.booleans())
def test_tags_are_counted_alike_whatever_was_corrected_and_in_every_version(
    first: list[Tags], changes: list[tuple[str, str, set[int]]], unfinished: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = tagged_store(Path(folder), first)
        if unfinished:
            add_source(store, "bbbbbbbb", state="running")
            store.upsert("frames", rows(store, "frames", frame("bbbbbbbb", 1, tags=[1], tag_scores=[90])))
        now: list[Tags] = [tags and list(tags) for tags in first]
        states = {store.history().number(store.history().now()): list(now)}
        ids = [schema.frame_id("aaaaaaaa", number * 1000) for number in range(len(first))]
        with animeds_db.open(store.uri) as dataset:
            check(dataset, now)
            for op, tag, numbers in changes:
                chosen = [number for number in numbers if number < len(ids)]
                if not chosen:
                    continue
                dataset.label("tag", op, tag, [ids[number] for number in chosen])
                for number in chosen:
                    others = [other for other in now[number] or () if other != tag]
                    now[number] = [tag, *others] if op == "add" else others
                states[store.history().number(store.history().now())] = list(now)
            check(dataset, now)
        for version, expected in states.items():
            with animeds_db.open(store.uri, at=version) as past:
                check(past, expected)

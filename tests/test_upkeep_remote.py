"""Versions, upkeep and copies of a database in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from objectstore import BUCKET, ObjectStore, object_store, reach_only
from tables import WIDTH, add_source, frames

from animeds_db.store import Store
from animeds_db.upkeep.cleaning import clean, replaced
from animeds_db.upkeep.copying import backup
from animeds_db.upkeep.optimize import optimize

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning"
)  # of moto, boto3


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with object_store() as store:
        reach_only(store, monkeypatch)
        yield store


def test_a_bucket_has_a_past_upkeep_and_copies(server: ObjectStore, tmp_path: Path) -> None:
    near = Store.create(str(tmp_path / "near.animeds"), WIDTH, WIDTH)
    add_source(near, "aaaaaaaa")
    near.upsert("frames", frames(near, "aaaaaaaa", 3))
    uri = f"s3://{BUCKET}/far.animeds"
    assert backup(near, uri).n_files > 2
    near.upsert("frames", frames(near, "aaaaaaaa", 3, first=3))
    assert 0 < backup(near, uri).n_files <= 3
    far = Store.open(uri)
    assert far.table("frames").count_rows() == 6
    number = far.history().number(far.history().now())
    assert Store.open(uri, number - 1).table("frames").count_rows() == 3
    optimize(far)
    assert len(far.table("frames").get_fragments()) == 1
    commits = far.history().of_table("frames")
    assert clean(far, "frames", replaced(commits, commits[-1].at)) > 0
    assert far.table("frames").to_table().num_rows == 6
    backup(far, str(tmp_path / "back.animeds"))
    assert Store.open(str(tmp_path / "back.animeds")).table("frames").to_table().num_rows == 6

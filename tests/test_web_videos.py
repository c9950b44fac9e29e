"""Light videos of the service: what they hold, ranges of their bytes, limits, and clients that leave."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import httpx2
import pytest
import sampleshow
from webserving import ONE, client_of

import animeds_db
from animeds_db.web import Options


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the drawn show's database, whose shots were found. Do not change it."""
    path = tmp_path_factory.mktemp("videos") / "show.animeds"
    shutil.copytree(sampleshow.database(), path)
    return path


@pytest.fixture(scope="module")
def client(show: Path) -> Iterator[httpx2.Client]:
    with client_of(show, Options(limits=ONE)) as there:
        yield there

def test_x(client, show):
    import time
    with animeds_db.open(show) as ds:
        ids = ds.sql("SELECT frame_id, time_s FROM frames WHERE time_s > 5 LIMIT 3").fetchall()
    for i,_ in ids:
        t=time.time()
        a = client.get(f"/api/frames/{i}/video")
        print(a.status_code, a.headers, len(a.content), time.time()-t)
        a = client.get(f"/api/frames/{i}/video?shot=true", headers={"range":"bytes=0-99"})
        print(a.status_code, a.headers, len(a.content), time.time()-t)
    print(client.get(f"/api/frames/xx-00/video").text)
    print(client.get(f"/api/clips/{ids[0][0].split('-')[0]}-c10_20/video").status_code)
    print(client.get(f"/api/shots/zz/video").text)
    assert 0

"""A database on object storage: the commands work, writers in several processes lose nothing, errors name the thing."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import videos
from cli_run import Runner
from ingesting import a_store, everything, rows, run
from objectstore import BUCKET, DENIED, EXPIRED, ObjectStore, object_store, reach_only
from tables import frames

import animeds_db
from animeds_db import schema
from animeds_db.captions import CaptionProfile
from animeds_db.errors import ExportError, StoreError
from animeds_db.export import ExportOptions, rebuild
from animeds_db.models import load_profile
from animeds_db.remote import storage as object_storage
from animeds_db.store import Store
from animeds_db.store.location import Location, create_database
from animeds_ingest import pipeline

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning"
)  # of moto, boto3


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


@pytest.fixture(autouse=True)
def environment(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    reach_only(server, monkeypatch)


@pytest.fixture(scope="module")
def one(server: ObjectStore) -> str:
    """The URI of a database with one source, for reading."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environ().items():
            patch.setenv(name, value)
        store = Store.create(f"s3://{BUCKET}/one.animeds", 8, 8)
        run(store, videos.shared_clip("vp9"))
        return store.uri


def test_rows_in_a_bucket_are_those_on_a_disk(one: str, tmp_path: Path) -> None:
    local = a_store(tmp_path)
    run(local, videos.shared_clip("vp9"))
    assert everything(Store.open(one)) == everything(local)


@pytest.mark.parametrize("uri", ["s3:///x", "ftp://host/x.animeds", "s4://bucket/x"])
def test_other_uris_are_refused(uri: str) -> None:
    with pytest.raises(StoreError, match="is not a supported location for a database") as told:
        Store.exists(uri)
    assert "s3://BUCKET/NAME" in str(told.value.hint)


def test_nothing_there_is_told() -> None:
    assert not Store.exists(f"s3://{BUCKET}/none.animeds")
    with pytest.raises(StoreError, match=f"there is no database at s3://{BUCKET}/none.animeds"):
        Store.open(f"s3://{BUCKET}/none.animeds")


def at_once(check: Callable[[Any], None], acts: Sequence[Callable[..., object]]) -> None:
    """Check each of these, at the same time: each waits for seconds, since Lance asks again and again."""
    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(check, acts))


def test_no_bucket_is_told() -> None:
    def is_told(act: Callable[[str], object]) -> None:
        with pytest.raises(StoreError, match="the bucket s3://nowhere does not exist"):
            act("s3://nowhere/x.animeds")

    at_once(is_told, [Store.exists, Store.create, Store.open])


def test_a_second_creation_is_refused(one: str) -> None:
    with pytest.raises(StoreError, match="is already a database"):
        Store.create(one, 8, 8)


def test_an_interrupted_creation_is_completed_and_two_at_once_make_one_database(one: str) -> None:
    uri = f"s3://{BUCKET}/made.animeds"
    place = Location(uri)
    create_database(place, schema.all_tables(8, 8)[1:])  # all but `sources`
    assert not Store.exists(uri)

    def create(_number: int) -> Store:
        try:
            return Store.create(uri, 8, 8)
        except StoreError:  # the other one has been so fast that its database was there already
            return Store.open(uri)

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(create, range(2)))
    assert {store.widths for store in made} == {(8, 8)}
    assert made[0].upsert("frames", frames(made[0], "aaaaaaaa", 2)) == 2
    assert made[1].table("frames").count_rows() == 2


def test_missing_credentials_are_told(one: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match=f"there are no credentials for s3://{BUCKET}") as told:
        Store.open(one)
    assert "AWS_ACCESS_KEY_ID" in str(told.value.hint)


def test_expired_credentials_are_told(one: str, server: ObjectStore) -> None:
    store = Store.open(one)

    def is_told(act: Callable[[], object]) -> None:
        with pytest.raises(StoreError, match=f"the credentials for s3://{BUCKET} have expired"):
            act()

    with server.refusing(EXPIRED):
        at_once(
            is_told, [lambda: Store.open(one), lambda: store.upsert("frames", frames(store, "aaaaaaaa", 1))]
        )


def test_a_bucket_for_reading_only_is_read_and_what_would_write_is_told(
    one: str, server: ObjectStore
) -> None:
    with server.refusing(DENIED, "PUT POST DELETE"):
        store = Store.open(one)
        assert store.table("frames").count_rows() == 4
        with pytest.raises(StoreError, match=f"no permission to write {one}"):
            store.upsert("frames", frames(store, "aaaaaaaa", 1))
        with pytest.raises(StoreError, match="no permission to write"):
            Store.create(f"s3://{BUCKET}/new.animeds", 8, 8)


def test_a_server_where_nobody_answers_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreError, match=r"no answer from http://127\.0\.0\.1:1") as told:
        Store.open(f"s3://{BUCKET}/x.animeds")
    assert "AWS_ENDPOINT_URL" in str(told.value.hint)


def test_a_network_that_drops_for_seconds_costs_nothing_but_time(one: str, server: ObjectStore) -> None:
    store = Store.create(f"s3://{BUCKET}/drops.animeds", 4, 4)
    rows = frames(store, "aaaaaaaa", 3)
    with server.gone():
        back = threading.Timer(1.5, server.back)
        back.start()
        assert store.upsert("frames", rows) == 3
        assert not back.is_alive()
    assert store.table("frames").count_rows() == 3


def test_a_network_that_stays_away_is_told(
    one: str, server: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_storage, "RETRIES", 0)
    store = Store.open(one)
    with (
        server.gone(),
        pytest.raises(StoreError, match=f"s3://{BUCKET} cannot be reached, after many attempts") as told,
    ):
        store.upsert("frames", frames(store, "bbbbbbbb", 1))
    assert "not done twice" in str(told.value.hint)
    assert store.table("frames").count_rows() == 4


COMMANDS = """
import sys
from animeds_db.cli import main
for words in sys.argv[1:]:
    sys.argv = ["animeds", *words.split("\t")]
    try:
        main()
    except SystemExit as left:
        if left.code:
            sys.exit(f"{words}: {left.code}")
"""


def commands(*lines: Sequence[object]) -> subprocess.Popen[str]:
    """Run several commands in a process of their own."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMANDS, *("\t".join(map(str, words)) for words in lines)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def visible(uri: str, sql: str) -> list[tuple[object, ...]]:
    with animeds_db.open(uri) as dataset:
        return dataset.sql(sql).fetchall()


@pytest.mark.long
def test_two_users_of_one_bucket_at_once_lose_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [videos.shared_clip("h264 open"), videos.shared_clip("vp9")]
    uri, disk = f"s3://{BUCKET}/two.animeds", str(tmp_path / "two.animeds")
    tiny = ["--profile", "tiny", "--device", "cpu"]
    Store.create(uri, *widths())
    users = []
    for number, order in enumerate((clips, clips[::-1])):
        db = ["--db", uri]
        users.append(
            commands(
                ["ingest", *order, *tiny, *db],
                ["label", "tag", f"+word_{number}", "--where", "ordinal = 1", *db],
                ["dedup", *db],
                ["optimize", *db]
                if number
                else ["export", "--sql", "SELECT frame_id FROM frames", tmp_path / "out", *db],
            )
        )
    for user in users:
        _, err = user.communicate()
        assert user.returncode == 0, err
    models = load_profile("tiny", device="cpu")
    alone = Store.create(disk, *widths())
    run(alone, *clips, models=models)
    with animeds_db.open(disk) as dataset:
        dataset.dedup()
    for name in ("sources", "frames", "detections", "thumbnails", "models"):
        assert rows(Store.open(uri), name) == rows(Store.open(disk), name), name
    kept = "SELECT frame_id FROM kept ORDER BY 1"
    assert visible(uri, kept) == visible(disk, kept)
    words = "SELECT tag, count(*) FROM tags WHERE tag LIKE 'word%' GROUP BY 1 ORDER BY 1"
    assert visible(uri, words) == [("word_0", 2), ("word_1", 2)]
    assert len(list((tmp_path / "out").glob("*.png"))) == rows(Store.open(disk), "frames").num_rows


def widths() -> tuple[int, int]:
    models = load_profile("tiny", device="cpu")
    assert models.image and models.character
    return models.image.width or 0, models.character.width or 0


INGEST_SLOWLY = """
import sys
from pathlib import Path
from animeds_ingest import pipeline
pipeline.BATCH, pipeline.CHUNK = 4, 8
from ingesting import run
from animeds_db.models import load_profile
from animeds_db.store import Store
from animeds_ingest import pipeline
run(Store.open(sys.argv[1]), Path(sys.argv[2]), how="all")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_killed_writer_leaves_a_database_that_is_read_and_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 4)
    monkeypatch.setattr(pipeline, "CHUNK", 8)
    clip = videos.shared_clip("h264 open")
    store = Store.create(f"s3://{BUCKET}/killed.animeds", 8, 8)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "support")}
    with subprocess.Popen([sys.executable, "-c", INGEST_SLOWLY, store.uri, str(clip)], env=environ) as writer:
        while not store.table("frames").count_rows() and writer.poll() is None:
            time.sleep(0.02)
        writer.kill()
    assert visible(store.uri, "SELECT count(*) FROM frames") == [(0,)]  # unfinished: hidden
    report = run(Store.open(store.uri), clip, how="all")
    assert report.outcomes[0].state in ("resumed", "skipped")
    local = a_store(tmp_path)
    run(local, clip, how="all")
    assert everything(Store.open(store.uri)) == everything(local)


def test_an_export_to_a_bucket_is_that_to_a_folder_and_never_touches_what_is_there(
    server: ObjectStore, tmp_path: Path, one: str
) -> None:
    out, folder = f"s3://{BUCKET}/exports/set", tmp_path / "folder"
    with animeds_db.open(one) as dataset:

        def export(place: str | Path) -> None:
            options = ExportOptions(profile=CaptionProfile(activation_tag="waifu"))
            dataset.export(None, place, sql="SELECT frame_id FROM frames", options=options)

        export(out)
        export(folder)
        here = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        assert [key.removeprefix("exports/set/") for key in server.objects("exports/set/")] == here
        assert "animeds-export.json" in here
        with pytest.raises(ExportError, match=f"{out} already contains an export"):
            export(out)
        with server.refusing(DENIED, "PUT POST"), pytest.raises(ExportError, match="no permission to write"):
            export(f"s3://{BUCKET}/exports/denied")
    assert not server.objects("exports/denied/")
    with pytest.raises(ExportError, match="is not a folder"):
        rebuild(folder, f"s3://{BUCKET}/exports/rebuilt")


def test_the_page_on_object_storage_works_as_written(
    server: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "episodes").mkdir()
    (tmp_path / "episodes" / "Show - 01.webm").symlink_to(videos.shared_clip("vp9"))
    server.put(videos.shared_clip("mpeg2 ps"), "season2/Show - 02.mpg")
    server.put(videos.shared_clip("hevc open"), "extra.mkv")
    page = (Path(__file__).parents[1] / "docs" / "scale.md").read_text("utf-8")
    section = page[page.index("## Object storage") :]
    commands, moves = (block.splitlines() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[:2])
    my_show = tmp_path / "anime" / "MyShow"
    my_show.mkdir(parents=True)
    shutil.copy(videos.shared_clip("vp9"), my_show / "01.webm")
    server.put(my_show, "MyShow")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANIMEDS_DB", str(tmp_path / "own.animeds"))
    for line in (*commands, "animeds ingest anime/MyShow --profile none", *moves):
        done = Runner(capsys, monkeypatch)(*shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)
    assert any(key.startswith("show.animeds/frames.lance/") for key in server.objects())
    assert len(list((tmp_path / "out").glob("*.png"))) >= 1

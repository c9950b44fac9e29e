"""Sources in object storage: they give what they give on a disk, cost few requests, and errors name the thing."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import videos
from cli_run import Ran, Runner
from ingesting import a_store, everything, rows, run
from objectstore import BUCKET, DENIED, EXPIRED, ObjectStore, object_store, reach_only
from PIL import Image
from stills import as_zip

import animeds_db
from animeds_db.errors import SourceError
from animeds_db.media import FrameKey, Video, fetch
from animeds_db.models import load_profile
from animeds_db.remote import read_ahead
from animeds_db.remote import storage as object_storage
from animeds_db.remote.paths import BucketPath, source_path
from animeds_db.store import Store
from animeds_ingest import one_source
from animeds_ingest.outcomes import Outcome
from animeds_ingest.sources import SourceSpec, content_hash, discover, fingerprint

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning"
)  # of moto, boto3

UNKNOWN = ("403 FORBIDDEN", "InvalidAccessKeyId", "The key does not exist in our records.")
MB = 2**20


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


@pytest.fixture(autouse=True)
def environment(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    reach_only(server, monkeypatch)


@pytest.fixture(scope="module")
def season(server: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder of all kinds of sources, and the same in the bucket."""
    folder = tmp_path_factory.mktemp("disk") / "Show" / "Season 1"
    caps = folder / "caps"
    (caps / "more").mkdir(parents=True)
    for name, clip in (("Show - 01.mkv", "h264 open"), ("Show - #2 50% é.webm", "vp9")):
        (folder / name).write_bytes(videos.shared_clip(clip).read_bytes())
    for number, name in enumerate(("1.png", "10.png", "more/2.png")):
        Image.new("RGB", (32, 24), (80 * number, 90, 200)).save(caps / name)
    (caps / "1.txt").write_text("1girl, smile", "utf-8")
    (caps / ".10_meta.json").write_text('{"tags": ["solo"], "characters": ["emi"]}', "utf-8")
    as_zip(caps, folder / "caps.zip")
    with tarfile.open(folder / "caps.tar.gz", "w:gz") as archive:
        archive.add(caps / "1.png", "1.png")
    (folder / "old.animeds").mkdir()
    Image.new("RGB", (9, 9)).save(folder / "old.animeds" / "no.png")
    return folder, server.put(folder, "Show/Season 1")


@pytest.fixture
def animeds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(capsys, monkeypatch)


def test_all_kinds_of_sources_in_a_bucket_give_the_rows_that_they_give_on_a_disk(
    season: tuple[Path, str], tmp_path: Path
) -> None:
    folder, uri = season
    models = load_profile("tiny", device="cpu")
    assert models.image and models.character
    widths = (models.image.width or 0, models.character.width or 0)
    here, there = (Store.create(str(tmp_path / name), *widths) for name in ("here", "there"))
    run(here, folder, models=models)
    report = run(there, uri, models=models)
    assert [outcome.state for outcome in report.outcomes] == ["new"] * 5
    first, second = everything(here), everything(there)
    for row in first["sources"] + second["sources"]:
        place, mark = row.pop("uri"), row.pop("fingerprint")
        assert mark and str(place).startswith((uri, str(folder)))
    for row in first["labels"] + second["labels"]:
        row.pop("at")
    assert first == second
    assert len(first["labels"]) > 3 and any(row["source_text"] for row in first["frames"])
    assert [outcome.state for outcome in run(there, uri, models=models).outcomes] == ["skipped"] * 5


def test_names_are_read_and_hidden_files_and_databases_passed_over_as_on_a_disk(
    season: tuple[Path, str],
) -> None:
    folder, uri = season
    here, there = discover([folder]), discover([uri + "/"])
    assert [spec.name for spec in here] == [spec.name for spec in there]
    assert [spec.kind for spec in there] == ["video", "video", "archive", "archive", "images"]
    assert [content_hash(spec) for spec in here] == [content_hash(spec) for spec in there]
    assert (there[0].name.show, there[0].name.season) == ("Show", 1)
    (alone,) = discover([Path(f"{uri}/caps/1.png")])  # pathlib takes a slash away
    assert str(alone.path) == f"{uri}/caps/1.png" and alone.kind == "images"


def test_sources_move_to_a_bucket_and_back_and_give_the_same_pictures_until_they_are_gone(
    season: tuple[Path, str], server: ObjectStore, tmp_path: Path, animeds: Runner
) -> None:
    folder, _ = season
    uri = server.put(folder, "moved/Season 1")
    db = ["--db", tmp_path / "show.animeds"]

    def moved(old: object, new: object) -> Ran:
        return animeds("sources", "relocate", old, new, *db)

    def exported(name: str) -> dict[str, bytes]:
        done = animeds("export", "--sql", "SELECT frame_id FROM frames", tmp_path / name, *db)
        assert done.code == 0, done.err
        return {p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.png")}

    assert animeds("ingest", folder, "--profile", "none", *db).code == 0
    first = exported("from a disk")
    assert moved(folder.parent, f"s3://{BUCKET}/moved").code == 0
    with animeds_db.open(str(db[1])) as dataset:
        places = [row[0] for row in dataset.sql("SELECT uri FROM sources").fetchall()]
        assert sorted(places) == sorted(str(spec.path) for spec in discover([uri]))
        assert exported("from a bucket") == first and len(first) > 10
        frame = dataset.sql("SELECT frame_id FROM frames WHERE episode = 1").fetchall()[0][0]
        server.remove("moved/Season 1/Show - 01.mkv")
        with pytest.raises(SourceError, match=r"Season 1/Show - 01\.mkv does not exist"):
            dataset.image(frame)
        assert dataset.source_files()["is_there"].to_pylist().count(False) == 1
        with server.refusing(DENIED):
            assert set(dataset.source_files()["is_there"].to_pylist()) == {None}
    gone = animeds("export", "--sql", "SELECT frame_id FROM frames", tmp_path / "again", *db)
    assert gone.code == 1 and f"{uri}/Show - 01.mkv no longer exists" in gone.err
    other = moved(f"{uri}/Show - 01.mkv", f"{uri}/Show - #2 50% é.webm")
    assert other.code == 1 and "is not the Show - 01.mkv that was ingested" in other.err
    nowhere = moved(uri, f"s3://{BUCKET}/nothing")
    assert nowhere.code == 1 and "does not exist" in nowhere.err
    assert moved(f"{uri}/", folder).code == 0
    with animeds_db.open(str(db[1])) as dataset:
        assert set(dataset.source_files()["is_there"].to_pylist()) == {True}


@pytest.mark.parametrize("name", ["h264 open mp4", "h264 open ts", "mpeg2 ps", videos.PACKED, "hevc 10-bit"])
def test_every_container_gives_the_same_frames_from_a_bucket(name: str, server: ObjectStore) -> None:
    clip = videos.shared_clip(name)
    uri = server.put(clip, f"clips/{clip.name}")
    here, there = ([(f.pts, f.content_hash()) for f in Video(place).frames()] for place in (clip, uri))
    assert here == there
    frame = list(Video(clip).keyframes())[-1]
    key = FrameKey("x", frame.stream, frame.pts, frame.key_pts, None, frame.content_hash())
    assert [k for k, _ in fetch(uri, "video", [key])] == [key]


@pytest.fixture(scope="module")
def long_file(server: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, BucketPath]:
    data = np.random.default_rng(3).bytes(20 * MB + 12345)
    path = tmp_path_factory.mktemp("long") / "long.bin"
    path.write_bytes(data)
    found = source_path(server.put(path, "long.bin"))
    assert isinstance(found, BucketPath)
    return data, found


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "KEPT", read_ahead._Kept(read_ahead.KEPT_BYTES))


def test_reading_in_order_costs_ever_fewer_requests_and_what_was_read_costs_none(
    server: ObjectStore, long_file: tuple[bytes, BucketPath], nothing_kept: None
) -> None:
    data, path = long_file
    with server.counting() as requests:
        with closing(path.raw()) as file:
            assert b"".join(iter(lambda: file.read(32768), b"")) == data
        assert requests == ["HEAD", *["GET"] * 5]  # 1, 2, 4, 8 and 5 MiB
        with path.open("rb") as again:
            for offset in (0, 19 * MB, 5, 7 * MB + 3, 20 * MB + 12344):
                again.seek(offset)
                assert again.read(1000) == data[offset : offset + 1000]
        assert requests[6:] == ["HEAD"]


def test_a_jump_costs_one_small_request(
    server: ObjectStore, long_file: tuple[bytes, BucketPath], nothing_kept: None
) -> None:
    data, path = long_file
    with server.counting() as requests, path.open("rb") as file:
        for offset in (17 * MB + 77, 3 * MB, 17 * MB + 99, 3 * MB + 500):
            file.seek(offset)
            assert file.read(64) == data[offset : offset + 64]
        assert requests == ["HEAD", "GET", "GET"]
        file.seek(-5, os.SEEK_END)
        assert file.read() == data[-5:] and file.read() == b""


def test_a_source_is_known_by_a_sample_of_its_bytes(
    server: ObjectStore, long_file: tuple[bytes, BucketPath], tmp_path: Path, nothing_kept: None
) -> None:
    data, path = long_file
    (tmp_path / "long.bin").write_bytes(data)
    (there,), (here,) = discover([str(path)]), discover([tmp_path / "long.bin"])
    with server.counting() as requests:
        assert content_hash(there) == content_hash(here)
    assert requests.count("GET") == 64
    before = fingerprint(there)
    (tmp_path / "long.bin").write_bytes(data[:-1])
    server.put(tmp_path / "long.bin", "long.bin")
    assert fingerprint(there) != before
    (tmp_path / "long.bin").write_bytes(data)
    server.put(tmp_path / "long.bin", "long.bin")


def test_key_frames_decoded_by_many_threads_fetch_the_file_once(
    server: ObjectStore, tmp_path: Path, nothing_kept: None
) -> None:
    clip = videos.write_video(tmp_path / "many.mkv", count=96, gop=2)
    uri = server.put(clip, "many.mkv")
    with server.counting() as requests:
        assert len(list(Video(uri).keyframes())) == 48
    assert requests.count("GET") == 1


@pytest.mark.parametrize(
    ("uri", "told", "way_out"),
    [
        (f"s3://{BUCKET}/none.mkv", f"s3://{BUCKET}/none.mkv does not exist", "check the path"),
        ("s3://nowhere/x.mkv", "the bucket s3://nowhere does not exist", "create it first"),
        (
            "https://host/x.mkv",
            "https://host/x.mkv is not a supported location for a source",
            "s3://BUCKET/NAME",
        ),
        ("s3://", "s3:// is not a supported location for a source", "s3://BUCKET/NAME"),
    ],
)
def test_what_is_not_there_is_told(uri: str, told: str, way_out: str) -> None:
    with pytest.raises(SourceError, match=told) as error:
        discover([uri])
    assert way_out in str(error.value.hint)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (DENIED, "no permission to read"),
        (EXPIRED, f"the credentials for s3://{BUCKET} have expired"),
        (UNKNOWN, f"s3://{BUCKET} does not accept these credentials"),
    ],
)
def test_credentials_that_do_not_open_the_bucket_are_told(
    answer: tuple[str, str, str], told: str, server: ObjectStore, season: tuple[Path, str]
) -> None:
    path = source_path(f"{season[1]}/Show - 01.mkv")
    with server.refusing(answer):
        for act in (lambda: discover([str(path)]), lambda: discover([season[1]]), lambda: Video(str(path))):
            with pytest.raises(SourceError, match=told):
                act()


def test_missing_credentials_and_a_server_where_nobody_answers_are_told(
    season: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as changed:
        changed.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with pytest.raises(SourceError, match=r"no answer from http://127\.0\.0\.1:1"):
            discover([season[1]])
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(SourceError, match=f"there are no credentials for s3://{BUCKET}") as error:
        discover([season[1]])
    assert "AWS_ACCESS_KEY_ID" in str(error.value.hint)


def test_a_network_that_drops_for_a_second_costs_only_time(
    server: ObjectStore, season: tuple[Path, str], tmp_path: Path, nothing_kept: None
) -> None:
    (spec,) = discover([f"{season[1]}/Show - 01.mkv"])
    with server.gone():
        back = threading.Timer(1.0, server.back)
        back.start()
        assert len(list(Video(spec.path).frames())) == 48
        assert not back.is_alive()


def test_a_network_that_stays_away_ends_the_source_and_the_next_run_goes_on(
    server: ObjectStore,
    season: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nothing_kept: None,
) -> None:
    clips = [f"{season[1]}/Show - 01.mkv", f"{season[1]}/caps"]
    specs = discover(clips)
    monkeypatch.setattr(object_storage, "RETRY_S", 0)
    store = a_store(tmp_path)
    with server.gone():
        report = run_specs(store, specs)
    assert [outcome.state for outcome in report] == ["failed", "failed"]
    for outcome in report:
        assert f"s3://{BUCKET} cannot be reached" in str(outcome.error)
        assert "what was committed is safe" in str(outcome.error and outcome.error.hint)
    run(store, *clips)
    assert set(rows(store, "sources")["state"].to_pylist()) == {"done"}


def run_specs(store: Store, specs: list[SourceSpec]) -> list[Outcome]:
    from ingesting import WITHOUT_MODELS

    from animeds_ingest.engines.local import ingest
    from animeds_ingest.sampling import Sampling

    return ingest(store, specs, Sampling.parse("all"), WITHOUT_MODELS).outcomes


def test_pictures_that_cannot_be_reached_are_not_left_out_as_broken_ones(
    server: ObjectStore, season: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(object_storage, "RETRY_S", 0)
    store = a_store(tmp_path)
    hidden = ("503 SLOW DOWN", "SlowDown", "Please reduce your request rate.")
    for name in ("10.png", ".10_meta.json"):

        def refuse(_method: str, path: str, name: str = name) -> tuple[str, str, str] | None:
            return hidden if path.endswith(f"/{name}") else None

        server.refuse = refuse
        report = run(store, f"{season[1]}/caps")
        server.back()
        assert [outcome.state for outcome in report.outcomes] == ["failed"]
    assert run(store, f"{season[1]}/caps").outcomes[0].frames == 3


def test_a_file_that_changes_while_it_is_read_is_refused(
    server: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "a.mkv"
    clip.write_bytes(videos.shared_clip("vp9").read_bytes())
    uri = server.put(clip, "changing.mkv")
    writes = one_source._write

    def write_meanwhile(*arguments: object) -> int:
        n = writes(*arguments)  # type: ignore[arg-type]
        server.put(videos.shared_clip("h264 open"), "changing.mkv")
        return n

    monkeypatch.setattr(one_source, "_write", write_meanwhile)
    (outcome,) = run(a_store(tmp_path), uri).outcomes
    assert outcome.state == "failed" and f"{uri} changed while it was read" in str(outcome.error)


@pytest.mark.parametrize("size", [0, 3 * MB])
def test_a_file_that_is_deleted_or_cut_while_it_is_open_is_told(
    size: int, server: ObjectStore, tmp_path: Path, nothing_kept: None
) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(6 * MB))
    path = source_path(server.put(tmp_path / "a.bin", "open.bin"))
    assert isinstance(path, BucketPath)
    with closing(path.raw()) as file:
        assert file.read(10) == bytes(10)
        server.remove("open.bin")
        if size:
            (tmp_path / "a.bin").write_bytes(bytes(size))
            server.put(tmp_path / "a.bin", "open.bin")
        file.seek(5 * MB)
        with pytest.raises(SourceError, match="changed while" if size else "was deleted while") as error:
            file.read(10)
        assert file.failure is error.value and file.read(10) == b""

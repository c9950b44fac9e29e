"""Pulling from a stand-in of the hub: real HTTP on 127.0.0.1, good and bad."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import anime_profile
import pytest
from anime_profile import WD
from hub_server import COMMIT, Hub, running
from model_files import picture, wd_tagger
from model_places import only_here

from animeds_db.errors import ModelError
from animeds_db.models import hub as puller
from animeds_db.models import load_profile
from animeds_db.models.catalogue import list_models, pull_models, remove_model, verify_models
from animeds_db.models.files import Files, Record, locate
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runners.text import embed_text


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], bytes]:
    return anime_profile.contents(tmp_path_factory.mktemp("anime"))


@pytest.fixture
def hub(
    contents: dict[tuple[str, str], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hub]:
    only_here(monkeypatch, tmp_path)
    with running(Hub()) as served:
        served.files.update(contents)
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def wd() -> Files:
    return puller.pull(load_manifest().entry("wd-swinv2-v3"))


def test_the_anime_profile_is_pulled_and_used_without_a_word_from_the_user(hub: Hub) -> None:
    seen: dict[str, tuple[int, int | None]] = {}
    models = load_profile(
        "anime", device="cpu", progress=lambda name, done, total: seen.update({name: (done, total)})
    )
    assert models.tagger and models.character and models.image
    assert models.tagger([picture(64, 36)]).shape == (1, 10_861)
    assert [len(boxes) for boxes in models.detectors[0]([picture(64, 36)])] == [2]
    assert models.character([picture(40, 40)]).shape == (1, 768)
    assert models.image([picture(64, 36)]).shape == (1, 512)
    size = len(hub.files[WD, "model.onnx"])
    assert seen["wd-swinv2-v3 model.onnx"] == (size, size)
    assert models.provider == "cpu" and models.notes == ("models run on the CPU, as requested",)


def test_the_rows_of_pulled_models_say_where_they_are_from(hub: Hub) -> None:
    rows = load_profile("anime", device="cpu").records()
    assert [(row["task"], row["model_id"]) for row in rows] == [
        ("tagger", "wd-swinv2-v3@01234567"),
        ("detector", "face-v1.4-s@01234567"),
        ("character", "ccip-caformer-24@01234567"),
        ("image", "clip-vit-b32@01234567"),
    ]
    assert rows[0]["repo"] == WD and rows[0]["revision"] == COMMIT
    assert rows[0]["sha256"] == hashlib.sha256(hub.files[WD, "model.onnx"]).hexdigest()
    assert [row["width"] for row in rows] == [None, None, 768, 512]
    assert rows[0]["thresholds"] == '{"character": 0.85, "general": 0.35}'


def test_pulled_models_are_used_again_without_asking_the_hub(hub: Hub) -> None:
    first = wd()
    asked = len(hub.requests)
    hub.status = 500
    assert wd() == first
    assert len(hub.requests) == asked


def test_a_profile_is_pulled_with_its_text_tower(hub: Hub) -> None:
    rows = pull_models(["anime"])
    assert "clip-vit-b32-text" in [row["name"] for row in rows]
    assert embed_text("clip-vit-b32@01234567", ["red hair"]).shape == (1, 512)
    states = {row["name"]: row["state"] for row in list_models()}
    assert states["clip-vit-b32-text"] == "here" and states["wd-vit-v3"] == "not pulled"


def test_vectors_of_another_revision_are_not_compared(hub: Hub) -> None:
    pull_models(["clip-vit-b32"])
    with pytest.raises(
        ModelError, match="from clip-vit-b32@deadbeef, but the model on this disk is clip-vit-b32@0123"
    ):
        embed_text("clip-vit-b32@deadbeef", ["red hair"])
    with pytest.raises(ModelError, match="wd-swinv2-v3 has no text tower"):
        embed_text("wd-swinv2-v3@01234567", ["red hair"])


def test_the_first_pulls_checksums_are_kept_and_compared_ever_after(hub: Hub) -> None:
    found = wd()
    model = found.paths["model"].resolve()
    assert {row["state"] for row in verify_models()} >= {"ok"}
    model.chmod(0o644)
    model.write_bytes(model.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelError, match=r"wd-swinv2-v3: .*model\.onnx is damaged or was replaced") as caught:
        load_profile("none", overrides={"tagger": "wd-swinv2-v3"})
    assert "animeds models remove wd-swinv2-v3" in (caught.value.hint or "")
    assert [row["state"] for row in verify_models(["wd-swinv2-v3"])] == ["damaged", "ok"]


def test_a_damaged_model_is_removed_and_pulled_again(hub: Hub) -> None:
    model = wd().paths["model"].resolve()
    model.chmod(0o644)
    model.write_bytes(b"rotten")
    assert remove_model("wd-swinv2-v3")["what"] == "files deleted"
    assert not model.exists() and locate(load_manifest().entry("wd-swinv2-v3")) is None
    assert [row["state"] for row in verify_models(["wd-swinv2-v3"])] == ["not pulled"]
    pull_models(["wd-swinv2-v3"])
    assert {row["state"] for row in verify_models(["wd-swinv2-v3"])} == {"ok"}
    assert hub.get("cdn/SmilingWolf/wd-swinv2-tagger-v3:model.onnx") == 2


def test_what_differs_from_the_hubs_own_checksum_is_never_used(hub: Hub) -> None:
    hub.lie_sha256 = "a" * 64
    with pytest.raises(ModelError, match="is damaged or was replaced: sha256 .* not aaaaaaaaaaaa"):
        wd()
    assert locate(load_manifest().entry("wd-swinv2-v3")) is None
    hub.lie_sha256 = None
    assert wd().revision == COMMIT


def test_a_broken_connection_is_gone_on_with_by_a_range_request(hub: Hub, tmp_path: Path) -> None:
    hub.files[WD, "model.onnx"] = wd_tagger(tmp_path / "large.onnx", ballast=12_000_000).read_bytes()
    hub.cut_after = 11_000_000
    wd()
    ranges = [wanted for method, _, wanted in hub.requests if method == "GET" and wanted]
    assert ranges == ["bytes=10485760-"]  # from the last 10 MiB that arrived whole
    assert {row["state"] for row in verify_models(["wd-swinv2-v3"])} == {"ok"}


def test_a_transfer_by_xet_is_told_once_and_draws_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    from types import SimpleNamespace

    from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

    told: list[tuple[int, int | None]] = []
    bar = puller._bar_class("a model", lambda _, done, total: told.append((done, total)))
    labels = {"reconstruction_desc": "written", "transfer_desc": "received"}
    with XetDownloadProgressReporter(**labels, total=100, log_level=20, tqdm_class=bar) as reporter:
        for received, written in ((40, 0), (90, 40), (100, 100)):
            reporter.update_progress(
                SimpleNamespace(
                    total_bytes=100,
                    total_bytes_completed=written,
                    total_bytes_completion_rate=1.0,
                    total_transfer_bytes_completed=received,
                    total_transfer_bytes_completion_rate=1.0,
                )
            )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[0] == (40, 100) and told[-1] == (100, 100)
    assert capfd.readouterr() == ("", "")


def test_a_new_commit_on_the_hub_does_not_change_a_pulled_model(hub: Hub) -> None:
    wd()
    hub.commit = "f" * 40
    assert wd().revision == COMMIT
    (row,) = pull_models(["wd-swinv2-v3"], force=True)
    assert row["revision"] == "f" * 12


def refused(match: str) -> ModelError:
    with pytest.raises(ModelError, match=match) as caught:
        wd()
    assert Record.load().pulled == {}
    assert "tiny" in (caught.value.hint or "")
    return caught.value


def test_no_hub_at_that_address_is_said_at_once_with_the_ways_out(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    error = refused(r"wd-swinv2-v3 \(467 MB\): http://127.0.0.1:9 cannot be reached")
    assert "animeds models pull" in (error.hint or "")


def test_the_offline_switch_is_obeyed_and_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused(r"wd-swinv2-v3 \(467 MB\) is not on this disk, and HF_HUB_OFFLINE forbids")
    assert hub.requests == []


def by_another_tool(hub: Hub) -> None:
    from huggingface_hub import hf_hub_download

    for name in ("model.onnx", "selected_tags.csv"):
        hf_hub_download(WD, name, endpoint=hub.address, cache_dir=puller.cache_folder())


def test_what_another_tool_has_cached_is_used_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    by_another_tool(hub)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert wd().revision == COMMIT


def test_a_hub_that_is_down_says_so(hub: Hub) -> None:
    hub.status = 503
    refused(r"answered 503")


def test_a_cached_model_is_used_while_the_hub_is_down_and_that_is_told(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    by_another_tool(hub)
    hub.status = 503
    with caplog.at_level("WARNING", "animeds"):
        assert wd().revision == COMMIT
    assert "cannot be reached; using wd-swinv2-v3 from its cache" in caplog.text


def test_a_repository_that_wants_a_token_gets_it_or_says_how(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_secret"
    error = refused("wd-swinv2-tagger-v3 does not exist, or you have no access")
    assert "HF_TOKEN" in (error.hint or "")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert wd().revision == COMMIT


def test_a_gated_repository_says_that_a_licence_waits(hub: Hub) -> None:
    hub.gated = True
    assert "hf auth login" in (refused("accept its licence first, at http").hint or "")


def test_a_missing_file_or_repository_is_named(hub: Hub) -> None:
    del hub.files[WD, "selected_tags.csv"]
    refused(r"has no file selected_tags\.csv \(404\)")
    del hub.files[WD, "model.onnx"]
    refused("wd-swinv2-tagger-v3 does not exist, or you have no access")


def test_a_slow_hub_is_not_waited_for_forever(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.2")
    hub.delay_s = 1.0
    refused("is too slow")


def test_a_login_page_instead_of_a_hub_is_recognised(hub: Hub) -> None:
    hub.page = b"<!DOCTYPE html><html>Welcome to Hotel WiFi</html>"
    refused("answers, but it is not a model hub")


def test_a_web_page_served_as_the_model_is_refused_and_forgotten(hub: Hub) -> None:
    good = hub.files[WD, "model.onnx"]
    hub.files[WD, "model.onnx"] = b"<!DOCTYPE html><html>" + b"quota exceeded " * 100
    with pytest.raises(ModelError, match=r"model\.onnx is a web page, not a model"):
        wd()
    hub.files[WD, "model.onnx"] = good
    assert wd().sha256 == hashlib.sha256(good).hexdigest()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named_with_the_folder_and_the_way_out() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError) as caught:
        full.write(b"x")
    assert caught.value.errno == errno.ENOSPC
    entry = load_manifest().entry("wd-swinv2-v3")
    with (
        pytest.raises(ModelError, match=r"wd-swinv2-v3 \(467 MB\): the disk of .* is full") as told,
        puller._plain_errors(entry, "model.onnx"),
    ):
        raise caught.value
    assert "HF_HOME" in (told.value.hint or "")


def test_a_cache_that_cannot_be_written_is_named(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match=r"wd-swinv2-v3 .*: cannot write selected_tags\.csv into .*file"):
        wd()


def test_two_at_once_pull_a_model_once(hub: Hub) -> None:
    found: list[Files] = []
    threads = [threading.Thread(target=lambda: found.append(wd())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert hub.get("cdn/SmilingWolf/wd-swinv2-tagger-v3:model.onnx") == 1


def test_two_processes_pull_a_model_once_by_the_environment_alone(hub: Hub) -> None:
    script = (
        "from animeds_db.models.catalogue import pull_models as p; print(p(['wd-swinv2-v3'])[0]['sha256'])"
    )
    run = [sys.executable, "-c", script]
    processes = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert sums == {hashlib.sha256(hub.files[WD, "model.onnx"]).hexdigest()}
    assert hub.get("cdn/SmilingWolf/wd-swinv2-tagger-v3:model.onnx") == 1


def test_a_pull_that_is_killed_leaves_nothing_that_is_used(hub: Hub) -> None:
    hub.delay_s = 0.3
    script = "from animeds_db.models.catalogue import pull_models as p; p(['wd-swinv2-v3'])"
    process = subprocess.Popen([sys.executable, "-c", script])
    while not any(method == "GET" for method, _, _ in list(hub.requests)):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert locate(load_manifest().entry("wd-swinv2-v3")) is None
    hub.delay_s = 0.0
    assert wd().revision == COMMIT


def test_a_file_shared_by_repositories_stays_for_the_others_unless_it_is_damaged(tmp_path: Path) -> None:
    store, blob, name = (
        tmp_path / "store" / ("c" * 64),
        tmp_path / "blobs" / ("b" * 64),
        tmp_path / "snap" / "m",
    )
    for path in (store, blob, name):
        path.parent.mkdir()

    def link() -> None:
        store.write_bytes(b"weights")
        blob.symlink_to(store)
        name.symlink_to(Path("..") / "blobs" / blob.name)

    link()
    assert puller._stated_sha256(name) == "b" * 64  # the store's own names are other hashes
    assert puller.forget(name) == 0
    assert store.exists() and not blob.is_symlink() and not name.is_symlink()
    link()
    assert puller.forget(name, damaged=True) == len(b"weights")
    assert not store.exists()

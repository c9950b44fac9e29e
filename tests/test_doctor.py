"""`animeds doctor` reports models, network and disk."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, running
from model_places import only_here

from animeds_db.cli import doctor


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only_here(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running(Hub()) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def after(heading: str) -> list[str]:
    """Return the lines of one section of the report."""
    lines = doctor.report(None)
    rest = lines[lines.index(heading) + 1 :]
    return list(itertools.takewhile(lambda line: line.startswith(" "), rest))


def test_it_lists_models_that_are_ready_and_counts_the_others(hub: Hub) -> None:
    ready, others, *_ = after("models")
    assert ready.startswith("  ready to use: ") and "tiny-tagger" in ready and "wd-swinv2-v3" not in ready
    assert others.startswith("  not downloaded: ")


def test_it_says_that_the_hub_can_be_reached(hub: Hub) -> None:
    assert after("network") == [f"  {hub.address} can be reached"]


def test_it_says_why_the_hub_cannot_be_reached_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    (line,) = after("network")
    assert "http://127.0.0.1:9 cannot be reached (" in line and "HF_ENDPOINT" in line and "tiny" in line


def test_it_does_not_ask_a_hub_that_is_switched_off(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert after("network") == [f"  {hub.address} is not used: HF_HUB_OFFLINE is set"]


def test_it_shows_the_free_space_of_database_and_models(hub: Hub, tmp_path: Path) -> None:
    database, models = after("disk")
    assert database.startswith(f"  database {tmp_path / 'anime.animeds'}: ") and database.endswith(" GB free")
    assert models.startswith("  models ") and models.endswith(" GB free")


def test_it_does_not_measure_object_storage(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIMEDS_DB", "s3://bucket/show.animeds")
    assert after("disk")[0] == "  database s3://bucket/show.animeds: object storage, not checked"

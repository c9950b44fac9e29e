"""A video analysed stretch by stretch, in any order and by anybody, has the rows of one that was done in one go."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import pytest
import videos
from ingesting import everything, run

from animeds_db.errors import SourceError
from animeds_db.models import Models, load_profile
from animeds_db.store import Store
from animeds_ingest import pipeline
from animeds_ingest.engines import stretches
from animeds_ingest.engines.stretches import Numbering, finish, ingest_stretch, number
from animeds_ingest.one_source import prepare
from animeds_ingest.outcomes import Outcome
from animeds_ingest.request import Request
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover


@cache
def tiny() -> Models:
    return load_profile("tiny", device="cpu")


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A chunk of one batch, so that a short clip has several."""
    monkeypatch.setattr(pipeline, "CHUNK", pipeline.BATCH)
    monkeypatch.setattr(stretches, "CHUNK", pipeline.BATCH)
    yield


def a_store(folder: Path, name: str) -> Store:
    models = tiny()
    assert models.image and models.character
    return Store.create(str(folder / f"{name}.animeds"), models.image.width, models.character.width)


class Film:
    """A clip that is ingested in stretches, by hand."""

    def __init__(self, store: Store, clip: Path, how: str) -> None:
        self.store, self.spec = store, discover([clip])[0]
        self.analyser = prepare(store, tiny())
        self.number = partial(number, store, self.spec, Request(Sampling.parse(how), lambda: self.analyser))

    def do(self, numbering: Numbering, *which: int) -> list[SourceError]:
        ids = [numbering.row["source_id"], *[numbering.stretches[i] for i in which]]
        errors = [
            ingest_stretch(self.store, self.spec, ids[0], stretch, self.analyser, lambda _n, _s: None)
            for stretch in ids[1:]
        ]
        return [error for error in errors if error]

    def finish(self, numbering: Numbering, errors: list[SourceError]) -> Outcome:
        return finish(self.store, self.spec, numbering, errors, 1.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred and ten frames, a key frame in every five."""
    pictures = list(videos.moving_pictures(110, 96, 64))
    return videos.write_video(tmp_path_factory.mktemp("clip") / "Show - 01.mkv", pictures=pictures, gop=5)


@pytest.mark.parametrize("how", ["all", "every=0.1s", "keyframes"])
def test_stretches_done_in_any_order_and_twice_give_the_rows_of_one_go(
    clip: Path, tmp_path: Path, how: str
) -> None:
    local = a_store(tmp_path, "local")
    expected = run(local, clip, how=how, models=tiny()).outcomes[0]
    film = Film(a_store(tmp_path, "stretches"), clip, how)
    numbering = film.number()
    assert isinstance(numbering, Numbering) and len(numbering.stretches) > 1
    order = list(range(len(numbering.stretches)))[::-1]
    assert film.do(numbering, *order, *order[:2]) == []
    done = film.finish(numbering, [])
    assert (done.state, done.frames, done.notes) == (expected.state, expected.frames, expected.notes)
    assert everything(film.store) == everything(local)
    again = film.number()
    assert isinstance(again, Outcome) and (again.state, again.frames) == ("skipped", expected.frames)


def test_what_was_committed_before_is_not_given_out_again(clip: Path, tmp_path: Path) -> None:
    film = Film(a_store(tmp_path, "film"), clip, "all")
    first = film.number()
    assert isinstance(first, Numbering)
    film.do(first, 1, 3)  # and then everything ends
    assert film.store.table("sources").to_table()["state"].to_pylist() == ["running"]
    second = film.number()
    assert isinstance(second, Numbering) and second.state == "resumed"
    assert sum(map(len, second.stretches)) == 110 - 2 * pipeline.BATCH
    film.do(second, *range(len(second.stretches)))
    assert film.finish(second, []).frames == 110
    local = a_store(tmp_path, "local")
    run(local, clip, how="all", models=tiny())
    assert everything(film.store) == everything(local)


def test_a_file_that_changes_between_numbering_and_stretch_fails_and_stays_hidden(
    clip: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "Show - 02.mkv"
    copy.write_bytes(clip.read_bytes())
    film = Film(a_store(tmp_path, "film"), copy, "all")
    numbering = film.number()
    assert isinstance(numbering, Numbering)
    videos.write_video(copy, pictures=list(videos.moving_pictures(110, 96, 64))[::-1], gop=5)
    errors = film.do(numbering, 0)
    assert "is no longer the one that was stored" in str(errors[0])
    assert film.finish(numbering, errors).state == "failed"
    row = film.store.table("sources").to_table().to_pylist()[0]
    assert row["state"] == "failed" and row["error"] == errors[0].headline


def test_a_video_that_cannot_be_read_is_an_outcome(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mkv"
    bad.write_text("no video at all")
    outcome = Film(a_store(tmp_path, "film"), bad, "all").number()
    assert isinstance(outcome, Outcome) and outcome.state == "failed" and "is text" in str(outcome.error)

"""Whatever the command line does, a notebook does in one call."""

from __future__ import annotations

from pathlib import Path

import pytest
from videos import write_video

import animeds_db
import animeds_ingest
from animeds_db.errors import ModelError, SourceError, UsageError


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "Show - S01E02.mkv"
    write_video(path)
    return path


def test_a_database_is_created_and_filled_in_two_calls(tmp_path: Path, clip: Path) -> None:
    with animeds_db.create(tmp_path / "show.animeds", profile="tiny") as ds:
        report = ds.ingest(clip, sample="every=1s", profile="tiny")
        assert [outcome.state for outcome in report.outcomes] == ["new"]
        assert ds.sql("SELECT count(*) FROM frames WHERE tags IS NOT NULL").fetchall()[0][0] > 0


def test_what_is_not_given_is_as_at_the_last_ingest(tmp_path: Path, clip: Path) -> None:
    with animeds_db.create(tmp_path / "show.animeds") as ds:
        ds.ingest([clip], sample="every=1s", profile="none")
        again = ds.ingest([clip])
        assert [outcome.state for outcome in again.outcomes] == ["skipped"]


def test_models_run_over_frames_that_are_in_and_are_dropped_again(tmp_path: Path, clip: Path) -> None:
    with animeds_db.create(tmp_path / "show.animeds", profile="tiny") as ds:
        ds.ingest(clip, profile="none", sample="every=1s")
        frames = ds.sql("SELECT count(*) FROM frames").fetchall()[0][0]
        assert sum(outcome.frames for outcome in ds.tag("tiny-tagger", use=True).outcomes) == frames
        assert sum(outcome.frames for outcome in ds.detect("tiny-face", where="ordinal = 0").outcomes) == 1
        assert sum(outcome.frames for outcome in ds.embed("tiny-image").outcomes) == frames
        assert sum(outcome.frames for outcome in ds.segment("tiny-mask").outcomes) == frames
        assert ds.drop_model("tiny-tagger") == frames
        with pytest.raises(ModelError):
            ds.drop_model("tiny-tagger")


def test_wrong_arguments_name_the_way_out(tmp_path: Path) -> None:
    with animeds_db.create(tmp_path / "show.animeds") as ds:
        with pytest.raises(UsageError, match="tager"):
            ds.ingest(tmp_path, models={"tager": "tiny-tagger"})
        with pytest.raises(SourceError):
            ds.ingest(tmp_path / "nothing.mkv", profile="none")


def test_the_public_names_are_shown() -> None:
    assert dir(animeds_db) == sorted(animeds_db.__all__)
    assert dir(animeds_ingest) == [
        "classify_frames",
        "describe",
        "detect",
        "drop_model",
        "embed",
        "ingest",
        "mask_logos",
        "read_text",
        "segment",
        "shots",
        "tag",
    ]
    assert all(callable(getattr(animeds_ingest, name)) for name in dir(animeds_ingest))

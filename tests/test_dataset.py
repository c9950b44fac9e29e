"""What a notebook does: SQL, polars, pictures, thumbnails, search; all from one object."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import videos
from framestore import dataset_of, frame_rows, unit
from ingesting import WITHOUT_MODELS, run

import animeds_db
from animeds_db.dataset.dataset import open_or_create
from animeds_db.errors import AnimedsError, QueryError, StoreError, UsageError
from animeds_db.media import Video


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebook")
    with open_or_create(str(folder / "clips.animeds"), WITHOUT_MODELS) as dataset:
        report = run(dataset.store, videos.shared_clip("h264 open"), videos.shared_clip("vp9"))
    assert not report.failed
    return folder / "clips.animeds"


def test_names_of_the_package_are_those_it_promises() -> None:
    assert sorted(animeds_db.__all__) == [
        "AnimedsError",
        "Dataset",
        "RemoteDataset",
        "__version__",
        "connect",
        "create",
        "make",
        "open",
    ]
    assert all(hasattr(animeds_db, name) for name in animeds_db.__all__)


def test_sql_goes_to_polars_and_frames_is_lazy(path: Path) -> None:
    with animeds_db.open(path) as dataset:
        n = dataset.sql("SELECT count(*) AS n FROM frames").pl()["n"][0]
        lazy = dataset.frames()
        assert isinstance(lazy, pl.LazyFrame)
        assert lazy.filter(pl.col("is_keyframe")).select(pl.len()).collect().item() == n > 2


def test_an_image_is_that_very_frame(path: Path) -> None:
    with animeds_db.open(path) as dataset:
        frame_id, pts = dataset.sql(
            "SELECT frame_id, pts FROM frames f JOIN sources s USING (source_id) WHERE s.uri LIKE '%h264%'"
            " ORDER BY frame_id DESC LIMIT 1"
        ).fetchall()[0]
        image = dataset.image(frame_id)
    with Video(videos.shared_clip("h264 open")) as video:
        wanted = next(frame for frame in video.frames() if frame.pts == pts).pixels()
    assert np.array_equal(np.asarray(image), wanted)


def test_images_of_several_sources_come_in_the_order_of_decoding(path: Path) -> None:
    with animeds_db.open(path) as dataset:
        ids = [row[0] for row in dataset.sql("SELECT frame_id FROM frames ORDER BY frame_id DESC").fetchall()]
        got = [frame_id for frame_id, _ in dataset.images(ids)]
    assert got == sorted(ids)


def test_an_unknown_frame_is_named(path: Path) -> None:
    with animeds_db.open(path) as dataset:
        for call in (dataset.image, dataset.thumbnail):
            with pytest.raises(QueryError, match="There is no frame nope"):
                call("nope")


def test_a_gallery_shows_thumbnails_and_says_how_many_there_are(path: Path) -> None:
    with animeds_db.open(path) as dataset:
        gallery = dataset.gallery("SELECT frame_id FROM frames", limit=2)
        html = gallery._repr_html_()
        assert len(gallery) == 2
        assert html.count("<img") == 2
        assert f"2 of {gallery.total}" in html
        with pytest.raises(QueryError, match="no column frame_id"):
            dataset.gallery("SELECT 1 AS one")


def test_a_dataset_gives_its_lancedb_connection(path: Path) -> None:
    with animeds_db.open(path) as ds:
        connection = ds.lancedb()
        n = ds.sql("SELECT count(*) FROM frames").fetchall()[0][0]
        assert {"frames", "sources"} <= set(connection.list_tables().tables)
        assert connection.open_table("frames").count_rows() == n > 0


def test_the_database_is_a_lancedb_database(path: Path) -> None:
    import lancedb

    table = lancedb.connect(str(path)).open_table("frames")
    with animeds_db.open(path) as dataset:
        assert table.count_rows() == dataset.sql("SELECT count(*) FROM frames").fetchall()[0][0]


def test_two_readers_and_a_writer_see_whole_sources_only(path: Path, tmp_path: Path) -> None:
    with (
        open_or_create(str(tmp_path / "x.animeds"), WITHOUT_MODELS) as writer,
        animeds_db.open(tmp_path / "x.animeds") as reader,
    ):
        assert reader.sql("SELECT count(*) FROM frames").fetchall() == [(0,)]
        run(writer.store, videos.shared_clip("vp9"))
        assert reader.sql("SELECT count(*) FROM frames").fetchall()[0][0] > 0


def drawn(tmp_path: Path, n: int = 5) -> animeds_db.Dataset:
    vectors = unit(np.random.default_rng(0).normal(size=(n, 16)))
    return dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", vectors, n)})


def test_a_frame_is_most_like_itself(tmp_path: Path) -> None:
    dataset = drawn(tmp_path)
    best = dataset.search(frame_id="aaaaaaaa-000002000", k=3).fetchall()
    assert best[0][0] == "aaaaaaaa-000002000"
    assert len(best) == 3
    assert [row[6] for row in best] == sorted((row[6] for row in best), reverse=True)
    others = dataset.sql("SELECT frame_id FROM similar_to('aaaaaaaa-000002000')").fetchall()
    assert [row[0] for row in others][:2] == [row[0] for row in best[1:]]


def test_a_search_can_be_restricted_by_sql(tmp_path: Path) -> None:
    found = drawn(tmp_path).search(frame_id="aaaaaaaa-000002000", where="time_s > 2.5").fetchall()
    assert {row[0] for row in found} == {"aaaaaaaa-000003000", "aaaaaaaa-000004000"}


@pytest.mark.parametrize("ways", [{}, {"text": "a", "frame_id": "b"}])
def test_a_search_has_exactly_one_thing_to_look_for(tmp_path: Path, ways: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="Search by exactly one of"):
        drawn(tmp_path).search(**ways)  # type: ignore[arg-type]


def test_vectors_of_an_unknown_model_cannot_be_searched_by_text(tmp_path: Path) -> None:
    with pytest.raises(AnimedsError, match="drawn"):
        drawn(tmp_path).search("red hair")


def test_a_search_without_vectors_says_how_to_get_them(path: Path) -> None:
    with animeds_db.open(path) as dataset, pytest.raises(StoreError, match="No frame here has a vector"):
        dataset.search("red hair")


def test_a_search_over_vectors_of_two_models_is_refused(tmp_path: Path) -> None:
    rows = frame_rows("aaaaaaaa", unit(np.random.default_rng(0).normal(size=(2, 16))), 2)
    rows[1]["embedder"] = "other@2"
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    with pytest.raises(StoreError, match="several models, which cannot be compared: drawn@1, other@2"):
        dataset.search("red hair")

"""Near-duplicates: the whole database at once, groups that do not chain, the better frame stays."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from cli_run import Runner
from framestore import dataset_of, frame_rows, unit
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.steps.dedup.find import DedupOptions
from animeds_db.steps.dedup.grouping import leaders

ONLY_VECTORS = DedupOptions(phash_distance=None)


def distinct(n: int, seed: int = 0, width: int = 16) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(n, width)))


def groups(dataset: Dataset) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for frame, group in dataset.sql("SELECT frame_id, group_id FROM duplicates").fetchall():
        found.setdefault(group, set()).add(frame)
    return found


def test_copies_across_episodes_are_one_group_and_the_sharper_stays(tmp_path: Path) -> None:
    x = distinct(6)
    again = unit(x + 0.001)
    dataset = dataset_of(
        tmp_path,
        {
            "aaaaaaaa": frame_rows("aaaaaaaa", x, 6),
            "bbbbbbbb": frame_rows("bbbbbbbb", again, 6, sharpness=[200.0] * 6),
        },
    )
    found = dataset.dedup(ONLY_VECTORS)
    assert (found.groups, found.copies) == (6, 6)
    assert all(keeper.startswith("bbbbbbbb") for keeper in groups(dataset))
    kept = dataset.sql("SELECT frame_id FROM kept").fetchall()
    assert sorted(row[0][:8] for row in kept) == ["bbbbbbbb"] * 6
    assert dataset.sql("SELECT count(*) FROM frames").fetchall() == [(12,)]


def test_a_slow_pan_does_not_chain_into_one_group(tmp_path: Path) -> None:
    angle = np.arange(60) * 0.05
    x = np.zeros((60, 16))
    x[:, 0], x[:, 1] = np.cos(angle), np.sin(angle)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, 60)})
    dataset.dedup(ONLY_VECTORS)
    found = groups(dataset)
    assert len(found) > 5
    similarities = dataset.sql("SELECT similarity FROM duplicates").fetchall()
    assert all(row[0] >= 0.985 - 1e-6 for row in similarities)


@pytest.fixture(scope="module")
def workbench() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@settings(max_examples=60, deadline=None)
@given(
    edges=st.sets(
        st.tuples(st.integers(1, 14), st.integers(1, 14)).filter(lambda e: e[0] < e[1]), max_size=40
    )
)
def test_leaders_are_those_of_going_through_the_frames_from_the_best_on(
    workbench: duckdb.DuckDBPyConnection, edges: set[tuple[int, int]]
) -> None:
    better, worse = (np.array([e[i] for e in sorted(edges)], np.int64) for i in (0, 1))
    table = leaders(workbench, better, worse)
    expected: dict[int, int] = {}
    for rank in sorted({r for e in edges for r in e}):
        led_by = [k for k in range(1, rank) if (k, rank) in edges and expected.get(k) == k]
        expected[rank] = min(led_by, default=rank)
    assert dict(zip(table["rank"].to_pylist(), table["leader"].to_pylist(), strict=True)) == expected


def test_an_opening_that_episodes_share_is_found_and_named(tmp_path: Path) -> None:
    opening = distinct(7, seed=9)
    sources = {}
    for n, source in enumerate(("aaaaaaaa", "bbbbbbbb", "cccccccc")):
        body = distinct(30, seed=n)
        x = (
            np.concatenate([body[:3], unit(opening + n * 0.001), body[3:]])
            if n
            else np.concatenate([opening, body])
        )
        sources[source] = frame_rows(source, x, 37)
    dataset = dataset_of(tmp_path, sources)
    dataset.dedup(ONLY_VECTORS)
    rows = dataset.sql(
        "SELECT source_id, kind, first_shot, last_shot, len(shared_with) FROM segments ORDER BY 1"
    ).fetchall()
    assert rows == [
        ("aaaaaaaa", "opening", 0, 6, 2),
        ("bbbbbbbb", "opening", 3, 9, 2),
        ("cccccccc", "opening", 3, 9, 2),
    ]


def test_frames_with_like_hashes_but_unlike_vectors_stay_apart(tmp_path: Path) -> None:
    x = distinct(3)
    rows = frame_rows("aaaaaaaa", x, 3, phash=[5, 5, 99])
    assert dataset_of(tmp_path, {"aaaaaaaa": rows}).dedup().copies == 0


def test_frames_without_vectors_are_compared_by_hash(tmp_path: Path) -> None:
    far = 0x7777_0000_3333_1111
    rows = frame_rows("aaaaaaaa", None, 4, phash=[0b1000, 0b1011, far, -1])
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    found = dataset.dedup()
    assert (found.copies, found.without_vector) == (1, 4)
    assert {r[0] for r in dataset.sql("SELECT reason FROM duplicates").fetchall()} == {"keeper", "phash"}


def test_a_still_of_many_frames_gives_one_group(tmp_path: Path) -> None:
    x = np.repeat(distinct(1), 300, axis=0)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, 300, phash=[7] * 300)})
    assert dataset.dedup().copies == 299


def test_the_same_parameters_give_the_same_rows_and_others_change_only_duplicates(tmp_path: Path) -> None:
    x = unit(np.repeat(distinct(5), 4, axis=0) + np.random.default_rng(1).normal(size=(20, 16)) * 0.03)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, 20)})
    frames = dataset.store.version("frames")

    def rows() -> list[object]:
        found: list[object] = dataset.store.table("duplicates").to_table().to_pylist()
        return found

    dataset.dedup(ONLY_VECTORS)
    first = rows()
    dataset.dedup(ONLY_VECTORS)
    assert rows() == first
    dataset.dedup(DedupOptions(threshold=0.9, phash_distance=None))
    assert len(rows()) > len(first)
    assert dataset.store.version("frames") == frames


def test_a_ranking_of_ones_own_decides_who_stays(tmp_path: Path) -> None:
    x = np.repeat(distinct(1), 3, axis=0)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, 3)})
    rank = tmp_path / "last.sql"
    rank.write_text("SELECT frame_id, row_number() OVER (ORDER BY time_s DESC) AS rank FROM frames")
    dataset.dedup(ONLY_VECTORS, rank=rank)
    assert set(groups(dataset)) == {"aaaaaaaa-000002000"}


def test_ranks_may_leave_numbers_out_and_start_anywhere(tmp_path: Path) -> None:
    x = np.repeat(distinct(2), 3, axis=0)
    rows = frame_rows("aaaaaaaa", x, 6, phash=[1, 1, 1, 900, 900, 900])
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    rank = tmp_path / "far.sql"
    rank.write_text("SELECT frame_id, 5000.5 - 10 * time_s AS rank FROM frames")
    dataset.dedup(rank=rank)
    assert set(groups(dataset)) == {"aaaaaaaa-000002000", "aaaaaaaa-000005000"}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT frame_id FROM frames", "Missing: rank"),
        ("SELECT frame_id, 'x' || time_s AS rank FROM frames", "must contain numbers, not string"),
        ("SELECT frame_id, CASE WHEN time_s > 0 THEN 1 END AS rank FROM frames", "has no rank"),
        ("SELECT frame_id, 1 AS rank FROM frames", "same rank"),
        ("SELECT frame_id, 1 AS rank FROM frames LIMIT 1", "has no rank"),
        ("SELECT nothing", "nothing"),
    ],
)
def test_a_bad_ranking_is_refused_with_its_file(tmp_path: Path, sql: str, message: str) -> None:
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", distinct(3), 3)})
    rank = tmp_path / "bad.sql"
    rank.write_text(sql)
    with pytest.raises(QueryError, match=message) as caught:
        dataset.dedup(ONLY_VECTORS, rank=rank)
    assert "bad.sql" in str(caught.value)
    with pytest.raises(UsageError, match=r"nowhere\.sql cannot be read"):
        dataset.dedup(ONLY_VECTORS, rank=tmp_path / "nowhere.sql")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.1}, "threshold is 1.1"),
        ({"threshold": -0.1}, "threshold is -0.1"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"phash_cosine": 1.5}, "phash-cosine is 1.5"),
        ({"phash_distance": 9}, "phash-distance is 9"),
        ({"agree_bits": 65}, "agree-bits is 65"),
        ({"segment_s": float("nan")}, "segment_s is nan"),
        ({"memory_mb": 0.0}, "too small for one block"),
        ({"memory_mb": float("nan")}, "too small for one block"),
    ],
)
def test_parameters_out_of_range_are_refused(tmp_path: Path, options: dict[str, float], message: str) -> None:
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", distinct(3), 3)})
    for ask in (dataset.dedup, lambda chosen: dataset.preview_dedup(chosen, tmp_path / "page.html")):
        with pytest.raises(UsageError, match=message):
            ask(DedupOptions(**options))  # type: ignore[arg-type]
    assert not (tmp_path / "page.html").exists()


def test_vectors_of_two_models_are_refused_by_name(tmp_path: Path) -> None:
    rows = frame_rows("aaaaaaaa", distinct(2), 2)
    rows[1]["embedder"] = "other@2"
    with pytest.raises(StoreError, match=r"drawn@1, other@2"):
        dataset_of(tmp_path, {"aaaaaaaa": rows}).dedup()


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_compare_is_no_error(tmp_path: Path, n: int) -> None:
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", distinct(1), n)})
    assert dataset.dedup().copies == 0


def test_zero_vectors_match_nothing(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", np.zeros((3, 16)), 3)})
    assert dataset.dedup(ONLY_VECTORS).copies == 0


def test_each_gate_says_which_frame_it_stops(tmp_path: Path) -> None:
    rows = frame_rows("aaaaaaaa", None, 9)
    changes: list[dict[str, object]] = [
        {},
        {"is_blank": True},
        {"height": 480},
        {"brightness": 0.01},
        {"brightness": 0.99},
        {"sharpness": 1.0},
        {"text_lower": 0.2},
        {"border_top": 0.12},
        {"sharpness": None},
    ]
    for row, change in zip(rows, changes, strict=True):
        row |= change
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    gates = [r[0] for r in dataset.sql("SELECT gate FROM gates() ORDER BY frame_id").fetchall()]
    assert gates == ["passed", "blank", "small", "dark", "bright", "blurred", "text", "border", "unmeasured"]
    assert dataset.sql("SELECT frame_id FROM good").fetchall() == [("aaaaaaaa-000000000",)]
    loose = dataset.sql("SELECT count(*) FROM gates(min_height := 480) WHERE gate = 'passed'").fetchall()
    assert loose == [(2,)]


def test_the_preview_counts_what_each_threshold_would_do_and_writes_only_its_page(tmp_path: Path) -> None:
    x = unit(np.repeat(distinct(5), 4, axis=0) + np.random.default_rng(1).normal(size=(20, 16)) * 0.03)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, 20)})
    page = tmp_path / "preview.html"
    rows = [r for r in dataset.preview_dedup(DedupOptions(), page) if r["dial"] == "threshold"]
    stay = [row["stay"] for row in rows]
    assert stay == sorted(stay)
    assert dataset.sql("SELECT count(*) FROM duplicates").fetchall() == [(0,)]
    at = next(row for row in rows if row["threshold"] == 0.985)
    assert at["stay"] == 20 - dataset.dedup(ONLY_VECTORS).copies
    assert "0.985" in page.read_text("utf-8")


def test_the_preview_counts_what_each_number_of_bits_would_do(tmp_path: Path) -> None:
    x = np.repeat(distinct(1), 6, axis=0)
    hashes = [0, 0b1111, (1 << 10) - 1, (1 << 30) - 1, (1 << 40) - 1, (1 << 63) - 1]
    dataset = dataset_of(
        tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, 6, phash=hashes, shot=[0, 1, 2, 3, 3, 4])}
    )
    page = tmp_path / "preview.html"
    rows = {r["agree_bits"]: r for r in dataset.preview_dedup(None, page) if r["dial"] == "agree_bits"}
    assert [rows[bits]["in_shots"] for bits in (8, 12, None)] == [1, 1, 1]
    assert rows[None]["across"] == 14
    for bits, row in rows.items():
        assert row["stay"] == 6 - dataset.dedup(DedupOptions(agree_bits=bits)).copies
        assert row["across"] + row["in_shots"] == dataset.dedup(DedupOptions(agree_bits=bits)).pairs
    text = page.read_text("utf-8")
    assert "6 bits: copy" in text and "10 bits: stays" in text


def test_the_preview_counts_by_the_ranking_that_dedup_would_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    angle = np.arange(3) * 0.1  # the middle one is like both, which are not alike themselves
    x = np.zeros((3, 16))
    x[:, 0], x[:, 1] = np.cos(angle), np.sin(angle)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, 3)})
    rank, page = tmp_path / "middle.sql", tmp_path / "borders.html"
    rank.write_text("SELECT frame_id, row_number() OVER (ORDER BY time_s <> 1, time_s) AS rank FROM frames")
    run = Runner(capsys, monkeypatch)
    command = ("dedup", "--preview", str(page), "--threshold", "0.99", "--format", "csv", "--db", dataset.uri)
    stays = []
    for ranking in ((), ("--rank", str(rank))):
        done = run(*command, *ranking)
        assert done.code == 0, done.err
        rows = csv.DictReader(io.StringIO(done.out))
        stays.append(next(r["stay"] for r in rows if (r["dial"], r["threshold"]) == ("threshold", "0.99")))
    assert stays == ["2", "1"]
    rank.write_text("SELECT frame_id FROM frames")
    assert "middle.sql" in run(*command, "--rank", str(rank)).err


def test_the_borderline_pairs_are_also_a_picture(tmp_path: Path) -> None:
    x = unit(np.repeat(distinct(5), 4, axis=0) + np.random.default_rng(1).normal(size=(20, 16)) * 0.03)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, 20)})
    dataset.preview_dedup(None, tmp_path / "pairs.png")
    with Image.open(tmp_path / "pairs.png") as sheet:
        assert sheet.format == "PNG" and sheet.width > 500
    for place in (tmp_path / "pairs.txt", tmp_path / "nowhere" / "pairs.html"):
        with pytest.raises(UsageError, match="pairs"):
            dataset.preview_dedup(None, place)


FAR_APART = [0, 0b11_1111, (1 << 40) - 1]
"""Perceptual hashes: the second differs from the first in 6 bits, the third in 40."""


def test_across_shots_frames_alike_by_vector_whose_hashes_are_far_apart_stay_apart(tmp_path: Path) -> None:
    x = np.repeat(distinct(1), 3, axis=0)
    rows = frame_rows("aaaaaaaa", x, 3, phash=FAR_APART)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    assert dataset.dedup().copies == 1
    assert dataset.dedup(DedupOptions(agree_bits=None)).copies == 2


def test_within_a_shot_the_vectors_decide_whatever_the_hashes_say(tmp_path: Path) -> None:
    x = np.concatenate([np.repeat(distinct(1), 3, axis=0), distinct(1, seed=5)])
    rows = frame_rows("aaaaaaaa", x, 4, phash=[*FAR_APART, 0b11_1111], shot=[7, 7, 7, 7])
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    assert dataset.dedup().copies == 2  # the fourth has another vector, and stays with an equal hash
    assert dataset.sql("SELECT count(*) FROM duplicates WHERE reason = 'phash'").fetchall() == [(0,)]


def test_shots_of_two_episodes_with_the_same_number_are_two_shots(tmp_path: Path) -> None:
    x = distinct(1)
    dataset = dataset_of(
        tmp_path,
        {
            "aaaaaaaa": frame_rows("aaaaaaaa", x, 1, phash=[0], shot=[3]),
            "bbbbbbbb": frame_rows("bbbbbbbb", x, 1, phash=[(1 << 40) - 1], shot=[3]),
        },
    )
    assert dataset.dedup().copies == 0


def test_a_held_pose_that_another_episode_shows_again_is_kept_once(tmp_path: Path) -> None:
    x = np.repeat(distinct(1), 3, axis=0)
    pan = [0, (1 << 20) - 1, (1 << 40) - 1]
    again = [bits ^ 0b111 for bits in pan]
    dataset = dataset_of(
        tmp_path,
        {
            "aaaaaaaa": frame_rows("aaaaaaaa", x, 3, phash=pan, shot=[4, 4, 4]),
            "bbbbbbbb": frame_rows("bbbbbbbb", x, 3, phash=again, shot=[9, 9, 9]),
            "cccccccc": frame_rows("cccccccc", x, 1, phash=[pan[2] ^ (0b11111 << 50)], shot=[1]),
            "dddddddd": frame_rows("dddddddd", x, 1, phash=[0x5555_5555_5555_5555], shot=[1]),
        },
    )
    assert dataset.dedup().copies == 6  # of a, b and c; no hash agrees with that of d
    assert dataset.sql("SELECT DISTINCT source_id FROM kept ORDER BY 1").fetchall()[-1] == ("dddddddd",)


def test_pictures_have_no_shots_so_their_hashes_must_agree(tmp_path: Path) -> None:
    x = np.repeat(distinct(1), 3, axis=0)
    rows = frame_rows("aaaaaaaa", x, 3, phash=FAR_APART, shot=[0, 0, 0], time_s=[None, None, None])
    assert dataset_of(tmp_path, {"aaaaaaaa": rows}).dedup().copies == 1


def test_a_blank_frame_is_no_copy_of_one_that_shows_something_in_its_shot(tmp_path: Path) -> None:
    x = np.repeat(distinct(1), 3, axis=0)
    rows = frame_rows("aaaaaaaa", x, 3, phash=[1, 1, 1], shot=[0, 0, 0], is_blank=[True, False, True])
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    assert dataset.dedup().copies == 1
    assert dataset.sql("SELECT count(*) FROM kept WHERE is_blank").fetchall() == [(1,)]


def test_the_threshold_is_that_of_the_vectors_model_where_its_manifest_has_one(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", distinct(3), 3)})
    assert dataset.dedup().threshold == 0.985
    model = {
        "model_id": "drawn@1",
        "name": "drawn",
        "task": "image",
        "thresholds": '{"near_duplicate": 0.97}',
    }
    dataset.store.upsert("models", pa.Table.from_pylist([model], schema.MODELS.schema))
    assert dataset.dedup().threshold == 0.97
    assert dataset.dedup(DedupOptions(threshold=0.9)).threshold == 0.9


def test_a_vector_of_nan_is_no_vector_and_is_told(tmp_path: Path) -> None:
    x = np.repeat(distinct(1), 4, axis=0)
    rows = frame_rows("aaaaaaaa", x, 4)
    rows[1]["embedding"] = [float("nan")] * 16
    rows[2] |= {"embedding": None, "embedder": None}
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    found = dataset.dedup(ONLY_VECTORS)
    assert (found.copies, found.without_vector) == (1, 2)


def test_a_memory_limit_too_small_for_one_block_says_what_would_do(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", distinct(300), 300)})
    with pytest.raises(UsageError, match="too small for one block") as caught:
        dataset.dedup(DedupOptions(memory_mb=0.1))
    assert "allow at least" in str(caught.value.hint)


def test_crops_leave_out_borders_and_the_bands_with_text(tmp_path: Path) -> None:
    rows = frame_rows(
        "aaaaaaaa", None, 2, border_top=[0.125, 0.0], border_bottom=[0.125, 0.0], text_lower=[0.2, 0.0]
    )
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    crops = dataset.sql(
        "SELECT without_borders(border_left, border_top, border_right, border_bottom),"
        " without_text(border_left, border_top, border_right, border_bottom, text_upper, text_lower)"
        " FROM frames ORDER BY frame_id"
    ).fetchall()
    assert crops == [([0, 0.125, 1, 0.875], [0, 0.125, 1, 0.7]), ([0, 0, 1, 1], [0, 0, 1, 1])]

"""Searches read vectors from the tables' files. Their results are those of a comparison of all frames by SQL."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from framestore import dataset_of, frame_rows
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.steps.search import closest_frames
from animeds_db.steps.search import frames as search_frames
from animeds_db.steps.search.frames import search
from animeds_db.store import Store, vector_files
from animeds_db.store.vector_files import addresses, vector_parts
from animeds_db.upkeep import indexes
from animeds_db.upkeep.compaction import compact
from animeds_db.vectors.closest import closest

WIDTH = 64
CONDITIONS = (
    None,
    "episode = 1",
    "episode > 7",
    "shot % 3 = 1",
    "shot = 2",
    "has_tag(tag_ids, 'smile')",
    "time_s < (SELECT avg(time_s) FROM frames)",
    "show_name = 'Show' AND sharpness > 0",
)


@st.composite
def sources(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Return the vectors of one to four sources. Some are missing (NaN), equal, scaled, or of zeros only."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    drawn = {}
    for name in "abcd"[: draw(st.integers(1, 4))]:
        x = rng.standard_normal((draw(st.integers(1, 40)), WIDTH)).astype(np.float32)
        x[rng.random(len(x)) < 0.3] = x[0]
        x *= rng.uniform(0.1, 9, (len(x), 1)).astype(np.float32)
        if draw(st.booleans()):
            x[rng.random(len(x)) < 0.4] = np.nan
        if draw(st.integers(0, 4)) == 0:
            x[-1] = 0
        drawn[name * 8] = x
    return drawn


def by_sql(dataset: Dataset, vector: np.ndarray, k: int, where: str | None) -> list[tuple[str, float]]:
    """Return the k nearest frames by a comparison of all frames in SQL."""
    sql = (
        f"SELECT frame_id, array_cosine_similarity(embedding, $vector::FLOAT[{WIDTH}]) AS similarity FROM frames "
        f"WHERE embedding IS NOT NULL AND ({where or 'true'}) ORDER BY similarity DESC, frame_id LIMIT {k}"
    )
    return dataset.sql(sql, {"vector": vector.tolist()}).fetchall()


def found(
    dataset: Dataset, vector: np.ndarray, k: int, where: str | None, store: Store | None = None
) -> object:
    rows = search(dataset.session, vector, k=k, where=where, store=store)
    return rows.select("frame_id, similarity").fetchall()


def same(one: object, other: object) -> bool:
    return repr(one) == repr(other)  # a NaN is not equal to itself


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    vectors=sources(),
    hidden=st.booleans(),
    deleted=st.integers(1, 7),
    seed=st.integers(0, 99),
    k=st.sampled_from([1, 3, 20, 300]),
    few=st.sampled_from([2, 5000]),
)
def test_a_search_finds_what_sql_finds_with_and_without_an_index(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    vectors: dict[str, np.ndarray],
    hidden: bool,
    deleted: int,
    seed: int,
    k: int,
    few: int,
) -> None:
    """Vectors that are missing, equal or zero; hidden sources, deleted rows, conditions, and the past."""
    monkeypatch.setattr(indexes, "LEAST_ROWS", 1)
    monkeypatch.setattr(closest_frames, "FEW", few)
    rows = {
        name: frame_rows(name, x, len(x), sure_tags=[[1 + n % 2] for n in range(len(x))])
        for name, x in vectors.items()
    }
    dataset = dataset_of(tmp_path_factory.mktemp("closest"), rows, WIDTH)
    store = dataset.store
    store.ensure_tags([("red_hair", "general"), ("smile", "general")])
    if hidden and len(vectors) > 1:
        running = {"source_id": "bbbbbbbb", "state": "running", "show": "Show", "episode": 2}
        store.replace("sources", pa.Table.from_pylist([running], schema.SOURCES.schema))
    vector = np.random.default_rng(seed).standard_normal(WIDTH).astype(np.float32)
    before = store.history()
    answers = {where: by_sql(dataset, vector, k, where) for where in CONDITIONS}
    assert same({where: found(dataset, vector, k, where) for where in CONDITIONS}, answers)
    store.delete("frames", f"shot % {deleted} = 0")
    left = {where: by_sql(dataset, vector, k, where) for where in CONDITIONS}
    assert same({where: found(dataset, vector, k, where) for where in CONDITIONS}, left)
    compact(store, "frames")
    assert same({where: found(dataset, vector, k, where) for where in CONDITIONS}, left)
    if len(left[None]) and not any(np.isnan(similarity) for _, similarity in left[None]):
        indexes.tend(store, "frames")  # so few frames are all among the candidates
        assert same({where: found(dataset, vector, k, where, store) for where in CONDITIONS}, left)
    with Dataset(Store.open(store.uri, before.number(before.now()))) as past:
        assert same({where: found(past, vector, k, where) for where in CONDITIONS}, answers)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, np.ndarray]:
    """Three fragments: one whose vectors are plain numbers in its file, one with deleted rows, and one with missing
    vectors."""
    x = np.random.default_rng(5).standard_normal((3000, WIDTH)).astype(np.float32)
    x[2000::2] = np.nan
    rows = {
        name: frame_rows(name, x[low : low + 1000], 1000)
        for name, low in (("a" * 8, 0), ("b" * 8, 1000), ("c" * 8, 2000))
    }
    dataset = dataset_of(tmp_path_factory.mktemp("stored"), rows, WIDTH)
    dataset.store.delete("frames", "source_id = 'bbbbbbbb' AND shot % 10 = 3")
    return dataset, x


def read(
    dataset: Dataset, wanted: vector_files.Addresses | None = None, mapped: vector_files.Mapped | None = None
) -> dict[int, bytes]:
    """Return the vectors of a column by the addresses of their rows, without missing ones."""
    table = dataset.store.table("frames")
    return {
        int(address): row.tobytes()
        for part in vector_parts(table, "embedding", wanted, mapped)
        for at, x in part.blocks()
        for address, row in zip(at, x, strict=True)
        if not np.isnan(row[0])
    }


def by_lance(dataset: Dataset) -> dict[int, bytes]:
    rows = dataset.store.table("frames").to_table(
        columns=["embedding"], filter="embedding IS NOT NULL", with_row_address=True
    )
    x = np.array(rows["embedding"].to_pylist(), np.float32)
    return {int(address): row.tobytes() for address, row in zip(rows["_rowaddr"].to_numpy(), x, strict=True)}


@pytest.mark.parametrize("most", [(4096, 16384), (70, 350)], ids=["a fragment at once", "in many parts"])
def test_vectors_read_from_the_files_are_those_that_lance_reads(
    stored: tuple[Dataset, np.ndarray], most: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, _ = stored
    table = dataset.store.table("frames")
    monkeypatch.setattr(vector_files, "ROWS", most[0])
    monkeypatch.setattr(vector_files, "PART_ROWS", most[1])
    kinds = [type(part).__name__ for part in vector_parts(table, "embedding")]
    times = -(-1000 // most[1])
    assert kinds == [*["_InOrder"] * 2 * times, "_ByLance"]
    true = by_lance(dataset)
    assert len(true) == 1000 + 900 + 500 and read(dataset) == true
    for share in (0.02, 0.5):  # one by one, and in order
        chance = np.random.default_rng(1)
        wanted = addresses(table, "embedding IS NOT NULL")
        wanted = wanted[chance.random(len(wanted)) < share]
        assert read(dataset, wanted) == {int(address): true[int(address)] for address in wanted}


@pytest.mark.parametrize("most", [0, 1000 * WIDTH * 4, 1 << 30], ids=["nothing", "one fragment", "all"])
def test_vectors_that_stay_mapped_are_read_as_before_and_fit_in_the_limit(
    stored: tuple[Dataset, np.ndarray], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, _ = stored
    mapped, true = vector_files.Mapped(most), by_lance(dataset)
    calls: list[int] = []
    once = vector_files._mapped
    monkeypatch.setattr(vector_files, "_mapped", lambda *given: calls.append(1) or once(*given))  # type: ignore[func-returns-value]
    wanted = addresses(dataset.store.table("frames"), "embedding IS NOT NULL AND shot % 2 = 0")
    for time in range(4):
        assert read(dataset, mapped=mapped) == true
        assert read(dataset, wanted, mapped) == {int(address): true[int(address)] for address in wanted}
        if time:
            assert sum(x.nbytes for x in mapped._kept.values()) == min(most, 2 * 1000 * WIDTH * 4)
    assert len(calls) == {0: 16, 1000 * WIDTH * 4: 10, 1 << 30: 4}[most]


def test_a_file_that_became_shorter_is_an_error_and_not_a_wrong_result(
    stored: tuple[Dataset, np.ndarray],
) -> None:
    part = vector_parts(stored[0].store.table("frames"), "embedding")[0]
    assert isinstance(part, vector_files._InOrder)
    longer = vector_files._InOrder(None, part.path, 0, part.position, 10**7, WIDTH, vector_files.Mapped())
    with pytest.raises(OSError, match="is shorter than it was"):
        for _ in longer.blocks():
            pass


@pytest.mark.parametrize("rows", [100, 1000])
def test_the_closest_rows_are_found_in_any_number_of_parts_and_threads(rows: int) -> None:
    x = np.random.default_rng(2).standard_normal((20_000, 32)).astype(np.float32)
    x[7000:7030] = x[5]
    query = x[5] * 3
    true = x @ query / np.linalg.norm(x, axis=1)

    def part(low: int) -> Callable[[], object]:
        return lambda: (
            (np.arange(at, at + rows, dtype=np.uint64), x[at : at + rows])
            for at in range(low, low + 5000, rows)
        )

    for threads in (1, 3):
        best = closest([part(low) for low in range(0, 20_000, 5000)], query, 40, threads=threads)  # type: ignore[misc]
        assert {5, *range(7000, 7030)} < {*best.tolist()}
        assert {*np.argsort(-true)[:40].tolist()} <= {*best.tolist()} and len(best) < 60


def test_a_condition_is_evaluated_once_and_its_frames_are_kept(
    stored: tuple[Dataset, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, x = stored
    asked: list[str] = []
    arrow = dataset.session.arrow

    def counted(sql: str, *args: object, **more: object) -> pa.Table:
        asked.append(sql)
        return arrow(sql, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(dataset.session, "arrow", counted)
    for where, times in (
        ("shot < 40", 1),
        ("shot < 40 AND random() < 2", 2),
        ("time_s < 40 OR today() IS NULL", 2),
    ):
        asked.clear()
        for _ in range(2):
            rows = search(dataset.session, x[7], k=200, where=where).fetchall()
            assert len(rows) == 40 + 36 + 20
        assert sum(where in sql for sql in asked) == times


@pytest.mark.parametrize("where", ["hash(frames) % 2 = 0", "hash(COLUMNS('source_.*')) % 2 = 0"])
def test_a_condition_on_the_whole_row_is_evaluated_for_each_frame(
    stored: tuple[Dataset, np.ndarray], where: str
) -> None:
    dataset, x = stored
    assert found(dataset, x[7], 200, where) == by_sql(dataset, x[7], 200, where)


@pytest.mark.parametrize(
    "where",
    [
        "frame_id IN (SELECT frame_id FROM frames USING SAMPLE 5 ROWS)",
        "uuidv4()::VARCHAR < '8' AND shot < 90",
    ],
)
def test_frames_that_are_drawn_are_drawn_again_for_each_search(
    stored: tuple[Dataset, np.ndarray], where: str
) -> None:
    dataset, x = stored
    draws = {str(search(dataset.session, x[7], k=200, where=where).fetchall()) for _ in range(4)}
    assert len(draws) > 1


def test_more_equal_frames_than_can_be_listed_are_compared_by_sql(
    stored: tuple[Dataset, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, x = stored
    monkeypatch.setattr(closest_frames, "MOST_LISTED", 30)
    true = by_sql(dataset, x[7], 31, None)
    assert closest_frames.closest_frames(dataset.session, x[7], 31) is None
    assert found(dataset, x[7], 31, None) == true
    assert found(dataset, x[7], 20, "shot < 900") == by_sql(dataset, x[7], 20, "shot < 900")
    assert search_frames.by_index(dataset.store, 20) is False

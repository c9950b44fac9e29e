"""Repeats that balance concepts: the guide's worked example, and SQL against a plain reference on random trees."""

from __future__ import annotations

import fnmatch
import math
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeds_db.errors import UsageError
from animeds_db.export.columns.balance import (
    TOLERANCE,
    WEIGHTS,
    Balance,
    balance_table,
    balanced,
    read_weights,
    regex_of,
    repeats_of,
)

EXAMPLE = "1_character, 3\nclass1, 4\n*class2, 6\n"
TREE = {"1_character/class1": 10, "1_character/class2": 20, "others/class1": 5, "others/class3": 40}


def weights_file(folder: Path, text: str) -> Path:
    file = folder / "weights.csv"
    file.write_text(text, "utf-8")
    return file


def probabilities(table: pa.Table) -> dict[str, float]:
    return dict(zip(table["folder"].to_pylist(), table["probability"].to_pylist(), strict=True))


def test_the_worked_example_of_the_guide(tmp_path: Path) -> None:
    table = repeats_of(TREE, read_weights(weights_file(tmp_path, EXAMPLE)))
    assert table["probability"].to_pylist() == pytest.approx([0.3, 0.45, 0.2, 0.05])
    # per picture 0.03, 0.0225, 0.04, 0.00125: the least is shown once
    assert table["repeats"].to_pylist() == [24, 18, 32, 1]
    clipped = balance_table(
        [f for f, n in TREE.items() for _ in range(n)], Balance(tmp_path / "weights.csv", 20)
    )
    # 24, 18, 32 and 1, times 20/32
    assert clipped["repeats"].to_pylist() == [15, 11, 20, 1]
    assert clipped["multiply"].to_pylist() == [15, 11.25, 20, 1]


def test_a_folder_with_pictures_and_folders_counts_as_one_child_more(tmp_path: Path) -> None:
    assert probabilities(repeats_of({"a": 1, "a/b": 1, "a/c": 1})) == pytest.approx(
        {"a": 1 / 3, "a/b": 1 / 3, "a/c": 1 / 3}
    )
    weights = read_weights(weights_file(tmp_path, "a,4\n"))
    assert probabilities(repeats_of({"a": 1, "a/b": 1}, weights)) == pytest.approx({"a": 0.8, "a/b": 0.2})
    assert repeats_of({"": 7})["repeats"].to_pylist() == [1]


@pytest.mark.parametrize(
    ("pictures", "repeats"),
    [
        ((66, 47, 41), (5, 7, 8)),
        ((20, 14), (2, 3)),
        ((2, 5), (5, 2)),
        ((10, 20, 40), (4, 2, 1)),
        ((7,), (1,)),
    ],
)
def test_whole_repeats_give_every_folder_its_share(
    pictures: tuple[int, ...], repeats: tuple[int, ...]
) -> None:
    table = repeats_of({f"{i}": n for i, n in enumerate(pictures)})
    assert tuple(table["repeats"].to_pylist()) == repeats
    shown = [n * r for n, r in zip(pictures, repeats, strict=True)]
    assert all(abs(one / sum(shown) - 1 / len(pictures)) <= TOLERANCE for one in shown)


def test_max_repeats_bounds_the_search_and_the_closest_shares_win() -> None:
    folders = {"a": 66, "b": 47, "c": 41}
    assert repeats_of(folders, max_repeats=7)["repeats"].to_pylist() == [3, 4, 5]  # 33.5, 31.8, 34.7 %
    assert repeats_of(folders, max_repeats=1)["repeats"].to_pylist() == [1, 1, 1]
    assert repeats_of({"a": 1, "b": 1000}, max_repeats=100)["repeats"].to_pylist() == [100, 1]


def test_readers_of_fractions_get_two_decimals() -> None:
    assert repeats_of({"a": 66, "b": 47, "c": 41})["multiply"].to_pylist() == [1, 1.4, 1.61]
    assert repeats_of({"a": 2, "b": 5})["multiply"].to_pylist() == [2.5, 1.0]


def test_an_exact_name_goes_before_a_pattern_and_the_first_pattern_counts(tmp_path: Path) -> None:
    text = "*b*,2\n*a*,3\n# a remark\n\nb,5\nb,6\n"
    table = repeats_of({"x/a": 1, "x/b": 1, "x/ab": 1}, read_weights(weights_file(tmp_path, text)))
    assert dict(zip(table["folder"].to_pylist(), table["weight"].to_pylist(), strict=True)) == {
        "x/a": 3, "x/ab": 2, "x/b": 5,
    }  # fmt: skip


def test_names_that_are_no_file_names_weigh_as_the_folders_that_they_become(tmp_path: Path) -> None:
    lines = tmp_path / "weights.csv"
    lines.write_text("Re:Zero, 3\n*?b, 5\n", "utf-8")
    weights = read_weights(lines)
    assert weights["name"].to_pylist() == ["Re_Zero", "*?b"]
    table = repeats_of({"Re_Zero": 1, "other": 1}, weights).to_pylist()
    assert [row["repeats"] for row in table] == [3, 1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,1\nb,two\n", 'weights.csv:2: the weight "two" is not a number'),
        ("a,1\nb\n", "weights.csv:2: 1 columns"),
        ("a,1,2\n", "weights.csv:1: 3 columns"),
        ("a,0\n", "weights.csv:1: the weight is 0"),
        ("a,nan\n", "weights.csv:1: the weight is nan"),
        ("pattern,weight\n", 'weights.csv:1: the weight "weight" is not a number'),
    ],
)
def test_a_bad_weights_file_names_the_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_weights(weights_file(tmp_path, text))
    assert told in str(caught.value)
    with pytest.raises(UsageError, match="cannot be read"):
        read_weights(tmp_path / "nowhere.csv")


def test_repeats_of_the_selection_are_not_overwritten() -> None:
    plan = pa.table({"folder": ["a"], "repeats": pa.array([3], pa.int64())})
    with pytest.raises(UsageError, match="repeats"):
        balanced(plan, Balance())
    with pytest.raises(UsageError, match="max-repeats"):
        Balance(max_repeats=0)
    with pytest.raises(UsageError, match="min-repeats is 5. It must be between 1 and 4"):
        Balance(max_repeats=4, min_repeats=5)


NAMES = st.sampled_from(["a", "b", "ab", "class1", "1_character", "é", "x.y", "[z]"])
FOLDERS = st.lists(NAMES, max_size=4).map("/".join)
TREES = st.dictionaries(FOLDERS, st.integers(1, 50), min_size=1, max_size=12)
PATTERNS = st.one_of(NAMES, st.text("ab*?[]!-^/.é1", min_size=1, max_size=6)).filter(
    lambda text: text.strip() == text and not text.startswith(("#", '"'))
)
LINES = st.lists(st.tuples(PATTERNS, st.integers(1, 9)), max_size=6)


def reference(tree: dict[str, int], lines: list[tuple[str, int]], most: int) -> dict[str, tuple[float, int]]:
    """Return probability and repeats per folder: the algorithm as the guide tells it, one node after another."""

    def weight(path: str) -> float:
        for name, value in lines:
            if name == path.rpartition("/")[2] and path:
                return value
        for pattern, value in lines:
            if fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(f"./{path}", pattern):
                return value
        return 1

    children: dict[str, set[str]] = defaultdict(set)
    for folder in tree:
        parts = folder.split("/") if folder else []
        for depth in range(len(parts)):
            children["/".join(parts[:depth])].add("/".join(parts[: depth + 1]))
    found: dict[str, float] = {}

    def visit(path: str, probability: float) -> None:
        own = weight(path) if path in tree else 0
        total = own + sum(weight(child) for child in children[path])
        if own:
            found[path] = probability * own / total
        for child in children[path]:
            visit(child, probability * weight(child) / total)

    visit("", 1)
    least = min(found[folder] / n for folder, n in tree.items())
    exact = {folder: found[folder] / n / least for folder, n in tree.items()}
    top = max(exact.values())
    fitted = {folder: value * min(1, most / top) for folder, value in exact.items()}
    tries = [
        {f: min(max(round(times * value), 1), most) for f, value in fitted.items()}
        for times in range(1, max(1, math.floor(most / top)) + 1)
    ]

    def is_off(repeats: dict[str, int]) -> float:
        shown = sum(tree[f] * r for f, r in repeats.items())
        return round(sum(abs(tree[f] * r / shown - found[f]) for f, r in repeats.items()) / 2, 9)

    close = [repeats for repeats in tries if is_off(repeats) <= TOLERANCE]
    best = close[0] if close else min(tries, key=is_off)
    return {f: (p, best[f]) for f, p in found.items()}


@settings(deadline=None, max_examples=25)
@given(TREES, LINES, st.integers(1, 60))
def test_sql_gives_what_the_reference_gives(
    tree: dict[str, int], lines: list[tuple[str, int]], most: int
) -> None:
    rows = [
        {"line": i, "name": name, "pattern": regex_of(name), "weight": float(value)}
        for i, (name, value) in enumerate(lines)
    ]
    weights = pa.Table.from_pylist(rows, WEIGHTS)
    table = repeats_of(tree, weights, max_repeats=most).to_pylist()
    expected = reference(tree, lines, most)
    assert math.isclose(sum(row["probability"] for row in table), 1)
    assert [row["folder"] for row in table] == sorted(tree)
    assert all(1 <= row["repeats"] <= most and 1 <= row["multiply"] <= most for row in table)
    for row in table:
        assert math.isclose(row["probability"], expected[row["folder"]][0])
    # Where a last bit decides (a half, a limit of the tolerance), another choice is as good.
    shown = sum(row["pictures"] * row["repeats"] for row in table)
    theirs = sum(tree[f] * repeats for f, (_, repeats) in expected.items())
    off = sum(abs(row["pictures"] * row["repeats"] / shown - row["probability"]) for row in table) / 2
    off_there = sum(abs(tree[f] * repeats / theirs - p) for f, (p, repeats) in expected.items()) / 2
    same = [row["repeats"] for row in table] == [expected[row["folder"]][1] for row in table]
    assert same or abs(off - off_there) < 0.05 or max(off, off_there) <= TOLERANCE + 1e-6

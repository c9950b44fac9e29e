"""Reviewing answers: what is asked, what comes back, and the accuracy that is worked out from it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from cli_run import Runner
from faceclusters import faces_store, looks, near
from hypothesis import given
from hypothesis import strategies as st

from animeds_db.dataset import Dataset
from animeds_db.errors import StoreError, UsageError
from animeds_db.steps.characters.review import estimate, review_faces, write_answers

ANNA, BEA = looks(2)


def answered(folder: Path, n: int = 40) -> Dataset:
    """Faces of Anna, each in a shot of its own; every eighth is called Bea with a margin of nearly nothing."""
    faces = []
    for i in range(n):
        sure = i % 8 != 0
        faces.append(
            {
                "at": 10 * i,
                "vector": near(ANNA, i),
                "character": "Anna" if sure else "Bea",
                "margin": 0.4 if sure else 0.01,
                "second": "Bea" if sure else "Anna",
            }
        )
    return faces_store(folder, faces)


def filled(path: Path, answers: dict[str, str]) -> None:
    """Fill in the answers that a person gives."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["character"] = answers.get(row["face_id"], row["character"])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_the_doubtful_come_first_and_a_quarter_by_lot(tmp_path: Path) -> None:
    with answered(tmp_path) as dataset:
        rows = review_faces(dataset.session, 8)
        again = review_faces(dataset.session, 8)
        other = review_faces(dataset.session, 8, seed=1)
    assert [row["drawn"] for row in rows] == ["worth"] * 6 + ["lot"] * 2
    assert [row["character"] for row in rows[:5]] == ["Bea"] * 5
    assert {row["total"] for row in rows} == {40}
    assert len({row["face_id"] for row in rows}) == 8
    assert again == rows
    assert [r["face_id"] for r in other[:6]] == [r["face_id"] for r in rows[:6]]
    assert other != rows


def test_two_faces_that_one_answer_settles_are_not_both_asked_about(tmp_path: Path) -> None:
    doubtful = {"character": "unknown", "score": 0.5, "margin": 0.0}
    copies = [{"at": 10 * i, "vector": near(ANNA, i, 0.001)} | doubtful for i in range(6)]
    other = {"at": 100, "vector": BEA} | doubtful | {"score": 0.45}
    with faces_store(tmp_path, [*copies, other]) as dataset:
        rows = review_faces(dataset.session, 3)
    asked = [row["face_id"].split("-")[1] for row in rows if row["drawn"] == "worth"]
    assert asked == ["000000000", "000100000"]


def test_answers_are_labels_and_are_not_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    with answered(tmp_path) as dataset:
        db = dataset.uri
    answers = tmp_path / "review.csv"
    done = run(
        "characters", "review", "-n", 8, "--csv", answers, "--sheet", tmp_path / "review.html", "--db", db
    )
    assert done.code == 0, done.err
    asked = [row["face_id"] for row in csv.DictReader(answers.read_text("utf-8").splitlines())]
    page = (tmp_path / "review.html").read_text("utf-8")
    assert all(face in page for face in asked)
    filled(answers, dict.fromkeys(asked, "Anna"))
    assert run("label", "csv", answers, "--db", db).code == 0
    report = run("characters", "review", "--report", answers, "--db", db).out
    assert "8 of 40 faces reviewed, 3 of them were correct" in report
    assert "accuracy before: 87.5%" in report
    assert "accuracy after:  100.0%" in report
    rest = run("characters", "review", "-n", 40, "--format", "tsv", "--db", db).out
    assert not any(face in rest for face in asked)
    assert (
        run("sql", "SELECT count(*) AS n FROM characters WHERE character = 'Bea'", "--db", db).out == "n\n0\n"
    )


def test_answers_are_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_text("mine")
    with pytest.raises(UsageError, match="may contain answers"):
        write_answers([], path)
    assert path.read_text() == "mine"


def test_nothing_to_review_is_told(tmp_path: Path) -> None:
    with faces_store(tmp_path, [{"at": 0, "vector": ANNA}]) as dataset:
        with pytest.raises(StoreError, match="No face has been classified"):
            review_faces(dataset.session)
        with pytest.raises(UsageError, match="The number of faces is 0"):
            review_faces(dataset.session, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("face_id,character\na,Anna\n", "not a review: it has no column drawn"),
        ("", "not a review"),
        ("face_id,character,guess,drawn,total\na,,Anna,lot,9\n", "has no answers"),
        ("face_id,character,guess,drawn,total\na,Anna,Anna,lot,many\n", "the column total was changed"),
        (
            "face_id,character,guess,drawn,total\na,Anna,Anna,worth,9\n",
            "no answers for the faces that were picked at random",
        ),
    ],
)
def test_a_file_that_is_no_review_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "review.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        estimate(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.csv cannot be read"):
        estimate(tmp_path / "gone.csv")


def written(folder: Path, doubtful: list[bool], lot: list[bool], total: int) -> Path:
    path = folder / "review.csv"
    lines = ["face_id,character,guess,drawn,total"]
    for drawn, answers in (("worth", doubtful), ("lot", lot)):
        lines += [
            f"{drawn}{i},Anna,{'Anna' if right else 'Bea'},{drawn},{total}" for i, right in enumerate(answers)
        ]
    path.write_text("\n".join(lines))
    return path


def test_the_estimate_is_the_formula(tmp_path: Path) -> None:
    e = estimate(written(tmp_path, [True] * 5 + [False] * 10, [True] * 4 + [False], 100))
    assert (e.faces, e.reviewed, e.right) == (100, 20, 9)
    assert e.before == pytest.approx((5 + 85 * 0.8) / 100)
    assert e.after == pytest.approx((20 + 80 * 0.8) / 100)
    # Wilson's interval of 4 of 5 is 0.3755 … 0.9638
    assert (e.after_low, e.after_high) == pytest.approx(
        ((20 + 80 * 0.3755) / 100, (20 + 80 * 0.9638) / 100), abs=1e-4
    )


@given(
    st.lists(st.booleans(), max_size=12), st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 500)
)
def test_the_estimate_is_a_share_inside_its_bounds(
    tmp_path_factory: pytest.TempPathFactory, doubtful: list[bool], lot: list[bool], more: int
) -> None:
    total = len(doubtful) + len(lot) + more
    e = estimate(written(tmp_path_factory.mktemp("r"), doubtful, lot, total))
    assert 0 <= e.before_low <= e.before + 1e-9 <= e.before_high + 2e-9 <= 1 + 3e-9
    assert 0 <= e.after_low <= e.after + 1e-9 <= e.after_high + 2e-9 <= 1 + 3e-9
    assert e.before <= e.after + 1e-9


def test_the_estimate_is_right_on_average(tmp_path: Path) -> None:
    """Of 300 answers 60 are wrong, most of them among the doubtful: many lots give 0.8 on average."""
    rng = np.random.default_rng(5)
    doubtful = [False] * 12 + [True] * 3
    rest = np.array([False] * 48 + [True] * 237)
    means = []
    for _ in range(200):
        lot = rng.choice(rest, 5, replace=False).tolist()
        means.append(estimate(written(tmp_path, doubtful, lot, 300)).before)
    assert np.mean(means) == pytest.approx(0.8, abs=0.03)

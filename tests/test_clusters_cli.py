"""Clusters from the command line: a sheet, names that become examples, and plots of what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_run import Runner
from faceclusters import faces_store, looks, near
from PIL import Image

from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, UsageError
from animeds_db.plots import plot, save_plot

ANNA, BEA = looks(2)


def two_people(folder: Path) -> Dataset:
    faces = [{"at": i, "vector": near((ANNA, BEA)[i % 3 == 0], i)} for i in range(24)]
    return faces_store(folder, faces)


def test_a_named_cluster_is_named_after_the_next_run_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    with two_people(tmp_path) as dataset:
        db = dataset.uri
    done = run("characters", "cluster", "--sheet", tmp_path / "sheet", "--format", "csv", "--db", db)
    assert done.code == 0, done.err
    assert "24 faces: 24 in 2 clusters, 0 not grouped" in done.err
    assert sorted(p.name for p in (tmp_path / "sheet").iterdir()) == ["1.png", "2.png", "index.html"]
    assert "aaaaaaaa-000001000-f0" in (tmp_path / "sheet" / "index.html").read_text("utf-8")
    named = run("characters", "name", 2, "as", "Bea", "Ito", "-n", 5, "--db", db)
    assert named.code == 0, named.err
    assert "cluster 2 is Bea Ito: 5 of its faces were added as examples" in named.err
    again = run("characters", "cluster", "--threshold", 0.9, "--format", "csv", "--db", db)
    assert again.out.splitlines()[2].startswith("2,Bea Ito,8,")


def test_a_sheet_of_clusters_that_are_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    with two_people(tmp_path) as dataset:
        db = dataset.uri
    done = run("characters", "sheet", tmp_path / "sheet.html", "--db", db)
    assert (done.code, "There are no clusters" in done.err) == (1, True)
    run("characters", "cluster", "--db", db)
    assert "There is no cluster 7" in run("characters", "sheet", tmp_path / "x.html", 7, "--db", db).err
    wrong = run("characters", "sheet", tmp_path / "sheet.gif", "--db", db)
    assert (wrong.code, "sheet.gif cannot be a contact sheet" in wrong.err) == (2, True)


def test_rows_are_plotted_as_bars(tmp_path: Path) -> None:
    with two_people(tmp_path) as dataset:
        rows = dataset.sql(
            "SELECT * FROM (VALUES ('Anna', 'hat', 0.5), ('Anna', 'bow', 0.25)) AS t(who, what, share)"
        )
        image = plot(rows)
        save_plot(rows, tmp_path / "bars.png")
        colour = image.getpixel((600, 125))  # inside the first bar, which is full
        ends = [x for x in range(image.width) if image.getpixel((x, 165)) == colour]
        starts = [x for x in range(image.width) if image.getpixel((x, 131)) == colour]
        assert len(ends) == pytest.approx(len(starts) / 2, abs=8)
        with pytest.raises(QueryError, match="no rows"):
            plot(dataset.sql("SELECT 'a' AS a, 1 AS n WHERE false"))
        with pytest.raises(QueryError, match="a column of numbers"):
            plot(dataset.sql("SELECT 'a' AS a"))
        with pytest.raises(UsageError, match=r"ends in \.png"):
            save_plot(rows, tmp_path / "bars.jpg")
    with Image.open(tmp_path / "bars.png") as saved:
        assert saved.size == image.size

"""The command line as a map: headings, `help`, completion, tables that fit a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tables import frames, new_store

from animeds_db.cli import MAP, command_line, complete
from animeds_db.cli.output import narrow
from animeds_db.errors import UsageError
from animeds_db.export import ExportOptions
from animeds_db.export.layouts import LAYOUTS, plugins
from animeds_db.export.layouts.common import Layout


def animeds(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("animeds"), *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_every_command_has_one_heading() -> None:
    known = [str(command.name) for command in command_line().registered_commands]
    known += [str(group.name) for group in command_line().registered_groups]
    listed = [name for names in MAP.values() for name in names]
    assert sorted(known) == sorted(listed)


def test_help_shows_the_help_of_a_command_and_of_a_command_in_a_group() -> None:
    assert "Usage: animeds export" in animeds("help", "export").stdout
    assert "Usage: animeds label tag" in animeds("help", "label", "tag").stdout
    assert all(heading in animeds("help").stdout for heading in MAP)
    wrong = animeds("help", "exprt")
    assert (
        wrong.returncode == 2 and 'There is no command "exprt".' in wrong.stderr and "export" in wrong.stderr
    )


def test_short_flag_prints_the_version() -> None:
    assert animeds("-V").stdout.startswith("animeds-db ")


def test_names_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_store(tmp_path)
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    monkeypatch.setenv("ANIMEDS_DB", store.uri)
    assert complete.queries("by_") == ["by_tags"]
    assert complete.layouts("kohya") == ["kohya", "kohya-toml"]
    assert "natural" in complete.caption_profiles("")
    assert complete.sampling("key") == ["keyframes"]
    assert complete.model_profiles("ti") == ["tiny"]
    names = store.table("vocabulary").to_table()["tag"].to_pylist()
    assert complete.tags("") == sorted(names)
    monkeypatch.setenv("ANIMEDS_DB", os.fspath(tmp_path / "nothing.animeds"))
    assert complete.tags("a") == [] and complete.characters("") == []


def test_a_table_for_reading_has_ids_last_and_no_lists_of_numbers() -> None:
    rows = duckdb.default_connection().sql(
        "SELECT 'a' AS frame_id, 0.5 AS score, 'Show' AS show, [1, 2] AS tag_ids, ['x'] AS tags"
    )
    assert narrow(rows).columns == ["show", "tags", "frame_id", "score"]


def added(monkeypatch: pytest.MonkeyPatch, **layouts: Any) -> tuple[dict[str, Layout], dict[str, str]]:
    class Point(EntryPoint):
        def load(self) -> Any:
            value = layouts[self.name]
            if isinstance(value, Exception):
                raise value
            return value

    points = [Point(name, f"their_package:{name}", plugins.GROUP) for name in layouts]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    return plugins.added_layouts(LAYOUTS)


def test_another_package_adds_a_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = Layout("their-trainer", "a trainer of theirs")
    assert added(monkeypatch, theirs=theirs) == ({"their-trainer": theirs}, {})


def test_a_layout_that_does_not_load_says_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    layouts, problems = added(monkeypatch, broken=ImportError("no such module"), strange=3)
    assert layouts == {}
    assert "their_package" in problems["broken"] and "no such module" in problems["broken"]
    assert "is not a Layout" in problems["strange"]
    monkeypatch.setattr("animeds_db.export.options.PROBLEMS", problems)
    with pytest.raises(UsageError, match="does not load"):
        ExportOptions(layouts=("broken",))


def test_a_built_in_layout_cannot_be_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert added(monkeypatch, mine=Layout("kohya", "another kohya")) == ({}, {})
    assert 'The package their_package:mine adds a layout "kohya".' in caplog.text

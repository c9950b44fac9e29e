"""Every file of sql/ has a test that states the rows it gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlrows import SQL

pytestmark = pytest.mark.source_tree
TESTS = Path(__file__).parent


def marked_files() -> Iterator[str]:
    """Yield what the tests of tests/test_sql_*.py are marked with: @pytest.mark.sql("macros/boxes.sql")."""
    for path in TESTS.glob("test_sql_*.py"):
        for test in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                for call in test.decorator_list:
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.sql":
                        yield from (ast.literal_eval(file) for file in call.args)


def test_every_file_has_a_test_and_every_mark_names_a_file() -> None:
    files = {path.relative_to(SQL).as_posix() for path in SQL.rglob("*.sql")}
    marked = set(marked_files())
    assert sorted(files - marked) == [], "write a test of these files, marked @pytest.mark.sql(FILE)"
    assert sorted(marked - files) == [], "these marks name files that are not there"

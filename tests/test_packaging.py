"""The wheel carries everything and drops only names of ours into site-packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import importlib_resources
import pytest

import animeds_db

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FOLDERS = {
    "animeds_db": "animeds_db",
    "animeds_ingest": "ingest/animeds_ingest",
    "animeds_sql": "sql",
    "animeds_queries": "queries",
}
DATA = {".sql", ".toml", ".onnx", ".csv", ".json", ".md", ".typed", ".html", ".css", ".js", ".svg"}


def packages_on_disk() -> set[str]:
    found = set(FOLDERS)
    for package, folder in FOLDERS.items():
        for path in [ROOT / folder, *(p for p in (ROOT / folder).rglob("*") if p.is_dir())]:
            holds = any(f.suffix in DATA | {".py"} for f in path.iterdir() if f.is_file())
            if holds and "__pycache__" not in path.parts:
                rest = path.relative_to(ROOT / folder).parts
                found.add(".".join((package, *rest)))
    return found


@pytest.mark.source_tree
def test_every_folder_with_files_is_listed_as_a_package() -> None:
    assert packages_on_disk() == set(PYPROJECT["tool"]["setuptools"]["packages"])


def test_every_kind_of_data_file_is_listed_as_package_data() -> None:
    listed = {pattern.removeprefix("*") for pattern in PYPROJECT["tool"]["setuptools"]["package-data"]["*"]}
    used = {
        f.suffix
        for folder in FOLDERS.values()
        for f in (ROOT / folder).rglob("*")
        if f.is_file() and f.suffix != ".py" and f.name != "py.typed" and "__pycache__" not in f.parts
    }
    assert used <= listed


def test_only_our_own_names_are_installed() -> None:
    tops = {name.split(".")[0] for name in PYPROJECT["tool"]["setuptools"]["packages"]}
    assert tops == {"animeds_db", "animeds_ingest", "animeds_sql", "animeds_queries"}


def test_sql_and_queries_can_be_read_as_package_data() -> None:
    for package in ("animeds_sql.views", "animeds_sql.macros", "animeds_queries"):
        names = [item.name for item in importlib_resources.files(package).iterdir()]
        assert any(name.endswith(".sql") for name in names), package


def test_the_core_install_does_not_pull_torch() -> None:
    names = {re.split(r"[<>=\[ ;]", dependency)[0] for dependency in PYPROJECT["project"]["dependencies"]}
    assert not names & {"torch", "open-clip-torch", "sentence-transformers", "onnxruntime-gpu", "ray"}


def test_the_changelog_starts_with_the_version_of_the_package() -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == animeds_db.__version__ == PYPROJECT["project"]["version"]

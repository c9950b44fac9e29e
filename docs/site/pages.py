"""Pages of the documentation site that are made from the code: the start page, the command line, the Python API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[2]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those in docs/."""
    from mkdocs.structure.files import File

    pages = {"index.md": start(), "reference/cli.md": command_line(), "reference/api.md": python_api()}
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def start() -> str:
    """Return README.md with its links rewritten for the site. Files outside docs/ are named, not linked."""
    text = (ROOT / "README.md").read_text("utf-8").replace("](docs/", "](")
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#|[a-z/]+\.(?:md|svg|png|webp))[^)]*\)", r"\1", text)


def command_line() -> str:
    """Return the help of every command, as Markdown."""
    import typer
    from typer.cli import get_docs_for_click

    from animeds_db.cli import command_line

    command = typer.main.get_command(command_line())
    context = command.make_context("animeds", [], resilient_parsing=True)
    return get_docs_for_click(obj=command, ctx=context, name="animeds", title="Command line")


def python_api() -> str:
    """Return one heading per public name of the package; mkdocstrings fills in its docstrings."""
    import animeds_db

    names = [name for name in animeds_db.__all__ if not name.startswith("_")]
    modules = {name: getattr(animeds_db, name).__module__ for name in names}
    return "# Python\n\n" + "\n".join(f"::: {modules[name]}.{name}\n" for name in names)

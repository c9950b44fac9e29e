"""Words that must not reach users; CONTRIBUTING.md has the glossary with what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from animeds_db.captions import profile_names
from animeds_db.cli import app
from animeds_db.cli.lists import filled
from animeds_db.export import CROP_KINDS, FORMATS, LAYOUTS
from animeds_ingest.modes import EXAMPLES

ROOT = Path(__file__).parents[1]
ROOMS = ("cli", "web", "dataset", "session")
WORDS = re.compile(
    r"\bis no (?!longer|more)[a-z]|\bare no (?!longer|more)[a-z]|\bby lot\b|\banother lot\b|\bso many\b|\bso often\b"
    r"|\bmust bear\b"
    r"|\bleast score\b|\bsay it\b|\bsay once\b|\bsay mine\b|\bpeople said\b|\blike no other\b|\bneither is what\b"
    r"|\bone rule\b|\banew\b|\bnobody known\b|\ball the same\b|\bis none\b|\bruns already\b|\btell where\b"
    r"|\btaken? (?:it |that |them )?back\b|\bfrom now on let\b",
    re.IGNORECASE,
)
"""Phrases from translated drafts. A sentence such as "There is no frame x." is fine, so `is no` needs a subject."""
ALLOWED = re.compile(r"\bthere (?:is|are) no\b|\bwhere there is no\b", re.IGNORECASE)


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command of the command line with its name."""
    waiting: list[tuple[str, Any]] = [("animeds", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        yield name, command
        waiting += [(f"{name} {word}", one) for word, one in getattr(command, "commands", {}).items()]


def helps() -> Iterator[tuple[str, str]]:
    for name, command in commands():
        texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
        yield name, "\n".join(text for text in texts if text)


def messages(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the texts of errors, hints and messages in a Python file: arguments of `…Error(…)`, `talk` and `say`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name.endswith("Error") or name in ("talk", "say", "warning", "info"):
                for part in ast.walk(node):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield f"{path.relative_to(ROOT)}:{part.lineno}", part.value


def found(texts: Iterator[tuple[str, str]]) -> list[str]:
    """Return where the words occur."""
    return [
        f"{where}: {match[0]}" for where, text in texts for match in WORDS.finditer(ALLOWED.sub("", text))
    ]


def test_help_is_plain_english() -> None:
    assert found(helps()) == []


def test_messages_are_plain_english() -> None:
    files = [path for room in ROOMS for path in (ROOT / "animeds_db" / room).rglob("*.py")]
    assert len(files) > 70
    assert found(pair for path in files for pair in messages(path)) == []


def test_pages_are_plain_english() -> None:
    files = [*ROOT.glob("animeds_db/web/static/*.js"), *ROOT.glob("animeds_db/web/templates/*.html")]
    assert len(files) > 40
    assert found((path.name, path.read_text("utf-8")) for path in files) == []


@pytest.mark.parametrize(
    "text",
    [
        "/tmp/x is no folder",
        "a quarter of them by lot",
        "At most so many faces",
        "Say it again",
        "must bear a tag",
    ],
)
def test_the_words_are_found(text: str) -> None:
    assert found(iter([("here", text)]))


def test_a_missing_thing_may_be_named() -> None:
    assert not found(iter([("here", "There is no frame abc. There are no layouts.")]))


def test_every_list_in_help_is_that_of_the_code() -> None:
    texts = {name: filled(text) or "" for name, text in helps()}
    assert "{" not in "".join(texts.values()).replace("{name}", "")
    assert ", ".join(LAYOUTS) in texts["animeds export"]
    assert ", ".join(CROP_KINDS) in texts["animeds export"]
    assert ", ".join(profile_names()) in texts["animeds export"]
    assert ", ".join(profile_names()) in texts["animeds caption"]
    assert ", ".join(EXAMPLES) in texts["animeds ingest"]
    assert all(form in texts["animeds export"] for form in FORMATS)

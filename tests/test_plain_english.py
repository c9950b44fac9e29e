"""Words that must not reach users; CONTRIBUTING.md has the glossary with what to write instead."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from animeds_db.captions import profile_names
from animeds_db.cli import command_line
from animeds_db.cli.lists import filled
from animeds_db.export import CROP_KINDS, FORMATS, LAYOUTS
from animeds_ingest.modes import EXAMPLES

pytestmark = pytest.mark.source_tree
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
COMMENT_WORDS = re.compile(
    r"\b(?:its|the) one rule\b|\banew\b|\bby lot\b|\bso many\b|\bso often\b|\blest\b|\bborne\b|\bof now\b"
    r"|\bstands? in for\b|\bwhere nobody\b|\bout here\b|\bnewest word\b|\bthe very (?:same|vector|hash)\b"
    r"|\btaken? (?:it |that |them )?back\b|\bbears? (?:a|the|it|each|tags?)\b|\bif it likes\b|\bfrom so\b"
    r"|\bsa(?:id|ys) of\b|\bpeople (?:have )?said\b|\bof one's own\b|\bwho is whom\b|\bwho they look like\b"
    r"|\bgo(?:es)? on where\b|\bhow many by\b|\b(?:is|are) told\b|\btold by\b",
    re.IGNORECASE,
)
"""Phrases from translated drafts of comments and docstrings, which readers of the code see."""
ALLOWED = re.compile(r"\bthere (?:is|are) no\b|\bwhere there is no\b", re.IGNORECASE)


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command of the command line with its name."""
    waiting: list[tuple[str, Any]] = [("animeds", typer.main.get_command(command_line()))]
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


def comments(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the docstrings and comments of a Python file, or the comments of an SQL file."""
    text = path.read_text("utf-8")
    where = str(path.relative_to(ROOT))
    if path.suffix == ".sql":
        yield where, " ".join(part.strip() for part in re.findall(r"--(.*)", text))
        return
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield f"{where}:{node.lineno}", " ".join(node.value.value.split())
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield f"{where}:{token.start[0]}", token.string


def found(texts: Iterator[tuple[str, str]], words: re.Pattern[str] = WORDS) -> list[str]:
    """Return where the words occur."""
    return [
        f"{where}: {match[0]}" for where, text in texts for match in words.finditer(ALLOWED.sub("", text))
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


@pytest.mark.parametrize(("folder", "suffix"), [("sql", "sql"), ("animeds_db", "py"), ("ingest", "py")])
def test_comments_and_docstrings_are_plain_english(folder: str, suffix: str) -> None:
    files = sorted((ROOT / folder).rglob(f"*.{suffix}"))
    assert len(files) > 30
    assert found((pair for path in files for pair in comments(path)), COMMENT_WORDS) == []


def test_words_of_old_comments_are_found() -> None:
    old = "on how many frames each tag is borne; the newest word about a box, on the detections of now; Its one rule"
    assert len(found(iter([("here", old)]), COMMENT_WORDS)) == 4


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

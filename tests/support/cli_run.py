"""Run the command line in this process and see what a user sees."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import typer

from animeds_db import cli


@dataclass(frozen=True)
class Ran:
    """Exit code, stdout and stderr of one command."""

    code: int
    out: str
    err: str


@cache
def _commands() -> Any:
    """Return all commands: typer puts them together anew at each call, which takes longer than many a command."""
    return typer.main.get_command(cli.command_line())


class Runner:
    """`run("sql", "SELECT 1")` is `animeds sql "SELECT 1"`."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *words: object) -> Ran:
        self._capsys.readouterr()
        commands = _commands()  # before command_line is replaced, because it calls it
        self._monkeypatch.setattr(cli, "command_line", lambda _verb: commands)
        self._monkeypatch.setattr(sys, "argv", ["animeds", *(str(word) for word in words)])
        code = 0
        try:
            cli.main()
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = self._capsys.readouterr()
        return Ran(code, out, err)

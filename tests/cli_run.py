"""Run the command line in this process and see what a user sees."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from animeds_db.cli import main


@dataclass(frozen=True)
class Ran:
    """Exit code, stdout and stderr of one command."""

    code: int
    out: str
    err: str


class Runner:
    """`run("sql", "SELECT 1")` is `animeds sql "SELECT 1"`."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *words: object) -> Ran:
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["animeds", *(str(word) for word in words)])
        code = 0
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = self._capsys.readouterr()
        return Ran(code, out, err)

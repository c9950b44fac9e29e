"""The plan for a thousand shows: the figures on the page are those that its formula gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"


def test_the_hours_on_the_page_are_those_of_its_formula(capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "\n" + "\n".join(lines) + "\n" in text

"""Every promise of SECURITY.md names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
TEXT = (TESTS.parent / "SECURITY.md").read_text("utf-8")


def test_every_promise_names_tests_that_exist() -> None:
    defined = {
        name
        for file in TESTS.glob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)
    }
    promises = re.findall(r"^- (.*?)(?=^- |^$|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert len(promises) >= 17
    for promise in promises:
        named = set(re.findall(r"`(test_\w+)`", promise))
        assert named, promise
        assert named <= defined, named - defined

"""How much memory a session takes, and where it writes what does not fit."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from tables import tagged_store

from animeds_db.errors import QueryError, UsageError
from animeds_db.session import Session
from animeds_db.session.sandbox import Bounds

SORTED = "SELECT count(*) FROM (SELECT md5(i::VARCHAR) AS a FROM range(3_000_000) AS t(i) ORDER BY a LIMIT 2_999_999)"
"""Needs some 200 MB at once."""


def new_session(folder: Path, bounds: Bounds | None = None) -> Session:
    return Session(tagged_store(folder, [["1girl"]]), bounds=bounds)


def limit_of(session: Session) -> int:
    asked = "SELECT parse_formatted_bytes(current_setting('memory_limit'))"
    return int(session._connection().execute(asked).fetchall()[0][0])  # a query may not call current_setting


def test_a_session_takes_at_most_4_gib_and_half_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANIMEDS_MEMORY", raising=False)
    limit = limit_of(new_session(tmp_path))
    assert 0 < limit <= 4 << 30
    if hasattr(os, "sysconf"):
        assert limit <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2


def test_the_setting_memory_limits_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIMEDS_MEMORY", "256MiB")
    assert limit_of(new_session(tmp_path)) == 256 << 20


@pytest.mark.parametrize("value", ["much", "50%", "-3GB", "0GB", "10MB", "4"])
def test_a_memory_that_is_no_size_is_refused_by_name(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEDS_MEMORY", value)
    with pytest.raises(UsageError, match=rf'"{value}" \(ANIMEDS_MEMORY\)'):
        new_session(tmp_path)


def test_what_does_not_fit_is_written_to_the_disk_and_deleted_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spill))
    monkeypatch.setenv("ANIMEDS_MEMORY", "64MiB")
    session = new_session(tmp_path)
    assert session.sql(SORTED).fetchall() == [(2_999_999,)]
    assert list(spill.glob("animeds-*/duckdb_temp_*"))
    session.close()
    assert not list(spill.iterdir())


def test_a_session_that_may_not_write_says_that_memory_is_short(tmp_path: Path) -> None:
    session = new_session(tmp_path, Bounds("64MiB", threads=1))
    with (
        pytest.raises(QueryError, match="needs more memory than the limit") as raised,
        session.errors(SORTED),
    ):
        session.sql(SORTED).fetchall()
    assert "setting `memory`" in str(raised.value.hint)

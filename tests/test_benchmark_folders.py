"""A benchmark deletes its files when it ends, unless `--work` says where to keep them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.folders import work_folder


def test_what_is_kept_is_there_for_the_next_run(tmp_path: Path) -> None:
    kept = tmp_path / "some" / "material"
    for run in range(2):
        with work_folder(kept) as work:
            assert work == kept and (work / "drawn").exists() == (run == 1)
            (work / "drawn").touch()


def test_a_folder_of_its_own_is_gone_afterwards_even_if_the_benchmark_fails() -> None:
    with pytest.raises(SystemExit), work_folder(None) as work:
        (work / "series.animeds").mkdir()
        raise SystemExit(1)
    assert not work.exists()

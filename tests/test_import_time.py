"""`animeds --help` and shell completion answer at once: they import nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tables import tagged_store

HEAVY = ("lancedb", "lance", "polars", "torch", "onnxruntime", "duckdb", "pyarrow", "av", "numpy", "PIL")


def modules_after(code: str, **environment: str) -> set[str]:
    script = f"import sys\ntry:\n{code}\nexcept SystemExit:\n    pass\nprint('MODULES', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return set(done.stdout.split("MODULES ", 1)[1].split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["ingest", "--help"], ["sql", "--help"], ["export", "--help"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    loaded = modules_after(
        f"    sys.argv = ['animeds', *{arguments!r}]\n    from animeds_db.cli import main\n    main()"
    )
    assert "animeds_db.cli" in loaded
    assert not loaded & set(HEAVY)


def test_shell_completion_imports_nothing_heavy() -> None:
    loaded = modules_after(
        "    sys.argv = ['animeds']\n    from animeds_db.cli import main\n    main()",
        _ANIMEDS_COMPLETE="complete_bash",
        COMP_WORDS="animeds que",
        COMP_CWORD="1",
    )
    assert not loaded & set(HEAVY)


def test_neither_a_query_nor_a_correction_imports_lancedb(tmp_path: Path) -> None:
    store = tagged_store(tmp_path, [["1girl"]])
    before = store.version("labels")
    commands = [["sql", "SELECT count(*) FROM frames"], ["label", "drop", "--where", "true"]]
    loaded = modules_after(
        "    from animeds_db.cli import main\n"
        f"    for words in {commands!r}:\n"
        f"        sys.argv = ['animeds', *words, '--db', {str(store.uri)!r}]\n"
        "        try: main()\n"
        "        except SystemExit as ended: assert not ended.code, ended.code"
    )
    assert store.version("labels") > before
    assert "lance" in loaded
    assert "lancedb" not in loaded


def test_a_query_without_tables_imports_neither_lance_nor_pydantic(tmp_path: Path) -> None:
    store = tagged_store(tmp_path, [["1girl"]])
    loaded = modules_after(
        f"    sys.argv = ['animeds', 'sql', 'SELECT 1', '--db', {str(store.uri)!r}]\n"
        "    from animeds_db.cli import main\n    main()"
    )
    assert "duckdb" in loaded
    others = {"lance", "pyarrow.dataset", "pyarrow.compute", "pandas", "pydantic", "av", "PIL", "rich"}
    assert not loaded & others


def test_status_imports_nothing_for_media_or_models_and_opens_only_the_tables_it_reads(
    tmp_path: Path,
) -> None:
    store = tagged_store(tmp_path, [["1girl"]])
    loaded = modules_after(
        "    import atexit, lance, re\n"
        "    real, opened = lance.dataset, []\n"
        "    lance.dataset = lambda uri, *a, **k: opened.append(str(uri)) or real(uri, *a, **k)\n"
        "    atexit.register(lambda: print(','.join(sorted(re.findall(r'(\\w+)[.]lance', str(opened))))))\n"
        f"    sys.argv = ['animeds', 'status', '--db', {str(store.uri)!r}]\n"
        "    from animeds_db.cli import main\n    main()"
    )
    assert not loaded & {"lancedb", "pandas", "pydantic", "av", "PIL", "onnxruntime", "rich"}
    opened = next(word for word in loaded if "," in word).split(",")
    read = {"detected", "detections", "frames", "models", "sources", "vocabulary"}
    assert set(opened) == read
    assert len(opened) <= len(read) + 2  # `sources` also for its history: whether a check is due


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert not modules_after("    import animeds_db") & set(HEAVY)

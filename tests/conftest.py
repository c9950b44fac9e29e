"""What holds for all tests: their markers, and patience on a busy machine."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, so that a change is judged by its own faults. ANIMEDS_RANDOM=1 looks for new ones.
settings.register_profile(
    "animeds",
    deadline=None,
    derandomize=os.environ.get("ANIMEDS_RANDOM") != "1",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("animeds")

gc.disable()  # until the tests are collected: nothing of them is garbage, and looking takes seconds in each process

SOURCE = Path(__file__).parents[1] / "animeds_db"
sys.path.append(str(SOURCE.parent))  # for tests of training/, which is not installed
collect_ignore_glob = [] if (SOURCE.parent / "training").is_dir() else ["test_training_*.py"]
NEEDS = {
    "browser": {"browsing"},
    "ray": {"ray_here"},
    "s3": {"objectstore"},
    "media": {
        "anime_profile",
        "castings",
        "clipping",
        "drawntruth",
        "export_material",
        "faceclusters",
        "ingesting",
        "measuring",
        "movingshow",
        "rerunning",
        "sampleshow",
        "subtitled",
        "synced",
        "videos",
        "webserving",
        "whoiswho",
    },
}
"""The marker of a test module, by the helpers in tests/support/ that it imports. `fast`: none of these."""


REDRAWN = pytest.mark.flaky(reruns=1, only_rerun=r"^Error: .*not attached to the DOM")
"""Reruns a browser test once if the page replaced an element after the test had found it. pytest reports the rerun."""


SLOW = frozenset(
    [
        "arrange",
        "balance",
        "captions_profiles",
        "captions_rules",
        "character_set",
        "cli_map",
        "clusters_linkage",
        "heavy_statements",
        "import_time",
        "labels_acts",
        "labels_names",
        "labels_sequences",
        "labels_views",
        "logos",
        "notebook",
        "picture_names",
        "query_values",
        "safe_files",
        "sample_show",
        "search_pictures",
        "session_limits",
        "session_reading",
        "session_views",
        "similar_pairs",
        "sql_clips",
        "sql_dialects",
        "sql_steps",
        "sql_steps_export",
        "sql_tables",
        "sql_views",
        "steps_dedup",
        "steps_dedup_again",
        "store_writing",
        "training_conditions",
        "training_drawings",
        "upkeep_backup",
        "upkeep_indexes",
        "upkeep_optimize",
        "vectors_join",
    ]
)
"""Test modules that need none of those, but take more than a second or two. They are not `fast`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        module = item.getparent(pytest.Module)
        assert module is not None
        helpers = _imported(module.obj)
        if item.get_closest_marker("source_tree") and not SOURCE.is_dir():
            item.add_marker(
                pytest.mark.skip(reason="only the installed package is here, without its source tree")
            )
        slow = item.path.stem.removeprefix("test_") in SLOW
        for marker in [m for m, needs in NEEDS.items() if needs & helpers] or ([] if slow else ["fast"]):
            item.add_marker(marker)
        if item.path.stem.startswith("test_browser_"):
            item.add_marker(REDRAWN)


def pytest_collection_finish() -> None:
    gc.enable()
    gc.freeze()


def _imported(module: ModuleType) -> set[str]:
    """Return the names of the modules that this module, or what it imports, comes from."""
    values = vars(module).values()
    return {v.__name__ if isinstance(v, ModuleType) else str(getattr(v, "__module__", "")) for v in values}

"""What holds for all tests: their markers, and patience on a busy machine."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("animeds", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("animeds")

NEEDS = {
    "browser": {"browsing"},
    "ray": {"ray_here"},
    "s3": {"objectstore"},
    "media": {
        "anime_profile",
        "castings",
        "drawntruth",
        "export_material",
        "faceclusters",
        "ingesting",
        "measuring",
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        module = item.getparent(pytest.Module)
        assert module is not None
        helpers = _imported(module.obj)
        markers = [marker for marker, needs in NEEDS.items() if needs & helpers] or ["fast"]
        for marker in markers:
            if item.get_closest_marker("slow") is None or marker != "fast":
                item.add_marker(marker)


def _imported(module: ModuleType) -> set[str]:
    """Return the names of the modules that this module, or what it imports, comes from."""
    values = vars(module).values()
    return {v.__name__ if isinstance(v, ModuleType) else str(getattr(v, "__module__", "")) for v in values}

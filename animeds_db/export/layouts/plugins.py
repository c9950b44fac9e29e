"""Layouts that other packages add, by an entry point in the group `animeds_db.layouts`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import entry_points

from animeds_db.export.layouts.common import Layout

GROUP = "animeds_db.layouts"

logger = logging.getLogger("animeds")


def added_layouts(built_in: Mapping[str, Layout]) -> tuple[dict[str, Layout], dict[str, str]]:
    """Return the layouts of other packages by name, and a message for each that cannot be used.

    A layout that does not load, is not a `Layout`, or has the name of a built-in one is left out. The others, and
    the built-in ones, go on working.
    """
    layouts: dict[str, Layout] = {}
    problems: dict[str, str] = {}
    for point in entry_points(group=GROUP):
        package = point.dist.name if point.dist else point.value
        try:
            layout = point.load()
        except Exception as error:  # noqa: BLE001 (a stranger's module may raise anything)
            problems[point.name] = (
                f'The layout "{point.name}" of the package {package} does not load: {error!r}'
            )
            continue
        if not isinstance(layout, Layout):
            problems[point.name] = f"{point.value} of the package {package} is not a Layout."
        elif layout.name in built_in:
            logger.warning(
                'The package %s adds a layout "%s". The built-in layout of that name is used instead.',
                package,
                layout.name,
            )
        else:
            layouts[layout.name] = layout
    return layouts, problems

"""Layouts: the folders, names and extra files that each trainer expects. One module per family of layouts.

Every `Layout` that a module of this package defines is offered, and those of other packages (see plugins).
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from animeds_db.export.layouts.common import Item, Layout, Placement, Settings, Tree
from animeds_db.export.layouts.plugins import added_layouts


def _built_in() -> Iterator[Layout]:
    for module in iter_modules(__path__):
        for value in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, Layout):
                yield value


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in sorted(_built_in(), key=lambda layout: (layout.name != "plain", layout.name))
}
"""Every layout by name: `plain` first, then the other built-in ones, then those of other packages."""

_added, PROBLEMS = added_layouts(LAYOUTS)
LAYOUTS |= _added

__all__ = ["LAYOUTS", "PROBLEMS", "Item", "Layout", "Placement", "Settings", "Tree"]

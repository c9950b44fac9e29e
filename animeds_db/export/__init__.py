"""From a selection to a training folder, and from a folder's manifest to the same folder again.

    options = ExportOptions(profile=CaptionProfile(activation_tag="waifu"))
    plan, sources, _ = select(session, "SELECT frame_id FROM frames WHERE has_tag(tag_ids, '1girl')", options=options)
    report = export(plan, sources, "out", options=options)
    rebuild("out", "elsewhere/out")

A folder appears only when it is complete, and the same export gives the same bytes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from animeds_db.export.clips.options import ClipOptions
    from animeds_db.export.columns.arrange import Arrangement
    from animeds_db.export.columns.balance import Balance
    from animeds_db.export.columns.crops import CROP_KINDS, TRIMS, CropOptions
    from animeds_db.export.columns.schema import PLAN, SOURCE_COLUMNS
    from animeds_db.export.exporter import export, rebuild
    from animeds_db.export.hub.pushing import Pushed, check_push, push
    from animeds_db.export.layouts import LAYOUTS
    from animeds_db.export.options import ExportOptions, ExportReport, Provenance
    from animeds_db.export.pictures.masks import MaskOptions
    from animeds_db.export.pictures.render import FORMATS
    from animeds_db.export.plan import select
    from animeds_db.export.preview import preview_pictures, with_previous

_HOMES = {
    "Arrangement": "columns.arrange",
    "Balance": "columns.balance",
    "CROP_KINDS": "columns.crops",
    "ClipOptions": "clips.options",
    "CropOptions": "columns.crops",
    "ExportOptions": "options",
    "ExportReport": "options",
    "FORMATS": "pictures.render",
    "LAYOUTS": "layouts",
    "MaskOptions": "pictures.masks",
    "PLAN": "columns.schema",
    "Provenance": "options",
    "Pushed": "hub.pushing",
    "SOURCE_COLUMNS": "columns.schema",
    "TRIMS": "columns.crops",
    "check_push": "hub.pushing",
    "export": "exporter",
    "preview_pictures": "preview",
    "push": "hub.pushing",
    "rebuild": "exporter",
    "select": "plan",
    "with_previous": "preview",
}
"""Public names and their modules, imported when needed: help and completion use only the layouts."""

__all__ = [
    "CROP_KINDS",
    "FORMATS",
    "LAYOUTS",
    "PLAN",
    "SOURCE_COLUMNS",
    "TRIMS",
    "Arrangement",
    "Balance",
    "ClipOptions",
    "CropOptions",
    "ExportOptions",
    "ExportReport",
    "MaskOptions",
    "Provenance",
    "Pushed",
    "check_push",
    "export",
    "preview_pictures",
    "push",
    "rebuild",
    "select",
    "with_previous",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"animeds_db.export.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'animeds_db.export' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

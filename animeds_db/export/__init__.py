"""From a selection to a training folder, and from a folder's manifest to the same folder again.

    plan, sources, _ = select(session, "SELECT frame_id FROM frames WHERE has_tag(tag_ids, '1girl')")
    report = export(plan, sources, "out", options=ExportOptions(activation_tag="waifu"))
    rebuild("out", "elsewhere/out")

The one rule: a folder appears whole or not at all, and the same export gives the same bytes.
"""

from __future__ import annotations

from animeds_db.export.crops import CROP_KINDS, TRIMS, CropOptions
from animeds_db.export.exporter import export, rebuild
from animeds_db.export.layouts import LAYOUTS
from animeds_db.export.options import ExportOptions, ExportReport, Provenance
from animeds_db.export.render import FORMATS
from animeds_db.export.selection.plan import PLAN, SOURCE_COLUMNS, select

__all__ = [
    "CROP_KINDS",
    "FORMATS",
    "LAYOUTS",
    "PLAN",
    "SOURCE_COLUMNS",
    "TRIMS",
    "CropOptions",
    "ExportOptions",
    "ExportReport",
    "Provenance",
    "export",
    "rebuild",
    "select",
]

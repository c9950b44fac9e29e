"""From a selection to a training folder, and from a folder's manifest to the same folder again.

    options = ExportOptions(profile=CaptionProfile(activation_tag="waifu"))
    plan, sources, _ = select(session, "SELECT frame_id FROM frames WHERE has_tag(tag_ids, '1girl')", options=options)
    report = export(plan, sources, "out", options=options)
    rebuild("out", "elsewhere/out")

A folder appears only when it is complete, and the same export gives the same bytes.
"""

from __future__ import annotations

from animeds_db.export.arrange import Arrangement
from animeds_db.export.balance import Balance
from animeds_db.export.crops import CROP_KINDS, TRIMS, CropOptions
from animeds_db.export.exporter import export, rebuild
from animeds_db.export.layouts import LAYOUTS
from animeds_db.export.options import ExportOptions, ExportReport, Provenance
from animeds_db.export.plan import PLAN, SOURCE_COLUMNS, select
from animeds_db.export.render import FORMATS

__all__ = [
    "CROP_KINDS",
    "FORMATS",
    "LAYOUTS",
    "PLAN",
    "SOURCE_COLUMNS",
    "TRIMS",
    "Arrangement",
    "Balance",
    "CropOptions",
    "ExportOptions",
    "ExportReport",
    "Provenance",
    "export",
    "rebuild",
    "select",
]

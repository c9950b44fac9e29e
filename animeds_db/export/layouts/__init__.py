"""Where pictures go for which trainer, and what lies beside them: one small file per family of layouts."""

from __future__ import annotations

from animeds_db.export.layouts.aitoolkit import AI_TOOLKIT
from animeds_db.export.layouts.common import Item, Layout, Settings, Tree, Wish
from animeds_db.export.layouts.diffusionpipe import DIFFUSION_PIPE
from animeds_db.export.layouts.everydream import EVERYDREAM
from animeds_db.export.layouts.huggingface import IMAGEFOLDER
from animeds_db.export.layouts.kohya import FOLDERS, TOML
from animeds_db.export.layouts.musubi import MUSUBI
from animeds_db.export.layouts.onetrainer import ONETRAINER
from animeds_db.export.layouts.plain import PLAIN, ZIP
from animeds_db.export.layouts.plugins import added_layouts
from animeds_db.export.layouts.simpletuner import SIMPLETUNER
from animeds_db.export.layouts.webdataset import WEBDATASET

_ALL = (
    PLAIN,
    FOLDERS,
    TOML,
    EVERYDREAM,
    ONETRAINER,
    AI_TOOLKIT,
    DIFFUSION_PIPE,
    SIMPLETUNER,
    MUSUBI,
    IMAGEFOLDER,
    WEBDATASET,
    ZIP,
)

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in _ALL}
"""Every layout by name: the built-in ones, then those of other packages."""

_added, PROBLEMS = added_layouts(LAYOUTS)
LAYOUTS |= _added

__all__ = ["LAYOUTS", "PROBLEMS", "Item", "Layout", "Settings", "Tree", "Wish"]

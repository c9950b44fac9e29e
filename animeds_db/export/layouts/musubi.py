"""musubi-tuner (docs/dataset_config.md there): one block per folder, captions in .txt.

It finds its cached files with a pattern and does not escape the folder, so no path may contain brackets.
"""

from __future__ import annotations

from typing import Any

from animeds_db.export.layouts.common import Files, Group, Layout, Tree, below_pictures, toml_table


def _dataset(group: Group, tree: Tree) -> dict[str, Any]:
    return {
        "image_directory": tree.place(group.folder),
        "cache_directory": tree.place(f"cache/{group.name}"),  # each its own: caches are named after pictures
        "num_repeats": group.repeats,
    }


def config(tree: Tree) -> Files:
    """Yield the dataset configuration."""
    edge = tree.settings.resolution
    general = {
        "resolution": [edge, edge],
        "caption_extension": ".txt",
        "batch_size": 1,
        "enable_bucket": True,
        "bucket_no_upscale": True,
    }
    blocks = [toml_table("[[datasets]]", _dataset(group, tree)) for group in tree.groups()]
    yield "dataset_config.toml", "".join([toml_table("[general]", general), *blocks]).encode()


MUSUBI = Layout(
    "musubi",
    "musubi-tuner (--dataset_config dataset_config.toml)",
    folder=below_pictures,
    files=config,
    needs_captions=True,
    reads_lines=False,
    reads_separator=False,
    marks_regularization=False,
    globs=True,
    repeats="folder",
    has_config=True,
)

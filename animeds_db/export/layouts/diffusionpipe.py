"""diffusion-pipe: dataset.toml with one [[directory]] per folder; folders are not read recursively."""

from __future__ import annotations

from animeds_db.export.layouts.common import Files, Layout, Tree, below_pictures, toml_table


def dataset(tree: Tree) -> Files:
    """Yield dataset.toml; the buckets are those of diffusion-pipe's example, for pictures only."""
    general = {
        "resolutions": [tree.settings.resolution],
        "enable_ar_bucket": True,
        "min_ar": 0.5,
        "max_ar": 2.0,
        "num_ar_buckets": 7,
        "frame_buckets": [1],
    }
    blocks = [
        toml_table("[[directory]]", {"path": tree.place(group.folder), "num_repeats": group.repeats})
        for group in tree.groups()
    ]
    yield "dataset.toml", "".join([toml_table("", general), *blocks]).encode()


DIFFUSION_PIPE = Layout(
    "diffusion-pipe",
    "diffusion-pipe (dataset = 'dataset.toml')",
    folder=below_pictures,
    files=dataset,
    needs_captions=True,
    reads_lines=False,
    reads_separator=False,
    repeats="folder",
    has_config=True,
)

"""diffusion-pipe: dataset.toml with one [[directory]] per folder; folders are not read recursively.

Where pictures have several captions, the folder's `captions.json` lists them all, and no `.txt` is read there.
"""

from __future__ import annotations

import posixpath

from animeds_db.export.layouts.common import (
    Files,
    Group,
    Layout,
    Tree,
    as_json,
    below_clips,
    below_pictures,
    toml_table,
)


def has_variants(group: Group) -> bool:
    """Return True if some picture of a folder has several captions."""
    return any(len(item.lines) > 1 for item in group.items)


def dataset(tree: Tree) -> Files:
    """Yield dataset.toml, and captions.json where pictures have several captions.

    The buckets are those of diffusion-pipe's example. A clip goes into the longest frame bucket that it fills, and
    there is one for every number of frames, so that no clip is cut or left out.
    """
    counts = {count for group in tree.groups() for count in group.frame_counts}
    general = {
        "resolutions": [tree.settings.resolution],
        "enable_ar_bucket": True,
        "min_ar": 0.5,
        "max_ar": 2.0,
        "num_ar_buckets": 7,
        "frame_buckets": sorted({1, *counts}),
    }
    blocks = [
        toml_table(
            "[[directory]]",
            {
                "path": tree.place(group.folder),
                "num_repeats": group.repeats,
                "control_path": next(map(tree.place, group.control_folders), None),
                "mask_path": tree.place(group.mask_folder) if group.mask_folder else None,
            },
        )
        for group in tree.groups()
    ]
    yield "dataset.toml", "".join([toml_table("", general), *blocks]).encode()
    for group in filter(has_variants, tree.groups()):
        captions = {posixpath.basename(item.path): item.lines or [""] for item in group.items}
        yield f"{group.folder}/captions.json", as_json(captions)


DIFFUSION_PIPE = Layout(
    "diffusion-pipe",
    "diffusion-pipe (dataset = 'dataset.toml')",
    folder=below_pictures,
    files=dataset,
    needs_captions=True,
    lists=has_variants,
    reads_separator=False,
    marks_regularization=False,
    note_on_lines="pictures have several captions: diffusion-pipe reads captions.json and ignores .txt files there",
    repeats="folder",
    has_config=True,
    controls=1,
    masks=("diffusion-pipe", "folder"),
).with_clips(
    masks=("diffusion-pipe",),  # one picture for all frames of a clip
    folder=below_clips,
    other_media=False,  # every file but texts is media to it
    note="diffusion-pipe computes the number of frames at the rate of its model: export with that rate (--fps)",
    note_on_lines=None,
)

"""musubi-tuner (docs/dataset_config.md there): one block per folder, captions in .txt.

It finds its cached files with a pattern and does not escape the folder, so no path may contain brackets.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from animeds_db.export.layouts.common import (
    MANY,
    Files,
    Group,
    Item,
    Layout,
    Tree,
    as_jsonl,
    below_clips,
    below_pictures,
    toml_table,
)


def _dataset(group: Group, tree: Tree) -> dict[str, Any]:
    """Return the block of a folder. With controls it has a list of pictures, because musubi-tuner takes any control for
    a picture whose name begins with that of the picture."""
    pictures = {"image_directory": tree.place(group.folder)}
    if group.control_folders:
        pictures = {"image_jsonl_file": tree.place(_list_name(group))}
    return pictures | {
        "cache_directory": tree.place(f"cache/{group.name}"),  # each its own: caches are named after pictures
        "num_repeats": group.repeats,
    }


def _list_name(group: Group) -> str:
    return f"{group.name}.jsonl".replace("/", "_")


def config(tree: Tree) -> Files:
    """Yield the dataset configuration, and a list of pictures for every folder whose pictures have controls."""
    edge = tree.settings.resolution
    general = {
        "resolution": [edge, edge],
        "caption_extension": ".txt",
        "batch_size": 1,
        "enable_bucket": True,
        "bucket_no_upscale": True,
    }
    groups = tree.groups()
    blocks = [toml_table("[[datasets]]", _dataset(group, tree)) for group in groups]
    yield "dataset_config.toml", "".join([toml_table("[general]", general), *blocks]).encode()
    for group in groups:
        if group.control_folders:
            yield _list_name(group), as_jsonl(_picture(item, tree) for item in group.items)


def _picture(item: Item, tree: Tree) -> dict[str, Any]:
    row = {"image_path": tree.place(item.path), "caption": item.caption or ""}
    return row | {f"control_path_{n}": tree.place(path) for n, path in enumerate(item.controls)}


def clip_config(tree: Tree) -> Files:
    """Yield the dataset configuration for clips, with a list of clips for every folder and number of frames.

    Of a clip that is longer than `target_frames`, musubi-tuner takes the first frames, once for every number that fits.
    With one number in each block, every clip is taken once and whole.
    """
    edge = tree.settings.resolution
    general = {
        "resolution": [edge, edge],
        "batch_size": 1,
        "enable_bucket": True,
        "bucket_no_upscale": True,
    }
    parts = [toml_table("[general]", general)]
    for group in tree.groups():
        ordered = sorted(group.items, key=lambda item: item.n_frames)
        for n_frames, items in groupby(ordered, key=lambda item: item.n_frames):
            name = f"{group.name}_{n_frames}f".replace("/", "_")
            values = {
                "video_jsonl_file": tree.place(f"{name}.jsonl"),
                "cache_directory": tree.place(f"cache/{name}"),
                "target_frames": [n_frames],
                "frame_extraction": "head",
                "num_repeats": group.repeats,
            }
            parts.append(toml_table("[[datasets]]", values))
            yield f"{name}.jsonl", as_jsonl(_clip(item, tree) for item in items)
    yield "dataset_config.toml", "".join(parts).encode()


def _clip(item: Item, tree: Tree) -> dict[str, Any]:
    row = {"video_path": tree.place(item.path), "caption": item.caption or ""}
    return row | ({"control_path": tree.place(item.controls[0])} if item.controls else {})


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
    controls=MANY,
).with_clips(
    folder=below_clips,
    files=clip_config,
    texts=False,
    frame_folders=True,
    controls=1,
    note="musubi-tuner uses 4n+1 frames of a clip, and ignores sound",
)

"""SimpleTuner: multidatabackend.json, one backend per folder. It reads folders recursively."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from animeds_db.export.layouts.common import (
    Files,
    Group,
    Layout,
    Tree,
    as_json,
    by_length,
    flat_below_pictures,
)

TEXT_EMBEDS = "text-embeds"


def _backend(group: Group, tree: Tree) -> dict[str, Any]:
    is_moving = group.frame_counts != [1]
    name = f"{'clips' if is_moving else 'pictures'}-{group.name}"
    values: dict[str, Any] = {
        "id": name,
        "type": "local",
        "dataset_type": "video" if is_moving else "image",
        "instance_data_dir": tree.place(group.folder),
        "caption_strategy": "textfile",
        "repeats": group.repeats - 1,  # how often more than once
        "resolution": tree.settings.resolution,
        "resolution_type": "pixel_area",
        "crop": False,
        "text_embeds": TEXT_EMBEDS,
        "cache_dir_vae": tree.place(f"cache/vae/{group.name}"),
    }
    if is_moving:
        n_frames = group.frame_counts[0]
        values |= {"video": {"num_frames": n_frames, "min_frames": n_frames}}
        values |= {"audio": {"auto_split": True}} if tree.settings.has_sound else {}
    values |= {"conditioning_data": f"masks-{group.name}"} if group.mask_folder else {}
    return values | ({"is_regularisation_data": True} if group.is_reg else {})


def _masks(group: Group, tree: Tree) -> Iterator[dict[str, Any]]:
    """Yield the backend with the masks of a folder. SimpleTuner aligns them to the pictures of the same file names."""
    if group.mask_folder:
        yield {
            "id": f"masks-{group.name}",
            "type": "local",
            "dataset_type": "conditioning",
            "conditioning_type": "mask",
            "source_dataset_id": f"pictures-{group.name}",
            "instance_data_dir": tree.place(group.mask_folder),
            "resolution": tree.settings.resolution,
            "resolution_type": "pixel_area",
            "crop": False,
        }


def backends(tree: Tree) -> Files:
    """Yield the list of backends, with the cache of text embeddings that SimpleTuner asks for."""
    text = {
        "id": TEXT_EMBEDS,
        "type": "local",
        "dataset_type": "text_embeds",
        "default": True,
        "cache_dir": tree.place("cache/text"),
    }
    groups = tree.groups()
    masks = [backend for group in groups for backend in _masks(group, tree)]
    yield "multidatabackend.json", as_json([*(_backend(g, tree) for g in groups), *masks, text])


SIMPLETUNER = Layout(
    "simpletuner",
    "SimpleTuner (data_backend_config: multidatabackend.json)",
    folder=flat_below_pictures,
    files=backends,
    needs_captions=True,
    reads_separator=False,
    repeats="folder",
    has_config=True,
    masks=("simpletuner", "folder"),
).with_clips(
    folder=by_length,
    masks=(),
    other_media=False,  # pictures and videos must not be in one of its datasets
)

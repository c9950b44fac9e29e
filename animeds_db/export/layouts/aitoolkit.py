"""ostris' ai-toolkit: the `datasets` part of a job's YAML. It reads folders recursively."""

from __future__ import annotations

import json
from typing import Any

from animeds_db.export.layouts.common import MANY, Files, Group, Layout, Tree, by_length, flat_below_pictures


def _dataset(group: Group, tree: Tree) -> dict[str, Any]:
    values: dict[str, Any] = {
        "folder_path": tree.place(group.folder),
        "caption_ext": "txt",
        "num_repeats": group.repeats,
        "keep_tokens": tree.settings.n_kept(group),  # where shuffle_tokens is on
        "resolution": [tree.settings.resolution],
    }
    if group.frame_counts != [1]:
        values |= {
            "num_frames": group.frame_counts[0],
            "shrink_video_to_frames": True,
        }  # all of them: no clip has more
        values |= {"fps": tree.settings.fps} if tree.settings.fps else {}
        values |= {"do_audio": True} if tree.settings.has_sound else {}
    values |= _controls(group, tree)
    values |= {"mask_path": tree.place(group.mask_folder)} if group.mask_folder else {}
    values |= {"alpha_mask": True} if tree.settings.mask_format == "alpha" else {}
    return values | ({"is_reg": True} if group.is_reg else {})


def _controls(group: Group, tree: Tree) -> dict[str, Any]:
    """Return the folders of controls: a path if there is one, else a list."""
    places = [tree.place(folder) for folder in group.control_folders]
    return {"control_path": places[0] if len(places) == 1 else places} if places else {}


def datasets(tree: Tree) -> Files:
    """Yield the YAML; a string or list in JSON is one in YAML too."""
    lines = ["# goes below process: in the job of ai-toolkit\n", "datasets:\n"]
    for group in tree.groups():
        for place, (name, value) in enumerate(_dataset(group, tree).items()):
            lines.append(f"{'    ' if place else '  - '}{name}: {json.dumps(value, ensure_ascii=False)}\n")
    yield "datasets.yaml", "".join(lines).encode()


AI_TOOLKIT = Layout(
    "ai-toolkit",
    "ai-toolkit (paste datasets.yaml into the job)",
    folder=flat_below_pictures,
    files=datasets,
    needs_captions=True,
    reads_lines=False,
    reads_separator=False,
    repeats="folder",
    has_config=True,
    controls=MANY,
    masks=("ai-toolkit", "folder", "alpha"),
).with_clips(
    masks=(),
    folder=by_length,
    other_media=False,  # it trains on pictures among videos
    controls=1,
)

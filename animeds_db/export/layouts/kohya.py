"""kohya's sd-scripts, by folders and by a dataset configuration (docs/config_README-en.md of sd-scripts)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from animeds_db.export.layouts.common import (
    PICTURES,
    REGULARIZATION,
    Files,
    Group,
    Layout,
    Tree,
    Wish,
    below_pictures,
    toml_table,
)

CONFIG = "dataset_config.toml"
SEPARATOR = "|||"
"""Parts what stays in front of a caption from what is shuffled, where a selection's own captions have it."""


def numbered(wish: Wish) -> str:
    """Return `N_name`, one level, as sd-scripts read it: N repeats, name the class tokens.

    Without a folder, or without captions, the name is the activation tag. sd-scripts ignore a folder without a number.
    Where there are regularization pictures, both kinds get a folder: `--train_data_dir train --reg_data_dir reg`.
    """
    name = _without_tree(wish.parts) or wish.activation_tag or (REGULARIZATION if wish.is_reg else PICTURES)
    if not wish.has_captions and wish.activation_tag:
        name = wish.activation_tag
    folder = f"{wish.repeats}_{name.replace('/', '_')}"
    if wish.has_regularization:
        return f"{'reg' if wish.is_reg else 'train'}/{folder}"
    return folder


def _without_tree(parts: Sequence[str]) -> str:
    """Return a folder as one name; regularization pictures have a tree of their own, which is no class token."""
    return "_".join(parts[1:] if len(parts) > 1 and parts[0] == REGULARIZATION else parts)


def _subset(group: Group, tree: Tree) -> dict[str, Any]:
    captions = [item.caption for item in group.items if item.caption is not None]
    separator = tree.settings.keep_tokens_separator or SEPARATOR
    has_captions, is_split = bool(captions), any(separator in text for text in captions)
    return {
        "image_dir": tree.place(group.folder),
        "num_repeats": group.repeats,
        "is_reg": True if group.is_reg else None,
        "caption_extension": ".txt" if has_captions else None,
        "class_tokens": None if has_captions else _class_tokens(group, tree),
        # several captions, one per line, of which one is drawn
        "enable_wildcard": True if any("\n" in text for text in captions) else None,
        "shuffle_caption": True if is_split else None,
        "keep_tokens_separator": separator if is_split else None,
        "keep_tokens": tree.settings.n_kept(group) or None if has_captions and not is_split else None,
    }


def _class_tokens(group: Group, tree: Tree) -> str:
    if group.is_reg:
        return _without_tree(group.name.split("/"))
    return tree.settings.activation_tag or group.name


def config(tree: Tree) -> Files:
    """Yield the dataset configuration, a subset per folder."""
    parts = [toml_table("[general]", {"enable_bucket": True})]
    edge = tree.settings.resolution
    parts.append(toml_table("[[datasets]]", {"resolution": edge, "max_bucket_reso": max(1024, 2 * edge)}))
    parts += [toml_table("[[datasets.subsets]]", _subset(group, tree)) for group in tree.groups()]
    yield CONFIG, "".join(parts).encode()


ON_EMPTY = "sd-scripts stop at an empty caption"

FOLDERS = Layout(
    "kohya",
    "kohya sd-scripts (--train_data_dir), bmaltais GUI, most LoRA notebooks",
    folder=numbered,
    repeats="folder",
    on_empty=ON_EMPTY,
    class_tokens=True,
    note="sd-scripts look for .caption files: tell them --caption_extension .txt",
    note_on_lines="pictures have several captions: tell sd-scripts --enable_wildcard",
    note_on_separator="a part of captions stays in front: tell sd-scripts --shuffle_caption --keep_tokens_separator",
)
TOML = Layout(
    "kohya-toml",
    "kohya sd-scripts (--dataset_config dataset_config.toml)",
    folder=below_pictures,
    files=config,
    repeats="folder",
    on_empty=ON_EMPTY,
    class_tokens=True,
    has_config=True,
)

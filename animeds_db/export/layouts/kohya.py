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
    Placement,
    Tree,
    below_pictures,
    toml_table,
)

CONFIG = "dataset_config.toml"
SEPARATOR = "|||"
"""The separator that captions of a selection may have between the tags that stay in front and the others."""


def numbered(picture: Placement) -> str:
    """Return `N_name`, one level, as sd-scripts read it: N repeats, name the class tokens.

    Without a folder, or without captions, the name is the activation tag. sd-scripts ignore a folder without a number.
    If there are regularization pictures, both kinds get a folder: `--train_data_dir train --reg_data_dir reg`.
    """
    name = (
        _without_tree(picture.parts)
        or picture.activation_tag
        or (REGULARIZATION if picture.is_reg else PICTURES)
    )
    if not picture.has_captions and picture.activation_tag:
        name = picture.activation_tag
    folder = f"{picture.repeats}_{name.replace('/', '_')}"
    if picture.has_regularization:
        return f"{'reg' if picture.is_reg else 'train'}/{folder}"
    return folder


def _without_tree(parts: Sequence[str]) -> str:
    """Return a folder as one name; regularization pictures have a tree of their own, which is not a class token."""
    return "_".join(parts[1:] if len(parts) > 1 and parts[0] == REGULARIZATION else parts)


def _subset(group: Group, tree: Tree) -> dict[str, Any]:
    captions = [item.caption for item in group.items if item.caption is not None]
    separator = tree.settings.keep_tokens_separator or SEPARATOR
    has_captions, is_split = bool(captions), any(separator in text for text in captions)
    conditioning = [group.mask_folder] if group.mask_folder else group.control_folders
    return {
        "image_dir": tree.place(group.folder),
        "alpha_mask": True if tree.settings.mask_format == "alpha" else None,
        "num_repeats": group.repeats,
        # with masks or controls, a subset must not say more
        "is_reg": True if group.is_reg and not conditioning else None,
        "conditioning_data_dir": next(map(tree.place, conditioning), None),
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
    masks=("alpha", ".mask"),  # a folder of masks would be read as one of pictures
    note_on_masks="masks are the alpha channels of the pictures: start sd-scripts with --alpha_mask, or masks are the "
    "files .mask, which AnimaLoraStudio reads",
    note="start sd-scripts with --caption_extension .txt, since they look for .caption files",
    note_on_lines="pictures have several captions: start sd-scripts with --enable_wildcard",
    note_on_separator="tags stay in front: start sd-scripts with --shuffle_caption --keep_tokens_separator",
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
    controls=1,
    equal_sizes=True,
    masks=("kohya", "folder", "alpha"),
    note_on_masks="start sd-scripts with --masked_loss",
)

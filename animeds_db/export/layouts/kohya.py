"""kohya's sd-scripts, by folders and by a dataset configuration (docs/config_README-en.md of sd-scripts)."""

from __future__ import annotations

from typing import Any

from animeds_db.export.layouts.common import (
    PICTURES,
    Files,
    Group,
    Layout,
    Tree,
    Wish,
    as_jsonl,
    below_pictures,
    toml_table,
)

CONFIG = "dataset_config.toml"
METADATA = "metadata.jsonl"
SEPARATOR = "|||"
"""Parts what stays in front of a caption from what is shuffled, where a selection's own captions have it."""


def numbered(wish: Wish) -> str:
    """Return `N_name`, one level, as sd-scripts read it: N repeats, name the class tokens.

    Without a folder the name is the activation tag. sd-scripts ignore a folder without a number. Where there are
    regularization pictures, both kinds get a folder: `--train_data_dir train --reg_data_dir reg`.
    """
    name = "_".join(wish.parts) or wish.activation_tag or PICTURES
    folder = f"{wish.repeats}_{name.replace('/', '_')}"
    if wish.has_regularization:
        return f"{'reg' if wish.is_reg else 'train'}/{folder}"
    return folder


def _subset(group: Group, tree: Tree) -> dict[str, Any]:
    captions = [item.caption for item in group.items if item.caption is not None]
    separator = tree.settings.keep_tokens_separator or SEPARATOR
    has_captions, is_split = bool(captions), any(separator in text for text in captions)
    return {
        "image_dir": tree.place(group.folder),
        "num_repeats": group.repeats,
        "is_reg": True if group.is_reg else None,
        "caption_extension": ".txt" if has_captions else None,
        "class_tokens": None if has_captions else tree.settings.activation_tag or group.name,
        # several captions, one per line, of which one is drawn
        "enable_wildcard": True if any("\n" in text for text in captions) else None,
        "shuffle_caption": True if is_split else None,
        "keep_tokens_separator": separator if is_split else None,
        "keep_tokens": tree.settings.n_kept or None if has_captions and not is_split else None,
    }


def config(tree: Tree) -> Files:
    """Yield the dataset configuration, a subset per folder, and the pictures one per line."""
    parts = [toml_table("[general]", {"enable_bucket": True})]
    edge = tree.settings.resolution
    parts.append(toml_table("[[datasets]]", {"resolution": edge, "max_bucket_reso": max(1024, 2 * edge)}))
    parts += [toml_table("[[datasets.subsets]]", _subset(group, tree)) for group in tree.groups()]
    yield CONFIG, "".join(parts).encode()
    rows = (
        {
            "image_path": tree.place(item.path),
            "caption": item.first_line,
            "num_repeats": item.repeats,
            "image_size": [item.width, item.height],
        }
        for item in tree.items
    )
    yield METADATA, as_jsonl(rows)


FOLDERS = Layout(
    "kohya",
    "kohya sd-scripts (--train_data_dir), bmaltais GUI, most LoRA notebooks",
    folder=numbered,
    repeats="folder",
    reads_empty=False,
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
    reads_empty=False,
    has_config=True,
)

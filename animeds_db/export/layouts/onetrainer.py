"""OneTrainer: a list of concepts, one per folder (modules/util/config/ConceptConfig.py there)."""

from __future__ import annotations

from typing import Any

from animeds_db.export.layouts.common import Files, Group, Layout, Tree, as_json, below_clips, below_pictures

CONCEPTS = "concepts.json"
CONCEPT_VERSION = 2
"""Version of OneTrainer's concepts that is written; keys that are not written have OneTrainer's defaults."""


def _concept(group: Group, tree: Tree) -> dict[str, Any]:
    return {
        "__version": CONCEPT_VERSION,
        "name": group.name,
        "path": tree.place(group.folder),
        "seed": 0,
        "enabled": True,
        "type": "PRIOR_PREDICTION" if group.is_reg else "STANDARD",
        "include_subdirectories": False,
        "balancing": float(group.multiply),
        "balancing_strategy": "REPEATS",
        "loss_weight": 1.0,
        "text": {
            "__version": 0,
            "prompt_source": "sample",
            "keep_tags_count": tree.settings.n_kept(group) or 1,
        },
    }


def concepts(tree: Tree) -> Files:
    """Yield the file that OneTrainer loads as its concepts.

    Paths are absolute: OneTrainer's scripts change to its own folder, and a path that does not exist is read as a
    data set of the Hugging Face Hub.
    """
    yield CONCEPTS, as_json([_concept(group, tree) for group in tree.groups()])


ONETRAINER = Layout(
    "onetrainer",
    "OneTrainer (concept_file_name: concepts.json)",
    folder=below_pictures,
    files=concepts,
    needs_captions=True,
    reads_separator=False,
    repeats="folder",
    fractions=True,
    has_config=True,
    absolute=CONCEPTS,
    masks=("masklabel",),
    note_on_masks="turn on masked training in OneTrainer",
).with_clips(
    folder=below_clips,
    other_media=False,  # it trains on pictures among videos
    note="OneTrainer trains at 24 frames per second, and on one number of frames, which is in its own settings: "
    "export with --fps 24 and one number, such as --frames 25",
)

"""Checks before an export starts, and notes for the user when it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from animeds_db.errors import ExportError, UsageError
from animeds_db.export.layouts import LAYOUTS, Layout
from animeds_db.export.layouts.common import REGULARIZATION
from animeds_db.export.manifest import Manifest
from animeds_db.export.options import ExportOptions
from animeds_db.export.pictures.picture import Picture

_SHARED = {
    "clone": "the layouts share the pictures on disk, until one of them is changed",
    "hard link": "the layouts share the pictures as hard links: one file with several names",
    "copy": "each layout has its own copy of the pictures: this file system supports neither clones nor hard links",
}


def refuse_unreadable(pictures: Sequence[Picture], options: ExportOptions) -> None:
    """Raise ExportError for pictures that the trainer of a layout does not accept: with empty captions, or masked."""
    _refuse_masked(pictures, options)
    empty = _empty(pictures)
    strict = [layout for layout in options.chosen if not layout.reads_empty]
    if not (empty and strict):
        return
    why = "; ".join(dict.fromkeys(str(layout.on_empty) for layout in strict))
    others = ", ".join(layout.name for layout in LAYOUTS.values() if layout.reads_empty)
    raise ExportError(
        f"{len(empty)} of {len(pictures)} captions are empty (the first: frame {empty[0].frame_id}). {why}.",
        hint=f"{_way_out(empty, options)}, leave those frames out of the selection, or choose a layout that accepts "
        f"empty captions: {others}",
    )


def _refuse_masked(pictures: Sequence[Picture], options: ExportOptions) -> None:
    """Raise ExportError for regularization pictures with mask files: to sd-scripts, such a folder cannot be both."""
    n_reg = sum(picture.image_type == REGULARIZATION for picture in pictures)
    if n_reg and "kohya-toml" in options.layouts and options.mask_part():
        raise ExportError(
            f"sd-scripts cannot read mask files of regularization pictures: there are {n_reg}.",
            hint="Choose --mask-format alpha, or leave them out of the selection.",
        )


def _empty(pictures: Sequence[Picture]) -> list[Picture]:
    return [picture for picture in pictures if picture.caption is not None and not picture.caption.strip()]


def _way_out(empty: Sequence[Picture], options: ExportOptions) -> str:
    if options.profile.activation_tag or all(picture.image_type == REGULARIZATION for picture in empty):
        return "Lower --threshold"
    return "Set an --activation-tag, lower --threshold"


def refuse_remote(uri: str, options: ExportOptions) -> None:
    """Raise UsageError if a layout needs absolute paths and --trainer-root is not given."""
    names = [layout.name for layout in options.chosen if layout.absolute]
    if names and not options.trainer_root:
        raise UsageError(
            f"{', '.join(names)} needs absolute paths, but {uri} is not on this machine.",
            hint="Give the path at which the trainer will find the files with --trainer-root.",
        )


def notes(manifest: Manifest, options: ExportOptions, folder: Path, shared: Counter[str]) -> Iterator[str]:
    """Yield notes about a folder that was written, one sentence each.

    shared: how many pictures of further layouts were stored as clones, hard links or copies.
    """
    pictures = manifest.pictures
    empty = _empty(pictures)
    if empty:
        yield f"{len(empty)} captions are empty: {_reason(options)} (the first: frame {empty[0].frame_id})"
    tag = options.profile.activation_tag
    bare = sum(bool(tag) and picture.caption == tag for picture in pictures)
    if bare:
        yield f"{bare} captions are only the activation tag{_described_by(options)}"
    n_reg = sum(picture.image_type == REGULARIZATION for picture in pictures)
    has_repeats = any(picture.repeats != 1 for picture in pictures)
    for layout in options.chosen:
        if has_repeats and layout.repeats is None:
            yield f"the layout {layout.name} cannot store repeats: they are only in the manifest"
        if n_reg and not layout.marks_regularization:
            yield (
                f"{layout.name} cannot mark regularization pictures: it trains on those {n_reg} as on all others, "
                "without the activation tag. Leave them out of the selection if you do not want that"
            )
        if options.captions:
            yield from _about_captions(layout, pictures, options)
        if options.masks.has_file and layout.note_on_masks is not None:
            yield layout.note_on_masks
        if layout.has_config and not options.trainer_root:
            yield _about_paths(layout, folder)
    yield from (_SHARED[how] for how in shared)


def _reason(options: ExportOptions) -> str:
    if options.profile.dropout:
        return "dropout emptied them, or the caption profile found nothing to write about the picture"
    return "the caption profile found nothing to write about the picture"


def _described_by(options: ExportOptions) -> str:
    if "description" not in options.profile.parts:
        return ""
    return ". `animeds describe` writes descriptions, and --captions mixed writes tags beside them"


def _about_paths(layout: Layout, folder: Path) -> str:
    if layout.absolute:
        return (
            f"{layout.name}: {layout.absolute} contains the path {folder}. If the trainer uses another path, export "
            "again with --trainer-root"
        )
    return (
        f"{layout.name}: start the trainer in that folder, or give the path of the folder with --trainer-root"
    )


def _about_captions(layout: Layout, pictures: Sequence[Picture], options: ExportOptions) -> Iterator[str]:
    if layout.note is not None:
        yield layout.note
    if layout.note_on_lines is not None and any("\n" in (p.caption or "") for p in pictures):
        yield layout.note_on_lines
    if layout.note_on_separator is not None and options.profile.keep_tokens_separator:
        yield f'{layout.note_on_separator} "{options.profile.keep_tokens_separator}"'

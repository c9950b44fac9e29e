"""EveryDream2: `multiply.txt` in a folder sets how often its pictures are used; subfolders do not inherit it."""

from __future__ import annotations

from animeds_db.export.layouts.common import Files, Layout, Tree, as_number

_RESERVED = frozenset(
    {"multiply", "flip_p", "cond_dropout", "shuffle_tags", "batch_id", "loss_scale", "local", "global"}
)
"""Names of EveryDream2's own files: a caption must not be one of them."""


def free_stem(stem: str) -> str:
    """Return the name, or another one if its caption would have the name of a file of EveryDream2."""
    return f"{stem}_" if stem.strip().casefold() in _RESERVED else stem


def multiply(tree: Tree) -> Files:
    """Yield the `multiply.txt` of every folder that has pictures."""
    for group in tree.groups():
        yield f"{group.folder}/multiply.txt".lstrip("/"), as_number(group.multiply).encode()


EVERYDREAM = Layout(
    "everydream",
    "EveryDream2 (data_root)",
    stem=free_stem,
    files=multiply,
    reads_lines=False,
    reads_separator=False,
    on_empty="EveryDream2 trains on the file name instead of an empty caption",
    marks_regularization=False,
    repeats="folder",
    fractions=True,
)

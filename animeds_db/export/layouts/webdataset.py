"""WebDataset: shards of samples in tar files; the files of a sample have the same name and follow each other."""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO

from animeds_db.export.layouts.common import MANY, Files, Item, Layout, Tree
from animeds_db.export.layouts.huggingface import record

SHARD_BYTES = 1_000_000_000
"""A shard is closed when it is this large: the size that the WebDataset documents recommend."""


def without_dots(stem: str) -> str:
    """Return a name without dots: WebDataset reads everything after the first dot as the extension."""
    return stem.replace(".", "_")


def pack_shards(
    tree: Tree,
    picture: Callable[[Item, str], bytes],
    beside: Callable[[Item], Files],
    create: Callable[[str], AbstractContextManager[IO[bytes]]],
) -> None:
    """Write `pictures-000000.tar` (of clips: `clips-000000.tar`) and so on.

    Each sample is the picture, its parts, such as `NAME.control.png`, its caption and its record.
    """
    kind = "clips" if any(item.n_frames > 1 for item in tree.items) else "pictures"
    shard = 0
    items = iter(tree.items)
    item = next(items, None)
    while item is not None:
        with create(f"{kind}-{shard:06d}.tar") as file, tarfile.open(fileobj=file, mode="w") as archive:
            while item is not None and file.tell() < SHARD_BYTES:
                key = item.stem
                _add(archive, key + posixpath.splitext(item.path)[1], picture(item, ""))
                for part in item.parts:
                    _add(archive, f"{key}.{part.lstrip('.-')}", picture(item, part))
                for path, content in beside(item):
                    _add(archive, path, content)
                _add(archive, f"{key}.json", json.dumps(record(item), ensure_ascii=False).encode())
                item = next(items, None)
        shard += 1


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(
        name
    )  # time 0, no owner, 0644: an archive does not depend on when and by whom it was made
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


WEBDATASET = Layout(
    "webdataset",
    'webdataset, img2dataset-style loaders, load_dataset("webdataset", …)',
    stem=without_dots,
    reads_lines=False,
    repeats="picture",
    tells=True,
    pack=pack_shards,
    controls=MANY,
    masks=("folder", "alpha"),
).with_clips(
    controls=1,
    masks=("folder",),
    reads='webdataset, load_dataset("webdataset", …)',
)

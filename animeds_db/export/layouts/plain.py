"""The folders of the selection, and the same in one ZIP archive."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import chain
from typing import IO

from animeds_db.export.layouts.common import MANY, Files, Item, Layout, Tree
from animeds_db.export.names import part_path

ARCHIVE = "dataset.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that ZIP can store, so that an archive does not depend on when it was made."""


def pack_zip(
    tree: Tree,
    picture: Callable[[Item, str], bytes],
    beside: Callable[[Item], Files],
    create: Callable[[str], AbstractContextManager[IO[bytes]]],
) -> None:
    """Write pictures and captions into one archive, without compression: the pictures are compressed already."""
    with create(ARCHIVE) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for item in tree.items:
            files = ((part_path(item.path, part), picture(item, part)) for part in ("", *item.parts))
            for path, content in chain(files, beside(item)):
                member = zipfile.ZipInfo(path, EPOCH)
                member.create_system = 3  # Unix, on Windows too: the same bytes everywhere
                member.external_attr = 0o100644 << 16
                archive.writestr(member, content)


MASKS = ("folder", "alpha", "masklabel", ".mask", "kohya", "diffusion-pipe", "ai-toolkit", "simpletuner")
"""Every format of masks: this is the layout for trainers that have none here."""
CLIP_MASKS = tuple(name for name in MASKS if name != "alpha")

PLAIN = Layout(
    "plain",
    "any trainer that reads .txt beside pictures",
    controls=MANY,
    masks=MASKS,
    clips=Layout(
        "plain",
        "any trainer that reads .txt beside videos",
        frame_folders=True,
        controls=1,
        masks=CLIP_MASKS,
    ),
)
ZIP = Layout(
    "zip",
    "upload forms: one archive with pictures and captions",
    pack=pack_zip,
    controls=MANY,
    masks=MASKS,
    clips=Layout(
        "zip",
        "upload forms: one archive with clips and captions",
        pack=pack_zip,
        controls=1,
        masks=CLIP_MASKS,
    ),
)

"""Damaged media from seeds: each is ingested by itself."""

from __future__ import annotations

import gzip
import random
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from counts import Counts
from PIL import Image
from stage import Stage
from videos import CLIPS, write_clip


def media(
    stage: Stage, sound: list[Path], numbers: range, seed: int, deadline: float
) -> tuple[Counts, Counter[str]]:
    """Ingest damaged files, each by itself. Returns the counts, and how many were read and how many not."""
    counts, ends = Counts(), Counter({"read": 0, "unreadable": 0})
    for number in numbers:
        if time.monotonic() > deadline:
            break
        chance = random.Random(f"{seed}/{number}")
        folder = stage.fresh()
        source = chance.choice(sound)
        path = folder / f"bad{''.join(source.suffixes[-2:])}"
        path.write_bytes(damaged(source.read_bytes(), chance))
        case = f"{source.name} damaged by seed {seed}/{number}"
        counts.tried += 1
        before = stage.outside()
        ended = stage.run(("ingest", path.name, "--profile", "none", "--db", "show.animeds"), folder)
        if ended.code is None:
            counts.add("hung", case)
        elif ended.is_raw:
            counts.add("tracebacks", f"{case}: {ended.code}: {ended.told[-600:]}")
        else:
            ends["unreadable" if ended.code else "read"] += 1
        if stage.outside() != before:
            counts.add("out", case)
    return counts, ends


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes cut, flipped, zeroed, doubled or swapped, as the random numbers will have it."""
    bad = bytearray(data)
    for _ in range(chance.choice((1, 1, 3))):
        at, length = chance.randrange(len(bad)), chance.randrange(1, max(2, len(bad) // 8))
        kind = chance.choice(("cut", "flip", "zero", "double", "head", "drop", "noise"))
        if kind == "cut":
            del bad[max(1, at) :]
        elif kind == "flip":
            for _ in range(chance.randrange(1, 64)):
                bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        elif kind == "zero":
            bad[at : at + length] = bytes(len(bad[at : at + length]))
        elif kind == "double":
            bad[at:at] = bad[at : at + length]
        elif kind == "head":
            for place in range(min(64, len(bad))):
                if chance.random() < 0.1:
                    bad[place] = chance.randrange(256)
        elif kind == "drop" and at + length < len(bad):
            del bad[at : at + length]
        else:
            bad[at : at + length] = chance.randbytes(len(bad[at : at + length]))
    return bytes(bad)


def sound_files(folder: Path) -> Iterator[Path]:
    """Yield whole files of every kind that is read."""
    folder.mkdir()
    for name in CLIPS:
        yield write_clip(folder, name)
    for suffix in ("png", "jpg", "webp", "bmp", "gif", "avif"):
        path = folder / f"picture.{suffix}"
        Image.radial_gradient("L").convert("RGB").save(path)
        yield path
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        archive.write(folder / "picture.png", "a.png")
        archive.write(folder / "picture.jpg", "b.jpg")
    yield folder / "pictures.zip"
    with gzip.open(folder / "pictures.tar.gz", "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(folder / "picture.webp", "a.webp")
    yield folder / "pictures.tar.gz"

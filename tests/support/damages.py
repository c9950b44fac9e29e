"""Forty ways to damage a database of two clips, each chosen by its seed, and what an undisturbed one holds."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ingesting import rows, run
from rerunning import copy_of_ingested, first, ingested

import animeds_db
from animeds_db.store import Store
from animeds_db.store.fsync import fragment_files
from animeds_db.store.manifests import manifests

SEEDS = range(40)
FEW_SEEDS = (0, 1, 2, 3, 4, 5, 8, 11, 14, 15, 17, 26, 35, 38)
"""Each table, each of its kinds of files, and each way are damaged by one of these. `make trust` tries all forty."""
CLIPS = ("a.mkv", "b.mp4")
TABLES = ("sources", "frames", "detections", "thumbnails", "vocabulary", "models", "labels")


@cache
def _labelled() -> Path:
    path = ingested() / "labelled.animeds"
    copy_of_ingested(path)
    with animeds_db.open(path) as dataset:
        ids = [row[0] for row in dataset.sql("SELECT frame_id FROM frames ORDER BY 1").fetchall()]
        for one in ids[:3]:
            dataset.label("frame", "set", "keep", [one])
    return path


def a_database(folder: Path) -> Store:
    """A copy of a database of two clips with three corrections."""
    shutil.copytree(_labelled(), folder / "show.animeds")
    return Store.open(str(folder / "show.animeds"))


def ingest_again(store: Store) -> None:
    report = run(store, *(ingested() / name for name in CLIPS), how="every=0.25s", models=first())
    assert {outcome.error for outcome in report.outcomes} == {None}


def emptied(file: Path, _chance: random.Random) -> None:
    file.write_bytes(b"")


def cut(file: Path, chance: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: chance.randrange(1, len(content))])


def zeroed(file: Path, _chance: random.Random) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def body_zeroed(file: Path, _chance: random.Random) -> None:
    """Only the last bytes stay, by which Lance knows its files."""
    content = file.read_bytes()
    file.write_bytes(bytes(len(content) - 16) + content[-16:])


def bits_flipped(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(8):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(content))


def deleted(file: Path, _chance: random.Random) -> None:
    file.unlink()


WAYS: tuple[Callable[[Path, random.Random], None], ...] = (
    emptied,
    cut,
    zeroed,
    body_zeroed,
    bits_flipped,
    deleted,
)


def damage(store: Store, seed: int) -> str:
    """Damage a database; return in words how. Two seeds of three damage one file, one of three two tables."""
    chance = random.Random(seed)
    told = []
    for table in chance.sample(TABLES, 2 if seed % 3 == 2 else 1):
        folder = Path(store.uri, f"{table}.lance")
        files = [path for fragment in store.table(table).get_fragments() for path in fragment_files(fragment)]
        kind = chance.choice(("manifest", "data", "data", "table") if seed % 5 == 0 else ("manifest", "data"))
        if kind == "table":
            shutil.rmtree(folder)
            told.append(f"{table}: deleted")
            continue
        file = manifests(folder)[0] if kind == "manifest" else folder / chance.choice(files)
        way = chance.choice(WAYS)
        way(file, chance)
        told.append(f"{table}: {kind} {way.__name__}")
    return ", ".join(told)


def contents(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table, tags by their names: a tag that was lost comes back with another number."""
    found = {name: rows(store, name).to_pylist() for name in store.names()}
    names = {row["tag_id"]: row["tag"] for row in found["vocabulary"]}
    for row in found["frames"]:
        for column in ("tags", "sure_tags"):
            row[column] = [names[tag] for tag in row[column] or ()]
    found["vocabulary"] = sorted(
        ({"tag": row["tag"], "category": row["category"]} for row in found["vocabulary"]),
        key=lambda row: str(row["tag"]),
    )
    return found

"""The contact sheet of a character's outfits: some bodies of each. Writes no table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from animeds_db.contact_sheet import Cell, Section, Sheet
from animeds_db.errors import QueryError
from animeds_db.printable import counted
from animeds_db.steps.characters.face_pictures import Images, box_pictures
from animeds_db.steps.outfits.find import Outfits
from animeds_db.store import Store


def outfit_sheet(
    store: Store,
    images: Images,
    found: Outfits,
    *,
    count: int = 24,
    progress: Callable[[int, int], None] | None = None,
) -> Sheet:
    """Return a sheet with a section per outfit, of at most `count` bodies, spread over its frames.

    Raises QueryError if no outfit was found.
    """
    numbers = list(found.names())
    if not numbers:
        raise QueryError(
            f"No outfit of {found.character} was found.", hint="Lower --min-size or --threshold."
        )
    shown = {number: found.spread(number, count).to_pylist() for number in numbers}
    pictures = box_pictures(
        store, images, [row for rows in shown.values() for row in rows], progress=progress
    )
    sections = [_section(row, shown[row["outfit"]], pictures) for row in found.rows()]
    note = f"animeds characters outfits {found.character} --name 1=NAME · --merge 1,2 · --split 1"
    return Sheet(f"What {found.character} wears", sections, note)


def _section(
    outfit: Mapping[str, Any], rows: list[dict[str, Any]], pictures: Mapping[str, Image.Image]
) -> Section:
    name = f" · {outfit['name']}" if outfit["name"] else ""
    bodies, episodes = counted(outfit["n_bodies"], "picture"), counted(outfit["n_episodes"], "episode")
    heading = f"{outfit['outfit']}{name} · {bodies} in {episodes}"
    note = f"{outfit['tags'] or 'no tag tells it from the others'}; {outfit['n_from_shot']} by their shot"
    cells = [Cell(row["detection_id"], pictures.get(row["detection_id"]), (_line(row),)) for row in rows]
    return Section(heading, cells, note)


def _line(row: Mapping[str, Any]) -> str:
    episode = "" if row["episode"] is None else f"episode {row['episode']}"
    return " · ".join(part for part in (episode, "by its shot" if row["from_shot"] else "") if part)

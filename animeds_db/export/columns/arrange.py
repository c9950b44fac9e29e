"""Folders named after facts about the pictures: `n_characters/character/fh_ratio`.

A level is the name of a column, a text with columns in braces (`ep{episode}`), or a text in quotes. A column is one of
the query, or a fact about the picture (FACTS); facts have the names of the anime screenshot pipeline
(`6+_characters`, `face_height_ratio_25-50`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.export.columns.captioning import as_pictures
from animeds_db.export.names import safe_folder
from animeds_db.remote.paths import source_path
from animeds_db.session.given import sorted_ids
from animeds_db.session.scripts import sql_script, with_texts

if TYPE_CHECKING:
    from animeds_db.session import Session

FACTS = {
    "n_people": "n_people_folder({value})",
    "n_faces": "n_faces_folder({value})",
    "n_characters": "n_characters_folder({value}, {most})",
    "character": "character_folder({value})",
    "character_string": "character_folder({value})",
    "appearance": "value_folder({value}, 'appearance')",
    "fh_ratio": "fh_bucket(coalesce({value}, 0), {step})",
    "show": "value_folder({value}, 'show')",
    "season": "coalesce('season' || {value}, 'season_others')",
    "episode": "episode_folder({value})",
    "image_type": "coalesce(CASE {value} WHEN 'screenshot' THEN 'screenshots' ELSE {value} END, 'screenshots')",
    "shot": "coalesce('shot_' || {value}, 'shot_others')",
}
"""Facts about every picture, and the SQL of their folder names."""

COMBINATIONS = ("character", "character_string")
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Arrangement:
    """How pictures are arranged in folders. Raises UsageError for a value out of range."""

    form: str = ""
    """Levels separated by `/`, see above. "": the folders of the selection."""
    max_characters: int = 6
    """Pictures with this many characters or more share a folder: `6+_characters`."""
    min_pictures: int = 1
    """Minimum pictures of a combination of characters; rarer ones go to `character_others`."""
    face_step: int = 25
    """Width of the folders by face height, per cent."""
    keep_source_structure: bool = False
    """Start with the folders of the sources."""

    def __post_init__(self) -> None:
        for name, value, low in (
            ("max-character-number", self.max_characters, 1),
            ("min-images-per-combination", self.min_pictures, 0),
        ):
            if value < low:
                raise UsageError(f"{name} is {value}. It must be at least {low}.")
        if not 1 <= self.face_step <= 100:
            raise UsageError(f"face-ratio-step is {self.face_step}. It must be between 1 and 100 (per cent).")


def arranged(
    session: Session,
    plan: pa.Table,
    selection: pa.Table,
    arrangement: Arrangement,
    *,
    threshold: float | None = None,
) -> pa.Table:
    """Return a plan (export.PLAN) with its folders. `selection` has the rows that `selection_row` refers to.

    threshold: minimum score of a tag that counts people, 0…1. None: the tagger's own.
    Raises UsageError for an unknown column.
    """
    if not arrangement.form.strip("/ ") and not arrangement.keep_source_structure:
        return plan
    numbered = selection.append_column("__row", pa.array(range(selection.num_rows), pa.int64()))
    numbered = numbered.rename_columns([*selection.column_names, "selection_row"])
    levels = _levels(arrangement, selection.column_names)
    script = with_texts(
        sql_script("steps/export", "arrange.sql"),
        levels=",\n        ".join(levels) if levels else "p.folder",
        threshold="NULL" if threshold is None else float(threshold),
    )
    tables = {
        "pictures": as_pictures(plan),
        "selection": numbered,
        "structure": _structure(session, plan, arrangement),
    }
    folders = session.of_frames(script, sorted_ids(plan), tables)["folder"].combine_chunks()
    return _with_folders(plan, folders.cast(pa.string()))


def with_safe_folders(plan: pa.Table) -> pa.Table:
    """Return a plan with the folder names as they will be on disk. A balance uses these names."""
    folders = plan["folder"].to_pylist()
    names = {folder: safe_folder(folder) if folder else folder for folder in set(folders)}
    return _with_folders(plan, pa.array([names[folder] for folder in folders], pa.string()))


def _with_folders(plan: pa.Table, folders: pa.Array) -> pa.Table:
    return plan.set_column(plan.column_names.index("folder"), plan.schema.field("folder"), folders)


def wanted_columns(form: str, columns: Sequence[str]) -> list[str]:
    """Return the columns of a query that a format uses. Raises UsageError for an unknown column."""
    own = {name.lower(): name for name in columns}
    named = [name for level in _split(form) for name in _named(level)]
    for name in named:
        if name.lower() not in own and name not in FACTS:
            known = list(dict.fromkeys([*FACTS, *columns]))
            close = did_you_mean(name, known)
            more = "" if close.startswith("known") else f"; known: {', '.join(known)}"
            raise UsageError(f'There is no column "{name}" to arrange by.', hint=close + more)
    return list(dict.fromkeys(own[name.lower()] for name in named if name.lower() in own))


def _split(form: str) -> list[str]:
    return [level.strip() for level in form.split("/") if level.strip()]


def _named(level: str) -> list[str]:
    if level[0] == level[-1] == "'" and len(level) > 1:
        return []
    return _BRACES.findall(level) if "{" in level else [level]


def _levels(arrangement: Arrangement, columns: Sequence[str]) -> list[str]:
    wanted_columns(arrangement.form, columns)
    own = {name.lower(): name for name in columns}
    return [_level(level, own, arrangement) for level in _split(arrangement.form)]


def _level(level: str, own: dict[str, str], arrangement: Arrangement) -> str:
    """Return the SQL of one level."""
    if not _named(level):
        return _quoted(level[1:-1] if level.startswith("'") else level)
    if "{" in level:
        pieces = _BRACES.split(level)  # text, name, text, name … text
        texts = [_quoted(piece) if i % 2 == 0 else _plain(piece, own) for i, piece in enumerate(pieces)]
        return "concat(" + ", ".join(texts) + ")"
    if level not in FACTS:
        return _plain(level, own)
    name = FACTS[level].format(
        value=_value(level, own), most=arrangement.max_characters, step=arrangement.face_step
    )
    if level in COMBINATIONS and arrangement.min_pictures > 1:
        return (
            f"CASE WHEN count(*) OVER (PARTITION BY {name}) < {arrangement.min_pictures}"
            f" THEN 'character_others' ELSE {name} END"
        )
    return name


def _plain(column: str, own: dict[str, str]) -> str:
    return f"value_folder({_value(column, own)}, {_quoted(column)})"


def _value(column: str, own: dict[str, str]) -> str:
    """Return the column of the query if it has one with that name, else the fact."""
    if column.lower() in own:
        return 's."' + own[column.lower()].replace('"', '""') + '"'
    return f'd."{column}"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _structure(session: Session, plan: pa.Table, arrangement: Arrangement) -> pa.Table:
    """Return the folder of each source, relative to the one that contains them all. A video counts as a folder."""
    empty = pa.schema([("source_id", pa.string()), ("folder", pa.string())])
    if not arrangement.keep_source_structure:
        return empty.empty_table()
    used = set(plan["source_id"].to_pylist())
    rows = session.arrow("SELECT source_id, uri, kind FROM sources ORDER BY source_id").to_pylist()
    places = {
        row["source_id"]: source_path(row["uri"]) if row["kind"] in ("images", "imagefolder")
        else source_path(row["uri"]).with_suffix("")
        for row in rows if row["source_id"] in used
    }  # fmt: skip
    steps = {source: place.parts[1:] for source, place in places.items()}  # without disk or bucket
    common = _common(list(steps.values()))
    folders = [{"source_id": source, "folder": "/".join(parts[common:])} for source, parts in steps.items()]
    return pa.Table.from_pylist(folders, empty)


def _common(paths: Sequence[tuple[str, ...]]) -> int:
    """Return the number of leading parts that all paths share, not counting the last part of each."""
    count = 0
    for parts in zip(*(path[:-1] for path in paths), strict=False):
        if len(set(parts)) > 1:
            break
        count += 1
    return count

"""What was done with a database, as the sections of a recipe: sources, models, near-duplicates and names of faces.

Only what the tables record is said. Corrections by people stay in the database.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.errors import SourceError
from animeds_db.printable import counted
from animeds_db.recipes.drafting import near
from animeds_db.remote.storage import is_remote

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset
    from animeds_ingest.sources import SourceSpec

_SAMPLING = re.compile(r"(?P<how>\S+)(?: (?P<start>[\d.]*?)\.\.(?P<end>[\d.]*))?")
"""The canonical text of a sampling mode, e.g. "every=2s 60..120"."""
_ABOUT = ("credit", "licence", "url")
Row = Mapping[str, Any]
Models = tuple[str, ...]


def sources_done(dataset: Dataset, base: Path) -> list[dict[str, Any]]:
    """Return the sections [[sources]] for everything that is in a database. Paths are relative to the folder `base`.

    A folder of which everything was ingested in the same way is named as a folder, so that later episodes in it are
    ingested as well.
    """
    rows = _rows(dataset, "SELECT * FROM sources ORDER BY uri")
    parts = _names_of_models(dataset)
    usual = _most_frequent(rows)
    specs = _specs(rows)
    groups: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for row in rows:
        about = _about(row, specs.get(row["uri"]))
        if _models(row) != usual:
            about["profile"] = _nearest(parts, _models(row))[0]
        groups.setdefault(json.dumps(about), (about, []))[1].append(row["uri"])
    return [
        {"paths": [near(path, base) for path in _shortened(uris)]} | about for about, uris in groups.values()
    ]


def source_folders(dataset: Dataset) -> list[str]:
    """Return the paths of all sources, with a folder in place of all sources in it."""
    return _shortened([row["uri"] for row in _rows(dataset, "SELECT uri FROM sources ORDER BY uri")])


def models_used(dataset: Dataset) -> dict[str, Any]:
    """Return the section [models]: the profile of most sources, and the models that differ from it."""
    usual = _most_frequent(_rows(dataset, "SELECT models FROM sources"))
    profile, others = _nearest(_names_of_models(dataset), usual)
    return {"profile": profile} | others if usual else {}


def dedup_done(dataset: Dataset) -> dict[str, Any] | None:
    """Return the section [dedup] of the last run that found near-duplicates; None: there was none."""
    from animeds_db.steps.dedup.find import DedupOptions

    found = _parameters(dataset, "duplicates")
    return None if found is None else _changed(found, asdict(DedupOptions()))


def characters_done(dataset: Dataset, base: Path) -> dict[str, Any] | None:
    """Return the section [characters]: examples, and the options of the last classification; None: there was none."""
    from animeds_db.steps.characters.classify import ClassifyOptions

    found = _parameters(dataset, "identities")
    if found is None:
        return None
    plain = asdict(ClassifyOptions())
    changed = {
        name: value for name, value in _changed(found, plain).items() if name in plain and name != "where"
    }
    return {"examples": _folders(dataset, base), "faces": _faces(dataset)} | changed


def notes_about(dataset: Dataset) -> list[str]:
    """Return what a recipe does not hold, one sentence each."""
    (acts,) = _rows(dataset, "SELECT count(DISTINCT act) AS n FROM label_history")
    if not acts["n"]:
        return []
    return [f"{counted(acts['n'], 'correction')} by people stay in the database and are not in the recipe."]


def _rows(dataset: Dataset, sql: str) -> list[Row]:
    rows: list[Row] = dataset.sql(sql).to_arrow_table().to_pylist()
    return rows


def _about(row: Row, spec: SourceSpec | None) -> dict[str, Any]:
    """Return the keys of a source that its path does not say."""
    said = _SAMPLING.fullmatch(row["sampling"] or "")
    sampling = {} if said is None else {"sample": said["how"], "start": said["start"], "end": said["end"]}
    if row["kind"] != "video":  # all pictures are taken
        sampling = {}
    own: dict[str, Any] = {name: value for name, value in sampling.items() if value}
    own |= {name: float(own[name]) for name in ("start", "end") if name in own}
    if spec is not None:
        names = ("show", "season") if spec.path.is_dir() else ("show", "season", "episode")
        own |= {n: row[n] for n in names if row[n] is not None and row[n] != getattr(spec.name, n)}
    own |= {name: row[name] for name in _ABOUT if row[name]}
    if row["image_type"] != "screenshot":
        own["image_type"] = row["image_type"]
    return own


def _specs(rows: Sequence[Row]) -> dict[str, SourceSpec]:
    """Return what an ingest would read at the paths of sources, by path; without those that are gone."""
    found: dict[str, SourceSpec] = {}
    for row in rows:
        if row["uri"] not in found:
            found |= _read([row["uri"]])
    return found


def _read(paths: Sequence[str]) -> dict[str, SourceSpec]:
    from animeds_db.dataset import find_sources

    try:
        return {str(spec.path): spec for spec in find_sources(paths)}
    except SourceError:  # the file is gone; the recipe still names it
        return {}


def _shortened(uris: Sequence[str]) -> list[str]:
    """Return the paths, with a folder in place of all sources in it if nothing else is in that folder."""
    left = set(uris)
    local = [Path(uri) for uri in uris if not is_remote(uri)]
    folders = []
    for folder in sorted(
        {path if path.is_dir() else path.parent for path in local}, key=lambda p: (len(p.parts), p)
    ):
        inside = set(_read([str(folder)]))
        if inside and inside <= left:
            folders.append(str(folder))
            left -= inside
    return sorted([*folders, *left])


def _models(row: Row) -> Models:
    return tuple(row["models"] or ())


def _most_frequent(rows: Sequence[Row]) -> Models:
    counts = Counter(_models(row) for row in rows)
    return counts.most_common(1)[0][0] if counts else ()


def _names_of_models(dataset: Dataset) -> dict[str, tuple[str, str]]:
    """Return the task and the name of each model, by its id."""
    rows = _rows(dataset, "SELECT model_id, task, name FROM models")
    return {row["model_id"]: (row["task"], row["name"]) for row in rows}


def _nearest(names: Mapping[str, tuple[str, str]], models: Models) -> tuple[str, dict[str, str]]:
    """Return the profile that has most of these models, and the models that replace its own, by task."""
    from animeds_db.models.manifest import load_manifest

    used: dict[str, list[str]] = {}
    for model in models:
        task, name = names[model]
        used.setdefault(task, []).append(name)
    mine = {task: ",".join(used.get(task, ["none"])) for task in ("tagger", "detector", "character", "image")}
    others = {"none": dict.fromkeys(mine, "none")}
    for name, profile in load_manifest().profiles.items():
        parts = {"tagger": profile.tagger, "character": profile.character, "image": profile.image}
        others[name] = {task: part or "none" for task, part in parts.items()}
        others[name]["detector"] = ",".join(profile.detectors) or "none"
    differing = {
        name: {task: part for task, part in mine.items() if part != own[task]} for name, own in others.items()
    }
    return min(differing.items(), key=lambda pair: len(pair[1]))


def _parameters(dataset: Dataset, table: str) -> dict[str, Any] | None:
    """Return the options of the last run that wrote a table; None: it has no rows."""
    rows = dataset.store.table(table).to_table(columns=["parameters"], limit=1)["parameters"].to_pylist()
    return dict(json.loads(rows[0])) if rows else None


def _changed(given: Mapping[str, Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in plain and value != plain[name]}


def _faces(dataset: Dataset) -> dict[str, list[str]]:
    """Return the faces that are examples, by character or character/appearance."""
    rows = _rows(
        dataset,
        "SELECT concat_ws('/', character, appearance) AS name, list(face_id ORDER BY face_id) AS faces"
        " FROM examples WHERE face_id IS NOT NULL GROUP BY ALL ORDER BY ALL",
    )
    return {row["name"]: row["faces"] for row in rows}


def _folders(dataset: Dataset, base: Path) -> list[str] | None:
    """Return the folders that contain a folder of pictures per character; None: there is none."""
    rows = _rows(dataset, "SELECT DISTINCT uri, character FROM examples WHERE uri IS NOT NULL")
    found = set()
    for row in rows:
        holders = [folder for folder in Path(row["uri"]).parents if folder.name == row["character"]]
        found |= {str(folder.parent) for folder in holders[:1]}
    return [near(folder, base) for folder in sorted(found)] or None

"""Saves an export, and everything that led to it, as a recipe: `animeds make` of that file gives the same folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.errors import UsageError
from animeds_db.recipes.building import exports_of
from animeds_db.recipes.drafting import HEAD, near
from animeds_db.recipes.edits import rewrite
from animeds_db.recipes.folders import adopt
from animeds_db.recipes.history import characters_done, dedup_done, models_used, notes_about, sources_done
from animeds_db.recipes.keys import VERSION
from animeds_db.recipes.reading import Recipe, parse
from animeds_db.recipes.writing import recipe_text
from animeds_db.remote.storage import is_remote

if TYPE_CHECKING:
    from animeds_db.captions import CaptionProfile
    from animeds_db.dataset import Dataset
    from animeds_db.export import ExportOptions

_EXPORT = {
    "image_format": "image", "quality": "quality", "max_size": "max_size", "short_edge": "short_edge",
    "bucket": "bucket", "upscale": "upscale", "controls": "controls", "sidecars": "sidecars",
    "trainer_root": "trainer_root", "resolution": "resolution", "captions": "write_captions",
}  # fmt: skip
"""Options of an export, and their keys in [[export]]."""
_CROPS = {
    "kinds": "crops", "margin": "crop_margin", "trim": "trim", "min_faces": "min_face_number",
    "min_px": "min_crop_size", "max_share": "max_crop_share",
}  # fmt: skip
_MASKS = {"parts": "mask", "format": "mask_format", "out": "mask_out", "background": "background"}
_ARRANGEMENT = {
    "form": "arrange", "max_characters": "max_character_number", "min_pictures": "min_images_per_combination",
    "face_step": "face_ratio_step", "keep_source_structure": "keep_source_structure",
}  # fmt: skip
_BALANCE = {"max_repeats": "max_repeats", "min_repeats": "min_repeats"}


@dataclass(frozen=True)
class Saved:
    """A saved recipe. notes: what it does not hold, one sentence each."""

    recipe: Recipe
    notes: tuple[str, ...]


def save(
    dataset: Dataset,
    path: str | Path,
    query: str | None,
    out: str | Path,
    *,
    sql: str | None = None,
    params: Mapping[str, Any] | None = None,
    options: ExportOptions | None = None,
    include_copies: bool = True,
    include_dropped: bool = False,
    overwrite: bool = False,
) -> Saved:
    """Write the recipe of an export to the file `path`; the arguments are those of `Dataset.export`.

    The recipe says which sources were ingested and how, the models, the near-duplicates, the examples of characters,
    the selection, the captions and the folder. A folder that this export has written already becomes the recipe's own.
    Raises UsageError if there is another recipe at `path`, unless `overwrite`.
    """
    saved = describe(
        dataset, path, query, out, sql=sql, params=params, options=options, include_copies=include_copies,
        include_dropped=include_dropped,
    )  # fmt: skip
    file, text = saved.recipe.path, saved.recipe.text
    if file.exists() and not overwrite and file.read_text("utf-8") != text:
        raise UsageError(
            f"{file} exists already, and it is another recipe.", hint="Choose another name for it."
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    rewrite(text, file)
    (export,) = exports_of(saved.recipe)
    adopt(saved.recipe, export, always=overwrite)
    return saved


def describe(
    dataset: Dataset,
    path: str | Path,
    query: str | None,
    out: str | Path,
    *,
    sql: str | None = None,
    params: Mapping[str, Any] | None = None,
    options: ExportOptions | None = None,
    include_copies: bool = True,
    include_dropped: bool = False,
) -> Saved:
    """Return the recipe that `save` would write to `path`. Nothing is written."""
    from animeds_db.export import ExportOptions
    from animeds_db.session.selected import Selected

    if Selected.of(query, sql, params or {}).named is None:
        query, sql = None, sql or query
    options = options or ExportOptions()
    path = Path(path)
    base = path.absolute().parent
    content = {
        "version": VERSION,
        "database": _from(dataset.uri, base),
        "sources": sources_done(dataset, base),
        "models": models_used(dataset),
        "dedup": dedup_done(dataset),
        "characters": characters_done(dataset, base),
        "select": _selection(query, sql, params or {}, include_copies, include_dropped),
        "captions": captions_of(options.profile),
        "export": [{"folder": _from(str(out), base)} | export_keys(options, base)],
    }
    notes = notes_about(dataset)
    head = HEAD + "".join(f"# {note}\n" for note in notes)
    text = recipe_text(head, {name: value for name, value in content.items() if value not in (None, [], {})})
    recipe = parse(text, path)
    exports_of(recipe)
    return Saved(recipe, tuple(notes))


def _from(path: str, base: Path) -> str:
    """Return a path as a recipe in the folder `base` writes it, with `..` where that is needed."""
    if is_remote(path):
        return path
    try:
        return Path(os.path.relpath(path, base)).as_posix()
    except ValueError:  # another drive of Windows
        return Path(path).absolute().as_posix()


def _selection(
    query: str | None, sql: str | None, params: Mapping[str, Any], copies: bool, dropped: bool
) -> dict[str, Any]:
    """Return the section [select]."""
    start = {"query": query} if sql is None else {"sql": sql}
    also = {} if copies else {"copies": False}
    return start | also | ({"dropped": True} if dropped else {}) | {"params": dict(params)}


def captions_of(profile: CaptionProfile) -> dict[str, Any]:
    """Return the section [captions]: the shipped profile that is nearest to a profile, and what differs from it."""
    from animeds_db.captions import load_profile, profile_names

    found = []
    for name in profile_names():
        base = load_profile(name)
        changes = {
            f.name: getattr(profile, f.name)
            for f in fields(profile)
            if getattr(profile, f.name) != getattr(base, f.name)
        }
        plain = {n: list(v) if isinstance(v, tuple) else _plain(v) for n, v in changes.items()}
        if base.merged(plain) == profile:  # tables are merged, so a base with more keys does not fit
            found.append({"profile": name} | plain)
    if not found:
        raise UsageError(
            "No shipped caption profile can be changed into the one of this export.",
            hint="Write the recipe by hand: docs/recipes.md",
        )
    return min(found, key=lambda keys: (len(keys), keys["profile"]))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: list(one) if isinstance(one, tuple) else one for key, one in value.items()}
    return value


def export_keys(options: ExportOptions, base: Path) -> dict[str, Any]:
    """Return the keys of [[export]] for options, without those that have their default value."""
    from animeds_db.export import Balance, ExportOptions

    plain = ExportOptions()
    keys: dict[str, Any] = {"layouts": list(options.layouts)}
    for mine, default, names in (
        (options, plain, _EXPORT),
        (options.crops, plain.crops, _CROPS),
        (options.masks, plain.masks, _MASKS),
        (options.arrangement, plain.arrangement, _ARRANGEMENT),
    ):
        keys |= _differing(mine, default, names)
    if options.balance is not None:
        weights = options.balance.weights
        keys |= {"balance": True} | _differing(options.balance, Balance(), _BALANCE)
        keys |= {} if weights is None else {"weights": near(str(weights), base)}
    return keys


def _differing(mine: object, plain: object, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the keys of the fields that differ from those of `plain`."""
    values = {
        key: getattr(mine, name) for name, key in names.items() if getattr(mine, name) != getattr(plain, name)
    }
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

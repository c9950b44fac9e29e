"""What the sections of a recipe say, as the options that the other parts of the program take.

Everything is checked here before any work is done: an error about a value names its section in the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from animeds_db import settings
from animeds_db.errors import AnimedsError
from animeds_db.recipes.keys import SELECTION
from animeds_db.recipes.reading import KeyPath, Recipe, texts
from animeds_db.remote.storage import is_remote
from animeds_db.session.selected import ALSO

if TYPE_CHECKING:
    from animeds_db.captions import CaptionProfile
    from animeds_db.export import ExportOptions
    from animeds_db.steps.characters.classify import ClassifyOptions
    from animeds_db.steps.clusters.find import ClusterOptions
    from animeds_db.steps.dedup.find import DedupOptions

_T = TypeVar("_T")


@dataclass(frozen=True)
class Selection:
    """A named query with parameters, or SQL."""

    query: str | None
    sql: str | None
    params: Mapping[str, Any]
    path: KeyPath
    """Where it is in the recipe."""
    copies: bool = True
    """False: leave near-duplicates out, whatever the query or SQL says."""
    dropped: bool = False
    """True: include frames that a person dropped."""

    @property
    def count(self) -> int | None:
        """The number of pictures asked for, if there is one."""
        value = self.params.get("count")
        return value if isinstance(value, int) else None


@dataclass(frozen=True)
class Export:
    """One export of a recipe, ready to be run."""

    folder: str
    """Path or URI."""
    selection: Selection
    options: ExportOptions
    path: KeyPath
    push: str | None = None
    """The dataset on the hub that it is pushed to."""
    public: bool = False


@contextmanager
def _blamed(recipe: Recipe, path: KeyPath) -> Iterator[None]:
    """Turn an error into one that names the key at a path."""
    try:
        yield
    except AnimedsError as error:
        raise recipe.about(path, error) from error


def selection_of(recipe: Recipe, number: int) -> Selection:
    """Return the selection of an export. Raises UsageError for a query or parameter that does not exist."""
    export = recipe.exports[number]
    path: KeyPath = ("export", number, "select") if "select" in export else ("select",)
    section = dict(export.get("select", recipe.section("select")))
    params = section.pop("params", {})
    sql, query = section.pop("sql", None), section.pop("query", None)
    others = [name for name, value in (("sql", sql), ("query", query)) if value is not None]
    also = {name: bool(section.pop(name)) for name in ALSO if others and name in section}
    if len(others) == 2 or (others and section):
        names = [*others, *section]
        raise recipe.fault(
            (*path, names[-1]),
            f"{names[0]} and {names[-1]} cannot be combined.",
            "Give the values of a query or of SQL in params = { … }.",
        )
    if sql is not None:
        return Selection(None, sql, params, path, **also)
    if query is None and not section and not params:
        return Selection(None, "SELECT frame_id FROM kept", {}, path)
    from animeds_db.session.queries.named import find

    chosen = Selection(query or SELECTION, None, _plain(params if query else section | params), path, **also)
    with _blamed(recipe, path):
        find(str(chosen.query)).bind(chosen.params)
    return chosen


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with a list where several texts are meant."""
    listed = ("characters", "appearances", "has", "has_none", "shows", "episodes")
    return {
        name: [value] if name in listed and not isinstance(value, list) else value
        for name, value in params.items()
    }


def characters_in(selection: Selection) -> list[str]:
    """Return the characters whom a selection names."""
    if selection.query is None:
        return []
    if selection.query == SELECTION:
        return texts(selection.params.get("characters"))
    from animeds_db.session.queries.named import find

    named = (param.name for param in find(selection.query).params if param.type == "character")
    return [str(selection.params[name]) for name in named if selection.params.get(name)]


def profile_of(recipe: Recipe, path: KeyPath, section: Mapping[str, Any]) -> CaptionProfile:
    """Return the caption profile of a section [captions]."""
    from animeds_db.captions import DEFAULT_PROFILE, load_profile

    changes = dict(section)
    name = str(changes.pop("profile", DEFAULT_PROFILE))
    threshold, character_tags = changes.pop("threshold", None), changes.pop("character_tags", False)
    with _blamed(recipe, path):
        profile = load_profile(recipe.located(name) if name.endswith(".toml") else name)
        changes = {
            name: [value] if _is_list(name) and isinstance(value, str) else value
            for name, value in changes.items()
        }
        return profile.with_flags(threshold=threshold, character_tags=character_tags).merged(changes)


def _is_list(name: str) -> bool:
    from animeds_db.captions import CaptionProfile

    return any(f.name == name and str(f.type) == "tuple[str, ...]" for f in fields(CaptionProfile))


def export_of(recipe: Recipe, number: int) -> Export:
    """Return an export of a recipe. Raises UsageError for values that contradict each other."""
    from animeds_db.export import Arrangement, Balance, CropOptions, ExportOptions, MaskOptions
    from animeds_db.export.hub.pushing import repo_of

    given, path = recipe.exports[number], ("export", number)
    own = "captions" in given
    captions_path: KeyPath = (*path, "captions") if own else ("captions",)
    profile = profile_of(recipe, captions_path, given.get("captions", recipe.section("captions")))

    def value(name: str, default: _T) -> _T:
        found: _T = given.get(name, default)
        return found

    weights = value("weights", None)
    with _blamed(recipe, path):
        options = ExportOptions(
            image_format=value("image", "png"),
            quality=value("quality", 95),
            max_size=value("max_size", None),
            short_edge=value("short_edge", None),
            bucket=value("bucket", None),
            upscale=value("upscale", False),
            crops=CropOptions(
                kinds=tuple(texts(value("crops", None))),
                margin=value("crop_margin", None),
                trim=tuple(texts(value("trim", None))),
                min_faces=value("min_face_number", 0),
                min_px=value("min_crop_size", 1),
                max_share=value("max_crop_share", 0.5),
            ),
            controls=tuple(texts(value("controls", None))),
            masks=MaskOptions(
                parts=tuple(texts(value("mask", None))),
                out=tuple(texts(value("mask_out", None))),
                format=value("mask_format", None),
                background=value("background", "keep"),
            ),
            layouts=tuple(texts(value("layouts", "plain"))),
            sidecars=tuple(texts(value("sidecars", None))),
            trainer_root=value("trainer_root", ""),
            resolution=value("resolution", None),
            captions=value("write_captions", True),
            profile=profile,
            arrangement=Arrangement(
                form=value("arrange", ""),
                max_characters=value("max_character_number", 6),
                min_pictures=value("min_images_per_combination", 1),
                face_step=value("face_ratio_step", 25),
                keep_source_structure=value("keep_source_structure", False),
            ),
            balance=Balance(
                None if weights is None else Path(recipe.located(weights)),
                value("max_repeats", 100),
                value("min_repeats", 1),
            )
            if value("balance", False) or weights is not None
            else None,
            overwrite=True,  # the folder is checked to be this recipe's own before it is replaced
        )
    folder, push = recipe.located(given["folder"]).rstrip("/"), value("push", None)
    if push is not None:
        with _blamed(recipe, (*path, "push")):
            repo_of(push)
        if is_remote(folder):
            raise recipe.fault(
                (*path, "push"), f"{folder} cannot be pushed.", "Use a folder on this machine."
            )
    return Export(folder, selection_of(recipe, number), options, path, push, value("public", False))


def exports_of(recipe: Recipe) -> list[Export]:
    """Return the exports of a recipe. Raises UsageError if two of them write to one folder."""
    exports = [export_of(recipe, number) for number in range(len(recipe.exports))]
    seen: set[str] = set()
    for export in exports:
        place = export.folder if is_remote(export.folder) else str(Path(export.folder).resolve())
        if place in seen:
            raise recipe.fault(
                (*export.path, "folder"),
                f"Two exports of this recipe write to {export.folder}.",
                "Give each [[export]] a folder of its own.",
            )
        seen.add(place)
    return exports


def dedup_of(recipe: Recipe) -> tuple[DedupOptions, Path | None] | None:
    """Return the options of [dedup] and the ranking file; None: the recipe does not look for near-duplicates."""
    if "dedup" not in recipe.content:
        return None
    from animeds_db.steps.dedup.find import DedupOptions

    section = recipe.section("dedup")
    rank = section.pop("rank", None)
    options = DedupOptions(**section)
    with _blamed(recipe, ("dedup",)):
        options.check()
    return options, None if rank is None else Path(recipe.located(rank))


def classify_of(recipe: Recipe) -> ClassifyOptions:
    """Return the options of [characters] for the classification."""
    from animeds_db.steps.characters.classify import ClassifyOptions

    return _checked(recipe, ClassifyOptions)


def cluster_of(recipe: Recipe) -> ClusterOptions:
    """Return the options of [characters] for the clusters."""
    from animeds_db.steps.clusters.find import ClusterOptions

    section = recipe.section("characters")
    names = {"cluster_threshold": "threshold", "min_cluster_size": "min_size"}
    return ClusterOptions(**{own: section[name] for name, own in names.items() if name in section})


def _checked(recipe: Recipe, options: Callable[..., _T]) -> _T:
    known = {f.name for f in fields(options)}  # type: ignore[arg-type]
    return options(**{n: v for n, v in recipe.section("characters").items() if n in known})


def setting(name: str, flag: str | None, given: str | None) -> str | None:
    """Return a setting that beats what the database remembers: flag > ANIMEDS_* > recipe. None: none is given."""
    found = settings.resolve(name, flag, recipe=given)
    return found.value if found.origin in ("flag", "recipe") or found.origin.startswith("ANIMEDS_") else None

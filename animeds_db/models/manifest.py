"""The manifest: which models exist, and the inputs and outputs of each. A model is described by data, not code.

`manifest.toml` beside this file describes the models that come with animeds-db. The user's own file
(`ANIMEDS_MODELS`, else `models.toml` in the user's configuration folder) adds to it. An entry with
`like = "NAME"` lists only the differences from that entry. docs/models.md explains every key.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from animeds_db.errors import ModelError, did_you_mean
from animeds_db.models.asking import Ask, check_ask
from animeds_db.models.contradictions import check_entry

ENGINES = ("onnx", "open_clip", "sentence-transformers", "chat", "transformers")
TASKS = ("tagger", "detector", "character", "image", "text", "classifier", "metric", "captioner", "segmenter")
CAPTIONERS = ("chat", "transformers")
"""Engines of captioners: an address that speaks the OpenAI chat API, and a local transformers model."""
PEOPLE = ("face", "head", "halfbody", "person")
"""Kinds of boxes of people, which have views of their own. Other kinds come from `output.kinds` of detectors."""
BOX_KIND = re.compile(r"[a-z][a-z_]*[a-z]")
"""What a kind of box may be called: see schema.detection_id."""
SHIPPED = Path(__file__).parent / "manifest.toml"
TINY = Path(__file__).parent / "tiny"


@dataclass(frozen=True)
class Step:
    """One step of a model's own `preprocess.json`: see preprocess.py. Sizes are in pixels."""

    kind: str  # resize | pad_to_size | center_crop
    height: int
    width: int
    shorter: bool = False  # resize: the size is that of the shorter side, and the aspect is kept
    filter: str = "bilinear"
    fill: tuple[int, ...] = (255, 255, 255)  # of the padding, RGB


@dataclass(frozen=True)
class Input:
    """How a picture becomes a tensor. A size in the ONNX file takes precedence over `size`."""

    name: str | None = None  # of the tensor; None: the file has only one
    layout: str = "NCHW"  # or NHWC
    size: tuple[int, int] = (224, 224)  # height, width
    colour: str = "RGB"  # or BGR
    divide: float = 255.0  # pixel values 0…255 are divided by this, then (x - mean) / std
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    fit: str = "stretch"  # pad | letterbox | stretch | keep | crop: see pixels.py
    fill: int = 255  # value of the padding, 0…255
    filter: str = "bicubic"  # nearest | bilinear | bicubic | lanczos | box | linear (as in OpenCV)
    multiple: int = 32  # fit = keep: sides are rounded up to this
    steps: tuple[Step, ...] = ()  # from the file `preprocess`, instead of `fit`, `fill` and `filter`


@dataclass(frozen=True)
class Output:
    """How a tensor becomes a result."""

    name: str | None = None  # of the tensor; None: the first
    activation: str = "none"  # none | sigmoid | softmax: how it becomes probabilities
    decode: str = "auto"  # detectors: auto | one-to-many | end-to-end | rt-detr
    kinds: Mapping[str, str] = field(default_factory=dict)  # detectors: the model's class → our kind
    labels: tuple[str, ...] = ()  # classifiers without a file of tags
    category: str = "general"  # of tags without a category
    rename: Mapping[str, str] = field(default_factory=dict)  # the model's tag → ours
    part: str = "character"  # segmenters: what their masks show
    about: str | None = None  # classifiers: what they decide, e.g. style; None: the model's name
    ranked: tuple[str, ...] = ()  # classifiers whose labels have an order: all labels, the lowest first
    cuts: Mapping[str, float] = field(
        default_factory=dict
    )  # the minimum percentile of each ranked label, 0…1
    vector: str | None = None  # taggers: the tensor with vectors from which tags can be predicted again


@dataclass(frozen=True)
class Tokens:
    """How a sentence becomes a row of token ids."""

    length: int = 77  # longer sentences are cut, but keep the end token
    pad: int = 0
    fixed: bool = False  # True: every row has `length` tokens; False: as many as the longest


@dataclass(frozen=True)
class Entry:
    """One model of the manifest. `files` maps a role (see contradictions.ROLES) to a path."""

    name: str
    task: str
    title: str = ""
    repo: str | None = None  # on the hub; None: the files are in `folder`
    revision: str = "main"
    folder: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)
    size_mb: float | None = None
    licence: str = ""
    source: str = ""  # where the values of this entry come from
    width: int | None = None  # of the vectors
    engine: str = (
        "onnx"  # open_clip, sentence-transformers, transformers: extra [torch]; chat: extra [describe]
    )
    text: str | None = None  # image embedders: the text tower for the same space
    space: str | None = None  # text towers: the image embedder whose space they share
    metric: str | None = None  # character embedders: the model that compares two vectors
    boxes: tuple[str, ...] = ("face",)  # character embedders: kinds of boxes that they can tell apart
    thresholds: Mapping[str, float] = field(default_factory=dict)
    input: Input = Input()
    output: Output = Output()
    tokens: Tokens = Tokens()
    ask: Ask = field(default_factory=Ask)
    origin: Path = SHIPPED  # the manifest with this entry

    @property
    def origin_kind(self) -> str:
        """Where the files come from: hub, embedded, file, or the engine that has them."""
        if self.engine != "onnx":
            return self.engine
        if self.repo:
            return "hub"
        return "embedded" if self.folder == TINY else "file"


@dataclass(frozen=True)
class Profile:
    """The model for each task; None: no model."""

    name: str
    tagger: str | None = None
    detectors: tuple[str, ...] = ()
    character: str | None = None
    image: str | None = None
    segmenter: str | None = None
    classifier: str | None = None  # not at an ingest: see `animeds classify-frames`
    boxes: tuple[str, ...] = ()
    """Kinds of boxes that the tagger also tags, one by one."""


@dataclass(frozen=True)
class Manifest:
    """All known models and profiles."""

    entries: Mapping[str, Entry]
    profiles: Mapping[str, Profile]

    def entry(self, name: str) -> Entry:
        """Return the entry of a model. `open_clip:MODEL/WEIGHTS` needs none. Raises ModelError for an unknown name."""
        if name.startswith(OPEN_CLIP) and "/" in name:
            return _open_clip(name)
        if name not in self.entries:
            raise ModelError(f'there is no model "{name}"', hint=did_you_mean(name, self.entries))
        return self.entries[name]

    def profile(self, name: str) -> Profile:
        """Return a profile. Raises ModelError for an unknown name."""
        if name not in self.profiles:
            raise ModelError(f'there is no profile "{name}"', hint=did_you_mean(name, self.profiles))
        return self.profiles[name]


OPEN_CLIP = "open_clip:"


def _open_clip(name: str) -> Entry:
    """Return the entry of an open_clip model, whose two towers share one name."""
    model, _, weights = name.removeprefix(OPEN_CLIP).partition("/")
    return Entry(
        name,
        "image",
        title="open_clip",
        files={"model": model, "pretrained": weights},
        engine="open_clip",
        text=name,
        licence="see the model's card",
    )


def user_file() -> Path:
    """Return the path of the user's own manifest (it need not exist)."""
    if os.environ.get("ANIMEDS_MODELS"):
        return Path(os.environ["ANIMEDS_MODELS"]).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("animeds", appauthor=False)) / "models.toml"


def load_manifest(own: Path | None = None) -> Manifest:
    """Read the shipped manifest and the user's `own` (default: `user_file()`).

    Raises ModelError with file, entry and key.
    """
    own = own or user_file()
    tables: dict[str, tuple[dict[str, Any], Path]] = {}
    profiles: dict[str, Profile] = {}
    for path in (SHIPPED, own):
        content = read_toml(path) if path == SHIPPED or path.is_file() else {}
        for name, table in content.get("models", {}).items():
            if name in tables:
                raise ModelError(
                    f'{path}: the model "{name}" already exists in {tables[name][1]}',
                    hint="give your model another name",
                )
            tables[name] = (table, path)
        profiles |= {name: _profile(name, t, path) for name, t in content.get("profiles", {}).items()}
    entries = {name: _entry(name, _inherited(name, tables), path) for name, (_, path) in tables.items()}
    for name, (table, path) in tables.items():
        check_entry(entries[name], table, f'{path}: model "{name}"')
    for name, profile in profiles.items():
        checked_boxes(profile.boxes, f'profile "{name}": boxes', box_kinds(entries.values()))
    return Manifest(entries, profiles)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a manifest file. Raises ModelError if it is not valid TOML."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ModelError(f"cannot read the manifest {path}: {error}") from error
    _only(content, ("models", "profiles"), str(path))
    return content


def _inherited(name: str, tables: Mapping[str, tuple[dict[str, Any], Path]]) -> dict[str, Any]:
    """Return an entry's table, with missing values filled in from its `like`."""
    chain: list[dict[str, Any]] = []
    seen = []
    following: str | None = name
    while following:
        if following not in tables or following in seen:
            raise ModelError(
                f'{tables[name][1]}: model "{name}" is like "{following}", which is '
                + ("itself" if following in seen else "not in the manifest"),
                hint=did_you_mean(following, tables),
            )
        seen.append(following)
        chain.append(tables[following][0])
        following = tables[following][0].get("like")
    merged: dict[str, Any] = {}
    for table in reversed(chain):
        if {"files", "repo"} & table.keys():
            for key in ("sha256", "size_mb"):
                merged.pop(key, None)
        if "files" in table and "repo" not in table:
            for key in ("repo", "revision", "embedded"):
                merged.pop(key, None)
        for key, value in table.items():
            deep = key in ("input", "output", "tokens", "ask") and isinstance(value, dict)
            merged[key] = merged.get(key, {}) | value if deep else value
    merged.pop("like", None)
    return merged


def _entry(name: str, table: dict[str, Any], path: Path) -> Entry:
    where = f'{path}: model "{name}"'
    known = [f.name for f in dataclasses.fields(Entry) if f.name not in ("name", "folder", "origin")]
    _only(table, (*known, "embedded"), where)
    values = dict(table)
    if values.get("task") not in TASKS:
        raise ModelError(f"{where}: task is {values.get('task')!r}", hint="tasks: " + ", ".join(TASKS))
    if values.get("engine", "onnx") not in ENGINES:
        raise ModelError(f"{where}: engine is {values['engine']!r}", hint="engines: " + ", ".join(ENGINES))
    if "model" not in values.get("files", {}):
        raise ModelError(f"{where} names no file", hint='files = { model = "model.onnx" }')
    embedded = values.pop("embedded", False)
    folder = None if values.get("repo") else TINY if embedded else path.parent
    for key, kind in (("input", Input), ("output", Output), ("tokens", Tokens), ("ask", Ask)):
        values[key] = _part(kind, values.get(key, {}), f"{where}: {key}")
    if (values["task"] == "captioner") != (values.get("engine") in CAPTIONERS):
        raise ModelError(
            f"{where}: task {values['task']} with engine {values.get('engine', 'onnx')}",
            hint=f'a captioner has engine = "{CAPTIONERS[0]}" or "{CAPTIONERS[1]}", and only captioners have these',
        )
    if "boxes" in values:
        values["boxes"] = tuple(values["boxes"])
    if values["task"] == "captioner":
        check_ask(values["ask"], values["engine"], where)
    try:
        return Entry(name=name, folder=folder, origin=path, **values)
    except TypeError as error:
        raise ModelError(f"{where}: {error}") from error


CHOICES = {
    "layout": ("NCHW", "NHWC"),
    "colour": ("RGB", "BGR"),
    "fit": ("pad", "letterbox", "stretch", "keep", "crop"),
    "filter": ("nearest", "bilinear", "bicubic", "lanczos", "box", "linear"),
    "activation": ("none", "sigmoid", "softmax"),
    "decode": ("auto", "one-to-many", "end-to-end", "rt-detr"),
}


def _part(kind: type[Any], table: dict[str, Any], where: str) -> Any:
    _only(table, [f.name for f in dataclasses.fields(kind) if f.name != "steps"], where)
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    if isinstance(values.get("size"), int):
        values["size"] = (values["size"], values["size"])
    for key, value in values.items():
        if key in CHOICES and value not in CHOICES[key]:
            raise ModelError(f"{where}: {key} is {value!r}", hint="one of " + ", ".join(CHOICES[key]))
    return kind(**values)


def _profile(name: str, table: dict[str, Any], path: Path) -> Profile:
    where = f'{path}: profile "{name}"'
    _only(table, ("tagger", "detectors", "character", "image", "boxes"), where)
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    return Profile(name, **values)


def box_kinds(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the kinds of boxes that the detectors among these entries find: people first, then the others."""
    found = {kind for entry in entries for kind in entry.output.kinds.values() if kind}
    return (*PEOPLE, *sorted(found - set(PEOPLE)))


def checked_boxes(kinds: tuple[str, ...], where: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return kinds of boxes. Raises ModelError, naming `where`, for one that no detector finds."""
    for kind in kinds:
        if kind not in known:
            raise ModelError(f'{where}: there is no kind of box "{kind}"', hint=did_you_mean(kind, known))
    return kinds


def _only(table: Mapping[str, Any], known: Any, where: str) -> None:
    for key in table:
        if key not in known:
            raise ModelError(f'{where} has an unknown key "{key}"', hint=did_you_mean(key, known))

"""Adds the user's own ONNX files to their manifest."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from animeds_db.errors import ModelError
from animeds_db.models.catalogue import Row, change_user_file, load, row_of
from animeds_db.models.contradictions import PREPARED, ROLES
from animeds_db.models.files import locate, sha256_of
from animeds_db.models.manifest import Entry, load_manifest, user_file
from animeds_db.models.runtime import choose_device, refuse_other_files

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
FOUND: Mapping[str, tuple[str, ...]] = {
    "data": ("{name}.data", "{name}_data"),
    "preprocess": ("preprocess.json",),
    "thresholds": ("thresholds.csv", "threshold.json"),
    "samples": ("samples.npz",),
}
"""Names of files beside a model that say more about it, or hold its weights. {name} is the name of the model's file."""
OF_TASK: Mapping[str, tuple[str, ...]] = {
    "tagger": ("data", "preprocess", "thresholds"),
    "classifier": ("data", "preprocess", "samples"),
}
"""The files that are looked for, by task. Of other tasks: the weights and the pre-processing."""


def add_model(
    file: Path,
    like: str,
    *,
    name: str | None = None,
    companions: Mapping[str, Path] | None = None,
    settings: Mapping[str, Mapping[str, object] | object] | None = None,
) -> Row:
    """Add the user's own ONNX file to their manifest, with the inputs and outputs of a known model.

    `like`: the known model. `name`: default the file's name. `companions`: other files by role (tags, tokenizer,
    weights, …); those that `like` has are looked for beside the file, and so are its own files
    (preprocess.json, thresholds.csv, threshold.json, samples.npz). `settings`: differences from `like`, e.g.
    {"input": {"size": 512}, "thresholds": {"general": 0.4}}; they have priority over those files.
    The model is loaded and tried before anything is written, and its checksums are recorded. Returns its row.
    """
    manifest = load_manifest()
    pattern = manifest.entry(like)
    name = name or file.stem
    if not NAME.fullmatch(name):
        raise ModelError(
            f'"{name}" is not a valid model name', hint="use letters, digits, . _ - ; set a name with --name"
        )
    if name in manifest.entries:
        raise ModelError(
            f'a model named "{name}" already exists',
            hint="choose another name with --name, or remove the existing model first",
        )
    given = dict(settings or {})
    paths = _companions(file.expanduser().resolve(), pattern, companions or {}, given)
    table: dict[str, object] = {"like": like, "title": f"added from {file.name}"}
    table["files"] = {role: str(path) for role, path in paths.items()}
    table["sha256"] = {role: sha256_of(path) for role, path in paths.items()}
    table |= given
    if "thresholds" in paths:
        table.setdefault("thresholds", {})  # those of `like` are not this model's
    elif isinstance(own := given.get("thresholds"), Mapping):
        table["thresholds"] = {**pattern.thresholds, **own}
    block = f"\n[models.{json.dumps(name)}]\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in table.items())
    _try(name, block)
    change_user_file(lambda text: text + block)
    return row_of(name)


def _companions(
    file: Path, pattern: Entry, given: Mapping[str, Path], settings: Mapping[str, object]
) -> dict[str, Path]:
    if not file.is_file():
        raise ModelError(f"{file} does not exist or is not a file")
    refuse_other_files(file)
    for role in given:
        if role not in ROLES:
            raise ModelError(f'there is no role "{role}" for a file', hint="roles: " + ", ".join(ROLES))
    paths = {"model": file}
    own = settings.get("input", {})
    said = {"preprocess"} if isinstance(own, Mapping) and set(own) & set(PREPARED) else set()
    found = _beside(file, pattern)
    for role in dict.fromkeys((*pattern.files, *given, *found)):
        if role == "model" or (role in said and role not in given):
            continue
        usual = Path(pattern.files.get(role, "")).name
        path = given[role].expanduser().resolve() if role in given else found.get(role, file.parent / usual)
        if not path.is_file():
            if role == "data" and role not in given:
                continue  # the weights are in the file itself, or loading says which file lacks
            raise ModelError(
                f"a model like {pattern.name} needs a {role} file, but {path} does not exist",
                hint=f"put {usual or path.name} beside the model, or give its path with --companion {role}=PATH",
            )
        paths[role] = path
    return paths


def _beside(file: Path, pattern: Entry) -> dict[str, Path]:
    """Return the files beside a model that say more about it."""
    roles = OF_TASK.get(pattern.task, ("data", "preprocess"))
    places = {role: [file.with_name(n.format(name=file.name)) for n in FOUND[role]] for role in roles}
    return {
        role: next(path for path in paths if path.is_file())
        for role, paths in places.items()
        if any(path.is_file() for path in paths)
    }


def _try(name: str, block: str) -> None:
    """Load the model of a manifest block once, so that only working models are added."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "models.toml"
        own = user_file().read_text("utf-8") if user_file().is_file() else ""
        trial.write_text(own + block, "utf-8")
        entry = load_manifest(trial).entry(name)
    found = locate(entry)
    if found is not None:
        load(found, choose_device("cpu"))


def _toml(value: object) -> str:
    """Return a value as TOML. JSON's strings, numbers and lists are valid TOML; tables are not."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=True)

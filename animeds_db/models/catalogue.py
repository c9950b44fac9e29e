"""Lists, pulls, verifies and removes models; adding.py adds them.

Every function returns dictionaries of plain values, ready for a table. Nothing is printed here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from animeds_db.errors import ModelError, did_you_mean
from animeds_db.models import files, hub
from animeds_db.models.captioners.captioner import load_captioner
from animeds_db.models.files import Files, Progress, Record, locate, record_key, sha256_of
from animeds_db.models.manifest import (
    OPEN_CLIP,
    SHIPPED,
    Entry,
    Manifest,
    load_manifest,
    read_toml,
    user_file,
)
from animeds_db.models.profile import image_embedder
from animeds_db.models.runners.classifier import Classifier
from animeds_db.models.runners.detector import Detector
from animeds_db.models.runners.embedder import Embedder
from animeds_db.models.runners.segmenter import Segmenter
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runners.text import load as load_text
from animeds_db.models.runners.text_tower import TextTower
from animeds_db.models.runtime import Device, Network, choose_device
from animeds_db.safe_files import whole_file

Row = dict[str, object]


def list_models() -> list[Row]:
    """Return one row per known model: name, task, state, where, size_mb, revision, licence, profiles, title.

    `state` is "here", "not pulled", or a sentence that says what is wrong with the model.
    """
    manifest = load_manifest()
    return [_row(entry, manifest) for entry in manifest.entries.values()]


def row_of(name: str) -> Row:
    """Return the row of one model, as in `list_models`."""
    manifest = load_manifest()
    return _row(manifest.entry(name), manifest)


def _row(entry: Entry, manifest: Manifest) -> Row:
    revision: str | None = None
    try:
        found = locate(entry)
        state = "here" if found else "not pulled"
        revision = found.revision[:12] if found else None
        if entry.engine == "chat":
            state = f"at {entry.ask.address}"
        elif entry.engine != "onnx":
            state = f"downloaded by {entry.engine} on first use"
    except ModelError as error:
        state = error.message
    return {
        "name": entry.name,
        "task": entry.task,
        "state": state,
        "where": entry.repo
        or (entry.origin_kind if entry.origin_kind == "embedded" else entry.files["model"]),
        "size_mb": entry.size_mb,
        "revision": revision,
        "licence": entry.licence,
        "profiles": ", ".join(
            p.name for p in manifest.profiles.values() if entry.name in _models_of(p.name, manifest)
        ),
        "title": entry.title,
    }


def pull_models(names: Sequence[str], progress: Progress | None = None, *, force: bool = False) -> list[Row]:
    """Download models, given by model or profile names. An image embedder brings its text tower.

    Returns one row per model: name, revision, sha256, path. Raises ModelError (see hub.py).
    """
    manifest = load_manifest()
    rows: list[Row] = []
    for name in _expanded(names, manifest):
        entry = manifest.entry(name)
        found = hub.pull(entry, progress, force=force)
        if entry.engine == "chat":
            raise ModelError(
                f"{name} is at {entry.ask.address}, so there is nothing to download",
                hint=f"load {entry.files['model']} there, for example: ollama pull {entry.files['model']}",
            )
        if entry.task == "captioner":
            load_captioner(name, "cpu")
            continue
        if entry.engine != "onnx":
            load(found, choose_device("cpu"))  # its library downloads it while loading
            continue
        rows.append(
            {
                "name": name,
                "revision": found.revision[:12],
                "sha256": found.sha256,
                "path": str(found.paths["model"]),
            }
        )
    return rows


def _expanded(names: Sequence[str], manifest: Manifest) -> list[str]:
    """Return model names: profiles are replaced by their models, and text towers follow their image embedders."""
    wanted: list[str] = []
    for name in names:
        if name in manifest.profiles:
            wanted += _models_of(name, manifest)
        elif name in manifest.entries or name.startswith(OPEN_CLIP):
            wanted.append(name)
        else:
            known = [*manifest.entries, *manifest.profiles]
            raise ModelError(f'there is no model or profile "{name}"', hint=did_you_mean(name, known))
    followed = [part for name in wanted for part in (name, manifest.entry(name).text) if part]
    return list(dict.fromkeys(followed))


def _models_of(profile: str, manifest: Manifest) -> list[str]:
    p = manifest.profiles[profile]
    named = [name for name in (p.tagger, *p.detectors, p.character, p.image) if name]
    return [part for name in named for part in (name, manifest.entry(name).text) if part]


def verify_models(names: Sequence[str] = ()) -> list[Row]:
    """Read every file of these models (default: all on this disk) and compare its checksum.

    Returns one row per file: name, file, state (ok, damaged, missing, not pulled), sha256 (of the file on disk).
    """
    manifest = load_manifest()
    chosen = [manifest.entry(name) for name in names] or [e for e in manifest.entries.values() if _is_here(e)]
    return [row for entry in chosen for row in _verified(entry)]


def _is_here(entry: Entry) -> bool:
    if entry.engine != "onnx":
        return False
    return not entry.repo or Record.load().of(entry) is not None


def _verified(entry: Entry) -> list[Row]:
    known = Record.load().of(entry) if entry.repo else None
    if entry.repo and known is None:
        return [{"name": entry.name, "file": entry.files["model"], "state": "not pulled", "sha256": None}]
    rows: list[Row] = []
    for role, name in entry.files.items():
        path = Path(known["files"][role]["path"]) if known else (entry.folder or Path()) / name
        wanted = known["files"][role]["sha256"] if known else entry.sha256.get(role)
        found = sha256_of(path, again=True) if path.is_file() else None
        state = "missing" if found is None else "ok" if wanted in (None, found) else "damaged"
        rows.append({"name": entry.name, "file": str(path), "state": state, "sha256": found})
    return rows


def remove_model(name: str) -> Row:
    """Remove a model. A pulled model's files are deleted; a user's own model loses its entry but keeps its file.

    Returns name, what, freed_mb. Raises ModelError for embedded models and unknown names.
    """
    entry = load_manifest().entry(name)
    if entry.origin_kind == "embedded":
        raise ModelError(f"{name} is part of animeds-db and cannot be removed")
    freed = _forget_pulled(entry) if entry.repo else 0
    if entry.origin != SHIPPED:
        change_user_file(lambda text: _without(text, name, entry.origin))
    elif not freed:
        raise ModelError(f"{name} is not on this disk, so there is nothing to remove")
    what = "files deleted" if entry.repo else "entry removed, file kept"
    return {"name": name, "what": what, "freed_mb": round(freed / 1e6, 1)}


def _forget_pulled(entry: Entry) -> int:
    with Record.changing() as record:
        known = record.pulled.pop(record_key(entry), None)
        shared = {f["path"] for other in record.pulled.values() for f in other["files"].values()}
    paths = [Path(f["path"]) for f in known["files"].values()] if known else []
    return sum(hub.forget(path) for path in paths if str(path) not in shared)


def load(
    found: Files, device: Device
) -> Tagger | Detector | Classifier | Embedder | Segmenter | TextTower | Network:
    """Load and check one model; its task decides the class."""
    task = found.entry.task
    if task == "tagger":
        return Tagger(found, device)
    if task == "detector":
        return Detector(found, device)
    if task == "classifier":
        return Classifier(found, device)
    if task == "image":
        return image_embedder(found, device)
    if task == "character":
        return Embedder(found, device)
    if task == "segmenter":
        return Segmenter(found, device)
    return load_text(found, device) if task == "text" else Network(found.paths["model"], device)


def change_user_file(change: Callable[[str], str]) -> None:
    """Replace the user's manifest atomically, one process at a time, and only if the new text is valid."""
    path = user_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.lock(path.with_name(path.name + ".lock")):
            text = change(path.read_text("utf-8") if path.is_file() else "")
            with whole_file(path) as file:
                file.write(text.encode())
                file.flush()
                read_toml(Path(file.name))
    except OSError as error:
        raise ModelError(f"cannot write your manifest {path}: {error.strerror or error}") from error


def _without(text: str, name: str, path: Path) -> str:
    """Return a manifest's text without one model's table. Comments and order of the rest are kept."""
    lines = text.splitlines(keepends=True)
    headers = [_header(line) for line in lines]
    kept: list[str] = []
    inside = False
    for line, header in zip(lines, headers, strict=True):
        if header is not None:
            inside = header[:2] == ("models", name)
        if not inside:
            kept.append(line)
    left = "".join(kept)
    before, after = tomllib.loads(text), tomllib.loads(left)
    before["models"].pop(name)
    if (after.get("models", {}), after.get("profiles")) != (before["models"], before.get("profiles")):
        raise ModelError(f'cannot remove "{name}" from {path} automatically', hint="edit the file by hand")
    return left


def _header(line: str) -> tuple[str, ...] | None:
    """Return the keys of a table header such as [models."x.y".input], or None for another line."""
    if not line.lstrip().startswith("["):
        return None
    try:
        table = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    keys: list[str] = []
    while isinstance(table, dict) and len(table) == 1:
        key, table = next(iter(table.items()))
        keys.append(key)
    return tuple(keys)

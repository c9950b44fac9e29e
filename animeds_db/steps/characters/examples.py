"""Few-shot examples: adds them from files, faces or a tag, lists, removes and embeds them again.

An example's id is computed from its picture or its face. So adding it twice changes nothing, and no picture has two
names.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from animeds_db.errors import QueryError, SourceError, StoreError, UsageError, did_you_mean
from animeds_db.media.rendering import read_picture
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.characters.classify import vector_model
from animeds_db.steps.characters.face_pictures import Images, face_pictures
from animeds_db.steps.characters.folders import (
    NamedPicture,
    checked_name,
    name_notes,
    pictures_in,
    read_folder,
)
from animeds_db.steps.characters.neighbours import NEGATIVE
from animeds_db.steps.characters.pictures import Looks, as_webp, heads, load_looks, of_webp
from animeds_db.store.store import Store, quoted

Row = dict[str, Any]
Progress = Callable[[int, int], None]
TAG_SCORE, MOST = 0.85, 20


@dataclass(frozen=True)
class Added:
    """Result of an addition: new examples, existing ones, pictures that were left out, and notes."""

    new: int
    known: int = 0
    left_out: int = 0
    characters: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def add_folder(
    store: Store, session: Session, folder: Path, *, device: str = "auto", progress: Progress | None = None
) -> Added:
    """Add the pictures of a folder tree under the names in their paths (see folders.py).

    Raises SourceError for a folder without pictures, UsageError for one picture under two names, StoreError and
    ModelError if the models of this database cannot be loaded.
    """
    known = [row[0] for row in session.sql("SELECT DISTINCT character FROM examples").fetchall()]
    return add_files(store, session, read_folder(folder, known), device=device, progress=progress)


def add_pictures(
    store: Store,
    session: Session,
    character: str,
    paths: Iterable[Path],
    *,
    appearance: str | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Added:
    """Add picture files, or all pictures of folders, as examples of one character."""
    name = checked_name(character)
    files = [file for path in paths for file in (pictures_in(path) if path.is_dir() else [path])]
    named = [NamedPicture(file, name, appearance) for file in files]
    return add_files(store, session, named, device=device, progress=progress)


def add_files(
    store: Store,
    session: Session,
    files: Sequence[NamedPicture],
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> Added:
    """Add picture files under these names. The one clear face of each is used; for `ood`, every face."""
    data, notes = _read_all(files)
    readable = [one for one in files if one.path in data]
    keys = {one.path: _file_key(data[one.path]) for one in readable}
    _expect_one_name(files, keys)
    there = _names_of(session, "origin = 'file'")
    stored = {example.rpartition(".")[0]: name for example, name in there.items()}
    first = {keys[one.path]: one for one in reversed(readable)}
    for key, one in first.items():
        _expect_same(stored.get(key), one.character, str(one.path))
    fresh = sorted((one for key, one in first.items() if key not in stored), key=lambda one: one.path)
    rows: list[Row] = []
    left_out = len(files) - len(readable)
    looks = load_looks(session, device) if fresh else None
    for done, one in enumerate(fresh, start=1):
        assert looks is not None
        found, note = _file_rows(looks, one, keys[one.path], data[one.path])
        rows += found
        left_out += not found
        notes += [f"{one.path}: {note}"] if note else []
        if progress is not None:
            progress(done, len(fresh))
    new = _insert(store, rows)
    names = Counter(str(row["character"]) for row in rows)
    return Added(
        new,
        len(files) - len(fresh) - (len(files) - len(keys)),
        left_out,
        dict(names),
        notes + name_notes(names),
    )


def add_faces(
    store: Store,
    session: Session,
    character: str,
    face_ids: Sequence[str],
    *,
    appearance: str | None = None,
    origin: str = "face",
    images: Images | None = None,
    progress: Progress | None = None,
) -> Added:
    """Add faces of the database as examples of a character, with the vectors that they have.

    `images` decodes frames, so that a picture of each head is kept as well. origin: face | cluster | tag.
    Raises QueryError for unknown ids, UsageError for boxes that are not faces and for faces that are examples of
    another character, StoreError for faces without a vector.
    """
    name = checked_name(character)
    faces = _faces(session, list(dict.fromkeys(face_ids)))
    there = _names_of(session, "face_id IS NOT NULL")
    for face in faces:
        _expect_same(there.get(f"face-{face['face_id']}"), name, f"face {face['face_id']}")
    fresh = [face for face in faces if f"face-{face['face_id']}" not in there]
    pictures = {} if images is None else face_pictures(store, images, fresh, progress=progress)
    rows = [
        {
            "example_id": f"face-{face['face_id']}",
            "character": name,
            "appearance": appearance,
            "origin": origin,
            "face_id": face["face_id"],
            "frame_id": face["frame_id"],
            "source_id": face["source_id"],
            "vector": face["vector"],
            "vector_model": face["vector_model"],
            "webp": _webp_of(pictures.get(face["face_id"])),
        }
        for face in fresh
    ]
    new = _insert(store, rows)
    return Added(new, len(faces) - len(fresh), 0, {name: new}, name_notes([name]))


def add_tag(
    store: Store,
    session: Session,
    character: str,
    tag: str,
    *,
    min_score: float = TAG_SCORE,
    most: int = MOST,
    appearance: str | None = None,
    images: Images | None = None,
    progress: Progress | None = None,
) -> Added:
    """Add at most `most` single faces of frames that have a tag with a score of at least `min_score`, from many shots.

    Raises UsageError for a tag that no model knows, and for a tag that no frame with a single face has.
    """
    tag = tag.strip().replace(" ", "_")
    names = [row[0] for row in session.sql("SELECT tag FROM vocabulary").fetchall()]
    if tag not in names:
        raise UsageError(f'No tagger of this database knows "{tag}".', hint=did_you_mean(tag, names))
    params = {"tag": tag, "min_score": min_score, "limit": most}
    found = session.arrow(sql_script("steps/classify", "tag_examples.sql"), params)[
        "detection_id"
    ].to_pylist()
    if not found:
        raise UsageError(
            f'No frame with a single face has the tag "{tag}" with a score of {min_score:g} or more.',
            hint="Lower --min-score, or run: animeds characters cluster",
        )
    return add_faces(
        store,
        session,
        character,
        found,
        appearance=appearance,
        origin="tag",
        images=images,
        progress=progress,
    )


def remove(
    store: Store,
    session: Session,
    character: str | None = None,
    *,
    appearance: str | None = None,
    examples: Sequence[str] = (),
) -> int:
    """Delete examples by id, or all of a character (or one appearance of it); return how many.

    Raises UsageError if there are none.
    """
    rows = session.arrow("SELECT example_id, character, appearance FROM examples").to_pylist()
    if examples:
        missing = sorted(set(examples) - {row["example_id"] for row in rows})
        if missing:
            raise UsageError(
                f"There is no example {missing[0]}.",
                hint="List them with: animeds sql 'SELECT * FROM examples'",
            )
        gone = list(examples)
    else:
        mine = [row for row in rows if row["character"] == character]
        if not mine:
            raise UsageError(
                f'there are no examples of "{character}"',
                hint=did_you_mean(str(character), {r["character"] for r in rows}),
            )
        gone = [row["example_id"] for row in mine if appearance is None or row["appearance"] == appearance]
        if not gone:
            raise UsageError(
                f'"{character}" has no examples of the appearance "{appearance}"',
                hint=did_you_mean(str(appearance), {str(r["appearance"]) for r in mine if r["appearance"]}),
            )
    store.delete("examples", f"example_id IN ({', '.join(quoted(one) for one in gone)})")
    return len(gone)


def embed_anew(store: Store, session: Session, *, device: str = "auto") -> Added:
    """Give the examples of other models vectors of the model that made the faces' vectors.

    Examples that are faces of this database take the face's vector. For the others, the stored head crop is embedded
    again. Examples without a crop are reported and not changed.
    """
    model = vector_model(session)
    old = [row for row in store.table("examples").to_table().to_pylist() if row["vector_model"] != model]
    wanted = [row["face_id"] for row in old if row["face_id"]]
    faces = _rows_of(session, wanted) if wanted else []
    vectors = {face["face_id"]: face["vector"] for face in faces if face["vector_model"] == model}
    seen = [row for row in old if row["face_id"] not in vectors and row["webp"] is not None]
    if seen:
        looks = load_looks(session, device)
        found = looks.embedder([of_webp(row["webp"]) for row in seen])
        vectors |= {row["example_id"]: vector for row, vector in zip(seen, found, strict=True)}
    done = [
        row | {"vector": vectors.get(row["face_id"], vectors.get(row["example_id"])), "vector_model": model}
        for row in old
        if row["face_id"] in vectors or row["example_id"] in vectors
    ]
    if done:
        store.replace("examples", pa.Table.from_pylist(done, schema=store.schema("examples").schema))
    blind = sorted({row["example_id"] for row in old} - {row["example_id"] for row in done})
    notes = [f"{one} has no stored picture. Remove it and add it again" for one in blind]
    return Added(len(done), 0, len(blind), dict(Counter(row["character"] for row in done)), notes)


def _read_all(files: Sequence[NamedPicture]) -> tuple[dict[Path, bytes], list[str]]:
    data, notes = {}, []
    for one in files:
        try:
            data[one.path] = one.path.read_bytes()
        except OSError as error:
            notes.append(f"{one.path}: cannot be read: {error.strerror}; left out")
    if files and not data:
        raise SourceError(notes[0])
    return data, notes


def _file_key(data: bytes) -> str:
    return f"file-{xxhash.xxh3_128_hexdigest(data)[:16]}"


def _expect_one_name(files: Sequence[NamedPicture], keys: dict[Path, str]) -> None:
    """Raise UsageError if the same picture was given for two characters."""
    seen: dict[str, NamedPicture] = {}
    for one in files:
        if one.path not in keys:
            continue
        other = seen.setdefault(keys[one.path], one)
        if other.character != one.character:
            raise UsageError(
                f"{other.path} ({other.character}) and {one.path} ({one.character}) are the same picture.",
                hint="Delete the wrong one.",
            )


def _names_of(session: Session, where: str) -> dict[str, str]:
    rows = session.arrow(f"SELECT example_id, character FROM examples WHERE {where}")
    return dict(zip(rows["example_id"].to_pylist(), rows["character"].to_pylist(), strict=True))


def _expect_same(there: str | None, name: str, what: str) -> None:
    if there is not None and there != name:
        raise UsageError(
            f"{what} is already an example of {there}, so it cannot be an example of {name}.",
            hint=f'If {there} is wrong, run `animeds characters remove "{there}"`, or label the face.',
        )


def _file_rows(looks: Looks, one: NamedPicture, key: str, data: bytes) -> tuple[list[Row], str | None]:
    """Return the rows of one file, and a note for the user or None."""
    try:
        picture = read_picture(one.path, data)
    except SourceError as error:
        return [], f"{error.message.removeprefix(str(one.path)).strip()}; left out"
    faces = [box for box in looks.detector([picture])[0] if box.kind == "face"]
    crops, note = heads(picture, faces, every=one.character == NEGATIVE)
    vectors = looks.embedder(crops) if crops else np.zeros((0, looks.embedder.width), np.float32)
    rows = [
        {
            "example_id": f"{key}.{number}",
            "character": one.character,
            "appearance": one.appearance,
            "origin": "file",
            "uri": str(one.path.absolute()),
            "vector": vector,
            "vector_model": looks.embedder.id,
            "webp": as_webp(crop),
        }
        for number, (crop, vector) in enumerate(zip(crops, vectors, strict=True))
    ]
    return rows, note


def _faces(session: Session, ids: Sequence[str]) -> list[Row]:
    """Return the faces with these ids, in their order, with vectors."""
    rows = {row["face_id"]: row for row in _rows_of(session, ids)}
    for one in ids:
        if one not in rows:
            raise QueryError(
                f"There is no face {one}.",
                hint="Ids look like k3f9a2qd-000754212-f0. List them with: SELECT face_id FROM faces",
            )
        if rows[one]["kind"] != "face":
            raise UsageError(
                f"{one} is a {rows[one]['kind']}, not a face.",
                hint="Only faces can be examples. Label it instead.",
            )
        if rows[one]["vector"] is None:
            raise StoreError(
                f"The face {one} has no character vector.",
                hint="Ingest or detect with a character model first.",
            )
    return [rows[one] for one in ids]


def _rows_of(session: Session, ids: Sequence[str]) -> list[Row]:
    """Return the detections with these ids, including those of earlier detectors."""
    columns = 'detection_id AS face_id, frame_id, source_id, kind, "left", top, "right", bottom, vector, vector_model'
    sql = f"SELECT {columns} FROM detections WHERE list_contains($ids, detection_id)"
    rows: list[Row] = session.arrow(sql, {"ids": list(ids)}).to_pylist()
    return rows


def _webp_of(picture: Any) -> bytes | None:
    return None if picture is None else as_webp(np.asarray(picture.convert("RGB")))


def _insert(store: Store, rows: Sequence[Row]) -> int:
    """Write the rows whose ids are new; return their number."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    table = pa.Table.from_pylist(
        [row | {"added_at": now} for row in rows], schema=store.schema("examples").schema
    )
    return store.upsert("examples", table)

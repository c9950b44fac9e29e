"""Search frames by a vector: of words, of a picture, or of another frame. Vectors of two models are never compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.session import Session, catalog
from animeds_db.session.scripts import sql_script, with_texts
from animeds_db.steps.search.closest_frames import closest_frames, is_known, nearest_frames, stored_vector
from animeds_db.store.store import Store, quoted
from animeds_db.upkeep import indexes

MOST_BY_INDEX = 1000
"""Maximum number of results from the index. If more are requested, all frames are compared."""
WIDER, SURE = 30, 3
"""With a condition: number of frames first requested from the index, per result that is wanted. SURE times as many
results as are wanted must be among them, because the index does not know the exact order."""


def embedder_id(session: Session, where: str | None = None) -> str:
    """Return the id (name@revision) of the model that made the vectors of the frames (those of a condition).

    Raises StoreError when there are no vectors, or vectors of several models.
    """
    found = session.once("embedders", partial(_embedders, session, None))
    if len(found) > 1 and where:
        found = _embedders(session, where) or found
    if not found:
        raise StoreError(
            "No frame here has a vector for a search.",
            hint="`animeds embed --model clip-vit-b32 --use` gives them vectors, as ingest --profile anime does.",
        )
    if len(found) > 1:
        name = found[0].partition("@")[0]
        raise StoreError(
            f"The frames have vectors of several models, which cannot be compared: {', '.join(found)}",
            hint=f"`animeds embed --model {name} --use` gives all frames those of one model. Or search some frames: "
            f"--where \"embedder = '{found[0]}'\"",
        )
    return found[0]


def _embedders(session: Session, where: str | None) -> list[str]:
    sql = f"SELECT DISTINCT embedder FROM frames WHERE embedder IS NOT NULL AND (\n{where or 'true'}\n) ORDER BY 1"
    return [str(row[0]) for row in session.sql(sql, file="search").fetchall()]


def has_vectors(session: Session) -> bool:
    """Return True if any frame has a vector."""
    return bool(session.sql("SELECT 1 FROM frames WHERE embedder IS NOT NULL LIMIT 1").fetchall())


def unsearched(session: Session) -> int:
    """Return the number of frames without a vector, which no search finds."""
    return int(session.sql("SELECT count(*) FROM frames WHERE embedder IS NULL").fetchall()[0][0])


def vector_of(
    session: Session,
    *,
    text: str | None = None,
    image: Path | None = None,
    frame_id: str | None = None,
    where: str | None = None,
    tower: str | None = None,
) -> np.ndarray:
    """Return the vector to search by, float32 [width], from exactly one of words, a picture file, a frame.

    It is of the model that made the vectors of the frames (those of the condition `where`). `tower`: another
    text tower of that model's space. Raises UsageError, ModelError, StoreError, QueryError, SourceError.
    """
    if sum(part is not None for part in (text, image, frame_id)) != 1:
        raise UsageError("Search by exactly one of: words, --image FILE, --frame ID; or by --said alone.")
    if tower is not None and text is None:
        raise UsageError("--tower can only be used with words.")
    model = embedder_id(session, where)
    if frame_id is not None:
        return _stored(session, frame_id, model)
    if text is not None:
        return words_vector(text, model, tower)
    assert image is not None
    return _of_picture(image, model)


def words_vector(words: str, model: str, tower: str | None = None) -> np.ndarray:
    """Return the vector of some words, float32 [width], in the space of the embedder `model` (name@revision).

    `tower`: another text tower of that space; default: the setting `text_tower`, else the model's own.
    """
    from animeds_db import settings
    from animeds_db.models.runners.text import embed_text

    chosen = settings.resolve("text_tower", tower).value or None
    return np.asarray(embed_text(model, [words], tower=chosen)[0])


def search(
    session: Session,
    vector: np.ndarray,
    *,
    k: int = 20,
    where: str | None = None,
    store: Store | None = None,
) -> duckdb.DuckDBPyRelation:
    """Return the k frames with the highest cosine to `vector`: frame_id, source_id, …, similarity, tags.

    `where` is a condition on the view `frames`. With `store`, its index of vectors finds the frames that are compared
    (see `by_index`). Raises UsageError for k below 1, QueryError for a bad condition.
    """
    if k < 1:
        raise UsageError(f"-k is {k}. It must be at least 1.")
    with session.held():  # addresses of rows are those of one version
        found = _found(session, vector, k, where, store)
    return session.relation(found)


def _found(session: Session, vector: np.ndarray, k: int, where: str | None, store: Store | None) -> pa.Table:
    """Return the rows of `search`."""
    indexed = store is not None and session.once(f"index for {k}", partial(by_index, store, k))
    if indexed and where is not None and catalog.is_of_one_frame(where) and not is_known(session, where):
        found = _nearest_that_meet(session, vector, k, where)
        if found is not None:
            return found
    rows = closest_frames(session, vector, k, where=where, by_index=indexed)
    return _compared(session, vector, k, where) if rows is None else _compared_only(session, vector, k, rows)


def by_index(store: Store, k: int) -> bool:
    """Return True if an index can be used: it exists for the current vectors, and few enough results are wanted."""
    if k > MOST_BY_INDEX or not indexes.has_vectors(store):
        return False
    return int(store.table("choices").count_rows("task = 'image'")) == 0


def among(ids: Iterable[str]) -> str:
    """Return a condition that these frames meet."""
    listed = ", ".join(map(quoted, ids))
    return f"frame_id IN ({listed})" if listed else "false"


def only(ids: Sequence[str]) -> str:
    """Return these frames for a FROM clause. The LIMIT keeps DuckDB from checking a condition on all frames first."""
    return f"(SELECT * FROM frames WHERE {among(ids)} LIMIT {len(ids)}) AS frames"


def _nearest_that_meet(session: Session, vector: np.ndarray, k: int, where: str) -> pa.Table | None:
    """Return the k nearest frames that meet a condition; None: too few of the nearest frames meet it to be sure.

    This is faster than to evaluate the condition on all frames.
    """
    rows = nearest_frames(session, vector, WIDER * k)
    met = _compared_only(session, vector, SURE * k, rows, f"(\n{where}\n)")
    return met.slice(0, k) if len(met) == SURE * k else None


def _compared(session: Session, vector: np.ndarray, k: int, where: str | None) -> pa.Table:
    """Compare all frames that meet a condition, by SQL."""
    sql = _script(vector, f"embedding IS NOT NULL AND (\n{where or 'true'}\n)")
    return session.arrow(sql, {"vector": vector.tolist(), "k": k}, file="search")


def _compared_only(
    session: Session, vector: np.ndarray, k: int, rows: Sequence[int], condition: str = "true"
) -> pa.Table:
    """Compare those of the frames at these addresses that meet a condition. All of them must have a vector."""
    params = {"vector": vector.tolist(), "k": k}
    return session.of_rows(_script(vector, condition), rows, params)


def _script(vector: np.ndarray, condition: str) -> str:
    return with_texts(sql_script("steps/search", "frames.sql"), width=len(vector), where=condition)


def _stored(session: Session, frame_id: str, model: str) -> np.ndarray:
    stored = stored_vector(session, frame_id)
    if stored is None:
        raise QueryError(f"There is no frame {frame_id}.", hint="Ids look like k3f9a2qd-000754212.")
    vector, embedder = stored
    if vector is None:
        raise StoreError(
            f"Frame {frame_id} has no vector.",
            hint=f"`animeds embed --model {model.partition('@')[0]}` gives one to every frame without a vector.",
        )
    if embedder != model:
        raise StoreError(
            f"The vector of frame {frame_id} was made by {embedder}, the others by {model}. "
            "They cannot be compared.",
            hint=f"`animeds embed --model {model.partition('@')[0]} --use` gives all frames vectors of one model.",
        )
    return vector


def _of_picture(path: Path, model: str) -> np.ndarray:
    from animeds_db.errors import ModelError
    from animeds_db.media.rendering import read_picture
    from animeds_db.models import load_profile

    pixels = read_picture(path)
    name = model.partition("@")[0]
    embedder = load_profile("none", overrides={"image": name}, named_by_database=True).image
    assert embedder is not None
    if embedder.id != model:
        raise ModelError(
            f"The vectors were made by {model}, but the installed model is {embedder.id}. They cannot be compared.",
            hint=f"`animeds embed --model {embedder.entry.name} --use` makes new vectors with the installed model.",
        )
    return np.asarray(embedder([pixels])[0])

"""Search frames by words, by a picture, or by another frame. Vectors of two models are never compared."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from animeds_db.errors import QueryError, SourceError, StoreError, UsageError
from animeds_db.scripts import sql_script
from animeds_db.session import Session


def embedder_id(session: Session) -> str:
    """Return the id (name@revision) of the model that made the frames' vectors.

    Raises StoreError when there are no vectors, or vectors of several models.
    """
    found = [
        row[0] for row in session.sql("SELECT DISTINCT embedder FROM frames ORDER BY 1").fetchall() if row[0]
    ]
    if not found:
        raise StoreError(
            "no frame here has a vector to search by",
            hint="ingest with a profile that has an image embedder, e.g. --profile anime or tiny",
        )
    if len(found) > 1:
        raise StoreError(
            f"the frames hold vectors of several models: {', '.join(found)}",
            hint="vectors of different models cannot be compared; restrict the search with --where \"embedder = '…'\"",
        )
    return str(found[0])


def vector_of(session: Session, *, text: str | None, image: Path | None, frame_id: str | None) -> np.ndarray:
    """Return the vector to search by, float32 [width], from exactly one of words, a picture file, a frame."""
    if sum(part is not None for part in (text, image, frame_id)) != 1:
        raise UsageError("search by one of: words, --image FILE, --frame ID")
    if frame_id is not None:
        return _stored(session, frame_id)
    model = embedder_id(session)
    if text is not None:
        from animeds_db.models.text import embed_text

        return np.asarray(embed_text(model, [text])[0])
    assert image is not None
    return _of_picture(image, model)


def search(
    session: Session, vector: np.ndarray, *, k: int = 20, where: str | None = None
) -> duckdb.DuckDBPyRelation:
    """Return the k frames with the highest cosine to `vector`: frame_id, source_id, …, similarity, tags.

    `where` is a condition on the view `frames`. Raises UsageError for k below 1, QueryError for a bad condition.
    """
    if k < 1:
        raise UsageError(f"-k is {k}; ask for at least one frame")
    sql = sql_script("steps", "search.sql").format(width=len(vector), where=where or "true")
    return session.sql(sql, {"vector": vector.tolist(), "k": k}, file="search")


def _stored(session: Session, frame_id: str) -> np.ndarray:
    rows = session.sql("SELECT embedding FROM frames WHERE frame_id = $id", {"id": frame_id}).fetchall()
    if not rows:
        raise QueryError(f"there is no frame {frame_id}", hint="ids look like k3f9a2qd-000754212")
    if rows[0][0] is None:
        raise StoreError(f"frame {frame_id} has no vector", hint="it was ingested without an image embedder")
    return np.asarray(rows[0][0], np.float32)


def _of_picture(path: Path, model: str) -> np.ndarray:
    from PIL import Image

    from animeds_db.errors import ModelError
    from animeds_db.models import load_profile

    try:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (OSError, Image.DecompressionBombError) as error:
        raise SourceError(f"{path} cannot be read as a picture: {error}") from error
    embedder = load_profile("none", overrides={"image": model.partition("@")[0]}).image
    assert embedder is not None
    if embedder.id != model:
        raise ModelError(
            f"the vectors were made by {model}, but the model here is {embedder.id}: they cannot be compared",
            hint="pull that revision, or ingest again with the model that is here",
        )
    return np.asarray(embedder([pixels])[0])

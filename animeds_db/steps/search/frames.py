"""Search frames by a vector: of words, of a picture, or of another frame. Vectors of two models are never compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.session import Session, catalog
from animeds_db.session.scripts import sql_script, with_texts
from animeds_db.store.store import Store, quoted
from animeds_db.upkeep import indexes

MOST_BY_INDEX = 1000
"""Maximum number of results from the index. If more are requested, all frames are compared."""
SPARE = 20
"""Number of additional results requested from the index, because several may be equally similar."""
FEW = 5_000
"""If at most this many frames meet a condition, they are compared one by one, without the index."""
WIDER = 30
"""With a condition: number of results first requested from the index, per result that is wanted."""
MOST_CANDIDATES = 3000
"""Maximum number of results requested from the index because of a condition. More take longer than MOST_LISTED."""
_DRAWN = re.compile(r"\b(random|uuid|gen_random_uuid)\s*\(", re.I)
"""A condition that draws at random is drawn for each frame."""
OF_SOURCES = ("source_id", "show", "show_name", "season", "episode")
"""Columns that all frames of a source have in common."""
MOST_LISTED = 30_000
"""Maximum number of frames that meet a condition and are given to the index as a list, which takes 6 µs each."""


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
    if store is None or not by_index(store, k):
        return _compared(session, vector, k, f"embedding IS NOT NULL AND (\n{where or 'true'}\n)")
    near = partial(indexes.nearest, store, vector, hidden=_hidden(session, store))
    if where is None:
        return _compared_only(session, vector, k, near(k + SPARE))
    return _filtered(session, vector, k, where, near)


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


def _filtered(
    session: Session, vector: np.ndarray, k: int, where: str, near: Callable[..., list[str]]
) -> duckdb.DuckDBPyRelation:
    """Return the nearest frames that meet a condition.

    A condition on sources is given to the index. With another one, the index gives more frames than are wanted, and
    those that do not meet the condition are left out. If too few are left, the frames that meet it are listed first:
    few are compared one by one, and of more, the index gives the nearest.
    """
    sources = sources_meeting(session, where)
    if sources is not None:
        return _compared_only(session, vector, k, near(k + SPARE, sources=sources))
    wanted = WIDER * k
    while wanted <= MOST_CANDIDATES:
        met = _compared_those_that_meet(session, vector, k, where, near(wanted + SPARE, refined=False))
        if len(met) >= k:
            return session.relation(met)
        wanted = 2 * wanted * k // len(met) if len(met) else MOST_CANDIDATES + 1
    listed = _meeting(session, where, MOST_LISTED + 1)
    if len(listed) > MOST_LISTED:
        return _compared(session, vector, k, f"embedding IS NOT NULL AND (\n{where}\n)")
    nearest = listed if len(listed) <= FEW else near(k + SPARE, among=listed)
    return _compared_only(session, vector, k, nearest)


def sources_meeting(session: Session, where: str) -> list[str] | None:
    """Return the ids of the sources that meet a condition, or None if it is about more than sources.

    A condition that can be evaluated with only these columns means the same for a source and for all of its frames.
    """
    return session.once(f"sources meeting {where}", partial(_sources_meeting, session, where))


def _sources_meeting(session: Session, where: str) -> list[str] | None:
    columns, sources = session.once("sources", partial(_sources, session))
    if catalog.reads(where, columns - {*OF_SOURCES}) or _DRAWN.search(where):
        return None
    sql = f"SELECT source_id FROM all_sources AS frames WHERE (\n{where}\n)"
    try:
        met = session.sql(sql, file="search", tables={"all_sources": sources}).to_arrow_table()
    except QueryError:
        return None
    ids: list[str] = met["source_id"].to_pylist()
    return ids


def _sources(session: Session) -> tuple[set[str], pa.Table]:
    """Return the names of the columns of frames, and OF_SOURCES of all sources."""
    listed = ", ".join(f'"{name}"' for name in OF_SOURCES)
    return {*session.sql("FROM frames").columns}, session.arrow(f"SELECT {listed} FROM sources")


def _meeting(session: Session, where: str, most: int) -> list[str]:
    """Return frames with vectors that meet a condition: all of them, or the first `most`."""
    sql = f"SELECT frame_id FROM frames WHERE embedder IS NOT NULL AND (\n{where}\n) LIMIT {most}"
    ids: list[str] = session.arrow(sql, file="search")["frame_id"].to_pylist()
    return ids


def _compared(
    session: Session, vector: np.ndarray, k: int, condition: str, of: str = "frames"
) -> duckdb.DuckDBPyRelation:
    """Compare all frames that meet a condition; all of these must have a vector. `of`: all frames, or `only` some."""
    return session.sql(_script(vector, of, condition), {"vector": vector.tolist(), "k": k}, file="search")


def _compared_only(
    session: Session, vector: np.ndarray, k: int, frames: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    """Compare these frames."""
    params = {"vector": vector.tolist(), "k": k}
    return session.relation(session.of_frames(_script(vector, "frames", "true"), frames, params=params))


def _compared_those_that_meet(
    session: Session, vector: np.ndarray, k: int, where: str, frames: Sequence[str]
) -> pa.Table:
    """Compare those of these frames that meet a condition."""
    condition = f"(\n{where}\n)"
    if catalog.is_of_one_frame(where):
        sql, params = _script(vector, "frames", condition), {"vector": vector.tolist(), "k": k}
        return session.of_frames(sql, frames, params=params)
    with session.errors():
        return _compared(session, vector, k, condition, of=only(frames)).to_arrow_table()


def _script(vector: np.ndarray, frames: str, condition: str) -> str:
    return with_texts(
        sql_script("steps/search", "frames.sql"), width=len(vector), frames=frames, where=condition
    )


def _hidden(session: Session, store: Store) -> list[str]:
    """Return the sources that this session does not show."""
    if session.unfinished:
        return []
    rows = store.table("sources").to_table(columns=["source_id"], filter="state <> 'done'")
    ids: list[str] = rows["source_id"].to_pylist()
    return ids


def _stored(session: Session, frame_id: str, model: str) -> np.ndarray:
    sql = "SELECT embedding, embedder FROM frames WHERE frame_id = $id"
    rows = session.sql(sql, {"id": frame_id}).fetchall()
    if not rows:
        raise QueryError(f"There is no frame {frame_id}.", hint="Ids look like k3f9a2qd-000754212.")
    vector, embedder = rows[0]
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
    return np.asarray(vector, np.float32)


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

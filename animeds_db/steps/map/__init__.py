"""The map: every frame or face as a point of the plane, so that similar ones are near each other.

The positions come from the vectors, and take minutes for 100,000 of them. They are kept beside the tables, in
`remembered/map-frames.bin` or `map-faces.bin`, which can be deleted at any time: a map that is missing or of other
frames is computed again. A database at a URI has no such file, so its map is computed each time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.errors import StoreError, UsageError, did_you_mean
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script, with_texts
from animeds_db.steps.dedup.arrayfile import read_arrays, write_arrays
from animeds_db.steps.map.plane import best_method, in_plane
from animeds_db.store import Store
from animeds_db.store.location import Location
from animeds_db.vectors.columns import as_matrix

MOST = 100_000
"""Maximum number of points. Of more frames or faces, this many are picked at random: a page cannot show more."""
KINDS = ("frames", "faces")
_FORMAT = 1
Progress = Callable[[int, int], None]

_log = logging.getLogger("animeds")


@dataclass(frozen=True)
class Map:
    """Points of the plane.

    of: frames or faces. model: name@revision of the model of the vectors. method: "t-SNE" or "PCA".
    ids, frame_ids: text [points], sorted by id; for frames they are the same. xy: float32 [points, 2], each 0…1.
    """

    of: str
    model: str
    method: str
    ids: pa.Array
    frame_ids: pa.Array
    xy: npt.NDArray[np.float32]

    @property
    def table(self) -> pa.Table:
        """The points as rows: frame_id, x, y; of faces also face_id."""
        columns = {"frame_id": self.frame_ids, "x": self.xy[:, 0], "y": self.xy[:, 1]}
        return pa.table({"face_id": self.ids} | columns if self.of == "faces" else columns)

    def shows(self, points: pa.Table) -> bool:
        """Return True if these are its points: id and model of each, sorted by id."""
        return _models(points) == [self.model] and self.ids.equals(points["id"].combine_chunks())


def make_map(
    session: Session,
    store: Store,
    of: str = "frames",
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> Map:
    """Return the map of all frames (or faces) with a vector, of at most MOST of them.

    One that is kept is returned if it shows the same frames, unless `again`; else it is computed and kept. Without
    the extra [map] the method is PCA. Raises UsageError for another `of`, StoreError without vectors or with vectors
    of several models.
    """
    points = _points(session, _checked(of))
    models = _models(points)
    if not models:
        raise StoreError(f"No {of.removesuffix('s')} has a vector, so there is no map.", hint=_HINTS[of])
    if len(models) > 1:
        raise StoreError(
            f"The {of} have vectors of several models, which cannot be on one map: {', '.join(models)}",
            hint=_HINTS[of],
        )
    kept = None if again else kept_map(store, of)
    if kept is not None and kept.shows(points) and kept.method in ("t-SNE", best_method()):
        return kept
    rows = session.step(
        sql_script("steps/search", f"pair_{of}.sql"), {"wanted": points.select(["id"])}, {"every": False}
    )
    x = as_matrix(rows["vector"], np.asarray(pc.sort_indices(rows["id"]), np.int64))
    xy, method = in_plane(x, progress)
    ids, frame_ids = (points[name].combine_chunks() for name in ("id", "frame_id"))
    made = Map(of, models[0], method, ids, frame_ids, xy)
    keep(store, made)
    return made


def kept_map(store: Store, of: str = "frames") -> Map | None:
    """Return the map that is kept, even if frames were added since; None if there is none. Raises UsageError."""
    file = map_file(store, of)
    if file is None or not file.exists():
        return None
    try:
        arrays = read_arrays(file)
        if int(arrays["version"]) != _FORMAT:
            return None
        ids, frames = (pa.array(np.char.decode(arrays[name], "utf-8")) for name in ("ids", "frames"))
        return Map(of, str(arrays["model"]), str(arrays["method"]), ids, frames, arrays["xy"])
    except (OSError, KeyError, ValueError, TypeError) as error:
        _log.info("%s cannot be used (%s): the map is computed again", file, error)
        return None


def is_current(session: Session, kept: Map) -> bool:
    """Return True if the map shows what is in the database now, and no better method can be used."""
    return kept.method in ("t-SNE", best_method()) and kept.shows(_points(session, kept.of))


def map_file(store: Store, of: str) -> Path | None:
    """Return the file of a map; None for a database at a URI. Raises UsageError."""
    folder = Location(store.uri).path
    return None if folder is None else folder / "remembered" / f"map-{_checked(of)}.bin"


def points_sql(of: str) -> str:
    """Return the SELECT of the points of a map: id, frame_id, source_id, model."""
    return with_texts(sql_script("steps/map", f"{of}.sql"), most=MOST)


def _points(session: Session, of: str) -> pa.Table:
    return session.arrow(points_sql(of))


def _models(points: pa.Table) -> list[str]:
    return sorted(pc.unique(points["model"]).to_pylist())


def _checked(of: str) -> str:
    if of not in KINDS:
        raise UsageError(
            f'There is no map of "{of[:40]}". It can be of frames or of faces.', hint=did_you_mean(of, KINDS)
        )
    return of


def keep(store: Store, made: Map) -> None:
    """Write the map in one step, beside the tables. If the disk is full, nothing is written."""
    file = map_file(store, made.of)
    if file is None:
        return
    arrays = {
        "version": np.array(_FORMAT),
        "model": np.array(made.model),
        "method": np.array(made.method),
        "ids": np.char.encode(np.asarray(made.ids, dtype=str), "utf-8"),
        "frames": np.char.encode(np.asarray(made.frame_ids, dtype=str), "utf-8"),
        "xy": made.xy,
    }
    try:
        file.parent.mkdir(exist_ok=True)
        write_arrays(file, arrays)
    except OSError as error:
        _log.info("%s: not written (%s): the map is computed again the next time", file, error)


_HINTS = {
    "frames": "`animeds embed --model NAME --use` gives all frames vectors of one model.",
    "faces": "`animeds detect --model NAME --character NAME` gives all faces vectors of one model.",
}

"""Groups faces by similarity, without examples. It uses average linkage, so that groups do not chain.

Average linkage over the whole series (animeds_db.vectors.linkage). Two faces in one frame are different people, and a
face that stays at one position within a shot is one person (see tracks.py). People's labels always apply: faces with
the same name are in one cluster, and merges and splits of clusters without a name are repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.clusters import corrections, tracks
from animeds_db.store import Store
from animeds_db.vectors import average_linkage, normalise

FAR = 5.0
"""A face is left out if its distance (1 - cosine) from the cluster's centre is this many times the average distance.
In tests with drawn shows this removes false and partly hidden faces, and one in a hundred correct ones."""
USUAL = 0.75
"""Least mean cosine for a model without a threshold of its own. For CCIP, tokimeki uses 0.7 (a difference of 0.15). A
slightly higher value keeps a cluster to one person, although one person may have two clusters."""
SMALLEST_PART = 0.05
"""Minimum share of a cluster's faces in each part of a split."""
TYPICAL = 20
"""Number of faces that represent a cluster when it is named, merged or split."""


@dataclass(frozen=True)
class ClusterOptions:
    """The definition of a cluster.

    threshold: least mean cosine (0…1) between two groups that are joined. None: the threshold `cluster` of the model
    that made the vectors, or else USUAL. min_size: faces of smaller groups get no cluster.
    """

    threshold: float | None = None
    min_size: int = 5

    def check(self) -> None:
        """Raise UsageError for a value out of range."""
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"threshold is {self.threshold}. It is a cosine and must be between 0 and 1.")
        if self.min_size < 1:
            raise UsageError(f"min-size is {self.min_size}. It must be at least 1.")


@dataclass(frozen=True)
class Clustering:
    """Result of clustering. faces: all; grouped: those in a cluster; unclear: too dark, small or cut off
    (sql/steps/clusters/faces.sql); skipped: without a vector, or one of another model than `model`."""

    faces: int
    clusters: int
    grouped: int
    skipped: int
    model: str | None
    unclear: int = 0


@dataclass(frozen=True)
class Regrouped:
    """Result of merging or splitting clusters: number of faces by cluster, and the change set."""

    sizes: dict[int, int]
    act: str


def cluster_faces(
    store: Store,
    session: Session,
    options: ClusterOptions,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Clustering:
    """Group the visible faces and replace the table `clusters`. The largest cluster is number 1.

    Vectors of several models cannot be compared, so only those of the model with the most faces are used.
    Raises UsageError for options out of range, StoreError when no face has a vector.
    """
    options.check()
    faces = session.arrow(sql_script("steps/clusters", "faces.sql"))
    model = _main_model(faces)
    x = _vectors(faces, model)
    skipped = len(x) - int(np.count_nonzero(normalise(x).usable))
    people, corrected = _people(faces), corrections.read(session)
    group = corrected.group_of(faces["face_id"].to_pylist())
    labelled = np.maximum(people, group) >= 0
    x[~np.asarray(faces["clear"]) & ~labelled] = np.nan
    apart = _both(_apart(session, faces), corrected.pairs(group))
    threshold = _threshold(store, model) if options.threshold is None else options.threshold
    tied = tracks.find(session, faces, normalise(x).unit, apart, people)
    labels = average_linkage(x, threshold, apart=apart, known=people, tied=tied, progress=progress)
    labels = one_per_person(
        _without_strangers(labels, tracks.averaged(normalise(x).unit, tied), labelled), people
    )
    labels = corrections.joined(labels, people, group, corrected)
    numbers = by_size(labels, options.min_size)
    parameters = json.dumps(asdict(options) | {"threshold": threshold, "model": model}, sort_keys=True)
    store.rewrite("clusters", _rows(faces, numbers, x, parameters))
    unclear = len(x) - skipped - int(np.count_nonzero(normalise(x).usable))
    grouped = int(np.count_nonzero(numbers > 0))
    return Clustering(len(x), int(numbers.max(initial=0)), grouped, skipped, model, unclear)


def merge_clusters(store: Store, session: Session, clusters: Sequence[int]) -> Regrouped:
    """Join the clusters under the number of the first one. Later runs keep their faces together.

    Raises UsageError for fewer than two clusters, QueryError for a cluster that does not exist.
    """
    wanted = list(dict.fromkeys(clusters))
    if len(wanted) < 2:
        raise UsageError("Give the numbers of at least two clusters.", hint="animeds characters merge 3 5")
    members = _members(session, wanted)
    numbers = np.asarray(members["cluster"])
    spoken = [_speaking(session, members, numbers == number) for number in wanted]
    act = corrections.write(store, [[face for some in spoken for face in some]])
    _write(store, members, np.full(members.num_rows, wanted[0]))
    return Regrouped({wanted[0]: members.num_rows}, act.id)


def split_cluster(store: Store, session: Session, cluster: int, into: int = 2) -> Regrouped:
    """Split a cluster into its most different parts; later runs keep their faces apart.

    The largest part keeps the number, the others get new ones. Raises QueryError when there is no such
    cluster, UsageError if it cannot be split into that many parts.
    """
    if into < 2:
        raise UsageError(f"A cluster cannot be split into {into} parts. Give at least 2.")
    members = _members(session, [cluster])
    x = normalise(_vectors(members, _main_model(members))).unit
    part = parts_of(x, _apart(session, members), into)
    if part is None:
        raise UsageError(
            f"The {len(x)} faces of cluster {cluster} are too similar to be split into {into} parts.",
            hint="Run `animeds characters cluster` with a higher --threshold, or label single faces.",
        )
    spoken = [_speaking(session, members, part == number) for number in range(into)]
    act = corrections.write(store, spoken)
    highest = session.arrow("SELECT max(cluster) AS n FROM clusters")["n"][0].as_py()
    numbers = np.where(part == 0, cluster, highest + part)
    _write(store, members, numbers)
    sizes = {int(n): int(np.count_nonzero(numbers == n)) for n in dict.fromkeys(sorted(numbers, key=int))}
    return Regrouped(sizes, act.id)


def representatives(session: Session, cluster: int, count: int = TYPICAL) -> list[str]:
    """Return up to `count` face ids that represent a cluster: typical faces, each different from those before it.

    The first is the nearest to the centre. Each next one is the least similar to all chosen so far, among the nearer
    three quarters (farthest-first traversal). Raises QueryError when there is no such cluster.
    """
    return _typical(_members(session, [cluster]), count)


def _speaking(session: Session, members: pa.Table, own: np.ndarray) -> list[str]:
    """Return the faces that represent a part of the members: typical faces, and faces with labels."""
    mine = members.filter(pa.array(own))
    ids = mine["face_id"].to_pylist()
    group = corrections.read(session).group_of(ids)
    return list(dict.fromkeys([*_typical(mine, TYPICAL), *(ids[row] for row in np.flatnonzero(group >= 0))]))


def _typical(members: pa.Table, count: int) -> list[str]:
    x = normalise(_vectors(members, _main_model(members))).unit
    centre = _centre(x)
    order = np.argsort(-(x @ centre), kind="stable")
    typical = order[: max(min(count, len(order)), -(-3 * len(order) // 4))]
    chosen = [int(typical[0])]
    nearest = x[typical] @ x[chosen[0]]
    while len(chosen) < min(count, len(typical)):
        nearest[np.isin(typical, chosen)] = np.inf
        chosen.append(int(typical[nearest.argmin()]))
        nearest = np.maximum(nearest, x[typical] @ x[chosen[-1]])
    ids = members["face_id"]
    return [ids[i].as_py() for i in chosen]


def _main_model(faces: pa.Table) -> str | None:
    """Return the model with the most vectors. Raises StoreError if there are faces but none has a vector."""
    there = faces.filter(pa.compute.is_valid(faces["vector"]))["vector_model"]
    if not len(there):
        if faces.num_rows:
            raise StoreError(
                "No face has a character vector.",
                hint="Ingest with a profile that has a character model, or run `animeds embed` with one.",
            )
        raise StoreError("There are no faces in this database.", hint="`animeds detect` finds them.")
    counts = sorted((-c["counts"], str(c["values"])) for c in there.value_counts().to_pylist())
    return counts[0][1]


def _vectors(faces: pa.Table, model: str | None) -> np.ndarray:
    """Return the vectors of this model, float32 [faces, width]; rows of NaN where a face has none."""
    column = faces["vector"].combine_chunks()
    x = np.full((len(column), column.type.list_size), np.nan, np.float32)
    there = ~np.asarray(column.is_null())
    x[there] = np.asarray(column.drop_null().flatten(), np.float32).reshape(-1, column.type.list_size)
    x[np.asarray(pa.compute.fill_null(pa.compute.not_equal(faces["vector_model"], model or ""), True))] = (
        np.nan
    )
    return x


def _threshold(store: Store, model: str | None) -> float:
    """Return the model's own threshold of clusters, or USUAL."""
    rows = store.take("models", [model], ["thresholds"])["thresholds"].to_pylist() if model else []
    return float(json.loads(rows[0] or "{}").get("cluster", USUAL)) if rows else USUAL


def _people(faces: pa.Table) -> np.ndarray:
    """Return a number for the character of each face, -1 for faces without a name; int64 [faces]."""
    encoded = faces["character"].combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.fill_null(-1), np.int64)


def _apart(session: Session, faces: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    columns = faces.select(["frame_id", "left", "top", "right", "bottom"])
    boxes = columns.append_column("row", pa.array(np.arange(faces.num_rows)))
    pairs = session.step(sql_script("steps/clusters", "apart.sql"), {"boxes": boxes})
    return np.asarray(pairs["a"], np.int64), np.asarray(pairs["b"], np.int64)


def _both(
    a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])


def _without_strangers(labels: np.ndarray, unit: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Return the labels, with -1 for uncorrected faces that are far from the centre of their cluster.

    unit: float32 [faces, width], of each face, or of the track that it is in.
    """
    out = labels.copy()
    order = np.argsort(labels, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        if len(own) > 2 and labels[own[0]] >= 0:
            distance = 1 - unit[own] @ _centre(unit[own])
            out[own[(distance > FAR * distance.mean() + 1e-6) & ~labelled[own]]] = -1
    return out


def one_per_person(labels: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return the labels after joining the clusters that contain faces of the same named person."""
    into = np.arange(labels.max(initial=-1) + 1)
    for person in range(people.max(initial=-1) + 1):
        own = np.unique(labels[(people == person) & (labels >= 0)])
        if len(own):
            into[own] = own[0]
    return np.where(labels >= 0, into[labels], -1) if len(into) else labels


def by_size(labels: np.ndarray, min_size: int, *, always: np.ndarray | None = None) -> np.ndarray:
    """Return 1 for the largest cluster, 2 for the next, …; 0 for rows in none of at least that size.

    always: bool [rows]; clusters with such a row count whatever their size is.
    """
    there = labels >= 0
    names, first, counts = np.unique(labels[there], return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    wanted = np.zeros(0, np.int64) if always is None else labels[there & always]
    order = order[(counts[order] >= min_size) | np.isin(names[order], wanted)]
    number = np.zeros(labels.max(initial=-1) + 2, np.int64)  # the last one is for -1
    number[names[order]] = np.arange(1, len(order) + 1)
    return np.asarray(number[labels])


def _rows(faces: pa.Table, numbers: np.ndarray, x: np.ndarray, parameters: str) -> pa.Table:
    """Return the rows of the table `clusters` for faces with a usable vector."""
    units = normalise(x)
    kept = pa.array(units.usable)
    numbers, unit = numbers[units.usable], units.unit[units.usable]
    similarity = np.zeros(len(numbers), np.float32)
    for number in np.unique(numbers[numbers > 0]):
        own = numbers == number
        similarity[own] = unit[own] @ _centre(unit[own])
    lone = numbers == 0
    columns = {
        "detection_id": faces["face_id"].filter(kept),
        "frame_id": faces["frame_id"].filter(kept),
        "source_id": faces["source_id"].filter(kept),
        "cluster": pa.array(numbers, pa.int32(), mask=lone),
        "similarity": pa.array(similarity, pa.float32(), mask=lone),
        "parameters": pa.array([parameters] * len(numbers), pa.string()),
    }
    return pa.table(columns, schema=schema.CLUSTERS.schema)


def _centre(unit: np.ndarray) -> np.ndarray:
    centre = unit.mean(axis=0, dtype=np.float64)
    return np.asarray(centre / max(np.linalg.norm(centre), 1e-12), np.float32)


def _members(session: Session, clusters: Sequence[int]) -> pa.Table:
    """Return the faces of these clusters with the columns of clusters/faces.sql, cluster and parameters."""
    found = session.step(
        f"SELECT f.*, c.cluster, c.parameters FROM ({sql_script('steps/clusters', 'faces.sql')}) AS f"
        " JOIN lance_clusters AS c ON c.detection_id = f.face_id JOIN wanted USING (cluster) ORDER BY face_id",
        {"wanted": pa.table({"cluster": pa.array(clusters, pa.int32())})},
    )
    missing = [c for c in clusters if c not in set(found["cluster"].to_pylist())]
    if missing:
        known = session.arrow("SELECT max(cluster) AS n FROM lance_clusters")["n"][0].as_py()
        hint = (
            f"Clusters are numbered from 1 to {known}."
            if known
            else "`animeds characters cluster` makes them."
        )
        raise QueryError(f"There is no cluster {missing[0]}.", hint=hint)
    return found


def _write(store: Store, members: pa.Table, numbers: np.ndarray) -> None:
    """Write the new cluster numbers of these faces, and their similarity to the new centres."""
    x = _vectors(members, _main_model(members))
    rows = _rows(members, numbers, x, members["parameters"][0].as_py())
    store.replace("clusters", rows)


def parts_of(x: np.ndarray, apart: tuple[np.ndarray, np.ndarray], into: int) -> np.ndarray | None:
    """Return the part of each row, 0 for the largest; None if it cannot be split into that many parts.

    It uses the lowest threshold at which average linkage gives that many large parts. Rows of small parts go to the
    part with the nearest centre.
    """
    least = max(2, round(SMALLEST_PART * len(x)))
    low, high, found = 0.0, 1.0, None
    for _ in range(12):  # a threshold to three digits
        middle = (low + high) / 2
        numbers = by_size(average_linkage(x, middle, apart=apart), least)
        if numbers.max(initial=0) >= into:
            found, high = numbers, middle
        else:
            low = middle
    if found is None:
        return None
    parts = np.where(found > into, 0, found)
    centres = np.stack([_centre(x[parts == number]) for number in range(1, into + 1)])
    return np.where(parts > 0, parts - 1, (x @ centres.T).argmax(axis=1))

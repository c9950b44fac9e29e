"""Faces grouped by similarity, without examples. `Dataset.clusters` is a `Clusters`, with one method for each verb."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from animeds_db.session import Session
from animeds_db.store import Store

if TYPE_CHECKING:
    from animeds_db.steps.characters.examples import Added
    from animeds_db.steps.characters.face_pictures import Images
    from animeds_db.steps.clusters.find import Clustering, Regrouped

Progress = Callable[[int, int], None]


class Clusters:
    """Groups of faces that look like one person, and their corrections by people.

    >>> ds.clusters.find()                                                      # doctest: +SKIP
    >>> ds.clusters.name(3, "Emi")                                              # doctest: +SKIP
    """

    def __init__(self, store: Store, session: Session, images: Images) -> None:
        self._store = store
        self._session = session
        self._images = images

    def find(
        self,
        threshold: float | None = None,
        min_size: int | None = None,
        *,
        progress: Progress | None = None,
    ) -> Clustering:
        """Group the faces and replace the table `clusters`. See find.ClusterOptions and find.cluster_faces."""
        from animeds_db.steps.clusters.find import ClusterOptions, cluster_faces

        given = {"threshold": threshold, "min_size": min_size}
        options = ClusterOptions(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        return cluster_faces(self._store, self._session, options, progress=progress)

    def shown(self, count: int = 24, *, only: Sequence[int] = ()) -> list[dict[str, Any]]:
        """Return the faces of each cluster that a contact sheet shows, at most `count` of each, the most typical first.

        `only`: numbers of clusters; none: all. Columns: see sql/steps/clusters/sheet.sql.
        """
        from animeds_db.session.scripts import sql_script

        parameters = {"count": count, "only": list(only)}
        rows: list[dict[str, Any]] = self._session.step(
            sql_script("steps/clusters", "sheet.sql"), {}, parameters
        ).to_pylist()
        return rows

    def name(
        self,
        cluster: int,
        character: str,
        *,
        appearance: str | None = None,
        count: int = 20,
        progress: Progress | None = None,
    ) -> Added:
        """Make typical faces of a cluster examples of a character. See names.name_cluster."""
        from animeds_db.steps.clusters.names import name_cluster

        return name_cluster(
            self._store,
            self._session,
            cluster,
            character,
            appearance=appearance,
            count=count,
            images=self._images,
            progress=progress,
        )

    def merge(self, clusters: Sequence[int]) -> Regrouped:
        """Make the clusters one, under the first number. See find.merge_clusters."""
        from animeds_db.steps.clusters.find import merge_clusters

        return merge_clusters(self._store, self._session, clusters)

    def split(self, cluster: int, into: int = 2) -> Regrouped:
        """Split a cluster into its most different parts. See find.split_cluster."""
        from animeds_db.steps.clusters.find import split_cluster

        return split_cluster(self._store, self._session, cluster, into)

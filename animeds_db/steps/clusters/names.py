"""Naming a cluster: some of its faces become examples of the character."""

from __future__ import annotations

from collections.abc import Callable

from animeds_db.errors import UsageError
from animeds_db.session import Session
from animeds_db.steps.characters.examples import Added, add_faces
from animeds_db.steps.characters.face_pictures import Images
from animeds_db.steps.clusters.find import representatives
from animeds_db.store import Store


def name_cluster(
    store: Store,
    session: Session,
    cluster: int,
    character: str,
    *,
    appearance: str | None = None,
    count: int = 20,
    images: Images | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Added:
    """Make up to `count` typical and different faces of a cluster examples of a character; `ood`: of nobody.

    The examples are kept when the faces are clustered again: they stay together, and `classify` uses them.
    Raises QueryError when there is no such cluster, UsageError for an invalid name, and for faces that are examples
    of another character.
    """
    if count < 1:
        raise UsageError(
            f"The number of examples is {count}. It must be at least 1.", hint="20 is a good number."
        )
    faces = representatives(session, cluster, count)
    return add_faces(
        store,
        session,
        character,
        faces,
        appearance=appearance,
        origin="cluster",
        images=images,
        progress=progress,
    )

"""Outfits named, merged and split: appearance labels of their bodies, as one change set that can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from animeds_db.errors import UsageError
from animeds_db.session import Session
from animeds_db.steps.clusters.find import parts_of
from animeds_db.steps.labels.changes import Act, checked, speak
from animeds_db.steps.labels.targets import words_about
from animeds_db.steps.outfits.find import Outfits, chosen
from animeds_db.store import Store


def name_outfits(
    store: Store, session: Session, found: Outfits, names: Mapping[int, str], who: str | None = None
) -> Act:
    """Give outfits names: every body of each gets that appearance. Two outfits with one name become one.

    Raises QueryError for an outfit that is not there, UsageError for no or an empty name.
    """
    if not names:
        raise UsageError("Give at least one outfit and its name.", hint="--name 1=school")
    appearance = {number: checked("appearance", "set", name) for number, name in names.items()}
    said = [
        ("appearance", "set", name, body) for number, name in appearance.items() for body in found.ids(number)
    ]
    return speak(store, words_about(store, session, said), who)


def merge_outfits(
    store: Store, session: Session, found: Outfits, outfits: Sequence[int], who: str | None = None
) -> Act:
    """Make outfits one, under the name of the first one that has a name.

    Raises UsageError for fewer than two outfits, QueryError for one that is not there.
    """
    wanted = chosen(outfits, 2)
    for number in wanted:
        found.ids(number)
    names = found.names()
    name = next((names[number] for number in wanted if names[number]), None) or f"outfit {wanted[0]}"
    return name_outfits(store, session, found, dict.fromkeys(wanted, name), who)


def split_outfit(
    store: Store, session: Session, found: Outfits, outfit: int, into: int = 2, who: str | None = None
) -> Act:
    """Split an outfit into its most different parts. The largest keeps the name, the others get it with a number.

    Raises QueryError for an outfit that is not there, UsageError if it cannot be split into that many.
    """
    if into < 2:
        raise UsageError(f"An outfit cannot be split into {into} parts. Give at least 2.")
    bodies = np.asarray(found.ids(outfit))
    own = found.numbers == outfit
    x = found.vectors[own]
    seen = ~np.isnan(x).any(axis=1)
    none = np.zeros(0, np.int64)
    part = parts_of(x[seen], (none, none), into) if seen.any() else None
    if part is None:
        raise UsageError(
            f"The {len(bodies)} bodies of outfit {outfit} are too similar to be split into {into} parts.",
            hint="Correct single faces with `animeds label appearance`.",
        )
    name = found.names()[outfit] or f"outfit {outfit}"
    said = [
        ("appearance", "set", name if number == 0 else f"{name} {number + 1}", body)
        for number, body in zip(part.tolist(), bodies[seen].tolist(), strict=True)
    ]
    return speak(store, words_about(store, session, said), who)

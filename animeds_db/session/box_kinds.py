"""The kinds of boxes in a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.schema import DETECTION_LETTERS

if TYPE_CHECKING:
    from animeds_db.session.session import Session


def expect_kinds(session: Session, kinds: Sequence[str]) -> None:
    """Raise UsageError for a kind of box that is neither one of people nor in the database."""
    if set(kinds) <= DETECTION_LETTERS.keys():
        return
    there = session.arrow("SELECT DISTINCT kind FROM detections ORDER BY kind")["kind"].to_pylist()
    known = list(dict.fromkeys((*DETECTION_LETTERS, *there)))
    for kind in kinds:
        if kind not in known:
            raise UsageError(f'There are no boxes "{kind}".', hint=did_you_mean(kind, known))

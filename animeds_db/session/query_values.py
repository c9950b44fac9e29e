"""Checks that the tags, characters and shows in a named query's parameters exist in the database."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from animeds_db.errors import QueryError

if TYPE_CHECKING:
    from animeds_db.session import Session
    from animeds_db.session.named_queries import NamedQuery

_KNOWN = {
    "tag": "SELECT tag FROM vocabulary WHERE tag IS NOT NULL",
    "character": "SELECT character FROM named UNION SELECT character FROM examples UNION SELECT final FROM names",
    "show": 'SELECT DISTINCT "show" FROM sources WHERE "show" IS NOT NULL',
}
_LISTED = {
    "tag": "`animeds query tag_counts -p limit=null` lists the tags",
    "character": "`animeds query cast` lists the characters",
    "show": "`animeds query episodes` lists the shows",
}
_NONE_YET = {
    "tag": "no frames are tagged yet: animeds tag --model NAME",
    "character": "no faces are named yet: animeds characters add FOLDER, then animeds characters classify",
    "show": "no source has a show: animeds ingest … --show NAME",
}
_LISTED_AT_MOST = 20
"""Maximum number of known names that an error lists if none is similar."""


def check_values(session: Session, named: NamedQuery, values: Mapping[str, Any]) -> None:
    """Raise QueryError if a query's values have a tag, character or show that the database does not have."""
    asked = list(_references(named, values))
    for kind in dict.fromkeys(kind for kind, _ in asked):
        known = {row[0] for row in session.sql(_KNOWN[kind]).fetchall()}
        for value in (value for one, value in asked if one == kind):
            if value not in known:
                raise QueryError(_fault(session, kind, value), hint=_way_out(kind, value, known))


def _references(named: NamedQuery, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and value of each tag, character and show."""
    for param in named.params:
        value = values.get(param.name)
        if value is None:
            continue
        if param.type == "tags":
            yield from (("tag", tag.replace(" ", "_")) for tag in value)
        elif param.type in _KNOWN:
            yield param.type, value


def _fault(session: Session, kind: str, value: str) -> str:
    if kind == "character":
        final = session.sql("SELECT final FROM names WHERE name = $name", {"name": value}).fetchall()
        if final:
            return f'The character "{value}" was renamed: it is called "{final[0][0]}" now.'
    return f'There is no {kind} "{value}".'


def _way_out(kind: str, value: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if not names:
        return _NONE_YET[kind]
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(value.casefold(), folded, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f'"{folded[name]}"' for name in close) + "?"
    return f"known: {', '.join(names)}" if len(names) <= _LISTED_AT_MOST else _LISTED[kind]

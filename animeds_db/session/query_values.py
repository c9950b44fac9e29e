"""Values of a named query against the database: tags, characters and shows that are not there are errors."""

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
    "tag": "nothing has been tagged: animeds tag --model NAME",
    "character": "nobody has been named: animeds characters add FOLDER, then animeds characters classify",
    "show": "no source has a show: animeds ingest … --show NAME",
}
_LISTED_AT_MOST = 20
"""Known names that an error lists where none is similar."""


def check_values(session: Session, named: NamedQuery, values: Mapping[str, Any]) -> None:
    """Raise QueryError for a tag, character or show among a query's values that the database does not have."""
    asked = list(_asked(named, values))
    for kind in dict.fromkeys(kind for kind, _ in asked):
        known = {row[0] for row in session.sql(_KNOWN[kind]).fetchall()}
        for value in (value for one, value in asked if one == kind):
            if value not in known:
                raise QueryError(_fault(session, kind, value), hint=_way_out(kind, value, known))


def _asked(named: NamedQuery, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and value of everything that must be in the database."""
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

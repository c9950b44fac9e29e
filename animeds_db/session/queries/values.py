"""Checks that the tags, characters, shows and the like in a named query's parameters exist in the database."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from animeds_db.errors import QueryError
from animeds_db.session.query_params import LISTS, Condition

if TYPE_CHECKING:
    from animeds_db.session import Session
    from animeds_db.session.queries.named import NamedQuery

_KNOWN = {
    "tag": "SELECT tag FROM vocabulary WHERE tag IS NOT NULL",
    "character": "SELECT character FROM named UNION SELECT character FROM examples UNION SELECT final FROM names",
    "appearance": "SELECT DISTINCT appearance FROM characters WHERE appearance IS NOT NULL",
    "outfit": "SELECT DISTINCT concat(character, '/', appearance) FROM characters WHERE appearance IS NOT NULL",
    "show": 'SELECT DISTINCT "show" FROM sources WHERE "show" IS NOT NULL',
    "episode": "SELECT DISTINCT unnest([episode::VARCHAR, episode_name(season, episode), episode_name(season, NULL)])"
    " FROM sources WHERE episode IS NOT NULL",
}
_LISTED = {
    "tag": "`animeds query tag_counts -p limit=null` lists the tags",
    "character": "`animeds query cast` lists the characters",
    "appearance": "`animeds characters list` lists the appearances",
    "outfit": "`animeds characters list` lists the appearances",
    "show": "`animeds query episodes` lists the shows",
    "episode": "`animeds query episodes` lists the episodes",
}
_NONE_YET = {
    "tag": "no frames are tagged yet: animeds tag --model NAME",
    "character": "no faces are named yet: animeds characters add FOLDER, then animeds characters classify",
    "appearance": "no face has an appearance yet: animeds characters outfits NAME",
    "outfit": "no face has an appearance yet: animeds characters outfits NAME",
    "show": "no source has a show: animeds ingest … --show NAME",
    "episode": "no source has an episode number: animeds sources edit … --episode N",
}
_LISTED_AT_MOST = 20
"""Maximum number of known names that an error lists if none is similar."""


def check_values(session: Session, named: NamedQuery, values: Mapping[str, Any]) -> None:
    """Raise QueryError for a tag, character, appearance, show or episode that the database does not have, and for a
    condition that cannot be evaluated."""
    check_known(session, list(_references(named, values)))
    for name, value in values.items():
        if isinstance(value, Condition):
            _check_columns(session, name, value)


def _check_columns(session: Session, name: str, condition: Condition) -> None:
    """Raise QueryError, naming the parameter, for a condition that cannot be evaluated over the view frames."""
    try:
        session.sql(
            "SELECT frame_id FROM frames WHERE $condition LIMIT 0", {"condition": condition}
        ).fetchall()
    except QueryError as error:
        raise QueryError(f"{name}: {error.message}", hint=error.hint) from error


def check_known(session: Session, asked: Sequence[tuple[str, str]]) -> None:
    """Raise QueryError if a value of (kind, value) is not in the database.

    kind: tag, character, appearance, outfit (an appearance as CHARACTER/NAME), show or episode.
    """
    for kind in dict.fromkeys(kind for kind, _ in asked):
        values = list(dict.fromkeys(value for one, value in asked if one == kind))
        found = _among(session, kind, values)
        for value in values:
            if value not in found:
                known = {row[0] for row in session.sql(_KNOWN[kind]).fetchall()}
                raise QueryError(_fault(session, kind, value), hint=_way_out(kind, value, known))


def _among(session: Session, kind: str, values: Sequence[str]) -> set[str]:
    """Return those of the values that the database has. Lance looks for them, so that only their rows are read."""
    params = {f"value_{n}": value for n, value in enumerate(values)}
    wanted = ", ".join(f"${name}" for name in params)
    text = f"SELECT DISTINCT value FROM ({_KNOWN[kind]}) AS known(value) WHERE value IN ({wanted})"
    return {row[0] for row in session.sql(text, params).fetchall()}


def _references(named: NamedQuery, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and value of each tag, character, appearance, show and episode."""
    for param in named.params:
        value = values.get(param.name)
        if value is None:
            continue
        if param.type == "tags":
            yield from (("tag", tag.replace(" ", "_")) for tag in value)
        elif param.type in LISTS:
            yield from ((param.type.removesuffix("s"), item) for item in value if param.type != "list")
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

"""Shell completion of names: queries, layouts, caption profiles, models, characters, tags, sampling modes.

Imports are inside the functions because completion must be fast. On an error nothing is offered or printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from animeds_db.errors import AnimedsError


def _starting(names: Iterable[str], begun: str) -> list[str]:
    return sorted(name for name in names if name.startswith(begun))


def queries(incomplete: str) -> list[str]:
    """Return the named queries that start with these letters."""
    from animeds_db.session.queries.named import list_queries

    return _starting((query.name for query in list_queries()), incomplete)


def layouts(incomplete: str) -> list[str]:
    """Return the layouts of exports that start with these letters."""
    from animeds_db.export.layouts import LAYOUTS

    return _starting(LAYOUTS, incomplete)


def caption_profiles(incomplete: str) -> list[str]:
    """Return the built-in caption profiles that start with these letters."""
    from animeds_db.captions import profile_names

    return _starting(profile_names(), incomplete)


def model_profiles(incomplete: str) -> list[str]:
    """Return the profiles of models that start with these letters."""
    from animeds_db.models.manifest import load_manifest

    return _starting([*load_manifest().profiles, "none"], incomplete)


def sampling(incomplete: str) -> list[str]:
    """Return the sampling modes that start with these letters."""
    from animeds_ingest.modes import EXAMPLES

    return _starting(EXAMPLES, incomplete)


def recipes(incomplete: str) -> list[str]:
    """Return the shipped recipes that start with these letters."""
    from animeds_db.recipes.drafting import shipped_names

    return _starting(shipped_names(), incomplete)


def steps(incomplete: str) -> list[str]:
    """Return the steps of a recipe that start with these letters."""
    from animeds_db.recipes.keys import ORDER

    return _starting(ORDER, incomplete)


def characters(incomplete: str) -> list[str]:
    """Return the characters of the database that start with these letters."""
    return _starting(_column("SELECT DISTINCT character FROM characters"), incomplete)


def tags(incomplete: str) -> list[str]:
    """Return the tags of the database that start with these letters. A leading + or - is kept."""
    sign = incomplete[:1] if incomplete[:1] in ("+", "-") else ""
    found = _starting(_column("SELECT tag FROM vocabulary"), incomplete[len(sign) :])
    return [sign + tag for tag in found]


def _column(sql: str) -> Iterator[str]:
    from animeds_db.dataset import open as open_database

    try:
        with open_database() as dataset:
            yield from (str(row[0]) for row in dataset.sql(sql).fetchall())
    except AnimedsError:
        return  # no database here, so no names to offer

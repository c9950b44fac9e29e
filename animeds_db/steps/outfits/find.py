"""The bodies of one character grouped into outfits by what shows their clothes. Nothing is written.

A body is known by the scores of the tags about clothes on its frame, those of others included. Bodies whose
clothes are not seen take the outfit of the nearest body in their shot. Groups come from average linkage, as clusters of
faces do. Bodies that people gave one appearance are one outfit, and those with two appearances
never are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from animeds_db.errors import QueryError, UsageError
from animeds_db.session import Session
from animeds_db.session.queries.values import check_known
from animeds_db.session.scripts import sql_script
from animeds_db.steps.clusters.find import by_size, one_per_person
from animeds_db.vectors import average_linkage

Positions = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
WORDS = 4
"""Number of tags that describe an outfit."""


@dataclass(frozen=True)
class OutfitOptions:
    """What makes an outfit.

    threshold: least mean cosine (0…1) between two groups that are joined.
    min_size: bodies of smaller groups are not grouped, unless a person named them.
    """

    threshold: float = 0.55
    min_size: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise UsageError(f"threshold is {self.threshold}. It is a cosine and must be between 0 and 1.")
        if self.min_size < 1:
            raise UsageError(f"min-size is {self.min_size}. It must be at least 1.")


@dataclass(frozen=True)
class Outfits:
    """The outfits of one character.

    bodies: one row per body: what bodies.sql gives, and outfit (1 is the largest; 0: not grouped), from_shot
    (bool: its own clothes are not seen). vectors: float32 [bodies, width], NaN where clothes are not seen.
    """

    character: str
    bodies: pa.Table
    vectors: Floats

    @property
    def numbers(self) -> Positions:
        """The outfit of each body; int64 [bodies]."""
        return np.asarray(self.bodies["outfit"], np.int64)

    def names(self) -> dict[int, str | None]:
        """Return the name that people gave each outfit; None without one."""
        known = self.bodies["known"].to_pylist()
        found: dict[int, str | None] = {}
        for number, name in zip(self.numbers.tolist(), known, strict=True):
            if number:
                found[number] = found.get(number) or name
        return dict(sorted(found.items()))

    def ids(self, outfit: int) -> list[str]:
        """Return the boxes of an outfit. Raises QueryError if there is no such outfit."""
        mine: list[str] = self.bodies.filter(pc.equal(self.bodies["outfit"], outfit))[
            "detection_id"
        ].to_pylist()
        if not mine or outfit < 1:
            names = self.names()
            hint = f"Its outfits are numbered from 1 to {max(names)}." if names else "None was found."
            raise QueryError(f"{self.character} has no outfit {outfit}.", hint=hint)
        return mine

    @property
    def version(self) -> str:
        """A fingerprint of which body is in which outfit, under which name: 32 hex digits."""
        named = self.bodies.select(["detection_id", "outfit", "known"]).to_pydict()
        return xxhash.xxh3_128_hexdigest(json.dumps(named).encode())

    def spread(self, outfit: int, count: int) -> pa.Table:
        """Return at most `count` bodies of an outfit, evenly spread over its frames, without their tags."""
        own = self.bodies.filter(pc.equal(self.bodies["outfit"], outfit)).drop_columns(["tags"])
        places = np.linspace(0, own.num_rows - 1, min(count, own.num_rows)).round().astype(np.int64)
        return own.take(np.unique(places))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per outfit: outfit, name, n_bodies, n_from_shot, n_episodes, tags, first_frame."""
        found = []
        for number, name in self.names().items():
            own = self.bodies.filter(pc.equal(self.bodies["outfit"], number))
            found.append(
                {
                    "outfit": number,
                    "name": name,
                    "n_bodies": own.num_rows,
                    "n_from_shot": pc.sum(own["from_shot"]).as_py(),
                    "n_episodes": pc.count_distinct(own["source_id"]).as_py(),
                    "tags": self.words(number),
                    "first_frame": own["frame_id"][0].as_py(),
                }
            )
        return found

    def words(self, outfit: int) -> str:
        """Return the tags that this outfit has more often than the character's others, the most telling first."""
        names, scores = _tag_scores(self.bodies["tags"])
        seen = _is_seen(self.bodies["tags"])
        own = seen & (self.numbers == outfit)
        if not own.any():
            return ""
        others = seen & (self.numbers != outfit)
        mean = scores[own].mean(axis=0)
        lift = mean - (scores[others].mean(axis=0) if others.any() else 0)
        order = np.argsort(-lift, kind="stable")[:WORDS]
        return ", ".join(names[place] for place in order if lift[place] > 0.1 and mean[place] > 0.3)


def find_outfits(session: Session, character: str, options: OutfitOptions | None = None) -> Outfits:
    """Return the outfits of a character, the one with the most bodies first.

    Raises QueryError for a character that is not in the database, and if no clothes are seen on any frame.
    """
    options = options or OutfitOptions()
    check_known(session, [("character", character)])
    bodies = session.arrow(sql_script("steps/outfits", "bodies.sql"), {"character": character})
    x = _vectors(bodies)
    known = _known(bodies)
    if np.isnan(x).all() and not (known >= 0).any():
        raise QueryError(
            f"No frame shows what {character} wears.",
            hint="Needed are tags about clothes: animeds tag --model NAME",
        )
    labels = average_linkage(x, options.threshold, known=known)
    labels = one_per_person(_with_known(labels, known), known)
    numbers = by_size(labels, options.min_size, always=known >= 0)
    seen = numbers > 0
    numbers = _inherited(session, bodies, numbers)
    found = bodies.append_column("outfit", pa.array(numbers)).append_column(
        "from_shot", pa.array((numbers > 0) & ~seen)
    )
    return Outfits(character, found, x)


def _vectors(bodies: pa.Table) -> Floats:
    """Return the scores of the tags about clothes of each body; float32 [bodies, tags], NaN where none are seen."""
    _, x = _tag_scores(bodies["tags"])
    x[~_is_seen(bodies["tags"])] = np.nan
    return x


def _is_seen(tags: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.greater(pc.list_value_length(tags), 0))


def _tag_scores(tags: pa.ChunkedArray) -> tuple[list[str], Floats]:
    """Return the names of the tags, and the score of each on each body; float32 [bodies, tags], 0 where it is not."""
    column = tags.combine_chunks()
    each = column.flatten()
    body = np.asarray(pc.list_parent_indices(column), np.int64)
    encoded = each.field("tag").dictionary_encode()
    names = encoded.dictionary.to_pylist()
    scores = np.zeros((len(column), max(len(names), 1)), np.float32)
    scores[body, np.asarray(encoded.indices, np.int64)] = np.asarray(each.field("score"), np.float32)
    return names, scores


def _known(bodies: pa.Table) -> Positions:
    """Return a number for the appearance that people gave each body, -1 without one; int64 [bodies]."""
    encoded = bodies["known"].combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.fill_null(-1), np.int64)


def _with_known(labels: Positions, known: Positions) -> Positions:
    """Return the labels, with a group of its own for each appearance of a body that is in no group."""
    lone = (labels < 0) & (known >= 0)
    return np.where(lone, labels.max(initial=-1) + 1 + known, labels)


def _inherited(session: Session, bodies: pa.Table, numbers: Positions) -> Positions:
    """Return the numbers, with those of the same shot for bodies that have none."""
    columns = bodies.select(["source_id", "shot", "ordinal"])
    given = columns.append_column("row", pa.array(np.arange(len(numbers)))).append_column(
        "outfit", pa.array(numbers)
    )
    rows = session.step(sql_script("steps/outfits", "inherited.sql"), {"bodies": given})
    out = numbers.copy()
    out[np.asarray(rows["row"], np.int64)] = np.asarray(rows["outfit"], np.int64)
    return out


def chosen(numbers: Sequence[int], least: int) -> list[int]:
    """Return the numbers, each once. Raises UsageError for fewer than `least`."""
    wanted = list(dict.fromkeys(numbers))
    if len(wanted) < least:
        raise UsageError(f"Give the numbers of at least {least} outfits.")
    return wanted

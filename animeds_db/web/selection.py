"""Selections: URL parameters converted to SQL that returns frame_id and also runs in `animeds sql`.

    q=SELECT … | query=NAME p.x=… | text=words | like=FRAME     start; without one: all frames
    character appearance tag show season episode gate shot source   filters, repeatable
    where=CONDITION group=FRAME                                 more filters
    hide=copies,dropped,blank,subtitled                         frames to leave out; none: nothing
    sort=time|faces|new|score|random

Several tags or characters must all be present. Of several appearances, shows, seasons, episodes, gates, shots or
sources, one must match. A leading minus excludes a tag, character or appearance. An appearance is CHARACTER/NAME, a
shot SOURCE/NUMBER.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.session.queries.named import find
from animeds_db.session.scripts import sql_script, with_texts
from animeds_db.session.statements import filled, literal, without_semicolon

STARTS = ("q", "query", "text", "like")
SORTS = {
    "time": '"show" NULLS FIRST, season NULLS FIRST, episode NULLS FIRST, frame_id',
    "new": "(SELECT max(finished_at) FROM sources WHERE sources.source_id = frames.source_id) DESC, frame_id",
    "faces": 'frame_id NOT IN (SELECT frame_id FROM faces), "show" NULLS FIRST, season NULLS FIRST, '
    "episode NULLS FIRST, frame_id",
    "random": "hash(frame_id), frame_id",
    "score": "",
}
NONE = "none"
"""The value for "unknown"."""
LONGEST = 100_000
"""Maximum number of characters of one value."""


HIDDEN = ("copies", "dropped", "blank", "subtitled")
"""The words of `hide`: the column `word` of sql/layers/hidden_frames.sql."""
HIDDEN_FIRST = ",".join(HIDDEN)
"""What the pages hide unless a person shows it."""


def _with_each(template: str) -> Callable[[Sequence[str]], list[str]]:
    """Return conditions that require each value, or exclude it if it has a leading minus."""

    def conditions(values: Sequence[str]) -> list[str]:
        return [
            ("NOT " if value.startswith("-") else "") + template.format(literal(value.removeprefix("-")))
            for value in values
        ]

    return conditions


def _appearances(values: Sequence[str]) -> list[str]:
    """Return conditions that require one of the appearances, and exclude those with a leading minus."""
    conditions = []
    for negation, chosen in (
        ("", [value for value in values if not value.startswith("-")]),
        ("NOT ", [value.removeprefix("-") for value in values if value.startswith("-")]),
    ):
        named = ", ".join(map(literal, chosen))
        if named:
            conditions.append(
                f"{negation}frame_id IN (SELECT frame_id FROM characters"
                f" WHERE concat(character, '/', appearance) IN ({named}))"
            )
    return conditions


def _one_of(column: str, read: Callable[[str], str] = literal) -> Callable[[Sequence[str]], list[str]]:
    def conditions(values: Sequence[str]) -> list[str]:
        named = ", ".join(read(value) for value in values if value != NONE)
        parts = [f"{column} IN ({named})"] if named else []
        parts += [f"{column} IS NULL"] if NONE in values else []
        return [parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"]

    return conditions


def _whole(value: str) -> str:
    if not re.fullmatch(r"-?\d{1,9}", value):
        raise UsageError(f'"{value[:40]}" is not a season or episode number.')
    return str(int(value))


def _shots(values: Sequence[str]) -> list[str]:
    pairs = []
    for value in values:
        source, slash, number = value.rpartition("/")
        if not slash or not re.fullmatch(r"\d{1,9}", number):
            raise UsageError(
                f'"{value[:40]}" is not a shot.', hint="a shot is SOURCE/NUMBER, e.g. k3f9a2qd/12"
            )
        pairs.append(f"({literal(source)}, {int(number)})")
    return [f"(source_id, shot) IN ({', '.join(pairs)})"]


def _where(values: Sequence[str]) -> list[str]:
    return [f"(\n{value}\n)" for value in values]


def _hidden(values: Sequence[str]) -> list[str]:
    split = [word for value in values for word in value.split(",")]
    words = [word for word in dict.fromkeys(split) if word and word != NONE]
    for word in words:
        if word not in HIDDEN:
            raise UsageError(
                f'"{word[:40]}" is not a kind of frame that can be hidden.',
                hint=did_you_mean(word[:40], HIDDEN),
            )
    named = ", ".join(map(literal, words))
    return [f"frame_id NOT IN (SELECT frame_id FROM hidden_frames WHERE word IN ({named}))"] if words else []


FILTERS: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "character": _with_each("frame_id IN (SELECT frame_id FROM named WHERE character = {})"),
    "appearance": _appearances,
    "tag": _with_each("has_tag(tag_ids, {})"),
    "show": _one_of('"show"'),
    "season": _one_of("season", _whole),
    "episode": _one_of("episode", _whole),
    "gate": lambda values: [
        f"frame_id IN (SELECT frame_id FROM gates() WHERE gate IN ({', '.join(map(literal, values))}))"
    ],
    "shot": _shots,
    "source": _one_of("source_id"),
    "where": _where,
    "said": lambda values: [
        f"frame_id IN (SELECT frame_id FROM search_said({literal(value)}))" for value in values
    ],
    "hide": _hidden,
    "group": lambda values: [
        f"frame_id IN (SELECT frame_id FROM duplicates WHERE group_id IN ({', '.join(map(literal, values))}))"
    ],
}
KNOWN = (*STARTS, *FILTERS, "sort")
OF_IDS = ("character", "appearance", "gate", "said", "hide", "group")
"""Filters that read only frame_id, and so mean the same over every view that has it."""
BY_SOURCE = frozenset(FILTERS) - {"where", "said"}
"""Filters that read only rows about the frame itself, and so mean the same if a query sees only its source."""


@dataclass(frozen=True)
class Selection:
    """A selection of frames. start: SQL with a frame_id column, None for all frames. filters: name and condition."""

    start: str | None
    score: str
    filters: tuple[tuple[str, str], ...]
    sort: str
    names: tuple[tuple[str, str], ...] = ()
    """The tags, characters, outfits and shows of its filters, as ("tag", "smile"). They must be in the database, so
    that a typing error is not an empty page."""
    required: frozenset[tuple[str, str]] = frozenset()
    """Those of the names that each frame must have."""

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]], *, strict: bool = False) -> Selection:
        """Return the selection in URL parameters. Other parameters are ignored, or refused if `strict`.

        Raises UsageError, and QueryError for an unknown named query.
        """
        given: dict[str, list[str]] = {}
        for name, value in pairs:
            if len(value) > LONGEST:
                raise UsageError(f"{name} is longer than {LONGEST} characters.")
            if value and (name in KNOWN or name.startswith("p.")):
                given.setdefault(name, []).append(value)
            elif strict and value:
                raise UsageError(
                    f'A selection has no parameter "{name[:40]}".', hint=did_you_mean(name[:40], KNOWN)
                )
        for name in (*STARTS, "sort", "group", "said", *(n for n in given if n.startswith("p."))):
            if len(given.get(name, ())) > 1:
                raise UsageError(f"{name} is given twice.")
        start, score = _start({name: values[0] for name, values in given.items()})
        conditions = [(name, c) for name, read in FILTERS.items() if name in given for c in read(given[name])]
        sort = given.get("sort", ["score" if score or start else "time"])[0]
        if sort not in SORTS:
            raise UsageError(
                f'Frames cannot be sorted by "{sort[:40]}".', hint=did_you_mean(sort[:40], SORTS)
            )
        names = [("tag", value.removeprefix("-").replace(" ", "_")) for value in given.get("tag", ())]
        names += [("character", value.removeprefix("-")) for value in given.get("character", ())]
        names += [("outfit", value.removeprefix("-")) for value in given.get("appearance", ())]
        names += [("show", value) for value in given.get("show", ()) if value != NONE]
        required = [("tag", value.replace(" ", "_")) for value in given.get("tag", ()) if value[0] != "-"]
        required += [("character", value) for value in given.get("character", ()) if value[0] != "-"]
        return cls(start, score, tuple(conditions), sort, tuple(names), frozenset(required))

    @classmethod
    def read(cls, text: str) -> Selection:
        """Return the selection in a query string (the part of a URL after `?`). Raises UsageError."""
        return cls.parse(
            parse_qsl(text.removeprefix("?"), keep_blank_values=True, max_num_fields=500), strict=True
        )

    @property
    def is_everything(self) -> bool:
        """True if the selection contains all frames."""
        return self.start is None and not self.filters

    @property
    def is_of_ids(self) -> bool:
        """True if its condition reads only frame_id."""
        return self.start is None and all(name in OF_IDS for name, _ in self.filters)

    @property
    def is_by_source(self) -> bool:
        """True if its frames are those of one source after the other, in the order of shows and episodes."""
        names = {name for name, _ in self.filters}
        return self.start is None and self.sort == "time" and bool(names) and names <= BY_SOURCE

    @property
    def doubtful_names(self) -> tuple[tuple[str, str], ...]:
        """The names that may not be in the database although frames are found.

        A tag or character that is required is in the database if there is such a frame.
        """
        return tuple(pair for pair in self.names if pair not in self.required)

    def without(self, name: str) -> Selection:
        """Return the selection without one of its filters."""
        return replace(self, filters=tuple(pair for pair in self.filters if pair[0] != name))

    def sql(self, order: bool = True) -> str:
        """Return the selection as a SELECT of frame_id and score, sorted if `order`."""
        lines = []
        if self.start is not None:
            lines.append(f"WITH chosen AS (\n{self._chosen()}\n)\n")
        lines.append(f"SELECT frame_id, {self.score or 'NULL'}::DOUBLE AS score\nFROM frames")
        if self.start is not None:
            lines.append("JOIN chosen USING (frame_id)")
        if self.filters:
            lines.append(f"WHERE {self.condition()}")
        if order:
            lines.append(f"ORDER BY {self._order()}")
        return "\n".join(lines)

    def condition(self) -> str:
        """Return the filters as a condition on `frames`. There must be at least one filter."""
        return "\n    AND ".join(condition for _, condition in self.filters)

    def line_of_start(self, line: int) -> int | None:
        """Return the line of `start` that a line of `sql()` is; None for other lines."""
        if self.start is None:
            return None
        before = self.sql().partition(self.start)[0].count("\n")
        return line - before if 0 < line - before <= self.start.count("\n") + 1 else None

    def _chosen(self) -> str:
        return script("scored" if self.score else "chosen", start=self.start)

    def _order(self) -> str:
        if self.sort != "score":
            return SORTS[self.sort]
        if self.score:
            return "chosen.similarity DESC, frame_id"
        return "row_number" if self.start is not None else SORTS["time"]


def script(name: str, **values: object) -> str:
    """Return a script of sql/steps/web without its comments, with these values filled in."""
    lines = sql_script("steps/web", f"{name}.sql").splitlines()
    code = "\n".join(line for line in lines if not line.startswith("--")).strip()
    return with_texts(code, **values)


def _start(given: dict[str, str]) -> tuple[str | None, str]:
    """Return SQL with frame_id, and the name of its score column."""
    ways = [name for name in STARTS if name in given]
    if len(ways) > 1:
        raise UsageError(f"Use only one of {' and '.join(ways)}.")
    params = {name[2:]: value for name, value in given.items() if name.startswith("p.")}
    if params and ways not in (["query"], ["q"]):
        raise UsageError("p.… parameters need a query.", hint="query=NAME&p.x=…")
    if not ways:
        return None, ""
    way, value = ways[0], given[ways[0]]
    if way == "query":
        named = find(value)
        return filled(without_semicolon(named.sql), named.bind(params)).rstrip(), ""
    if way == "q":
        if not value.replace(";", "").strip():
            raise UsageError("The SQL in q is empty.", hint="Give a SELECT with a column frame_id.")
        return filled(without_semicolon(value), params).rstrip(), ""
    call = "search_text" if way == "text" else "similar_to"
    return f"SELECT frame_id, similarity FROM {call}({literal(value)})", "chosen.similarity"

"""Full-text search in the texts of a table, by LanceDB's full-text index: best first, by BM25.

Words are found in any case and in their English forms (promise: promised, promises). Japanese and Chinese are split
into words by a dictionary. A table that has no index yet is copied into memory and indexed there, so the result is
the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa

from animeds_db.errors import UsageError
from animeds_db.store.location import read_errors
from animeds_db.store.store import Store, quoted
from animeds_db.upkeep import indexes

if TYPE_CHECKING:
    from lancedb.query import FullTextQuery
    from lancedb.table import Table

LONGEST = 1000
"""Maximum number of characters of a question."""
_QUOTED = re.compile(r'["“„「『]([^"“”„「」『』]+)["”“」』]')
_WORD = re.compile(r"[^\W_]")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_copies: WeakKeyDictionary[Store, dict[str, tuple[int, Table]]] = WeakKeyDictionary()
"""Indexed copies in memory, with the version of the table that they are of."""


@dataclass(frozen=True)
class Asked:
    """What must be in a text: all `words`, each of the `phrases` as it is, and the `symbols` (emoji, signs)."""

    words: str
    phrases: tuple[str, ...]
    symbols: tuple[str, ...]

    @classmethod
    def read(cls, text: str, name: str = "--said") -> Asked:
        """Read words, and phrases in quotes. Raises UsageError if there is nothing to look for, or too much."""
        if len(text) > LONGEST:
            raise UsageError(f"{name} is longer than {LONGEST} characters.")
        phrases = tuple(p for p in _QUOTED.findall(text) if _WORD.search(p))
        rest = _QUOTED.sub(lambda found: " " if _WORD.search(found[1]) else found[0], text).split()
        words = " ".join(word for word in rest if _WORD.search(word))
        symbols = tuple(s for word in rest if not _WORD.search(word) if (s := word.strip('"“”„「」『』')))
        if not (words or phrases or symbols):
            raise UsageError(f"{name} has no words.", hint='animeds search --said "promise"')
        return cls(words, phrases, symbols)

    @property
    def plain(self) -> str:
        """The words and phrases in lower case, without quotes."""
        return " ".join((self.words, *self.phrases)).lower().strip()

    @property
    def with_symbols(self) -> str:
        """A condition on the column `text`: it has every symbol. No full-text index knows them."""
        return " AND ".join(f"contains(text, {quoted(symbol)})" for symbol in self.symbols)

    @property
    def literally(self) -> str:
        """A condition on the column `text`: it has every word, phrase and symbol, also as a part of words."""
        parts = (*self.words.lower().split(), *(phrase.lower() for phrase in self.phrases), *self.symbols)
        return " AND ".join(f"contains(lower(text), {quoted(part)})" for part in parts)

    @property
    def has_no_spaces(self) -> bool:
        """True if it has Japanese or Chinese. A dictionary can split a part of a sentence unlike the whole."""
        return _CJK.search(self.plain) is not None

    def query(self) -> FullTextQuery:
        """Return LanceDB's query. There must be words or phrases."""
        from lancedb.query import BooleanQuery, FullTextOperator, MatchQuery, Occur, PhraseQuery

        parts: list[Any] = [PhraseQuery(phrase, "text") for phrase in self.phrases]
        if self.words:
            parts.append(MatchQuery(self.words, "text", operator=FullTextOperator.AND))
        return parts[0] if len(parts) == 1 else BooleanQuery([(Occur.MUST, part) for part in parts])


def matching(
    store: Store,
    name: str,
    asked: Asked,
    columns: Sequence[str],
    most: int,
    *,
    sources: Sequence[str] | None = None,
) -> pa.Table:
    """Return these columns of the `most` rows of a table whose `text` fits best, and `score`, best first.

    A score is positive. It is 1 where the index has no answer and all rows were compared: for symbols alone, and for a
    part of a Japanese or Chinese word. Equal scores are in the order of the table's key. `sources`: only the rows of
    these sources.
    """
    key = store.schema(name).key
    within = "" if sources is None else f"source_id IN ({', '.join(map(quoted, sources)) or quoted('')})"
    wanted = list(dict.fromkeys([key, "text", *columns]))
    with read_errors(store.uri):
        if not store.table(name).count_rows():
            found = store.schema(name).schema.empty_table().select(wanted).append_column("score", _none())
        elif asked.words or asked.phrases:
            search = _indexed(store, name).search(asked.query(), query_type="fts")
            if condition := _all_of(within, asked.with_symbols):
                search = search.where(condition, prefilter=True)
            found = search.select([*wanted, "_score"]).limit(most).to_arrow()
            found = found.rename_columns([*wanted, "score"])
            if not len(found) and asked.has_no_spaces:
                found = _scanned(store, name, _all_of(within, asked.literally), wanted, most)
        else:
            found = _scanned(store, name, _all_of(within, asked.with_symbols), wanted, most)
    found = found.sort_by([("score", "descending"), (key, "ascending")])
    return found.select([*columns, "score"])


def _all_of(*conditions: str) -> str:
    """Return the conditions that are not empty as one."""
    return " AND ".join(filter(None, conditions))


def _scanned(store: Store, name: str, condition: str, wanted: list[str], most: int) -> pa.Table:
    rows = store.table(name).to_table(columns=wanted, filter=condition, limit=most)
    return rows.append_column("score", pa.array(np.ones(len(rows), np.float32)))


def _none() -> pa.Array:
    return pa.array([], pa.float32())


def _indexed(store: Store, name: str) -> Table:
    """Return the table with its full-text index, or an indexed copy in memory."""
    if indexes.has_words(store, name):
        return store.search_table(name)
    copies, version = _copies.setdefault(store, {}), store.version(name)
    if name not in copies or copies[name][0] != version:
        copies[name] = (version, _copied(store, name))
    return copies[name][1]


def _copied(store: Store, name: str) -> Table:
    import lancedb

    rows = store.table(name).to_table()
    table = lancedb.connect("memory://").create_table(name, rows)
    table.create_index("text", config=indexes.full_text(), name=indexes.WORDS)
    return table

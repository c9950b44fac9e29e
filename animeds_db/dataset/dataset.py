"""`Dataset`: the main object of the Python API. It can do everything the command line and the pages can."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from animeds_db import schema, settings
from animeds_db.dataset.clip_labels import ClipCorrections
from animeds_db.dataset.comparisons import Comparisons
from animeds_db.dataset.describing import Describing
from animeds_db.dataset.exporting_clips import ExportingClips
from animeds_db.dataset.labels import Corrections
from animeds_db.dataset.masks import Masking
from animeds_db.dataset.outfits import Wardrobe
from animeds_db.dataset.playing import Playing
from animeds_db.dataset.upkeep import Keeping
from animeds_db.dataset.voices import Voicing
from animeds_db.errors import QueryError, SourceError, StoreError, did_you_mean
from animeds_db.notebook import as_html, given_values
from animeds_db.session import Session
from animeds_db.session.given import Rows, as_tables
from animeds_db.session.sandbox import Bounds
from animeds_db.steps.characters import Characters
from animeds_db.steps.clusters import Clusters
from animeds_db.store import Store
from animeds_db.store.history import At

if TYPE_CHECKING:
    import duckdb
    import lancedb
    import polars as pl
    from PIL import Image

    from animeds_db.media import FrameKey
    from animeds_db.models import Models
    from animeds_db.steps.relocate import Moved
    from animeds_db.sync import SyncReport


def open(path: str | Path | None = None, *, unfinished: bool = False, at: At | None = None) -> Dataset:  # noqa: A001
    """Open a database. Without a path: ANIMEDS_DB, then animeds.toml, then ./anime.animeds.

    `unfinished` includes sources whose ingest has not finished. `at` opens an earlier state, read-only: a version
    number, a version name, a time, an age such as "3d", or an exported folder (see store.history).
    Raises StoreError if there is no database, if a newer release made it, or if the version no longer exists.
    """
    uri = settings.resolve("db", None if path is None else str(path)).value
    return Dataset(Store.open(uri, at), unfinished=unfinished)


def create(
    path: str | Path,
    *,
    profile: str | None = None,
    embedding_width: int = schema.DEFAULT_WIDTH,
    vector_width: int = schema.DEFAULT_WIDTH,
) -> Dataset:
    """Create an empty database for the vectors of a profile's models, or for vectors of these widths.

    Raises StoreError if `path` exists already, ModelError if the profile cannot be loaded.
    """
    if profile is None:
        return Dataset(Store.create(str(path), embedding_width, vector_width))
    from animeds_db.models import load_profile

    return Dataset(Store.create(str(path), *_widths(load_profile(profile))))


def _widths(models: Models) -> tuple[int, int]:
    """Return the widths of the vectors of frames and of faces that these models produce."""
    image, character = models.image, models.character
    return (
        image.width if image else schema.DEFAULT_WIDTH,
        character.width if character else schema.DEFAULT_WIDTH,
    )


def open_or_create(path: str | None, models: Models | Callable[[], Models]) -> Dataset:
    """Open the database, or create it for the vectors of `models`, which can be a function that loads them."""
    uri = settings.resolve("db", path).value
    if not Store.exists(uri):
        models = models() if callable(models) else models
        try:
            return Dataset(Store.create(uri, *_widths(models)))
        except StoreError:
            if not Store.exists(uri):  # else another process has created it in the meantime
                raise
    return open(uri, unfinished=True)


class Dataset(
    Describing,
    Comparisons,
    Corrections,
    ClipCorrections,
    ExportingClips,
    Playing,
    Wardrobe,
    Voicing,
    Masking,
    Keeping,
):
    """A database of frames: SQL queries, pictures, corrections, and exports.

    >>> ds = animeds_db.open("show.animeds")                                    # doctest: +SKIP
    >>> ds.sql("SELECT tag, count(*) FROM tags GROUP BY tag").pl()              # doctest: +SKIP
    """

    def __init__(self, store: Store, *, unfinished: bool = False, bounds: Bounds | None = None) -> None:
        self.store = store
        self.session = Session(
            store,
            unfinished=unfinished,
            text_vector=self._text_vector,
            said_frames=self._said_frames,
            bounds=bounds,
        )

    @property
    def uri(self) -> str:
        """Path or URI of the database."""
        return self.store.uri

    def __repr__(self) -> str:
        try:
            counts = {
                name: self.store.table(name).count_rows() for name in ("sources", "frames", "detections")
            }
        except StoreError:
            return f"Dataset({self.uri!r})"
        return f"Dataset({self.uri!r}: {', '.join(f'{n} {name}' for name, n in counts.items())})"

    def _repr_html_(self) -> str:
        """Return the database in a few lines and its sources as a table, which notebooks display."""
        columns = ['"show"', "season", "episode", "title", "n_frames", "n_faces", "state"]
        return as_html(self.summary(), self.query("status").select(*columns))

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the DuckDB session. The files do not need to be closed."""
        self.session.close()

    def lancedb(self) -> lancedb.DBConnection:
        """Return LanceDB's own connection to this database: `.list_tables()`, `.open_table("frames")`.

        It reads the newest versions. Write through this Dataset instead: what LanceDB writes by itself is not synced
        to the disk. Raises StoreError when the database cannot be reached.
        """
        return self.store.lancedb()

    def sql(
        self,
        text: str,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        file: str | None = None,
        tables: Mapping[str, Rows] | None = None,
        **values: Any,
    ) -> duckdb.DuckDBPyRelation:
        """Run one SELECT and return a relation; `.pl()`, `.df()`, `.to_arrow_table()`, `.fetchall()` return its rows.

        Values replace `$name` in the text, given by keyword, `sql("… $n", n=5)`, or as `params`. A list replaces `?`,
        or `$1`, `$2`, …. `tables`: rows of your own by the names that the SQL uses, such as a polars DataFrame or a
        list of frame ids. `file` is named in errors. Raises QueryError with line, column and hint.
        """
        return self.session.sql(text, given_values(params, values), file=file, tables=as_tables(tables))

    def query(
        self, query: str, params: Mapping[str, Any] | None = None, /, **values: Any
    ) -> duckdb.DuckDBPyRelation:
        """Run a named query. Your own in ./queries replace built-in ones of the same name.

        Pass parameters by keyword, `query("by_tags", has=["red_hair"])`, or as one mapping. Raises QueryError for an
        unknown query or parameter, and for a tag, character or show that the database does not have.
        """
        selected = self._selected(query, None, given_values(params, values))
        return self.session.sql(selected.sql, selected.params, file=selected.file)

    def search(
        self,
        text: str | None = None,
        *,
        image: Path | None = None,
        frame_id: str | None = None,
        said: str | None = None,
        character: str | None = None,
        k: int = 20,
        where: str | None = None,
        tower: str | None = None,
        exact: bool = False,
    ) -> duckdb.DuckDBPyRelation:
        """Return the k best frames for a text, a picture file or another frame, best first.

        A text is looked for in the pictures, in the tags, and in the descriptions of frames, and the results are
        joined (see steps.search.together). `said`: only frames on which these words are said, sung or written in
        the subtitles; `character`: only frames with this character; `where`: a condition on the view `frames`.
        With `said` and no text, picture or frame: the frames of the best lines (see steps.search.said for its
        columns).

        A large database uses an index of vectors (see upkeep.indexes), which can miss frames; `exact` compares every
        frame. `tower`: a text model to use instead of the model's own, e.g. a multilingual one for the same vectors.
        Columns: frame_id, source_id, show, season, episode, time_s, similarity (cosine), tags; for a text also
        score (higher is better) and found_by (picture, tags, description).
        Raises UsageError, QueryError for an unknown character, ModelError (no text model), StoreError (no vectors, or
        vectors of several models).
        """
        from animeds_db.steps.search.together import Asking, find

        return find(
            self.session,
            self.store,
            Asking(text, image, frame_id, said, character, where, tower, k, exact),
        )

    def _text_vector(self, words: str) -> list[float]:
        from animeds_db.steps.search.frames import embedder_id

        return self._words_vector(words, embedder_id(self.session))

    def _said_frames(self, words: str) -> list[dict[str, Any]]:
        from animeds_db.steps.search.said import said_frames

        return said_frames(self.store, words)

    @cache  # noqa: B019 (few texts per dataset, and each runs a model)
    def _words_vector(self, words: str, model: str) -> list[float]:
        from animeds_db.steps.search.frames import words_vector

        vector: list[float] = words_vector(words, model).tolist()
        return vector

    def frames(self, view: str = "frames") -> pl.LazyFrame:
        """Return a view of frames as a polars LazyFrame: "frames", "kept", "good", or another view.

        Raises QueryError if there is no such view.
        """
        if view not in self.session.views():
            raise QueryError(f'There is no view "{view}".', hint=did_you_mean(view, self.session.views()))
        frames: pl.LazyFrame = self.sql(f"SELECT * FROM {view}").pl(lazy=True)
        return frames

    def faces(self) -> pl.LazyFrame:
        """Return the `faces` view as a polars LazyFrame."""
        return self.frames("faces")

    def image(self, frame_id: str) -> Image.Image:
        """Decode the exact frame again: RGB, as displayed. Raises QueryError for an unknown id, SourceError
        if its file is missing or has changed."""
        return next(iter(self.images([frame_id])))[1]

    def images(self, frame_ids: Sequence[str]) -> Iterator[tuple[str, Image.Image]]:
        """Decode frames again, each part of a video once. Yields (frame_id, RGB image) by source and time."""
        from PIL import Image

        from animeds_db.media import fetch

        keys = self._keys(frame_ids)
        for (uri, kind), wanted in keys.items():
            for key, frame in fetch(uri, kind, wanted):
                yield key.frame_id, Image.fromarray(frame.pixels())

    def _keys(self, frame_ids: Sequence[str]) -> dict[tuple[str, str], list[FrameKey]]:
        from animeds_db.media import FrameKey
        from animeds_db.remote.paths import present

        columns = ["frame_id", "source_id", "stream", "pts", "key_pts", "member", "content_hash"]
        rows = self.store.take("frames", frame_ids, columns).to_pylist()
        missing = set(frame_ids) - {row["frame_id"] for row in rows}
        if missing:
            raise QueryError(
                f"There is no frame {min(missing)}.",
                hint="ids look like k3f9a2qd-000754212: SELECT frame_id FROM frames",
            )
        ids = sorted({row["source_id"] for row in rows})
        found = self.store.take("sources", ids, ["source_id", "uri", "other_uris", "kind"]).to_pylist()
        sources = {row["source_id"]: (present(row["uri"], row["other_uris"]), row["kind"]) for row in found}
        keys: dict[tuple[str, str], list[FrameKey]] = {}
        for row in sorted(rows, key=lambda r: str(r["frame_id"])):
            file = sources.get(row.pop("source_id"))
            if file is None:
                raise SourceError(f"The source of frame {row['frame_id']} is not in the database.")
            keys.setdefault(file, []).append(FrameKey(**row))
        return keys

    def thumbnail(self, frame_id: str) -> Image.Image:
        """Return the stored thumbnail (longer edge 256 px). Raises QueryError for an unknown id."""
        from animeds_db.media.picture_files import open_picture

        rows = self.store.take("thumbnails", [frame_id], ["webp"])["webp"].to_pylist()
        if not rows:
            raise QueryError(f"There is no frame {frame_id}.")
        return open_picture(rows[0])

    def sync(
        self,
        folder: str | Path,
        *,
        dry_run: bool = False,
        who: str | None = None,
        form: str | None = None,
        characters: Path | None = None,
    ) -> SyncReport:
        """Turn deletions, moves and edits in an exported folder into labels, as one change set.

        See animeds_db.sync. Raises ExportError if this database did not export the folder, UsageError.
        """
        from animeds_db.sync import sync

        return sync(
            self.store,
            self.session,
            folder,
            form=form,
            characters=characters,
            dry_run=dry_run,
            who=who,
        )

    def source_files(self) -> pa.Table:
        """Return one row per source: source_id, show, season, episode, kind, n_frames, state, is_there, uri.

        `is_there` is null for a source in a bucket that cannot be reached.
        """
        from animeds_db.remote.paths import are_there, source_path

        rows = self.query("status").select('source_id, "show", season, episode, kind, n_frames, state, uri')
        table = rows.to_arrow_table()
        there = are_there([source_path(uri) for uri in table["uri"].to_pylist()], or_unknown=True)
        return table.add_column(table.num_columns - 1, "is_there", pa.array(there, pa.bool_()))

    def relocate(self, old: str, new: str | Path) -> list[Moved]:
        """Record the new path of a source, or of all sources below a folder. Refused unless the files are the same."""
        from animeds_db.steps.relocate import relocate

        return relocate(self.store, old, new)

    def edit_sources(self, sources: Sequence[str], **values: str | int | None) -> list[dict[str, Any]]:
        """Change show, season, episode, credit or licence of sources; return their new rows.

        `sources`: ids, paths, or folders that contain them. An empty text or None removes a value. Raises UsageError
        for a source that is not in the database, or an invalid value.
        """
        from animeds_db.steps.edit_sources import edit_sources

        return edit_sources(self.store, sources, values)

    @property
    def characters(self) -> Characters:
        """Examples of characters, and the classification of faces: add_folder, add_faces, add_tag, classify, …"""
        return Characters(self.store, self.session, self.images)

    @property
    def clusters(self) -> Clusters:
        """Groups of similar faces, without examples: find, shown, name, merge, split."""
        return Clusters(self.store, self.session, self.images)

    def status(self) -> duckdb.DuckDBPyRelation:
        """Return one row per source: its name, its contents, and problems."""
        return self.query("status")

    def summary(self) -> list[str]:
        """Return the database in a few lines: size, frames, models, and whether a check is due."""
        from animeds_db.upkeep.check import due

        with self.session.errors():
            row = self.session.sql(
                "SELECT (SELECT count(*) FROM sources), (SELECT count(*) FROM frames), (SELECT count(*) FROM faces),"
                " (SELECT count(DISTINCT tag) FROM tags)"
            ).fetchall()[0]
            models = self.session.sql("SELECT task || ' ' || model_id FROM models ORDER BY 1").fetchall()
        size = self.store.size_bytes() / 2**20
        lines = [
            f"{self.uri}: {row[0]} sources, {row[1]} frames, {row[2]} faces, {row[3]} tags, {size:.1f} MB"
        ]
        if models:
            lines.append("models: " + ", ".join(m[0] for m in models))
        lines += self.label_summary()
        if words := due(self.store):
            lines.append(words)
        return lines

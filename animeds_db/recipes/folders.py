"""The step `export`: one folder of a recipe. Whether it is up to date stands in its manifest."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import duckdb

from animeds_db.errors import AnimedsError, ExportError
from animeds_db.export.folder.writer import changes_by_hand
from animeds_db.export.hub.pushing import check_push, push
from animeds_db.export.manifest import MANIFEST_NAME, read_manifest
from animeds_db.export.options import ExportReport
from animeds_db.printable import counted
from animeds_db.recipes.building import Export, characters_in
from animeds_db.recipes.reading import Recipe
from animeds_db.recipes.steps import Work, cost, is_recorded, mark, record, timed
from animeds_db.remote.storage import is_remote
from animeds_db.safe_files import whole_file

_UNUSED = ("settings", "thumbnails")
"""Tables on which no export depends."""


class Folder:
    """Writes one folder."""

    name = "export"

    def __init__(self, recipe: Recipe, export: Export) -> None:
        self._recipe, self._export = recipe, export
        self.title = recipe.exports[int(export.path[1])]["folder"]
        self.report: ExportReport | None = None
        self.gaps: dict[str, list[str]] = {}
        """Per character of the selection: kinds of pictures that the folder lacks and the database has."""
        self.is_kept = False
        """True if the last run left the folder as people have changed it."""
        self._check_owner()

    @property
    def folder(self) -> str:
        """Path or URI of the folder."""
        return self._export.folder

    def news(self, work: Work) -> str | None:
        """Return the layouts to write with the number of frames, or where to push them."""
        todo = self._layouts_to_write(work)
        if todo and work.dataset is not None and (n := self._frames(work)) is not None:
            return f"{todo}: {counted(n, 'frame')}{cost(work, self.name, n)}"
        if todo is None and self._export.push and not is_recorded(work, self._push_key, self._push_inputs()):
            return f"push to {self._export.push}"
        return todo

    def _layouts_to_write(self, work: Work) -> str | None:
        layouts = " and ".join(self._export.options.layouts)
        if work.dataset is None:
            return layouts
        inputs = self._inputs(work)
        if is_remote(self.folder):
            return None if is_recorded(work, self._key, inputs) else layouts
        is_done = self._has_manifest and self._made_of() == inputs
        return None if is_done else layouts

    def _frames(self, work: Work) -> int | None:
        """Return the number of frames of the selection; None if it cannot be run, as before its people have names."""
        chosen, data = self._export.selection, work.data
        try:
            rows = (
                data.sql(str(chosen.sql), chosen.params)
                if chosen.query is None
                else data.query(chosen.query, chosen.params)
            )
            return len(rows.select("frame_id").distinct().fetchall())
        except (AnimedsError, duckdb.Error):  # `run` reports it
            return None

    def run(self, work: Work) -> None:
        """Write the folder. One that people have changed since the last time stays as it is."""
        self._check_owner()
        if self._has_manifest and (changes := changes_by_hand(Path(self.folder))):
            self.is_kept = True
            work.watcher.note(
                f"{self.folder} stays as it is, because it was changed by hand ({changes[0]}). To write it again, run "
                "`animeds sync` to read the changes back, then delete the folder."
            )
            return
        if self._export.push:
            check_push(self._export.push)
        if self._layouts_to_write(work):
            self._write(work)
        if self._export.push:
            self._push(work)

    def _write(self, work: Work) -> None:
        chosen, inputs = self._export.selection, self._inputs(work)
        with timed(work, self.name, self._frames(work) or 0):
            self.report = work.data.export(
                chosen.query,
                self.folder,
                sql=chosen.sql,
                params=chosen.params,
                options=self._export.options,
                include_copies=chosen.copies,
                include_dropped=chosen.dropped,
                recipe={"file": self._name, "inputs": inputs},
                progress=work.watcher.advance,
            )
        for name in characters_in(chosen):
            found = work.data.coverage(name, chosen.query, sql=chosen.sql, params=chosen.params)
            self.gaps[name] = [str(gap) for gap in found.gaps if gap.best]
        if is_remote(self.folder):
            record(work, self._key, inputs)

    def _push(self, work: Work) -> None:
        assert self._export.push is not None
        pushed = push(
            self.folder, self._export.push, public=self._export.public, progress=work.watcher.advance
        )
        work.watcher.note(f"{self.folder} is at {pushed.url}, {'public' if pushed.is_public else 'private'}.")
        record(work, self._push_key, self._push_inputs())

    @property
    def _push_key(self) -> str:
        return f"push {self.folder}"

    def _push_inputs(self) -> str:
        """Return a fingerprint of what is pushed, and where to."""
        return mark(self._export.push, self._export.public, self._made_of())

    @property
    def _has_manifest(self) -> bool:
        return not is_remote(self.folder) and (Path(self.folder) / MANIFEST_NAME).is_file()

    def _made_of(self) -> str | None:
        """Return the fingerprint in the manifest."""
        return read_manifest(Path(self.folder)).provenance.recipe.get("inputs")

    @property
    def _key(self) -> str:
        return f"export {self.folder}"

    @property
    def _name(self) -> str:
        return name_in(self.folder, self._recipe)

    def _inputs(self, work: Work) -> str:
        """Return a fingerprint of everything that the folder is made of."""
        options, chosen = self._export.options, self._export.selection
        balance = options.balance
        weights = balance.weights.read_text("utf-8") if balance and balance.weights else None
        tables = [name for name in work.data.store.names() if name not in _UNUSED]
        return mark(
            options.recorded(),
            (balance.max_repeats, balance.min_repeats, weights) if balance else None,
            (
                chosen.query,
                chosen.sql,
                dict(chosen.params),
                self._query_text(),
                chosen.copies,
                chosen.dropped,
            ),
            work.data.uri if is_remote(work.data.uri) else str(Path(work.data.uri).resolve()),
            work.versions(tables),
        )

    def _query_text(self) -> str | None:
        from animeds_db.session.queries.named import find

        query = self._export.selection.query
        return None if query is None else find(query).text

    def _check_owner(self) -> None:
        """Raise an error for a folder that this recipe did not make."""
        if is_remote(self.folder):
            return
        folder, path = Path(self.folder), (*self._export.path, "folder")
        if not folder.is_dir() or not any(folder.iterdir()):
            return
        if not (folder / MANIFEST_NAME).is_file():
            raise self._recipe.fault(
                path, f"{folder} contains files that no export wrote.", "Choose another folder."
            )
        try:
            owner = read_manifest(folder).provenance.recipe.get("file")
        except ExportError as error:
            raise self._recipe.about(path, error) from error
        if owner != self._name:
            maker = f"by another recipe, {owner}" if owner else "without a recipe"
            raise self._recipe.fault(
                path, f"{folder} was exported {maker}.", "Choose another folder, or delete that one first."
            )


def name_in(folder: str, recipe: Recipe) -> str:
    """Return the path of a recipe relative to a folder that it makes, so that both can be moved together."""
    if is_remote(folder):
        return recipe.path.name
    path = os.path.relpath(recipe.path.resolve(), Path(folder).resolve())
    return Path(path).as_posix()


def adopt(recipe: Recipe, export: Export, *, always: bool = False) -> None:
    """Make a folder that was exported without a recipe this recipe's own, if the same selection and options made it.

    `always`: any folder that an export made. A folder of another recipe stays as it is.
    """
    if is_remote(export.folder) or not (Path(export.folder) / MANIFEST_NAME).is_file():
        return
    manifest = read_manifest(Path(export.folder))
    made = manifest.provenance
    chosen = (made.sql or "").strip(), manifest.options.recorded()
    is_same = made.query == export.selection.query and chosen == (_sql_of(export), export.options.recorded())
    if made.recipe or not (is_same or always):
        return
    owned = replace(manifest, provenance=replace(made, recipe={"file": name_in(export.folder, recipe)}))
    with whole_file(Path(export.folder) / MANIFEST_NAME) as file:
        file.write(owned.text().encode())


def _sql_of(export: Export) -> str:
    from animeds_db.session.queries.named import find

    query, sql = export.selection.query, export.selection.sql
    return (sql or "" if query is None else find(query).sql).strip()

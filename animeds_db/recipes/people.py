"""The step `characters`: examples, names of clusters, and the classification of faces.

Where a selection asks for somebody whom nobody has named, the step groups the faces, writes a contact sheet, and stops
with a question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from animeds_db.errors import AnimedsError, QueryError, UsageError, did_you_mean
from animeds_db.printable import counted
from animeds_db.recipes.building import characters_in, classify_of, cluster_of, selection_of
from animeds_db.recipes.reading import KeyPath, Recipe, texts
from animeds_db.recipes.steps import FRAMES, Work, is_recorded, mark, mark_of_files, record
from animeds_db.steps.characters.neighbours import NEGATIVE
from animeds_db.store.remembered import record_step, step_record

UNNAMED = "unnamed_"
"""Beginning of the names of clusters that nobody has named."""
MOST = 0.5
"""Minimum share of a cluster's faces with one name, 0…1, for the cluster to count as named."""
_ANSWERS = (*FRAMES, "examples", "labels")
"""Tables on which names of faces depend."""


@dataclass(frozen=True)
class Question:
    """Nobody has named these characters yet, so a person must say which clusters of faces they are."""

    characters: tuple[str, ...]
    sheet: Path
    """Contact sheet of the clusters, an HTML page."""
    clusters: list[dict[str, Any]]
    """One row per cluster, the largest first: the columns of the query `clusters`."""


class UnnamedError(Exception):
    """The run stops here with a question."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.question = question


class Characters:
    """Names the faces."""

    name, title = "characters", "names of faces"

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._section = recipe.section("characters")
        self._options = classify_of(recipe)
        self._options.check()
        self._clusters = cluster_of(recipe)
        self._clusters.check()
        self._wanted = _wanted(recipe)

    @property
    def is_needed(self) -> bool:
        """True if the recipe says anything about characters."""
        return "characters" in self._recipe.content or bool(self._wanted)

    def news(self, work: Work) -> str | None:
        """Return what there is to do: examples to add, clusters to name, faces to classify."""
        if work.dataset is None:
            return "faces to name" if self._names_anybody else f"it will ask who is {self._asked}"
        tasks = [name for name, inputs in self._additions().items() if not is_recorded(work, name, inputs)]
        if tasks:
            return f"{' and '.join(tasks)} to add"
        if missing := self._missing(work):
            return f"it will ask who is {' and '.join(missing)}"
        if not _has_examples(work) and not self._section.get("keep_unnamed"):
            return None
        if is_recorded(work, "classify", self._inputs(work), ("identities",)):
            return None
        n = work.data.sql("SELECT count(*) FROM faces").fetchall()[0][0]
        return f"{counted(n, 'face')} to classify"

    def run(self, work: Work) -> None:
        """Add examples, and name the faces. Raises UnnamedError if a person must name a cluster first."""
        for name, inputs in self._additions().items():
            if not is_recorded(work, name, inputs):
                getattr(self, f"_add_{name}")(work)
                record(work, name, inputs)
        if missing := self._missing(work):
            raise UnnamedError(self._question(work, missing))
        if not _has_examples(work) and self._section.get("keep_unnamed"):
            self._keep_unnamed(work)
        if not _has_examples(work):
            work.watcher.note("no character has examples, so no face was named")
            return
        self._classify(work)
        if self._section.get("keep_unnamed") and self._keep_unnamed(work):
            self._classify(work)

    def _classify(self, work: Work) -> None:
        inputs = self._inputs(work)
        if is_recorded(work, "classify", inputs, ("identities",)):
            return
        done = work.data.characters.classify(self._options, progress=work.watcher.advance)
        record(work, "classify", inputs, ("identities",))
        for note in done.notes:
            work.watcher.note(note)

    def _keep_unnamed(self, work: Work) -> bool:
        """Name the clusters most of whose faces nobody has named; return True if there were any."""
        self._cluster(work)
        rows = work.data.query("clusters").to_arrow_table().to_pylist()
        fresh = [row["cluster"] for row in rows if row["share"] < MOST]
        used = {int(name.removeprefix(UNNAMED)) for name in _known(work) if _is_unnamed(name)}
        first = max(used, default=0) + 1
        for number, cluster in enumerate(fresh, start=first):
            work.data.clusters.name(cluster, f"{UNNAMED}{number}", progress=work.watcher.advance)
        return bool(fresh)

    @property
    def _names_anybody(self) -> bool:
        return (
            any(name in self._section for name in ("examples", "faces", "clusters", "tags"))
            or not self._wanted
        )

    @property
    def _asked(self) -> str:
        return " and ".join(self._wanted)

    def _additions(self) -> dict[str, str]:
        """Return what the recipe adds, with a fingerprint of each: examples, faces, tags, clusters, renames."""
        found: dict[str, str] = {}
        if "examples" in self._section:
            found["examples"] = mark_of_files(self._folders())
        if "faces" in self._section:
            found["faces"] = mark(self._section["faces"])
        if "tags" in self._section:
            found["tags"] = mark(self._section["tags"])
        if "clusters" in self._section:
            found["clusters"] = mark(self._section["clusters"])
        if "rename" in self._section:
            found["names"] = mark_of_files([self._file("rename")])
        return found

    def _inputs(self, work: Work) -> str:
        return mark(asdict(self._options), work.versions(_ANSWERS))

    def _folders(self) -> list[Path]:
        folders = [Path(self._recipe.located(path)) for path in texts(self._section["examples"])]
        for folder in folders:
            if not folder.is_dir():
                raise self._fault("examples", f"The folder {folder} does not exist.", "Check the path.")
        return folders

    def _file(self, key: str) -> Path:
        path = Path(self._recipe.located(self._section[key]))
        if not path.is_file():
            raise self._fault(key, f"The file {path} does not exist.", "Check the path.")
        return path

    def _fault(self, key: str, what: str, hint: str | None) -> UsageError:
        return self._recipe.fault(("characters", key), what, hint)

    def _add_examples(self, work: Work) -> None:
        for folder in self._folders():
            added = work.data.characters.add_folder(folder, progress=work.watcher.advance)
            for note in added.notes:
                work.watcher.note(note)

    def _add_faces(self, work: Work) -> None:
        for character, faces in self._section["faces"].items():
            name, appearance = _parted(character)
            try:
                work.data.characters.add_faces(
                    name, faces, appearance=appearance, progress=work.watcher.advance
                )
            except AnimedsError as error:
                raise self._recipe.about(("characters", "faces", character), error) from error

    def _add_tags(self, work: Work) -> None:
        for character, tag in self._section["tags"].items():
            name, appearance = _parted(character)
            work.data.characters.add_tag(name, tag, appearance=appearance, progress=work.watcher.advance)

    def _add_clusters(self, work: Work) -> None:
        """Name those clusters that this database has not named yet."""
        done: dict[str, str] = json.loads(step_record(work.data.store, "named") or "{}")
        wanted: Mapping[str, str] = self._section["clusters"]
        fresh = {key: name for key, name in wanted.items() if done.get(key) != name}
        if fresh:
            self._cluster(work)
        for key, character in fresh.items():
            name, appearance = _parted(character)
            number = self._number(work, key)
            added = work.data.clusters.name(
                number, name, appearance=appearance, progress=work.watcher.advance
            )
            work.watcher.note(f"cluster {number} is {character}: {counted(added.new, 'example')} added")
        record_step(work.data.store, "named", json.dumps(done | fresh, sort_keys=True))

    def _number(self, work: Work, key: str) -> int:
        """Return the number of a cluster that is given by number, or by one of its faces."""
        if key.isdigit():
            return int(key)
        rows = work.data.sql("SELECT cluster FROM clusters WHERE face_id = $face", face=key).fetchall()
        if not rows or rows[0][0] is None:
            raise self._fault(
                "clusters",
                f"The face {key} is not in a cluster.",
                "Give the number of a cluster, or another face.",
            )
        return int(rows[0][0])

    def _add_names(self, work: Work) -> None:
        act = work.data.rename_characters(self._file("rename"))
        for note in act.notes:
            work.watcher.note(note)

    def _missing(self, work: Work) -> list[str]:
        """Return the characters of the selections whom nobody has named."""
        known = _known(work)
        return [name for name in self._wanted if name not in known]

    def _cluster(self, work: Work) -> None:
        inputs = mark(asdict(self._clusters), work.versions(FRAMES))
        if is_recorded(work, "clusters found", inputs):
            return
        options = self._clusters
        work.data.clusters.find(options.threshold, options.min_size, progress=work.watcher.advance)
        record(work, "clusters found", inputs)

    def _question(self, work: Work, missing: list[str]) -> Question:
        """Group the faces and write the sheet. Raises UsageError where a sheet cannot help."""
        known = sorted(_known(work) - {NEGATIVE})
        close = did_you_mean(missing[0], known) if known else ""
        if close.startswith("did you mean"):
            raise self._recipe.fault(self._wanted[missing[0]], f'Nobody is named "{missing[0]}".', close)
        from animeds_db.contact_sheet import write_sheet
        from animeds_db.steps.clusters.sheet import cluster_sheet

        self._cluster(work)
        data = work.data
        try:
            drawn = cluster_sheet(data.store, data.session, data.images, progress=work.watcher.advance)
        except QueryError as error:
            raise self._recipe.fault(
                self._wanted[missing[0]],
                f'Nobody is named "{missing[0]}", and no group of faces is large enough to be named.',
                "Give folders of examples: [characters] examples = […]",
            ) from error
        path = self._recipe.path.with_name(f"{self._recipe.path.stem}-clusters.html")
        write_sheet(drawn, path)
        rows = data.query("clusters").to_arrow_table().to_pylist()
        return Question(tuple(missing), path, rows)


def face_of(work: Work, cluster: int) -> str:
    """Return the id of the most typical face of a cluster. Raises UsageError if there is no such cluster."""
    sql = "SELECT face_id FROM clusters WHERE cluster = $cluster ORDER BY similarity DESC, face_id LIMIT 1"
    rows = work.data.sql(sql, cluster=cluster).fetchall()
    if not rows:
        raise UsageError(
            f"There is no cluster {cluster}.", hint="The contact sheet shows the clusters with their numbers."
        )
    return str(rows[0][0])


def _wanted(recipe: Recipe) -> dict[str, KeyPath]:
    """Return the characters whom the selections name, with the path of the key that names them first."""
    found: dict[str, KeyPath] = {}
    for number in range(len(recipe.exports)):
        selection = selection_of(recipe, number)
        for name in characters_in(selection):
            found.setdefault(name, (*selection.path, "characters"))
    return found


def _known(work: Work) -> set[str]:
    from animeds_db.steps.labels.renames import known_characters

    return known_characters(work.data.session)


def _is_unnamed(name: str) -> bool:
    return name.startswith(UNNAMED) and name.removeprefix(UNNAMED).isdigit()


def _has_examples(work: Work) -> bool:
    rows = work.data.sql(
        "SELECT count(*) FROM examples WHERE character <> $nobody", nobody=NEGATIVE
    ).fetchall()
    return bool(rows[0][0])


def _parted(name: str) -> tuple[str, str | None]:
    """Return character and appearance of "Emi/summer"."""
    character, _, appearance = name.partition("/")
    return character.strip(), appearance.strip() or None

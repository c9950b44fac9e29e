"""Recognition of characters from a few examples. `Dataset.characters` is a `Characters`, with one method per verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from animeds_db.session import Session
from animeds_db.store import Store

if TYPE_CHECKING:
    import duckdb

    from animeds_db.steps.characters.classify import Classified, ClassifyOptions
    from animeds_db.steps.characters.examples import Added
    from animeds_db.steps.characters.face_pictures import Images
    from animeds_db.workers import Ray

Progress = Callable[[int, int], None]


class Characters:
    """The examples of characters in a database, and the names that faces get from them.

    >>> ds.characters.add_folder("examples")                                    # doctest: +SKIP
    >>> ds.characters.classify().rows                                           # doctest: +SKIP
    """

    def __init__(self, store: Store, session: Session, images: Images) -> None:
        self._store = store
        self._session = session
        self._images = images

    def add_folder(
        self, folder: str | Path, *, device: str = "auto", progress: Progress | None = None
    ) -> Added:
        """Add examples from a folder of folders named after characters. See examples.add_folder."""
        from animeds_db.steps.characters.examples import add_folder

        return add_folder(self._store, self._session, Path(folder), device=device, progress=progress)

    def add_pictures(
        self,
        character: str,
        paths: Iterable[str | Path],
        *,
        appearance: str | None = None,
        device: str = "auto",
        progress: Progress | None = None,
    ) -> Added:
        """Add picture files, or folders of them, as examples of one character."""
        from animeds_db.steps.characters.examples import add_pictures

        return add_pictures(
            self._store,
            self._session,
            character,
            [Path(path) for path in paths],
            appearance=appearance,
            device=device,
            progress=progress,
        )

    def add_faces(
        self,
        character: str,
        face_ids: Sequence[str],
        *,
        appearance: str | None = None,
        origin: str = "face",
        progress: Progress | None = None,
    ) -> Added:
        """Add faces of this database as examples of a character. See examples.add_faces."""
        from animeds_db.steps.characters.examples import add_faces

        return add_faces(
            self._store,
            self._session,
            character,
            face_ids,
            appearance=appearance,
            origin=origin,
            images=self._images,
            progress=progress,
        )

    def add_tag(
        self,
        character: str,
        tag: str,
        *,
        min_score: float = 0.85,
        most: int = 20,
        appearance: str | None = None,
        progress: Progress | None = None,
    ) -> Added:
        """Add single faces of frames that have a tag as examples of a character. See examples.add_tag."""
        from animeds_db.steps.characters.examples import add_tag

        return add_tag(
            self._store,
            self._session,
            character,
            tag,
            min_score=min_score,
            most=most,
            appearance=appearance,
            images=self._images,
            progress=progress,
        )

    def examples(self) -> duckdb.DuckDBPyRelation:
        """Return one row per character and appearance: number and origin of its examples, and number of faces."""
        from animeds_db.session.scripts import sql_script

        return self._session.sql(sql_script("steps/classify", "list_examples.sql"))

    def remove(
        self, character: str | None = None, *, appearance: str | None = None, examples: Sequence[str] = ()
    ) -> int:
        """Delete examples by id, or all of a character (or of one appearance); return their number."""
        from animeds_db.steps.characters.examples import remove

        return remove(self._store, self._session, character, appearance=appearance, examples=examples)

    def embed(self, *, device: str = "auto") -> Added:
        """Give examples of other models vectors of the model that made the faces' vectors."""
        from animeds_db.steps.characters.examples import embed_anew

        return embed_anew(self._store, self._session, device=device)

    def classify(
        self,
        options: ClassifyOptions | None = None,
        *,
        progress: Progress | None = None,
        on: Ray | None = None,
    ) -> Classified:
        """Name every face by the examples and write the table `identities`. See classify.classify."""
        from animeds_db.steps.characters.classify import classify

        return classify(self._store, self._session, options, progress=progress, on=on)

    def preview(
        self, options: ClassifyOptions | None = None, *, progress: Progress | None = None
    ) -> list[dict[str, object]]:
        """Return the effect of each threshold, without writing anything. See classify.preview."""
        from animeds_db.steps.characters.classify import preview

        return preview(self._store, self._session, options, progress=progress)

    def voices(self, *, min_lines: int = 3) -> duckdb.DuckDBPyRelation:
        """Propose which character each speaker of the subtitles is, by who is on the screen while that name speaks.

        One row per speaker and character: lines, seen, shown, alone, share, usual, same_name, confirmed, proposed (see
        sql/steps/classify/voices.sql). `min_lines`: minimum number of lines with the character for a proposal.
        Subtitlers' names are evidence, not truth: nothing is written.
        """
        from animeds_db.session.scripts import sql_script

        return self._session.sql(sql_script("steps/classify", "voices.sql"), {"min_lines": min_lines})

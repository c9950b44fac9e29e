"""The part of a `Dataset` that takes frames in, and runs models over frames that are in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from animeds_db.session import Session
from animeds_db.store import Store

if TYPE_CHECKING:
    from animeds_db.workers import Ray
    from animeds_ingest.choice import Load
    from animeds_ingest.outcomes import Report, Watcher
    from animeds_ingest.sources import SourceSpec


class Ingesting:
    """Sources in, and models over what is in."""

    store: Store
    session: Session

    def ingest(
        self,
        paths: str | Path | Sequence[str | Path] | Sequence[SourceSpec],
        *,
        sample: str | None = None,
        start: float | str | None = None,
        end: float | str | None = None,
        profile: str | None = None,
        models: Mapping[str, str] | None = None,
        device: str | None = None,
        replace: bool = False,
        progress: Watcher | None = None,
        load: Load | None = None,
        on: Ray | None = None,
    ) -> Report:
        """Decode frames of episodes, folders, pictures or archives, run the models, write rows; skip what is finished.

        sample: keyframes, iframes, changes, scenes, every=2s or all. profile: anime, tiny, none or your own;
        `models` replaces some of its models, e.g. {"tagger": "wd-vit-v3"}. What is not given is as at the last
        ingest. `progress` is told of every source; `load` loads the models in place of the default.

        Raises SourceError when a path has nothing to ingest, ModelError, UsageError, and StoreError when the
        database fails. A source that cannot be read is an outcome `failed` in the report.
        """
        from animeds_ingest.choice import Choice, load_models
        from animeds_ingest.verbs import ingest

        listed = [paths] if isinstance(paths, str | Path) else paths
        choice = Choice(sample, start, end, profile, device, models or {})
        return ingest(
            self.store, listed, choice, replace=replace, load=load or load_models, on=on, watcher=progress
        )

    def tag(
        self,
        model: str,
        *,
        where: str | None = None,
        use: bool = False,
        device: str | None = None,
        progress: Watcher | None = None,
        load: Load | None = None,
    ) -> Report:
        """Tag frames with another tagger, where it has not done so yet.

        `where` is a condition over the view `frames`. With `use`, its tags count in `frames` and `tags` from now
        on. Raises ModelError, QueryError, StoreError.
        """
        from animeds_ingest.choice import load_models
        from animeds_ingest.verbs import tag

        frames = self._frames_where(where)
        return tag(
            self.store,
            model,
            frames=frames,
            use=use,
            device=device,
            load=load or load_models,
            watcher=progress,
        )

    def detect(
        self,
        model: str,
        *,
        where: str | None = None,
        character: str | None = None,
        device: str | None = None,
        progress: Watcher | None = None,
        load: Load | None = None,
    ) -> Report:
        """Detect faces, heads or persons with another detector, where it has not done so yet.

        `character` names the model that gives faces their vectors, or "none"; by default the database's own.
        Raises ModelError, QueryError, StoreError.
        """
        from animeds_ingest.choice import load_models
        from animeds_ingest.verbs import detect

        frames = self._frames_where(where)
        return detect(
            self.store,
            model,
            frames=frames,
            character=character,
            device=device,
            load=load or load_models,
            watcher=progress,
        )

    def embed(
        self,
        model: str,
        *,
        where: str | None = None,
        use: bool = False,
        device: str | None = None,
        progress: Watcher | None = None,
        load: Load | None = None,
    ) -> Report:
        """Give frames the vectors of another image embedder, where it has not done so yet.

        With `use`, search and dedup compare these vectors from now on. Raises ModelError, QueryError, StoreError.
        """
        from animeds_ingest.choice import load_models
        from animeds_ingest.verbs import embed

        frames = self._frames_where(where)
        return embed(
            self.store,
            model,
            frames=frames,
            use=use,
            device=device,
            load=load or load_models,
            watcher=progress,
        )

    def drop_model(self, model: str) -> int:
        """Delete what `tag`, `detect` or `embed` found with a model; return the number of frames it had done.

        What a model found at ingest stays. Raises ModelError for a model that was never run again here.
        """
        from animeds_ingest.verbs import drop_model

        return drop_model(self.store, model)

    def _frames_where(self, condition: str | None) -> Collection[str] | None:
        if condition is None:
            return None
        sql = f"SELECT frame_id FROM frames WHERE (\n{condition}\n)"
        rows = self.session.arrow(sql, file="--where")
        return frozenset(rows["frame_id"].to_pylist())

"""Methods of `Dataset` for descriptions by captioners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from animeds_db import settings
from animeds_db.dataset.ingesting import Ingesting

if TYPE_CHECKING:
    from animeds_ingest.outcomes import Watcher
    from animeds_ingest.reruns.describing import Described


@dataclass(frozen=True)
class DescribePlan:
    """What `Dataset.describe` would do: numbers of pictures and sources, the words of the first prompt, and the cost.

    `cost` is in US dollars, by earlier descriptions with this model and prompt; None: not known.
    """

    pictures: int
    sources: int
    prompt: str | None
    cost: float | None


class Describing(Ingesting):
    """Methods of `Dataset` for descriptions."""

    def describe(
        self,
        model: str,
        *,
        where: str | None = None,
        boxes: Sequence[str] = (),
        prompt: str | Path = "prose",
        language: str = "en",
        max_cost: float | None = None,
        device: str | None = None,
        progress: Watcher | None = None,
    ) -> Described:
        """Have a captioner write sentences about frames, or about the boxes of some kinds, e.g. ["person"].

        `where` is an SQL condition on the view `frames`. `prompt` is the name of a template (see models.prompts) or a
        .txt file. Pictures that this model has described with this prompt and language are skipped. With `max_cost`
        (US dollars), the run ends before that is spent. `device` is for local models. Pictures that fail are in the
        report's `failures`, and are tried again by the next call.

        Raises UsageError, QueryError, ModelError if the captioner cannot be reached or fails for every picture,
        StoreError. What was described before that is in the database.
        """
        from animeds_db.models.captioners.captioner import load_captioner
        from animeds_db.steps.describe import pictures_left, style_of, with_prompts
        from animeds_ingest.verbs import describe

        frames = self._frames_where(where)
        captioner = load_captioner(model, settings.resolve("device", device).value)
        style = style_of(captioner.id, prompt, language)
        pictures = with_prompts(self.session, pictures_left(self.session, frames, boxes, style), style)
        return describe(
            self.store,
            captioner,
            pictures,
            prompt=style.prompt.id,
            language=language,
            max_cost=max_cost,
            watcher=progress,
        )

    def describe_plan(
        self,
        model: str,
        *,
        where: str | None = None,
        boxes: Sequence[str] = (),
        prompt: str | Path = "prose",
        language: str = "en",
        device: str | None = None,
    ) -> DescribePlan:
        """Return what `describe` would do with these options. Nothing is sent and nothing is written."""
        from animeds_db.models.captioners.captioner import load_captioner
        from animeds_db.steps.describe import pictures_left, style_of, typical_cost, with_prompts

        frames = self._frames_where(where)
        captioner = load_captioner(model, settings.resolve("device", device).value)
        style = style_of(captioner.id, prompt, language)
        left = pictures_left(self.session, frames, boxes, style)
        first = with_prompts(self.session, left.slice(0, 1), style)["prompt"].to_pylist()
        each = typical_cost(self.session, style)
        return DescribePlan(
            pictures=left.num_rows,
            sources=len(left["source_id"].unique()),
            prompt=first[0] if first else None,
            cost=None if each is None else each * left.num_rows,
        )

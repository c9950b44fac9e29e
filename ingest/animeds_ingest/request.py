"""The options of an ingest. A known source keeps its own values for options that the user did not give."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from animeds_db.errors import SourceError
from animeds_db.media import PROCESSOR, Hardware
from animeds_ingest.rows import Analyser
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import SourceSpec

Row = dict[str, Any]

ASKED = frozenset({"sampling", "models"})
"""All options that can be given."""


class Request:
    """The sampling and the models of an ingest.

    `asked` says which the user chose: "sampling", "models". The others are defaults for new sources.
    `prepare` loads the models. It is called when the first source needs them, so an ingest with nothing to do
    loads none. `hardware` decodes videos.
    """

    def __init__(
        self,
        sampling: Sampling,
        prepare: Callable[[], Analyser],
        asked: frozenset[str] = ASKED,
        hardware: Hardware = PROCESSOR,
    ) -> None:
        self.hardware = hardware
        self._sampling = sampling
        self._prepare = prepare
        self._asked = asked

    @cached_property
    def analyser(self) -> Analyser:
        """The analyser with the loaded models. Raises ModelError or StoreError."""
        return self._prepare()

    @property
    def model_ids(self) -> list[str]:
        """Ids of the models, in the order tagger, detectors, character, image."""
        return [str(record["model_id"]) for record in self.analyser.models.records()]

    def work(self, known: Row) -> Row:
        """Return the columns `sampling` and `models` of a source's row for this ingest."""
        keeps = known["sampling"] is not None and "sampling" not in self._asked
        sampling = known["sampling"] if keeps else str(self._sampling)
        return {"sampling": sampling, "models": self.model_ids}

    def expect_same(self, spec: SourceSpec, known: Row, *, is_done: bool) -> None:
        """Raise SourceError if a source's frames were made with other sampling or models than these.

        For a source that is done, only the options that the user gave are compared.
        """
        if "sampling" in self._asked:
            _refuse_other(spec, "sampling", known["sampling"], str(self._sampling))
        if "models" in self._asked or not is_done:
            ids = self.model_ids
            if known["models"] != ids:
                _refuse_other(spec, "models", _listed(known["models"]), _listed(ids))


def _refuse_other(spec: SourceSpec, what: str, known: str, asked: str) -> None:
    if known != asked:
        raise SourceError(
            f"{spec.path.name} was ingested with {what} {known}, not {asked}",
            hint=f"use the same {what}, or add --replace to ingest it again from the start",
        )


def _listed(models: list[str] | None) -> str:
    return ", ".join(models or ["none"])

"""The engine for one machine: source after source. One bad source does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from animeds_db.media import PROCESSOR, Hardware
from animeds_db.models import Models
from animeds_db.store import Store
from animeds_db.upkeep.optimize import tend_if_worth_it
from animeds_ingest.one_source import ingest_source, prepare
from animeds_ingest.outcomes import Report, Silent, Watcher
from animeds_ingest.request import ASKED, Request
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import SourceSpec


def ingest(
    store: Store,
    specs: Sequence[SourceSpec],
    sampling: Sampling,
    models: Models | Callable[[], Models],
    *,
    asked: frozenset[str] = ASKED,
    replace: bool = False,
    watcher: Watcher | None = None,
    hardware: Hardware = PROCESSOR,
) -> Report:
    """Ingest all sources and return a report. Raises StoreError if the database itself fails (a full disk).

    `models` may be a function that loads them, which is called when a source needs them. `asked` says which of
    "sampling" and "models" the user chose. For the others, a known source keeps its own. `hardware` decodes videos.
    """
    watcher = watcher or Silent()
    request = Request(
        sampling, lambda: prepare(store, models if isinstance(models, Models) else models()), asked, hardware
    )
    report = Report()
    for index, spec in enumerate(specs):

        def opened(duration_s: float | None, index: int = index, spec: SourceSpec = spec) -> None:
            watcher.source(index, len(specs), spec.name.title, duration_s)

        opened(None)
        outcome = ingest_source(store, spec, request, replace=replace, opened=opened, advance=watcher.frames)
        report.outcomes.append(outcome)
        watcher.outcome(outcome)
    tend_if_worth_it(store)
    return report

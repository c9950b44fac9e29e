"""Options of the commands that can hand their work to workers on Ray: one table of flags, one check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from animeds_db.workers import Ray

ENGINES = ("local", "ray")

EngineOption = Annotated[
    str, typer.Option("--engine", help="local (this machine) or ray (workers on this machine or a cluster).")
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="The Ray cluster: host:port or auto. Default: Ray on this machine."),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="How many workers, with --engine ray.")
]
WorkerCpusOption = Annotated[int, typer.Option("--worker-cpus", min=1, help="Cores for each worker.")]
WorkerGpusOption = Annotated[
    float, typer.Option("--worker-gpus", min=0, help="GPUs for each worker; 0.25 lets four share a card.")
]


def on_ray(
    engine: str, address: str | None, workers: int | None, worker_cpus: int, worker_gpus: float = 0
) -> Ray | None:
    """Return how to use Ray, or None for the local engine.

    Raises UsageError, and EngineError where Ray is missing or nobody answers: before anything else is done.
    """
    if engine not in ENGINES:
        raise UsageError(f'there is no engine "{engine}"', hint=did_you_mean(engine, ENGINES))
    if engine == "local":
        if address or workers or worker_cpus != 1 or worker_gpus:
            raise UsageError(
                "--address, --workers and what a worker has are for --engine ray",
                hint="add --engine ray, or leave them out",
            )
        return None
    from animeds_db.workers import Ray, expect

    expect(address)
    return Ray(address, workers, worker_cpus, worker_gpus)

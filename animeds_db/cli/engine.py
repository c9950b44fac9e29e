"""Options of the commands that can run on Ray workers, and their check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from animeds_db.workers import Ray

ENGINES = ("local", "ray")

EngineOption = Annotated[
    str,
    typer.Option(
        "--engine", help="Where to run: local (this process) or ray (workers on this machine or a cluster)."
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address", help="Address of the Ray cluster: host:port or auto. Default: start Ray on this machine."
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Number of workers. Only with --engine ray.")
]
WorkerCpusOption = Annotated[
    int, typer.Option("--worker-cpus", min=1, help="CPU cores per worker. Only with --engine ray.")
]
WorkerGpusOption = Annotated[
    float,
    typer.Option(
        "--worker-gpus",
        min=0,
        help="GPUs per worker. With 0.25, four workers share one GPU. Only with --engine ray.",
    ),
]
HwaccelOption = Annotated[
    str | None,
    typer.Option(
        "--hwaccel",
        help="Let a graphics card decode videos: auto, cuda, vaapi, d3d11va or videotoolbox. Default: none.",
    ),
]


def on_ray(
    engine: str, address: str | None, workers: int | None, worker_cpus: int, worker_gpus: float = 0
) -> Ray | None:
    """Return the Ray settings, or None for the local engine.

    Raises UsageError, and EngineError when Ray is not installed or the cluster does not answer.
    """
    if engine not in ENGINES:
        raise UsageError(f'"{engine}" is not an engine.', hint=did_you_mean(engine, ENGINES))
    if engine == "local":
        if address or workers or worker_cpus != 1 or worker_gpus:
            raise UsageError(
                "--address, --workers, --worker-cpus and --worker-gpus need --engine ray.",
                hint="add --engine ray, or remove these options",
            )
        return None
    from animeds_db.workers import Ray, expect

    expect(address)
    return Ray(address, workers, worker_cpus, worker_gpus)

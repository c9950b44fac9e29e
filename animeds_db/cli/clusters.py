"""`animeds characters cluster | sheet | name | merge | split`: group faces without examples."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset, show
from animeds_db.cli.output import FormatOption, talk
from animeds_db.printable import counted

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset
    from animeds_db.steps.clusters.find import Regrouped

SheetOption = Annotated[
    Path | None,
    typer.Option(
        "--sheet", help="Also write a contact sheet: a .html page, a .png picture, or a folder with both."
    ),
]


def cluster(
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Minimum mean cosine similarity of two groups to be joined. Higher is stricter. "
            "Default: the threshold of the model, or 0.75."
        ),
    ] = None,
    min_size: Annotated[
        int, typer.Option(help="Minimum number of faces in a cluster. Smaller groups are not reported.")
    ] = 5,
    sheet: SheetOption = None,
    db: DbOption = None,
    form: FormatOption = None,
) -> None:
    """Group the faces of the whole database by similarity. No examples are needed.

    animeds characters cluster --sheet clusters.html
    """
    from animeds_db.steps.clusters.find import ClusterOptions, cluster_faces

    options = ClusterOptions(threshold=threshold, min_size=min_size)
    with open_dataset(db) as dataset:
        found = cluster_faces(dataset.store, dataset.session, options, progress=counter("comparing faces"))
        show(dataset, dataset.query("clusters"), form)
        lone = found.faces - found.skipped - found.unclear - found.grouped
        talk(
            f"{counted(found.faces, 'face')}: {found.grouped} in {counted(found.clusters, 'cluster')}, "
            f"{lone} not grouped"
        )
        if found.unclear:
            talk(f"note: {counted(found.unclear, 'face')} left out: too dark, too small or cut off")
        if found.skipped:
            talk(f"note: {counted(found.skipped, 'face')} left out: no vector from {found.model}")
        if sheet is not None and found.clusters:
            _write(dataset, sheet, [], 24)
        elif found.clusters:
            talk("To see them: animeds characters sheet clusters.html")


def sheet(
    out: Annotated[Path, typer.Argument(help="Output: a .html page, a .png picture, or a folder for both.")],
    clusters: Annotated[
        list[int] | None, typer.Argument(help="Numbers of the clusters to show. Default: all.")
    ] = None,
    count: Annotated[
        int, typer.Option("-n", help="Maximum number of faces to show per cluster.", min=1)
    ] = 24,
    db: DbOption = None,
    at: AtOption = None,
) -> None:
    """Write a contact sheet that shows the faces of each cluster with their ids.

    animeds characters sheet clusters.html
    """
    with open_dataset(db, at=at) as dataset:
        _write(dataset, out, clusters or [], count)


def _write(dataset: Dataset, out: Path, clusters: list[int], count: int) -> None:
    from animeds_db.contact_sheet import write_sheet
    from animeds_db.steps.clusters.sheet import cluster_sheet

    drawn = cluster_sheet(
        dataset.store,
        dataset.session,
        dataset.images,
        count=count,
        only=clusters,
        progress=counter("cutting out faces"),
    )
    talk(f"contact sheet: {write_sheet(drawn, out)[0]}")


def name(
    cluster: Annotated[int, typer.Argument(help="Number of the cluster.")],
    words: Annotated[list[str], typer.Argument(help="Name of the character.", metavar="[as] NAME")],
    appearance: Annotated[
        str | None, typer.Option(help='Appearance (variant) of the character, e.g. "Hairdown".')
    ] = None,
    count: Annotated[int, typer.Option("-n", help="Maximum number of faces to add as examples.", min=1)] = 20,
    db: DbOption = None,
) -> None:
    """Name a cluster: its most typical faces become examples of that character.

    Use the name `ood` for people who are not in the cast.

    animeds characters name 3 as Emi
    """
    from animeds_db.steps.clusters.names import name_cluster

    called = " ".join(words[1:] if len(words) > 1 and words[0].lower() == "as" else words)
    with open_dataset(db) as dataset:
        added = name_cluster(
            dataset.store,
            dataset.session,
            cluster,
            called,
            appearance=appearance,
            count=count,
            images=dataset.images,
            progress=counter("cutting out faces"),
        )
    for note in added.notes:
        talk(f"note: {note}")
    known = f" ({added.known} were examples already)" if added.known else ""
    talk(f"cluster {cluster} is {called}: {added.new} of its faces were added as examples{known}")
    talk("When all clusters are named, name every face with: animeds characters classify")


def merge(
    clusters: Annotated[list[int], typer.Argument(help="Numbers of the clusters. The first number is kept.")],
    db: DbOption = None,
) -> None:
    """Merge clusters. Later runs keep their faces together.

    animeds characters merge 3 5
    """
    from animeds_db.steps.clusters.find import merge_clusters

    with open_dataset(db) as dataset:
        done = merge_clusters(dataset.store, dataset.session, clusters)
    _report(done)


def split(
    cluster: Annotated[int, typer.Argument(help="Number of the cluster.")],
    into: Annotated[int, typer.Option(help="Number of parts.")] = 2,
    db: DbOption = None,
) -> None:
    """Split a cluster that contains several people. Later runs keep the parts apart.

    The largest part keeps the number.

    animeds characters split 3
    """
    from animeds_db.steps.clusters.find import split_cluster

    with open_dataset(db) as dataset:
        done = split_cluster(dataset.store, dataset.session, cluster, into)
    _report(done)


def _report(done: Regrouped) -> None:
    talk(", ".join(f"cluster {number}: {counted(faces, 'face')}" for number, faces in done.sizes.items()))
    talk(f"Later runs keep this. To undo it: animeds label undo {done.act}, then run cluster again.")


def counter(what: str) -> Callable[[int, int], None] | None:
    """Return a callback (done, total) that prints progress on a terminal; None without a terminal."""
    if not sys.stderr.isatty():
        return None

    def advance(done: int, total: int) -> None:
        end = "\n" if done >= total else "\r"
        sys.stderr.write(f"{what} {100 * done // max(1, total)} %{end}")
        sys.stderr.flush()

    return advance

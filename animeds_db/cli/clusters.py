"""`animeds characters cluster | sheet | name | merge | split`: people without examples."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset, show
from animeds_db.cli.output import FormatOption, talk

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset
    from animeds_db.steps.clusters.find import Regrouped

SheetOption = Annotated[
    Path | None,
    typer.Option("--sheet", help="Also write a contact sheet: a .html page, a .png, or a folder with both."),
]


def cluster(
    threshold: Annotated[
        float, typer.Option(help="Least mean cosine between two groups that become one; higher is stricter.")
    ] = 0.75,
    min_size: Annotated[int, typer.Option(help="Smaller groups are left out as like no other.")] = 5,
    sheet: SheetOption = None,
    db: DbOption = None,
    form: FormatOption = None,
) -> None:
    """Group the faces of the whole series by who they look like; no examples are needed.

    animeds characters cluster --sheet clusters.html
    """
    from animeds_db.steps.clusters.find import ClusterOptions, cluster_faces

    options = ClusterOptions(threshold=threshold, min_size=min_size)
    with open_dataset(db) as dataset:
        found = cluster_faces(dataset.store, dataset.session, options, progress=counter("comparing faces"))
        show(dataset, dataset.query("clusters"), form)
        lone = found.faces - found.skipped - found.unclear - found.grouped
        talk(f"{found.faces} faces: {found.grouped} in {found.clusters} clusters, {lone} like no other")
        if found.unclear:
            talk(f"note: {found.unclear} faces are too dark, small or cut off to judge, and were left out")
        if found.skipped:
            talk(f"note: {found.skipped} faces have no vector of {found.model} and were left out")
        if sheet is not None and found.clusters:
            _write(dataset, sheet, [], 24)
        elif found.clusters:
            talk("see them with: animeds characters sheet clusters.html")


def sheet(
    out: Annotated[Path, typer.Argument(help="A .html page, a .png, or a folder with both.")],
    clusters: Annotated[list[int] | None, typer.Argument(help="Only these clusters.")] = None,
    count: Annotated[int, typer.Option("-n", help="At most so many faces of each cluster.", min=1)] = 24,
    db: DbOption = None,
    at: AtOption = None,
) -> None:
    """Write a contact sheet of the clusters: faces of each, with their ids.

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
    cluster: Annotated[int, typer.Argument(help="The cluster's number.")],
    words: Annotated[list[str], typer.Argument(help="Who it is.", metavar="[as] NAME")],
    appearance: Annotated[
        str | None, typer.Option(help='The appearance, where the character has several: "Hairdown".')
    ] = None,
    count: Annotated[int, typer.Option("-n", help="At most so many faces become examples.", min=1)] = 20,
    db: DbOption = None,
) -> None:
    """Say who a cluster is: its typical faces become examples of that character (ood: of nobody in the cast).

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
    known = f" ({added.known} were already)" if added.known else ""
    talk(f"cluster {cluster} is {called}: {added.new} of its faces became examples{known}")
    talk("when all are named, name every face with: animeds characters classify")


def merge(
    clusters: Annotated[list[int], typer.Argument(help="The clusters' numbers; the first one stays.")],
    db: DbOption = None,
) -> None:
    """Make several clusters one. Later runs keep their faces together.

    animeds characters merge 3 5
    """
    from animeds_db.steps.clusters.find import merge_clusters

    with open_dataset(db) as dataset:
        done = merge_clusters(dataset.store, dataset.session, clusters)
    _tell(done)


def split(
    cluster: Annotated[int, typer.Argument(help="The cluster's number.")],
    into: Annotated[int, typer.Option(help="How many parts.")] = 2,
    db: DbOption = None,
) -> None:
    """Split a cluster of several people; the largest part keeps the number. Later runs keep the parts apart.

    animeds characters split 3
    """
    from animeds_db.steps.clusters.find import split_cluster

    with open_dataset(db) as dataset:
        done = split_cluster(dataset.store, dataset.session, cluster, into)
    _tell(done)


def _tell(done: Regrouped) -> None:
    talk(", ".join(f"cluster {number}: {faces} faces" for number, faces in done.sizes.items()))
    talk(f"later runs keep to that (to take it back: animeds label undo {done.act}, and cluster again)")


def counter(what: str) -> Callable[[int, int], None] | None:
    """Return what says on a terminal how far long work has come, else None."""
    if not sys.stderr.isatty():
        return None

    def say(done: int, total: int) -> None:
        end = "\n" if done >= total else "\r"
        sys.stderr.write(f"{what} {100 * done // max(1, total)} %{end}")
        sys.stderr.flush()

    return say

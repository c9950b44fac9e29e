"""`animeds characters add | list | remove | embed | classify`: name faces by a few examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset, show
from animeds_db.cli.engine import AddressOption, EngineOption, WorkerCpusOption, WorkersOption, on_ray
from animeds_db.cli.output import FormatOption, print_rows, talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted

if TYPE_CHECKING:
    from animeds_db.steps.characters.classify import Classified
    from animeds_db.steps.characters.examples import Added

DeviceOption = Annotated[str, typer.Option(help="Device for the models: auto, cpu or cuda.")]
AppearanceOption = Annotated[
    str | None, typer.Option("--appearance", help='Appearance (variant) of the character, e.g. "Hairdown".')
]


def add(
    what: Annotated[
        str,
        typer.Argument(
            help="A folder with one subfolder per character; or, with --face, --tag or --from, a character name."
        ),
    ],
    face: Annotated[
        list[str] | None,
        typer.Option("--face", help="Face id. Can be repeated or separated by commas."),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="Character tag of the tagger, e.g. takamachi_nanoha.")
    ] = None,
    from_: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A picture, or a folder of pictures, of this character."),
    ] = None,
    appearance: AppearanceOption = None,
    min_score: Annotated[float, typer.Option(help="Minimum tag score. Only with --tag.")] = 0.85,
    most: Annotated[int, typer.Option(help="Maximum number of faces to add. Only with --tag.", min=1)] = 20,
    db: DbOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Add example faces of characters, five to twenty each.

    Examples named `ood` are negatives: people who are not in the cast.

    animeds characters add examples/
    animeds characters add Nanoha --face k3f9a2qd-000754212-f0
    animeds characters add Nanoha --tag takamachi_nanoha
    animeds characters add Nanoha --from ~/pictures/nanoha --appearance Swimsuit
    """
    from animeds_db.cli.clusters import counter

    ids = [one.strip() for group in face or [] for one in group.split(",") if one.strip()]
    ways = sum((bool(ids), tag is not None, bool(from_)))
    if ways > 1:
        raise UsageError("Use only one of --face, --tag and --from.")
    with open_dataset(db) as dataset:
        characters, progress = dataset.characters, counter("reading examples")
        if ids:
            added = characters.add_faces(what, ids, appearance=appearance, progress=progress)
        elif tag is not None:
            added = characters.add_tag(
                what, tag, min_score=min_score, most=most, appearance=appearance, progress=progress
            )
        elif from_:
            added = characters.add_pictures(
                what, from_, appearance=appearance, device=device, progress=progress
            )
        else:
            _expect_folder(what, appearance)
            added = characters.add_folder(what, device=device, progress=progress)
    _report(added)


def list_(db: DbOption = None, at: AtOption = None, form: FormatOption = None) -> None:
    """List the characters: number and origin of their examples, and number of faces with each name."""
    with open_dataset(db, at=at) as dataset:
        show(dataset, dataset.characters.examples(), form)


def remove(
    character: Annotated[str | None, typer.Argument(help="Character whose examples are deleted.")] = None,
    appearance: AppearanceOption = None,
    example: Annotated[
        list[str] | None, typer.Option("--example", help="Id of one example to delete. Can be repeated.")
    ] = None,
    db: DbOption = None,
) -> None:
    """Delete examples. Names that came from them stay until the next classify.

    animeds characters remove Nanoha --appearance Swimsuit
    """
    if (character is None) == (not example):
        raise UsageError("Give either a character or --example ID.", hint="animeds characters list")
    with open_dataset(db) as dataset:
        n = dataset.characters.remove(character, appearance=appearance, examples=example or ())
    talk(f"{counted(n, 'example')} deleted")


def embed(db: DbOption = None, device: DeviceOption = "auto") -> None:
    """Compute the examples' vectors again with the model that computed the faces' vectors."""
    with open_dataset(db) as dataset:
        done = dataset.characters.embed(device=device)
    talk(
        f"{counted(done.new, 'example')} embedded again"
        if done.new
        else "all examples already use the faces' model"
    )
    for note in done.notes:
        talk(f"note: {note}")


def classify(
    k: Annotated[int, typer.Option("-k", "--k", help="Number of nearest examples that vote.")] = 5,
    threshold: Annotated[
        float, typer.Option(help="Minimum score for a name, 0…1. Below it a face is unknown.")
    ] = 0.5,
    margin: Annotated[
        float, typer.Option(help="Minimum lead in similarity over the second-best character, 0…1.")
    ] = 0.0,
    where: Annotated[
        str | None,
        typer.Option(
            help='Classify only faces in these frames, e.g. "episode = 3". Other faces keep their names.'
        ),
    ] = None,
    shots: Annotated[
        bool,
        typer.Option(help="Also name an unknown face between two faces of the same character in one shot."),
    ] = True,
    behind: Annotated[
        bool, typer.Option(help="Also name people whose face is hidden, using the rest of the shot.")
    ] = True,
    preview: Annotated[
        bool, typer.Option("--preview", help="Write nothing. Show the result of each threshold.")
    ] = False,
    engine: EngineOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    worker_cpus: WorkerCpusOption = 1,
    db: DbOption = None,
    form: FormatOption = None,
) -> None:
    """Name every face by comparing it with the examples. Your corrections always win.

    animeds characters classify
    animeds characters classify --threshold 0.7 --where "episode = 3"
    """
    from animeds_db.cli.clusters import counter
    from animeds_db.steps.characters.classify import ClassifyOptions

    options = ClassifyOptions(
        k=k, threshold=threshold, margin=margin, where=where, shots=shots, behind=behind
    )
    ray = on_ray(engine, address, workers, worker_cpus)
    if ray is not None and preview:
        raise UsageError("--preview runs on this machine only.", hint="remove --engine ray")
    with open_dataset(db) as dataset:
        progress = counter("comparing faces")
        if preview:
            print_rows(dataset.characters.preview(options, progress=progress), form)
            return
        found = dataset.characters.classify(options, progress=progress, on=ray)
    print_rows(found.rows, form)
    for line in _summary(found, threshold):
        talk(line)


def _expect_folder(what: str, appearance: str | None) -> None:
    if not Path(what).is_dir():
        raise UsageError(
            f"{what} is not a folder.",
            hint=f'to add examples of a character of that name: animeds characters add "{what}" --face ID '
            "(or --tag TAG, or --from FOLDER)",
        )
    if appearance is not None:
        raise UsageError(
            "--appearance cannot be used with a folder of characters.",
            hint="use subfolders (character/appearance/*.png), or: "
            "animeds characters add NAME --from FOLDER --appearance …",
        )


def _report(added: Added) -> None:
    for name, n in sorted(added.characters.items()):
        if n:
            talk(f"{name}: {n} new")
    known = f", {added.known} known already" if added.known else ""
    left = f", {added.left_out} left out" if added.left_out else ""
    talk(f"{counted(added.new, 'example')} added{known}{left}")
    for note in added.notes:
        talk(f"note: {note}")
    if added.new:
        talk("To name every face: animeds characters classify")


def _summary(found: Classified, threshold: float) -> list[str]:
    """Return a summary for people: faces named, how well examples are recognised, what the threshold means."""
    trials = found.calibration
    named = sum(int(str(row["faces"])) for row in found.rows if row["character"] not in ("unknown", "ood"))
    lines = [
        f"{counted(found.faces, 'face')} compared with {counted(found.examples, 'example')}: {named} named"
    ]
    if trials.known:
        lines.append(
            f"check: {trials.right} of {trials.known} examples get the right name from the other examples "
            f"({100 * trials.right / trials.known:.0f} %)"
        )
    if trials.strangers:
        lines.append(
            f"check: {trials.taken} of {trials.strangers} examples get a wrong name when the examples of their "
            "own character are left out"
        )
    lines.append(
        f"minimum score: {threshold:g}. A face that resembles only one character has score 0.5 at similarity "
        f"{trials.similarity:.2f}."
    )
    return lines + [f"note: {note}" for note in found.notes]

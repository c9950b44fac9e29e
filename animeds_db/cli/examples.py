"""`animeds characters add | list | remove | embed | classify`: a few examples name every face."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset, show
from animeds_db.cli.engine import AddressOption, EngineOption, WorkerCpusOption, WorkersOption, on_ray
from animeds_db.cli.output import FormatOption, print_rows, talk
from animeds_db.errors import UsageError

if TYPE_CHECKING:
    from animeds_db.steps.characters.classify import Classified
    from animeds_db.steps.characters.examples import Added

DeviceOption = Annotated[str, typer.Option(help="Where the models run: auto, cpu or cuda.")]
AppearanceOption = Annotated[
    str | None, typer.Option("--appearance", help='A variant of the character, e.g. "Hairdown".')
]


def add(
    what: Annotated[
        str,
        typer.Argument(help="A folder with one folder per character; or a name, with --face, --tag, --from."),
    ],
    face: Annotated[
        list[str] | None,
        typer.Option("--face", help="A face of the database; repeat, or separate by commas."),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="A tag that the tagger knows, e.g. takamachi_nanoha.")
    ] = None,
    from_: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A picture, or a folder of pictures of this character."),
    ] = None,
    appearance: AppearanceOption = None,
    least: Annotated[float, typer.Option(help="With --tag: least score of the tag.")] = 0.85,
    most: Annotated[int, typer.Option(help="With --tag: at most so many faces.", min=1)] = 20,
    db: DbOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Add examples of characters: five to twenty faces each. `ood` are negatives: people to keep out.

    animeds characters add examples/
    animeds characters add Nanoha --face k3f9a2qd-000754212-f0
    animeds characters add Nanoha --tag takamachi_nanoha
    animeds characters add Nanoha --from ~/pictures/nanoha --appearance Swimsuit
    """
    from animeds_db.cli.clusters import counter

    ids = [one.strip() for group in face or [] for one in group.split(",") if one.strip()]
    ways = sum((bool(ids), tag is not None, bool(from_)))
    if ways > 1:
        raise UsageError("give one of --face, --tag and --from at a time")
    with open_dataset(db) as dataset:
        characters, progress = dataset.characters, counter("looking at examples")
        if ids:
            added = characters.add_faces(what, ids, appearance=appearance, progress=progress)
        elif tag is not None:
            added = characters.add_tag(
                what, tag, least=least, most=most, appearance=appearance, progress=progress
            )
        elif from_:
            added = characters.add_pictures(
                what, from_, appearance=appearance, device=device, progress=progress
            )
        else:
            _expect_folder(what, appearance)
            added = characters.add_folder(what, device=device, progress=progress)
    _tell(added)


def list_(db: DbOption = None, at: AtOption = None, form: FormatOption = None) -> None:
    """List the characters with examples: how many, where from, and how many faces have the name now."""
    with open_dataset(db, at=at) as dataset:
        show(dataset, dataset.characters.examples(), form)


def remove(
    character: Annotated[str | None, typer.Argument(help="All examples of this character.")] = None,
    appearance: AppearanceOption = None,
    example: Annotated[
        list[str] | None, typer.Option("--example", help="Only this example; repeat for more.")
    ] = None,
    db: DbOption = None,
) -> None:
    """Delete examples. What was classified by them stays until the next classify.

    animeds characters remove Nanoha --appearance Swimsuit
    """
    if (character is None) == (not example):
        raise UsageError("say which: a character, or --example ID", hint="animeds characters list")
    with open_dataset(db) as dataset:
        n = dataset.characters.remove(character, appearance=appearance, examples=example or ())
    talk(f"{n} examples removed")


def embed(db: DbOption = None, device: DeviceOption = "auto") -> None:
    """Look at examples again with the character model that made the faces' vectors."""
    with open_dataset(db) as dataset:
        done = dataset.characters.embed(device=device)
    talk(f"{done.new} examples embedded anew" if done.new else "every example is of the faces' model already")
    for note in done.notes:
        talk(f"note: {note}")


def classify(
    k: Annotated[int, typer.Option("-k", "--k", help="How many of the nearest examples vote.")] = 5,
    threshold: Annotated[
        float, typer.Option(help="Least score for a name, 0…1; below it a face is unknown.")
    ] = 0.5,
    margin: Annotated[
        float, typer.Option(help="Least lead in similarity over the next character, 0…1.")
    ] = 0.0,
    where: Annotated[
        str | None, typer.Option(help='Only faces of these frames, e.g. "episode = 3"; the others stay.')
    ] = None,
    shots: Annotated[
        bool, typer.Option(help="Also name an unknown face between two of one character in the same shot.")
    ] = True,
    behind: Annotated[
        bool, typer.Option(help="Also name people whose face is not seen, by the rest of the shot.")
    ] = True,
    preview: Annotated[
        bool, typer.Option("--preview", help="Write nothing; show what each threshold would give.")
    ] = False,
    engine: EngineOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    worker_cpus: WorkerCpusOption = 1,
    db: DbOption = None,
    form: FormatOption = None,
) -> None:
    """Name every face by the examples; what people have said stays and counts more.

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
        raise UsageError("--preview is worked out on this machine", hint="leave --engine ray out")
    with open_dataset(db) as dataset:
        progress = counter("comparing faces")
        if preview:
            print_rows(dataset.characters.preview(options, progress=progress), form)
            return
        found = dataset.characters.classify(options, progress=progress, on=ray)
    print_rows(found.rows, form)
    for line in _said(found, threshold):
        talk(line)


def _expect_folder(what: str, appearance: str | None) -> None:
    if not Path(what).is_dir():
        raise UsageError(
            f"{what} is no folder",
            hint=f'to say which faces are of somebody of that name: animeds characters add "{what}" --face ID '
            "(or --tag TAG, or --from FOLDER)",
        )
    if appearance is not None:
        raise UsageError(
            "a folder says appearances by its folders: character/appearance/*.png",
            hint="or: animeds characters add NAME --from FOLDER --appearance …",
        )


def _tell(added: Added) -> None:
    for name, n in sorted(added.characters.items()):
        if n:
            talk(f"{name}: {n} new")
    known = f", {added.known} were there already" if added.known else ""
    left = f", {added.left_out} left out" if added.left_out else ""
    talk(f"{added.new} examples added{known}{left}")
    for note in added.notes:
        talk(f"note: {note}")
    if added.new:
        talk("name every face with: animeds characters classify")


def _said(found: Classified, threshold: float) -> list[str]:
    """Return what happened in words: how many, how well the examples are recognised, what the threshold means."""
    trials = found.calibration
    named = sum(int(str(row["faces"])) for row in found.rows if row["character"] not in ("unknown", "ood"))
    lines = [f"{found.faces} faces by {found.examples} examples: {named} have a name"]
    if trials.known:
        lines.append(
            f"each example against the others: {trials.right} of {trials.known} get the right name "
            f"({100 * trials.right / trials.known:.0f} %)"
        )
    if trials.strangers:
        lines.append(
            f"each as a stranger, without those of its own character: {trials.taken} of {trials.strangers} "
            "are taken for somebody"
        )
    lines.append(
        f"a face has a name from score {threshold:g} on: a face like one character alone scores 0.5 at a "
        f"similarity of {trials.similarity:.2f}"
    )
    return lines + [f"note: {note}" for note in found.notes]

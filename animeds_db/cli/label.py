"""`animeds label …`: corrections by people, which win over models."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli import complete
from animeds_db.cli.common import AtOption, DbOption, WhoOption, open_dataset, report_labels, show
from animeds_db.cli.label_clip import clip
from animeds_db.cli.output import FormatOption, talk
from animeds_db.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from animeds_db.dataset import Dataset

    Ids = Sequence[str] | None
    Chosen = tuple[str, str | list[str]]
    """The option used, and its value: ids, SQL, or the name of a query."""

label = typer.Typer(
    help="Correct characters, tags and descriptions, and keep or drop frames. Corrections win and can be undone.",
    no_args_is_help=True,
)
label.add_typer(clip, name="clip")

FaceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--face",
        help="Face, head or person ids, separated by commas. Can be repeated. - reads ids from stdin.",
    ),
]
FrameOption = Annotated[
    list[str] | None,
    typer.Option("--frame", help="Frame ids, separated by commas. Can be repeated. - reads ids from stdin."),
]
FrameWhere = Annotated[
    str | None,
    typer.Option("--where", help='Frames that meet this SQL condition, e.g. "episode = 3 AND is_blank".'),
]
FaceWhere = Annotated[
    str | None,
    typer.Option("--where", help="Faces that meet this SQL condition, e.g. \"character = 'Fate'\"."),
]
DescriptionWhere = Annotated[
    str | None,
    typer.Option("--where", help="Descriptions that meet this SQL condition, e.g. \"text LIKE '%Fate%'\"."),
]
QueryOption = Annotated[
    str | None, typer.Option("--query", help="SELECT or named query with a face_id or frame_id column.")
]


def register(app: typer.Typer) -> None:
    """Add this module's group of commands."""
    app.add_typer(label, name="label")


@label.command()
def character(
    name: Annotated[
        str,
        typer.Argument(
            help="Character name; unknown: cannot be identified; ood: not in the cast.",
            autocompletion=complete.characters,
        ),
    ],
    face: FaceOption = None,
    frame: FrameOption = None,
    where: FaceWhere = None,
    query: QueryOption = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Set the character of a face. For a frame with only one face, the frame id is enough.

    animeds label character Nanoha --face k3f9a2qd-000754212-f0
    """
    _apply(db, [("character", "set", name)], _faces(face, frame, where, query), who)


@label.command()
def appearance(
    name: Annotated[str, typer.Argument(help='Appearance, e.g. "Hairdown" or "barrier jacket".')],
    face: FaceOption = None,
    frame: FrameOption = None,
    where: FaceWhere = None,
    query: QueryOption = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Set the appearance of a character: the outfit or the hair.

    animeds label appearance Hairdown --where "character = 'Hinata' AND episode = 7"
    """
    _apply(db, [("appearance", "set", name)], _faces(face, frame, where, query), who)


@label.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
def tag(
    tags: Annotated[list[str], typer.Argument(help="+smile adds, -solo removes.", metavar="+TAG|-TAG …")],
    frame: FrameOption = None,
    where: FrameWhere = None,
    query: QueryOption = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Add tags to frames, or remove them.

    animeds label tag +smile -solo --frame k3f9a2qd-000754212
    """
    from animeds_db.steps.labels.csv_file import tag_changes

    changes = [change for text in tags for change in tag_changes(text)]
    unclear = next((text for text in tags if text.startswith("--")), None)
    if unclear:
        raise UsageError(f"There is no option {unclear}.", hint="animeds label tag --help")
    _apply(db, [("tag", op, value) for op, value in changes], _frames(frame, where, query), who)


@label.command()
def replace(
    old: Annotated[str, typer.Argument(help="The tag to replace.")],
    new: Annotated[str, typer.Argument(help="The tag that takes its place.")],
    frame: FrameOption = None,
    where: FrameWhere = None,
    query: QueryOption = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Replace a tag by another, in all frames that have it, or only in the frames of --frame, --where or --query.

    animeds label replace serafuku school_uniform
    """
    everywhere = frame is None and where is None and query is None
    chosen = None if everywhere else _frames(frame, where, query)
    with open_dataset(db, unfinished=True) as dataset:
        ids = None if chosen is None else _ids(dataset, "tag", chosen)
        act = dataset.edit_tags(ids, replace={old: new}, who=who)
    report_labels(act, f"{old} → {new}")


@label.command()
def crop(
    box: Annotated[
        str, typer.Argument(help="left,top,right,bottom in shares of the frame, such as 0.1,0.2,0.6,0.9.")
    ],
    face: FaceOption = None,
    frame: FrameOption = None,
    query: QueryOption = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Set the part of a frame that an export cuts out: for a face or another box, or for the whole frame.

    animeds label crop 0.1,0.2,0.6,0.9 --face k3f9a2qd-000754212-f0
    """
    _apply(db, [("crop", "set", box)], _chosen([("--face", face), ("--frame", frame)], None, query), who)


@label.command()
def drop(
    frame: FrameOption = None,
    where: FrameWhere = None,
    query: QueryOption = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Drop frames: the views `kept` and `good` always leave them out.

    animeds label drop --where "episode = 1 AND time_s < 5"
    """
    _apply(db, [("frame", "set", "drop")], _frames(frame, where, query), who)


@label.command()
def keep(
    frame: FrameOption = None,
    where: FrameWhere = None,
    query: QueryOption = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Keep frames: the views `kept` and `good` include them, even if they are near-duplicates or fail a quality gate.

    animeds label keep --frame k3f9a2qd-000754212
    """
    _apply(db, [("frame", "set", "keep")], _frames(frame, where, query), who)


@label.command()
def description(
    text: Annotated[
        str | None, typer.Argument(help="The description, one or more sentences. Not with --remove.")
    ] = None,
    face: FaceOption = None,
    frame: FrameOption = None,
    where: DescriptionWhere = None,
    query: QueryOption = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove your description: the captioner's is used again.")
    ] = False,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Write the description of a frame, or of a face, head or person. It is used instead of a captioner's.

    animeds label description "Emi laughs on a rooftop at night." --frame k3f9a2qd-000754212
    """
    if remove == (text is not None):
        raise UsageError("Give a description, or --remove.")
    sql = None if where is None else f"SELECT frame_id, detection_id FROM descriptions WHERE (\n{where}\n)"
    chosen = _chosen([("--face", face), ("--frame", frame)], sql, query)
    _apply(db, [("description", "remove" if remove else "set", text)], chosen, who)


@label.command()
def speaker(
    name: Annotated[str, typer.Argument(help="Name of the speaker, as in the subtitles.")],
    character: Annotated[
        str | None,
        typer.Argument(
            help="The character who speaks. Not with --remove.", autocompletion=complete.characters
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the character of this speaker.")] = False,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Confirm which character a speaker of the subtitles is. `animeds characters voices` proposes characters.

    animeds label speaker EMI-CHAN Emi
    """
    if remove == (character is not None):
        raise UsageError("Give a character, or --remove.")
    with open_dataset(db, unfinished=True) as dataset:
        act = dataset.name_speakers({name: character}, who=who)
    report_labels(act, f"speaker {name}")


@label.command("csv")
def csv_(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV file with frame_id or face_id, and columns character, appearance, tags, frame or description."
        ),
    ],
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Apply the labels in a CSV file. If one line is wrong, nothing is applied. Empty cells are ignored.

    animeds sql "SELECT face_id, character FROM faces" --format csv > faces.csv   # edit it, then
    animeds label csv faces.csv
    """
    with open_dataset(db, unfinished=True) as dataset:
        report_labels(dataset.label_csv(file, who=who), str(file))


@label.command()
def undo(
    act: Annotated[
        str | None,
        typer.Argument(help="Id of the change set. Default: the latest one that is not itself an undo."),
    ] = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Undo one change set of labels or renames. To redo it, undo the undo by its id."""
    with open_dataset(db, unfinished=True) as dataset:
        done = dataset.undo(act, who=who)
    for note in done.notes:
        talk(note)
    talk(f"To redo it: animeds label undo {done.id}")


@label.command()
def history(db: DbOption = None, at: AtOption = None, form: FormatOption = None) -> None:
    """List all change sets, newest first: who made them, what changed, and whether they are in effect."""
    with open_dataset(db, unfinished=True, at=at) as dataset:
        show(dataset, dataset.history(), form)


_FACES = "faces JOIN (SELECT frame_id, tags, tag_ids, all_scores, time_s, shot, rating FROM frames) USING (frame_id)"
"""What a condition on faces can use: the faces and the columns of their frames."""


def _faces(face: Ids, frame: Ids, where: str | None, query: str | None) -> Chosen:
    sql = None if where is None else f"SELECT face_id FROM {_FACES} WHERE (\n{where}\n)"
    return _chosen([("--face", face), ("--frame", frame)], sql, query)


def _frames(frame: Ids, where: str | None, query: str | None) -> Chosen:
    sql = None if where is None else f"SELECT frame_id FROM frames WHERE (\n{where}\n)"
    return _chosen([("--frame", frame)], sql, query)


def _chosen(ids: Sequence[tuple[str, Ids]], where: str | None, query: str | None) -> Chosen:
    """Return the one option that was used. Raises UsageError for none or several."""
    ways: list[Chosen] = [("ids", _split(name, some)) for name, some in ids if some]
    ways += [(name, text) for name, text in (("--where", where), ("--query", query)) if text is not None]
    if len(ways) != 1:
        names = ", ".join([*(name for name, _ in ids), "--where", "--query"])
        raise UsageError(f"Use exactly one of {names}.")
    return ways[0]


def _split(option: str, words: Sequence[str]) -> list[str]:
    from animeds_db.steps.labels.csv_file import ids_in
    from animeds_db.steps.labels.targets import BOX_IDS

    columns = BOX_IDS if option == "--face" else ("frame_id",)
    texts = [sys.stdin.read() if word == "-" else word for word in words]
    return [one for text in texts for one in ids_in(text, columns)]


def _apply(
    db: str | None, said: Sequence[tuple[str, str, str | None]], chosen: Chosen, who: str | None
) -> None:
    with open_dataset(db, unfinished=True) as dataset:
        ids = _ids(dataset, said[0][0], chosen)
        act = dataset.label_all(((*words, one) for one in ids for words in said), who=who)
    report_labels(act, _described(said))


def _ids(dataset: Dataset, field: str, chosen: Chosen) -> list[str]:
    from animeds_db.steps.labels.targets import expect_some, ids_of

    way, what = chosen
    if isinstance(what, str) and re.fullmatch(r"\w+", what):
        found = ids_of(dataset.session, field, dataset.query(what))
    elif isinstance(what, str):
        found = ids_of(dataset.session, field, dataset.sql(what, file=way))
    else:
        found = what
    expect_some(found, way)
    return found


def _described(said: Sequence[tuple[str, str, str | None]]) -> str:
    field, _, value = said[0]
    if value is None:
        return f"{field} removed"
    if field == "tag":
        return " ".join(("+" if op == "add" else "-") + str(value) for _, op, value in said)
    return value if field in ("frame", "description") else f"{field} {value}"

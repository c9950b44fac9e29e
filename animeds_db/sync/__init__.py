"""From an exported folder back to the database: what a person deleted, moved or edited becomes labels.

    report = sync(store, session, "out")
    report.changes                       # file, what, before, after
    report.act                           # the change set, which `animeds label undo` can undo

One run is one change set. What is ambiguous is reported and left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from animeds_db.errors import ExportError
from animeds_db.export.layouts import LAYOUTS, Layout
from animeds_db.export.manifest import MANIFEST_NAME, Manifest, read_manifest
from animeds_db.export.pictures.picture import Picture
from animeds_db.session import Session
from animeds_db.steps.labels.changes import speak
from animeds_db.steps.labels.renames import NOBODY, known_characters
from animeds_db.store import Store
from animeds_db.sync.beside import BY_FACE, CHARACTERS, Beside
from animeds_db.sync.captions import Ours, edited
from animeds_db.sync.facts import Facts, frames_known, read_facts
from animeds_db.sync.folder import Found, Status, look
from animeds_db.sync.grammar import CHARACTER_TYPES, Grammar, read_names
from animeds_db.sync.places import Change, Export, gone_or_back, moved, renamed, summary
from animeds_db.sync.record import add_entry, last_statuses, read_record
from animeds_db.tagtext import key, keyed

__all__ = ["Change", "SyncReport", "sync"]

KOHYA = "kohya"
"""The layout whose folders are named `N_name`, where N is the number of repeats."""

Numbered = Sequence[tuple[int, Change]]


@dataclass(frozen=True)
class SyncReport:
    """The changes that were found in an exported folder."""

    folder: Path
    changes: tuple[Change, ...]
    """In the order of the pictures in the export. Those that are `left alone` become no labels and give a reason."""
    act: str | None = None
    """Id of the change set, for `animeds label undo`. None: nothing was written."""
    notes: tuple[str, ...] = ()
    """Notes for the user, one sentence each."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of changes of each kind."""
        return summary(self.changes)


@dataclass(frozen=True)
class Tree:
    """The pictures of one layout, in the folder `within`, and how its folder names are read."""

    within: str
    pictures: tuple[Picture, ...]
    grammar: Grammar
    beside: Beside


def sync(
    store: Store,
    session: Session,
    folder: str | Path,
    *,
    form: str | None = None,
    characters: Path | None = None,
    dry_run: bool = False,
    who: str | None = None,
) -> SyncReport:
    """Read the changes in an exported folder since the export or the last sync, and write them as one change set.

    `form` says which folder has the names of characters, counted from the right: `*/character/*`. By default it is
    the rightmost folder that consists of names. `characters` is a text file with the names that are allowed; by
    default all names in the database are. With `dry_run`, nothing is written.
    Raises ExportError for a folder that this database did not export, UsageError for a format or list of names
    that is not valid.
    """
    root = Path(folder)
    manifest = _manifest(root)
    known = _known_frames(store, session, manifest, root)
    entries = read_record(root)
    acts = _acts(session)
    names = known_characters(session) - set(NOBODY)
    ours = _ours(manifest, names)
    changes: list[Change] = []
    notes: list[str] = []
    statuses: dict[str, Status] = {}
    for tree in _trees(manifest, root, _grammars(manifest, names, form, characters)):
        before = last_statuses(tree.pictures, entries, acts)
        found = look(
            root, tree.pictures, manifest.written, before, within=tree.within, beside=tree.beside.found
        )
        _refuse_empty(found, root / tree.within)
        export = Export(tree.pictures, before, found.statuses)
        numbered = list(_changes(export, _facts(session, export), tree, known, ours))
        statuses |= _noted(export, numbered)
        changes += [change for _, change in sorted(numbered, key=lambda pair: pair[0])]
        notes += _notes(found, root, tree.beside.broken)
    words = list(dict.fromkeys(word for change in changes for word in change.words))
    act = speak(store, words, who).id if words and not dry_run else None
    if statuses and not dry_run:
        add_entry(root, entries, act, statuses)
    return SyncReport(root, tuple(changes), act, tuple(notes))


def _manifest(root: Path) -> Manifest:
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise ExportError(f"{root} {what}.", hint="Give a folder that `animeds export` made.")
    if not (root / MANIFEST_NAME).is_file():
        raise ExportError(
            f"{root} has no {MANIFEST_NAME}, so it is not an exported folder.",
            hint=f"To add its pictures to the database: animeds ingest '{root}' --image-type fanart",
        )
    manifest = read_manifest(root)
    if any(picture.clip is not None for picture in manifest.pictures):
        raise ExportError(
            f"{root} has clips. Only folders of pictures can be read back.",
            hint="Drop clips in the page, or with `animeds label clip drop`, and export again.",
        )
    return manifest


def _known_frames(store: Store, session: Session, manifest: Manifest, root: Path) -> frozenset[str]:
    """Return the frames of the export that are in this database. Raises ExportError if it was made from another one."""
    made_by = manifest.provenance.database
    if made_by and _place(made_by) != _place(store.uri) and Store.exists(made_by):
        raise ExportError(
            f"{root} was exported from {made_by}, not from {store.uri}.",
            hint=f"animeds sync '{root}' --db '{made_by}'",
        )
    known = frames_known(session, manifest.pictures)
    if not known:
        raise ExportError(
            f"{root} was exported from {made_by or 'another database'}. {store.uri} has none of its frames.",
            hint="Give the database from which it was exported: --db PATH",
        )
    return known


def _place(uri: str) -> str:
    return uri if "://" in uri else str(Path(uri).resolve())


def _acts(session: Session) -> frozenset[str]:
    return frozenset(row[0] for row in session.sql("SELECT DISTINCT act FROM active_labels").fetchall())


def _ours(manifest: Manifest, names: Collection[str]) -> Ours:
    """Return the parts that the export itself writes into captions."""
    profile = manifest.options.profile
    words = (*profile.image_types.values(), *profile.rating_words.values())
    texts = [profile.activation_tag, profile.general_text, *words]
    put_in = {part for text in texts for part in keyed(text)}
    return Ours(frozenset(put_in), frozenset(key(name) for name in names))


def _grammars(
    manifest: Manifest, names: Collection[str], form: str | None, characters: Path | None
) -> Mapping[bool, Grammar]:
    """Return how folder names are read, by whether they begin with repeats."""
    form = form or _with_characters(manifest.options.arrangement.form)
    names = read_names(characters) if characters else names
    listed_in = str(characters) if characters else None
    return {has: Grammar(names, form, has_repeats=has, listed_in=listed_in) for has in (True, False)}


def _with_characters(form: str | None) -> str | None:
    """Return the form of an arrangement if it has a folder for characters, else None."""
    return form if form and set(form.split("/")) & set(CHARACTER_TYPES) else None


def _trees(manifest: Manifest, root: Path, grammars: Mapping[bool, Grammar]) -> list[Tree]:
    """Return the layouts whose pictures are files of their own. Raises ExportError if there are none."""
    names = manifest.options.layouts
    trees = [
        Tree(
            name if len(names) > 1 else "",
            tuple(_in_layout(p, place, LAYOUTS[name], manifest) for p in manifest.pictures),
            grammars[name == KOHYA],
            Beside(root, manifest, place),
        )
        for place, name in enumerate(names)
        if LAYOUTS[name].pack is None
    ]
    if not trees:
        raise ExportError(
            f"The pictures of {root} are in archives ({', '.join(names)}), where they cannot be edited.",
            hint="To correct pictures by hand, export with --layout plain.",
        )
    return trees


def _in_layout(picture: Picture, place: int, layout: Layout, manifest: Manifest) -> Picture:
    """Return a picture with its path in one layout, and with its caption if that is a file there."""
    there = replace(picture, path=picture.paths[place], links=())
    has_file = layout.texts and there.caption_path in manifest.files
    return there if has_file else replace(there, caption=None)


def _refuse_empty(found: Found, folder: Path) -> None:
    if all(status.path is None for status in found.statuses):
        raise ExportError(
            f"None of the exported pictures is in {folder}.",
            hint="Check the path, and that the disk is connected. To drop all these frames: animeds label --help",
        )


def _facts(session: Session, export: Export) -> Facts:
    """Return the facts about the pictures that changed, and about other pictures of the same frames."""
    changed = {
        picture.frame_id
        for picture, before, now in zip(export.pictures, export.before, export.now, strict=True)
        if before != now
    }
    return read_facts(session, {n: p for n, p in enumerate(export.pictures) if p.frame_id in changed})


def _changes(
    export: Export, facts: Facts, tree: Tree, known: frozenset[str], ours: Ours
) -> Iterator[tuple[int, Change]]:
    yield from gone_or_back(export, facts, known)
    yield from moved(export, facts, tree.grammar, known)
    of_frame: dict[str, list[int]] = defaultdict(list)
    for number, picture in enumerate(export.pictures):
        of_frame[picture.frame_id].append(number)
    for number, picture in enumerate(export.pictures):
        if export.now[number].path is None or picture.frame_id not in known:
            continue
        siblings = [other for other in of_frame[picture.frame_id] if other != number]
        told = dict.fromkeys(_edited(number, siblings, export, tree, facts, ours))
        yield from ((number, change) for change in told)


def _edited(
    number: int, siblings: Sequence[int], export: Export, tree: Tree, facts: Facts, ours: Ours
) -> Iterator[Change]:
    """Yield the edits in the files of one picture. The same edit in two files counts once."""
    picture, before, now = export.pictures[number], export.before[number], export.now[number]
    if before.caption != now.caption:
        text = before.caption if before.path is not None else picture.caption
        others = {other: export.now[other].caption or "" for other in siblings}
        for change in edited(picture, text, now.caption, facts, ours):
            yield _unless_a_sibling_has_it(change, others, export)
    if before.beside == now.beside:
        return
    as_exported = tree.beside.exported(number)
    was, said = before.beside or as_exported, now.beside or as_exported
    for name, text in said.items():
        if was.get(name) == text:
            continue
        if name.endswith(CHARACTERS):
            names, boxes = (was.get(name, ""), text), facts.boxes.get(number, ())
            by_face = name in BY_FACE
            yield from renamed(picture, f"{name}: {text}", names, boxes, tree.grammar, by_face=by_face)
            continue
        others = {o: (export.now[o].beside or tree.beside.exported(o)).get(name, "") for o in siblings}
        for change in edited(picture, was.get(name, ""), text, facts, ours):
            yield _unless_a_sibling_has_it(change, others, export)


def _unless_a_sibling_has_it(change: Change, siblings: Mapping[int, str], export: Export) -> Change:
    """Return the change, or `left alone` for a removed tag that another picture of the frame still has."""
    if change.what == "tag removed":
        wanted = set(keyed(change.before))
        for other, text in siblings.items():
            if wanted <= set(keyed(text)):
                why = f"{export.pictures[other].path} has the tag as well, and tags belong to the whole frame"
                return Change(change.file, "left alone", f"- {change.before}", why)
    return change


def _noted(export: Export, numbered: Numbered) -> dict[str, Status]:
    """Return the status of changed pictures. Those that were left alone keep the earlier path, for a later run."""
    is_open = {
        n for n, change in numbered if change.what == "left alone" and change.before[:2] not in ("+ ", "- ")
    }
    return {
        export.pictures[number].path: Status(
            before.path if number in is_open else now.path,
            now.caption,
            before.beside if number in is_open else now.beside,
        )
        for number, (before, now) in enumerate(zip(export.before, export.now, strict=True))
        if before != now
    }


def _notes(found: Found, root: Path, broken: Mapping[str, str]) -> Iterator[str]:
    for name, why in broken.items():
        yield f"{name} cannot be read and was left alone ({why})"
    if found.changed:
        yield f"{_listed(found.changed)}: the image was replaced or edited, which does not become a label"
    if found.copies:
        yield f"{_listed(found.copies)}: copies of pictures that are still there, left alone"
    if found.strangers:
        files = " ".join(f"'{root / path}'" for path in found.strangers[:3])
        more = "" if len(found.strangers) <= 3 else " (move them to a folder of their own first)"
        yield (
            f"{_listed(found.strangers)}: not from this export. To add them to the database: "
            f"animeds ingest {files} --image-type fanart{more}"
        )


def _listed(paths: Iterable[str]) -> str:
    paths = list(paths)
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + more

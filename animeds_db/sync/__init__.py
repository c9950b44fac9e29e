"""From an exported folder back to the database: what a person deleted, moved or edited becomes labels.

    report = sync(store, session, "out")
    report.changes                       # file, what, before, after
    report.act                           # what `animeds label undo` takes back

The one rule: one run is one act, and what the folder cannot say for certain is told and left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from animeds_db.errors import ExportError
from animeds_db.export.layouts import LAYOUTS, Layout
from animeds_db.export.manifest import MANIFEST_NAME, Manifest, read_manifest
from animeds_db.export.picture import Picture
from animeds_db.session import Session
from animeds_db.steps.labels.changes import speak
from animeds_db.steps.labels.renames import NOBODY, known_characters
from animeds_db.store import Store
from animeds_db.sync.beside import BY_FACE, CHARACTERS, Beside
from animeds_db.sync.captions import Ours, edited
from animeds_db.sync.facts import Facts, frames_known, read_facts
from animeds_db.sync.folder import Found, Standing, look
from animeds_db.sync.grammar import CHARACTER_TYPES, Grammar, read_names
from animeds_db.sync.places import Change, Export, gone_or_back, moved, renamed, summary
from animeds_db.sync.record import add_entry, last_standings, read_record
from animeds_db.tagtext import key, keyed

__all__ = ["Change", "SyncReport", "sync"]

KOHYA = "kohya"
"""The layout whose folders are `N_name`, N the repeats."""

Numbered = Sequence[tuple[int, Change]]


@dataclass(frozen=True)
class SyncReport:
    """What a folder says that its export did not."""

    folder: Path
    changes: tuple[Change, ...]
    """In the order of the export's pictures; those `left alone` say nothing to the database, and why."""
    act: str | None = None
    """What `animeds label undo` takes back; None when nothing was written."""
    notes: tuple[str, ...] = ()
    """What a person should know, one sentence each."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many changes there are of each kind."""
        return summary(self.changes)


@dataclass(frozen=True)
class Tree:
    """The pictures of one layout, which lie in the folder `within`, and how its folders are read."""

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
    """Read back what was changed in an exported folder since the export or the last sync, as one act of labels.

    `form` says which folder names the characters, from the right: `*/character/*`; by default it is the
    rightmost folder that reads as names. `characters` is a text file of the names that are allowed; by default
    all that the database knows are. With `dry_run`, nothing is written.
    Raises ExportError for a folder that this database did not export, UsageError for a format or list of names
    that makes no sense.
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
    standings: dict[str, Standing] = {}
    for tree in _trees(manifest, root, _grammars(manifest, names, form, characters)):
        before = last_standings(tree.pictures, entries, acts)
        found = look(
            root, tree.pictures, manifest.written, before, within=tree.within, beside=tree.beside.found
        )
        _refuse_empty(found, root / tree.within)
        export = Export(tree.pictures, before, found.standings)
        numbered = list(_changes(export, _facts(session, export), tree, known, ours))
        standings |= _noted(export, numbered)
        changes += [change for _, change in sorted(numbered, key=lambda pair: pair[0])]
        notes += _notes(found, root, tree.beside.broken)
    words = list(dict.fromkeys(word for change in changes for word in change.words))
    act = speak(store, words, who).id if words and not dry_run else None
    if standings and not dry_run:
        add_entry(root, entries, act, standings)
    return SyncReport(root, tuple(changes), act, tuple(notes))


def _manifest(root: Path) -> Manifest:
    if not root.is_dir():
        what = "is no folder" if root.exists() else "does not exist"
        raise ExportError(f"{root} {what}", hint="name a folder that `animeds export` made")
    if not (root / MANIFEST_NAME).is_file():
        raise ExportError(
            f"{root} has no {MANIFEST_NAME}: no export made it",
            hint=f"to bring its pictures in: animeds ingest '{root}' --image-type fanart",
        )
    return read_manifest(root)


def _known_frames(store: Store, session: Session, manifest: Manifest, root: Path) -> frozenset[str]:
    """Return the frames of the export that are in this database. Raises ExportError when it is another one's."""
    made_by = manifest.provenance.database
    if made_by and _place(made_by) != _place(store.uri) and Store.exists(made_by):
        raise ExportError(
            f"{root} was exported from {made_by}, not from {store.uri}",
            hint=f"animeds sync '{root}' --db '{made_by}'",
        )
    known = frames_known(session, manifest.pictures)
    if not known:
        raise ExportError(
            f"{root} was exported from {made_by or 'another database'}: {store.uri} has none of its frames",
            hint="name the database it came from: --db PATH",
        )
    return known


def _place(uri: str) -> str:
    return uri if "://" in uri else str(Path(uri).resolve())


def _acts(session: Session) -> frozenset[str]:
    return frozenset(row[0] for row in session.sql("SELECT DISTINCT act FROM active_labels").fetchall())


def _ours(manifest: Manifest, names: Collection[str]) -> Ours:
    """Return what the export itself put into captions, or would."""
    captions = manifest.provenance.shape.get("captions", {})
    texts = [
        manifest.options.get("activation_tag") or "",
        captions.get("activation_tag", ""),
        captions.get("general_text", ""),
        *captions.get("image_types", {}).values(),
    ]
    put_in = {part for text in texts for part in keyed(text)}
    return Ours(frozenset(put_in), frozenset(key(name) for name in names))


def _grammars(
    manifest: Manifest, names: Collection[str], form: str | None, characters: Path | None
) -> Mapping[bool, Grammar]:
    """Return how folders are read where they begin with repeats, and where not."""
    form = form or _with_characters(manifest.provenance.shape.get("arrangement"))
    names = read_names(characters) if characters else names
    listed_in = str(characters) if characters else None
    return {has: Grammar(names, form, has_repeats=has, listed_in=listed_in) for has in (True, False)}


def _with_characters(form: str | None) -> str | None:
    """Return an arrangement's form where it has a folder for characters."""
    return form if form and set(form.split("/")) & set(CHARACTER_TYPES) else None


def _trees(manifest: Manifest, root: Path, grammars: Mapping[bool, Grammar]) -> list[Tree]:
    """Return the layouts whose pictures lie in the folder by themselves. Raises ExportError where none do."""
    names = manifest.options.get("layouts", ["plain"])
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
            f"the pictures of {root} are in archives ({', '.join(names)}), where nothing can be moved or edited",
            hint="export with --layout plain to correct by hand",
        )
    return trees


def _in_layout(picture: Picture, place: int, layout: Layout, manifest: Manifest) -> Picture:
    """Return a picture as it lies in the layout at that place: its path there, its caption if it has a file."""
    there = replace(picture, path=picture.paths[place], links=())
    has_file = layout.texts and there.caption_path in manifest.files
    return there if has_file else replace(there, caption=None)


def _refuse_empty(found: Found, folder: Path) -> None:
    if all(standing.path is None for standing in found.standings):
        raise ExportError(
            f"not one picture of the export is left in {folder}",
            hint="is it the right folder, is the disk there? To drop all of its frames: animeds label --help",
        )


def _facts(session: Session, export: Export) -> Facts:
    """Read what is known about the pictures that changed, and those of the same frames."""
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
    """Yield what was edited in the files of one picture; the same edit in two of them is one."""
    picture, before, now = export.pictures[number], export.before[number], export.now[number]
    if before.caption != now.caption:
        text = before.caption if before.path is not None else picture.caption
        others = {other: export.now[other].caption or "" for other in siblings}
        for change in edited(picture, text, now.caption, facts, ours):
            yield _unless_a_sibling_bears_it(change, others, export)
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
            yield _unless_a_sibling_bears_it(change, others, export)


def _unless_a_sibling_bears_it(change: Change, siblings: Mapping[int, str], export: Export) -> Change:
    """Tags are those of a frame: one that is gone from a crop, and not from the next, is not gone from it."""
    if change.what == "tag removed":
        wanted = set(keyed(change.before))
        for other, text in siblings.items():
            if wanted <= set(keyed(text)):
                why = f"{export.pictures[other].path} bears it too: tags are those of the frame"
                return Change(change.file, "left alone", f"- {change.before}", why)
    return change


def _noted(export: Export, numbered: Numbered) -> dict[str, Standing]:
    """Return where changed pictures are now, apart from places that a later run may read better."""
    is_open = {
        n for n, change in numbered if change.what == "left alone" and change.before[:2] not in ("+ ", "- ")
    }
    return {
        export.pictures[number].path: Standing(
            before.path if number in is_open else now.path,
            now.caption,
            before.beside if number in is_open else now.beside,
        )
        for number, (before, now) in enumerate(zip(export.before, export.now, strict=True))
        if before != now
    }


def _notes(found: Found, root: Path, broken: Mapping[str, str]) -> Iterator[str]:
    for name, why in broken.items():
        yield f"{name} cannot be read ({why}); left alone"
    if found.changed:
        yield f"{_listed(found.changed)}: another picture lies there now; what is drawn in it is no label"
    if found.copies:
        yield f"{_listed(found.copies)}: copies of pictures that are at their place; left alone"
    if found.strangers:
        files = " ".join(f"'{root / path}'" for path in found.strangers[:3])
        more = "" if len(found.strangers) <= 3 else " (better: move them all to a folder of their own first)"
        yield (
            f"{_listed(found.strangers)}: not from this export; to bring them in: "
            f"animeds ingest {files} --image-type fanart{more}"
        )


def _listed(paths: Iterable[str]) -> str:
    paths = list(paths)
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + more

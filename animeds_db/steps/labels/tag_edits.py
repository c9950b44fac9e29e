"""Editing the tags of many frames at once: counts, and the labels of an edit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from animeds_db.errors import UsageError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.labels.changes import checked

_EDITS = pa.schema([("op", pa.string()), ("tag", pa.string()), ("instead", pa.string())])
_HOLDERS = "SELECT DISTINCT frame_id FROM tags WHERE tag IN (SELECT unnest($tags))"


@dataclass(frozen=True)
class TagEdits:
    """Changes of the tags of some frames; spaces become underscores. Raises UsageError if they are not valid."""

    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    replace: Mapping[str, str] = field(default_factory=dict)
    """Old tag → new tag, in the frames that have the old one."""

    def __post_init__(self) -> None:
        add, remove = _tags("add", self.add), _tags("remove", self.remove)
        replace = dict(
            zip(_tags("remove", self.replace), _tags("add", self.replace.values(), again=True), strict=True)
        )
        for name, value in (("add", add), ("remove", remove), ("replace", replace)):
            object.__setattr__(self, name, value)
        if not (add or remove or replace):
            raise UsageError("No change of tags is given.", hint="Add, remove or replace at least one tag.")
        for tag in add:
            if tag in remove:
                raise UsageError(f'The tag "{tag}" is both added and removed.', hint="Do one of the two.")
        for old, new in replace.items():
            if old == new:
                raise UsageError(f'The tag "{old}" would be replaced by itself.', hint="Give another tag.")
            if old in add or old in remove:
                raise UsageError(
                    f'The tag "{old}" is replaced, and also added or removed.', hint="Do one of the two."
                )

    def rows(self) -> pa.Table:
        """Return the edits as rows: op, tag, instead."""
        rows = [{"op": "add", "tag": tag} for tag in self.add]
        rows += [{"op": "remove", "tag": tag} for tag in self.remove]
        rows += [{"op": "replace", "tag": old, "instead": new} for old, new in self.replace.items()]
        return pa.Table.from_pylist(rows, _EDITS)


def _tags(op: str, tags: Iterable[str], *, again: bool = False) -> tuple[str, ...]:
    """Return tags as they are stored, each once unless `again`."""
    found = [str(checked("tag", op, tag)) for tag in tags]
    return tuple(found if again else dict.fromkeys(found))


def holders(session: Session, edits: TagEdits) -> list[str]:
    """Return all frames that have a tag to remove or replace. Raises UsageError if tags are to be added."""
    if edits.add:
        raise UsageError(
            f'"{edits.add[0]}" cannot be added to the whole database at once.', hint="Choose the frames."
        )
    tags = [*edits.remove, *edits.replace]
    ids: list[str] = session.arrow(_HOLDERS, {"tags": tags})["frame_id"].to_pylist()
    return ids


def tag_labels(session: Session, edits: TagEdits, frames: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Return the labels of an edit: ("tag", op, tag, frame_id). Raises UsageError if nothing would change."""
    given = {"chosen": _chosen(frames), "edits": edits.rows()}
    rows = session.step(sql_script("steps/labels", "tag_edits.sql"), given)
    if not rows.num_rows:
        wanted = ", ".join([*edits.remove, *edits.replace])
        raise UsageError(
            f"None of these frames has the tag {wanted}.",
            hint='`animeds sql "SELECT tag, count(*) FROM tags GROUP BY tag"` lists the tags in use.',
        )
    columns = (rows[name].to_pylist() for name in ("op", "tag", "frame_id"))
    return [("tag", op, tag, frame) for op, tag, frame in zip(*columns, strict=True)]


def tag_counts(session: Session, frames: Sequence[str]) -> pa.Table:
    """Return tag, category, n_frames (frames of these that have it), most frequent first."""
    return session.step(sql_script("steps/labels", "tag_counts.sql"), {"chosen": _chosen(frames)})


def _chosen(frames: Sequence[str]) -> pa.Table:
    return pa.table({"frame_id": pa.array(list(dict.fromkeys(frames)), pa.string())})

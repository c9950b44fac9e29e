"""The commands that write, and the databases that they are tried on."""

from __future__ import annotations

from dataclasses import dataclass

DB = ("--db", "show.animeds")
ALL_FRAMES = "SELECT frame_id FROM frames"


@dataclass(frozen=True)
class Verb:
    """A command that writes. It runs in a folder that is a copy of the base folder `base`.

    `{material}` stands for the folder of the show, `{first}` and `{last}` for the ids of two faces. `compares` is what
    must be the same afterwards: a database, or the folder of an export. `repeats`: a second run adds the same rows
    once more, because labels are appended. `done`: words with which a second run refuses when the first had finished.
    """

    name: str
    argv: tuple[str, ...]
    base: str
    compares: str = "show.animeds"
    repeats: bool = False
    done: str | None = None


INGEST = ("ingest", "{material}", "--sample", "every=2s", "--end", "12", *DB)
EXPORT = ("export", "--sql", ALL_FRAMES, "out", *DB)
DROP = ("label", "drop", "--where", "ordinal = 1", *DB)
ADD_FIRST = ("characters", "add", "Emi", "--face", "{first}", *DB)
ADD_LAST = ("characters", "add", "Mio", "--face", "{last}", *DB)
CLUSTER = ("characters", "cluster", "--min-size", "2", *DB)
TAG = ("tag", "--model", "tiny-tagger", *DB)

DAMAGED = "damaged"
"""A base that cannot be read."""

BASES: dict[str, tuple[str | None, tuple[tuple[str, ...], ...]]] = {
    "empty": (None, ()),
    "plain": (None, ((*INGEST, "--profile", "none"),)),
    "tiny": (None, ((*INGEST, "--profile", "tiny"),)),
    "tagged": ("plain", (TAG,)),
    "cast": ("tiny", (ADD_FIRST, ADD_LAST)),
    "clustered": ("tiny", (CLUSTER,)),
    "labelled": ("tiny", (DROP,)),
    "exported": ("tiny", (EXPORT,)),
    DAMAGED: ("tiny", ()),
}
"""By name: the base that it starts from, and the commands that are run on it. In `exported` a picture is then deleted,
and in `damaged` a data file of the detections is filled with zeros."""

VERBS = (
    Verb("ingest", (*INGEST, "--profile", "tiny"), "empty"),
    Verb("tag", TAG, "plain"),
    Verb("detect", ("detect", "--model", "tiny-face", *DB), "plain"),
    Verb("embed", ("embed", "--model", "tiny-image", *DB), "plain"),
    Verb("drop-model", ("drop-model", "tiny-tagger", *DB), "tagged", done="tiny-tagger"),
    Verb("dedup", ("dedup", *DB), "tiny"),
    Verb("characters add", ADD_FIRST, "tiny"),
    Verb("characters classify", ("characters", "classify", "-k", "1", *DB), "cast"),
    Verb("characters rename", ("characters", "rename", "Emi", "Emi Aoki", *DB), "cast", done="Emi"),
    Verb("characters cluster", CLUSTER, "tiny"),
    Verb("characters name", ("characters", "name", "1", "as", "Emi", *DB), "clustered"),
    Verb("label drop", DROP, "tiny", repeats=True),
    Verb("label undo", ("label", "undo", *DB), "labelled", done="undo"),
    Verb("sources edit", ("sources", "edit", "{material}", "--show", "Another", *DB), "tiny"),
    Verb("optimize", ("optimize", *DB), "tiny"),
    Verb("check --repair", ("check", "--repair", *DB), DAMAGED),
    Verb("backup", ("backup", "copy.animeds", *DB), "tiny", "copy.animeds"),
    Verb("export", EXPORT, "tiny", "out", done="--overwrite"),
    Verb("rebuild", ("rebuild", "out", "again"), "exported", "again", done="--overwrite"),
    Verb("sync", ("sync", "out", *DB), "exported", repeats=True),
)

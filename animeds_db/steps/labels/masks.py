"""Masks that people draw: labels whose subject is the part, and whose value is the picture of the mask."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from animeds_db.errors import UsageError
from animeds_db.session import Session
from animeds_db.steps.labels.changes import Act, Word, speak
from animeds_db.steps.labels.targets import words_about
from animeds_db.store import Store
from animeds_db.tagtext import expect_name

if TYPE_CHECKING:
    import numpy.typing as npt

FIELD = "mask"


def set_mask(
    store: Store, session: Session, target: str, mask: npt.NDArray[Any] | bytes, part: str, who: str | None
) -> Act:
    """Label a frame or box with the mask of a part; it covers all of the frame or box."""
    from animeds_db.media.masks import WHOLE, as_grey, as_png, read_png, shape_of, shrunk

    grey = shrunk(read_png(mask) if isinstance(mask, bytes) else as_grey(mask))
    word = _about(store, session, target, part)
    coverage = shape_of(grey, word.box or WHOLE).coverage
    value = f"{coverage:.6f},{base64.b64encode(as_png(grey)).decode('ascii')}"
    return speak(store, [replace(word, op="set", value=value)], who)


def remove_mask(store: Store, session: Session, target: str, part: str, who: str | None) -> Act:
    """Remove the masks of a part that people drew of a frame or box: the model's counts again."""
    word = _about(store, session, target, part)
    rows = session.arrow(
        "SELECT count(*) AS n FROM drawn_masks WHERE frame_id = $frame AND part = $part "
        "AND kind IS NOT DISTINCT FROM $kind AND (kind IS NULL OR detection_id = $target)",
        {"frame": word.frame_id, "part": part, "kind": word.kind, "target": target},
    )
    if not rows["n"][0].as_py():
        raise UsageError(
            f"Nobody has drawn a mask of {part} for {target}.",
            hint="""SELECT frame_id, detection_id, part FROM masks WHERE "by" = 'person'""",
        )
    return speak(store, [replace(word, op="remove")], who)


def _about(store: Store, session: Session, target: str, part: str) -> Word:
    expect_name("part", part)
    [word] = words_about(store, session, [(FIELD, "set", None, target)])
    return replace(word, subject=part)

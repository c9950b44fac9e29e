"""Draws one character from its parts, and returns the boxes and tags of its visible parts.

Only parts inside the window (the canvas without black bars), which no nearer character hides, get tags and boxes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image

from .body import arm_points
from .cuts import outline
from .draft import Draft, start
from .extras import accessory_tags, draw_behind_head, draw_on_face, draw_on_head, draw_on_neck
from .face import draw_brows, draw_features, draw_skull, eyes_shut
from .gestures import draw_folded_arms, draw_gesture
from .hair import draw_back_hair, draw_braid, draw_crown
from .headwear import draw_hood, draw_hood_back, hair_is_hidden
from .look import (
    ACCESSORIES,
    CLOTH_COLOURS,
    EYE_COLOURS,
    HAIR_COLOURS,
    OUTFITS,
    Look,
    Pose,
    Style,
    random_look,
    random_pose,
    random_style,
)
from .ornaments import draw_loose_locks, draw_ornaments, draw_tuft
from .outfits import Worn, draw_outfit
from .pen import Pen

__all__ = [
    "ACCESSORIES",
    "CLOTH_COLOURS",
    "EYE_COLOURS",
    "HAIR_COLOURS",
    "OUTFITS",
    "Box",
    "Figure",
    "Look",
    "Pose",
    "Sketch",
    "Style",
    "draw_figure",
    "random_look",
    "random_pose",
    "random_style",
    "seen_together",
    "sketch",
]

Box = tuple[float, float, float, float]
"""Left, top, right, bottom; pixels of the canvas, clipped to the window."""

Hidden: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
"""Where something is in front of a figure: bool [height, width], `_SHRINK` times smaller than the canvas."""

_SEEN_SHARE = 0.6
"""Minimum visible share (0…1) of a face or head. Below it, there is no box and there are no tags."""

_SHRINK = 8
"""How many times smaller than the canvas `Hidden` is."""

_CHIN, _STRIP = 0.6, 0.25
"""Where the body starts below the middle of the head, and the height of the strips that are checked, in heads."""

_ASIDE = 0.3
"""Minimum turn (0…1) of a head that looks to the side."""


@dataclass(frozen=True)
class Figure:
    """The boxes and tags of a drawn character. A box is None if the part is not visible.

    `face` spans brows to chin and cheek to cheek, `head` the skull with its hair, `halfbody` head to
    waist, `person` everything drawn.
    """

    face: Box | None
    head: Box | None
    halfbody: Box | None
    person: Box | None
    tags: frozenset[str]


@dataclass(frozen=True)
class Sketch:
    """A figure on the canvas, which can be viewed through any window (by a panning camera)."""

    draft: Draft
    worn: Worn

    def seen(self, window: Box, hidden: Image.Image | None = None) -> Figure:
        """Return boxes and tags of the parts inside the window (canvas pixels).

        `hidden` is a one-bit picture, `_SHRINK` times smaller than the canvas. It is 1 where something is in front.
        """
        return _judge(self.draft, self.worn, window, None if hidden is None else np.asarray(hidden))


def seen_together(sketches: Sequence[Sketch], window: Box) -> tuple[Figure, ...]:
    """Return boxes and tags of figures in the order in which they were drawn: later ones hide earlier ones."""
    hidden = Image.new("1", (math.ceil(window[2] / _SHRINK), math.ceil(window[3] / _SHRINK)))
    figures: list[Figure] = []
    for nearest in reversed(sketches):
        figures.append(nearest.seen(window, hidden if figures else None))
        if len(figures) < len(sketches):
            nearest.draft.pen.cover(hidden, _SHRINK)
    return tuple(reversed(figures))


def sketch(
    canvas: Image.Image, look: Look, pose: Pose, style: Style, x: float, y: float, height: float
) -> Sketch:
    """Draw a standing character; parameters as in `draw_figure`."""
    draft = start(canvas, look, pose, style, x, y, height)
    return Sketch(draft, _draw(draft))


def draw_figure(
    canvas: Image.Image,
    look: Look,
    pose: Pose,
    style: Style,
    x: float,
    y: float,
    height: float,
    window: Box | None = None,
) -> Figure:
    """Draw a standing character on an RGB canvas and return its boxes and danbooru tags.

    (x, y) is the pixel of the skull's top, `height` the pixels from there to the soles (the figure may
    reach beyond the canvas: that is how portraits are made). `window` is the visible part of the
    canvas, all of it by default. Nothing is antialiased here: draw at twice the size and reduce.
    """
    window = window or (0.0, 0.0, float(canvas.width), float(canvas.height))
    return sketch(canvas, look, pose, style, x, y, height).seen(window)


def _draw(draft: Draft) -> Worn:
    if not draft.behind:
        draw_hood_back(draft)
        draw_loose_locks(draft)
        draw_back_hair(draft)
        draw_behind_head(draft)
    worn = draw_outfit(draft)
    draw_ornaments(draft)
    draw_folded_arms(draft)
    draw_on_neck(draft)
    if draft.behind:
        draw_behind_head(draft)
        draw_crown(draft)
    else:
        draw_skull(draft)
        draw_features(draft)
        draw_crown(draft)
        draw_tuft(draft)
        draw_on_face(draft)
        draw_brows(draft)
        draw_braid(draft)
    draw_on_head(draft)
    draw_hood(draft)
    draw_gesture(draft)
    return worn


_UNSEEN = Figure(None, None, None, None, frozenset())


def _judge(draft: Draft, worn: Worn, window: Box, hidden: Hidden | None) -> Figure:
    """Return the boxes within the window and the tags of what they show."""
    whole = draft.pen.extent()
    head_box = _head_box(draft)
    person, head = _clip(whole, window), _seen(head_box, window, hidden=hidden)
    cut = _cut(draft, window)
    low = _lowest(draft, cut, hidden)
    bottom = window[3] - (cut - low) * draft.pen.unit
    if person is None or (head is None and min(person[3], bottom) - person[1] < draft.pen.unit):
        return _UNSEEN
    face = None if draft.behind else _seen(_face_box(draft), window, hidden=hidden)
    halfbody = _seen(_halfbody_box(draft, whole, head_box), window, _SEEN_SHARE + 0.1, hidden)
    tags = {"1girl" if draft.girl else "1boy"}
    tags |= _body_tags(draft, worn, low) | _gesture_tags(draft, window, low)
    if _seen(head_box, window, 0.15) is None:
        tags.add("head_out_of_frame")
    if head:
        tags |= _head_tags(draft, low, face=face is not None) | _crop_tags(draft, cut)
    return Figure(face, head, halfbody, person, frozenset(tags))


def _cut(draft: Draft, window: Box) -> float:
    """Return where the window cuts the figure off: in heads below the middle of the head."""
    return (window[3] - float(draft.pen.pixels([(0, 0)])[0, 1])) / draft.pen.unit


def _lowest(draft: Draft, cut: float, hidden: Hidden | None) -> float:
    """Return how far down the body is visible: to where it is cut off, or to where a nearer figure hides it."""
    if hidden is None:
        return cut
    for y in np.arange(_CHIN, min(cut, draft.down(1)), _STRIP):
        strip = _upright(draft.pen, (-_STRIP, y, _STRIP, y + _STRIP))
        if _hidden_share(strip, hidden) > _SEEN_SHARE:
            return float(y)
    return cut


def _hidden_share(box: Box, hidden: Hidden) -> float:
    """Return the share (0…1) of a box in pixels that is hidden; 0 for a box outside the picture."""
    left, top = (max(0, math.floor(v / _SHRINK)) for v in box[:2])
    right, bottom = (math.ceil(v / _SHRINK) for v in box[2:])
    part = hidden[top:bottom, left:right]
    return float(part.mean()) if part.size else 0.0


def _face_box(draft: Draft) -> Box:
    """Return the box of the face in pixels, seen or not: brows to chin, cheek to cheek."""
    t = draft.turn
    face = draft.face
    middle, half = (0.17 * t, 0.28) if draft.profile else (0.1 * t, 0.4 * face.wide)
    top = face.eye_y - 0.195 - 0.125 * face.eye_tall
    return _upright(draft.head, (middle - half, draft.lifted(top), middle + half, 0.5))


def _head_box(draft: Draft) -> Box:
    if draft.detail.cut:
        points = outline(draft)
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        return _upright(draft.head, (left, min(y for _, y in points), right, 0.51))
    spiky = draft.look.hair_style == "spiky"
    wide = 0.62 if spiky else 0.53 * draft.style.volume
    return _upright(draft.head, (-wide, -0.76 if spiky else -0.64, wide, 0.51))


def _halfbody_box(draft: Draft, whole: Box, head: Box) -> Box:
    """Head to waist, as wide as the arms hang."""
    middle = float(draft.pen.pixels([(0, 0)])[0, 0])
    reach = (draft.shoulder + 0.2) * draft.pen.unit
    waist = float(draft.pen.pixels([(0, draft.down(0.36))])[0, 1])
    return (max(whole[0], middle - reach), head[1], min(whole[2], middle + reach), waist)


def _upright(pen: Pen, box: Box) -> Box:
    """Return the upright pixel box around the middle of a box on the head or the body, which may be tilted."""
    left, top, right, bottom = box
    x, y = pen.pixels([((left + right) / 2, (top + bottom) / 2)])[0]
    w, h = (right - left) / 2 * pen.unit, (bottom - top) / 2 * pen.unit
    return (float(x) - w, float(y) - h, float(x) + w, float(y) + h)


def _clip(box: Box, window: Box) -> Box | None:
    clipped = (max(box[0], window[0]), max(box[1], window[1]), min(box[2], window[2]), min(box[3], window[3]))
    return clipped if clipped[0] < clipped[2] and clipped[1] < clipped[3] else None


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _seen(box: Box, window: Box, share: float = _SEEN_SHARE, hidden: Hidden | None = None) -> Box | None:
    clipped = _clip(box, window)
    if clipped is None:
        return None
    free = 1.0 if hidden is None else 1 - _hidden_share(clipped, hidden)
    return clipped if _area(clipped) * free >= share * _area(box) else None


_MOOD_TAGS: dict[str, tuple[str, ...]] = {
    "neutral": (),
    "smile": ("smile",),
    "open_mouth": ("open_mouth",),
    "laugh": ("smile", "open_mouth"),
    "frown": ("frown",),
    "surprised": ("surprised", "open_mouth"),
    "angry": ("angry", "v-shaped_eyebrows"),
    "crying": ("crying", "tears"),
}


def _head_tags(draft: Draft, low: float, *, face: bool) -> set[str]:
    look, pose = draft.look, draft.pose
    tags = set() if hair_is_hidden(draft) else {f"{look.hair_colour}_hair", *_hair_tags(draft, low)}
    if look.accessory != "scarf" or low > 0.75:
        tags.update(accessory_tags(draft))
    if draft.behind:
        tags |= {"from_behind", "facing_away"}
    if not face:
        return tags
    if pose.cover != "mouth" or pose.expression in ("angry", "crying"):
        tags.update(_MOOD_TAGS[pose.expression])
    if pose.mouth_open and pose.cover != "mouth":
        tags.add("open_mouth")
        tags.discard("frown")
    tags.add("closed_eyes" if eyes_shut(draft) else f"{look.eye_colour}_eyes")
    if pose.blush:
        tags.add("blush")
    if draft.profile:
        tags |= {"profile", "from_side"}
    elif abs(draft.turn) > _ASIDE:
        tags.add("looking_to_the_side")
    elif not eyes_shut(draft):
        tags.add("looking_at_viewer")
    if not draft.behind and not draft.profile:
        tags |= {"blunt": {"blunt_bangs"}, "parted": {"parted_bangs"}, "swept": {"swept_bangs"},
                 "curtain": {"parted_bangs"}, "one_eye": {"swept_bangs"}, "side": {"swept_bangs"}}.get(
            look.bangs, set()
        )  # fmt: skip
    return tags


def _hair_tags(draft: Draft, low: float) -> set[str]:
    look = draft.look
    tags = set()
    end = draft.hair_end()
    style = {"twintails": "twintails", "ponytail": "ponytail", "bob": "bob_cut", "spiky": "spiky_hair"}
    if look.hair_style in style:
        tags.add(style[look.hair_style])
    if look.hair_style == "bun":
        tags |= {"hair_bun", "double_bun"}
    if look.hair_style == "braid" and not draft.behind and low > 0.8:
        tags |= {"braid", "single_braid"}
    short = look.hair_length == "short"
    past_shoulders = low > min(end, draft.down(0.12)) + 0.2
    if look.hair_style == "bun" or (look.hair_style == "braid" and draft.behind):
        return tags
    if look.hair_length == "very_long" and low < end - 0.2:
        if past_shoulders:
            tags.add("long_hair")
    elif short or past_shoulders:
        tags.add(f"{look.hair_length}_hair")
    return tags


def _body_tags(draft: Draft, worn: Worn, low: float) -> set[str]:
    tags: set[str] = set()
    if low > draft.down(0.2):
        tags.update(worn.upper)
        if draft.style.heads < 3.6:
            tags.add("chibi")
    if low > draft.down(0.56):
        tags.update(worn.lower)
    return tags


_GESTURES: dict[str, tuple[float, set[str]]] = {
    "up": (0.1, {"arms_up"}),
    "wave": (0.1, {"waving", "arm_up"}),
    "hip": (0.42, {"hands_on_hips"}),
}
"""For each gesture how far down the body it has to be visible (see `Draft.down`), and its tags."""


def _gesture_tags(draft: Draft, window: Box, low: float) -> set[str]:
    """Return the tags of a gesture if the window shows its hands."""
    down, tags = _GESTURES.get(draft.pose.arms, (0.0, set()))
    sides = (1,) if draft.pose.arms == "wave" else (-1, 1)
    hands = draft.pen.pixels([arm_points(draft, side)[2] for side in sides])
    inside = (hands > window[:2]) & (hands < window[2:])
    return tags if low > draft.down(down) and inside.all() else set()


def _crop_tags(draft: Draft, low: float) -> set[str]:
    if low >= draft.down(0.98):
        return {"full_body"}
    if low >= draft.down(0.54) and low < draft.down(0.78):
        return {"cowboy_shot"}
    if low < draft.down(0.13):
        return {"portrait"}
    return {"upper_body"} if low < draft.down(0.52) else set()

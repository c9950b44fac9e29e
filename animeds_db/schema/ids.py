"""Ids: strings that people can read, sort and use in file names."""

from __future__ import annotations

import base64
import re
import string

DETECTION_LETTERS = {"face": "f", "head": "h", "halfbody": "b", "person": "p"}
"""Kinds of boxes of people, and their letters in ids. Ids of other kinds (eye, hand, text) have the kind itself."""
BOX_KIND = re.compile(r"[a-z][a-z_]*[a-z]")
"""What a kind of box may be called, so that an id shows where the kind ends and the number begins."""
LAST_POSITION = 999_999_999
"""Highest position of a frame, milliseconds or place: an id has nine digits for it, so that ids sort by time."""
_CLIP = re.compile(r"(.+)-c(-?\d{1,18})_(-?\d{1,18})")


def source_id(content_hash: str) -> str:
    """Return the eight-character id of a source from the hexadecimal hash of its content."""
    return base64.b32encode(bytes.fromhex(content_hash)[:5]).decode("ascii").lower()


def frame_id(source: str, position: int) -> str:
    """Return a frame's id. `position` is milliseconds from the start (0 … 999 999 999), or a picture's index.

    Raises ValueError if the position has more than nine digits: ids would no longer sort by time.
    """
    if not 0 <= position <= LAST_POSITION:
        raise ValueError(f"frame position {position} is outside 0 … {LAST_POSITION}")
    return f"{source}-{position:09d}"


def detection_id(frame: str, kind: str, index: int) -> str:
    """Return a detection's id: frame id, the kind or its letter, and its index among that kind from left to right.

    Raises ValueError for a kind that is not made of lower-case letters.
    """
    if not BOX_KIND.fullmatch(kind):
        raise ValueError(f'"{kind}" is not a kind of box: use lower-case letters and underscores')
    return f"{frame}-{DETECTION_LETTERS.get(kind, kind)}{index}"


def index_of_detection(detection: str) -> int:
    """Return the number at the end of a detection's id."""
    return int(detection.rpartition("-")[2].lstrip(string.ascii_lowercase + "_"))


def shot_id(source: str, number: int) -> str:
    """Return a shot's id: source id, -s, and the shot's number in the video."""
    return f"{source}-s{number:05d}"


def clip_id(source: str, first_pts: int, last_pts: int) -> str:
    """Return a clip's id: source id, -c, and the pts of its first and last frame."""
    return f"{source}-c{first_pts}_{last_pts}"


def stretch_of_clip(clip: str) -> tuple[str, int, int] | None:
    """Return source id, first pts and last pts of a clip's id; None if it is not one."""
    found = _CLIP.fullmatch(clip)
    return (found[1], int(found[2]), int(found[3])) if found else None


def result_id(of: str, model: str) -> str:
    """Return the key of one model's result for one frame or detection, in a table with results of several models."""
    return f"{of}@{model}"


def description_id(target: str, model: str, prompt: str, language: str) -> str:
    """Return the key of what one model wrote about a frame or box (`target`), for this prompt and language."""
    return f"{target}@{model}/{prompt}/{language}"

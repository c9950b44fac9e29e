"""Reads the text that is burned into frames, and writes it to `screen_texts`, and to `lines` as subtitles.

Subtitles stay for seconds, so the same text on frames that follow each other is one line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import pyarrow.compute as pc

from animeds_db.media.words.subtitles import Line, Track
from animeds_db.models.runners.text_reader import ScreenText, TextReader
from animeds_db.store import Store
from animeds_ingest.measures.burned_text import BAND
from animeds_ingest.outcomes import Report, Watcher
from animeds_ingest.reruns.running import run_stage
from animeds_ingest.reruns.stages import Stage
from animeds_ingest.text import OCR, write_lines

Row = dict[str, Any]

SAME = 0.8
"""Minimum likeness (difflib's ratio) of two readings of the same text: single letters are read differently."""
LINE_GAP = 0.9
"""Two texts, one above the other, are one paragraph if the gap is at most this share of the smaller height."""
LASTS_S = 1.0
"""Seconds that a text stays after the last frame on which it was read, at most."""


class ReadStage(Stage):
    """Reads the text on frames and writes it to `screen_texts`."""

    mark = "screen_texts"

    def __init__(self, store: Store, reader: TextReader) -> None:
        super().__init__(store, reader.id)
        self._reader = reader

    def rows(self, source_id: str, frame_ids: Sequence[str], pixels: Sequence[np.ndarray]) -> list[Row]:
        """Return rows of `screen_texts`."""
        rows = []
        for mark, picture in zip(self._marks(source_id, frame_ids), pixels, strict=True):
            texts = self._reader(picture)
            upper, lower = share(texts, 0, BAND), share(texts, 1 - BAND, 1)
            rows.append(mark | _lists(texts) | {"text_upper": upper, "text_lower": lower})
        return rows


def read_screen_text(
    store: Store,
    *,
    wanted: Collection[str] | None = None,
    device: str = "auto",
    watcher: Watcher | None = None,
) -> Report:
    """Read the text on the `wanted` frames (ids; None: all) of finished sources; skip those that were read before.

    Raises ModelError if the extra [ocr] is missing, StoreError. A source whose file is missing is an outcome `failed`.
    """
    reader = TextReader(device)
    report = run_stage(store, ReadStage(store, reader), [reader.record()], wanted=wanted, watcher=watcher)
    read = store.table("screen_texts").to_table(columns=["source_id"], filter=pc.field("model") == reader.id)
    for source_id in sorted(set(read["source_id"].to_pylist())):
        write_lines(store, source_id, screen_lines(_read_frames(store, source_id, reader.id)), origin=OCR)
    return report


def _lists(texts: Sequence[ScreenText]) -> Row:
    """Return texts as the columns of `screen_texts` have them."""
    return {
        "texts": [text.text for text in texts],
        "scores": [text.score for text in texts],
        "boxes": [side for text in texts for side in (text.left, text.top, text.right, text.bottom)],
    }


def _texts(row: Row) -> list[ScreenText]:
    """Return the texts of a row of `screen_texts`."""
    boxes = [row["boxes"][place : place + 4] for place in range(0, len(row["boxes"]), 4)]
    return [
        ScreenText(text, score, *box)
        for text, score, box in zip(row["texts"], row["scores"], boxes, strict=True)
    ]


def share(texts: Sequence[ScreenText], top: float, bottom: float) -> float:
    """Return the share (0…1) of the band from `top` to `bottom` that the boxes of these texts cover."""
    covered = sum((t.right - t.left) * max(0.0, min(t.bottom, bottom) - max(t.top, top)) for t in texts)
    return min(1.0, covered / (bottom - top))


@dataclass(frozen=True)
class ReadFrame:
    """What was read on one frame: `time_s` seconds from the start."""

    time_s: float
    texts: Sequence[ScreenText]


def _read_frames(store: Store, source_id: str, model: str) -> list[ReadFrame]:
    """Return the frames of a video, in order of time. Frames that were not read have no texts.

    Pictures have no time, and so no lines.
    """
    of_source = pc.field("source_id") == source_id
    times = store.table("frames").to_table(columns=["frame_id", "time_s"], filter=of_source)
    read = store.table("screen_texts").to_table(
        columns=["frame_id", "texts", "scores", "boxes"], filter=of_source & (pc.field("model") == model)
    )
    texts = {row["frame_id"]: _texts(row) for row in read.to_pylist()}
    frames = [
        ReadFrame(row["time_s"], texts.get(row["frame_id"], []))
        for row in times.to_pylist()
        if row["time_s"] is not None
    ]
    return sorted(frames, key=lambda frame: frame.time_s)


def screen_lines(frames: Sequence[ReadFrame]) -> list[Line]:
    """Return the lines that can be read on frames, which are in order of time.

    A line lasts from the first frame with its text until the frame after the last one, or LASTS_S. Text in the lower
    band is dialogue, other text a sign.
    """
    ends = [*(frame.time_s for frame in frames[1:]), float("inf")]
    lines: list[Line] = []
    shown: list[int] = []  # places in `lines` of those on the frame before
    for frame, end in zip(frames, ends, strict=True):
        until = min(end, frame.time_s + LASTS_S)
        still = []
        for paragraph in paragraphs(frame.texts):
            place = next((n for n in shown if _continues(lines[n], paragraph, frame.time_s)), len(lines))
            if place == len(lines):
                lines.append(_line(paragraph, frame.time_s, until))
            else:
                shown.remove(place)
                lines[place] = replace(lines[place], end_s=until)
            still.append(place)
        shown = still
    return lines


def _continues(line: Line, paragraph: Sequence[ScreenText], time_s: float) -> bool:
    """Return True if a line of the frame before, which lasts until this one, is the same text."""
    return line.end_s >= time_s and SequenceMatcher(None, line.text, _text(paragraph)).ratio() >= SAME


def paragraphs(texts: Sequence[ScreenText]) -> Iterator[list[ScreenText]]:
    """Yield the texts of a frame, those that are lines of one paragraph together."""
    left = list(texts)
    while left:
        found = [left.pop(0)]
        for text in [t for t in left if t.top >= found[0].top]:
            last = found[-1]
            height = min(text.bottom - text.top, last.bottom - last.top)
            overlap = min(text.right, last.right) - max(text.left, last.left)
            if text.top - last.bottom <= LINE_GAP * height and overlap > 0:
                found.append(text)
                left.remove(text)
        yield found


def _text(paragraph: Sequence[ScreenText]) -> str:
    return " ".join(text.text for text in paragraph)


def _line(paragraph: Sequence[ScreenText], start_s: float, end_s: float) -> Line:
    is_low = sum(text.top + text.bottom for text in paragraph) / len(paragraph) / 2 > 1 - BAND
    text = _text(paragraph)
    return Line(
        track=Track(None, None, None),
        start_s=start_s,
        end_s=end_s,
        kind="dialogue" if is_low else "sign",
        text=text,
        raw=text,
        speaker=None,
        style=None,
        layer=0,
        song=None,
    )

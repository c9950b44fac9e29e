"""Reads the text in pictures with rapidocr, which brings its models (PP-OCR) in its own package."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from animeds_db.models.extras import extra
from animeds_db.models.runtime import choose_device

NAME = "rapidocr"
MIN_SCORE = 0.85
"""Minimum score of a text. On 42 drawn frames without subtitles, shapes taken for letters score up to 0.84 (and three
strokes 0.90); on 15 frames with subtitles, of which 8 are from television, text scores 0.95 or more."""


@dataclass(frozen=True)
class ScreenText:
    """One line of text in a picture: its score (0…1) and its position (0…1, origin at the top left)."""

    text: str
    score: float
    left: float
    top: float
    right: float
    bottom: float


class TextReader:
    """A reader of text. `device` is auto, cpu or cuda. Raises ModelError if the extra [ocr] is missing."""

    def __init__(self, device: str = "auto") -> None:
        library = extra(NAME, "read-text --ocr")
        on = choose_device(device)
        self.id = f"{NAME}@{version(NAME)}"
        self.provider = on.name
        self._read = library.RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,  # text on the screen is never upside down
                "EngineConfig.onnxruntime.use_cuda": on.name == "cuda",
            }
        )

    def __call__(self, pixels: np.ndarray) -> list[ScreenText]:
        """Return the text in a picture, uint8 RGB [h,w,3], from top to bottom."""
        height, width = pixels.shape[:2]
        found = self._read(np.ascontiguousarray(pixels[:, :, ::-1]))  # it wants BGR
        if found.boxes is None:
            return []
        texts = []
        for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
            places = np.clip(np.asarray(corners, float) / (width, height), 0, 1)
            (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
            words = " ".join(str(text).split())
            if words and score >= MIN_SCORE:
                texts.append(
                    ScreenText(words, float(score), float(left), float(top), float(right), float(bottom))
                )
        return sorted(texts, key=lambda one: (one.top, one.left))

    def record(self) -> dict[str, object]:
        """Return the reader's row for the table `models` (all columns but added_at)."""
        return {
            "model_id": self.id,
            "name": NAME,
            "task": "ocr",
            "repo": "https://github.com/RapidAI/RapidOCR",
            "revision": self.id.partition("@")[2],
            "sha256": None,
            "width": None,
            "thresholds": "{}",
            "licence": "apache-2.0",
        }

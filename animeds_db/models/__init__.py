"""Models: manifest, files, ONNX sessions, and the runners of each task. Nothing here reads a table."""

from __future__ import annotations

from animeds_db.models.profile import Models, load_profile
from animeds_db.models.runners.classifier import Answer, Classifier
from animeds_db.models.runners.detector import Box, Detector
from animeds_db.models.runners.embedder import Embedder
from animeds_db.models.runners.segmenter import Segmenter
from animeds_db.models.runners.tagger import Tagger, TagLabel

__all__ = [
    "Answer",
    "Box",
    "Classifier",
    "Detector",
    "Embedder",
    "Models",
    "Segmenter",
    "TagLabel",
    "Tagger",
    "load_profile",
]

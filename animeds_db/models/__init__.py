"""Models: manifest, files, ONNX sessions, taggers, detectors, embedders, segmenters. Nothing here reads a table."""

from __future__ import annotations

from animeds_db.models.detector import Box, Detector
from animeds_db.models.embedder import Embedder
from animeds_db.models.profile import Models, load_profile
from animeds_db.models.segmenter import Segmenter
from animeds_db.models.tagger import Tagger, TagLabel

__all__ = ["Box", "Detector", "Embedder", "Models", "Segmenter", "TagLabel", "Tagger", "load_profile"]

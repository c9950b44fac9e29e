"""What the readers of JSON captions accept: their rules, written down from their code, not copied."""

from __future__ import annotations

import json
from typing import Any


def ideogram_faults(text: str) -> list[str]:
    """Return what musubi-tuner's verifier of Ideogram 4 captions would warn about."""
    caption = json.loads(text)
    faults = [f"unknown {key}" for key in caption if key not in
              ("high_level_description", "style_description", "compositional_deconstruction")]  # fmt: skip
    if "\\u" in text and text.isascii():
        faults.append("escaped text")
    if not isinstance(caption.get("high_level_description", ""), str):
        faults.append("the description is no text")
    parts = caption.get("compositional_deconstruction")
    if not isinstance(parts, dict) or list(parts) != ["background", "elements"]:
        return [*faults, "the deconstruction must have a background, then elements"]
    if not isinstance(parts["background"], str) or not isinstance(parts["elements"], list):
        return [*faults, "the background is a text and the elements are a list"]
    for element in parts["elements"]:
        if list(element) not in (["type", "bbox", "desc"], ["type", "desc"]) or element["type"] != "obj":
            faults.append(f"wrong keys in {element}")
        box = element.get("bbox", [0, 0, 0, 0])
        whole = all(type(side) is int and 0 <= side <= 1000 for side in box)
        if len(box) != 4 or not whole or box[0] > box[2] or box[1] > box[3]:
            faults.append(f"wrong box {box}")
    return faults


def simpletuner_entities(text: str) -> list[tuple[str, tuple[float, ...]]]:
    """Return the entities of a .bbox file as SimpleTuner reads it. Raises ValueError as it does."""
    found: list[tuple[str, tuple[float, ...]]] = []
    for entity in json.loads(text.strip()):
        left, top, right, bottom = (min(max(float(side), 0.0), 1.0) for side in entity["bbox"])
        if left >= right or top >= bottom:
            raise ValueError(f"invalid box {entity['bbox']}")
        found.append((entity.get("label", ""), (left, top, right, bottom)))
    return found


def studio_caption(text: str) -> str:
    """Return the caption that AnimaLoraStudio builds from a .json file in its standard shape, without shuffling."""
    content: dict[str, Any] = json.loads(text)
    if not isinstance(content["meta"], dict) or not isinstance(content["tags"], dict):
        raise ValueError("not the standard shape")
    tags = content["tags"]
    for name in ("quality", "appearance", "tags", "environment"):
        if not isinstance(tags[name], list):
            raise ValueError(f"{name} is not a list")
    words = [content["meta"]["trigger"], *tags["quality"]]
    words += [tags[name] for name in ("count", "character", "series", "artist")]
    words += [*tags["appearance"], *tags["tags"], *tags["environment"]]
    caption = ", ".join(dict.fromkeys(word for word in words if word))
    return f"{caption}. {tags['nl']}" if tags["nl"] else caption


def anima_variants(text: str) -> dict[str, str]:
    """Return label → caption of a .variants.txt, as the trainers of Anima read it."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = (line.partition("\t") for line in lines)
    return {label: caption for label, _, caption in pairs}

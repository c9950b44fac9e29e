"""Reads the thresholds that come with a tagger: minimum scores per category, 0…1."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from animeds_db.errors import ModelError

MODE = "balanced"
"""Of the modes in a `threshold.json` of camie, the one that its peer uses by default."""


def read_thresholds(path: Path) -> dict[str, float]:
    """Return the thresholds in a `thresholds.csv` (category, name, threshold) or a `threshold.json` (category → modes).

    A category that the CSV lists more than once has its first threshold, as in imgutils. Raises ModelError.
    """
    try:
        found = _csv_thresholds(path) if path.suffix == ".csv" else _json_thresholds(path)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ModelError(f"cannot read the thresholds in {path}: {error}") from error
    check_thresholds(found, str(path))
    return found


def check_thresholds(thresholds: Mapping[str, float], where: str) -> None:
    """Raise ModelError, naming `where`, for a threshold outside 0…1."""
    for name, value in thresholds.items():
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ModelError(
                f"{where}: the threshold of {name} is {value}", hint="a threshold must be between 0 and 1"
            )


def _csv_thresholds(path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["name"].lower(), float(row["threshold"]))
    return found


def _json_thresholds(path: Path) -> dict[str, float]:
    content = json.loads(path.read_text("utf-8"))
    if isinstance(content.get("threshold"), int | float):  # one for all
        return {"general": float(content["threshold"])}
    return {
        name.lower(): float(modes[MODE]["threshold"])
        for name, modes in content.items()
        if isinstance(modes, dict) and MODE in modes
    }

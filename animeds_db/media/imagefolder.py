"""Captions that come with pictures: the metadata files of a Hugging Face imagefolder.

A broken line loses its caption, not the picture. Format: `metadata.jsonl` or `metadata.csv` in
any folder, one row per picture, `file_name` relative to that folder, the caption in the column `text`
(https://huggingface.co/docs/datasets/image_dataset).
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Iterable, Iterator
from typing import Any

from animeds_db.media.members import READ_ERRORS, Members
from animeds_db.media.notes import Notes

METADATA_NAMES = ("metadata.jsonl", "metadata.csv")


def read_captions(members: Members, metadata_files: Iterable[str], notes: Notes) -> dict[str, str | None]:
    """Return a dict from member to caption (None if the row has none) for every row of these metadata files."""
    captions: dict[str, str | None] = {}
    for name in sorted(metadata_files):
        try:
            text = members.read(name).decode("utf-8-sig")
        except (*READ_ERRORS, UnicodeDecodeError) as error:
            notes.tell(f"{name} cannot be read ({error}): its captions are missing")
            continue
        rows = (
            _jsonl_rows(text, name, notes) if name.endswith(".jsonl") else csv.DictReader(io.StringIO(text))
        )
        for row in rows:
            file_name = row.get("file_name")
            if isinstance(file_name, str) and file_name:
                member = posixpath.normpath(posixpath.join(posixpath.dirname(name), file_name))
                caption = row.get("text")
                captions[member] = caption if isinstance(caption, str) else None
            else:
                notes.tell(f"{name} has rows without file_name")
    return captions


def _jsonl_rows(text: str, name: str, notes: Notes) -> Iterator[dict[str, Any]]:
    # Not splitlines(): it also splits at characters that are valid inside captions.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            notes.tell(f"{name}:{number} is not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield row
        else:
            notes.tell(f"{name}:{number} is not a JSON object")

"""Changes to a recipe that keep its comments and its order, and never leave half a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from animeds_db.errors import UsageError
from animeds_db.safe_files import whole_file

_CLUSTERS = re.compile(r"^\s*\[\s*characters\s*\.\s*clusters\s*\]\s*(#.*)?$")


def rewrite(text: str, path: Path) -> None:
    """Replace the content of a recipe. If that fails, the file stays as it was. Raises UsageError."""
    try:
        with whole_file(path.resolve()) as file:  # a link stays a link
            file.write(text.encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}") from error


def with_names(text: str, names: Mapping[str, str], comment: str) -> str:
    """Return a recipe that also names clusters: face or number → character. A comment says where they are from.

    Names that the recipe has already for the same faces are replaced.
    """
    lines = [f"{key} = {_quoted(name)}  # {comment}" for key, name in names.items()]
    kept = text.splitlines()
    start = next((n for n, line in enumerate(kept) if _CLUSTERS.match(line)), None)
    if start is None:
        return "\n".join([*kept, "", "[characters.clusters]", *lines]) + "\n"
    old = {key: re.compile(rf'^\s*"?{re.escape(key)}"?\s*=') for key in names}
    head, tail = kept[: start + 1], kept[start + 1 :]
    tail = [line for line in tail if not any(pattern.match(line) for pattern in old.values())]
    return "\n".join([*head, *lines, *tail]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

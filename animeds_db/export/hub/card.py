"""The card of a dataset on the Hugging Face hub: credits, licences, counts and sample pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

from animeds_db.export.manifest import Manifest
from animeds_db.export.names import part_path
from animeds_db.printable import counted

TAG = "animeds-db"
"""The hub lists it among the tags of the dataset; a push replaces only a dataset that has it."""
SAMPLES = 4
LICENCES = frozenset(
    f"cc-by{kind}-{version}"
    for kind in ("", "-sa", "-nc", "-nc-sa", "-nd", "-nc-nd")
    for version in ("3.0", "4.0")
) | {"cc0-1.0", "mit", "apache-2.0"}
"""Licences that the hub knows by these names and that pictures commonly have."""
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(manifest: Manifest, repo: str, paths: Sequence[str]) -> str:
    """Return README.md for the dataset `repo`, which has the files `paths`."""
    there = set(paths) - _parts(manifest)
    loose = [path for path in manifest.loose if path in there]
    name = repo.partition("/")[2]
    parts = [
        _head(manifest, len(manifest.pictures)),
        f"# {name}\n",
        f"{counted(len(manifest.pictures), 'picture')} from {counted(len(manifest.sources), 'source')}, "
        "exported with [animeds-db](https://github.com/animeds-db/animeds-db).\n",
        _folders(loose),
        _samples(loose),
        "## Credits\n",
        "\n".join(f"    {line}".rstrip() for line in manifest.credits().splitlines()),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _parts(manifest: Manifest) -> set[str]:
    """Return the paths of masks, controls and other files that belong to pictures. The frames of a clip are its own."""
    return {
        part_path(path, part)
        for picture, written in zip(manifest.pictures, manifest.written, strict=True)
        for path in picture.paths
        for part in written.parts
        if not part.startswith("/")
    }


def _head(manifest: Manifest, n: int) -> str:
    """Return the metadata that the hub reads."""
    known = {(source.licence or "").lower() for source in manifest.sources}
    one = next(iter(known)) if len(known) == 1 else ""
    licence = one if one in LICENCES else "unknown" if known <= {"", "unknown"} else "other"
    size = next((word for limit, word in SIZES if n < limit), "n>1M")
    lines = [f"license: {licence}", "task_categories:", "- text-to-image", "tags:", "- anime", f"- {TAG}"]
    return "\n".join(["---", *lines, "size_categories:", f"- {size}", "---", ""])


def _folders(loose: Sequence[str]) -> str:
    counts = Counter(path.rpartition("/")[0] or "." for path in loose)
    if not counts:
        return ""
    rows = "".join(f"| `{folder}` | {count} |\n" for folder, count in sorted(counts.items()))
    return f"| folder | pictures |\n| --- | --- |\n{rows}"


def _samples(loose: Sequence[str]) -> str:
    """Return some pictures, spread over the dataset."""
    step = max(1, len(loose) // SAMPLES)
    return "".join(f"![{path.replace(']', ' ')}]({quote(path)})\n" for path in loose[::step][:SAMPLES])

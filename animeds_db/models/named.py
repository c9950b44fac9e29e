"""Models that a database names. A database may come from a stranger and must not decide what is downloaded or run."""

from __future__ import annotations

from animeds_db import settings
from animeds_db.errors import ModelError
from animeds_db.models.files import Record
from animeds_db.models.manifest import OPEN_CLIP, Entry, Manifest


def named_entry(name: str, manifest: Manifest) -> Entry:
    """Return the entry of a model that a database names: one in the manifest, or one that the user allowed.

    A name of the form `open_clip:MODEL/WEIGHTS` needs no entry, and may be any repository of the hub or any file.
    It is allowed by the setting `allow_models`, or if the user has used it before.
    Raises ModelError for any other name.
    """
    if name in manifest.entries or not name.startswith(OPEN_CLIP):
        return manifest.entry(name)
    allowed = [part.strip() for part in settings.resolve("allow_models").value.split(",")]
    if name not in allowed and name not in Record.load().used:
        raise ModelError(
            f"the database names the model {name!a}, which is not in your manifest",
            hint=f"if you trust it: animeds --allow-models '{name}' …, or ANIMEDS_ALLOW_MODELS",
        )
    return manifest.entry(name)


def remember_used(names: list[str]) -> None:
    """Record models without an entry that the user asked for by name, so that a database may name them."""
    new = {name for name in names if name.startswith(OPEN_CLIP)} - set(Record.load().used)
    if new:
        with Record.changing() as record:
            record.used = sorted({*record.used, *new})

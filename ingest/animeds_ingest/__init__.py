"""Episodes and pictures in, rows out: `ingest`; then `read_text`, `shots`, `tag`, `detect`, `embed`, `describe`, …"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from animeds_ingest.verbs import (
        classify_frames,
        describe,
        detect,
        drop_model,
        embed,
        ingest,
        mask_logos,
        read_text,
        segment,
        shots,
        tag,
    )

__all__ = [
    "classify_frames",
    "describe",
    "detect",
    "drop_model",
    "embed",
    "ingest",
    "mask_logos",
    "read_text",
    "segment",
    "shots",
    "tag",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from animeds_ingest import verbs

        return getattr(verbs, name)
    raise AttributeError(f"module 'animeds_ingest' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

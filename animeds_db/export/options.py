"""What a person may choose about an export. The one rule: a wrong value is refused here, before any work."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.export.captions import DEFAULT_THRESHOLD, CaptionStyle
from animeds_db.export.layouts import LAYOUTS
from animeds_db.export.render import FORMATS

_NOT_IN_BYTES = (
    "overwrite",
    "workers",
)  # options that change nothing in the folder, so no manifest names them


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export. Raises UsageError for a value that makes no sense."""

    image_format: str = "png"
    """`png`, `webp` or `jpg`."""
    quality: int = 95
    """1…100, of WebP and JPEG; PNG loses nothing."""
    max_size: int | None = None
    """Longest edge in pixels; larger pictures are scaled down (Lanczos), smaller ones stay."""
    layout: str = "plain"
    """`plain`: folders as the selection says. `kohya`: one level of `N_name`, N the repeats."""
    captions: bool = True
    """Write a `.txt` beside each picture."""
    activation_tag: str | None = None
    threshold: float = DEFAULT_THRESHOLD
    """Lowest score of a tag in a caption, 0…1."""
    keep_character_tags: bool = False
    keep_underscores: bool = False
    overwrite: bool = False
    """Replace a folder that an export made and nobody changed since."""
    workers: int | None = None
    """Threads that scale and encode; None: one per core, at most eight."""

    def __post_init__(self) -> None:
        _known("picture format", self.image_format, FORMATS)
        _known("layout", self.layout, LAYOUTS)
        _within("quality", self.quality, 1, 100)
        _within("threshold", self.threshold, 0, 1)
        _within("max-size", self.max_size, 1, None)
        _within("workers", self.workers, 1, None)

    @property
    def style(self) -> CaptionStyle:
        """How tags become a caption."""
        return CaptionStyle(
            self.activation_tag, self.threshold, self.keep_character_tags, self.keep_underscores
        )

    def recorded(self) -> dict[str, Any]:
        """Return the options that decide about the folder's bytes."""
        return {name: value for name, value in asdict(self).items() if name not in _NOT_IN_BYTES}

    @classmethod
    def from_record(cls, record: dict[str, Any], *, overwrite: bool, workers: int | None) -> ExportOptions:
        """Return the options of a manifest. Raises UsageError for one that this version does not know."""
        for name in record:
            _known("option", name, [f.name for f in fields(cls)])
        return cls(**record, overwrite=overwrite, workers=workers)


@dataclass(frozen=True)
class Provenance:
    """Where a selection came from: what a manifest tells besides the pictures themselves."""

    database: str | None = None
    """Path or URI of the database."""
    versions: dict[str, int] = field(default_factory=dict)
    """Version of each of its tables."""
    query: str | None = None
    """Name of the query, if it has one."""
    sql: str | None = None
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportReport:
    """What was written."""

    folder: Path
    n_pictures: int
    n_sources: int
    n_bytes: int
    """Size of the pictures, without captions."""
    folders: dict[str, int]
    """Pictures per folder, by its path relative to `folder` (the top is an empty string)."""
    notes: tuple[str, ...] = ()
    """What a person should know, one sentence each."""
    differing: tuple[str, ...] = ()
    """Of a rebuild: pictures whose bytes are not those of the manifest (another encoder version)."""


def _known(what: str, value: str, known: Any) -> None:
    if value not in known:
        raise UsageError(f'there is no {what} "{value}"', hint=did_you_mean(value, known))


def _within(what: str, value: float | None, low: float, high: float | None) -> None:
    if value is None:
        return
    if not (low <= value and (high is None or value <= high)):
        bounds = f"at least {low}" if high is None else f"between {low} and {high}"
        raise UsageError(f"{what} is {value}, and must be {bounds}")

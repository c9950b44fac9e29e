"""What a person may choose about an export. The one rule: a wrong value is refused here, before any work."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.export.crops import CropOptions
from animeds_db.export.layouts import LAYOUTS, PROBLEMS, Layout, Settings
from animeds_db.export.names import safe_folder
from animeds_db.export.render import FORMATS
from animeds_db.export.sidecars import SIDECARS
from animeds_db.export.sizes import Resize
from animeds_db.export.typed import check_types

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
    """Longer edge in pixels; larger pictures are scaled down (Lanczos), smaller ones stay."""
    short_edge: int | None = None
    """Shorter edge in pixels, likewise."""
    bucket: int | None = None
    """Edges become multiples of 64 with about the area of a square of this side, see sizes.py."""
    upscale: bool = False
    """Enlarge smaller pictures too."""
    crops: CropOptions = field(default_factory=CropOptions)
    """Which parts of the frames become pictures."""
    layouts: tuple[str, ...] = ("plain",)
    """Of LAYOUTS. Several: each gets a folder of its name, and a picture's bytes are stored once."""
    sidecars: tuple[str, ...] = ()
    """Of SIDECARS: files with what is known of a picture, beside it."""
    trainer_root: str = ""
    """Where the trainer finds the folder, for configuration files. "": it is started in the folder; for a layout
    whose trainer cannot be, the folder as it was written."""
    resolution: int | None = None
    """For configuration files: side of the square that pictures are trained at. None: as resized, or 1024."""
    captions: bool = True
    """Write a `.txt` beside each picture."""
    activation_tag: str | None = None
    threshold: float | None = None
    """Lowest score of a tag in a caption, 0…1. None: the tagger's own threshold."""
    keep_character_tags: bool = False
    keep_underscores: bool = False
    keep_tokens_separator: str = ""
    """What parts captions into what stays in front and what a trainer may shuffle; "": nothing does."""
    overwrite: bool = False
    """Replace a folder that an export made and nobody changed since."""
    workers: int | None = None
    """Threads that scale and encode; None: one per core, at most eight."""

    def __post_init__(self) -> None:
        _known("picture format", self.image_format, FORMATS)
        for what, values, known in (
            ("layout", self.layouts, LAYOUTS),
            ("sidecar", self.sidecars, SIDECARS),
        ):
            for value in values:
                if what == "layout" and value in PROBLEMS:
                    raise UsageError(PROBLEMS[value], hint="Update or uninstall that package.")
                _known(what, value, known)
            if len(set(values)) != len(values):
                raise UsageError(f"a {what} is given twice: {', '.join(values)}")
        _within("quality", self.quality, 1, 100)
        _within("threshold", self.threshold, 0, 1)
        _within("workers", self.workers, 1, None)
        _within("resolution", self.resolution, 64, None)
        _ = self.resize  # refuses sizes that contradict each other
        self._check_layouts()

    def _check_layouts(self) -> None:
        if not self.layouts:
            raise UsageError("an export has at least one layout", hint=did_you_mean("", LAYOUTS))
        if self.sidecars and all(layout.tells for layout in self.chosen):
            raise UsageError(
                f"sidecars have no place in the layout {', '.join(self.layouts)}: it tells all that they would",
                hint="leave out --sidecar, or add --layout plain",
            )
        if not self.captions:
            silent = [layout.name for layout in self.chosen if layout.needs_captions]
            if silent:
                raise UsageError(
                    f"{', '.join(silent)} trains on captions, and --no-captions leaves them out",
                    hint="leave out --no-captions, or choose --layout kohya",
                )
            self._check_class_tokens()
        globbing = [layout.name for layout in self.chosen if layout.globs]
        if globbing and set(self.trainer_root) & set("[]*?"):
            raise UsageError(
                f"--trainer-root {self.trainer_root} has brackets, * or ?, and {', '.join(globbing)} would take it "
                "for a pattern",
                hint="give the folder a path without them",
            )
        if not any(layout.has_config for layout in self.chosen):
            for name, value in (("trainer-root", self.trainer_root), ("resolution", self.resolution)):
                if value:
                    homes = ", ".join(layout.name for layout in LAYOUTS.values() if layout.has_config)
                    raise UsageError(
                        f"--{name} has no place in the layout {', '.join(self.layouts)}",
                        hint=f"these have configuration files: {homes}",
                    )

    def _check_class_tokens(self) -> None:
        tag = self.activation_tag
        if not tag:
            return
        if not any(layout.class_tokens for layout in self.chosen):
            homes = ", ".join(layout.name for layout in LAYOUTS.values() if layout.class_tokens)
            raise UsageError(
                f"the layout {', '.join(self.layouts)} has no use for --activation-tag without captions",
                hint=f"leave out one of --no-captions and --activation-tag; class tokens are read from: {homes}",
            )
        if "kohya" in self.layouts and safe_folder(tag) != tag:
            raise UsageError(
                f'kohya reads class tokens from a folder\'s name, and "{tag}" cannot be one on every system',
                hint="choose --layout kohya-toml, or another --activation-tag",
            )

    @property
    def chosen(self) -> tuple[Layout, ...]:
        """The layouts themselves."""
        return tuple(LAYOUTS[name] for name in self.layouts)

    @property
    def resize(self) -> Resize:
        """What size pictures get."""
        return Resize(self.max_size, self.short_edge, self.bucket, self.upscale)

    @property
    def tells(self) -> bool:
        """Whether some file tells all that is known of a picture."""
        return bool(self.sidecars) or any(layout.tells for layout in self.chosen)

    @property
    def is_loose(self) -> bool:
        """Whether pictures lie in some folder by themselves, and not only in archives."""
        return any(layout.pack is None for layout in self.chosen)

    def settings(self, layout: Layout, out: Path) -> Settings:
        """Return what the configuration files of a layout say besides the pictures; `out` is the export's folder."""
        root = self.trainer_root.rstrip("/") or (out.as_posix() if layout.absolute else "")
        root = "/".join(part for part in (root, self.folder_of(layout)) if part) if root else ""
        edge = self.resolution or self.bucket or self.short_edge or 1024
        return Settings(root, edge, self.activation_tag, self.keep_tokens_separator)

    def folder_of(self, layout: Layout) -> str:
        """Return the folder of a layout, relative to the export: its name, or the top where it is the only one."""
        return layout.name if len(self.layouts) > 1 else ""

    def recorded(self) -> dict[str, Any]:
        """Return the options that decide about the folder's bytes."""
        record = {name: value for name, value in asdict(self).items() if name not in _NOT_IN_BYTES}
        record |= {name: list(value) for name, value in record.items() if isinstance(value, tuple)}
        return record | {"crops": self.crops.record()}

    @classmethod
    def from_record(cls, record: dict[str, Any], *, overwrite: bool, workers: int | None) -> ExportOptions:
        """Return the options of a manifest. Raises UsageError for one that this version does not know."""
        for name in record:
            _known("option", name, [f.name for f in fields(cls)])
        try:
            check_types(cls, {name: value for name, value in record.items() if name != "crops"})
            check_types(CropOptions, record.get("crops", {}))
        except TypeError as error:
            raise UsageError(f"an option is not valid: {error}") from error
        values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in record.items()}
        values["crops"] = CropOptions.from_record(values.get("crops", {}))
        return cls(**values, overwrite=overwrite, workers=workers)


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
    shape: dict[str, Any] = field(default_factory=dict)
    """What folders and captions were made by: `arrangement`, and what `captions` differ in from the default."""


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
    """Of a rebuild: files whose bytes are not those of the manifest (another encoder version)."""


def _known(what: str, value: str, known: Any) -> None:
    if value not in known:
        raise UsageError(f'there is no {what} "{value}"', hint=did_you_mean(value, known))


def _within(what: str, value: float | None, low: float, high: float | None) -> None:
    if value is None:
        return
    if not (low <= value and (high is None or value <= high)):
        bounds = f"at least {low}" if high is None else f"between {low} and {high}"
        raise UsageError(f"{what} is {value}, and must be {bounds}")

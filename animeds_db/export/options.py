"""The options of an export, checked before any work is done, and the report of what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from animeds_db.captions import CaptionProfile
from animeds_db.errors import UsageError, did_you_mean
from animeds_db.export.columns.arrange import Arrangement
from animeds_db.export.columns.balance import Balance
from animeds_db.export.columns.crops import CropOptions
from animeds_db.export.layouts import LAYOUTS, PROBLEMS, Layout, Settings
from animeds_db.export.layouts.common import CONTROL_KINDS
from animeds_db.export.names import FRAMES_SUFFIX, safe_folder
from animeds_db.export.pictures.masks import FORMATS as FORMATS_OF_MASKS
from animeds_db.export.pictures.masks import MOVING, MOVING_SUFFIX, MaskOptions
from animeds_db.export.pictures.render import FORMATS
from animeds_db.export.pictures.sizes import Resize
from animeds_db.export.sidecars import SIDECARS, WRITTEN
from animeds_db.export.typed import check_fields, check_types, from_record, record_of
from animeds_db.notebook import as_html

_NOT_RECORDED = ("balance", "overwrite", "workers")
"""Options that a manifest leaves out. A balance is recorded as the repeats of each picture; the others change nothing
in the folder."""
_NESTED = ("crops", "masks", "profile", "arrangement")
"""Options that are records of their own."""
_DROPOUT = "The trainer can do this itself: caption_dropout_rate."


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export. Raises UsageError for a value that is not valid, or for a contradiction."""

    image_format: str = "png"
    """`png`, `webp` or `jpg`."""
    quality: int = 95
    """Quality of WebP and JPEG, 1…100. PNG is lossless."""
    max_size: int | None = None
    """Maximum longer edge in pixels. Larger pictures are scaled down (Lanczos)."""
    short_edge: int | None = None
    """Maximum shorter edge in pixels. Larger pictures are scaled down."""
    bucket: int | None = None
    """Side of a square in pixels. Edges become multiples of 64, with about the area of that square; see sizes.py."""
    upscale: bool = False
    """Enlarge smaller pictures as well."""
    crops: CropOptions = field(default_factory=CropOptions)
    """Which parts of the frames become pictures."""
    controls: tuple[str, ...] = ()
    """Names from CONTROL_KINDS: what controls of every picture show, besides those that the selection names."""
    masks: MaskOptions = field(default_factory=MaskOptions)
    """What a trainer learns from the pictures, and what becomes of their background."""
    layouts: tuple[str, ...] = ("plain",)
    """Names from LAYOUTS. If there are several, each has a folder with its name; the pictures are stored once."""
    sidecars: tuple[str, ...] = ()
    """Names from SIDECARS: metadata files beside each picture."""
    trainer_root: str = ""
    """Path at which the trainer finds the folder, for configuration files. "": the trainer is started in the folder. If
    it cannot be, the path at which the folder was written."""
    resolution: int | None = None
    """Training resolution in configuration files: side of a square in pixels. None: that of resizing, else 1024."""
    captions: bool = True
    """Write captions if the layout uses them. False: only the images, with the activation tag as class token."""
    profile: CaptionProfile = field(default_factory=CaptionProfile)
    """Every setting of the captions. Its `thresholds["general"]` also decides which tags count people in folders."""
    arrangement: Arrangement = field(default_factory=Arrangement)
    """Folders named after facts about the pictures."""
    balance: Balance | None = None
    """Repeats that balance the folders. None: the repeats of the selection."""
    overwrite: bool = False
    """Replace a folder that an export made and that has not been changed since."""
    workers: int | None = None
    """Number of threads that scale and encode. None: one per core, at most eight."""

    def __post_init__(self) -> None:
        _known("picture format", self.image_format, FORMATS)
        for what, values, known in (
            ("layout", self.layouts, LAYOUTS),
            ("sidecar", self.sidecars, SIDECARS),
            ("control", self.controls, CONTROL_KINDS),
        ):
            for value in values:
                if what == "layout" and value in PROBLEMS:
                    raise UsageError(PROBLEMS[value], hint="Update or uninstall that package.")
                _known(what, value, known)
            if len(set(values)) != len(values):
                raise UsageError(f"A {what} is given twice: {', '.join(values)}.")
        _within("quality", self.quality, 1, 100)
        _within("workers", self.workers, 1, None)
        _within("resolution", self.resolution, 64, None)
        _ = self.resize  # refuses sizes that contradict each other
        self._check_layouts()
        self._check_masks()
        if self.captions:
            self.check_profile(self.profile)

    def check_profile(self, profile: CaptionProfile) -> None:
        """Raise UsageError if the trainers of the layouts would misunderstand the captions of a profile."""
        profile = profile.settled() if self.settled else profile
        separator = profile.keep_tokens_separator
        for is_wrong, reads, what, hint in (
            (
                profile.variants > 1,
                "reads_lines",
                "one caption per picture, but variants make several.",
                "",
            ),
            (
                bool(separator),
                "reads_separator",
                f'no keep_tokens_separator: it would train on "{separator}".',
                "Choose another caption profile with --captions.",
            ),
            (
                profile.dropout > 0,
                "reads_empty",
                "no empty captions, but dropout makes some empty.",
                _DROPOUT,
            ),
        ):
            names = [layout.name for layout in self.chosen if not getattr(layout, reads)]
            if is_wrong and names:
                others = ", ".join(layout.name for layout in LAYOUTS.values() if getattr(layout, reads))
                raise UsageError(
                    f"{', '.join(names)} reads {what}", hint=hint or f"These layouts do: {others}"
                )

    def _check_layouts(self) -> None:
        if not self.layouts:
            raise UsageError("An export needs at least one layout.", hint=did_you_mean("", LAYOUTS))
        if self.sidecars and all(layout.tells for layout in self.chosen):
            raise UsageError(
                f"The layout {', '.join(self.layouts)} does not need sidecars: its own files contain the same facts.",
                hint="Omit --sidecar, or add --layout plain.",
            )
        if {"json", "nl"} <= set(self.sidecars):
            raise UsageError("The sidecars json and nl have the same file name.", hint="Choose one of them.")
        if self.documents and not self.captions:
            raise UsageError(
                f"The caption profile writes the sidecar {self.documents[0]}, so it cannot be combined with "
                "--no-captions."
            )
        if not self.captions:
            silent = [layout.name for layout in self.chosen if layout.needs_captions]
            if silent:
                raise UsageError(
                    f"{', '.join(silent)} trains on captions, so it cannot be combined with --no-captions.",
                    hint="Omit --no-captions, or choose --layout kohya.",
                )
            self._check_class_tokens()
        globbing = [layout.name for layout in self.chosen if layout.globs]
        if globbing and set(self.trainer_root) & set("[]*?"):
            raise UsageError(
                f"--trainer-root {self.trainer_root} contains brackets, * or ?, which {', '.join(globbing)} would read "
                "as a pattern.",
                hint="Choose a path without these characters.",
            )
        if not any(layout.has_config for layout in self.chosen):
            for name, value in (("trainer-root", self.trainer_root), ("resolution", self.resolution)):
                if value:
                    homes = ", ".join(layout.name for layout in LAYOUTS.values() if layout.has_config)
                    raise UsageError(
                        f"--{name} has no effect in the layout {', '.join(self.layouts)}.",
                        hint=f"These layouts have configuration files: {homes}",
                    )

    def _check_masks(self) -> None:
        kind = self.mask_format
        if (kind == "alpha" or self.masks.background == "remove") and self.image_format == "jpg":
            raise UsageError("JPEG has no transparency.", hint="Add --image png or --image webp.")
        if kind is None:
            return
        if "simpletuner" in self.layouts and self.image_format != "png":
            raise UsageError(
                "SimpleTuner looks for a mask under the file name of its picture, and masks are PNG.",
                hint="Add --image png.",
            )
        if "kohya-toml" in self.layouts and kind != "alpha" and not self.captions:
            raise UsageError(
                "sd-scripts need captions for pictures with mask files.",
                hint="Omit --no-captions, or choose --mask-format alpha.",
            )

    @property
    def mask_format(self) -> str | None:
        """How masks are stored, a name from masks.FORMATS. None: there are none.

        Raises UsageError if a layout cannot hold masks, or if no format suits all layouts.
        """
        if not self.masks.has_file:
            return None
        without = [layout.name for layout in self.chosen if not layout.masks]
        if without:
            raise UsageError(
                f"The layout {', '.join(without)} cannot hold masks: its trainer reads none.",
                hint=f"These can: {', '.join(one.name for one in LAYOUTS.values() if one.masks)}",
            )
        given, first = self.masks.format, self.chosen[0].masks
        wanted = first if given is None else (given,)
        fitting = [one for one in wanted if all(one in layout.masks for layout in self.chosen)]
        if not fitting:
            reads = "; ".join(f"{layout.name}: {', '.join(layout.masks)}" for layout in self.chosen)
            what = (
                "No mask format suits all layouts."
                if given is None
                else f"--mask-format {given} does not suit."
            )
            raise UsageError(
                f"{what} {reads}", hint="Choose one of these formats, or export each layout alone."
            )
        return fitting[0]

    def mask_part(self, suffix: str | None = None) -> str:
        """Return the name of the part that has the mask; "": no file has it. suffix: that of a clip's file."""
        kind = self.mask_format
        if kind == MOVING and suffix is not None:
            return f"mask{suffix if suffix == FRAMES_SUFFIX else MOVING_SUFFIX}"
        return "" if kind is None else FORMATS_OF_MASKS[kind]

    def _check_class_tokens(self) -> None:
        tag = self.profile.activation_tag
        if not tag:
            return
        if not any(layout.class_tokens for layout in self.chosen):
            homes = ", ".join(layout.name for layout in LAYOUTS.values() if layout.class_tokens)
            raise UsageError(
                f"The layout {', '.join(self.layouts)} does not use --activation-tag without captions.",
                hint=f"Omit --no-captions or --activation-tag, or choose a layout with class tokens: {homes}",
            )
        if "kohya" in self.layouts and safe_folder(tag) != tag:
            raise UsageError(
                f'kohya reads class tokens from folder names, but "{tag}" is not a valid folder name on every system.',
                hint="Choose --layout kohya-toml, or another --activation-tag.",
            )

    @property
    def chosen(self) -> tuple[Layout, ...]:
        """The chosen layouts."""
        return tuple(LAYOUTS[name] for name in self.layouts)

    @property
    def documents(self) -> tuple[str, ...]:
        """The sidecars that the caption profile writes."""
        return tuple(kind for kind in self.sidecars if kind in WRITTEN)

    @property
    def settled(self) -> bool:
        """True if nothing in the caption files is random, because the sidecar `variants` has all that is."""
        return "variants" in self.sidecars

    @property
    def resize(self) -> Resize:
        """How pictures are resized."""
        return Resize(self.max_size, self.short_edge, self.bucket, self.upscale)

    @property
    def beside(self) -> tuple[str, ...]:
        """The suffixes of files beside every picture, besides captions and sidecars."""
        return ()

    @property
    def tells(self) -> bool:
        """True if some file of the export contains the facts about a picture (tags, boxes, …)."""
        return bool(self.sidecars) or any(layout.tells for layout in self.chosen)

    @property
    def is_loose(self) -> bool:
        """True if some layout writes pictures as files of their own, and not only into archives."""
        return any(layout.pack is None for layout in self.chosen)

    def settings(self, layout: Layout, out: Path) -> Settings:
        """Return the settings for the configuration files of a layout. `out` is the folder of the export."""
        root = self.trainer_root.rstrip("/") or (out.as_posix() if layout.absolute else "")
        root = "/".join(part for part in (root, self.folder_of(layout)) if part) if root else ""
        edge = self.resolution or self.bucket or self.short_edge or 1024
        tag, separator = self.profile.activation_tag, self.profile.keep_tokens_separator
        return Settings(root, edge, tag, separator, mask_format=self.mask_format)

    def folder_of(self, layout: Layout) -> str:
        """Return the folder of a layout, relative to the export: its name, or "" if it is the only layout."""
        return layout.name if len(self.layouts) > 1 else ""

    def recorded(self) -> dict[str, Any]:
        """Return the options on which the bytes of the folder depend, as JSON holds them."""
        names = [f.name for f in fields(self) if f.name not in (*_NOT_RECORDED, *_NESTED)]
        values = {name: getattr(self, name) for name in names}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return plain | {
            "crops": record_of(self.crops),
            "masks": record_of(self.masks),
            "profile": self.profile.record(),
            "arrangement": record_of(self.arrangement),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ExportOptions:
        """Return the options of a manifest. Raises UsageError for an option that is unknown or not valid."""
        for name in record:
            _known("option", name, [f.name for f in fields(cls) if f.name not in _NOT_RECORDED])
        plain = {name: value for name, value in record.items() if name not in _NESTED}
        try:
            check_types(cls, plain)
            check_fields(
                {"profile": dict[str, Any]}, {"profile": record.get("profile", {})}, "caption profile"
            )
            values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in plain.items()}
            values["crops"] = from_record(CropOptions, record.get("crops", {}))
            values["masks"] = from_record(MaskOptions, record.get("masks", {}))
            values["arrangement"] = from_record(Arrangement, record.get("arrangement", {}))
        except TypeError as error:
            raise UsageError(f"An option is not valid: {error}") from error
        return cls(**values, profile=CaptionProfile().merged(record.get("profile", {})))


@dataclass(frozen=True)
class Provenance:
    """Where a selection came from."""

    database: str | None = None
    """Path or URI of the database."""
    versions: dict[str, int] = field(default_factory=dict)
    """Version of each table."""
    query: str | None = None
    """Name of the query, or None for SQL."""
    sql: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, str] = field(default_factory=dict)
    """The recipe that made the export: `file`, its path relative to the folder, and `inputs`, a fingerprint of what the
    folder was made of. Empty: no recipe made it."""

    def record(self) -> dict[str, Any]:
        """Return it as a manifest holds it."""
        return {name: value for name, value in vars(self).items() if name != "recipe" or value}


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote."""

    folder: Path
    n_pictures: int
    n_sources: int
    n_bytes: int
    """Size of the pictures in bytes, without captions."""
    folders: dict[str, int]
    """Number of pictures per folder, by its path relative to `folder`; "" is the top."""
    notes: tuple[str, ...] = ()
    """Notes for the user, one sentence each."""
    noun: str = "picture"
    """What was written: picture or clip."""
    differing: tuple[str, ...] = ()
    """After a rebuild: files that differ from the manifest, because an encoder has another version now."""

    def _repr_html_(self) -> str:
        """Return the report as HTML, which notebooks display."""
        rows = [{"folder": name or ".", f"{self.noun}s": n} for name, n in self.folders.items()]
        return as_html([f"{self.n_pictures} {self.noun}s in {self.folder}", *self.notes], rows)


def _known(what: str, value: str, known: Any) -> None:
    if value not in known:
        raise UsageError(f'There is no {what} "{value}".', hint=did_you_mean(value, known))


def _within(what: str, value: float | None, low: float, high: float | None) -> None:
    if value is None:
        return
    if not (low <= value and (high is None or value <= high)):
        bounds = f"at least {low}" if high is None else f"between {low} and {high}"
        raise UsageError(f"{what} is {value}. It must be {bounds}.")

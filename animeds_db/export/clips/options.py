"""The options of an export of clips: those of pictures, and what only moving pictures have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from animeds_db.errors import UsageError
from animeds_db.export.layouts import LAYOUTS, Layout, Settings
from animeds_db.export.names import FRAMES_SUFFIX
from animeds_db.export.options import ExportOptions
from animeds_db.export.pictures.render import FORMATS
from animeds_db.media.clips import Encoding

_FRAMES = re.compile(r"any|[1-9]\d*n\+\d+|[1-9]\d*(,[1-9]\d*)*")
_NTSC = 1001
"""Denominator of rates such as 23.976, which are 24000/1001."""
RESOLUTION = 512
"""Training resolution of clips at full size. At 1024, few graphics cards hold the frames of one clip."""
WIDE_SQUARE = 0.75
"""Side of a square with the area of a 16:9 picture, as a share of the picture's width."""


@dataclass(frozen=True)
class ClipOptions(ExportOptions):
    """Options of an export of clips. Raises UsageError for a value that is not valid, or for a contradiction.

    Sizes, crops, captions, folders and layouts are those of ExportOptions; `image_format` and `quality` are those of
    frame folders and first frames.
    """

    fps: float | None = 16.0
    """Frames per second. None: those of each source, every frame as it is."""
    frames: str = "4n+1"
    """Numbers of frames that the trainer accepts: `4n+1`, `8n+1`, a list such as `34,68,102`, or `any`."""
    max_frames: int | None = 81
    """Maximum number of frames. A longer clip ends there. None: no limit."""
    lossless: bool = False
    """Store every picture without a loss. Frames that are neither cropped nor scaled are stored bit for bit."""
    crf: int = 12
    """Quality of H.264, 0 (best) … 51."""
    sound: str | None = None
    """Track of sound: "default", a number from 1, a language such as `jpn`, or a part of its title. None: no sound."""
    wav: bool = False
    """Write the sound as `.wav` beside the clip, instead of into it."""
    first_frame: bool = False
    """Write the first frame of each clip as a picture beside it, for image-to-video."""
    frame_folders: bool = False
    """Write a folder of pictures instead of a video file."""
    deinterlace: bool = False
    """Make interlaced frames whole. Without this, interlaced sources are an error."""
    dialogue: bool = False
    """Add what is said, and by whom, to the captions."""

    def __post_init__(self) -> None:
        if not _FRAMES.fullmatch(self.frames.replace(" ", "")):
            raise UsageError(
                f"frames is {self.frames}.", hint="It must be 4n+1, 8n+1, a list such as 34,68,102, or any."
            )
        for name, value, low, high in (
            ("fps", self.fps, 1, 240),
            ("max-frames", self.max_frames, 1, 100_000),
            ("crf", self.crf, 0, 51),
        ):
            if value is not None and not low <= value <= high:
                raise UsageError(f"{name} is {value}. It must be between {low} and {high}.")
        if self.controls:
            raise UsageError(
                "--control is for pictures.",
                hint="A selection of clips names controls in the column control_id.",
            )
        if self.wav and self.sound is None:
            raise UsageError("--wav needs a track of sound.", hint="Add --audio default.")
        if self.frame_folders and self.sound is not None and not self.wav:
            raise UsageError("A folder of frames holds no sound.", hint="Add --wav, or omit --audio.")
        if self.frame_folders and self.lossless:
            raise UsageError("--lossless is for video files.", hint="Omit it, and use --image png.")
        if self.masks.background == "remove":
            raise UsageError("A clip has no transparency.", hint="Choose a colour: --background '#ffffff'")
        self._check_clip_layouts()
        super().__post_init__()

    def _check_clip_layouts(self) -> None:
        for name in self.layouts:
            layout = LAYOUTS.get(name)
            if layout is None:
                continue  # reported for pictures as well
            if layout.clips is None:
                raise UsageError(
                    f"The layout {name} cannot hold clips.",
                    hint="These can: " + ", ".join(one.name for one in LAYOUTS.values() if one.clips),
                )
            if self.frame_folders and not layout.clips.frame_folders:
                raise UsageError(
                    f"{name} reads video files, not folders of frames.", hint="Omit --frame-folders."
                )
            if self.beside and not layout.clips.other_media:
                raise UsageError(
                    f"{name} would train on the files beside a clip ({', '.join(self.beside)}).",
                    hint="Omit --wav and --first-frame, or choose another layout.",
                )

    @property
    def chosen(self) -> tuple[Layout, ...]:
        """The chosen layouts, as they hold clips."""
        return tuple(LAYOUTS[name].clips or LAYOUTS[name] for name in self.layouts)

    @property
    def beside(self) -> tuple[str, ...]:
        """The suffixes of files beside every clip, besides captions and sidecars."""
        sound = (".wav",) if self.wav else ()
        return (*sound, FORMATS[self.image_format].suffix) if self.first_frame else sound

    @property
    def rate(self) -> Fraction | None:
        """Frames per second, exactly: 23.976 is 24000/1001. None: those of each source."""
        return None if self.fps is None else as_rate(self.fps)

    @property
    def encoding(self) -> Encoding:
        """How clips are encoded."""
        return Encoding(lossless=self.lossless, crf=self.crf)

    @property
    def suffix(self) -> str | None:
        """Suffix of the clips. None: it depends on the pixels of the source."""
        if self.frame_folders:
            return FRAMES_SUFFIX
        return None if self.lossless else ".mp4"

    def encoded(self) -> list[Any]:
        """Return all options on which the bytes of a clip depend, besides size, picture format and quality."""
        names = ("fps", "lossless", "crf", "sound", "wav", "first_frame", "frame_folders", "deinterlace")
        return [getattr(self, name) for name in names]

    def settings(self, layout: Layout, out: Path) -> Settings:
        """Return the settings for the configuration files of a layout. `out` is the folder of the export.

        The training resolution is that of the clips; of clips at full size it is RESOLUTION.
        """
        longest = RESOLUTION if self.max_size is None else round(WIDE_SQUARE * self.max_size)
        edge = self.resolution or self.bucket or self.short_edge or longest
        made = super().settings(layout, out)
        return replace(made, resolution=edge, fps=self.fps, has_sound=self.sound is not None)


def as_rate(fps: float) -> Fraction:
    """Return a rate as a fraction: 23.976 and the like are multiples of 1000/1001."""
    ntsc = Fraction(round(fps * _NTSC / 1000) * 1000, _NTSC)
    return (
        ntsc
        if abs(float(ntsc) - fps) < 0.001 and fps != round(fps)
        else Fraction(fps).limit_denominator(1000)
    )


def options_from(record: Mapping[str, Any]) -> ExportOptions:
    """Return the options of a manifest: of clips if they have a number of frames. Raises UsageError."""
    return (ClipOptions if "frames" in record else ExportOptions).from_record(record)

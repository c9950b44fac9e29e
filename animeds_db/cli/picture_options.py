"""The options of `animeds export` for the format, the size and the crops of pictures."""

from __future__ import annotations

from typing import Annotated

import typer

SIZE, CROP = "Size", "Crops"
"""Panels of `animeds export --help`."""

ImageOption = Annotated[str, typer.Option(help="png, webp or jpg.")]
QualityOption = Annotated[int, typer.Option(help="Quality of WebP and JPEG, 1…100.")]
MaxSizeOption = Annotated[
    int | None,
    typer.Option(
        help="Maximum longer edge in pixels. Larger pictures are scaled down.", rich_help_panel=SIZE
    ),
]
ShortEdgeOption = Annotated[
    int | None,
    typer.Option(
        help="Maximum shorter edge in pixels. Larger pictures are scaled down.", rich_help_panel=SIZE
    ),
]
BucketOption = Annotated[
    int | None,
    typer.Option(
        help="Crop and scale to edges in multiples of 64, with about the area of a square of this side.",
        rich_help_panel=SIZE,
    ),
]
UpscaleOption = Annotated[
    bool, typer.Option("--upscale", help="Enlarge smaller pictures as well.", rich_help_panel=SIZE)
]
CropOption = Annotated[
    list[str] | None,
    typer.Option(
        help="What to cut out: frame, face, head, halfbody, person, or another kind of box. Can be repeated.",
        rich_help_panel=CROP,
    ),
]
TrimOption = Annotated[
    list[str] | None,
    typer.Option(help="Remove before cropping: borders, subtitles. Can be repeated.", rich_help_panel=CROP),
]
CropMarginOption = Annotated[
    float | None,
    typer.Option(
        help="Margin added on each side, as a share of the box. With faces: a close square.",
        rich_help_panel=CROP,
    ),
]
MinFacesOption = Annotated[
    int, typer.Option(help="Minimum number of faces for a frame to be cropped.", rich_help_panel=CROP)
]
MinCropSizeOption = Annotated[
    int,
    typer.Option(help="Minimum shorter edge of a crop, in pixels of the frame.", rich_help_panel=CROP),
]
MaxCropShareOption = Annotated[
    float,
    typer.Option(
        help="Use the whole frame where a head, halfbody or person crop takes more of it than this share.",
        rich_help_panel=CROP,
    ),
]

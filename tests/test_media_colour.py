"""Pixels as a person should see them: matrix, range, depth, HDR, shape of the pixels, orientation."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from videos import write_video

from animeds_db.media import Frame, Video
from animeds_db.media.colour import Tags, geometry, resolve

PATCHES = np.array(
    [
        [255, 255, 255],
        [0, 0, 0],
        [128, 128, 128],
        [255, 219, 193],  # skin
        [180, 40, 50],  # red hair
        [240, 150, 190],  # pink hair
        [60, 90, 200],
        [40, 160, 80],
        [250, 220, 60],
        [110, 60, 150],
        [20, 20, 30],
        [90, 200, 220],
    ],
    np.uint8,
)


def patches(width: int, height: int) -> np.ndarray:
    """Return a picture of 4 × 3 flat patches, uint8 [h, w, 3]."""
    across, down = np.arange(width) * 4 // width, np.arange(height) * 3 // height
    picture: np.ndarray = PATCHES[down[:, None] * 4 + across[None, :]]
    return picture


def centres(picture: np.ndarray) -> np.ndarray:
    """Return the colours in the middle of the patches, int [12, 3]."""
    height, width = picture.shape[:2]
    y, x = (2 * np.arange(3) + 1) * height // 6, (2 * np.arange(4) + 1) * width // 8
    return picture[np.ix_(y, x)].reshape(12, -1).astype(int)


def first_frame(path: Path) -> Frame:
    return next(Video(path).keyframes())


def patches_video(path: Path, width: int = 192, height: int = 96, **arguments: object) -> Path:
    return write_video(path, pictures=[patches(width, height)] * 2, lossless=True, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv444p"])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
def test_tagged_colours_come_out_right(tmp_path: Path, matrix: str, full_range: bool, pix_fmt: str) -> None:
    path = patches_video(tmp_path / "a.mkv", matrix=matrix, full_range=full_range, pix_fmt=pix_fmt)
    frame = first_frame(path)
    assert np.abs(centres(frame.pixels()) - PATCHES).max() <= 3
    assert np.abs(centres(frame.scaled(64, 32)) - PATCHES).max() <= 4
    assert Video(path).info.colour == f"{matrix} {'full' if full_range else 'limited'}"


@pytest.mark.parametrize(
    ("size", "matrix"),
    [((192, 96), "bt601"), ((1280, 96), "bt709"), ((192, 720), "bt709"), ((854, 480), "bt601")],
)
def test_untagged_video_is_bt709_from_hd_on_and_bt601_below(
    tmp_path: Path, size: tuple[int, int], matrix: str
) -> None:
    path = patches_video(tmp_path / "a.mkv", *size, matrix=matrix, tagged=False)
    assert Video(path).info.colour == f"{matrix} limited (assumed)"
    assert np.abs(centres(first_frame(path).pixels()) - PATCHES).max() <= 3
    assert np.abs(centres(first_frame(path).scaled(96, 48)) - PATCHES).max() <= 4


@pytest.mark.parametrize("codec", ["libx265", "ffv1", "libvpx-vp9"])
def test_a_tag_that_only_the_container_has_is_obeyed(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "tagged.mkv"
    source = patches_video(tmp_path / "a.mkv", codec=codec, matrix="bt709", tagged=False)
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    assert Video(path).info.colour == "bt709 limited"
    assert np.abs(centres(first_frame(path).pixels()) - PATCHES).max() <= 8


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("full_range", [False, True])
def test_luma_is_full_range_whatever_the_file_has(tmp_path: Path, full_range: bool, pix_fmt: str) -> None:
    frame = first_frame(patches_video(tmp_path / "a.mkv", full_range=full_range, pix_fmt=pix_fmt))
    expected = PATCHES @ np.array([0.299, 0.587, 0.114])
    luma = frame.luma()
    assert luma.dtype == np.uint8
    assert luma.shape == (96, 192)
    assert np.abs(centres(luma[:, :, None])[:, 0] - expected).max() <= 1.6


def test_pixels_interpolate_chroma_instead_of_repeating_it(tmp_path: Path) -> None:
    ramp = np.zeros((64, 256, 3), np.uint8)
    ramp[:, :, 0] = np.arange(256)
    ramp[:, :, 2] = 255 - np.arange(256)
    path = write_video(tmp_path / "a.mkv", pictures=[ramp] * 2, lossless=True)
    red = first_frame(path).pixels()[32, 20:236, 0].astype(int)
    assert np.abs(np.diff(red) - 1).max() <= 1


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("libx264", "gray", ".mkv"),
        ("ffv1", "gbrp10le", ".mkv"),
        ("png", "rgb24", ".mov"),
        ("ffv1", "gray10le", ".mkv"),
        ("rawvideo", "yuyv422", ".mkv"),
        ("rawvideo", "bgr24", ".avi"),
        ("rawvideo", "nv12", ".mkv"),
        ("libx264", "nv12", ".mkv"),
        ("libx264", "yuv422p", ".mkv"),
        ("mjpeg", "yuvj420p", ".avi"),
        ("gif", "rgb8", ".gif"),
    ],
)
def test_every_layout_of_planes_gives_pixels_luma_and_planes(
    tmp_path: Path, codec: str, pix_fmt: str, suffix: str
) -> None:
    tagged = not pix_fmt.startswith(("gb", "bgr", "rgb"))
    path = write_video(
        tmp_path / f"a{suffix}", codec=codec, pix_fmt=pix_fmt, count=3, size=(150, 90), tagged=tagged
    )
    frame = first_frame(path)
    assert frame.pixels().shape == (90, 150, 3)
    assert frame.luma().shape == (90, 150)
    assert frame.scaled(40, 30).shape == (30, 40, 3)
    grey = frame.pixels() @ np.array([0.299, 0.587, 0.114])
    assert np.abs(frame.luma() - grey).mean() < 12
    planes = frame.planes()
    assert planes[0].shape[0] == 90
    assert planes[0].dtype in (np.uint8, np.uint16)
    assert len(frame.content_hash()) == 32


def test_planes_of_10_bit_video_are_its_very_values(tmp_path: Path) -> None:
    frame = first_frame(patches_video(tmp_path / "a.mkv", pix_fmt="yuv420p10le"))
    luma, *chroma = frame.planes()
    assert luma.dtype == np.uint16
    assert [plane.shape for plane in chroma] == [(48, 96), (48, 96)]
    assert centres(luma[:, :, None])[:3, 0].tolist() == [940, 64, 504]


@pytest.mark.parametrize(
    ("sar", "shown"), [(Fraction(8, 9), 171), (Fraction(32, 27), 228), (Fraction(1), 192)]
)
def test_pixels_are_stretched_to_square_ones(tmp_path: Path, sar: Fraction, shown: int) -> None:
    path = patches_video(tmp_path / "a.mkv", sar=sar)
    video = Video(path)
    frame = first_frame(path)
    assert (video.info.width, video.info.height) == (frame.width, frame.height) == (shown, 96)
    assert frame.pixels().shape == (96, shown, 3)
    assert np.abs(centres(frame.pixels()) - PATCHES).max() <= 3
    assert frame.luma().shape == (96, 192)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pictures_are_turned_and_mirrored_as_the_display_matrix_says(
    tmp_path: Path, rotation: int, mirror: bool
) -> None:
    path = patches_video(tmp_path / "a.mp4", rotation=float(rotation), mirror=mirror)
    picture = patches(192, 96)
    # Turned counter-clockwise, then mirrored: the same as `ffmpeg` shows in all eight cases.
    turned = np.rot90(picture, rotation // 90)
    expected = turned[:, ::-1] if mirror else turned
    video, frame = Video(path), first_frame(path)
    assert (video.info.height, video.info.width) == expected.shape[:2]
    assert frame.pixels().shape == expected.shape
    inner = np.abs(frame.pixels().astype(int) - expected)[12:20, 12:20]
    assert inner.max() <= 3
    small = frame.scaled(expected.shape[1] // 2, expected.shape[0] // 2)
    assert np.abs(small[6:10, 6:10].astype(int) - expected[12:20:2, 12:20:2]).max() <= 4


def test_rotation_and_sample_aspect_ratio_together(tmp_path: Path) -> None:
    path = patches_video(tmp_path / "a.mp4", rotation=90.0, sar=Fraction(2, 1))
    assert (Video(path).info.width, Video(path).info.height) == (96, 384)
    assert first_frame(path).pixels().shape == (384, 96, 3)


def pq(nits: float) -> float:
    """SMPTE ST 2084: the code value 0…1 of a luminance in cd/m²."""
    y: float = (nits / 10000) ** 0.1593017578125
    value: float = ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
    return value


def test_hdr_is_shown_as_sdr_and_told(tmp_path: Path) -> None:
    nits = [0.1, 5, 20, 50, 100, 203, 600]
    codes = [round(255 * pq(n)) for n in nits]
    picture = np.repeat(np.array(codes, np.uint8), 32)[None, :, None].repeat(64, 0).repeat(3, 2)
    path = write_video(
        tmp_path / "hdr.mkv",
        pictures=[picture] * 2,
        codec="libx265",
        pix_fmt="yuv420p10le",
        matrix="bt2020",
        transfer=16,
        lossless=True,
        params="colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
    )
    video = Video(path)
    assert video.info.colour == "bt2020 limited PQ"
    assert any("HDR (PQ)" in warning for warning in video.warnings)
    seen = first_frame(path).pixels()[32, 16::32, 0]
    # sRGB of luminance relative to the reference white of 203 cd/m² (ITU-R BT.2408)
    linear = np.minimum(np.array(nits) / 203, 1)
    expected = 255 * np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(seen - expected).max() <= 6
    assert np.abs(first_frame(path).scaled(112, 32)[16, 8::16, 0] - expected).max() <= 6


def test_hlg_is_shown_as_sdr_and_told(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 192).astype(np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)
    path = write_video(
        tmp_path / "hlg.mkv",
        pictures=[ramp] * 2,
        codec="libx265",
        pix_fmt="yuv420p10le",
        matrix="bt2020",
        transfer=18,
        params="colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
    )
    video = Video(path)
    assert video.info.colour == "bt2020 limited HLG"
    assert any("HDR (HLG)" in warning for warning in video.warnings)
    grey = first_frame(path).pixels()[32, ::8, 1].astype(int)
    assert (np.diff(grey) >= -1).all()
    assert grey[0] < 5
    assert grey[-1] > 240


def test_untagged_formats_that_are_full_range_by_definition() -> None:
    nothing = Tags(2, 0, 2, 2)
    assert resolve(nothing, av.VideoFormat("yuvj420p"), 100, 100).is_full
    assert resolve(nothing, av.VideoFormat("gray"), 100, 100).is_full
    assert not resolve(nothing, av.VideoFormat("yuv420p"), 100, 100).is_full
    assert resolve(nothing, av.VideoFormat("gbrp"), 100, 100).text == "rgb"


def test_a_matrix_that_cannot_be_converted_is_called_odd() -> None:
    assert resolve(Tags(8, 1, 1, 1), av.VideoFormat("yuv420p"), 100, 100).is_odd


def test_a_display_matrix_cut_short_is_ignored() -> None:
    assert geometry(None, b"\0" * 8) == geometry(Fraction(0), None)

"""One picture into pixels: every format and mode, orientation, transparency, profiles, damage."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from stills import BLUE, RED, encoded, png_of, two_tone

from animeds_db.media import Pictures
from animeds_db.media.picture_files import PictureError
from animeds_db.media.rendering import decode_picture, picture_size


def pixels(data: bytes) -> np.ndarray:
    return decode_picture(data)[0]


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "AVIF"])
def test_every_format_is_decoded(format_: str) -> None:
    options = {"quality": 95} if format_ in ("JPEG", "WEBP", "AVIF") else {}
    rgb = pixels(encoded(two_tone(), format_, **options))
    assert rgb.shape == (24, 40, 3)
    assert rgb.dtype == np.uint8
    assert np.abs(rgb[:, 4].astype(int) - RED).max() <= 12
    assert np.abs(rgb[:, -4].astype(int) - BLUE).max() <= 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = np.asarray(two_tone())
    stored = {  # what has to be stored so that the transformation of Exif 2.3, tag 0x0112, gives the picture
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif.tobytes())
    assert np.array_equal(pixels(data), upright)
    assert picture_size(data) == (40, 24)


def transparent() -> Image.Image:
    image = two_tone().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 24))
    image.paste((*RED, 128), (10, 0, 20, 24))
    return image


def test_what_is_transparent_is_laid_on_white() -> None:
    for format_ in ("PNG", "WEBP"):
        rgb = pixels(encoded(transparent(), format_, **({"lossless": True} if format_ == "WEBP" else {})))
        assert rgb[5, 2].tolist() == [255, 255, 255]
        assert np.abs(rgb[5, 15].astype(int) - (np.array(RED) + 255) / 2).max() <= 2
        assert np.abs(rgb[5, 30].astype(int) - BLUE).max() <= 1


def test_palettes_with_a_transparent_colour_are_laid_on_white() -> None:
    image = two_tone().quantize(4)
    left = image.getpixel((2, 2))
    for format_ in ("PNG", "GIF"):
        rgb = pixels(encoded(image, format_, transparency=left))
        assert rgb[5, 2].tolist() == [255, 255, 255]
        assert np.abs(rgb[5, 30].astype(int) - BLUE).max() <= 6


def test_grey_with_alpha_and_one_bit_pictures() -> None:
    grey = Image.new("LA", (8, 8), (0, 0))
    assert pixels(encoded(grey)).min() == 255
    assert pixels(encoded(Image.new("1", (8, 8), 1))).min() == 255


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    values = np.repeat(np.linspace(0, 65535, 32).astype(np.uint16)[None], 8, 0)
    rgb = pixels(encoded(Image.fromarray(values)))
    assert np.abs(rgb[0, :, 0].astype(int) - np.linspace(0, 255, 32)).max() <= 1


def test_16_bit_colour_keeps_its_high_bytes() -> None:
    assert pixels(png_16_bit_rgb((51400, 7710, 10280)))[0, 0].tolist() == [200, 30, 40]


def png_16_bit_rgb(colour: tuple[int, int, int]) -> bytes:
    """Put together an 8 × 8 PNG with 16 bits per channel, which Pillow cannot write."""
    row = b"\0" + struct.pack(">3H", *colour) * 8
    header = struct.pack(">2I5B", 8, 8, 16, 2, 0, 0, 0)
    return png_of([(b"IHDR", header), (b"IDAT", zlib.compress(row * 8)), (b"IEND", b"")])


def test_cmyk_is_turned_into_rgb() -> None:
    rgb = pixels(encoded(two_tone(64, 64).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(rgb[5, 5].astype(int) - RED).max() <= 12
    assert np.abs(rgb[5, -5].astype(int) - BLUE).max() <= 12


def test_a_colour_profile_is_applied() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(pixels(encoded(two_tone(), icc_profile=srgb)), np.asarray(two_tone()))
    swapped = swapped_primaries(srgb)
    rgb = pixels(encoded(two_tone(), icc_profile=swapped))
    assert np.abs(rgb[5, 5].astype(int) - RED[::-1]).max() <= 6


def swapped_primaries(profile: bytes) -> bytes:
    """Return a profile in which red and blue have changed places, under another name than sRGB."""
    data = bytearray(profile)
    count = struct.unpack(">I", data[128:132])[0]
    for i in range(count):
        at = 132 + 12 * i
        tag = bytes(data[at : at + 4])
        if tag in (b"rXYZ", b"bXYZ"):
            data[at : at + 4] = b"bXYZ" if tag == b"rXYZ" else b"rXYZ"
    text = bytes(data)
    for name in ("sRGB", "srgb"):
        text = text.replace(name.encode(), b"swap").replace(
            name.encode("utf-16-be"), "swap".encode("utf-16-be")
        )
    return text


def test_a_nonsensical_profile_is_ignored() -> None:
    assert np.array_equal(pixels(encoded(two_tone(), icc_profile=b"no profile")), np.asarray(two_tone()))


def test_the_first_frame_of_an_animation_is_used_and_told(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with Pictures(tmp_path) as pictures:
        [frame] = pictures.frames()
        assert np.abs(frame.pixels()[0, 0].astype(int) - RED).max() <= 4
        assert pictures.warnings == ["a.gif is animated: only its first frame is used"]


def test_a_text_chunk_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("comment", "x" * 100_000_000, zip=True)
    (tmp_path / "a.png").write_bytes(encoded(two_tone(), pnginfo=info))
    with Pictures(tmp_path) as pictures:
        list(pictures.frames())  # either without its text or not at all, but no crash
        assert len(pictures.warnings) <= 1


def test_scaled_luma_and_planes_agree_with_the_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(two_tone(80, 48)))
    with Pictures(tmp_path) as pictures:
        [frame] = pictures.frames()
    assert frame.scaled(40, 24).shape == (24, 40, 3)
    assert frame.scaled(40, 24)[3, 3].tolist() == list(RED)
    assert abs(int(frame.luma()[3, 3]) - round(np.dot(RED, (0.299, 0.587, 0.114)))) <= 1
    assert np.array_equal(np.stack(frame.planes(), -1), frame.pixels())


@settings(max_examples=150, deadline=None)
@given(
    format_=st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "GIF", "AVIF"]),
    share=st.floats(0, 0.999),
    noise=st.binary(max_size=20),
    cut=st.booleans(),
)
def test_no_damage_raises_anything_but_a_picture_error(
    format_: str, share: float, noise: bytes, cut: bool
) -> None:
    data = bytearray(encoded(two_tone(), format_))
    at = int(len(data) * share)
    data[at : at + len(noise)] = noise
    if cut:
        del data[at:]
    try:
        rgb, _ = decode_picture(bytes(data))
        assert rgb.ndim == 3
    except PictureError as error:
        assert str(error)
    picture_size(bytes(data))

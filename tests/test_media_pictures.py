"""Pictures: folders, archives, imagefolders; every mode Pillow knows; one bad picture never stops the rest."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from animeds_db.errors import SourceError
from animeds_db.media import FrameKey, Pictures, Video, fetch, members, natural_key, open_media, suffix_of
from animeds_db.media.rendering import MAX_PIXELS, PictureError, decode_picture, picture_size

RED, BLUE = (200, 30, 40), (20, 60, 210)


def two_tone(width: int = 40, height: int = 24) -> Image.Image:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def encoded(image: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return decode_picture(data)[0]


def fill(folder: Path, names: list[str]) -> Path:
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(Image.new("RGB", (20 + i, 10), RED)))
    return folder


def as_zip(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*"), reverse=True):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


def as_tar(folder: Path, path: Path) -> Path:
    mode = {".tar": "w", ".bz2": "w:bz2", ".xz": "w:xz"}.get(path.suffix, "w:gz")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for file in sorted(folder.rglob("*"), reverse=True):
            archive.add(file, file.relative_to(folder).as_posix(), recursive=False)
    return path


NAMES = [
    "page 10.png",
    "page 9.png",
    "b/2.PNG",
    "b/11.png",
    "b/.hidden.png",
    "Page 1.png",
    "übung [絵].png",
    "a.txt",
]
IN_ORDER = ["b/2.PNG", "b/11.png", "Page 1.png", "page 9.png", "page 10.png", "übung [絵].png"]


@pytest.mark.parametrize("pack", ["folder", ".zip", ".cbz", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"])
def test_pictures_come_in_natural_order_from_folders_and_archives(tmp_path: Path, pack: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    path = fill(folder, NAMES)
    if pack in (".zip", ".cbz"):
        path = as_zip(folder, tmp_path / f"a{pack}")
    elif pack != "folder":
        path = as_tar(folder, tmp_path / f"a{pack}")

    pictures = open_media(path)
    assert isinstance(pictures, Pictures)
    with pictures:
        assert pictures.info.kind == ("images" if pack == "folder" else "archive")
        frames = list(pictures.frames())

    assert [frame.member for frame in frames] == pictures.members == IN_ORDER
    assert [frame.pts for frame in frames] == list(range(6))
    assert [frame.width for frame in frames] == [20 + NAMES.index(name) for name in IN_ORDER]
    for frame in frames:
        assert (frame.stream, frame.key_pts, frame.time_s, frame.is_keyframe) == (0, frame.pts, None, True)
        assert frame.content_hash() == xxhash.xxh3_128_hexdigest((folder / str(frame.member)).read_bytes())
        assert np.abs(frame.pixels().astype(int) - RED).max() == 0
    assert pictures.warnings == []


def test_one_picture_is_a_source_too(tmp_path: Path) -> None:
    path = tmp_path / "Screenshot.JPEG"
    path.write_bytes(encoded(two_tone(), "JPEG", quality=95))
    with Pictures(path) as pictures:
        [frame] = pictures.frames()
        assert (pictures.info.kind, pictures.info.width, frame.member) == ("images", 40, "Screenshot.JPEG")


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


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in chunks:
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)


def test_cmyk_is_turned_into_rgb() -> None:
    rgb = pixels(encoded(two_tone(64, 64).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(rgb[5, 5].astype(int) - RED).max() <= 12
    assert np.abs(rgb[5, -5].astype(int) - BLUE).max() <= 12


def test_a_colour_profile_is_applied() -> None:
    lab_like = ImageCms.createProfile("XYZ")
    assert lab_like is not None
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


def bomb() -> bytes:
    """A PNG of a few hundred bytes that claims 30,000 × 30,000 pixels."""
    header = struct.pack(">2I5B", 30000, 30000, 8, 2, 0, 0, 0)
    return png_of([(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")])


def large() -> bytes:
    """A PNG just over the limit, below the size at which Pillow itself raises."""
    header = struct.pack(">2I5B", 10000, MAX_PIXELS // 10000 + 1, 8, 2, 0, 0, 0)
    return png_of([(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")])


def truncated() -> bytes:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))
    return encoded(noise, "JPEG")[:1500]


BAD: list[tuple[str, Callable[[], bytes], str]] = [
    ("empty.png", lambda: b"", "empty (zero bytes)"),
    ("text.jpg", lambda: b"<html>not found</html>", "not a picture that can be read"),
    ("cut.jpg", truncated, "damaged ("),
    ("bomb.png", bomb, "pixels"),
    ("large.png", large, "pixels"),
]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("pack", ["folder", "zip", "tar"])
def test_each_bad_picture_becomes_a_warning_and_the_others_are_read(tmp_path: Path, pack: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, make, _ in BAD:
        (folder / name).write_bytes(make())
    (folder / "good.png").write_bytes(encoded(two_tone()))
    path = {"folder": lambda: folder, "zip": lambda: as_zip(folder, tmp_path / "a.zip")}.get(
        pack, lambda: as_tar(folder, tmp_path / "a.tar")
    )()
    with Pictures(path) as pictures:
        assert [frame.member for frame in pictures.frames()] == ["good.png"]
        for name, _, reason in BAD:
            [warning] = [text for text in pictures.warnings if text.startswith(f"{name} was left out: ")]
            assert reason in warning
        assert len(pictures.warnings) == len(BAD)
        assert (pictures.info.width, pictures.info.height) != (0, 0)


def test_a_text_chunk_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("comment", "x" * 100_000_000, zip=True)
    (tmp_path / "a.png").write_bytes(encoded(two_tone(), pnginfo=info))
    with Pictures(tmp_path) as pictures:
        list(pictures.frames())  # either without its text or not at all, but no crash
        assert len(pictures.warnings) <= 1


def test_a_zip_bomb_is_not_unpacked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_MEMBER_BYTES", 4 * 2**20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.png", encoded(two_tone()))
        with archive.open("bomb.png", "w", force_zip64=True) as file:
            for _ in range(20):
                file.write(bytes(2**20))
    with Pictures(tmp_path / "a.zip") as pictures:
        assert [frame.member for frame in pictures.frames()] == ["good.png"]
        assert pictures.warnings == ["bomb.png was left out: larger than 4 MiB"]


def test_members_that_are_encrypted_or_damaged_become_warnings(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("1.png", "2.png", "3.png"):
            archive.writestr(name, encoded(two_tone()))
    data = bytearray(path.read_bytes())
    for at in (data.index(b"PK\3\4") + 6, data.index(b"PK\1\2") + 8):
        data[at] |= 1  # 1.png: encrypted
    second = data.index(b"2.png") + 60
    data[second : second + 4] = b"oops"  # 2.png: wrong checksum
    path.write_bytes(data)
    with Pictures(path) as pictures:
        assert [frame.member for frame in pictures.frames()] == ["3.png"]
        assert any("1.png was left out" in text and "encrypted" in text for text in pictures.warnings)
        assert any("2.png was left out" in text and "CRC" in text for text in pictures.warnings)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2"])
def test_a_file_that_is_no_archive_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(np.random.default_rng(2).bytes(3000))
    with pytest.raises(SourceError, match="is not a readable (zip|tar) archive") as caught:
        open_media(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_an_archive_cut_short_is_named(tmp_path: Path) -> None:
    path = as_tar(fill(tmp_path / "p", ["1.png", "2.png"]), tmp_path / "a.tar.gz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SourceError, match="is not a readable tar archive"):
        Pictures(path)


def test_an_archive_without_pictures_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(SourceError, match="holds no pictures"):
        Pictures(tmp_path / "a.zip")


def test_links_and_system_files_in_archives_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name in ("../outside.png", "good.png", "__MACOSX/._good.png"):
            info = tarfile.TarInfo(name)
            data = encoded(two_tone())
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    before = sorted(tmp_path.parent.iterdir())
    with Pictures(path) as pictures:
        assert sorted(pictures.members) == ["../outside.png", "good.png"]
        assert len(list(pictures.frames())) == 2
    assert sorted(tmp_path.parent.iterdir()) == before  # nothing is ever unpacked to a path


ROWS = [
    ("train/0001.png", "1girl, red hair"),
    ("train/0002.png", "café, « quoted », 猫"),
    ("missing.png", "gone"),
]


@pytest.mark.parametrize("where", ["jsonl", "csv", "jsonl inside", "zip"])
def test_captions_of_an_imagefolder_come_with_the_pictures(tmp_path: Path, where: str) -> None:
    folder = fill(tmp_path / "data", ["train/0001.png", "train/0002.png", "train/0003.png"])
    base = folder / "train" if where == "jsonl inside" else folder
    rows = [(os.path.relpath(folder / name, base), text) for name, text in ROWS]
    if where == "csv":
        with (base / "metadata.csv").open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([("file_name", "text"), *rows])
    else:
        lines = [json.dumps({"file_name": name, "text": text, "score": 1}) for name, text in rows]
        (base / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = as_zip(folder, tmp_path / "a.zip") if where == "zip" else folder
    with Pictures(path) as pictures:
        assert pictures.info.kind == ("archive" if where == "zip" else "imagefolder")
        assert [frame.text for frame in pictures.frames()] == [ROWS[0][1], ROWS[1][1], None]
        assert pictures.warnings == ["1 pictures named in the metadata are missing, e.g. missing.png"]


def test_broken_metadata_costs_captions_and_not_pictures(tmp_path: Path) -> None:
    folder = fill(tmp_path, ["1.png", "2.png"])
    good = json.dumps({"file_name": "2.png", "text": "fine"})
    (folder / "metadata.jsonl").write_text(f'{{"file_name": \n[1]\n{{"a": 1}}\n\n{good}\n', encoding="utf-8")
    (folder / "metadata.csv").write_bytes(b"\xff\xfe\x00file_name")
    with Pictures(folder) as pictures:
        assert [frame.text for frame in pictures.frames()] == [None, "fine"]
        told = "\n".join(pictures.warnings)
    for part in (
        "metadata.jsonl:1 is not JSON",
        "metadata.jsonl:2 is not a JSON object",
        "rows without file_name",
    ):
        assert part in told
    assert "metadata.csv cannot be read" in told


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are always text there")
def test_a_name_that_is_not_text_is_left_out_and_told(tmp_path: Path) -> None:
    fill(tmp_path, ["good.png"])
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).write_bytes(encoded(two_tone()))
    with Pictures(tmp_path) as pictures:
        assert [frame.member for frame in pictures.frames()] == ["good.png"]
        assert "its name is not valid text" in pictures.warnings[0]


@pytest.mark.parametrize("pack", ["folder", "zip", "tar.gz"])
def test_pictures_are_fetched_again_by_member_and_checked(tmp_path: Path, pack: str) -> None:
    folder = fill(tmp_path / "p", ["1.png", "2.png", "10.png"])
    path = {"folder": lambda: folder, "zip": lambda: as_zip(folder, tmp_path / "a.zip")}.get(
        pack, lambda: as_tar(folder, tmp_path / "a.tar.gz")
    )()
    with Pictures(path) as pictures:
        kind = pictures.info.kind
        keys = [FrameKey(f"f{f.pts}", 0, f.pts, f.pts, f.member, f.content_hash()) for f in pictures.frames()]
    found = list(fetch(str(path), kind, keys[::-1]))
    assert [key.member for key, _ in found] == ["1.png", "2.png", "10.png"]
    assert all(frame.content_hash() == key.content_hash for key, frame in found)

    other = FrameKey("f9", 0, 9, 9, "9.png", "0" * 32)
    with pytest.raises(SourceError, match=r"picture 9.png \(frame f9\) is not there any more"):
        list(fetch(str(path), kind, [other]))
    wrong = FrameKey("f0", 0, 0, 0, "1.png", "0" * 32)
    with pytest.raises(SourceError, match=r"picture 1.png \(frame f0\) has changed"):
        list(fetch(str(path), kind, [wrong]))


def test_a_picture_keeps_being_found_when_others_join_the_folder(tmp_path: Path) -> None:
    fill(tmp_path, ["5.png"])
    with Pictures(tmp_path) as pictures:
        [frame] = pictures.frames()
    key = FrameKey("f", 0, frame.pts, frame.pts, frame.member, frame.content_hash())
    fill(tmp_path, ["1.png"])
    assert [found.member for _, found in fetch(str(tmp_path), "images", [key])] == ["5.png"]


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


@given(st.lists(st.text("ab019 _", max_size=6)))
def test_natural_order_is_a_total_order(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(backwards, key=natural_key) == sorted(names, key=natural_key)


def test_natural_order_reads_numbers_as_numbers() -> None:
    names = ["ep10.png", "ep2.png", "Ep1.png", "ep02b.png"]
    assert sorted(names, key=natural_key) == ["Ep1.png", "ep2.png", "ep02b.png", "ep10.png"]


def test_double_suffixes_count_as_one() -> None:
    assert suffix_of(Path("A.TAR.GZ")) == ".tar.gz"
    assert suffix_of(Path("v1.2.mkv")) == ".mkv"
    assert suffix_of(Path("a.b.zip")) == ".zip"


def test_what_is_no_picture_and_no_archive_is_tried_as_a_video(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_bytes(gzip.compress(b"x" * 100))
    with pytest.raises(SourceError, match="not a video"):
        open_media(path)
    with pytest.raises(SourceError):
        Video(path)

"""Folders, archives and imagefolders of pictures: one bad picture never stops the rest."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from stills import RED, as_tar, as_zip, bomb, encoded, fill, large, truncated, two_tone

from animeds_db.errors import SourceError
from animeds_db.media import FrameKey, Pictures, Video, fetch, members, natural_key, open_media, suffix_of

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


BAD: list[tuple[str, Callable[[], bytes], str]] = [
    ("empty.png", lambda: b"", "empty (zero bytes)"),
    ("text.jpg", lambda: b"<html>not found</html>", "not a picture in a supported format"),
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
    with pytest.raises(SourceError, match="contains no pictures"):
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
        assert pictures.warnings == ["pictures listed in the metadata are missing: 1, e.g. missing.png"]


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
    with pytest.raises(SourceError, match=r"picture 9.png \(frame f9\) no longer exists"):
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

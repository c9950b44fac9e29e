"""What a stranger's media may do: be refused or be read, and nothing else."""

from __future__ import annotations

import gzip
import io
import tarfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stills import encoded, fill, two_tone
from videos import shared_clip

from animeds_db.cores import MAX_BYTES, map_in_order
from animeds_db.errors import SourceError
from animeds_db.media import Pictures, Video, members, open_media
from animeds_db.media.frame import Frame
from animeds_db.media.picture_files import FORMATS, PictureError, open_picture
from animeds_db.media.pictures import PictureFrame
from animeds_db.media.rendering import decode_picture, picture_size
from animeds_db.models import Models
from animeds_ingest import pipeline
from animeds_ingest.pipeline import BATCH, chunks, overlapped
from animeds_ingest.rows import Analyser, Chunk, Measured
from animeds_ingest.sidecars.read import Sidecars

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n%%EndComments\nshowpage\n%%EOF\n"


def test_postscript_is_refused_whatever_its_name_says(tmp_path: Path) -> None:
    assert picture_size(POSTSCRIPT) == (0, 0)
    with pytest.raises(PictureError, match="not a picture in a supported format"):
        decode_picture(POSTSCRIPT)
    folder = fill(tmp_path / "pictures", ["a.png"])
    (folder / "b.jpg").write_bytes(POSTSCRIPT)
    with Pictures(folder) as pictures:
        assert [frame.member for frame in pictures.frames()] == ["a.png"]
        assert any("b.jpg was left out" in warning for warning in pictures.warnings)


@pytest.mark.parametrize("name", ["TIFF", "TGA", "PCX", "PPM", "ICO", "PDF", "EPS", "SGI"])
def test_formats_that_are_not_named_are_refused_by_their_content(name: str) -> None:
    with pytest.raises(PictureError):
        open_picture(encoded(two_tone(), name))


@pytest.mark.parametrize("name", FORMATS)
def test_the_formats_that_are_named_are_read(name: str) -> None:
    assert open_picture(encoded(two_tone(), name)).size == (40, 24)


def playlists(folder: Path) -> dict[str, str]:
    """Return scripts and playlists that name a video which is there."""
    clip = folder / "clip.mkv"
    clip.write_bytes(shared_clip("h264 closed").read_bytes())
    return {
        "ffconcat": f"ffconcat version 1.0\nfile '{clip.name}'\n",
        "absolute ffconcat": f"ffconcat version 1.0\nfile '{clip}'\n",
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{clip.name}\n#EXT-X-ENDLIST\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
        f"<Representation><BaseURL>{clip.name}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    }


@pytest.mark.parametrize("kind", ["ffconcat", "absolute ffconcat", "hls", "sdp", "dash"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".m3u8", ".ffconcat"])
def test_a_script_that_names_other_files_is_no_video(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text(playlists(tmp_path)[kind])
    with pytest.raises(SourceError, match="is text, not a video"):
        open_media(path)


def test_a_name_that_looks_like_a_protocol_is_a_file_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("concat:a.mkv")
    path.write_bytes(shared_clip("h264 closed").read_bytes())
    assert len(list(Video(path).keyframes())) == 4


def test_links_in_a_folder_of_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a password")
    (tmp_path / "other.png").write_bytes(encoded(two_tone()))
    folder = fill(tmp_path / "pictures", ["a.png"])
    (folder / "a.txt").symlink_to(secret)
    (folder / "b.png").symlink_to(tmp_path / "other.png")
    (folder / "deep").symlink_to(tmp_path)
    with Pictures(folder) as pictures:
        assert pictures.members == ["a.png"]
        assert Sidecars(pictures).found == {}
        assert any(
            "links left out, because links are not followed: 2" in warning for warning in pictures.warnings
        )
        with pytest.raises(SourceError, match="links inside"):
            pictures.read("a.txt")
        with pytest.raises(SourceError, match="not a path inside"):
            pictures.read("../secret.txt")


def test_a_caption_that_is_a_link_is_not_read_beside_a_single_picture(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a password")
    picture = fill(tmp_path, ["a.png"]) / "a.png"
    (tmp_path / "a.txt").symlink_to(tmp_path / "secret")
    with Pictures(picture) as pictures:
        assert Sidecars(pictures).found == {}
        assert any("a.txt" in warning for warning in pictures.warnings)


def zeros_in_a_tar(path: Path, size: int) -> Path:
    """Write a tar.gz with one picture of zeros."""
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("a.png")
        member.size = size
        archive.addfile(member, io.BytesIO(bytes(size)))
    return path


def test_a_tar_that_unpacks_to_far_more_than_pictures_would_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MAX_UNPACKED_BYTES", 8 * 2**20)
    path = zeros_in_a_tar(tmp_path / "a.tar.gz", 64 * 2**20)
    written: list[int] = []
    real = members._unpack

    def watched(path: Path, packed: io.BytesIO, plain: io.BytesIO) -> None:
        try:
            real(path, packed, plain)
        finally:
            written.append(plain.tell())

    monkeypatch.setattr(members, "_unpack", watched)
    with pytest.raises(SourceError, match="unpacks to more than") as caught:
        Pictures(path)
    assert "unpack it yourself" in (caught.value.hint or "")
    assert written[0] <= 8 * 2**20


def test_a_tar_does_not_fill_the_disk_of_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "free_bytes", lambda _folder: members.SPARE_BYTES - 1)
    with pytest.raises(SourceError, match="does not fit on the disk"):
        Pictures(zeros_in_a_tar(tmp_path / "a.tar.gz", 200 * 2**20))


def test_a_tar_of_pictures_is_read_as_ever(tmp_path: Path) -> None:
    data = encoded(two_tone())
    with gzip.open(tmp_path / "a.tgz", "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        for number in range(3):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with Pictures(tmp_path / "a.tgz") as pictures:
        assert len(list(pictures.frames())) == 3
        assert any("link.png" in warning for warning in pictures.warnings)


class Held:
    """Counts what is held at the same time, and the most there was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    def add(self, weight: int) -> None:
        with self._lock:
            self.now += weight
            self.most = max(self.most, self.now)


WEIGHTS = st.lists(st.integers(0, 2 * MAX_BYTES), max_size=30)


@settings(max_examples=40)
@given(WEIGHTS, st.integers(1, 6))
def test_items_in_flight_never_weigh_more_than_the_limit_or_one_of_them(
    weights: list[int], workers: int
) -> None:
    held = Held()

    def work(weight: int) -> int:
        held.add(weight)
        return weight

    with closing(map_in_order(work, weights, workers, weigh=lambda weight: weight)) as results:
        found = []
        for weight in results:
            held.add(-weight)
            found.append(weight)
    assert found == weights
    assert held.most <= max([MAX_BYTES, *weights])


@settings(max_examples=40)
@given(WEIGHTS, st.integers(1, 3))
def test_frames_between_decoder_and_models_never_weigh_more_than_the_limit_or_one_of_them(
    weights: list[int], workers: int
) -> None:
    held = Held()

    def work(weight: int) -> int:
        held.add(weight)
        return weight

    with closing(overlapped(iter(weights), work, workers, weigh=lambda weight: weight)) as results:
        found = []
        for weight in results:
            held.add(-weight)
            found.append(weight)
    assert found == weights
    assert held.most <= max([MAX_BYTES, *weights])


def test_a_consumer_that_stops_early_ends_the_decoder() -> None:
    results = overlapped(iter([MAX_BYTES] * 9), lambda weight: weight, 2, weigh=lambda weight: weight)
    next(results)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 5
    assert not [thread for thread in threading.enumerate() if thread.name == "decode"]


def test_a_whole_batch_is_made_ready_while_the_models_run_on_the_one_before() -> None:
    ready = threading.Semaphore(0)
    with closing(overlapped(iter(range(4 * BATCH)), lambda _item: ready.release(), 1)) as results:
        next(results)
        assert all(ready.acquire(timeout=10) for _ in range(1 + BATCH))


class BatchSizes(Analyser):
    """Notes how many pixels come together, and makes the rows as always."""

    def __init__(self) -> None:
        super().__init__(Models(), {}, np.zeros(0, np.float32), (8, 8))
        self.pixels: list[int] = []

    def rows(self, source_id: str, batch: Sequence[Measured]) -> Chunk:
        self.pixels.append(sum(one.frame.width * one.frame.height for one in batch))
        return super().rows(source_id, batch)


def test_large_pictures_go_through_the_models_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    side = 500
    monkeypatch.setattr(pipeline, "MAX_BYTES", 8 * side * side)
    picture = np.zeros((side, side, 3), np.uint8)
    analyser = BatchSizes()
    frames = ((large_frame(picture, number), f"s-{number:09d}", number, 0) for number in range(BATCH // 2))
    list(chunks(frames, "s", analyser, workers=0))
    assert sum(analyser.pixels) == BATCH // 2 * side * side
    assert max(analyser.pixels) == 3 * side * side  # the third goes beyond the limit


def large_frame(picture: np.ndarray, number: int) -> Frame:
    """Return a picture of a folder, all of which share their pixels here."""
    height, width = picture.shape[:2]
    return PictureFrame(
        stream=0, pts=number, key_pts=number, time_s=None, is_keyframe=True, member=f"{number}.png",
        width=width, height=height, text=None, rgb=picture, file_hash=f"{number:032x}",
    )  # fmt: skip

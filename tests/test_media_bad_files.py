"""Bad files: each kind has its own message and a way out; damage inside costs frames, never the file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from videos import CLIPS, PACKED, cut_short, join_bytes, shared_clip, write_clip, write_sound, write_video

from animeds_db.errors import SourceError
from animeds_db.media import Damage, Pictures, Video, open_media


def zero_bytes(folder: Path) -> Path:
    path = folder / "a.mkv"
    path.write_bytes(b"")
    return path


def text(folder: Path) -> Path:
    path = folder / "a.mkv"
    path.write_text("<html>404 – sorry, 日本</html>\n" * 300, encoding="utf-8")
    return path


def zip_archive(folder: Path) -> Path:
    path = folder / "a.mp4"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x" * 5000)
    return path


def noise(folder: Path) -> Path:
    path = folder / "a.mkv"
    path.write_bytes(np.random.default_rng(1).bytes(40000))
    return path


def moov_missing(folder: Path) -> Path:
    return cut_short(write_clip(folder, "h264 mp4"), 0.7)


def head_only(folder: Path) -> Path:
    return cut_short(write_clip(folder, "h264 closed"), 0.04)


def head_missing(folder: Path) -> Path:
    path = write_clip(folder, "h264 closed")
    path.write_bytes(path.read_bytes()[3000:])
    return path


def audio_only(folder: Path) -> Path:
    return write_sound(folder / "a.mp4")


def picture(folder: Path) -> Path:
    Image.new("RGB", (64, 48), "red").save(folder / "a.jpg")
    return (folder / "a.jpg").rename(folder / "a.mp4")


def missing(folder: Path) -> Path:
    return folder / "a.mkv"


def dangling_link(folder: Path) -> Path:
    (folder / "a.mkv").symlink_to(folder / "gone.mkv")
    return folder / "a.mkv"


def raw_stream(folder: Path) -> Path:
    return write_video(folder / "a.h264")


def joined_recordings(folder: Path) -> Path:
    part = shared_clip("h264 ts")
    return join_bytes(folder / "a.ts", [part, part])


def folder_with_nothing_in_it(folder: Path) -> Path:
    (folder / "notes.txt").write_text("no pictures here")
    return folder


CLUSTERS = {"cluster_time_limit": "300"}
"""Matroska is read on from the next cluster after damage; by default a clip of 2 s is a single one."""

BAD: list[tuple[Callable[[Path], Path], str, str]] = [
    (zero_bytes, r"a\.mkv is empty \(zero bytes\)", "copy it again"),
    (text, r"a\.mkv is text, not a video", "error page"),
    (zip_archive, r"a\.mp4 is a zip archive", r"\.zip"),
    (noise, r"a\.mkv is not a video that FFmpeg can read", "copy it again"),
    (moov_missing, r"has no index \(moov\)", "copy it again"),
    (head_only, "Matroska file with a damaged header", "repair"),
    (head_missing, "no frame can be decoded|not a video", "copy it again"),
    (audio_only, r"has no video \(only audio\)", "contains video"),
    (picture, r"a\.mp4 is a picture \(jpeg\), not a video", "suffix"),
    (missing, r"a\.mkv does not exist", "check the path"),
    (dangling_link, "is a link to .*gone.mkv, which does not exist", "restore"),
    (raw_stream, "frames without a time", "mkvmerge"),
    (folder_with_nothing_in_it, "contains no pictures", "png"),
]


@pytest.mark.parametrize(("make", "message", "hint"), BAD, ids=[case[0].__name__ for case in BAD])
def test_each_kind_of_bad_file_has_its_own_message_and_way_out(
    tmp_path: Path, make: Callable[[Path], Path], message: str, hint: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(SourceError, match=message) as caught:
        open_media(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert re.search(hint, caught.value.hint or "")


def test_no_two_kinds_share_a_message(tmp_path: Path) -> None:
    messages = set()
    for make, _, _ in BAD:
        folder = tmp_path / make.__name__
        folder.mkdir()
        with pytest.raises(SourceError) as caught:
            open_media(make(folder))
        messages.add(re.sub(r"/\S*", "", caught.value.message))
    assert len(messages) == len(BAD)


def test_a_folder_given_as_a_video_is_named() -> None:
    with pytest.raises(SourceError, match="is a folder, not a file"):
        Video(Path(tempfile.gettempdir()))


@pytest.fixture
def without_rights() -> Iterator[None]:
    """Be nobody for a while where the tests run as root, whom no permission stops."""
    if not hasattr(os, "geteuid"):
        pytest.skip("file permissions work otherwise here")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", ["a.mkv", "a.zip", "a.png"])
def test_a_file_without_permission_is_named_with_the_command_that_helps(
    name: str, request: pytest.FixtureRequest
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / name
        path.write_bytes(b"anything")
        path.chmod(0)
        request.getfixturevalue("without_rights")
        with pytest.raises(SourceError, match=r"cannot be read \(permission denied\)") as caught:
            open_media(path)
        assert f"chmod u+r '{path}'" in str(caught.value.hint)
        if hasattr(os, "geteuid") and os.getuid() == 0:
            os.seteuid(0)


@pytest.mark.parametrize(
    ("name", "muxer"),
    [("h264 closed", {}), ("av1", {}), ("vp9", {}), ("h264 mp4", {"movflags": "faststart"}), ("flv", {})],
)
def test_a_file_cut_in_the_middle_gives_what_is_there_and_tells(
    tmp_path: Path, name: str, muxer: dict[str, str]
) -> None:
    path = cut_short(write_clip(tmp_path, name, muxer=muxer), 0.5)
    whole = {frame.pts: frame.content_hash() for frame in Video(shared_clip(name)).frames()}

    video = Video(path)
    frames = list(video.frames())

    assert 5 < len(frames) < 40
    assert all(whole[frame.pts] == frame.content_hash() for frame in frames)
    assert any(re.fullmatch(r"cut short: [01]\.\d s of 2\.0 s", warning) for warning in video.warnings)

    keys_only = Video(path)
    assert len(list(keys_only.keyframes())) >= 1
    assert any(warning.startswith("cut short") for warning in keys_only.warnings)


def test_a_whole_file_is_not_called_cut_short(tmp_path: Path) -> None:
    for name in (
        "h264 closed",
        "h264 mp4",
        "h264 ts",
        "mpeg2 ps",
        "xvid avi",
        "wmv",
        "flv",
        "vfr",
        "av1 webm",
    ):
        video = Video(shared_clip(name))
        list(video.keyframes())
        list(video.frames())
        assert video.warnings == [], name


def test_leaving_before_the_end_is_not_called_cut_short() -> None:
    video = Video(shared_clip("h264 closed"))
    next(video.keyframes())
    list(video.frames(end=0.5))
    assert video.warnings == []


def damage(path: Path, start: float, end: float, seed: int = 3) -> None:
    """Overwrite single bytes between two shares of a file."""
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    for position in rng.integers(int(len(data) * start), int(len(data) * end), 40):
        data[position] ^= int(rng.integers(1, 255))
    path.write_bytes(data)


@pytest.mark.parametrize(
    "name", ["h264 closed", "h264 mp4", "h264 ts", "hevc 10-bit", "av1", "mpeg2 ps", "xvid avi", "vp9"]
)
def test_corrupt_packets_cost_frames_and_not_the_file(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path, name, muxer=CLUSTERS if shared_clip(name).suffix in (".mkv", ".webm") else {})
    damage(path, 0.55, 0.65)
    video = Video(path)
    frames = list(video.frames())
    keys = list(video.keyframes())
    assert frames[0].pts == next(Video(shared_clip(name)).frames()).pts
    assert 10 <= len(frames) <= 48
    assert len(keys) >= 2
    assert keys[-1].time_s is not None
    assert keys[-1].time_s > 1.2  # the end of the file is reached


@pytest.mark.parametrize("name", ["h264 mp4", "h264 ts", "mpeg2 ps"])
def test_damage_that_the_decoder_notices_is_counted_and_placed(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path, name)
    damage(path, 0.45, 0.55)
    video = Video(path)
    list(video.frames())
    assert any(
        re.fullmatch(r"damaged (frames left out|packets skipped): \d+, first at [01]\.\d s", warning)
        for warning in video.warnings
    )


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["h264 closed", "h264 ts", "hevc mp4", "vp9", "mpeg2 ps", "xvid avi", "flv"]),
    start=st.integers(0, 9500),
    noise=st.binary(min_size=1, max_size=300),
)
def test_no_damage_raises_anything_but_a_source_error(name: str, start: int, noise: bytes) -> None:
    data = bytearray(shared_clip(name).read_bytes())
    position = len(data) * start // 10000
    data[position : position + len(noise)] = noise
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / shared_clip(name).name
        path.write_bytes(data)
        try:
            for frame in Video(path).keyframes():
                frame.content_hash()
            for frame in Video(path).frames():
                frame.luma()
        except SourceError as error:
            assert error.message


def test_a_hole_in_time_is_told(tmp_path: Path) -> None:
    path = tmp_path / "hole.mkv"
    with av.open(str(shared_clip("h264 closed"))) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size and packet.pts is not None and packet.dts is not None:
                late = 60_000 if packet.pts >= 1000 else 0
                packet.pts, packet.dts, packet.stream = packet.pts + late, packet.dts + late, stream
                container.mux(packet)
    video = Video(path)
    list(video.keyframes())
    [warning] = video.warnings
    assert re.fullmatch(r"gaps without a frame: 1, 60\.0 s in all, first at 0\.9 s", warning)
    assert video.damage == Damage(gaps=1)


def test_joined_recordings_are_refused_with_the_way_to_mend_them(tmp_path: Path) -> None:
    path = joined_recordings(tmp_path)
    for read in (Video(path).keyframes, Video(path).frames, Video(path).intra_frames):
        with pytest.raises(SourceError, match=r"time jumps back from [12]\.\d s to 0\.0 s") as caught:
            list(read())
        assert "ffmpeg -i in.ts -c copy out.mkv" in str(caught.value.hint)


def test_a_change_of_size_in_the_middle_is_told(tmp_path: Path) -> None:
    big = write_video(tmp_path / "big.ts", size=(320, 192), muxer={"output_ts_offset": "10"})
    path = tmp_path / "a.ts"
    with av.open(str(big)) as given, av.open(str(tmp_path / "later.ts"), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size and packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts = packet.pts + 900_000, packet.dts + 900_000
                packet.stream = stream
                container.mux(packet)
    join_bytes(path, [shared_clip("h264 ts"), tmp_path / "later.ts"])
    video = Video(path)
    sizes = {(frame.width, frame.height) for frame in video.keyframes()}
    assert sizes == {(160, 96), (320, 192)}
    assert any("size changes to 320×192" in warning for warning in video.warnings)


def test_a_frame_too_large_to_be_true_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "gray"
        container.mux(stream.encode(av.VideoFrame(16, 16, "gray")))
    data = bytearray(path.read_bytes())
    header = data.index(b"strf") + 8
    data[header + 4 : header + 12] = (12_000).to_bytes(4, "little") * 2
    path.write_bytes(data)
    with pytest.raises(SourceError, match="12000×12000 pixels"):
        Video(path)


def test_ffmpeg_itself_says_nothing(tmp_path: Path) -> None:
    path = write_clip(tmp_path, "h264 ts")
    damage(path, 0.3, 0.7)
    program = (
        "import sys; from animeds_db.media import Video\n"
        "v = Video(sys.argv[1]); list(v.keyframes()); list(v.frames())\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_folder_given_to_pictures_may_be_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        Pictures(tmp_path / "gone")


def zeroed(path: Path, start: float, end: float) -> Path:
    """Overwrite everything between two shares of a file with zeros."""
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * end)
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["h264 closed", "h264 mp4", "h264 ts", "hevc open", "vp9", "xvid avi"])
def test_what_a_damaged_video_lacks_is_counted(tmp_path: Path, name: str) -> None:
    clusters = CLUSTERS if name == "h264 closed" else {}
    path = zeroed(write_clip(tmp_path, name, count=96, muxer=clusters), 0.4, 0.6)
    video = Video(path)
    frames = [frame.time_s or 0.0 for frame in video.frames()]
    lost = 96 - len(frames)
    assert lost > 10
    found = video.damage
    assert found.damaged or found.gaps
    assert video.warnings
    if name != "h264 mp4":  # whose index tells the times of damaged packets too
        keys = Video(path)
        list(keys.keyframes())
        assert keys.damage.damaged or keys.damage.gaps


@pytest.mark.parametrize("name", [*CLIPS, PACKED])
def test_whole_videos_lack_nothing(name: str) -> None:
    video = Video(shared_clip(name))
    list(video.frames())
    list(video.keyframes())
    list(video.frames(start=0.7, end=1.4))
    list(video.keyframes(start=0.7))
    assert video.damage == Damage()


def test_a_still_in_a_video_of_uneven_times_is_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "still.mkv"
    with av.open(str(shared_clip("vfr"))) as given, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        late = 0
        for packet in given.demux(video=0):
            if packet.size and packet.pts is not None and packet.dts is not None:
                late = 3000 if packet.is_keyframe and packet.pts >= 1000 else late
                packet.pts, packet.dts, packet.stream = packet.pts + late, packet.dts + late, stream
                made.mux(packet)
    video = Video(path)
    list(video.frames())
    assert video.damage == Damage()


def test_lost_pictures_are_counted(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "red").save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:60])
    with Pictures(tmp_path) as pictures:
        assert len(list(pictures.frames())) == 1
        assert pictures.damage == Damage(damaged=1)

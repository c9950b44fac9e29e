"""Small real clips for tests, encoded here by PyAV. Every picture is known, so every pixel can be checked.

path = write_video(tmp_path / "a.mkv")                      # 48 frames, H.264, closed GOP of 12
path = write_clip(tmp_path, "hevc 10-bit")                  # any name in CLIPS
path = write_video(tmp_path / "b.mkv", pictures=[rgb, …])   # pictures of your own, uint8 [h, w, 3]
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.stream import VideoStream

os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder writes to stderr past FFmpeg's own log

WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Kr and Kb of ITU-R BT.601, BT.709 and BT.2020."""

MATRIX_TAGS = {"bt709": 1, "bt601": 6, "bt2020": 9}

CLIPS: dict[str, dict[str, Any]] = {
    "h264 closed": {"suffix": ".mkv"},
    "h264 open": {"suffix": ".mkv", "params": "open-gop=1"},
    "h264 open mp4": {"suffix": ".mp4", "params": "open-gop=1"},
    "h264 mp4": {"suffix": ".mp4"},
    "h264 ts": {"suffix": ".ts"},
    "h264 open ts": {"suffix": ".ts", "params": "open-gop=1"},
    "hi10p": {"suffix": ".mkv", "pix_fmt": "yuv420p10le"},
    "h264 4:4:4": {"suffix": ".mkv", "pix_fmt": "yuv444p"},
    "hevc 10-bit": {"suffix": ".mkv", "codec": "libx265", "pix_fmt": "yuv420p10le"},
    "hevc open": {"suffix": ".mkv", "codec": "libx265", "pix_fmt": "yuv420p10le", "params": "open-gop=1"},
    "hevc mp4": {"suffix": ".mp4", "codec": "libx265", "pix_fmt": "yuv420p10le"},
    "av1": {"suffix": ".mkv", "codec": "libsvtav1", "pix_fmt": "yuv420p10le"},
    "av1 webm": {"suffix": ".webm", "codec": "libsvtav1"},
    "vp9": {"suffix": ".webm", "codec": "libvpx-vp9"},
    "mpeg2 ps": {"suffix": ".mpg", "codec": "mpeg2video", "options": {"bf": "2"}},
    "mpeg2 closed": {
        "suffix": ".mkv",
        "codec": "mpeg2video",
        "options": {"bf": "2", "flags": "+cgop", "sc_threshold": "1000000000"},
    },
    "mpeg2 ts": {"suffix": ".ts", "codec": "mpeg2video", "options": {"bf": "2"}},
    "xvid avi": {"suffix": ".avi", "codec": "mpeg4", "options": {"bf": "2", "vtag": "XVID"}},
    "vfr": {"suffix": ".mkv", "vfr": True},
    "vfr open": {"suffix": ".mkv", "vfr": True, "params": "open-gop=1"},
    "wmv": {"suffix": ".wmv", "codec": "wmv2"},
    "flv": {"suffix": ".flv", "codec": "flv1"},
    "prores mov": {"suffix": ".mov", "codec": "prores_ks", "pix_fmt": "yuv422p10le"},
}
"""Clips by name: arguments of `write_video`, and the suffix of the file."""

PACKED = "packed avi"
"""The clip of `write_packed_avi`, for `shared_clip`."""

ALL_CLIPS = [*CLIPS, PACKED]


def write_clip(folder: Path, name: str, **changes: Any) -> Path:
    """Write the clip of this name in CLIPS into a folder and return its path."""
    arguments = {**CLIPS[name], **changes}
    suffix = arguments.pop("suffix")
    return write_video(folder / (name.replace(" ", "_").replace(":", "") + suffix), **arguments)


@cache
def shared_clip(name: str) -> Path:
    """Return the clip of this name, encoded once per run. Do not change the file."""
    folder = Path(tempfile.mkdtemp(prefix="animeds-clips-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_packed_avi(folder / "packed.avi") if name == PACKED else write_clip(folder, name)


def moving_pictures(count: int, width: int, height: int) -> Iterable[np.ndarray]:
    """Yield `count` different pictures, uint8 RGB: a gradient, a disc that travels, a cut in the middle."""
    y, x = np.mgrid[0:height, 0:width]
    for i in range(count):
        second_half = i >= count // 2
        red = (x * 255 // width + i * 3) % 256
        green = y * 255 // height
        blue = np.full_like(x, 200 if second_half else 40)
        centre = width * (i + 1) / (count + 1)
        disc = (x - centre) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2
        picture = np.stack([red, green, blue], axis=-1).astype(np.uint8)
        picture[disc] = (30, 90, 220) if second_half else (230, 180, 40)
        yield picture


def write_video(
    path: Path,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (160, 96),
    count: int = 48,
    fps: int = 24,
    gop: int = 12,
    pictures: Iterable[np.ndarray] | None = None,
    params: str = "",
    options: Mapping[str, str] | None = None,
    vfr: bool = False,
    sar: Fraction | None = None,
    rotation: float | None = None,
    mirror: bool = False,
    matrix: str = "bt601",
    full_range: bool = False,
    tagged: bool = True,
    transfer: int | None = None,
    lossless: bool = False,
    audio: bool = False,
    muxer: Mapping[str, str] | None = None,
) -> Path:
    """Encode pictures (default: `moving_pictures`) and return `path`.

    `matrix` and `full_range` say how RGB is turned into YUV, exactly; with `tagged=False` the file does
    not tell. `params` are x264 or x265 parameters. `vfr` gives uneven times. `rotation` is in degrees
    counter-clockwise, as the display matrix tells a player to turn the picture.
    """
    frames = list(pictures if pictures is not None else moving_pictures(count, *size))
    height, width = frames[0].shape[:2]
    with _usual_priority(), av.open(str(path), "w", options=dict(muxer or {})) as container:
        given = _options(codec, gop, params, options, lossless)
        stream = cast(VideoStream, container.add_stream(codec, rate=fps, options=given))
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        context.gop_size = gop
        if vfr:
            context.time_base = Fraction(1, 1000)
        if sar is not None:
            context.sample_aspect_ratio = sar
        if rotation is not None or mirror:
            stream.set_display_rotation(rotation or 0.0, hflip=mirror)
        if tagged:
            context.colorspace = MATRIX_TAGS[matrix]
            context.color_range = 2 if full_range else 1
        if transfer is not None:
            context.color_trc = transfer
        sound = (
            container.add_stream("mp3" if path.suffix in (".avi", ".flv") else "aac", rate=48000)
            if audio
            else None
        )
        times = frame_times(len(frames)) if vfr else range(len(frames))
        for time, picture in zip(times, frames, strict=True):
            frame = to_frame(picture, pix_fmt, matrix, full_range)
            frame.pts = time
            frame.time_base = context.time_base if vfr else Fraction(1, fps)
            if tagged:
                frame.colorspace, frame.color_range = MATRIX_TAGS[matrix], 2 if full_range else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _write_silence(container, sound, len(frames) / fps)
    return path


@contextmanager
def _usual_priority() -> Iterator[None]:
    """Give the thread its scheduling policy back afterwards.

    As root, SVT-AV1 makes the calling thread a real-time thread (SCHED_FIFO 99). Every process that the tests start
    would inherit that, and a busy one would take a core from everything else on the machine.
    """
    if not hasattr(os, "sched_getscheduler"):  # Windows, macOS
        yield
        return
    policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, param)


def write_packed_avi(path: Path, count: int = 48, gop: int = 12, size: tuple[int, int] = (160, 96)) -> Path:
    """Write MPEG-4 with packed B-frames, as DivX and Xvid did: P and B in one packet, then an empty one.

    No encoder of today writes it, so the packets of a usual encoding are put together here.
    """
    encoder = av.CodecContext.create("mpeg4", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, 24), Fraction(24), gop
    encoder.options = {"bf": "1", "b_strategy": "0", "flags": "+bitexact", "threads": "1"}
    encoder.options["sc_threshold"] = "1000000000"
    coded = []
    for time, picture in enumerate(moving_pictures(count, *size)):
        frame = to_frame(picture, "yuv420p")
        frame.pts, frame.time_base = time, Fraction(1, 24)
        coded += encoder.encode(frame)
    coded += encoder.encode(None)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.codec_tag = "XVID"
        stream.codec_context.flags |= int(av.codec.context.Flags.bitexact)
        stream.codec_context.open()
        for time, (data, is_key) in enumerate(_packed(coded)):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 24)
            packet.pts = packet.dts = time
            packet.is_keyframe = is_key
            container.mux(packet)
    return path


def _packed(coded: Sequence[Any]) -> list[tuple[bytes, bool]]:
    """Join each picture with the B picture that follows it, and mark the stream as packed (`…p`)."""
    start_code = b"\x00\x00\x01\xb6"
    packed: list[tuple[bytes, bool]] = []
    for packet in coded:
        data = bytes(packet)
        is_b = data[data.index(start_code) + 4] >> 6 == 2
        if not is_b:
            packed.append((data, packet.is_keyframe))
            continue
        packed[-1] = (packed[-1][0] + data, packed[-1][1])
        # A P picture (01) of this time (5 bits), not coded (0): the empty packet. ISO/IEC 14496-2, 6.2.5.
        bits = f"0101{(packet.pts + 1) % 24:05b}100"
        bits += "1" * (-len(bits) % 8)
        packed.append((start_code + int(bits, 2).to_bytes(len(bits) // 8, "big"), False))
    first, is_key = packed[0]
    head = first.index(b"\x00\x00\x01\xb3")
    packed[0] = (first[:head] + b"\x00\x00\x01\xb2DivX503b1393p" + first[head:], is_key)
    return packed


def frame_times(count: int) -> list[int]:
    """Milliseconds of a clip with variable frame rate: 42, 42, 42 and then 125 ms apart, again and again."""
    return [(i // 4) * 251 + (i % 4) * 42 for i in range(count)]


def to_frame(
    picture: np.ndarray, pix_fmt: str, matrix: str = "bt601", full_range: bool = False
) -> av.VideoFrame:
    """Turn uint8 RGB [h, w, 3] into a frame by the formulas of BT.601, BT.709 or BT.2020, without swscale."""
    deep = "10" in pix_fmt
    if not pix_fmt.startswith(("yuv420p", "yuv422p", "yuv444p")):
        return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)
    y, u, v = _to_yuv(picture, matrix, full_range, 10 if deep else 8)
    across, down = (1, 1) if "444" in pix_fmt else (2, 1) if "422" in pix_fmt else (2, 2)
    frame = av.VideoFrame(picture.shape[1], picture.shape[0], pix_fmt)
    planes = [y, _subsample(u, across, down), _subsample(v, across, down)]
    for plane, values in zip(frame.planes, planes, strict=True):
        _fill(plane, np.rint(values).astype("<u2" if deep else np.uint8))
    return frame


def _to_yuv(picture: np.ndarray, matrix: str, full_range: bool, bits: int) -> tuple[np.ndarray, ...]:
    kr, kb = WEIGHTS[matrix]
    r, g, b = (picture[:, :, i] / 255.0 for i in range(3))
    luma = kr * r + (1 - kr - kb) * g + kb * b
    blue, red = (b - luma) / (2 * (1 - kb)), (r - luma) / (2 * (1 - kr))
    scale = 2 ** (bits - 8)
    top = 2**bits - 1
    if full_range:
        return luma * top, blue * top + 128 * scale, red * top + 128 * scale
    return (16 + 219 * luma) * scale, (128 + 224 * blue) * scale, (128 + 224 * red) * scale


def _subsample(values: np.ndarray, across: int, down: int) -> np.ndarray:
    height, width = values.shape
    values = np.pad(values, ((0, -height % down), (0, -width % across)), mode="edge")
    blocks = values.reshape(values.shape[0] // down, down, values.shape[1] // across, across)
    means: np.ndarray = blocks.mean(axis=(1, 3))
    return means


def _fill(plane: Any, values: np.ndarray) -> None:
    rows = np.zeros((plane.height, plane.line_size), np.uint8)
    as_bytes = np.ascontiguousarray(values).view(np.uint8)
    rows[:, : as_bytes.shape[1]] = as_bytes
    plane.update(rows.tobytes())


def _options(
    codec: str, gop: int, params: str, options: Mapping[str, str] | None, lossless: bool
) -> dict[str, str]:
    chosen: dict[str, str] = {"threads": "1"}
    if codec == "libx264":
        # x264's assembler reads past pictures 160 wide: without cpu-independent each run gives other bytes.
        joined = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=3:b-adapt=0:cpu-independent=1"
        chosen |= {"preset": "veryfast", "x264-params": f"{joined}:{params}" if params else joined}
        chosen |= {"qp": "0"} if lossless else {}
    elif codec == "libx265":
        joined = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=3:b-adapt=0:log-level=none:pools=1:frame-threads=1"
        joined += ":open-gop=0" if "open-gop" not in params else ""
        joined += ":lossless=1" if lossless else ""
        chosen |= {"preset": "ultrafast", "x265-params": f"{joined}:{params}" if params else joined}
    elif codec == "libsvtav1":
        chosen |= {"preset": "10", "svtav1-params": f"keyint={gop}:lp=1"}
    elif codec == "libvpx-vp9":
        chosen |= {"deadline": "realtime", "cpu-used": "8"}
    return {**chosen, **(options or {})}


def _write_silence(container: Any, sound: Any, seconds: float) -> None:
    rate, step = 48000, 1024
    for start in range(0, int(seconds * rate), step):
        layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.zeros((2, step), np.float32), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(sound.encode(frame))
    container.mux(sound.encode(None))


def write_sound(path: Path, seconds: float = 1.0) -> Path:
    """Write a file with sound and nothing to see."""
    with av.open(str(path), "w") as container:
        _write_silence(container, container.add_stream("aac", rate=48000), seconds)
    return path


def decode_everything(path: Path) -> list[av.VideoFrame]:
    """Decode a file from its start to its end in the plainest way, as the reference for everything else."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def cut_short(path: Path, share: float) -> Path:
    """Keep only the first `share` of a file's bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def join_bytes(path: Path, parts: Sequence[Path]) -> Path:
    """Write several files one behind the other, as `cat` does with transport streams."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path

"""The devices that can decode videos instead of the processor, and which of them this machine has.

Frames from a device come in its own pixel format. They are turned into the format of the processor's decoder, which
only moves values around, so that the hash of a frame does not depend on what has decoded it (see `accelerated`).
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import av.codec.hwaccel

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.media.frame import same_size

NONE, AUTO = "none", "auto"
DEVICES = ("cuda", "vaapi", "d3d11va", "videotoolbox")
"""By FFmpeg's names, in the order in which `auto` tries them: NVIDIA, Linux, Windows, macOS."""
CHOICES = (NONE, AUTO, *DEVICES)


class HardwareError(Exception):
    """A device cannot decode a video, or stopped doing so. The processor can."""


@dataclass(frozen=True)
class Hardware:
    """What decodes videos: the name of a device, or None for the processor. `note` says why it is not a device."""

    device: str | None = None
    note: str = ""


PROCESSOR = Hardware()


def choose_hardware(wanted: str = NONE) -> Hardware:
    """Return what decodes videos on this machine for `wanted` (none, auto, or the name of a device).

    A device that cannot be used is replaced by the processor, and the note says why. Raises UsageError for another
    word.
    """
    if wanted not in CHOICES:
        raise UsageError(
            f'"{wanted}" is not a device that decodes videos', hint=did_you_mean(wanted, CHOICES)
        )
    if wanted == NONE:
        return PROCESSOR
    problems = {}
    for device in DEVICES if wanted == AUTO else (wanted,):
        problem = _why_not(device)
        if problem is None:
            return Hardware(device)
        problems[device] = problem
    if wanted == AUTO:  # those that are not for this system say nothing
        problems = {d: p for d, p in problems.items() if p != NOT_BUILT} or {"no device": NOT_BUILT}
    reasons = "; ".join(f"{device} {problem}" for device, problem in problems.items())
    return Hardware(None, f"videos are decoded by the processor: {reasons}")


NOT_BUILT = "is not supported by this build of PyAV"


def _why_not(device: str) -> str | None:
    """Return why a device cannot decode, or None if it can be opened."""
    if device not in av.codec.hwaccel.hwdevices_available():
        return NOT_BUILT
    try:
        settings_for(device).create(av.Codec("h264", "r"))
    except NotImplementedError:
        return NOT_BUILT
    except (av.FFmpegError, OSError) as error:
        return f"cannot be opened on this machine ({error.strerror or type(error).__name__})"
    return None


def settings_for(device: str) -> av.codec.hwaccel.HWAccel:
    """Return PyAV's settings for decoding on a device, which fails where the device cannot decode."""
    return av.codec.hwaccel.HWAccel(device, allow_software_fallback=False)


def in_format(decoded: av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    """Return a frame in another pixel format of the same depth and subsampling; not one value changes.

    Devices return NV12 and P010: the values of yuv420p and yuv420p10le in another order, or shifted.
    """
    return decoded if decoded.format.name == pix_fmt else same_size(decoded, pix_fmt)

"""Clips: every frame of a stretch of a video, the sound that belongs to it, and a file of both.

frames = frames_between(path, stream, first_pts, last_pts)
content = encode_clip((frame.scaled(640, 360) for frame in frames), Fraction(24))
"""

from __future__ import annotations

from animeds_db.media.clips.drawings import at_rate
from animeds_db.media.clips.frames import StreamFacts, Stretch, frames_between, frames_of, stream_facts
from animeds_db.media.clips.interlacing import deinterlaced, is_interlaced
from animeds_db.media.clips.sound import Sound, SoundTrack, choose_track, sound_between, sound_tracks, wav_of
from animeds_db.media.clips.writer import Encoding, encode_clip, lossless_suffix

__all__ = [
    "Encoding",
    "Sound",
    "SoundTrack",
    "StreamFacts",
    "Stretch",
    "at_rate",
    "choose_track",
    "deinterlaced",
    "encode_clip",
    "frames_between",
    "frames_of",
    "is_interlaced",
    "lossless_suffix",
    "sound_between",
    "sound_tracks",
    "stream_facts",
    "wav_of",
]

"""Reads the words of a video: its subtitle tracks, the subtitle files beside it, and its chapters. Decodes nothing.

FFmpeg splits tracks and files of every format into events, and media.words.markup removes their markup. A track that
cannot be read becomes a note, never an error.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import av
from av.stream import Discard

from animeds_db.errors import SourceError
from animeds_db.media.opening import OpenVideo, choose_stream, opened
from animeds_db.media.words.chapters import Chapter, read_chapters
from animeds_db.media.words.encodings import UNICODE, encoding_of
from animeds_db.media.words.markup import kind_of, plain_text, song_of, voice
from animeds_db.remote.paths import SourcePath, files_below

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

SUFFIXES = frozenset({".ass", ".ssa", ".srt", ".vtt"})
DEMUXERS = ("ass", "srt", "webvtt")
"""Formats of files beside a video, by FFmpeg's names. None of them opens another file."""
TEXT_CODECS = frozenset({"ass", "ssa", "srt", "subrip", "webvtt", "mov_text", "text"})
MOST_LINES = 500_000
"""Maximum number of events that are read from one track. A typeset episode has up to 100,000."""
MOST_BYTES = 64 << 10
"""Maximum size of one event in bytes. Longer ones are left out."""
MOST_FILE_BYTES = 64 << 20
"""Maximum size of a subtitle file in bytes."""
_ASS_FIELDS = 8
"""Commas before the text of an event: ReadOrder, Layer, Style, Name, three margins, Effect."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{2,4})?")
_ADDED = re.compile(r"(?:\.[A-Za-z][A-Za-z -]*)*")
_FLAGS = frozenset({"default", "forced", "sdh", "cc", "full", "signs", "songs"})


@dataclass(frozen=True)
class Track:
    """One subtitle track. `stream`: its index in the video file; None for a file beside the video."""

    stream: int | None
    title: str | None
    """Its title, or the name of its file."""
    language: str | None

    @property
    def name(self) -> str:
        """The track in messages."""
        return f"subtitle track {self.stream}" if self.stream is not None else str(self.title)


@dataclass(frozen=True)
class Line:
    """One event of a track. `start_s` and `end_s`: seconds from the start of the video stream, from 0."""

    track: Track
    start_s: float
    end_s: float
    kind: str
    """dialogue | sign | song"""
    text: str
    raw: str
    """The text with its markup."""
    speaker: str | None
    style: str | None
    layer: int
    song: str | None
    """opening | ending, if the style's name says so."""


@dataclass
class Words:
    """The words of one video, in the order of the tracks and of time; and notes for the user."""

    lines: list[Line] = field(default_factory=list)
    chapters: list[Chapter] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_words(path: SourcePath) -> Words:
    """Return the lines and chapters of a video. Raises SourceError if the video itself cannot be opened."""
    video = OpenVideo(path)
    try:
        zero = _start(choose_stream(path, video.container))
        first = (video.container.start_time or 0) / av.time_base - zero
        words = Words()
        words.chapters, notes = read_chapters(video.container, zero)
        words.notes += notes
        _read_tracks(video.container, zero, words)
    finally:
        video.close()
    for file in files_beside(path):
        _read_file(file, language_of(file, path), -first, words)
    return words


def files_beside(path: SourcePath) -> list[SourcePath]:
    """Return the subtitle files in a video's folder that have its name, such as `Show - 01.en.ass`, by name.

    A folder that cannot be listed has none.
    """
    here = list(files_below(path.parent, enters=lambda _name: False, onerror=lambda _error: None))
    stems = {file.stem for file in here if file.suffix.lower() not in SUFFIXES}

    def belongs(file: SourcePath) -> bool:
        if file.suffix.lower() not in SUFFIXES or not file.stem.startswith(path.stem):
            return False
        is_others = any(len(s) > len(path.stem) and file.stem.startswith(s) for s in stems)
        return not is_others and _ADDED.fullmatch(file.stem[len(path.stem) :]) is not None

    return sorted(filter(belongs, here), key=lambda file: file.name)


def language_of(file: SourcePath, video: SourcePath) -> str | None:
    """Return the language in the name of a subtitle file, such as `en` in `Show - 01.en.ass`; else None."""
    added = file.stem[len(video.stem) :].split(".")[1:]
    return next((p for p in added if p.lower() not in _FLAGS and _LANGUAGE.fullmatch(p)), None)


def _start(stream: Stream) -> float:
    """Return the time of a stream's start in seconds."""
    return float((stream.start_time or 0) * (stream.time_base or 0))


def _read_tracks(container: InputContainer, zero: float, words: Words) -> None:
    tracks: dict[int, Track] = {}
    codecs: dict[int, str] = {}
    for stream in container.streams:
        about = stream.metadata
        if stream.type != "subtitle" or stream.codec_context is None:
            stream.discard = Discard.all
            continue
        title = about.get("title") or about.get("name") or None
        language = about.get("language")
        track = Track(stream.index, title, None if language in (None, "", "und") else language)
        codec = stream.codec_context.name
        if codec in TEXT_CODECS:
            tracks[stream.index], codecs[stream.index] = track, codec
        else:
            stream.discard = Discard.all
            words.notes.append(f"{track.name} ({codec}) has pictures instead of text, and was not read")
    events: dict[int, list[_Event]] = {index: [] for index in tracks}
    if tracks and not _collect(container, [container.streams[index] for index in tracks], events):
        words.notes.append("the subtitle tracks are damaged: lines may be missing")
    for index, track in tracks.items():
        _add_lines(track, codecs[index], events[index], zero, words)


def _read_file(file: SourcePath, language: str | None, zero: float, words: Words) -> None:
    track = Track(None, file.name, language)
    if file.is_symlink():
        words.notes.append(f"{file.name} was not read: it is a link")
        return
    try:
        with opened(file) as content:
            data = content.read(MOST_FILE_BYTES + 1)
    except SourceError as error:
        words.notes.append(f"{file.name} was not read: {error.headline}")
        return
    if len(data) > MOST_FILE_BYTES:
        words.notes.append(f"{file.name} was not read: it has more than {MOST_FILE_BYTES >> 20} MB")
        return
    try:
        encoding = encoding_of(data, language)
        container = _subtitle_file(data.decode(encoding, "replace"))
    except (ValueError, av.FFmpegError):
        words.notes.append(f"{file.name} was not read: it is not a subtitle file, or its encoding is unknown")
        return
    with container:
        if encoding not in UNICODE:
            words.notes.append(f"{file.name} is not in UTF-8: it was read as {encoding}")
        stream = container.streams[0]
        events: dict[int, list[_Event]] = {0: []}
        if not _collect(container, [stream], events):
            words.notes.append(f"{file.name} is damaged: lines may be missing")
        assert stream.codec_context is not None
        if not events[0]:
            words.notes.append(f"{file.name} has no lines")
        _add_lines(track, stream.codec_context.name, events[0], zero, words)


def _subtitle_file(text: str) -> InputContainer:
    whitelist = {"format_whitelist": ",".join(DEMUXERS), "protocol_whitelist": "file"}
    return av.open(io.BytesIO(text.encode("utf-8", "replace")), mode="r", container_options=whitelist)


@dataclass(frozen=True)
class _Event:
    start_s: float | None
    end_s: float
    data: bytes


def _collect(container: InputContainer, streams: Sequence[Stream], events: dict[int, list[_Event]]) -> bool:
    """Read the packets of these streams. Returns False if the file is damaged before its end."""
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, IndexError):  # IndexError: PyAV 18, if damage appears as a new stream
            return False
        if packet is None:
            return True
        found = events[packet.stream.index]
        if packet.size and len(found) <= MOST_LINES:
            found.append(_event(packet))


def _event(packet: Packet[Stream]) -> _Event:
    if packet.pts is None or packet.time_base is None:
        return _Event(None, 0.0, b"")
    start = float(packet.pts * packet.time_base)
    return _Event(start, start + float((packet.duration or 0) * packet.time_base), bytes(packet))


def _add_lines(track: Track, codec: str, events: Sequence[_Event], zero: float, words: Words) -> None:
    """Add the lines of a track that have words, and what was wrong with the others."""
    counts: Counter[str] = Counter()
    usable = list(_usable(events, zero, counts))
    texts = [_payload(codec, event.data) for event in usable]
    try:
        encoding = encoding_of(b"\n".join(texts), track.language)
    except ValueError:
        words.notes.append(f"{track.name} was not read: its encoding is unknown")
        return
    if encoding not in UNICODE:
        words.notes.append(f"{track.name} is not in UTF-8: it was read as {encoding}")
    for event, text in zip(usable, texts, strict=True):
        line = _line(track, codec, event, text.decode(encoding, "replace"))
        if line is not None:
            words.lines.append(line)
    words.notes += [f"{track.name}: {what}: {n}" for what, n in counts.items()]


def _usable(events: Sequence[_Event], zero: float, counts: Counter[str]) -> Iterator[_Event]:
    """Yield the events that can be lines, with their times counted from the start of the video."""
    if len(events) > MOST_LINES:
        counts["number of lines read, the others are left out"] = MOST_LINES
    for event in events[:MOST_LINES]:
        if event.start_s is None:
            counts["lines without a time, left out"] += 1
            continue
        start, end = event.start_s - zero, event.end_s - zero
        if len(event.data) > MOST_BYTES:
            counts["lines that are too long, left out"] += 1
        elif max(start, end) < 0:
            counts["lines before the start of the video, left out"] += 1
        else:
            if end < start:
                counts["lines that end before they start"] += 1
            yield _Event(max(0.0, start), max(0.0, start, end), event.data)


def _payload(codec: str, data: bytes) -> bytes:
    """Return the text of an event. In an mp4 file, its length comes first and its formatting last."""
    return data[2 : 2 + int.from_bytes(data[:2], "big")] if codec == "mov_text" else data


def _line(track: Track, codec: str, event: _Event, content: str) -> Line | None:
    """Return an event as a line, or None if it has no words, such as a drawing."""
    layer, style, speaker, effect, raw = "0", "", "", "", content
    if codec in ("ass", "ssa"):
        fields = content.split(",", _ASS_FIELDS)
        if len(fields) <= _ASS_FIELDS:
            return None
        layer, style, speaker, effect, raw = (fields[n].strip() for n in (1, 2, 3, 7, 8))
    text = plain_text(raw)
    if not text or event.start_s is None:
        return None
    kind = kind_of(raw, text, style, effect, track.title or "")
    return Line(
        track=track,
        start_s=event.start_s,
        end_s=event.end_s,
        kind=kind,
        text=text,
        raw=raw,
        speaker=speaker or voice(raw),
        style=style or None,
        layer=int(layer) if layer.isdecimal() else 0,
        song=song_of(style) if kind == "song" else None,
    )

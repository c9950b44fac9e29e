"""The lines of one character as sound and text, for trainers of voices.

A speaker counts only if a person confirmed who it is. Lines during which somebody else speaks or music plays are left
out. The folder has wavs/LINE.wav and wavs/LINE.txt, and three lists of the same lines: metadata.csv as LJSpeech has it
(Piper, Coqui, StyleTTS 2), wavs/metadata.jsonl (`load_dataset("audiofolder", …)`), and voices.list (GPT-SoVITS).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

from animeds_db.errors import ExportError, did_you_mean
from animeds_db.export.folder.writer import NewFolder
from animeds_db.export.manifest import CREDITS_NAME, MANIFEST_NAME, Manifest, current_versions
from animeds_db.export.names import safe_folder
from animeds_db.export.options import ExportOptions, Provenance
from animeds_db.export.pictures.picture import Source
from animeds_db.media.clips import SoundTrack, choose_track, sound_between, sound_tracks, wav_of
from animeds_db.media.reader import Reader
from animeds_db.remote.paths import SourcePath, source_path
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script

VOICES_NAME = "animeds-voices.json"
"""File with where every line comes from."""

WHY = {
    "short": "shorter than 0.5 s",
    "overlap": "somebody else speaks",
    "song": "during a song, an opening or an ending",
    "untranslated": "no line in this language at the same time",
    "silent": "the video has no sound",
}
"""Why lines are left out."""

LANGUAGES = {
    "ja": "jpn",
    "en": "eng",
    "zh": "zho",
    "chi": "zho",
    "ko": "kor",
    "de": "deu",
    "ger": "deu",
    "fr": "fra",
    "fre": "fra",
    "es": "spa",
    "it": "ita",
    "pt": "por",
    "ru": "rus",
}
"""Other codes of the languages that subtitles have most often. Files use codes of two and of three letters."""

HINT = (
    "`animeds characters voices` proposes who speaks, and `animeds label speaker NAME CHARACTER` confirms it."
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class VoiceOptions:
    """Which sound and which text: `track` is "default", a number from 1, a language, or a part of the title;
    `language` is that of the text, as subtitles have it, such as eng (None: that of the track with the speakers)."""

    track: str = "default"
    language: str | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class VoiceLine:
    """A line to export. Times are seconds from the start of the video."""

    source_id: str
    line_id: str
    start_s: float
    end_s: float
    speaker: str
    text: str
    language: str | None


@dataclass(frozen=True)
class Voices:
    """What an export of a character's lines would write."""

    character: str
    lines: tuple[VoiceLine, ...]
    left_out: Mapping[str, int]
    """Number of lines that are left out, by reason."""
    notes: tuple[str, ...]
    tracks: Mapping[str, SoundTrack]
    """The track of sound of each source."""

    @property
    def seconds(self) -> float:
        """Length of all lines together."""
        return sum(line.end_s - line.start_s for line in self.lines)


@dataclass(frozen=True)
class VoicesReport:
    """What an export of a character's lines wrote."""

    folder: Path
    n_lines: int
    seconds: float
    notes: tuple[str, ...]


def find_voices(
    session: Session, sources: Mapping[str, Source], character: str, options: VoiceOptions
) -> Voices:
    """Return the lines that a character says and that can be used. Nothing is decoded.

    Raises ExportError if no confirmed speaker is this character, SourceError if a file is missing or has no such track.
    """
    rows = session.arrow(
        sql_script("steps/export", "voices.sql"), {"character": character, "language": options.language}
    ).to_pylist()
    if not rows:
        known = [row[0] for row in session.sql("SELECT DISTINCT said_by FROM speaker_names").fetchall()]
        raise ExportError(
            f"No speaker was confirmed to be {character}.",
            hint=did_you_mean(character, known) if known else HINT,
        )
    tracks = {}
    for source_id in sorted({row["source_id"] for row in rows}):
        path = source_path(sources[source_id].uri)
        track = choose_track(sound_tracks(path), options.track, path)
        if track is not None:
            tracks[source_id] = track
    why = [row.pop("why") or (None if row["source_id"] in tracks else "silent") for row in rows]
    lines = tuple(VoiceLine(**row) for row, reason in zip(rows, why, strict=True) if reason is None)
    left_out = Counter(WHY[reason] for reason in why if reason is not None)
    return Voices(character, lines, dict(left_out.most_common()), tuple(_notes(lines, tracks)), tracks)


def _notes(lines: Sequence[VoiceLine], tracks: Mapping[str, SoundTrack]) -> Iterator[str]:
    """Yield a note for each pair of languages of the text and the sound that differ."""
    pairs = Counter((line.language or "", tracks[line.source_id].language) for line in lines)
    for (text, sound), n in pairs.items():
        if text and sound and _code(text) != _code(sound):
            yield (
                f"the text of {n} lines is in {text}, and the sound in {sound}: "
                f"--language {sound} or --audio {text} if there is one"
            )


def _code(language: str) -> str:
    short = language.casefold().partition("-")[0]
    return LANGUAGES.get(short, short)


def export_voices(
    voices: Voices,
    sources: Mapping[str, Source],
    out: Path,
    options: VoiceOptions,
    *,
    provenance: Provenance | None = None,
    progress: Progress | None = None,
) -> VoicesReport:
    """Write the lines to the folder `out`, which appears when it is complete.

    Raises ExportError if it must not be written or if there are no lines, SourceError if a file cannot be read.
    """
    if not voices.lines:
        reasons = "; ".join(f"{n} {why}" for why, n in voices.left_out.items())
        raise ExportError(f"No line of {voices.character} can be used.", hint=reasons)
    used = [sources[one] for one in sorted({line.source_id for line in voices.lines})]
    with NewFolder(out, overwrite=options.overwrite) as folder:
        written = list(_write_sounds(folder, voices, sources, progress))
        _write_lists(folder, voices)
        folder.write(VOICES_NAME, _record(voices, options, written).encode())
        head = Manifest(current_versions(), provenance or Provenance(), ExportOptions(), tuple(used), (), ())
        folder.write(CREDITS_NAME, _credits(used).encode())
        folder.write(MANIFEST_NAME, replace(head, files=dict(sorted(folder.files.items()))).text().encode())
        folder.commit()
    return VoicesReport(folder.out, len(voices.lines), voices.seconds, voices.notes)


def _write_sounds(
    folder: NewFolder, voices: Voices, sources: Mapping[str, Source], progress: Progress | None
) -> Iterator[dict[str, Any]]:
    """Write the sound of every line; yield its record."""
    done = 0
    for source_id, lines in groupby(voices.lines, key=lambda line: line.source_id):
        path, track = source_path(sources[source_id].uri), voices.tracks[source_id]
        begins = _start_of(path)
        for line in lines:
            start, end = (begins + Fraction(round(s * 1000), 1000) for s in (line.start_s, line.end_s))
            sound = sound_between(path, track.index, start, end - start)
            name = f"wavs/{line.line_id}.wav"
            folder.write(name, wav_of(sound))
            folder.write(f"wavs/{line.line_id}.txt", f"{line.text}\n".encode())
            done += 1
            if progress is not None:
                progress(done, len(voices.lines))
            yield {**asdict(line), "file": name, "track": track.index, "rate": sound.rate}


def _start_of(path: SourcePath) -> Fraction:
    """Return the start of the video in the clock of its file: times of lines count from there."""
    with closing(Reader(path)) as reader:
        return reader.start_pts * reader.time_base


def _write_lists(folder: NewFolder, voices: Voices) -> None:
    name = safe_folder(voices.character)
    csv, jsonl, sovits = [], [], []
    for line in voices.lines:
        text = " ".join(line.text.replace("|", " ").split())
        language = _code(line.language or "")
        short = next(
            (two for two, three in LANGUAGES.items() if three == language and len(two) == 2), language
        )
        csv.append(f"{line.line_id}|{text}|{text}")
        sovits.append(f"wavs/{line.line_id}.wav|{name}|{short}|{text}")
        record = {
            "file_name": f"{line.line_id}.wav",
            "text": line.text,
            "speaker": voices.character,
            "language": line.language,
            "seconds": round(line.end_s - line.start_s, 3),
        }
        jsonl.append(json.dumps(record, ensure_ascii=False))
    for path, rows in (("metadata.csv", csv), ("wavs/metadata.jsonl", jsonl), ("voices.list", sovits)):
        folder.write(path, ("\n".join(rows) + "\n").encode())


def _record(voices: Voices, options: VoiceOptions, lines: Sequence[Mapping[str, Any]]) -> str:
    content = {
        "character": voices.character,
        "options": {"track": options.track, "language": options.language},
        "seconds": round(voices.seconds, 3),
        "left_out": voices.left_out,
        "lines": list(lines),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _credits(sources: Sequence[Source]) -> str:
    facts = ("show", "credit", "licence", "url")
    parts = []
    for source in sources:
        given = [(name, getattr(source, name)) for name in facts]
        lines = [f"    {name}: {' '.join(str(value).split())}" for name, value in given if value]
        parts.append("\n".join([source.title or source.source_id, *lines, ""]))
    return "The voices in this folder come from:\n\n" + "\n".join(parts)

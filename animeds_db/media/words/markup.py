"""Removes the markup of subtitles, and tells dialogue from signs and songs."""

from __future__ import annotations

import html
import re
from functools import lru_cache

_OVERRIDES = re.compile(r"(\{[^}]*\})")
_BREAKS = re.compile(r"\\[Nnh]")
_DRAWING = re.compile(r"\\p(\d+)")
_RUBY = re.compile(r"<rt\b[^>]*>.*?</rt>", re.S | re.I)
_TAGS = re.compile(r"</?[A-Za-z][^<>]*>|<\d\d:[\d:.]+>")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_SPACE = re.compile(r"\s+")
_KARAOKE = re.compile(r"\{[^}]*\\[kK][fot]?\d")
_POSITION = re.compile(r"\{[^}]*\\(?:pos|move)\s*\(")
_NOTES = re.compile(r"^[♪♫♬]|[♪♫♬]$")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+")

SIGN_WORDS = frozenset({"sign", "signs", "title", "titles", "eyecatch", "typeset", "typesetting", "ts"})
"""Words of a style's or a track's name that mean text on the screen."""
SONG_WORDS = frozenset({"song", "songs", "lyric", "lyrics", "karaoke", "kara", "romaji", "insert"})
"""Words of a style's or a track's name that mean a song."""
OPENING_WORDS = frozenset({"opening", "オープニング"})
ENDING_WORDS = frozenset({"ending", "credits", "エンディング"})
SHORT_NAMES = {"OP": "opening", "op": "opening", "ED": "ending", "ed": "ending"}
"""Short names of songs. `Ed` is not one: it may be a character's style."""
DIALOGUE_WORDS = frozenset({"dialog", "dialogs", "dialogue", "full"})
"""A track named "Full + Signs" has dialogue, too."""


def plain_text(raw: str) -> str:
    """Return the words of a subtitle on one line: without override blocks, drawings, HTML tags and furigana."""
    parts, drawing = [], False
    for part in _OVERRIDES.split(raw):
        if part.startswith("{") and part.endswith("}"):
            scale = _DRAWING.findall(part)
            drawing = int(scale[-1]) > 0 if scale else drawing
        elif not drawing:
            parts.append(part)
    text = _TAGS.sub("", _RUBY.sub("", _BREAKS.sub(" ", "".join(parts))))
    return _SPACE.sub(" ", html.unescape(text)).strip()


def voice(raw: str) -> str | None:
    """Return the speaker in a WebVTT cue, or None."""
    found = _VOICE.search(raw)
    return html.unescape(found[1]).strip() or None if found else None


def kind_of(raw: str, text: str, style: str = "", effect: str = "", track: str = "") -> str:
    """Return dialogue, sign or song, judged by karaoke tags, the style's name, the position, and the track's name."""
    words, track_words = _words(style), _words(track)
    if _KARAOKE.search(raw) or _NOTES.search(text) or effect.lower() in ("fx", "karaoke"):
        return "song"
    if words & SONG_WORDS or song_of(style):
        return "song"
    if words & SIGN_WORDS or _POSITION.search(raw) or effect.startswith(("Banner;", "Scroll ")):
        return "sign"
    if track_words & SIGN_WORDS and not track_words & DIALOGUE_WORDS:
        return "sign"
    if track_words & SONG_WORDS and not track_words & DIALOGUE_WORDS:
        return "song"
    return "dialogue"


@lru_cache
def song_of(style: str) -> str | None:
    """Return opening or ending if a style's name says so, such as `OP-Romaji`; else None."""
    words = _words(style)
    if words & OPENING_WORDS:
        return "opening"
    if words & ENDING_WORDS:
        return "ending"
    return next((SHORT_NAMES[word] for word in _WORD.findall(style) if word in SHORT_NAMES), None)


@lru_cache
def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(name))

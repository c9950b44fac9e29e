"""Reads show, season and episode from file and folder names. If in doubt, the result is None.

Years, resolutions, checksums and the numbers of OVAs, specials and films are never episodes. Nothing is
looked up, and no file is opened.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from animeds_db.media import ARCHIVE_SUFFIXES, PICTURE_SUFFIXES, VIDEO_SUFFIXES
from animeds_db.remote.paths import SourcePath

SUFFIXES = sorted(VIDEO_SUFFIXES | PICTURE_SUFFIXES | ARCHIVE_SUFFIXES, key=len, reverse=True)
"""Suffixes removed from a name before it is read. The longest come first, so that `.tar.gz` is removed as a whole."""

_OF_PICTURES = (
    "cap caps clip clips data dataset datasets frame frames image images img imgs input picture pictures"
    " pics screencap screencaps screenshot screenshots"
)
_OF_COLLECTIONS = (
    "anime animes animation desktop documents download downloads episode episodes extras films home media"
    " movies ova ovas root series shows source sources special specials src test tests tmp torrents tv user"
    " users var video videos volumes work"
)

PICTURE_FOLDERS = frozenset(_OF_PICTURES.split())
"""Names (lower case) that describe the content rather than the show."""

GENERIC_FOLDERS = PICTURE_FOLDERS | frozenset(_OF_COLLECTIONS.split())
"""Folder names (lower case) that are never the name of a show."""

STOP = "\x1f"
"""Replaces a release token (resolution, codec, …), so that no pattern matches across it."""

_BRACKETS = re.compile(r"\[([^\[\]]*)\]|\(([^()]*)\)|\{([^{}]*)\}|【([^【】]*)】")
_DECIMAL = re.compile(r"[0-9]\.[0-9]")

_RELEASE = re.compile(
    r"""(?<![a-z0-9])(?:
        [0-9]{3,4}[pi](?:[0-9]{2})? | [0-9]{3,4}\s?x\s?[0-9]{3,4} | [48]k | uhd
      | [xh][ .]?26[456] | hevc | avc | av1 | vp9 | xvid | divx | hi10p? | (?:8|10)[ -]?bits?
      | blu-?ray | bd-?rip | bd-?remux | remux | web-?dl | web-?rip
      | dvd-?rip | dvd-?[59]? | hdtv | tv-?rip | vhs-?rip
      | (?:aac|flac|ac3|e-?ac-?3|ddp?|dts|opus|mp3)(?:-?hd)?(?:[0-9](?:[ .][0-9])?)? | [257][.][01]
      | dual[ -]?audio | multi[ -]?subs? | (?:23|24|25|29|30|50|59|60)(?:[.][0-9]+)?\s?fps
      | crc32 | (?=[a-f]*[0-9])[0-9a-f]{8}
    )(?![a-z0-9])""",
    re.IGNORECASE | re.VERBOSE,
)
_YEAR_BEFORE_RELEASE = re.compile(rf"(?<![0-9])(?:19|20)[0-9]{{2}}\s*(?={STOP})")

_KANJI = "一二三四五六七八九十"
_COUNT = rf"([0-9]{{1,4}}|[{_KANJI}]{{1,3}})"
_VERSION = r"(?:\s?v[0-9])?"

_SEASON_WORD = r"(?:season|saison|staffel|stagione|temporada|сезон)"
_SEASONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![^\W\d_]){_SEASON_WORD}\s*([0-9]{{1,2}})(?![0-9])",
        rf"(?<![0-9])([0-9]{{1,2}})(?:st|nd|rd|th|e|ème|ª)\s+{_SEASON_WORD}(?![^\W\d_])",
        rf"第\s*{_COUNT}\s*[期季]",
        r"(?<![^\W_])s([0-9]{1,2})(?![^\W_]|[.][0-9])",
    )
)
_SPECIALS_FOLDER = re.compile(r"(?:specials?|sps?)", re.IGNORECASE)

_SEASON_AND_EPISODE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![^\W_])s([0-9]{{1,2}})\s*[-. ]?\s*ep?\s?([0-9]{{1,4}}){_VERSION}(?![0-9]|[.][0-9])",
        rf"(?<![^\W_])([0-9]{{1,2}})x([0-9]{{2,3}}){_VERSION}(?![^\W_]|[.][0-9])",
    )
)
_EPISODE_WORD = r"(?:episode|épisode|episodio|folge|серия|ep|e)"
_MARKED_EPISODES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:第|제)\s*{_COUNT}\s*[話话集回화]",
        rf"(?<![^\W_]){_EPISODE_WORD}\s?[.#-]?\s?([0-9]{{1,4}}){_VERSION}(?![^\W_]|[.][0-9])",
        rf"#([0-9]{{1,4}}){_VERSION}(?![^\W_]|[.][0-9])",
        r"(?<![0-9])([0-9]{1,4})\s?[話话集화](?![^\W_])",
    )
)
_DASHED_EPISODE = re.compile(
    rf"(?:^|\s)[-–—]\s*([0-9]{{1,4}})(?:\s?[-~]\s?[0-9]{{2,4}})?{_VERSION}(?=$|{STOP}|\s+(?:end|fin|final|[-–—])(?:\s|$)|\s*{STOP}|\s+\D)",
    re.IGNORECASE,
)
_BRACKETED_EPISODE = re.compile(rf"\s*([0-9]{{1,4}}){_VERSION}(?:\s*(?:end|fin|完))?\s*", re.IGNORECASE)
_TRAILING_EPISODE = re.compile(
    rf"(?:^|\s)([0-9]{{2,4}}){_VERSION}(?:\s+(?:end|fin))?\s*(?=$|{STOP})", re.IGNORECASE
)
_LEADING_EPISODE = re.compile(rf"\s*([0-9]{{1,4}}){_VERSION}(?:\s*$|\s*{STOP}|\s*[-–—_]\s|\.\s)")

_SPECIAL = re.compile(
    rf"""(?<![^\W_])(?:
        (?:ova|oad|special|specials|sp|movie|film|gekijou?ban|ncop|nced|creditless|trailer|preview|pv|cm|menu|recap)
        (?:\s*[-–—#]?\s*[0-9]{{1,3}}(?:[.][0-9])?[a-z]?{_VERSION})?
        (?=\s*$|\s*{STOP}|\s+[-–—]\s)
      | [-–—]\s+(?:ova|oad|sp|movie)(?![^\W_])
      | 劇場版 | 总集篇 | 総集編 | 特別編
      | [0-9]{{1,4}}[.][0-9]{{1,2}}{_VERSION}(?=\s*$|\s*{STOP}|\s+[-–—]\s)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
"""An OVA, special, film, credit-less opening or recap (`02.5`). Its number, if any, is not an episode number."""

_EDGES = " \t-–—_.,~#|" + STOP


@dataclass(frozen=True)
class EpisodeName:
    """The parts of a name. `title` is the file or folder name without its extension, otherwise unchanged."""

    show: str | None
    season: int | None
    episode: int | None
    title: str


@dataclass(frozen=True)
class _Found:
    """Numbers found in a text, and the position of the first of them."""

    season: int | None
    episode: int | None
    start: int


def parse_name(path: SourcePath) -> EpisodeName:
    """Return show, season and episode from a file's or folder's name. Missing parts come from the folders above it.

    Recaps between episodes (`02.5`), OVAs, specials and films have no episode. Never raises.
    """
    title = _without_suffix(path.name)
    text, brackets = _cleaned(title)
    found = _find(text, brackets)
    folders = [_cleaned(folder)[0] for folder in _folders_above(path)]
    season = found.season
    if season is None:
        season = next(_folder_seasons(folders[:2]), None)
    show: str | None = _tidy(text[: found.start])
    if not show and len(brackets) > 1 and not _tidy(text):
        show = _tidy(_cleaned(brackets[1])[0])  # [group][show][02][1080p]
    if not show or show.casefold() in PICTURE_FOLDERS:
        show = next(_folder_shows(folders), None)
    return EpisodeName(show or None, season, found.episode, title)


def _without_suffix(name: str) -> str:
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def _folders_above(path: SourcePath) -> list[str]:
    """Return the names of the folders that contain a file, nearest first."""
    return [folder.name for folder in path.parents if folder.name]


def _cleaned(name: str) -> tuple[str, list[str]]:
    """Return the text outside brackets with STOP for release tokens, and the texts in brackets."""
    text = unicodedata.normalize("NFKC", name.replace(STOP, " "))
    brackets: list[str] = []

    def take(match: re.Match[str]) -> str:
        brackets.append(next(group for group in match.groups() if group is not None))
        return STOP

    text = _BRACKETS.sub(take, text).replace("_", " ")
    if " " not in text.strip() and text.count(".") and not _DECIMAL.fullmatch(text.strip()[-3:]):
        text = text.replace(".", " ")
    text = _RELEASE.sub(STOP, text)
    return _YEAR_BEFORE_RELEASE.sub(STOP, text), brackets


def _find(text: str, brackets: list[str]) -> _Found:
    for pattern in _SEASON_AND_EPISODE:
        if match := pattern.search(text):
            return _Found(int(match[1]), int(match[2]), match.start())
    season, season_start = _season(text)
    special = _SPECIAL.search(text)
    if special:
        return _Found(season, None, min(season_start, special.start()))
    episode, episode_start = _episode(text, brackets)
    return _Found(season, episode, min(season_start, episode_start))


def _season(text: str) -> tuple[int | None, int]:
    for pattern in _SEASONS:
        if match := pattern.search(text):
            return _number(match[1]), match.start()
    return None, _first_stop(text)


def _episode(text: str, brackets: list[str]) -> tuple[int | None, int]:
    for pattern in _MARKED_EPISODES:
        if match := pattern.search(text):
            return _number(match[1]), match.start()
    for match in _DASHED_EPISODE.finditer(text):
        if not _is_year(match[1]):
            return int(match[1]), match.start()
    for bracket in brackets:
        numbered = _BRACKETED_EPISODE.fullmatch(unicodedata.normalize("NFKC", bracket))
        if numbered and not _is_year(numbered[1]) and not _is_height(numbered[1]):
            return int(numbered[1]), _first_stop(text)
    if (match := _LEADING_EPISODE.match(text)) and not _is_year(match[1]):
        return int(match[1]), 0
    for match in _TRAILING_EPISODE.finditer(text):
        if not _is_year(match[1]) and not _is_height(match[1]):
            return int(match[1]), match.start()
    return None, _first_stop(text)


def _first_stop(text: str) -> int:
    """Return the position where the actual name ends: at the first bracket or release token after some text."""
    for match in re.finditer(STOP, text):
        if _tidy(text[: match.start()]):
            return match.start()
    return len(text)


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and 1900 <= int(digits) <= 2099


def _is_height(digits: str) -> bool:
    return digits in {"360", "480", "540", "576", "720", "900", "1080", "1440", "2160"}


def _number(text: str) -> int | None:
    """Return a number in digits or in kanji up to 99 (二十三), or None if it is neither."""
    if text.isascii():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    digits = [_KANJI.find(part) + 1 if part else None for part in (tens, ones)]
    if len(tens) > 1 or len(ones) > 1:
        return None
    return ((digits[0] or 1) * 10 if ten else 0) + (digits[1] or 0)


def _folder_seasons(folders: list[str]) -> Iterator[int]:
    for folder in folders:
        season, _ = _season(folder)
        if season is not None:
            yield season
        elif _SPECIALS_FOLDER.fullmatch(folder.strip()):
            yield 0


def _folder_shows(folders: list[str]) -> Iterator[str]:
    for folder in folders:
        show = _tidy(folder[: _season(folder)[1]])
        if show and show.casefold() not in GENERIC_FOLDERS:
            yield show


def _tidy(text: str) -> str:
    """Return a show's name with single spaces between words and no punctuation at its ends."""
    return " ".join(text.replace(STOP, " ").split()).strip(_EDGES)

"""What a captioner answered, and whether it is a description."""

from __future__ import annotations

import re
from dataclasses import dataclass

from animeds_db.errors import ModelError, UsageError, did_you_mean

_SCRIPTS = {
    "Latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
    "Cyrillic": "\u0400-\u04ff",
    "Greek": "\u0370-\u03ff",
    "Arabic": "\u0600-\u06ff",
    "Thai": "\u0e00-\u0e7f",
    "Hangul": "\uac00-\ud7a3",
    "kana": "\u3040-\u30ff",
    "Han": "\u3400-\u9fff",
}
"""Characters of each script, as ranges of a regular expression."""
LANGUAGES = {
    "ar": ("Arabic", ("Arabic",)),
    "de": ("German", ("Latin",)),
    "el": ("Greek", ("Greek",)),
    "en": ("English", ("Latin",)),
    "es": ("Spanish", ("Latin",)),
    "fr": ("French", ("Latin",)),
    "id": ("Indonesian", ("Latin",)),
    "it": ("Italian", ("Latin",)),
    "ja": ("Japanese", ("kana", "Han")),
    "ko": ("Korean", ("Hangul",)),
    "nl": ("Dutch", ("Latin",)),
    "pl": ("Polish", ("Latin",)),
    "pt": ("Portuguese", ("Latin",)),
    "ru": ("Russian", ("Cyrillic",)),
    "th": ("Thai", ("Thai",)),
    "tr": ("Turkish", ("Latin",)),
    "uk": ("Ukrainian", ("Cyrillic",)),
    "vi": ("Vietnamese", ("Latin",)),
    "zh": ("Chinese", ("Han",)),
}
"""English name and scripts of each language in which descriptions can be asked for."""
LEAST_SHARE = 0.5
"""Minimum share (0…1) of letters in the scripts of the language. Names may be written in another one."""
KANJI_ONLY = 20
"""Number of letters from which a Japanese text must have kana; a shorter one may be a list of words in kanji."""
LETTERS_PER_TOKEN = 12
"""Maximum number of characters per token of the longest answer. A text beyond it ignores the limit that was sent."""
_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_PAGE = re.compile(r"\s*<(?:!doctype|html)\b", re.IGNORECASE)
_REFUSES = re.compile(
    r"(?:i[’']?m (?:really |very )?sorry|sorry,|i (?:cannot|can[’']?t|can not|am unable|am not able|won[’']?t)\b"
    r"|i[’']?m (?:unable|not able)|as an ai\b|申し訳|抱歉|对不起)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'"(.*)"|“(.*)”', re.DOTALL)


class PictureError(ModelError):
    """One picture could not be described. Others may."""


@dataclass(frozen=True)
class Answer:
    """What a captioner wrote. `ended` is stop, length (cut at its limit) or refused. Token counts may be unknown."""

    text: str
    ended: str = "stop"
    tokens_in: int | None = None
    tokens_out: int | None = None

    def cost(self, price: tuple[float, float] | None) -> float | None:
        """Return US dollars by a price per million tokens read and written. None: price or tokens are not known."""
        if price is None or self.tokens_in is None or self.tokens_out is None:
            return None
        return (self.tokens_in * price[0] + self.tokens_out * price[1]) / 1e6


def language_name(code: str) -> str:
    """Return the English name of a language such as "en". Raises UsageError for an unknown code."""
    if code not in LANGUAGES:
        raise UsageError(f'There is no language "{code}" here.', hint=did_you_mean(code, LANGUAGES))
    return LANGUAGES[code][0]


def description(answer: Answer, language: str, tokens: int) -> str:
    """Return the text of an answer on one line, without thoughts and quotes around it.

    Raises PictureError for an answer that is empty, refuses, was cut at `tokens`, is far longer, is a web page, or is
    in another script than the language's.
    """
    text = " ".join(_THOUGHTS.sub("", answer.text).split())
    if quoted := _QUOTED.fullmatch(text):
        text = (quoted[1] or quoted[2] or "").strip()
    if answer.ended == "refused" or _REFUSES.match(text):
        raise PictureError(f"the model refuses: {_start(text)}" if text else "the model refuses")
    if answer.ended == "length":
        raise PictureError(
            f"the answer was cut off at {tokens} tokens: {_start(text)}",
            hint="raise ask.tokens in the manifest entry, or ask for less in the prompt",
        )
    if not text:
        raise PictureError("the answer is empty")
    if _PAGE.match(text):
        raise PictureError("the answer is a web page, not a description")
    if len(text) > tokens * LETTERS_PER_TOKEN:
        raise PictureError(
            f"the answer has {len(text.split())} words, far more than {tokens} tokens: {_start(text)}"
        )
    if not _is_in(text, language):
        raise PictureError(f"the answer is not in {language_name(language)}: {_start(text)}")
    return text


def _is_in(text: str, language: str) -> bool:
    """Return True if most letters of a text belong to the language's scripts. Japanese must have kana."""
    _, scripts = LANGUAGES[language]
    counts = {name: len(re.findall(f"[{letters}]", text)) for name, letters in _SCRIPTS.items()}
    total = sum(counts.values())
    if language == "ja" and total >= KANJI_ONLY and not counts["kana"]:
        return False
    return total > 0 and sum(counts[name] for name in scripts) >= LEAST_SHARE * total


def _start(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"

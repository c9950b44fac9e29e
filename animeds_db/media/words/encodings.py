"""Finds out the encoding of a text."""

from __future__ import annotations

SAMPLE = 256 << 10
"""Number of bytes by which an encoding is recognised."""
DAMAGED_SHARE = 0.02
"""Maximum share (0…1) of damaged characters, among those beyond ASCII, in a text that still counts as UTF-8."""
UNICODE = ("utf-8", "utf-16")
"""Encodings that a file can state itself, and that need no guess."""


_JAPANESE, _CHINESE, _WESTERN = ("cp932", "euc_jp"), ("gb18030", "big5"), ("cp1252",)
OF_LANGUAGE = {
    **dict.fromkeys(("ja", "jpn"), _JAPANESE),
    **dict.fromkeys(("zh", "chi", "zho", "zh-hans", "zh-cn"), _CHINESE),
    **dict.fromkeys(("zh-hant", "zh-tw"), ("big5", "gb18030")),
    **dict.fromkeys(("ko", "kor"), ("cp949",)),
    **dict.fromkeys(("ru", "rus"), ("cp1251",)),
    **dict.fromkeys(("pl", "pol", "cs", "ces", "cze", "hu", "hun"), ("cp1250",)),
    **dict.fromkeys(
        ("en", "eng", "fr", "fra", "fre", "de", "deu", "ger", "es", "spa", "it", "ita"), _WESTERN
    ),
    **dict.fromkeys(("pt", "por", "pt-br"), _WESTERN),
}
"""Encodings that were usual for a language before UTF-8, by the names of languages in files and tracks."""


def encoding_of(data: bytes, language: str | None = None) -> str:
    """Return the name of the encoding of a text, for `bytes.decode`. Raises ValueError if no encoding fits."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if _fits(data, "utf-8"):
        return "utf-8"
    text = data.decode("utf-8", "replace")
    beyond = sum(not c.isascii() for c in text)
    if text.count("\ufffd") <= DAMAGED_SHARE * beyond:
        return "utf-8"
    usual = OF_LANGUAGE.get((language or "").lower(), ())
    guess = next((name for name in usual if _fits(data, name)), None) or _guess(data)
    if guess is None:
        raise ValueError("no encoding fits")
    return guess


def _fits(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _guess(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    sample = data if len(data) <= SAMPLE else data[: data.rfind(b"\n", 0, SAMPLE) + 1] or data[:SAMPLE]
    best = from_bytes(sample).best()
    return best.encoding if best else None

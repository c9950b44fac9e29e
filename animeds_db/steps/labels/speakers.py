"""Which character each speaker of the subtitles is: labels that confirm or correct what `voices` proposes."""

from __future__ import annotations

from collections.abc import Mapping

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.session import Session
from animeds_db.steps.labels.changes import Act, Word, speak
from animeds_db.steps.labels.renames import NOBODY, known_characters
from animeds_db.store import Store
from animeds_db.tagtext import expect_name

FIELD = "speaker"


def name_speakers(
    store: Store, session: Session, speakers: Mapping[str, str | None], who: str | None = None
) -> Act:
    """Confirm the character of speakers, {name in the subtitles: character}; None removes what was confirmed.

    It holds in all shows, and for lines that are read later. Raises UsageError for a speaker that no line has, or a
    name that is not valid.
    """
    rows = session.sql("SELECT DISTINCT speaker FROM lines WHERE speaker IS NOT NULL").fetchall()
    known = {row[0] for row in rows}
    for speaker, character in speakers.items():
        if speaker not in known:
            hint = did_you_mean(speaker, known) if known else "Only ASS and WebVTT subtitles have speakers."
            raise UsageError(f'No line has the speaker "{speaker}".', hint=hint)
        if character is not None:
            expect_name("character", character)
        if character in NOBODY:
            raise UsageError(f'"{character}" is not a character.', hint="Give the name of a character.")
    words = [
        Word(FIELD, "remove" if character is None else "set", character, subject=speaker)
        for speaker, character in speakers.items()
    ]
    act = speak(store, words, who)
    unseen = sorted({name for name in speakers.values() if name} - known_characters(session))
    notes = [f"no face has the name {', '.join(unseen[:8])} so far"] if unseen else []
    return Act(act.id, act.n, notes)

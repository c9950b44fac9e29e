"""Subtitle tracks, subtitle files and chapters: every line with its time, and bad ones with a note."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from subtitled import HEADER, ass_track, text_track, write_episode, write_srt

from animeds_db.media.words.markup import kind_of, plain_text, song_of, voice
from animeds_db.media.words.subtitles import Words, files_beside, read_words

ROMAJI = r"{\k20}ya{\k30}ku{\k25}so{\k40}ku"


def spoken(words: Words) -> list[tuple[float, float, str, str]]:
    return [(line.start_s, line.end_s, line.kind, line.text) for line in words.lines]


def beside(folder: Path, name: str, content: bytes) -> Words:
    """The words of a video with one subtitle file beside it."""
    video = write_episode(folder / "Show - 01.mkv", seconds=4)
    (folder / name).write_bytes(content)
    return read_words(video)


def test_every_track_and_chapter_of_an_mkv_is_read(tmp_path: Path) -> None:
    video = write_episode(
        tmp_path / "a.mkv",
        seconds=4,
        audio=["jpn", "eng"],
        tracks=[
            ass_track(
                [
                    (0.5, 1.5, "OP-Romaji", "", ROMAJI),
                    (1.0, 3.0, "Default", "Emi", r"You {\i1}promised{\i0}!\NDidn't you?"),
                    (2.0, 3.5, "Sign", "", r"{\pos(320,40)\fad(200,0)}School"),
                    (2.0, 3.0, "Default", "", r"{\p1}m 0 0 l 10 0 10 10{\p0}"),
                ]
            ),
            text_track([(1.0, 2.25, "<i>約束</i>したよね 🎉")]),
        ],
        chapters=[(0, 1, "Opening"), (1, 3, "Part A"), (3, 4, "Preview")],
    )
    words = read_words(video)
    assert spoken(words) == [
        (0.5, 1.5, "song", "yakusoku"),
        (1.0, 3.0, "dialogue", "You promised! Didn't you?"),
        (2.0, 3.5, "sign", "School"),
        (1.0, 2.25, "dialogue", "約束したよね 🎉"),
    ]
    song, line, _, japanese = words.lines
    assert (line.speaker, line.style, line.track.language, line.track.title) == (
        "Emi",
        "Default",
        "eng",
        "Full",
    )
    assert line.raw == r"You {\i1}promised{\i0}!\NDidn't you?"
    assert song.song == "opening"
    assert (japanese.track.stream, japanese.track.language, japanese.speaker) == (4, "jpn", None)
    assert [(c.start_s, c.end_s, c.title, c.kind) for c in words.chapters] == [
        (0, 1, "Opening", "opening"),
        (1, 3, "Part A", None),
        (3, 4, "Preview", "preview"),
    ]
    assert words.notes == []


def test_an_mp4_is_read_like_an_mkv(tmp_path: Path) -> None:
    track = text_track([(0.5, 1.5, "I promise"), (2, 3, "約束")], codec="mov_text", language="eng")
    video = write_episode(tmp_path / "a.mp4", seconds=4, tracks=[track], chapters=[(0, 2, "OP"), (2, 4, "B")])
    words = read_words(video)
    assert spoken(words) == [(0.5, 1.5, "dialogue", "I promise"), (2, 3, "dialogue", "約束")]
    assert [(c.start_s, c.kind) for c in words.chapters] == [(0, "opening"), (2, None)]


def test_files_with_the_name_of_the_video_belong_to_it(tmp_path: Path) -> None:
    videos = [tmp_path / name for name in ("Show - 01.mkv", "Show - 01.Special.mkv", "Show - 01.5.mkv")]
    names = [
        "Show - 01.ass",
        "Show - 01.en.forced.srt",
        "Show - 01.ja.vtt",
        "Show - 01.Special.en.srt",
        "Show - 01.5.srt",
        "Show - 010.srt",
        "Show - 01.txt",
    ]
    for path in [*videos, *(tmp_path / name for name in names)]:
        path.touch()
    assert [f.name for f in files_beside(videos[0])] == names[:3]
    assert [f.name for f in files_beside(videos[1])] == names[3:4]
    assert [f.name for f in files_beside(videos[2])] == names[4:5]


def test_a_web_subtitle_has_speakers_and_the_language_of_its_name(tmp_path: Path) -> None:
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.500\n<v Emi>I &amp; you</v>\n\n00:03.000 --> 00:04.000\n♪ la la ♪\n"
    words = beside(tmp_path, "Show - 01.en.vtt", vtt.encode())
    assert spoken(words) == [(1.0, 2.5, "dialogue", "I & you"), (3.0, 4.0, "song", "♪ la la ♪")]
    assert (words.lines[0].speaker, words.lines[0].track.language) == ("Emi", "en")
    assert (words.lines[0].track.stream, words.lines[0].track.title) == (None, "Show - 01.en.vtt")


JAPANESE = "1\n00:00:01,000 --> 00:00:02,000\n約束したじゃない。どうして来てくれなかったの？\n"


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("utf-16-le", "utf_16_le"), ("cp932", "cp932")],
)
def test_other_encodings_are_recognised_and_named(tmp_path: Path, encoding: str, note: str | None) -> None:
    words = beside(tmp_path, "Show - 01.srt", JAPANESE.encode(encoding))
    assert [line.text for line in words.lines] == ["約束したじゃない。どうして来てくれなかったの？"]
    assert words.notes == ([f"Show - 01.srt is not in UTF-8: it was read as {note}"] if note else [])


def test_a_track_inside_the_video_may_be_in_another_encoding(tmp_path: Path) -> None:
    lines = ["約束したじゃない", "どうして来てくれなかったの", "ごめん、忘れてた", "もういい！"]
    track = text_track([(n, n + 1, text) for n, text in enumerate(lines)])
    old = [(start, end, payload.decode().encode("cp932")) for start, end, payload in track.events]
    video = write_episode(tmp_path / "a.mkv", seconds=4, tracks=[type(track)("subrip", old, "jpn")])
    words = read_words(video)
    assert [line.text for line in words.lines] == lines
    assert words.notes == ["subtitle track 1 is not in UTF-8: it was read as cp932"]


def test_the_language_in_the_name_decides_between_encodings(tmp_path: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nÇa suffit, Émilie !\n"
    words = beside(tmp_path, "Show - 01.fr.srt", text.encode("cp1252"))
    assert [line.text for line in words.lines] == ["Ça suffit, Émilie !"]
    assert words.notes == ["Show - 01.fr.srt is not in UTF-8: it was read as cp1252"]


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02\xff" * 100, "was not read"),
        (b"<html>404</html>", "was not read"),
        (HEADER.encode(), "has no lines"),
    ],
)
def test_a_file_that_is_no_subtitle_is_a_note(tmp_path: Path, content: bytes, note: str) -> None:
    words = beside(tmp_path, "Show - 01.ass", content)
    assert words.lines == []
    assert len(words.notes) == 1 and note in words.notes[0] and "Show - 01.ass" in words.notes[0]


def test_a_link_beside_the_video_is_not_followed(tmp_path: Path) -> None:
    target = write_srt(tmp_path / "elsewhere.srt", [("00:00:01,000", "00:00:02,000", "secret")])
    video = write_episode(tmp_path / "Show - 01.mkv", seconds=2)
    (tmp_path / "Show - 01.srt").symlink_to(target)
    words = read_words(video)
    assert (words.lines, words.notes) == ([], ["Show - 01.srt was not read: it is a link"])


def test_odd_times_are_kept_or_named(tmp_path: Path) -> None:
    events = [
        r"Dialogue: 0,0:00:01.00,0:00:03.00,Default,Emi,0,0,0,,first",
        r"Dialogue: 5,0:00:01.00,0:00:02.00,Default,Emi,0,0,0,,overlapping",
        r"Dialogue: 0,99:00:03.00,99:00:02.00,Default,Emi,0,0,0,,backwards",
        r"Dialogue: 0,nonsense",
        r"Dialogue: 0,0:00:03.50,0:00:04.00,Default",
        r"Dialogue: 0,99:00:00.00,99:00:02.00,Default,Emi,0,0,0,,after the end",
    ]
    words = beside(tmp_path, "Show - 01.ass", (HEADER + "\n".join(events)).encode())
    assert spoken(words) == [
        (1.0, 3.0, "dialogue", "first"),
        (1.0, 2.0, "dialogue", "overlapping"),
        (356400.0, 356402.0, "dialogue", "after the end"),
        (356403.0, 356403.0, "dialogue", "backwards"),
    ]
    assert words.lines[1].layer == 5
    assert words.notes == ["Show - 01.ass: lines that end before they start: 1"]


def test_chapters_out_of_order_and_without_an_end_are_sorted(tmp_path: Path) -> None:
    chapters = [(2, 4, "Ending"), (0, 3, "オープニング"), (1, 1, "Aパート")]
    words = read_words(write_episode(tmp_path / "a.wmv", seconds=4, chapters=chapters))
    assert [(c.start_s, c.end_s, c.kind) for c in words.chapters] == [
        (0, 1, "opening"),
        (1, 2, None),
        (2, 4, "ending"),
    ]
    assert words.notes == ["chapters were not in order of time"]


def test_a_hundred_thousand_events_are_read_in_seconds(tmp_path: Path) -> None:
    clock = "{:02}:{:02}:{:02},{:03}"

    def at(ms: int) -> str:
        return clock.format(ms // 3_600_000, ms // 60_000 % 60, ms // 1000 % 60, ms % 1000)

    events = [(at(n * 14), at(n * 14 + 10), f"{{\\pos(1,{n})}}x{n}") for n in range(100_000)]
    video = write_episode(tmp_path / "Show - 01.mkv", seconds=2)
    write_srt(tmp_path / "Show - 01.srt", events)
    began = time.monotonic()
    words = read_words(video)
    assert len(words.lines) == 100_000 and words.lines[-1].kind == "sign"
    assert time.monotonic() - began < 60  # a few seconds; more on a busy machine


def test_a_truncated_mkv_gives_the_lines_that_are_there(tmp_path: Path) -> None:
    events = [(n * 0.5, n * 0.5 + 0.4, "Default", "", f"line {n}") for n in range(16)]
    video = write_episode(tmp_path / "a.mkv", seconds=8, tracks=[ass_track(events)])
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    words = read_words(video)
    assert 0 < len(words.lines) < 16


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"{\an8}I {\i1}do{\i0},\Nyes", "I do, yes"),
        (r"{\p1}m 0 0 l 1 1{\p0}after", "after"),
        ("I <3 you, <b>x</b> > y", "I <3 you, x > y"),
        ("漢字<rt>かんじ</rt>", "漢字"),
        ("an unclosed {brace", "an unclosed {brace"),
        (r"a\hb  c", "a b c"),
    ],
)
def test_markup_is_removed_and_words_stay(raw: str, text: str) -> None:
    assert plain_text(raw) == text


@pytest.mark.parametrize(
    ("style", "raw", "kind", "song"),
    [
        ("Default", "hello", "dialogue", None),
        ("Ed", "a character's own style", "dialogue", None),
        ("OP1-English", "la la", "song", "opening"),
        ("Ending_Kanji", "la la", "song", "ending"),
        ("Insert Song", "la la", "song", None),
        ("Default", r"{\kf20}la", "song", None),
        ("EpTitle", "The Promise", "sign", None),
        ("Default", r"{\move(1,2,3,4)}sign", "sign", None),
    ],
)
def test_signs_and_songs_are_told_from_dialogue(style: str, raw: str, kind: str, song: str | None) -> None:
    assert (kind_of(raw, plain_text(raw), style), song_of(style)) == (kind, song)


def test_a_track_named_signs_and_songs_has_no_dialogue() -> None:
    assert kind_of("Exit", "Exit", "Default", track="Signs & Songs") == "sign"
    assert kind_of("Hello", "Hello", "Default", track="Dialogue, Signs") == "dialogue"
    assert voice("no voice here") is None

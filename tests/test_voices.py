"""What a character says, exported as sound and text for trainers of voices."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from cli_run import Runner
from ingesting import a_store, run
from subtitled import ass_track, text_track, write_episode

import animeds_db
from animeds_db.errors import ExportError, SourceError
from animeds_db.export import rebuild
from animeds_db.export.folder.writer import changes_by_hand
from animeds_db.export.voices import VoiceOptions

SECONDS = 14
EVENTS = [
    (0.5, 2.5, "OP-Romaji", "", r"{\k20}ya{\k30}ku{\k25}so{\k40}ku"),
    (1.0, 2.0, "Default", "EMI", "I sing."),
    (4.0, 5.5, "Default", "EMI", r"You {\i1}promised{\i0}!"),
    (6.2, 7.0, "Default", "RYO", "I will keep it."),
    (6.5, 7.5, "Default", "EMI", "No!"),
    (8.0, 8.2, "Default", "EMI", "Ah"),
    (9.0, 11.0, "Default", "EMI", "This | that."),
    (12.0, 13.0, "Default", "RYO", "All right."),
]
JAPANESE = [(4.0, 5.4, "約束したじゃない！"), (12.0, 13.0, "わかった")]
SAMPLES = (np.arange(SECONDS * 48_000) % 30_000).astype(np.int16)
"""Each sample says which one it is."""


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of one episode, in which EMI was confirmed to be Emi."""
    folder = tmp_path_factory.mktemp("voices")
    episode = write_episode(
        folder / "Show - 01.mkv",
        seconds=SECONDS,
        audio=["jpn", "eng"],
        samples=SAMPLES,
        tracks=[ass_track(EVENTS), text_track(JAPANESE)],
    )
    store = a_store(folder)
    assert not run(store, episode).failed
    with animeds_db.open(store.uri) as dataset:
        dataset.name_speakers({"EMI": "Emi"})
    return Path(store.uri)


@pytest.fixture
def animeds(ingested: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setenv("ANIMEDS_DB", str(ingested))
    return Runner(capsys, monkeypatch)


def test_the_lines_of_a_character_are_cut_to_the_sample(ingested: Path, tmp_path: Path) -> None:
    out = tmp_path / "emi"
    with animeds_db.open(ingested) as dataset:
        report = dataset.export_voices("Emi", out)
    assert (report.n_lines, report.seconds) == (2, 3.5)
    first, second = sorted((out / "wavs").glob("*.wav"))
    assert [p.with_suffix(".txt").read_text("utf-8") for p in (first, second)] == [
        "You promised!\n",
        "This | that.\n",
    ]
    for path, start, end in ((first, 4.0, 5.5), (second, 9.0, 11.0)):
        with wave.open(str(path)) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (48_000, 1, 2)
            samples = np.frombuffer(sound.readframes(10**6), "<i2")
        assert np.array_equal(samples, SAMPLES[round(start * 48_000) : round(end * 48_000)])
    rows = (out / "metadata.csv").read_text("utf-8").splitlines()
    assert rows == [f"{first.stem}|You promised!|You promised!", f"{second.stem}|This that.|This that."]
    listed = [json.loads(line) for line in (out / "wavs" / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert [(row["file_name"], row["text"]) for row in listed] == [
        (first.name, "You promised!"),
        (second.name, "This | that."),
    ]
    assert (out / "voices.list").read_text("utf-8").startswith(f"wavs/{first.name}|Emi|en|You promised!\n")
    record = json.loads((out / "animeds-voices.json").read_text("utf-8"))
    assert record["left_out"] == {
        "during a song, an opening or an ending": 1,
        "somebody else speaks": 1,
        "shorter than 0.5 s": 1,
    }
    assert changes_by_hand(out) == []
    with pytest.raises(ExportError, match="no pictures to build again"):
        rebuild(out, tmp_path / "again")


def test_the_text_can_be_that_of_another_language_at_the_same_time(ingested: Path, tmp_path: Path) -> None:
    with animeds_db.open(ingested) as dataset:
        plain = dataset.voices("Emi")
        japanese = dataset.voices("Emi", VoiceOptions(language="jpn"))
    assert plain.notes == (
        "the text of 2 lines is in eng, and the sound in jpn: --language jpn or --audio eng if there is one",
    )
    assert [line.text for line in japanese.lines] == ["約束したじゃない！"] and japanese.notes == ()
    assert japanese.left_out["no line in this language at the same time"] == 1


def test_what_cannot_be_exported_is_explained(ingested: Path, tmp_path: Path) -> None:
    with animeds_db.open(ingested) as dataset:
        with pytest.raises(ExportError, match="No speaker was confirmed to be Ryo"):
            dataset.voices("Ryo")
        with pytest.raises(SourceError, match='no track of sound "fra"'):
            dataset.voices("Emi", VoiceOptions(track="fra"))
        with pytest.raises(ExportError, match="No line of Emi can be used"):
            dataset.export_voices("Emi", tmp_path / "x", VoiceOptions(language="kor"))
    assert not (tmp_path / "x").exists()


def test_the_same_export_gives_the_same_bytes(ingested: Path, tmp_path: Path) -> None:
    with animeds_db.open(ingested) as dataset:
        for name in ("one", "two"):
            dataset.export_voices("Emi", tmp_path / name)
    files = [
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in (tmp_path / "one", tmp_path / "two")
    ]
    assert files[0] == files[1] and len(files[0]) == 10


def test_the_command_tells_the_minutes_beforehand_and_what_is_left_out(
    animeds: Runner, tmp_path: Path
) -> None:
    ran = animeds("export", "--voices", "Emi", "--dry-run", "--format", "csv")
    assert ran.code == 0
    assert ran.out.splitlines()[:2] == ["lines,minutes,left_out", "2,0.06,"]
    assert "1,,somebody else speaks" in ran.out and "--language jpn" in ran.err
    ran = animeds("export", "--voices", "Emi", "--audio", "eng", tmp_path / "emi")
    assert ran.code == 0 and "2 lines of Emi, 0.1 minutes" in ran.err
    assert "1 line left out: somebody else speaks" in ran.err and "--language" not in ran.err
    assert len(list((tmp_path / "emi" / "wavs").glob("*.wav"))) == 2
    again = animeds("export", "--voices", "Emi", tmp_path / "emi")
    assert again.code == 1 and "is not empty" in again.err
    assert animeds("export", "--voices", "Emi", "--overwrite", tmp_path / "emi").code == 0
    ran = animeds("export", "--voices", "Emi", "--crop", "face", tmp_path / "x")
    assert ran.code == 2 and "--crop has no effect with --voices" in ran.err
    assert animeds("export", "--voices", "Emi", "by_tags", tmp_path / "x").code == 2

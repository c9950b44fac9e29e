"""`animeds caption` and the shaping options of `animeds export`, and the page that tells of them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sampleshow
from captioned import LEFT, SOURCE, TAGS, captioned_store
from cli_run import Runner
from hub_server import Hub, running

import animeds_db
from animeds_db.captions.tokens import count_tokens, load_tokenizer
from animeds_db.errors import AnimedsError, ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAGE = Path(__file__).parents[1] / "docs" / "captions.md"
DIALECTS = PAGE.with_name("dialects.md")


def small_tokenizer() -> Tokenizer:
    """Return a tokenizer of words and punctuation that marks the start and the end, and cuts at eight tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer.enable_truncation(8)
    return tokenizer


def blocks(language: str, page: Path = PAGE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    captioned_store(tmp_path, [TAGS, []], {0: [("Nanoha", None, LEFT)]})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANIMEDS_DB", str(tmp_path / "test.animeds"))
    return Runner(capsys, monkeypatch)


def test_the_pages_on_captions_work_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANIMEDS_DB", str(sampleshow.database()))
    run = Runner(capsys, monkeypatch)
    for line in "".join([*blocks("sh"), *blocks("sh", DIALECTS)]).splitlines():
        words = shlex.split(line)
        assert words[0] == "animeds"
        done = run(*words[1:])
        assert done.code == 0, (line, done.err)
    assert {p.name for p in (tmp_path / "arranged").iterdir() if p.is_dir()} <= {"ep1", "ep2"}
    with animeds_db.open(sampleshow.database()) as dataset:
        for sql in blocks("sql"):
            assert dataset.sql(sql).fetchall()
    (own,) = re.findall(r"\n\n((?:    .*\n|\n)*    like = .*\n(?:    .*\n|\n)*)", PAGE.read_text("utf-8"))
    (tmp_path / "mine.toml").write_text(re.sub(r"^    ", "", own, flags=re.MULTILINE), "utf-8")
    assert run("caption", "--captions", "mine.toml", "--limit", "1").code == 0


def test_a_preview_shows_tags_before_and_the_caption_after(run: Runner) -> None:
    done = run("caption", "--captions", "kohya", "--tag", "waifu", "--threshold", "0.85", "--preview")
    assert done.out.splitlines()[:3] == [
        f"{SOURCE}-000000000",
        "  before: long_hair, 1girl, solo, red_hair, takamachi_nanoha, blue_eyes",
        "  after:  waifu, Nanoha ||| 1girl, solo, long hair, red hair, blue eyes",
    ]
    rows = json.loads(run("caption", "--preview", "--limit", "1", "--format", "json").out)
    assert list(rows[0]) == ["frame_id", "before", "after"]


def test_captions_are_printed_as_rows_and_overrides_hold(run: Runner) -> None:
    done = run(
        "caption", "--sql", "SELECT frame_id FROM frames LIMIT 1", "--character-tags", "--underscores",
        "--threshold", "0.9", "--variants", "2", "--format", "jsonl",
    )  # fmt: skip
    assert json.loads(done.out)["caption"] == "long_hair, 1girl, solo, red_hair, takamachi_nanoha"


def test_a_shipped_profile_can_be_printed_and_used_as_a_file(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(run("caption", "--show-profile", "--captions", "kohya").out, "utf-8")
    same = [run("caption", "--captions", name).out for name in ("kohya", "mine.toml")]
    assert same[0] == same[1] != ""


def test_a_dry_run_writes_nothing_and_tells_folders_and_virtual_size(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("1_character,3\n")
    before = sorted(p.name for p in tmp_path.iterdir())
    done = run(
        "export", "--sql", "SELECT frame_id FROM frames", "--arrange", "n_characters/character", "--weights", "w.csv",
        "--dry-run", "--format", "json",
    )  # fmt: skip
    assert [(r["folder"], r["pictures"], r["repeats"], r["target"]) for r in json.loads(done.out)] == [
        ("0_characters/character_others", 1, 1, 0.25),
        ("1_character/Nanoha", 1, 3, 0.75),
    ]
    assert "2 pictures in 2 folders, 4 samples per epoch" in done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["caption", "--captions", "kohay"], 2, 'did you mean "kohya"?'),
        (["caption", "--sql", "SELECT frame_id FROM frames WHERE false"], 1, "empty"),
        (["export", "--sql", "SELECT frame_id FROM frames", "out", "--arrange", "charcter"], 2, '"charcter"'),
        (
            ["export", "--sql", "SELECT frame_id FROM frames", "out", "--no-captions", "--tag", "x"],
            2,
            "plain does not use --activation-tag without captions",
        ),
        (
            ["export", "--sql", "SELECT frame_id FROM frames", "out", "--no-captions", "--variants", "2"],
            2,
            "cannot be combined",
        ),
        (["export", "--sql", "SELECT frame_id FROM frames WHERE false", "--dry-run"], 1, "empty"),
        (
            ["export", "--sql", "SELECT frame_id, 2 AS repeats FROM frames", "--balance", "--dry-run"],
            2,
            "repeats",
        ),
        (["export", "--sql", "SELECT frame_id FROM frames", "--weights", "w.csv", "--dry-run"], 2, "w.csv"),
    ],
)
def test_wrong_wishes_are_refused_in_words(run: Runner, words: list[str], code: int, told: str) -> None:
    done = run(*words)
    assert (done.code, done.out) == (code, "")
    assert told in done.err


def test_captions_are_checked_for_faults(run: Runner) -> None:
    """One frame has the core traits of Nanoha. The other has no tags, so without an activation tag it is empty."""
    done = run("caption", "--check", "--tag", "nanoha", "--format", "json")
    assert done.code == 1 and "fault" in done.err
    assert [(row["frame_id"][-9:], row["fault"], row["words"]) for row in json.loads(done.out)] == [
        ("000000000", "core trait", "blue eyes, hair, long hair, red hair"),
    ]
    (Path.cwd() / "mine.toml").write_text('leave_out = ["core"]\n', "utf-8")
    clean = run("caption", "--check", "--tag", "nanoha", "--captions", "mine.toml")
    assert (clean.code, clean.out) == (0, "") and "No faults found" in clean.err
    empty = run("caption", "--check", "--format", "json")
    assert [(row["frame_id"][-9:], row["fault"]) for row in json.loads(empty.out)] == [("000001000", "empty")]
    assert run("caption", "--check", "--limit", "3").code == 2


def test_captions_that_are_too_long_are_found_with_the_tokenizer_of_the_text_encoder(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first caption has 30 words and commas. The tokenizer cuts at 8 and adds marks, neither of which counts."""
    made = small_tokenizer()
    (tmp_path / "encoder").mkdir()
    made.save(str(tmp_path / "encoder" / "tokenizer.json"))
    words = ("caption", "--check", "--tag", "nanoha", "--captions", "booru", "--format", "json")
    done = run(*words, "--tokenizer", "encoder", "--max-tokens", "29")
    long = [row for row in json.loads(done.out) if row["fault"] == "too long"]
    assert [(row["frame_id"][-9:], row["words"]) for row in long] == [
        ("000000000", "30 tokens; the limit is 29")
    ]
    assert done.code == 1
    with running(Hub()) as hub:
        hub.files["own/encoder", "tokenizer.json"] = (tmp_path / "encoder" / "tokenizer.json").read_bytes()
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        assert count_tokens(load_tokenizer("own/encoder"), ["1girl, solo", ""]) == [3, 0]
        with pytest.raises(ModelError, match="tokenizer of own/nothing cannot be downloaded"):
            load_tokenizer("own/nothing")
    (tmp_path / "broken.json").write_text("{}")
    for name, told in (
        ("broken.json", "is not a tokenizer"),
        ("nowhere.json", "There is no tokenizer at"),
        (".", "There is no tokenizer at"),
    ):
        with pytest.raises(AnimedsError, match=told):
            load_tokenizer(name)
    assert "--check" in run("caption", "--tokenizer", "encoder").err

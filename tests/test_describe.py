"""`animeds describe` against a real HTTP server that speaks the chat API: pictures, prompts, costs, errors, kills."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import PAGE, Chat, choice, running
from cli_run import Runner
from documented import blocks
from model_places import only_here
from rerunning import ask, copy_of_ingested, ingested

import animeds_db
from animeds_db.errors import ModelError, UsageError
from animeds_db.models.captioners import chat as chat_module
from animeds_db.models.captioners.captioner import load_captioner
from animeds_db.store import Store

PAGE_OF_DOCS = Path(__file__).parents[1] / "docs" / "descriptions.md"
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of_ingested(tmp_path / "show.animeds")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(chat_module, "FIRST_WAIT_S", 0.01)
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, f"leaked-{name}")
    return only_here(monkeypatch, tmp_path)


@pytest.fixture
def chat(own: Path) -> Iterator[Chat]:
    with running(Chat()) as server:
        server.write_manifest(own, edge=80)
        yield server


@pytest.fixture
def animeds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, store: Store, own: Path
) -> Runner:
    monkeypatch.setenv("ANIMEDS_DB", store.uri)
    return Runner(capsys, monkeypatch)


def described(store: Store) -> list[tuple[Any, ...]]:
    return ask(
        store, "SELECT frame_id, text, model, prompt, language, tokens_in FROM all_descriptions ORDER BY 1"
    )


def frames(store: Store, n: int) -> str:
    """Return a condition for the first frames."""
    ids = [row[0] for row in ask(store, f"SELECT frame_id FROM frames ORDER BY frame_id LIMIT {n}")]
    return "frame_id IN ({})".format(", ".join(f"'{i}'" for i in ids))


def test_frames_get_sentences_through_errors_of_the_server_and_finished_ones_are_skipped(
    animeds: Runner, chat: Chat, store: Store
) -> None:
    chat.script = [
        429,
        (429, {"Retry-After": "0.05"}),
        500,
        (503, {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}),
    ]
    chat.pause_s = 0.3  # so that requests are there at once, however busy the machine is
    done = animeds("describe", "--model", "vlm", "--where", frames(store, 6))
    assert (done.code, done.out) == (0, "")
    assert "vlm: 6 pictures described, 6000 tokens read and 300 written" in done.err
    rows = described(store)
    assert len(rows) == 6 and chat.requests == 10 and len(chat.asked) == 6
    sizes = {asked.picture.size for asked in chat.asked}
    assert all(max(size) == 80 for size in sizes)
    assert {row[1] for row in rows} == {"A girl looks up, {} by {}.".format(*size) for size in sizes}
    assert all(
        re.fullmatch(r"vlm@[0-9a-f]{8}", row[2]) and re.fullmatch(r"prose@[0-9a-f]{8}", row[3])
        for row in rows
    )
    assert {row[4:] for row in rows} == {("en", 1000)}
    assert 1 < chat.most_at_once <= 4
    assert not any("leaked" in value for asked in chat.asked for value in asked.headers.values())
    again = animeds("describe", "--model", "vlm", "--where", frames(store, 6))
    assert (again.code, chat.requests) == (0, 10) and "0 pictures described" in again.err
    plan = animeds("describe", "--model", "vlm", "--where", frames(store, 8), "--dry-run")
    assert "2 pictures of 1 source to describe" in plan.err and "plain sentences" in plan.out
    other = animeds("describe", "--model", "vlm", "--where", frames(store, 2), "--prompt", "phrases")
    assert other.code == 0 and len(described(store)) == 8
    dropped = animeds("drop-model", "vlm")
    assert dropped.code == 0 and described(store) == []


def test_boxes_are_cut_out_and_the_prompt_says_what_is_known_of_each(
    animeds: Runner, chat: Chat, store: Store, tmp_path: Path
) -> None:
    face, other = [row[0] for row in ask(store, "SELECT face_id FROM faces ORDER BY face_id LIMIT 2")]
    frame = face.rpartition("-")[0]
    assert other.startswith(frame)
    animeds("label", "character", "Emi", "--face", face)
    animeds("label", "appearance", "school uniform", "--face", face)
    prompt = tmp_path / "mine.txt"
    prompt.write_text(
        "One {picture}. {{x}}\nNames: {names}\nOutfits: {outfits}\nPlaces: {positions}\nSays: {dialogue}\n"
    )
    where = f"frame_id = '{frame}'"
    done = animeds("describe", "--model", "vlm", "--where", where, "--boxes", "face", "--prompt", prompt)
    assert done.code == 0 and "2 pictures described" in done.err
    prompts = sorted(asked.prompt for asked in chat.asked)
    assert prompts[0].splitlines() == [
        "One picture of one face, cut out of a frame. {x}",
        "Names: Emi",
        "Outfits: Emi (school uniform)",
        "Places: Emi in the middle",
    ]
    assert "Names" not in prompts[1] and "somebody in the middle" in prompts[1]
    [(left, right, width)] = ask(
        store,
        f'SELECT "left", "right", width FROM faces JOIN frames USING (frame_id) WHERE face_id = \'{face}\'',
    )
    assert {asked.picture.width for asked in chat.asked} == {round(1.2 * (right - left) * width)}
    animeds("label", "description", "Emi in her uniform.", "--face", face)
    rows = ask(store, "SELECT detection_id, text, model = 'label' FROM descriptions ORDER BY detection_id")
    assert rows[0] == (face, "Emi in her uniform.", True) and rows[1][0::2] == (other, False)
    animeds("label", "description", "--remove", "--where", "model = 'label'")
    assert ask(store, "SELECT count(*) FROM descriptions WHERE model = 'label'") == [(0,)]
    chat.asked.clear()
    animeds("describe", "--model", "vlm", "--where", where, "--prompt", prompt)
    assert "Places: Emi on the left, somebody on the right" in chat.asked[0].prompt


NO_DESCRIPTIONS = [
    (choice(""), "the answer is empty"),
    (choice("I'm sorry, but I can't help with that."), "the model refuses: I'm sorry"),
    (choice("", refusal="No."), "the model refuses: No."),
    (choice("A girl in", "length"), "the answer was cut off at 400 tokens"),
    (choice("word " * 10_000), "the answer has 10000 words"),
    (choice("少女が屋上で空を見上げている。"), "the answer is not in English"),
    (choice("<html><body>busy</body></html>"), "the answer is a web page"),
    (400, "refuses the request: HTTP 400"),
    (413, "refuses the request: HTTP 413"),
]
"""Answers that are no description, and the error of each."""


def test_an_answer_that_is_no_description_is_an_error_of_that_picture_and_the_others_go_on(
    animeds: Runner, chat: Chat, store: Store
) -> None:
    chat.write_manifest(Path(os.environ["ANIMEDS_MODELS"]), parallel=1)
    chat.script = [step for bad, _ in NO_DESCRIPTIONS for step in (bad, 0.0)]
    n = len(chat.script)
    done = animeds("describe", "--model", "vlm", "--boxes", "face", "--where", frames(store, n // 2))
    assert done.code == 3 and f"{n // 2} pictures described" in done.err and len(described(store)) == n // 2
    assert "failed: 4 other pictures" in done.err
    for _, message in NO_DESCRIPTIONS[:5]:
        assert message in done.err
    chat.script = [step for bad, _ in NO_DESCRIPTIONS[5:] for step in (bad, 0.0)]
    again = animeds("describe", "--model", "vlm", "--boxes", "face", "--where", frames(store, n // 2))
    for _, message in NO_DESCRIPTIONS[5:]:
        assert message in again.err
    assert (
        animeds("describe", "--model", "vlm", "--boxes", "face", "--where", frames(store, n // 2)).code == 0
    )
    assert len(described(store)) == n


def test_thoughts_quotes_and_line_ends_are_not_part_of_a_description(
    animeds: Runner, chat: Chat, store: Store
) -> None:
    chat.text = lambda _: '<think>A girl?\nYes.</think>\n"Emi 🎉 waves.\nIt rains."\n'
    assert animeds("describe", "--model", "vlm", "--where", frames(store, 1)).code == 0
    assert described(store)[0][1] == "Emi 🎉 waves. It rains."
    chat.text = lambda _: "少女が屋上で空を見上げている。"
    done = animeds("describe", "--model", "vlm", "--where", frames(store, 1), "--language", "ja")
    assert done.code == 0 and "in Japanese" in chat.asked[-1].prompt


ENDS: list[tuple[list[Any], str, int]] = [
    ([PAGE] * 60, "does not speak the OpenAI chat API; it answers: <!DOCTYPE html>", 8),
    ([404] * 60, "has no model some-vlm:8b, or is not the address of a chat API", 8),
    ([429] * 40, "limits the number of requests", 20),
    ([(429, {"Retry-After": "3600"})] * 60, "it asks to wait 3600 s", 8),
    (
        [choice("")] * 40,
        "8 pictures in a row could not be described. The last one: the answer is empty",
        12,
    ),
    ([500] * 60, "8 pictures in a row could not be described", 60),
]
"""What a captioner at fault answers, the error, and the maximum number of requests, unanswered ones included."""


@pytest.mark.parametrize(("script", "message", "most"), ENDS)
def test_a_captioner_that_fails_for_every_picture_ends_the_run(
    chat: Chat, store: Store, script: list[Any], message: str, most: int
) -> None:
    chat.script = list(script)
    with animeds_db.open(store.uri) as dataset, pytest.raises(ModelError) as caught:
        dataset.describe("vlm")
    assert message in str(caught.value)
    assert chat.requests <= most
    assert described(store) == []


def test_an_address_that_is_away_or_slow_is_named_at_once(
    animeds: Runner, chat: Chat, own: Path, store: Store
) -> None:
    own.write_text(chat.manifest().replace(chat.address, "http://127.0.0.1:9/v1"), "utf-8")
    away = animeds("describe", "--model", "vlm")
    assert away.code == 1 and "vlm (http://127.0.0.1:9/v1) cannot be reached" in away.err
    assert "start that server" in away.err
    chat.write_manifest(own, timeout=1, parallel=1)
    chat.script = [2.5, 2.5]
    slow = animeds("describe", "--model", "vlm", "--where", frames(store, 2))
    assert slow.code == 3 and "gave no answer within 1 s" in slow.err and len(described(store)) == 1


def test_a_key_comes_from_the_environment_and_is_never_shown_or_stored(
    animeds: Runner, chat: Chat, own: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.key = KEY
    chat.write_manifest(own, key="VLM_KEY")
    monkeypatch.delenv("VLM_KEY", raising=False)
    missing = animeds("describe", "--model", "vlm")
    assert missing.code == 1 and "the environment variable VLM_KEY is not set" in missing.err
    monkeypatch.setenv("VLM_KEY", KEY + "wrong")
    wrong = animeds("--debug", "describe", "--model", "vlm", "--where", frames(store, 1))
    assert wrong.code == 1 and "refuses the key: HTTP 401, " in wrong.err and KEY not in wrong.err
    monkeypatch.setenv("VLM_KEY", KEY)
    assert animeds("describe", "--model", "vlm", "--where", frames(store, 1)).code == 0
    stored = b"".join(path.read_bytes() for path in Path(store.uri).rglob("*") if path.is_file())
    assert KEY.encode() not in stored and chat.address.encode() not in stored
    chat.write_manifest(own, key=KEY)
    pasted = animeds("describe", "--model", "vlm")
    assert pasted.code == 1 and "not the key itself" in pasted.err and KEY not in pasted.err


def test_a_limit_of_costs_ends_the_run_before_it_is_exceeded(
    animeds: Runner, chat: Chat, own: Path, store: Store
) -> None:
    chat.write_manifest(own, price=[100, 1000])  # 0.15 dollars each
    done = animeds("describe", "--model", "vlm", "--where", frames(store, 12), "--max-cost", "0.7")
    assert done.code == 0 and "stopped: the limit of $0.7" in done.err and "4 pictures described" in done.err
    assert ask(store, "SELECT count(*), round(sum(cost), 6) FROM all_descriptions") == [(4, 0.6)]
    plan = animeds("describe", "--model", "vlm", "--where", frames(store, 12), "--dry-run")
    assert "about $1.20, by the descriptions so far" in plan.err
    chat.write_manifest(own)
    unknown = animeds("describe", "--model", "vlm", "--max-cost", "1")
    assert unknown.code == 2 and "has no price" in unknown.err


def test_a_run_that_is_killed_loses_only_what_was_under_way(chat: Chat, store: Store, own: Path) -> None:
    n = ask(store, "SELECT count(*) FROM faces")[0][0]
    assert n > 24
    chat.script = [0.0] * 20 + [30.0] * 8  # then the server seems to hang
    command = [sys.executable, "-c", "from animeds_db.cli import main; main()", "describe", "--model", "vlm"]
    environment = {**os.environ, "ANIMEDS_DB": store.uri}
    started = subprocess.Popen([*command, "--boxes", "face"], env=environment, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 120
        while len(described(store)) < 16 and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        started.kill()
        started.communicate()
    assert started.returncode == -signal.SIGKILL
    kept = len(described(store))
    assert 16 <= kept < n
    chat.script, before = [], chat.requests
    with animeds_db.open(store.uri) as dataset:
        report = dataset.describe("vlm", boxes=["face"])
    assert not report.failures and len(described(store)) == n
    assert chat.requests - before == n - kept


@pytest.mark.source_tree
def test_the_page_on_descriptions_works_as_written(
    animeds: Runner, chat: Chat, own: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    [entry] = blocks(PAGE_OF_DOCS, "toml")
    own.write_text(chat.manifest() + entry, "utf-8")
    monkeypatch.setenv("EXAMPLE_API_KEY", KEY)
    assert load_captioner("my-cloud").parallel == 8
    for block in blocks(PAGE_OF_DOCS, "sh"):
        for line in block.splitlines():
            done = animeds(*shlex.split(line)[1:])
            assert done.code == 0, (line, done.err)
    for sql in blocks(PAGE_OF_DOCS, "sql"):
        assert ask(store, sql.rstrip().rstrip(";"))


def test_a_missing_video_is_an_error_of_its_source(animeds: Runner, chat: Chat, store: Store) -> None:
    here = store.table("sources").to_table()
    uris = [uri + (".gone" if uri.endswith("a.mkv") else "") for uri in here["uri"].to_pylist()]
    store.replace("sources", here.set_column(here.column_names.index("uri"), "uri", [uris]))
    done = animeds("describe", "--model", "vlm", "--where", "time_s < 0.6")
    assert done.code == 3 and "failed: a: " in done.err and described(store)
    assert ingested().is_dir()


def test_wrong_options_are_explained(animeds: Runner, chat: Chat, tmp_path: Path, store: Store) -> None:
    for words, message in (
        (("--model", "tiny-tagger"), "a model for the task tagger, not a captioner"),
        (("--model", "vlm", "--boxes", "persons"), 'There are no boxes "persons"'),
        (("--model", "vlm", "--language", "klingon"), 'There is no language "klingon"'),
        (("--model", "vlm", "--prompt", "pros"), 'did you mean "prose"'),
        (("--model", "vlm", "--where", "episod = 3"), "episod"),
        ((), "Name a captioner with --model"),
    ):
        done = animeds("describe", *words)
        assert done.code in (1, 2) and message in done.err, words
    for text, message in (
        ("{tag}", "{tag}"),
        ("{tags", "not valid"),
        ("{tags.x}", "not a plain name"),
        (" ", "empty"),
    ):
        (tmp_path / "bad.txt").write_text(text)
        done = animeds("describe", "--model", "vlm", "--prompt", tmp_path / "bad.txt")
        assert done.code == 2 and message in done.err and "bad.txt" in done.err
    assert "{tags}" in animeds("describe", "--show-prompt", "anima").out
    assert chat.requests == 0
    with animeds_db.open(store.uri) as dataset, pytest.raises(UsageError):
        dataset.label("description", "set", "  ", [frames(store, 1)])


@pytest.mark.parametrize(
    ("ask_for", "message"),
    [
        ({"address": "localhost:11434"}, "is not a valid address"),
        ({"address": "http://me:word@host/v1"}, "contains a name or a password"),
        ({"parallel": 0}, "ask.parallel is 0. It must be a number from 1 to 256"),
        ({"timeout": "long"}, "ask.timeout is 'long'"),
        ({"temperature": 3}, "ask.temperature is 3"),
        ({"price": 3}, "ask.price is 3"),
        ({"model": "x"}, 'unknown key "model"'),
    ],
)
def test_a_manifest_entry_that_is_not_valid_is_named(
    own: Path, ask_for: dict[str, Any], message: str
) -> None:
    Chat(address="http://localhost:1/v1").write_manifest(own, **ask_for)
    with pytest.raises(ModelError, match="vlm") as caught:
        load_captioner("vlm")
    assert message in str(caught.value)

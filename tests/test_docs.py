"""The documentation tells the truth: its commands, SQL and Python are run on the sample show."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import sampleshow
from cli_run import Runner
from documented import blocks
from PIL import Image

import animeds_db
from animeds_db.cli import command_line
from animeds_db.export import LAYOUTS

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide.md"
SQL = ROOT / "docs" / "sql.md"
EXPORT = ROOT / "docs" / "export.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the episodes, as the reader of the guide has it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    (tmp_path / "episodes").symlink_to(sampleshow.episodes())
    return tmp_path


def test_the_guide_works_as_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    for block in blocks(GUIDE, "sh"):
        for line in block.splitlines():
            words = shlex.split(line)
            assert words[0] == "animeds"
            done = run(*words[1:])
            assert done.code == 0, (line, done.err)
    captions = [p.read_text("utf-8") for p in (folder / "red-haired").glob("*-*.txt")]
    assert captions
    assert all(caption.startswith("waifu, ") and "red hair" in caption for caption in captions)
    assert all("1boy" not in caption for caption in captions)
    assert "CC0-1.0" in (folder / "red-haired" / "CREDITS.txt").read_text("utf-8")
    for block in blocks(GUIDE, "python"):
        exec(compile(block, str(GUIDE), "exec"), {})
    assert (folder / "from-notebook").is_dir()


def test_the_page_on_exports_works_as_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sampleshow.database(), folder / "anime.animeds")
    run = Runner(capsys, monkeypatch)
    for block in blocks(EXPORT, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            done = run(*shlex.split(line, comments=True)[1:])
            assert done.code == 0, (line, done.err)
    assert list((folder / "faces").glob("*_face1.png")) and (folder / "set" / "kohya").is_dir()
    for layout in LAYOUTS.values():
        assert f"| `{layout.name}` |" in EXPORT.read_text("utf-8")


@pytest.mark.parametrize("sql", blocks(SQL, "sql"))
def test_every_example_of_the_sql_page_gives_rows(sql: str) -> None:
    with animeds_db.open(sampleshow.database()) as dataset:
        assert dataset.sql(sql).fetchall()


def test_every_view_and_macro_is_on_the_sql_page() -> None:
    text = SQL.read_text("utf-8")
    names = set()
    for path in (ROOT / "sql").rglob("*.sql"):
        names |= set(
            re.findall(r"^CREATE OR REPLACE (?:VIEW|MACRO)\s+(\w+)", path.read_text("utf-8"), re.MULTILINE)
        )
    helpers = {"tag_id", "has_next_8", "has_one_of_8", "fh_per_cent"}
    helpers |= {
        "pixels_of",
        "square_side",
        "within",
        "counts_people",
        "names_framing",
        "people_tags",
        "only_kind",
        "reaches",
        "tags_at",
        "corrected_tags",
        "corrected_scores",
        "tag_structs",
        "has_counting_tag",
        "only_kind_of",
        "room_above",
        "square_at",
        "relative_square",
        "chosen_tags",
        "place_of",
        "allowed_tags",
        "tag_rows",
        "tag_names",
        "given_tag_key",
        "caption_words",
        "listed_captions",
        "kind_of_tag",
        "words_of_kinds",
        "words_of_groups",
        "part_tags",
        "part_words",
        "drawn_parts",
        "wanted_pictures",
        "framed_pictures",
        "with_heads",
    }
    missing = {name for name in names - helpers if not re.search(rf"`[^`]*\b{name}\b", text)}
    assert not missing


def test_the_readme_opens_with_small_pictures_that_make_pictures_draws() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    shown = re.findall(r"!\[[^\]]+\]\((docs/pictures/(\w+)\.webp)\)", text[: text.index("## ")])
    script = (ROOT / "docs" / "site" / "pictures.py").read_text("utf-8")
    assert [name for _, name in shown] == ["page", "sheet", "folder"]
    assert {path.name for path in (ROOT / "docs" / "pictures").iterdir()} == {
        f"{name}.webp" for _, name in shown
    }
    for path, name in shown:
        assert f'write("{name}"' in script
        assert (ROOT / path).stat().st_size <= 150_000
        with Image.open(ROOT / path) as picture:
            assert picture.format == "WEBP" and picture.width >= 1000


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    commands = {
        command.name or command.callback.__name__
        for command in command_line().registered_commands
        if command.callback
    }
    assert {name for name in commands if f"animeds {name}" not in text} == set()


def test_every_query_has_a_title_and_is_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    out = Runner(capsys, monkeypatch)("queries", "--format", "tsv").out
    for path in (ROOT / "queries").glob("*.sql"):
        assert re.search(rf"^{path.stem}\t\S", out, re.MULTILINE), path


def test_links_between_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), (path.name, target)

"""`animeds export --push`: a folder becomes a dataset on the hub, over HTTP to a stand-in of its interface."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import sampleshow
from cli_run import Runner
from hub_datasets import DatasetHub, Datasets, Repo
from hub_server import running

import animeds_db
from animeds_db.errors import ExportError, UsageError
from animeds_db.export import push
from animeds_db.export.manifest import MANIFEST_NAME

# huggingface_hub sends a large file in a way that its HTTP client no longer recommends.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
TOKEN = "hf_secretsecretsecret"
TARGET = "hf://emi/red-haired"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DatasetHub]:
    """A hub that knows the token of emi, with which this process is logged in."""
    hub = DatasetHub()
    hub.token = TOKEN
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    with running(hub, Datasets):
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield hub


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported folder with twelve pictures and their captions. Do not change it."""
    out = tmp_path_factory.mktemp("push") / "out"
    with animeds_db.open(sampleshow.database()) as ds:
        ds.export(
            None,
            out,
            sql="SELECT frame_id, 'ep' || episode AS folder FROM frames WHERE NOT is_blank ORDER BY frame_id LIMIT 12",
        )
    return out


def contents(folder: Path) -> dict[str, bytes]:
    """What a push of a folder sends, without the card."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    del files[MANIFEST_NAME]
    return files


def pushed(repo: Repo) -> dict[str, bytes]:
    """What a dataset has, without the card and what the hub adds."""
    return {path: data for path, data in repo.files.items() if path not in ("README.md", ".gitattributes")}


def test_the_command_exports_and_pushes_a_private_dataset_with_a_card(
    hub: DatasetHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    run = Runner(capsys, monkeypatch)
    export = (
        "export",
        "--sql",
        "SELECT frame_id FROM frames ORDER BY frame_id LIMIT 3",
        tmp_path / "out",
        "--db",
    )
    done = run(*export, sampleshow.database(), "--push", TARGET)
    assert done.code == 0, done.err
    assert f"{hub.address}/datasets/emi/red-haired" in done.err and "private" in done.err
    repo = hub.repos["emi/red-haired"]
    assert repo.private and pushed(repo) == contents(tmp_path / "out")
    card = repo.files["README.md"].decode()
    assert "3 pictures from 1 source" in card and "CC0-1.0" not in card.partition("## Credits")[0]
    samples = [path for path in pushed(repo) if path.endswith(".png")]
    assert sum(card.count(f"]({path.replace(' ', '%20')})") for path in samples) == 3
    assert str(sampleshow.episodes()) not in "".join(
        data.decode() for path, data in repo.files.items() if not path.endswith(".png")
    ), "no path of this machine leaves it"
    assert TOKEN not in done.err + done.out + caplog.text


def test_a_push_that_was_cut_off_continues_and_sends_no_picture_twice(
    hub: DatasetHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("animeds_db.export.hub.pushing.BATCH", 10)
    hub.breaks_at_commit = 1
    with pytest.raises(ExportError, match="stopped after 10 of 25 files") as cut:
        push(folder, TARGET)
    assert "continues" in str(cut.value) and TOKEN not in str(cut.value)
    repo = hub.repos["emi/red-haired"]
    assert 0 < len(pushed(repo)) < len(contents(folder))
    steps: list[tuple[int, int]] = []
    done = push(folder, TARGET, progress=lambda n, total: steps.append((n, total)))
    assert pushed(repo) == contents(folder) and done.n_files == len(contents(folder)) == 25
    assert steps == [(10, 25), (20, 25), (25, 25)]
    assert len(hub.sent) == len(set(hub.sent)) == 12
    commits = list(repo.commits)
    push(folder, TARGET)
    assert repo.commits == commits, "a push of the same folder commits nothing"


def test_what_the_folder_no_longer_has_is_deleted_from_the_dataset(hub: DatasetHub, folder: Path) -> None:
    push(folder, TARGET)
    repo = hub.repos["emi/red-haired"]
    repo.files["ep9/old.png"] = b"an older picture"
    push(folder, TARGET)
    assert pushed(repo) == contents(folder)


def test_a_dataset_of_others_is_not_touched(hub: DatasetHub, folder: Path) -> None:
    theirs = Repo(private=True, files={"README.md": b"# mine", "data.parquet": b"rows"})
    hub.repos["emi/red-haired"] = theirs
    with pytest.raises(ExportError, match="contains files that no push wrote"):
        push(folder, TARGET)
    assert theirs.files == {"README.md": b"# mine", "data.parquet": b"rows"} and not theirs.commits


def test_a_dataset_becomes_public_only_when_that_is_said(hub: DatasetHub, folder: Path) -> None:
    assert push(folder, "hf://emi/open", public=True).is_public
    assert not hub.repos["emi/open"].private
    with pytest.raises(ExportError, match="public already"):
        push(folder, "hf://emi/open")
    push(folder, TARGET)
    with pytest.raises(ExportError, match="private already"):
        push(folder, TARGET, public=True)
    assert hub.repos["emi/red-haired"].private


def test_a_name_or_token_that_cannot_work_is_refused_before_anything_is_written(
    hub: DatasetHub,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for target in (
        "emi/red-haired",
        "hf://red-haired",
        "hf://emi/red/haired",
        "hf://emi/a b",
        "hf://emi/..",
        "hf://",
    ):
        with pytest.raises(UsageError, match="not a dataset"):
            push(folder, target)
    with pytest.raises(ExportError, match=r"refused the push \(403\)"):
        push(folder, "hf://stranger/x")
    run = Runner(capsys, monkeypatch)
    words = ("export", "--sql", "FROM frames", tmp_path / "out", "--db", sampleshow.database())
    assert run(*words, "--public").code == 2
    assert run(*words, "--push", "emi").code == 2
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ExportError, match="refused the push") as wrong:
        push(folder, TARGET)
    assert "hf_wrong" not in str(wrong.value)
    monkeypatch.delenv("HF_TOKEN")
    done = run(*words, "--push", TARGET)
    assert done.code == 1 and "no token" in done.err and "hf auth login" in done.err
    assert not (tmp_path / "out").exists() and not hub.repos


def test_a_recipe_pushes_its_folder_and_continues_a_push_that_was_cut_off(
    hub: DatasetHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sampleshow.database(), "show.animeds")
    recipe = f"""version = 1
database = "show.animeds"
[[sources]]
paths = ["{sampleshow.episodes().as_posix()}"]
[models]
profile = "tiny"
[select]
count = 2
[[export]]
folder = "out"
push = "{TARGET}"
"""
    Path("recipe.toml").write_text(recipe, "utf-8")
    hub.breaks_at_commit = 0
    with pytest.raises(ExportError, match="stopped after 0 of"):
        animeds_db.make("recipe.toml")
    pictures = {path.name: path.stat().st_mtime_ns for path in Path("out").glob("*.png")}
    animeds_db.make("recipe.toml")
    repo = hub.repos["emi/red-haired"]
    assert pushed(repo) == contents(Path("out")) and repo.private
    assert pictures == {path.name: path.stat().st_mtime_ns for path in Path("out").glob("*.png")}
    asked = len(hub.requests)
    animeds_db.make("recipe.toml")
    assert len(hub.requests) == asked, "nothing is new"
    Path("recipe.toml").write_text(recipe.replace(TARGET, "emi"), "utf-8")
    with pytest.raises(UsageError, match=r"export\[0\]\.push|push"):
        animeds_db.make("recipe.toml")

"""`animeds make` does what the recipe says, does only what changed, and stops where a person must decide."""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sampleshow
from cli_run import Runner
from whoiswho import truly

import animeds_db
from animeds_db.errors import UsageError
from animeds_db.export.manifest import read_manifest
from animeds_db.recipes import Made, Making
from animeds_db.recipes.steps import Flags, Silent

RECIPE = """\
version = 1
database = "show.animeds"
[[sources]]
paths = ["episodes"]
[models]
profile = "tiny"
[dedup]
[select]
characters = ["Emi"]
count = 4
[captions]
activation_tag = "emi"
[[export]]
folder = "out"
layouts = ["kohya"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one of the show's episodes, its database, and a recipe. Nobody has a name."""
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    monkeypatch.delenv("ANIMEDS_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "episodes").mkdir()
    for episode in sorted(sampleshow.episodes().glob("*.mkv")):
        shutil.copy2(episode, tmp_path / "episodes" / episode.name)
    shutil.copytree(sampleshow.database(), tmp_path / "show.animeds")
    (tmp_path / "recipe.toml").write_text(RECIPE, "utf-8")
    return tmp_path


def changed(place: Path, old: str, new: str, recipe: str = "recipe.toml") -> None:
    text = (place / recipe).read_text("utf-8")
    assert old in text
    (place / recipe).write_text(text.replace(old, new), "utf-8")


def cluster_of(name: str) -> int:
    """Return the cluster with the most faces of a person of the show."""
    with animeds_db.open("show.animeds") as ds:
        people = truly(ds)
        rows = ds.sql("SELECT face_id, cluster FROM clusters WHERE cluster IS NOT NULL").fetchall()
    found = Counter(int(cluster) for face, cluster in rows if people.get(face) == name)
    return found.most_common(1)[0][0]


def steps(made: Made) -> list[str]:
    return made.steps


def planned(step: str) -> str:
    """Return what the plan says of a step."""
    with Making("recipe.toml") as making:
        return next(str(one.news) for one in making.plan() if one.step == step)


def test_from_episodes_to_a_folder_with_one_question_and_then_only_what_changed(place: Path) -> None:
    asked = animeds_db.make("recipe.toml")
    assert asked.question is not None and asked.question.characters == ("Emi",)
    assert (
        asked.question.sheet == Path("recipe-clusters.html")
        and "data:image" in asked.question.sheet.read_text()
    )
    assert asked.question.clusters and not asked.folders and not (place / "out").exists()

    made = animeds_db.make("recipe.toml", names={cluster_of("Emi"): "Emi"})
    assert steps(made) == ["names of faces", "out"] and made.question is None
    assert made.exports[0].n_pictures == 4
    with animeds_db.open("show.animeds") as ds:
        gaps = ds.coverage("Emi", "character_set", params={"characters": ["Emi"], "count": 4}).gaps
    assert made.gaps == {"Emi": [str(gap) for gap in gaps if gap.best]} and made.gaps["Emi"]
    assert "# cluster" in (place / "recipe.toml").read_text("utf-8")
    names = read_manifest(place / "out").provenance.recipe
    assert names["file"] == "../recipe.toml"

    began = time.process_time()  # not the time of the clock, which depends on what else the machine does
    again = animeds_db.make("recipe.toml")
    assert time.process_time() - began < 3
    assert steps(again) == [] and again.folders == [str(place / "out")]

    changed(place, "count = 4", "count = 3")
    assert re.fullmatch(r"kohya: 3 frames \(about \d+ s, as the last time\)", planned("export"))
    fewer = animeds_db.make("recipe.toml")
    assert steps(fewer) == ["out"] and fewer.exports[0].n_pictures == 3

    with Making("recipe.toml") as making:
        assert [one.news for one in making.plan()] == [None] * 4
    episode = min((place / "episodes").iterdir())
    third = shutil.copy(episode, place / "episodes" / "Komorebi Diary - S01E03.mkv")
    with Path(third).open("ab") as file:
        file.write(bytes(64))  # another file to the database, the same pictures to a decoder
    with Making("recipe.toml") as making:
        news = {one.step: one.news for one in making.plan()}
        assert str(news["sources"]).startswith("1 of 3 sources to ingest (") and all(news.values())
        assert "min, as earlier ones took" in str(news["sources"])
        grown = making.run()
    assert steps(grown)[:2] == ["episodes", "near-duplicates"] and not grown.failed
    with animeds_db.open("show.animeds") as ds:
        assert ds.sql("SELECT count(*) FROM sources").fetchall() == [(3,)]


class Interrupter(Silent):
    """A person who presses Ctrl-C while a step runs."""

    def __init__(self, step: str) -> None:
        self._step, self._now = step, ""

    def step(self, number: int, count: int, title: str) -> None:
        """Remember which step runs."""
        self._now = title

    def advance(self, done: float, total: float | None, detail: str = "") -> None:
        """Press Ctrl-C once the step has done something."""
        if self._now.startswith(self._step) and done:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Ctrl-C interrupts, as in a shell in the foreground."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_ctrl_c_in_the_middle_of_each_step_leaves_what_the_next_run_continues(place: Path) -> None:
    shutil.rmtree("show.animeds")
    min((place / "episodes").iterdir()).unlink()
    changed(place, '"tiny"', '"none"')
    changed(place, '[dedup]\n[select]\ncharacters = ["Emi"]\n', "[select]\n")
    with pytest.raises(KeyboardInterrupt):
        animeds_db.make("recipe.toml", progress=Interrupter("sources"))
    with animeds_db.open("show.animeds", unfinished=True) as ds:
        assert ds.sql("SELECT state FROM sources").fetchall() == [("interrupted",)]
    with pytest.raises(KeyboardInterrupt):
        animeds_db.make("recipe.toml", progress=Interrupter("export"))
    assert not (place / "out").exists()
    made = animeds_db.make("recipe.toml")
    assert steps(made) == ["out"] and made.exports[0].n_pictures == 4
    assert animeds_db.make("recipe.toml").steps == []


@pytest.mark.usefixtures("interrupts")
def test_ctrl_c_while_near_duplicates_are_found_writes_none_and_the_next_run_finds_them(place: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        animeds_db.make("recipe.toml", until="dedup", progress=Interrupter("dedup"))
    with animeds_db.open("show.animeds") as ds:
        assert ds.sql("SELECT count(*) FROM duplicates").fetchall() == [(0,)]
    made = animeds_db.make("recipe.toml", until="dedup")
    assert steps(made) == ["near-duplicates"]
    assert animeds_db.make("recipe.toml", until="dedup").steps == []
    changed(place, "[dedup]", "[dedup]\nthreshold = 0.97")
    assert re.fullmatch(r"49 frames to compare \(about \d+ s, as the last time\)", planned("dedup"))


def test_examples_name_the_faces_without_a_question(place: Path) -> None:
    with animeds_db.open("show.animeds") as ds:
        alone = Counter(face.rpartition("-")[0] for face in truly(ds))
        faces = [face for face, name in sorted(truly(ds).items()) if name == "Emi"]
        frame = next(face.rpartition("-")[0] for face in faces if alone[face.rpartition("-")[0]] == 1)
        (place / "examples" / "Emi").mkdir(parents=True)
        ds.image(frame).save(place / "examples" / "Emi" / "1.png")
    changed(place, "[select]", '[characters]\nexamples = ["examples"]\n[select]')
    made = animeds_db.make("recipe.toml")
    assert made.question is None and made.exports[0].n_pictures > 0
    assert animeds_db.make("recipe.toml").steps == []

    changed(place, '["Emi"]', '["Emy"]')
    with pytest.raises(
        UsageError, match=r'recipe.toml:\d+: select.characters: Nobody is named "Emy"'
    ) as caught:
        animeds_db.make("recipe.toml")
    assert '"Emi"' in str(caught.value.hint)


def test_clusters_that_nobody_named_can_be_kept(place: Path) -> None:
    changed(place, 'characters = ["Emi"]\n', "")
    changed(place, "[select]", "[characters]\nkeep_unnamed = true\n[select]")
    assert animeds_db.make("recipe.toml", until="characters").question is None
    with animeds_db.open("show.animeds") as ds:
        clusters = ds.sql("SELECT max(cluster) FROM clusters").fetchall()[0][0]
        names = {row[0] for row in ds.sql("SELECT DISTINCT character FROM examples").fetchall()}
    assert names == {f"unnamed_{number}" for number in range(1, clusters + 1)} and clusters > 1
    assert animeds_db.make("recipe.toml", until="characters").steps == []


def test_a_count_that_cannot_be_reached_says_what_was_found(place: Path) -> None:
    changed(place, 'characters = ["Emi"]\ncount = 4', 'has = ["1girl"]\ncount = 4000')
    made = animeds_db.make("recipe.toml")
    notes = " ".join(made.exports[0].notes)
    assert (
        made.exports[0].n_pictures < 4000
        and "of 4000 frames were found" in notes
        and "has=1girl leaves" in notes
    )


def test_two_recipes_cannot_write_to_one_folder(place: Path) -> None:
    changed(place, 'characters = ["Emi"]\n', "")
    animeds_db.make("recipe.toml")
    shutil.copy("recipe.toml", "other.toml")
    with pytest.raises(
        UsageError, match=r"other.toml:\d+: export.folder: .* by another recipe, ../recipe.toml"
    ):
        animeds_db.make("other.toml")
    (place / "notes").mkdir()
    (place / "notes" / "mine.txt").write_text("mine", "utf-8")
    changed(place, '"out"', '"notes"', "other.toml")
    with pytest.raises(UsageError, match="contains files that no export wrote"):
        animeds_db.make("other.toml")
    assert (place / "notes" / "mine.txt").exists()


def test_a_folder_that_a_person_changed_is_not_replaced(place: Path) -> None:
    changed(place, 'characters = ["Emi"]\n', "")
    animeds_db.make("recipe.toml")
    picture = next((place / "out").rglob("*.png"))
    picture.unlink()
    changed(place, "count = 4", "count = 5")
    made = animeds_db.make("recipe.toml")
    assert made.kept == [str(place / "out")] and made.steps == [] and not made.folders
    assert not picture.exists()


def test_a_folder_that_vanished_is_named_with_its_line(place: Path) -> None:
    shutil.rmtree(place / "episodes")
    with pytest.raises(UsageError, match=r"recipe.toml:4: sources.paths: .*episodes does not exist"):
        animeds_db.make("recipe.toml")
    changed(place, '[[sources]]\npaths = ["episodes"]', '[characters]\nexamples = ["gone"]')
    with pytest.raises(
        UsageError, match=r"recipe.toml:4: characters.examples: The folder .*gone does not exist"
    ):
        animeds_db.make("recipe.toml")


def test_steps_can_be_left_out_and_a_step_that_does_not_exist_is_refused(place: Path) -> None:
    made = animeds_db.make("recipe.toml", until="dedup")
    assert made.steps == ["episodes", "near-duplicates"] and made.question is None
    with pytest.raises(UsageError, match='There is no step "dedub"'):
        animeds_db.make("recipe.toml", until="dedub")


def test_an_export_without_a_recipe_has_the_bytes_that_it_had(place: Path) -> None:
    with animeds_db.open("show.animeds") as ds:
        ds.export(None, "plain", sql="SELECT frame_id FROM kept LIMIT 1")
    assert '"recipe"' not in (place / "plain" / "animeds-export.json").read_text("utf-8")


def test_a_flag_beats_the_environment_and_that_beats_the_recipe(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Making("recipe.toml") as making:
        assert making.database == str(place / "show.animeds")
    monkeypatch.setenv("ANIMEDS_DB", "theirs.animeds")
    with Making("recipe.toml") as making:
        assert making.database == "theirs.animeds"
    with Making("recipe.toml", Flags(db="mine.animeds")) as making:
        assert making.database == "mine.animeds"


def test_the_command_plans_asks_and_makes(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    assert run("init", "episodes", "--out", "new.toml").code == 0
    told = run("make", "new.toml", "--dry-run", "--profile", "tiny", "--db", "new.animeds")
    assert told.code == 0 and "2 of 2 sources to ingest" in told.err
    assert not Path("new.animeds").exists()

    options = "--character Emi --count 4 --layout kohya --tag emi short/"
    words = ("make", "episodes", *options.split())
    asked = run(*words, "--profile", "tiny", "--db", "show.animeds")
    assert asked.code == 1, asked.err
    assert "Nobody is named Emi yet" in asked.err and "animeds make short.toml --name" in asked.err
    emi = cluster_of("Emi")
    other = 2 if emi == 1 else 1
    named = run("make", "short.toml", "--name", f"{emi}=Emi", f"{other}=Somebody")
    assert named.code == 0 and "4 pictures in" in named.err, named.err
    assert "Frames that would fill the gaps: animeds coverage Emi" in named.err
    assert all(
        text.read_text().startswith("emi")
        for text in Path("short").rglob("*.txt")
        if text.name != "CREDITS.txt"
    )
    assert 'Somebody"  # cluster' in Path("short.toml").read_text("utf-8")
    done = run(*words, "--profile", "tiny", "--db", "show.animeds")
    assert done.code == 0 and "Everything is up to date." in done.err

    assert run("make").code == 0  # recipe.toml is of the same database, which knows Emi by now
    assert run("make", "--name", "Emi").code == 2
    assert run("make", "none.toml").code == 2
    assert run("init").code == 2 and run("init", "--like", "tag").code == 2

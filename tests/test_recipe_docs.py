"""docs/recipe.md tells the truth: the guides' recipes run as written, and its tables name what there is."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import av
import pytest
import sampleshow
import typer
from cli_run import Runner
from PIL import Image
from whoiswho import truly

import animeds_db
from animeds_db.cli import command_line
from animeds_db.recipes.drafting import shipped_text

PAGE = Path(__file__).parents[1] / "docs" / "recipe.md"
TEXT = PAGE.read_text("utf-8")
SECONDS = 6

SCRIPTS = """
extract_frames.py remove_similar.ipynb detect_faces.py crop_faces.py tag_images_by_wd14_tagger.py augment_metadata.py
crop_and_make_dataset.py make_data_dic_imagenetsyle.py data_split.py train.py classify_faces.py arrange_folder.py
correct_metadata_from_foldername.py generate_captions.py generate_multiply.py rename_character.py
"""
FLAGS = """
--src_dir --dst_dir --prefix --pattern --min_face_number --batch_size --caption_extension --use_tags
--general_description --transfer_learning --model_name --interm_features_fc --no_epochs --dataset_path --results_dir
--checkpoint_path --use_test_set --overwrite --max_face_number --keep_src_structure --format --max_image_size
--move_file --max_character_number --min_image_per_combination --face_ratio_folder_range --character_list
--use_npeople_prob --use_character_prob --use_general_prob --use_facepos_prob --use_tags_prob --max_tag_number
--shuffle_tags --drop_hair_tag --drop_eye_tag --weight_csv --max_multiply --class_mapping_csv
"""
"""Of the anime screenshot pipeline's guide."""


def block(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def shortened(episode: Path, out: Path) -> None:
    """Copy the first seconds of an episode, without encoding anything."""
    with av.open(str(episode)) as source, av.open(str(out), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is None or packet.pts is None:
                continue
            if packet.pts * packet.time_base < SECONDS:
                packet.stream = stream
                target.mux(packet)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of somebody who follows the guides: episodes, examples, fan art, screencaps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    for name in (
        "episodes",
        "examples",
        "art",
        "queries",
        "screencaps/Emi/season1",
        "screencaps/Emi/season2",
    ):
        (tmp_path / name).mkdir(parents=True)
    for episode in sorted(sampleshow.episodes().glob("*.mkv")):
        shortened(episode, tmp_path / "episodes" / episode.name)
    _pick(tmp_path)
    Image.effect_noise((96, 96), 60).convert("RGB").save(tmp_path / "art" / "a.png")
    (tmp_path / "art" / "a.png.tags").write_text("character: emi_(show)\ngeneral: 1girl, red hair\n", "utf-8")
    (tmp_path / "character_mapping.csv").write_text("emi_(show),Emi\n", "utf-8")
    (tmp_path / "queries" / "with_faces.sql").write_text(block("sql")[0], "utf-8")
    (tmp_path / "weights.csv").write_text(block("csv")[0], "utf-8")
    return tmp_path


def _pick(place: Path) -> None:
    """Save some pictures as examples and as screencaps: of frames with one face each."""
    with animeds_db.open(sampleshow.database()) as ds:
        names = truly(ds)
        alone = Counter(face.rpartition("-")[0] for face in names)
        taken = Counter[str]()
        for face, name in sorted(names.items()):
            frame = face.rpartition("-")[0]
            if alone[frame] == 1 and name != "extra" and taken[name] < 2:
                folder = place / "examples" / name
                folder.mkdir(exist_ok=True)
                ds.image(frame).save(folder / f"{frame}.png")
                taken[name] += 1
                season = place / "screencaps" / "Emi" / f"season{taken[name]}"
                shutil.copy(folder / f"{frame}.png", season / f"{frame}.png")


def corrected(folder: Path) -> None:
    """Do by hand what the guide asks for: delete a picture, move another one, edit the metadata of a third."""
    whole = [p for p in sorted(folder.rglob("*.png")) if "_face" not in p.stem]
    told = {p: json.loads(p.with_suffix(".json").read_text("utf-8")) for p in whole}
    alone = [p for p in whole if told[p]["n_faces"] == 1 and told[p]["characters"] != ["unknown"]]
    moved, name = alone[0], told[alone[0]]["characters"][0]
    other = next(c for p in whole for c in told[p]["characters"] if c not in (name, "unknown"))
    next(p for p in whole if p != moved).unlink()
    target = moved.parents[1].with_name(other) / "face_height_ratio_0-25"
    target.mkdir(parents=True, exist_ok=True)
    moved.rename(target / moved.name)
    third = next(p for p in whole[::-1] if p.exists())
    tags = third.with_name(third.name + ".tags")
    tags.write_text(tags.read_text("utf-8").strip() + ", corrected_by_hand\n", "utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of an exported folder, with the manifest as far as it does not say who made it."""
    files = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }
    manifest = json.loads(files.pop("animeds-export.json"))
    told = {name: value for name, value in manifest.items() if name != "selection"}
    return files | {"animeds-export.json": json.dumps(told).encode()}


def obeyed(text: str, *keys: str) -> str:
    """Return a shipped recipe with commented keys (or sections) obeyed."""
    for key in keys:
        text, n = re.subn(rf"^# ({re.escape(key)})", r"\1", text, flags=re.MULTILINE)
        assert n, key
    return text


@pytest.mark.long
def test_the_commands_work_as_written_and_the_shipped_recipes_give_the_same_byte_for_byte(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    said: dict[str, str] = {}

    def command(line: str) -> None:
        done = run(*shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)
        said[line] = done.out + done.err

    def made(name: str, text: str, folder: str, wanted: str) -> None:
        """Make a recipe, in a database of its own, and compare a folder of it with what the commands wrote."""
        for each in ("inspect", "train", "character", "upload"):
            text = text.replace(f'folder = "{each}"', f'folder = "made-{each}"')
        (place / f"{name}.toml").write_text(text, "utf-8")
        report = animeds_db.make(f"{name}.toml", profile="tiny", db=f"made-{name.partition('-')[0]}.animeds")
        assert report.question is None and not report.failed
        assert contents(place / f"made-{folder}") == contents(place / wanted)

    pipeline = obeyed(shipped_text("screenshot-pipeline"), "threshold = 0.5")
    fanart = ("[[sources]]", 'paths = ["art"]', 'image_type = "fanart"', 'profile = "none"', "rename = ")
    guide = obeyed(shipped_text("tag-guide"), 'sample = "iframes"', "threshold = 0.5")
    guide = guide.replace('"iframes"', '"changes"')  # the page goes on with the frames of the guide before
    for line in "".join(block("sh")).splitlines():
        command(line)
        if line.endswith(" inspect/"):
            made("screenshot-pipeline", pipeline, "inspect", "inspect")
            shutil.copytree(place / "anime.animeds", place / "uncorrected.animeds")  # recipes do not correct
            corrected(place / "inspect")
        elif " art/ " in line or " rename " in line or line.endswith((" train/", " character/")):
            line = line.replace(" train/", " first-train/").replace(" character/", " first-character/")
            command(f"{line} --db uncorrected.animeds")
    made("screenshot-pipeline", obeyed(pipeline, *fanart), "train", "first-train")
    (place / "made-tag.animeds").symlink_to(place / "made-screenshot.animeds")
    made("tag-guide", guide, "character", "first-character")
    made("screencaps", obeyed(shipped_text("screencaps"), "threshold = 0.5"), "upload", "upload")
    told = next(text for line, text in said.items() if "sync" in line)
    assert {"dropped", "character", "tag added"} <= {
        row.split("\t")[1] for row in told.splitlines() if "\t" in row
    }
    _check_training_folder(place / "train")
    with zipfile.ZipFile(place / "upload" / "zip" / "dataset.zip") as archive:
        names = archive.namelist()
    assert any(name.startswith("season1/") or "/season1/" in name for name in names)
    captions = [p.read_text("utf-8") for p in (place / "character").glob("*-*.txt")]
    assert all(caption.startswith("waifu") for caption in captions)


def _check_training_folder(train: Path) -> None:
    folders = {p.parent for p in train.rglob("*.png")}
    assert all(float((folder / "multiply.txt").read_text()) >= 1 for folder in folders)
    assert {folder.relative_to(train).parts[0] for folder in folders} == {"screenshots", "fanart"}
    levels = {folder.relative_to(train).parts[1] for folder in folders}
    assert any(level.endswith("_character") for level in levels)
    captions = [p.read_text("utf-8") for p in train.rglob("*.txt") if p.with_suffix(".png").exists()]
    assert captions and all("aniscreen" in caption for caption in captions)


def test_the_table_names_every_script_and_flag_of_the_guide() -> None:
    tables = TEXT.partition("## Every script and flag")[2]
    assert [word for word in (SCRIPTS + FLAGS).split() if word not in tables] == []


def test_what_the_table_offers_is_there() -> None:
    options = {"-p"}
    commands = [typer.main.get_command(command_line())]
    while commands:
        command = commands.pop()
        options |= {name for parameter in command.params for name in parameter.opts}
        commands += getattr(command, "commands", {}).values()
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    ours = " ".join(row[1] for row in rows)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", ours)) - options == set()

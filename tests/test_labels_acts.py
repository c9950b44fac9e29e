"""Acts, undo and history through the API and the command line; labels survive detectors and other writers."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from cli_run import Runner
from labelled import LEFT, RIGHT, Box, box_row, dataset, detect_again, face_of, frame_of, named, say_often

from animeds_db.dataset import Dataset
from animeds_db.errors import UsageError

TAGS = (["1girl", "smile"], ["1girl"], None, ["smile"])


@pytest.fixture
def ds(tmp_path: Path) -> Dataset:
    return dataset(tmp_path, TAGS)


def moved(box: Box, by: float) -> Box:
    return (box[0] + by, box[1], box[2] + by, box[3])


def test_a_label_survives_another_detector_as_long_as_a_box_is_there(ds: Dataset) -> None:
    ds.label("character", "set", "Nanoha", [face_of(0)])
    ds.label("character", "set", "Fate", [face_of(2, 1)])
    boxes = [
        box_row(frame_of(0), 7, moved(LEFT, 0.02)),
        box_row(frame_of(2), 7, moved(LEFT, 0.02)),
        box_row(frame_of(2), 8, moved(RIGHT, -0.03)),
    ]
    detect_again(ds.store, "new@1", *boxes)
    assert named(ds) == {face_of(0, 7): "Nanoha", face_of(2, 8): "Fate"}
    ds.label("character", "set", "Hayate", [face_of(2, 8)])  # the newest word about the same face
    assert named(ds)[face_of(2, 8)] == "Hayate"

    detect_again(ds.store, "third@1", box_row(frame_of(0), 9, RIGHT), at="2031-01-01")
    assert named(ds) == {}  # nothing overlaps what was labelled
    assert ds.sql("SELECT count(*) FROM labels WHERE detection_id IS NULL").fetchall() == [(3,)]
    ds.store.delete("detected", "model = 'third@1'")
    assert named(ds) == {face_of(0, 7): "Nanoha", face_of(2, 8): "Hayate"}


def test_labels_survive_that_a_source_is_taken_in_anew(ds: Dataset) -> None:
    ds.label("tag", "add", "red_hair", [frame_of(0)])
    ds.label("character", "set", "Nanoha", [face_of(0)])
    frames, boxes = (ds.store.table(name).to_table() for name in ("frames", "detections"))
    for name in ("frames", "detections"):
        ds.store.delete(name, "source_id = 'aaaaaaaa'")
    assert named(ds) == {}
    ds.store.upsert("frames", frames)
    ds.store.upsert("detections", boxes)
    assert named(ds) == {face_of(0): "Nanoha"}
    assert ds.sql("SELECT tags[1] FROM frames WHERE ordinal = 0").fetchall() == [("red_hair",)]


def test_undo_goes_back_act_by_act_and_an_undo_can_be_undone(ds: Dataset) -> None:
    first = ds.label("character", "set", "Nanoha", [face_of(0)], who="kim")
    ds.label("character", "set", "Fate", [face_of(0), face_of(1)])
    ds.undo()
    assert named(ds) == {face_of(0): "Nanoha"}
    again = ds.undo()
    assert named(ds) == {}
    with pytest.raises(UsageError, match="nothing to undo"):
        ds.undo()
    with pytest.raises(UsageError, match="already been undone"):
        ds.undo(first.id)
    ds.undo(again.id)
    assert named(ds) == {face_of(0): "Nanoha"}
    asked = "SELECT act, who, what, n, counts FROM label_history ORDER BY said_at LIMIT 1"
    assert ds.sql(asked).fetchall() == [(first.id, "kim", "character Nanoha", 1, True)]
    assert ds.store.table("labels").count_rows() == 6


def test_an_act_may_be_named_by_the_end_of_its_id(ds: Dataset) -> None:
    act = ds.label("frame", "set", "drop", [frame_of(0)])
    ds.undo(act.id[-6:])
    assert ds.sql("SELECT count(*) FROM kept").fetchall() == [(4,)]
    with pytest.raises(UsageError, match='no change set "nonsense"'):
        ds.undo("nonsense")


def test_two_processes_that_label_at_once_lose_nothing(ds: Dataset) -> None:
    times = 5
    spawn = multiprocessing.get_context("spawn")
    running = [spawn.Process(target=say_often, args=(ds.uri, number, times)) for number in range(2)]
    for process in running:
        process.start()
    for process in running:
        process.join(300)
        assert process.exitcode == 0
    said = ds.store.table("labels").to_table().to_pylist()
    assert len(said) == 2 * 2 * times
    assert len({row["act"] for row in said}) == 2 * times
    by_act = sorted(said, key=lambda row: row["label_id"])
    assert [row["at"] for row in by_act] == sorted(row["at"] for row in said)
    assert ds.sql("SELECT count(*) FROM tags WHERE model = 'label'").fetchall() == [(2 * times + 1,)]


@pytest.fixture
def run(
    ds: Dataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Runner:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANIMEDS_DB", ds.uri)
    return Runner(capsys, monkeypatch)


def test_tags_are_added_and_removed_by_their_sign(run: Runner, ds: Dataset) -> None:
    done = run("label", "tag", "+red hair", "-smile", "-hat", "--where", "ordinal = 0", "--who", "kim")
    assert (done.code, done.out) == (0, "")
    assert "+red hair -smile -hat: 3 labels" in done.err
    assert "new tags, which no model knows: red_hair" in done.err
    assert ds.sql("SELECT tags FROM frames WHERE ordinal = 0").fetchall() == [(["red_hair", "1girl"],)]
    undone = run("label", "undo")
    assert "undone" in undone.err and "+red_hair" in undone.err
    assert ds.sql("SELECT tags FROM frames WHERE ordinal = 0").fetchall() == [(["1girl", "smile"],)]
    rows = run("label", "history", "--format", "tsv").out.splitlines()
    assert rows[0].split("\t")[:4] == ["act", "said_at", "who", "what"]
    assert len(rows) == 3


def test_tags_of_many_frames_are_edited_as_one_act(ds: Dataset) -> None:
    everyone = [frame_of(number) for number in range(4)]
    counts = ds.tag_counts(everyone).to_pylist()
    assert [(row["tag"], row["n_frames"]) for row in counts] == [("1girl", 2), ("smile", 2)]
    act = ds.edit_tags(everyone[:2], add=["red hair"], remove=["smile"], replace={"1girl": "2girls"})
    tags = "SELECT tags FROM frames ORDER BY ordinal"
    assert [set(row[0] or ()) for row in ds.sql(tags).fetchall()] == [
        {"2girls", "red_hair"},
        {"2girls", "red_hair"},
        set(),
        {"smile"},
    ]
    ds.undo(act.id)
    assert ds.edit_tags(None, replace={"smile": "grin"}).n == 4  # in every frame that has it
    assert [row[0] for row in ds.sql(tags).fetchall()][3] == ["grin"]
    with pytest.raises(UsageError, match="None of these frames has the tag hat"):
        ds.edit_tags(everyone, replace={"hat": "cap"})
    with pytest.raises(UsageError, match="cannot be added to the whole database"):
        ds.edit_tags(None, add=["hat"])
    for wrong in (
        {"add": ["a"], "remove": ["a"]},
        {"replace": {"a": "a"}},
        {"add": ["a"], "replace": {"a": "b"}},
        {},
    ):
        with pytest.raises(UsageError):
            ds.edit_tags(everyone, **wrong)


def test_a_tag_is_replaced_everywhere_or_in_chosen_frames(run: Runner, ds: Dataset) -> None:
    assert (
        "smile → big smile: 2 labels"
        in run("label", "replace", "smile", "big smile", "--frame", frame_of(3)).err
    )
    assert run("label", "replace", "1girl", "solo").code == 0
    tags = [row[0] for row in ds.sql("SELECT tags FROM frames ORDER BY ordinal").fetchall()]
    assert [set(some or ()) for some in tags] == [{"solo", "smile"}, {"solo"}, set(), {"big_smile"}]
    assert run("label", "replace", "hat", "cap").code != 0


def test_a_crop_drawn_by_hand_is_a_label(run: Runner, ds: Dataset) -> None:
    assert run("label", "crop", "0.1,0.2,0.6,0.9", "--face", face_of(2, 1)).code == 0
    ds.label("crop", "set", "0, 0, 0.5, 1", [frame_of(0)])
    assert ds.sql(
        "SELECT detection_id, value FROM labels WHERE field = 'crop' ORDER BY label_id"
    ).fetchall() == [
        (face_of(2, 1), "0.1,0.2,0.6,0.9"),
        (None, "0,0,0.5,1"),
    ]
    assert ds.sql("SELECT what FROM label_history LIMIT 1").fetchall() == [("crop drawn by hand",)]
    for wrong in ("0.1,0.2,0.6", "0.5,0,0.4,1", "0,0,1,1.5", "nan,0,1,1", "0,0,0.001,1"):
        with pytest.raises(UsageError):
            ds.label("crop", "set", wrong, [frame_of(0)])


def test_faces_are_named_by_id_and_by_question(run: Runner, ds: Dataset) -> None:
    assert run("label", "character", "Fate", "--face", f"{face_of(0)},{face_of(1)}").code == 0
    assert (
        run(
            "label", "appearance", "Hairdown", "--where", "character = 'Fate' AND face_id LIKE '%1000-f0'"
        ).code
        == 0
    )
    assert run("label", "drop", "--query", "SELECT frame_id FROM faces WHERE character IS NULL").code == 0
    assert run("characters", "rename", "Fate", "Fate Testarossa").code == 0
    assert ds.sql("SELECT character, appearance FROM characters ORDER BY face_id").fetchall() == [
        ("Fate Testarossa", None),
        ("Fate Testarossa", "Hairdown"),
    ]
    assert ds.sql("SELECT count(*) FROM kept").fetchall() == [(3,)]
    assert "labels: 5 in effect" in run("status", "--format", "table").out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["character", "x"], 2, "one of --face, --frame, --where, --query"),
        (["drop", "--frame", "a", "--where", "true"], 2, "one of --frame, --where, --query"),
        (["drop", "--where", "epsode = 1"], 1, 'column "epsode" not found'),
        (["drop", "--where", "false"], 2, "--where selects nothing"),
        (["tag", "+", "--where", "true"], 2, '"+" is a sign without a tag'),
        (["tag", "--smile", "--where", "true"], 2, "no option --smile"),
        (["keep", "--query", "episodes"], 1, "no column frame_id. Its columns are show"),
        (["character", "x", "--frame", frame_of(2)], 1, f"2 faces: {face_of(2)}, {face_of(2, 1)}"),
        (["undo"], 2, "nothing to undo"),
    ],
)
def test_a_command_that_cannot_be_says_why(run: Runner, words: list[str], code: int, message: str) -> None:
    done = run("label", *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_csv_says_many_things_as_one_act(run: Runner, ds: Dataset, tmp_path: Path) -> None:
    sheet = tmp_path / "faces.csv"
    sheet.write_text(
        f'face_id,frame_id,character,tags,frame,comment\n{face_of(0)},,Fate,"+hat, -smile",,hm\n'
        f",{frame_of(1)},Nanoha,,drop,\n{face_of(2)},,,,,left alone\n"
    )
    done = run("label", "csv", sheet)
    assert done.code == 0, done.err
    assert "faces.csv: 5 labels" in done.err
    assert named(ds) == {face_of(0): "Fate", face_of(1): "Nanoha"}
    assert ds.sql("SELECT tags FROM frames WHERE ordinal = 0").fetchall() == [(["hat", "1girl"],)]
    assert ds.sql("SELECT count(*) FROM kept").fetchall() == [(3,)]
    run("label", "undo")
    assert named(ds) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("character\nFate\n", ":1: there is no column frame_id or face_id. The columns are: character"),
        ("face_id,name\nx,Fate\n", ":1: there is no column with labels. The columns are: face_id, name"),
        (f"face_id,character\n{face_of(0)},Fate\n{face_of(0, 9)},x\n", ":3: There is no face or other box aaaaaaaa-"),
        (f"frame_id,character\n{frame_of(2)},Fate\n", f":2: Frame {frame_of(2)} has 2 faces"),
        (f"frame_id,frame\n{frame_of(2)},maybe\n", ':2: "maybe" is not possible for a frame'),
        (f"frame_id,tags\n{frame_of(2)},+\n", ':2: "+" is a sign without a tag'),
        ("face_id,character\n,Fate\n", ":2: character is Fate, but frame_id and face_id are empty"),
        (f"face_id,character\n{face_of(0)}\n", ":2: 1 cells, but the first line has 2"),
        (f"face_id,character\n{face_of(0)},\n", "contains no labels: every cell is empty"),
        ("", ":1: there is no column frame_id or face_id. The columns are: none"),
    ],
)  # fmt: skip
def test_a_bad_csv_is_told_by_its_line_and_nothing_is_written(
    run: Runner, ds: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(text)
    done = run("label", "csv", sheet)
    assert done.code == 2
    assert message in done.err
    assert ds.store.table("labels").count_rows() == 0

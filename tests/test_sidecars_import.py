"""Finished pictures with sidecars: what is said beside them counts in the views, beside what a tagger says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cli_run import Runner
from ingesting import WITHOUT_MODELS, a_store, everything
from PIL import Image

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.steps.labels.changes import Word, speak
from animeds_db.store import Store
from animeds_ingest.engines.local import ingest
from animeds_ingest.outcomes import Report
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover


def fan_art(folder: Path, sidecars: dict[str, str], pictures: tuple[str, ...] = ("a.png", "b.png")) -> Path:
    """Draw pictures with files beside them."""
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(pictures):
        Image.new("RGB", (32, 24), (40 * number, 90, 200)).save(folder / name)
    for name, text in sidecars.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def bring_in(store: Store, folder: Path, *, replace: bool = False) -> Report:
    specs = discover([folder], image_type="fanart")
    return ingest(store, specs, Sampling.parse("keyframes"), WITHOUT_MODELS, replace=replace)


def told(store: Store, sql: str) -> list[tuple[Any, ...]]:
    with Dataset(store) as dataset:
        return dataset.sql(sql).fetchall()


def add_faces(store: Store, n: int, first: int = 0) -> str:
    """Let a detector have found n faces side by side in the first frame, numbered from `first`; return its id."""
    frame: str = min(store.table("frames").to_table(columns=["frame_id"])["frame_id"].to_pylist())
    rows = [
        {
            "detection_id": schema.detection_id(frame, "face", first + place),
            "frame_id": frame,
            "source_id": frame.split("-")[0],
            "kind": "face",
            "left": 0.1 + 0.3 * place,
            "top": 0.1,
            "right": 0.3 + 0.3 * place,
            "bottom": 0.4,
            "score": 0.9,
            "model": "faces@1",
        }
        for place in range(n)
    ]
    store.upsert("detections", pa.Table.from_pylist(rows, store.schema("detections").schema))
    return frame


def test_tags_of_a_sidecar_are_in_frames_and_tags_with_their_categories(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = fan_art(
        tmp_path / "art", {"a.png.tags": "copyright: lyrical nanoha\nartist: x\ngeneral: 1girl, red hair"}
    )
    report = bring_in(store, folder)
    assert not report.failed
    assert told(store, "SELECT tag, category, score FROM tags ORDER BY tag") == [
        ("1girl", "general", 1),
        ("lyrical_nanoha", "copyright", 1),
        ("red_hair", "general", 1),
        ("x", "artist", 1),
    ]
    assert told(store, "SELECT member FROM frames WHERE has_tag(tag_ids, 'red_hair')") == [("a.png",)]
    assert told(store, "SELECT image_type FROM sources") == [("fanart",)]


def test_the_text_of_a_caption_is_kept_with_the_frame(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    bring_in(store, fan_art(tmp_path / "art", {"a.txt": "A girl with red hair.", "b.txt": "1girl, smile"}))
    assert told(store, "SELECT member, source_text, tags FROM frames ORDER BY member") == [
        ("a.png", "A girl with red hair.", None),
        ("b.png", "1girl, smile", ["1girl", "smile"]),
    ]


def test_a_character_is_that_of_the_only_face_and_else_a_tag(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = fan_art(tmp_path / "art", {"a.tags": "character: fate testarossa\ngeneral: smile"})
    bring_in(store, folder)
    assert told(store, "SELECT tag, category FROM tags ORDER BY tag") == [
        ("fate_testarossa", "character"),
        ("smile", "general"),
    ]
    frame = add_faces(store, 1)
    assert [o.state for o in bring_in(store, folder).outcomes] == ["skipped"]
    assert told(store, 'SELECT frame_id, character, "by" FROM characters') == [
        (frame, "fate testarossa", "label")
    ]
    assert told(store, "SELECT tag FROM tags") == [("smile",)]


def test_with_several_faces_a_character_stays_a_tag(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = fan_art(tmp_path / "art", {"a.tags": "character: fate"})
    bring_in(store, folder)
    add_faces(store, 2)
    bring_in(store, folder)
    assert told(store, "SELECT count(*) FROM characters") == [(0,)]
    assert told(store, "SELECT tag FROM tags") == [("fate",)]


def test_faces_that_metadata_names_are_found_by_their_boxes(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    names = '"characters": ["Fate", "Nanoha"], "facepos": [[0.42, 0.1, 0.6, 0.4], [0.1, 0.1, 0.3, 0.42]]'
    folder = fan_art(tmp_path / "art", {"a.json": "{" + names + "}"})
    bring_in(store, folder)
    frame = add_faces(store, 2, first=2)
    bring_in(store, folder)
    assert told(store, "SELECT face_id, character FROM characters ORDER BY face_id") == [
        (f"{frame}-f2", "Nanoha"),
        (f"{frame}-f3", "Fate"),
    ]
    assert told(store, "SELECT DISTINCT model FROM detections") == [("faces@1",)]


FACES = """{
    "characters": ["Fate", "unknown"],
    "facepos": [[0.4, 0.1, 0.6, 0.5], [0.1, 0.1, 0.3, 0.4], [0.9, 0.1, 0.2, 0.4]]
}"""
"""Two faces, and a box whose right edge is left of its left one."""


def test_without_a_detector_the_faces_of_metadata_become_faces(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = fan_art(tmp_path / "art", {"a.json": FACES.replace('"unknown"', '"unknown", "unknown"')})
    bring_in(store, folder)
    faces = told(store, 'SELECT character, "left", fh_ratio, model FROM faces ORDER BY "left"')
    assert faces == [
        (None, pytest.approx(0.1), pytest.approx(0.3), "sidecar"),
        ("Fate", pytest.approx(0.4), pytest.approx(0.4), "sidecar"),
    ]
    assert told(store, "SELECT n_faces, characters FROM frame_characters WHERE n_faces > 0") == [
        (2, ["Fate"])
    ]


def test_faces_of_metadata_follow_it_and_bringing_in_twice_changes_nothing(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = fan_art(tmp_path / "art", {"a.json": FACES})
    bring_in(store, folder)
    first = store.table("detections").to_table().to_pylist()
    bring_in(store, folder)
    assert store.table("detections").to_table().to_pylist() == first
    assert len(first) == 2
    (folder / "a.json").write_text('{"characters": [], "facepos": [[0.1, 0.1, 0.3, 0.4]]}')
    bring_in(store, folder)
    assert told(store, 'SELECT "left", character FROM faces') == [(pytest.approx(0.1), None)]
    (folder / "a.json").unlink()
    bring_in(store, folder)
    assert told(store, "SELECT count(*) FROM faces") == [(0,)]


def test_a_broken_sidecar_is_told_and_its_picture_is_there(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    report = bring_in(store, fan_art(tmp_path / "art", {"a.json": "{", "b.tags": "smile"}))
    assert any("a.json" in note for note in report.outcomes[0].notes)
    assert told(store, "SELECT count(*) FROM frames") == [(2,)]
    assert told(store, "SELECT tag FROM tags") == [("smile",)]
    assert "a.json" in told(store, "SELECT error FROM sources")[0][0]


def test_bringing_in_twice_changes_nothing(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = fan_art(tmp_path / "art", {"a.tags": "smile, 1girl", "b.txt": "1girl"})
    bring_in(store, folder)
    before = everything(store)
    bring_in(store, folder)
    assert everything(store) == before


def test_an_edited_sidecar_is_read_again(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = fan_art(tmp_path / "art", {"a.tags": "smile, 1girl"})
    bring_in(store, folder)
    (folder / "a.tags").write_text("1girl")
    bring_in(store, folder)
    assert told(store, "SELECT tag FROM tags") == [("1girl",)]
    (folder / "a.tags").unlink()
    bring_in(store, folder)
    assert told(store, "SELECT tag FROM tags") == []


@pytest.mark.parametrize("replace", [False, True])
def test_what_a_person_corrects_outranks_the_sidecar_whenever_it_is_read(
    tmp_path: Path, replace: bool
) -> None:
    store = a_store(tmp_path)
    folder = fan_art(tmp_path / "art", {"a.tags": "smile, 1girl"})
    bring_in(store, folder)
    frame, source = told(store, "SELECT frame_id, source_id FROM frames WHERE member = 'a.png'")[0]
    speak(store, [Word("tag", "remove", "smile", frame, source)])
    (folder / "a.tags").write_text("smile, 1girl, hat")
    bring_in(store, folder, replace=replace)
    assert told(store, "SELECT tag FROM tags ORDER BY tag") == [("1girl",), ("hat",)]


def test_the_words_of_a_source_can_be_taken_back(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    folder = fan_art(tmp_path / "art", {"a.tags": "smile"})
    bring_in(store, folder)
    (act,) = told(store, "SELECT act FROM label_history")[0]
    with Dataset(store) as dataset:
        dataset.undo(act)
    bring_in(store, folder)
    assert told(store, "SELECT tag FROM tags") == []


def test_the_command_says_what_was_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fan_art(tmp_path / "art", {"a.json": "[]", "b.txt": "smile"})
    run = Runner(capsys, monkeypatch)
    words = ("--image-type", "regularization", "--profile", "none", "--db", tmp_path / "x.animeds")
    done = run("ingest", folder, *words)
    assert done.code == 0, done.err
    assert "a.json cannot be read as a sidecar" in done.err
    shown = run(
        "sql",
        "SELECT tag, image_type FROM tags JOIN sources USING (source_id)",
        "--db",
        tmp_path / "x.animeds",
    )
    assert "smile\tregularization" in shown.out

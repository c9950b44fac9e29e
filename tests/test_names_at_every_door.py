"""Tags and names of characters with control characters, or without end, are refused wherever they come in."""

from __future__ import annotations

import json
from pathlib import Path

import lance
import pyarrow as pa
import pytest
from labelled import dataset, face_of, frame_of
from PIL import Image

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.errors import AnimedsError, ModelError, UsageError
from animeds_db.media import Pictures
from animeds_db.models.runners.tagger import read_labels
from animeds_db.steps.characters.folders import checked_name
from animeds_db.tagtext import MAX_NAME, parts
from animeds_ingest.sidecars.read import Sidecars

BAD = ("two\nlines", "a\ttab", "\x1b[31mred", "left\u202eright", "lone\ud800", "x" * (MAX_NAME + 1))


@pytest.fixture
def ds(tmp_path: Path) -> Dataset:
    return dataset(tmp_path)


@pytest.mark.parametrize("name", BAD)
def test_labels_refuse_them(ds: Dataset, name: str) -> None:
    ds.label("character", "set", "Fate", [face_of(0)])
    history = ds.history().fetchall()
    for field, target in (("tag", frame_of(0)), ("character", face_of(1)), ("appearance", face_of(1))):
        with pytest.raises(UsageError, match="control character|at most"):
            ds.label(field, "add" if field == "tag" else "set", name, [target])
    with pytest.raises(UsageError, match="control character|at most"):
        ds.rename_characters({"Fate": name})
    assert ds.history().fetchall() == history


@pytest.mark.parametrize("name", [name for name in BAD if name.split() == [name]])
def test_examples_refuse_them(name: str) -> None:
    with pytest.raises(UsageError, match="control character|at most"):
        checked_name(name)


@pytest.mark.parametrize("name", BAD[:3])
def test_a_models_list_of_tags_with_them_is_refused_by_its_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / "selected_tags.csv"
    path.write_text(f'tag_id,name,category,count\n0,1girl,0,1\n1,"{name}",0,1\n', encoding="utf-8")
    with pytest.raises(ModelError, match=r"selected_tags\.csv.*control character"):
        read_labels(path)


def test_sidecars_lose_only_such_names(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    names = ["1girl", "re\x1bd", "x" * (MAX_NAME + 1)]
    (tmp_path / ".a_meta.json").write_text(json.dumps({"tags": names, "artist": ["\x07"]}))
    sidecars = Sidecars(Pictures(tmp_path))
    assert sidecars.found["a.png"].labels == [("1girl", "general")]
    assert ".a_meta.json: 3 names with control characters" in sidecars.warnings[0]


def test_parts_of_a_caption_never_have_control_characters() -> None:
    assert parts("1girl, re\x07d \x1b[31mhair, blue\tsky") == ["1girl", "re d  [31mhair", "blue sky"]


def test_a_strangers_vocabulary_does_not_change_the_answers_about_other_tags(ds: Dataset) -> None:
    """The vocabulary is one text inside a session, with a line per tag."""
    path = Path(ds.uri) / "vocabulary.lance"
    rows = [{"tag_id": n, "tag": f"x{n}\nsmile\t00077", "category": "general"} for n in range(90, 120)]
    schema = lance.dataset(path).schema
    lance.write_dataset(pa.Table.from_pylist(rows, schema=schema), path, mode="append")
    ds.label("tag", "add", "smile", [frame_of(0)])
    with animeds_db.open(ds.uri) as again:
        assert again.sql("SELECT frame_id FROM frames WHERE has_tag(tags, 'smile')").fetchall() == [
            (frame_of(0),)
        ]


def test_the_vocabulary_itself_refuses_them(ds: Dataset) -> None:
    with pytest.raises(AnimedsError, match="control character"):
        ds.store.ensure_tags([("two\nlines", "general")])

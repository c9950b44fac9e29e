"""What the files beside a picture say, format by format, and what a broken one costs."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from animeds_db.media import Pictures
from animeds_db.tagtext import key, keyed, parts, reads_as_prose, tag_of
from animeds_ingest.sidecars.read import Sidecar, Sidecars

GRABBER = """character: takamachi nanoha, fate testarossa
copyright: mahou shoujo lyrical nanoha
artist: some one, anonymous
general: 2girls, red hair, :d, smile
rating: safe
score: 12
"""


def read(folder: Path, files: dict[str, str | bytes], picture: str = "a.png") -> tuple[Sidecar, list[str]]:
    """Return what is said of a picture with these files beside it, and the warnings."""
    Image.new("RGB", (8, 8), (200, 40, 40)).save(folder / picture)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with Pictures(folder) as pictures:
        sidecars = Sidecars(pictures)
    return sidecars.found.get(picture, Sidecar()), sidecars.warnings


@pytest.mark.parametrize("name", ["a.png.tags", "a.tags", "a.png.tag", "a.txt", "a.png.info"])
def test_a_file_of_imgbrd_grabber_gives_characters_copyright_artist_and_tags(
    tmp_path: Path, name: str
) -> None:
    sidecar, warnings = read(tmp_path, {name: GRABBER})
    assert sidecar.characters == ("takamachi nanoha", "fate testarossa")
    assert sidecar.copyright == ("mahou_shoujo_lyrical_nanoha",)
    assert sidecar.artist == ("some_one",)
    assert sidecar.tags == ("2girls", "red_hair", ":d", "smile")
    assert sidecar.rating == "general"
    assert sidecar.text is None
    assert warnings == []


def test_a_value_that_begins_like_its_field_keeps_its_letters(tmp_path: Path) -> None:
    sidecar, _ = read(tmp_path, {"a.tags": "character: chara, rachel\ngeneral: genera"})
    assert sidecar.characters == ("chara", "rachel")
    assert sidecar.tags == ("genera",)


def test_a_tag_with_a_colon_is_no_field(tmp_path: Path) -> None:
    sidecar, _ = read(tmp_path, {"a.tags": "re:zero, smile\nd: , :d"})
    assert sidecar.tags == ("re:zero", "smile", "d:", ":d")


def test_plain_tags_of_a_tagger_are_general_tags(tmp_path: Path) -> None:
    sidecar, _ = read(tmp_path, {"a.png.tags": "1girl, red_hair, nanoha_(series)\n"})
    assert sidecar.labels == [(t, "general") for t in ("1girl", "red_hair", "nanoha_(series)")]
    assert sidecar.formats == ("tags",)


def test_a_caption_of_tags_gives_tags_and_its_text(tmp_path: Path) -> None:
    sidecar, _ = read(tmp_path, {"a.txt": "waifu, red hair, nanoha \\(series\\)\n"})
    assert sidecar.text == "waifu, red hair, nanoha \\(series\\)"
    assert sidecar.tags == ("waifu", "red_hair", "nanoha_(series)")


@pytest.mark.parametrize(
    "text", ["A girl with red hair.", "She smiles, and the sun goes down.", "a photo of a woman"]
)
def test_a_caption_in_sentences_is_kept_as_text_only(tmp_path: Path, text: str) -> None:
    sidecar, _ = read(tmp_path, {"a.txt": text})
    assert (sidecar.text, sidecar.tags) == (text, ())


def test_a_long_name_of_a_show_does_not_make_a_caption_a_sentence() -> None:
    assert not reads_as_prose("1girl, red hair, kono subarashii sekai ni shukufuku wo!")
    assert not reads_as_prose("2girls, ore no imouto ga konna ni kawaii wake ga nai, smile")


def test_metadata_of_the_pipeline_names_its_faces(tmp_path: Path) -> None:
    content = {
        "n_faces": 2,
        "facepos": [[0.1, 0.2, 0.3, 0.4], [0.6, 0.2, 0.8, 0.5]],
        "characters": ["AobaKokona", "unknown"],
        "tags": ["2girls", "mountain"],
        "general": "aniscreen",
        "copyright": ["yama no susume"],
        "rating": "explicit",
    }
    sidecar, _ = read(tmp_path, {"a.json": json.dumps(content)})
    assert sidecar.faces == (("AobaKokona", (0.1, 0.2, 0.3, 0.4)),)
    assert sidecar.characters == ("AobaKokona",)
    assert ("yama_no_susume", "copyright") in sidecar.labels
    assert ("rating:explicit", "rating") in sidecar.labels


@pytest.mark.parametrize("tags", [["1girl", "red hair"], {"1girl": 0.99, "red hair": 0.8}])
def test_hidden_metadata_of_waifuc_is_read(tmp_path: Path, tags: object) -> None:
    content = {"tags": tags, "characters": ["fate"], "caption": "fate, 1girl", "rating": "s"}
    sidecar, _ = read(tmp_path, {".a_meta.json": json.dumps(content)})
    assert sidecar.tags == ("1girl", "red_hair")
    assert sidecar.characters == ("fate",)
    assert sidecar.text == "fate, 1girl"
    assert sidecar.rating == "sensitive"


def test_of_several_sidecars_the_richer_one_counts_and_the_caption_is_kept(tmp_path: Path) -> None:
    sidecar, _ = read(tmp_path, {"a.png.tags": GRABBER, "a.txt": "waifu, smile"})
    assert sidecar.tags == ("2girls", "red_hair", ":d", "smile")
    assert sidecar.text == "waifu, smile"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"tags": ["1girl"'),
        ("a.json", '["tags"]'),
        ("a.json", '{"tags": [1, 2]}'),
        (".a_meta.json", '{"tags": 5}'),
        ("a.json", '{"characters": ["x"], "facepos": [[0, 1]]}'),
        ("a.tags", b"\xff\xfe\x00"),
    ],
)
def test_a_broken_sidecar_is_named_and_the_others_count(
    tmp_path: Path, name: str, content: str | bytes
) -> None:
    sidecar, warnings = read(tmp_path, {name: content, "a.txt": "smile"})
    assert sidecar.tags == ("smile",)
    assert len(warnings) == 1
    assert name in warnings[0]


def test_files_that_belong_to_no_picture_or_to_other_tools_say_nothing(tmp_path: Path) -> None:
    sidecar, warnings = read(tmp_path, {"b.txt": "smile", "a.json": '{"width": 8}', "multiply.txt": "3"})
    assert (sidecar, warnings) == (Sidecar(formats=()), [])


def test_sidecars_in_a_zip_are_read(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "girls/a.png")
        archive.writestr("girls/a.txt", "red hair")
    with Pictures(tmp_path / "set.zip") as pictures:
        assert Sidecars(pictures).found["girls/a.png"].tags == ("red_hair",)


def test_a_picture_given_by_name_brings_its_sidecar(tmp_path: Path) -> None:
    read(tmp_path, {"a.txt": "red hair", "b.txt": "blue hair"})
    with Pictures(tmp_path / "a.png") as pictures:
        assert pictures.members == ["a.png"]
        assert Sidecars(pictures).found["a.png"].tags == ("red_hair",)


TAG = st.text("abcxyz0123456789_()'!?:<>^.-+|", min_size=1, max_size=12).filter(
    lambda tag: "|||" not in tag and tag.strip("_ ") and not tag.isspace()
)


@given(st.lists(TAG, max_size=8, unique_by=key), st.booleans(), st.booleans())
def test_tags_written_as_a_caption_are_read_back(tags: list[str], spaces: bool, escaped: bool) -> None:
    written = [tag.replace("_", " ") if spaces else tag for tag in tags]
    if escaped:
        written = [tag.replace("(", "\\(").replace(")", "\\)") for tag in written]
    assert list(keyed(", ".join(written))) == [key(tag) for tag in tags]


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert all(part and key(part) and tag_of(part) for part in parts(text))

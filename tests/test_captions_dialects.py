"""Captions of ten frames in every dialect, word for word, and what readers accept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sampleshow
from caption_readers import anima_variants, ideogram_faults, simpletuner_entities, studio_caption
from captioned import captions_of
from tenframes import SOURCE, ten_frames

import animeds_db
from animeds_db.captions import CaptionProfile, load_profile
from animeds_db.captions.profile import GROUPS
from animeds_db.errors import UsageError
from animeds_db.export import ExportOptions, rebuild
from animeds_db.schema import frame_id
from animeds_db.session import Session

GOLDEN = Path(__file__).with_name("data") / "dialects.json"
"""The captions of the ten frames, by profile. After a slash: its settings in another form."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    session = Session(ten_frames(tmp_path_factory.mktemp("db")))
    yield session
    session.close()


def captions(session: Session, profile: CaptionProfile, *numbers: int, **picture: Any) -> list[str]:
    pictures = [
        {"picture": n, "frame_id": frame_id(SOURCE, n * 1000), **picture} for n in numbers or range(10)
    ]
    found = captions_of(session, pictures, profile)
    return ["\n".join(found[row["picture"]]) for row in pictures]


def test_ten_frames_in_every_dialect(session: Session) -> None:
    for name, wanted in json.loads(GOLDEN.read_text("utf-8")).items():
        profile, _, form = name.partition("/")
        mine = replace(load_profile(profile), activation_tag="my_waifu")
        assert captions(session, replace(mine, form=form or mine.form)) == wanted, name


def test_the_readers_accept_the_json_captions() -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert [ideogram_faults(text) for text in golden["json"]] == [[]] * 10
    assert [len(simpletuner_entities(text)) for text in golden["json/bbox"]] == [1, 2, 3, 5, 0, 0, 1, 2, 1, 1]
    built = [studio_caption(text) for text in golden["anima/nl"]]
    assert built[0] == (
        "my waifu, masterpiece, 1girl, solo, Emi, My Show, long hair, red hair, blue eyes, school uniform, smile,"
        " upper body, outdoors, rooftop, sunset, cloud. Emi smiles on a rooftop, waving at somebody."
    )
    assert built[5] == "my waifu, My Show"
    assert ideogram_faults(
        '{"compositional_deconstruction":{"elements":[],"background":""}}'
    )  # in the wrong order


def test_an_export_writes_the_sidecars_of_the_dialects_and_builds_them_again(tmp_path: Path) -> None:
    profile = replace(
        load_profile("anima"),
        thresholds={"general": 0.5},
        sort="shuffle",
        variants=4,
        probability={"tags": 0.5},
    )
    sidecars = ("bbox", "nl", "variants")
    options = ExportOptions(profile=profile, layouts=("kohya",), sidecars=sidecars, bucket=512)
    with animeds_db.open(sampleshow.database()) as dataset:
        sql = "SELECT frame_id FROM persons GROUP BY frame_id HAVING count(*) > 1 ORDER BY 1 LIMIT 2"
        report = dataset.export(None, tmp_path / "out", sql=sql, options=options)
        query = f"SELECT frame_id, CASE row_number() OVER () WHEN 1 THEN 'prose' END AS caption_profile FROM ({sql})"
        two = dataset.captions(None, sql=query, profile=replace(profile, activation_tag="waifu", variants=1))
        texts = [row["caption"] for row in two]
        assert "waifu" in texts and sum("safe, " in text for text in texts) == 1
        wrong = f"SELECT frame_id, 'mine.toml' AS caption_profile FROM ({sql})"
        with pytest.raises(UsageError, match=r"no caption profile \"mine.toml\""):
            dataset.captions(None, sql=wrong)
    pictures = sorted((tmp_path / "out").rglob("*.png"))
    assert report.n_pictures == len(pictures) == 2
    for picture in pictures:
        caption = picture.with_suffix(".txt").read_text("utf-8")
        variants = anima_variants(picture.with_suffix(".variants.txt").read_text("utf-8"))
        assert variants["v0"] == caption and "\n" not in caption
        assert 1 < len(variants) <= 5 and len(set(variants.values())) == len(variants)
        assert list(variants) == [f"v{number}" for number in range(len(variants))]
        assert len(simpletuner_entities(picture.with_suffix(".bbox").read_text("utf-8"))) > 1
        said = studio_caption(picture.with_suffix(".json").read_text("utf-8"))
        assert set(said.split(", ")) == set(caption.removeprefix("safe, ").split(", "))
    again = rebuild(tmp_path / "out", tmp_path / "again")
    assert again.differing == ()
    with pytest.raises(UsageError, match="same file name"):
        ExportOptions(sidecars=("json", "nl"))
    with pytest.raises(UsageError, match="no-captions"):
        ExportOptions(sidecars=("bbox",), captions=False)


def test_a_sentence_stays_whole_while_tags_are_shuffled_and_dropped(session: Session) -> None:
    profile = replace(
        load_profile("mixed"),
        sort="shuffle",
        group_dropout={"background": 0.5},
        variants=9,
        activation_tag="x",
    )
    (text,) = captions(session, profile, 0)
    variants = text.split("\n")
    assert len(set(variants)) > 4
    assert all(one.endswith(". Emi smiles on a rooftop, waving at somebody.") for one in variants)
    assert 0 < sum(", rooftop" in one for one in variants) < 9
    assert all(
        (", rooftop" in one) == (", sunset" in one) for one in variants
    )  # a group is dropped as a whole


def test_sd_scripts_keep_what_is_before_the_first_separator_and_after_the_second(session: Session) -> None:
    kept = replace(load_profile("mixed"), keep_tokens_separator="|||", ratings=())
    assert captions(session, kept, 4)[0] == (
        "no humans, My Show ||| scenery, outdoors, rooftop, sunset, cloud ||| 屋上から見た夕焼け。"
    )
    assert captions(session, replace(kept, parts=("tags", "description")), 9)[0].startswith("||| 1girl, solo")
    assert captions(session, replace(kept, parts=("description", "tags")), 1)[0].startswith("Two girls talk")
    assert captions(session, replace(kept, parts=("description", "tags")), 5) == [""]


def test_groups_of_tags_are_dropped_and_can_be_extended(session: Session) -> None:
    plain = CaptionProfile(parts=("quality", "tags"), quality=load_profile("anima").quality)
    dropped = replace(plain, group_dropout={"quality": 1, "background": 1, "clothing": 1, "hair": 1})
    assert captions(session, dropped, 0, 6) == [
        "1girl, solo, blue eyes, smile, upper body",
        "1boy, solo, standing, moonlight",
    ]
    own = replace(
        plain, groups={"light": ("sunset",), "weapons": ("sw?rd", "sword")}, group_dropout={"weapons": 1}
    )
    assert "sword" not in captions(session, own, 8)[0]
    assert "sunset" not in captions(session, replace(own, group_dropout={"light": 1}), 0)[0]
    with pytest.raises(UsageError, match=r"group_dropout\.lihgt names no group") as caught:
        replace(plain, group_dropout={"lihgt": 1})
    assert "light" in str(caught.value)
    tags = "1girl smile hat red_eyes upper_body red_hair sunlight sky sitting navel masterpiece"
    rows = session.sql(
        "SELECT DISTINCT tag_group(t) FROM (SELECT unnest(split($tags, ' ')) AS t)", {"tags": tags}
    )
    assert {row[0] for row in rows.fetchall()} | {"artist"} == set(GROUPS)


def test_a_crop_has_the_description_of_its_box_and_the_boxes_inside(session: Session) -> None:
    crop = {"crop": [0.5, 0.0, 1.0, 1.0], "crop_kind": "person"}
    assert captions(session, load_profile("prose"), 1, **crop) == [""]
    described = session.sql(
        "WITH b AS (SELECT person_id AS picture, person_id AS face_id, frame_id, 'person' AS crop_kind FROM persons),"
        " mine AS (SELECT * REPLACE (['description'] AS parts) FROM default_style),"
        " more AS (FROM more_about('b', 'mine'))"
        " SELECT caption FROM captions_of('b', 'mine', more := 'more') WHERE caption <> '' ORDER BY picture"
    ).fetchall()
    assert described == [("Aoi reads a book.",), ("He looks away.",)]
    (text,) = captions(session, load_profile("json"), 1, **crop)
    (element,) = json.loads(text)["compositional_deconstruction"]["elements"]
    assert element["bbox"] == [100, 200, 1000, 1000]


def test_the_macro_caption_uses_the_tags_of_the_person_in_a_crop(session: Session) -> None:
    rows = session.sql(
        "WITH b AS (SELECT frame_id, person_id AS face_id, 'person' AS crop_kind FROM persons)"
        " SELECT caption FROM caption('b') WHERE ends_with(face_id, '1000-p1') OR ends_with(face_id, '8000-p0')"
        " ORDER BY face_id"
    ).fetchall()
    assert rows == [
        ("short hair, black hair, school uniform, glasses, closed mouth",),
        ("1girl, solo, very long hair, long hair, armor, sword",),
    ]

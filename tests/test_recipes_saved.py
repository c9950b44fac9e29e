"""An export is saved as a recipe, with everything that led to it; `make` of that file gives the same folder."""

from __future__ import annotations

import shutil
import time
import tomllib
from pathlib import Path

import pytest
import sampleshow
from webserving import client_of

import animeds_db
from animeds_db.captions import CaptionProfile, load_profile, profile_names
from animeds_db.errors import UsageError
from animeds_db.export import Arrangement, Balance, CropOptions, ExportOptions, MaskOptions
from animeds_db.export.manifest import MANIFEST_NAME, read_manifest
from animeds_db.recipes import Making, describe, parse, save
from animeds_db.recipes.building import export_of
from animeds_db.recipes.saving import captions_of, export_keys
from animeds_db.recipes.writing import recipe_text
from animeds_db.steps.dedup.find import DedupOptions
from animeds_db.web import Options
from animeds_db.web.options import Limits

SELECTION = "character=Emi&hide=none"
ASKED = {
    "selection": SELECTION,
    "layout": "kohya",
    "out": "emi",
    "options": {"activation_tag": 'emi "chan"', "threshold": 0.4, "max_size": 96, "captions": "booru"},
}
PATIENCE_S = 120


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of an export by path, without the manifest, which names table versions."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST_NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the show's episodes and a database in which the largest group of faces is Emi."""
    home = tmp_path_factory.mktemp("home")
    (home / "episodes").mkdir()
    for episode in sorted(sampleshow.episodes().glob("*.mkv")):
        shutil.copy2(episode, home / "episodes")
    shutil.copytree(sampleshow.database(), home / "show.animeds")
    with animeds_db.open(home / "show.animeds") as ds:
        ds.relocate(str(sampleshow.episodes()), home / "episodes")
        ds.dedup(DedupOptions())
        ds.clusters.find()
        ds.clusters.name(1, "Emi")
        ds.characters.classify()
    return home


def test_the_page_saves_its_export_and_make_of_the_file_gives_the_same_folder(home: Path) -> None:
    exports = home / "exports"
    options = Options(roots=(home / "episodes",), exports=exports, limits=Limits(workers=1))
    with client_of(home / "show.animeds", options) as client:

        def ended(job: str) -> dict[str, object]:
            until = time.monotonic() + PATIENCE_S
            while time.monotonic() < until:
                told: dict[str, object] = client.get(f"/api/jobs/{job}").json()
                if told["state"] not in ("waiting", "running"):
                    return told
                time.sleep(0.1)
            raise AssertionError("the job goes on")

        shown = client.post("/api/recipes", json=ASKED | {"dry_run": True}).json()
        assert "[characters.faces]" in shown["text"] and client.get("/api/recipes").json() == []
        assert ended(client.post("/api/exports", json=ASKED).json()["job"])["state"] == "done"
        first = content(exports / "emi")
        saved = client.post("/api/recipes", json=ASKED).json()
        assert saved["text"] == shown["text"] == (exports / "emi.toml").read_text("utf-8")
        assert read_manifest(exports / "emi").provenance.recipe == {
            "file": "../emi.toml"
        }  # it is the recipe's now
        other = client.post("/api/recipes", json=ASKED | {"layout": "plain"})
        assert other.status_code == 400 and "another recipe" in other.json()["error"]["message"]

        shutil.rmtree(exports / "emi")
        done = ended(client.post("/api/recipes/emi/make").json()["job"])
        assert done["state"] == "done", done
        assert len(first) > 2 and content(exports / "emi") == first
        with Making(exports / "emi.toml") as making:
            assert [planned.news for planned in making.plan()] == [None] * 4

        listed = {one["name"]: one for one in client.get("/api/recipes").json()}
        assert listed["emi"]["folders"] == ["emi"] and listed["emi"]["error"] is None
        for name, text in (
            ("reads", '[[sources]]\npaths = ["../secret"]\n[[export]]\nfolder = "x"\n'),
            ("writes", '[[export]]\nfolder = "../x"\n'),
        ):
            (exports / f"{name}.toml").write_text(text, "utf-8")
            refused = client.post(f"/api/recipes/{name}/make")
            assert refused.status_code == 403 and name in refused.json()["error"]["message"]
        assert client.post("/api/recipes/..%2Femi/make").status_code in (400, 404)

    shutil.rmtree(exports / "emi")
    fresh = animeds_db.make(exports / "emi.toml", db=str(home / "fresh.animeds"))
    assert fresh.steps[-1] == "emi" and content(exports / "emi") == first


def test_a_recipe_says_what_was_done_with_the_database(home: Path) -> None:
    with animeds_db.open(home / "show.animeds") as ds:
        params = {"characters": ["Emi"], "count": 3}
        said = tomllib.loads(
            describe(ds, home / "emi.toml", "character_set", home / "out" / "emi", params=params).recipe.text
        )
        assert said["database"] == "show.animeds" and said["sources"] == [
            {"paths": ["episodes"], "sample": "keyframes"}
        ]
        assert said["models"] == {"profile": "tiny"} and said["dedup"] == {"threshold": 0.98}
        faces = ds.sql("SELECT face_id FROM examples ORDER BY face_id").fetchall()
        assert said["characters"]["faces"] == {"Emi": [face for (face,) in faces]}
        assert said["select"] == {"query": "character_set", "params": {"characters": ["Emi"], "count": 3}}
        assert said["export"] == [{"folder": "out/emi", "layouts": ["plain"]}]

        extra = shutil.copy(next((home / "episodes").glob("*.mkv")), home / "episodes" / "new.mkv")
        said = tomllib.loads(
            describe(ds, home / "emi.toml", "character_set", home / "emi", params=params).recipe.text
        )
        assert len(said["sources"][0]["paths"]) == 2  # the folder has more than was ingested
        Path(extra).unlink()
        with pytest.raises(UsageError, match="either a named query or SQL"):
            save(ds, home / "emi.toml", None, home / "emi")


@pytest.mark.parametrize(
    "options",
    [
        ExportOptions(),
        ExportOptions(layouts=("kohya", "plain"), image_format="jpg", quality=80, bucket=512, upscale=True),
        ExportOptions(crops=CropOptions(("face", "frame"), 0.3, ("borders",), 1, 64, 0.4), short_edge=640),
        ExportOptions(masks=MaskOptions(("person", "Emi"), ("text", "logo"), "folder", "#00ff80")),
        ExportOptions(arrangement=Arrangement("character", 4, 2, 10, True), balance=Balance(None, 7, 2)),
        ExportOptions(
            captions=False, layouts=("kohya",), sidecars=("json",), profile=CaptionProfile(activation_tag="a")
        ),
        *[ExportOptions(profile=load_profile(name)) for name in profile_names() if name != "kohya"],
    ],
)
def test_every_option_of_an_export_has_its_key(options: ExportOptions, tmp_path: Path) -> None:
    keys = {"folder": "out"} | export_keys(options, tmp_path)
    text = recipe_text("", {"captions": captions_of(options.profile), "export": [keys]})
    back = export_of(parse(text, tmp_path / "recipe.toml"), 0).options
    assert back.recorded() == options.recorded() and back.balance == options.balance


def test_any_text_can_be_written_in_a_recipe() -> None:
    for text in ("a\nb", "a\n'''\nb", 'say "x" \\ \t', "\x7f\n\x01", "ends with '\n'", "é 見", ""):
        written = recipe_text("", {"select": {"sql": text, "params": {"a key": [1, 2.5, True, text] * 9}}})
        assert tomllib.loads(written)["select"] == {
            "sql": text,
            "params": {"a key": [1, 2.5, True, text] * 9},
        }

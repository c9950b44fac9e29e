"""A manifest or a request of a stranger costs neither much memory nor much time, and gives no raw error."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from export_material import Measured, picture_source, tables

from animeds_db.errors import ExportError
from animeds_db.export import ExportOptions, export, rebuild
from animeds_db.export.pictures.sizes import MAX_PIXELS, Resize
from animeds_db.export.pipeline import Room


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("limits")
    pictures: list[Measured] = [picture_source(folder / "caps")]
    export(*tables(pictures), folder / "out", options=ExportOptions(sidecars=("waifuc",)))
    return folder / "out"


def test_no_picture_is_enlarged_to_more_than_64_million_pixels(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="million pixels"):
        Resize(short_edge=16384, upscale=True).sizes(1920, 1080)
    assert Resize(max_size=8192, upscale=True).sizes(1920, 1080)[0] == (8192, 4608)
    large = (20_000, 20_000)
    assert Resize(max_size=16384).sizes(*large)[0] == (16384, 16384), (
        "a picture that is made smaller may be large"
    )
    recipe = _changed(exported, tmp_path, lambda told: told["options"].update(short_edge=16384, upscale=True))
    with pytest.raises(ExportError, match=f"{MAX_PIXELS >> 20} million pixels"):
        rebuild(recipe, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_threads_together_hold_no_more_than_the_room_and_a_giant_waits_until_it_is_alone() -> None:
    room, held, most = Room(10), [0], [0]
    lock = threading.Lock()

    def work(amount: int) -> None:
        with room.taken(amount):
            with lock:
                held[0] += amount
                most[0] = max(most[0], held[0])
                assert amount <= 10 or held[0] == amount
            time.sleep(0.01)
            with lock:
                held[0] -= amount

    threads = [threading.Thread(target=work, args=[amount]) for amount in (4, 4, 4, 25, 1, 9, 3, 3, 3) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most[0] == 25 and held[0] == 0


def _put(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(told: Any) -> None:
        for part in path[:-1]:
            told = told[part]
        told[path[-1]] = value

    return change


CRAFTED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "pictures that are a number": (_put("pictures", value=5), "pictures"),
    "a picture that is a word": (_put("pictures", 0, value="x"), "pictures"),
    "a path that is a number": (_put("pictures", 0, "path", value=7), "path"),
    "a position that is a word": (_put("pictures", 0, "pts", value="now"), "pts"),
    "a position beyond 64 bits": (_put("pictures", 0, "pts", value=10**30), "pts"),
    "a position that is true": (_put("pictures", 0, "pts", value=True), "pts"),
    "repeats below one": (_put("pictures", 0, "repeats", value=-3), "repeats"),
    "a crop of words": (_put("pictures", 0, "crop", value=["a", 0, 1, 1]), "crop"),
    "a crop of three": (_put("pictures", 0, "crop", value=[0, 0, 1]), "crop"),
    "a crop outside": (_put("pictures", 0, "crop", value=[5, 5, 9, 9]), "crop"),
    "a caption that is a list": (_put("pictures", 0, "caption", value=["a"]), "caption"),
    "a caption of half a character": (_put("pictures", 0, "caption", value="\ud800"), "caption"),
    "links that are a word": (_put("pictures", 0, "links", value="abc"), "links"),
    "a link too many": (_put("pictures", 0, "links", value=["x/y.png"]), "2 paths in 1 layouts"),
    "an unknown field": (_put("pictures", 0, "nope", value=1), "nope"),
    "facts that are a list": (_put("pictures", 0, "about", value=[1]), "about"),
    "tags that are numbers": (_put("pictures", 0, "about", "tags", value=[1, 2]), "tags"),
    "a hash that is a number": (_put("pictures", 0, "xxh3", value=1), "xxh3"),
    "a source that is not listed": (_put("pictures", 0, "source_id", value="zzzzzzzz"), "not listed"),
    "a source that is a word": (_put("sources", 0, value="x"), "sources"),
    "an address that is null": (_put("sources", 0, "uri", value=None), "uri"),
    "no sources": (lambda told: told.pop("sources"), "sources"),
    "no position": (lambda told: told["pictures"][0].pop("pts"), "pts"),
    "no size": (lambda told: told["pictures"][0].pop("n_bytes"), "n_bytes"),
    "layouts that are a number": (_put("options", "layouts", value=3), "layouts"),
    "layouts in lists": (_put("options", "layouts", value=[["plain"]]), "layouts"),
    "a size that is a word": (_put("options", "max_size", value="large"), "max_size"),
    "a size without end": (_put("options", "max_size", value=10**30), "max_size"),
    "a quality that is a list": (_put("options", "quality", value=[1]), "quality"),
    "crops that are a word": (_put("options", "crops", value="face"), "CropOptions"),
    "an unknown option": (_put("options", "nope", value=1), "nope"),
    "files that are a list": (_put("files", value=[]), "files"),
    "versions that are a word": (_put("versions", value="x"), "versions"),
    "a selection that is null": (_put("selection", value=None), "selection"),
}


@pytest.mark.parametrize(("change", "named"), CRAFTED.values(), ids=CRAFTED.keys())
def test_a_manifest_with_values_of_wrong_types_says_which(
    exported: Path, tmp_path: Path, change: Callable[[Any], Any], named: str
) -> None:
    recipe = _changed(exported, tmp_path, change)
    with pytest.raises(ExportError) as caught:
        rebuild(recipe, tmp_path / "again")
    assert "damaged" in str(caught.value) and named in str(caught.value)
    assert str(recipe) in str(caught.value)
    assert not (tmp_path / "again").exists()


def test_a_manifest_of_nested_lists_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"animeds_export": 1, "pictures": ' + "[" * 100_000, "utf-8")
    with pytest.raises(ExportError, match="cannot be read"):
        rebuild(recipe, tmp_path / "again")


def _changed(exported: Path, folder: Path, change: Callable[[Any], Any]) -> Path:
    """Return a copy of a manifest with a change."""
    told = json.loads((exported / "animeds-export.json").read_text("utf-8"))
    change(told)
    recipe = folder / "recipe.json"
    recipe.write_text(json.dumps(told), "utf-8")
    return recipe

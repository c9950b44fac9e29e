"""Draws the pictures at the top of the README, in docs/pictures, from the drawn show: `make pictures`."""

from __future__ import annotations

import base64
import html
import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from animeds_db.captions import load_profile
from animeds_db.contact_sheet import Sheet, drawn
from animeds_db.dataset import Dataset
from animeds_db.export import ExportOptions
from animeds_db.export.columns.crops import CropOptions
from animeds_db.steps.clusters.sheet import cluster_sheet

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT / "ingest"))

import browsing  # noqa: E402
import drawntruth  # noqa: E402
from webserving import serving  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OUT = ROOT / "docs" / "pictures"
MAX_BYTES = 150_000
"""Size of one picture. The README has three, and people open it on telephones."""
HERO = "Emi"
"""The character of the README's command; this show has one of that name."""
PAGE = (1280, 760)
"""Size of the browser window in pixels: four rows of the grid."""
STYLE = """<!doctype html><meta charset="utf-8"><style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 20px 24px; color: #222; background: #fff }
h1 { font: 600 18px ui-monospace, monospace; margin: 0 0 14px }
main { display: grid; grid-template-columns: repeat(4, 1fr); gap: 18px }
figure { margin: 0 } img { height: 158px; display: block; border-radius: 4px }
b { display: block; margin: 6px 0 2px; font: 600 12px ui-monospace, monospace } p { margin: 0; color: #555 }
</style>"""


def main() -> None:
    """Write the three pictures."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with drawntruth.copy_of_show(folder) as dataset:
            dataset.dedup()
            dataset.clusters.find()
            name_clusters(dataset)
            write("sheet", drawn(sheet(dataset)))
            dataset.characters.classify()
            files = exported(dataset, HERO, folder / "out")
        with browsing.browser() as browser:
            write("folder", rendered(files, browser))
            write("page", served(folder / "show.animeds", browser))


def name_clusters(dataset: Dataset) -> None:
    """Name each cluster after the character drawn on most of its faces."""
    rows = dataset.sql(
        "SELECT cluster, face_id FROM clusters WHERE cluster IS NOT NULL ORDER BY ALL"
    ).fetchall()
    people = {face.face_id: face.name for face in drawntruth.drawn_faces(dataset)}
    cast = {character.name for character in drawntruth.truth().characters}
    names: dict[int, list[str]] = {}
    for cluster, face in rows:
        names.setdefault(cluster, []).append(people[face])
    named = {number: max(set(who), key=who.count) for number, who in sorted(names.items())}
    for number, name in named.items():
        if name in cast:
            dataset.clusters.name(number, name, count=8)


def sheet(dataset: Dataset) -> Sheet:
    """Return the sheet of clusters, with a row of faces for each of the first three."""
    return cluster_sheet(dataset.store, dataset.session, dataset.images, count=8, only=[1, 2, 3])


def exported(dataset: Dataset, character: str, out: Path) -> str:
    """Export pictures of a character for kohya, and return a page that shows the files in that folder."""
    profile = load_profile("kohya").with_flags(activation_tag=character.lower())
    chosen = dataset.character_set(character, count=4, per="shot", text="none", has=["solo"])
    dataset.export(
        chosen,
        out,
        options=ExportOptions(
            profile=profile, layouts=("kohya",), crops=CropOptions(kinds=("frame", "head"))
        ),
    )
    sections = [
        f"<h1>{folder.relative_to(out.parent)}/</h1><main>{''.join(map(file_card, files))}</main>"
        for folder in sorted(out.rglob("*"))
        if (files := sorted(folder.glob("*.png")))
    ]
    return STYLE + "".join(sections)


def file_card(path: Path) -> str:
    """Return a picture, the name of its file, and the caption beside it as HTML."""
    data = base64.b64encode(path.read_bytes()).decode()
    caption = html.escape(path.with_suffix(".txt").read_text("utf-8"))
    picture = f'<img src="data:image/png;base64,{data}">'
    return f"<figure>{picture}<b>{html.escape(path.name)}</b><p>{caption}</p></figure>"


def rendered(page: str, browser: Browser) -> Image.Image:
    """Return the whole of an HTML page as a picture."""
    tab = browser.new_page(viewport={"width": PAGE[0], "height": 100})
    tab.set_content(page)
    return Image.open(io.BytesIO(tab.screenshot(full_page=True)))


def served(database: Path, browser: Browser) -> Image.Image:
    """Return a screenshot of the page that `animeds serve` opens, with boxes and names."""
    with serving(database) as address:
        visitor = browsing.Visitor(browser, address, PAGE)
        opened = visitor.open("/?boxes=1")
        opened.wait_for_selector("svg.boxes .name", state="attached")
        picture = Image.open(io.BytesIO(opened.screenshot()))
        visitor.close()
    return picture


def write(name: str, picture: Image.Image) -> None:
    """Write docs/pictures/NAME.webp, at the best quality that stays below MAX_BYTES."""
    for quality in (90, 80, 70, 60, 50):
        buffer = io.BytesIO()
        settings: dict[str, Any] = {"quality": quality, "method": 6}
        picture.convert("RGB").save(buffer, "WEBP", **settings)
        if buffer.tell() <= MAX_BYTES:
            break
    else:
        raise SystemExit(f"{name}.webp is larger than {MAX_BYTES} bytes: show less of it")
    (OUT / f"{name}.webp").write_bytes(buffer.getvalue())
    sys.stdout.write(
        f"docs/pictures/{name}.webp: {picture.width} × {picture.height}, {buffer.tell() // 1000} kB\n"
    )


if __name__ == "__main__":
    main()

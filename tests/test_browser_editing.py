"""Editing in a real browser, by mouse and by keyboard: tags of many frames, views, crops, masks, captions, uploads."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import Visitor, browser, chromium, named_show
from PIL import Image

import animeds_db

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DROP = """async ([selector, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'dropped.png', {type: 'image/png'}));
    const there = document.querySelector(selector);
    for (const kind of ['dragenter', 'dragover', 'drop'])
        there.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as started:
        yield started


def said(page: Page, words: str) -> None:
    page.locator(".toast", has_text=words).last.wait_for()


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def middle(page: Page, selector: str, number: int = 0) -> tuple[float, float]:
    box = page.locator(selector).nth(number).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_person_edits_by_mouse_and_by_keyboard(chrome: Browser, tmp_path: Path) -> None:
    chromium()
    from webserving import serving

    from animeds_db.web.options import Limits, Options

    database = named_show(tmp_path)
    (tmp_path / "home").mkdir()
    options = Options(
        roots=(tmp_path / "home",), exports=tmp_path / "out", who="Mika", limits=Limits(workers=2)
    )
    with serving(database, options) as address, animeds_db.open(database) as dataset:

        def becomes(sql: str, rows: list[tuple[object, ...]]) -> None:
            until = time.monotonic() + 40
            while (found := dataset.sql(sql).fetchall()) != rows:
                assert time.monotonic() < until, found
                time.sleep(0.1)

        visitor = Visitor(chrome, address)
        page = visitor.open("/")
        page.locator(".tile img.there").first.wait_for()

        # a box drawn with the mouse selects what it touches, and no frame opens; Shift-click and Esc
        drag(page, middle(page, ".tile"), middle(page, ".tile", 2))
        page.get_by_text("3 selected").wait_for()
        assert page.url == f"{address}/"
        page.locator(".tile a").nth(4).click(modifiers=["Shift"])
        page.get_by_text("5 selected").wait_for()
        visitor.press("Escape")
        page.locator(".acts").wait_for(state="hidden")

        # tags of all results: counted, replaced, undone
        visitor.press("a", "t")
        page.get_by_role("button", name="Replace 1girl", exact=True).press("Enter")
        page.keyboard.type("my girl")
        visitor.press("Enter")
        page.locator(".chips .piece", has_text="1girl → my girl").wait_for()
        visitor.shoot_both("editing-1-tags")
        page.keyboard.type("extra")
        visitor.press("Enter")
        said(page, "+extra 1girl → my girl")
        [(n,)] = dataset.sql("SELECT count(*) FROM tags WHERE tag = 'my_girl'").fetchall()
        assert n > 3
        page.locator(".facet .values", has_text="extra").wait_for()
        visitor.press("u")
        said(page, "Undone")
        becomes("SELECT count(*) FROM tags WHERE tag IN ('my_girl', 'extra')", [(0,)])

        # a view is kept, opened again, and deleted
        visitor.press("Escape")
        page.locator(".facet", has_text="Character").locator("a", has_text="Emi").click()
        page.wait_for_url("**character=Emi*")
        visitor.press("w")
        page.keyboard.type("Emi alone")
        visitor.press("Enter")
        page.locator(".view.current", has_text="Emi alone").wait_for()
        visitor.shoot_both("editing-2-view")
        page.get_by_role("button", name="Remove character Emi").press("Enter")
        page.wait_for_url(lambda url: "Emi" not in url)
        page.locator(".view a").press("Enter")
        page.wait_for_url("**character=Emi*")
        assert len(dataset.selection("Emi alone").fetchall()) > 0
        page.get_by_role("button", name="Delete the view Emi alone").press("Enter")
        page.locator(".view").wait_for(state="detached")

        # zoom, and a crop drawn by hand: by keyboard, then by mouse
        page.locator(".tile img.there").first.wait_for()
        page.locator(".tile a").first.press("Enter")
        page.locator(".face-row").first.wait_for()
        visitor.press("+", "+", "Shift+ArrowRight")
        assert page.locator(".zoom output").inner_text() == "225 %"
        visitor.rest()
        visitor.shoot_both("editing-3-zoom")
        visitor.press("z", "e", "ArrowRight", "Shift+ArrowDown")
        visitor.shoot_both("editing-4-crop")
        visitor.press("Enter")
        said(page, "Crop of face 1")
        becomes("SELECT count(*) FROM labels WHERE field = 'crop' AND detection_id IS NOT NULL", [(1,)])
        visitor.press("e")
        page.get_by_label("Crop of").select_option(label="the whole picture")
        area = page.locator(".crop-layer").bounding_box()
        assert area is not None
        x, y, wide, tall = area["x"], area["y"], area["width"], area["height"]
        drag(page, (x + 2, y + 2), (x + wide / 2, y + tall / 2))
        page.locator("#apply-crop").click()
        said(page, "Crop of the whole picture")
        frame = page.url.rpartition("/")[2].partition("?")[0]
        becomes(f"SELECT count(*) FROM labels WHERE field = 'crop' AND frame_id = '{frame}'", [(2,)])
        page.locator(".said", has_text="crop drawn by hand").wait_for()

        # a mask drawn by hand: a box, a stroke and a flood that are taken back; it is shown, and undone
        visitor.press("d")
        page.locator(".mask-layer").wait_for()
        visitor.rest()  # the mask that counts now is there
        area = page.locator(".mask-layer").bounding_box()
        assert area is not None
        x, y, wide, tall = area["x"], area["y"], area["width"], area["height"]
        page.get_by_role("button", name="Clear").click()
        page.locator("#mask-tool").select_option("box")
        drag(page, (x + 1, y + 1), (x + wide / 2, y + tall / 2))
        page.locator("#mask-tool").select_option("brush")
        drag(page, (x + 20, y + tall - 20), (x + wide - 20, y + tall - 20))
        visitor.shoot_both("editing-5-mask", ".crop-bar")
        page.get_by_role("button", name="Undo stroke").click()
        page.locator("#mask-tool").select_option("flood")
        page.mouse.click(x + wide - 8, y + tall - 8)
        page.get_by_role("button", name="Undo stroke").press("u")
        page.locator("#apply-mask").click()
        said(page, "Mask of the whole picture")
        drawn = f"FROM masks WHERE frame_id = '{frame}' AND part = 'character' AND \"by\" = 'person'"
        becomes(f"SELECT count(*) {drawn} AND coverage BETWEEN 0.23 AND 0.27", [(1,)])
        page.locator(".mask-shown").wait_for()
        visitor.rest()
        visitor.shoot_both("editing-6-masks-shown")
        visitor.press("u")
        becomes(f"SELECT count(*) {drawn}", [(0,)])
        page.locator(".mask-shown").wait_for(state="detached")

        # captions beside those of the last export, and the crop in its pictures
        page = visitor.open(f"/export?where=frame_id+%3D+'{frame}'&hide=none&out=one")
        page.locator(".preview li").first.wait_for()
        page.locator("#export").press("Enter")
        page.locator("#export-done").wait_for()
        [picture] = (tmp_path / "out" / "one").rglob("*.png")
        with Image.open(picture) as image:
            assert image.width < 400  # half of 640, and not the whole frame
        dataset.edit_tags([frame], add=["new_word"], who="Mika")
        page.locator("#dry-run").press("Enter")
        page.locator(".preview ins", has_text="new word").wait_for()
        assert "1 of these 1 caption change" in page.locator("#differences").inner_text()
        visitor.shoot_both("editing-7-captions", ".preview li")

        # pictures are uploaded: dropped, and chosen
        page = visitor.open("/ingest")
        page.locator("#new-folder").press("Enter")
        page.keyboard.type("fan art")
        visitor.press("Enter")
        page.wait_for_function("() => document.querySelector('#folder').value.endsWith('fan art')")
        red = io.BytesIO()
        Image.new("RGB", (64, 48), "red").save(red, "PNG")
        page.evaluate(DROP, [".drop-zone", base64.b64encode(red.getvalue()).decode()])
        page.get_by_text("1 picture uploaded").wait_for()
        with page.expect_file_chooser() as waiting:
            page.locator("#upload").press("Enter")
        from playwright.sync_api import FilePayload

        waiting.value.set_files(
            [
                FilePayload(name="good.png", mimeType="image/png", buffer=red.getvalue()),
                FilePayload(name="bad.png", mimeType="image/png", buffer=b"<html>"),
            ]
        )
        page.get_by_text("bad.png: not a picture").wait_for()
        page.get_by_text("2 pictures in this folder").wait_for()
        visitor.shoot_both("editing-8-upload")
        assert sorted(p.name for p in (tmp_path / "home" / "fan art").iterdir()) == [
            "dropped.png",
            "good.png",
        ]
        visitor.complaints = [words for words in visitor.complaints if "400" not in words]
        visitor.close()

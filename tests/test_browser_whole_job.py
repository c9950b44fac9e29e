"""From an empty folder to a downloaded ZIP in a real browser, by mouse and by keyboard alone."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sampleshow
from browsing import Visitor, browser, chromium

from animeds_db.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURES = 40
"""Enough for a group of five faces of one person."""
DONE_MS = 60_000


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with some pictures of the drawn show, as a person who took screencaps has them."""
    chromium()
    import animeds_db

    home = tmp_path_factory.mktemp("home")
    folder = home / "screencaps"
    folder.mkdir()
    with animeds_db.open(sampleshow.database()) as dataset:
        rows = dataset.sql(f"SELECT frame_id FROM frames ORDER BY frame_id LIMIT {PICTURES}").fetchall()
        ids = [row[0] for row in rows]
        for number, (_, image) in enumerate(dataset.images(ids)):
            image.save(folder / f"{number:03}.png")
    return home


@contextmanager
def visiting(chrome: Browser, home: Path, work: Path) -> Iterator[Visitor]:
    from webserving import serving

    from animeds_db.web.options import Limits, Options

    options = Options(roots=(home,), exports=work / "exports", limits=Limits(workers=1))
    with serving(work / "anime.animeds", options) as address:
        visitor = Visitor(chrome, address)
        visitor.context.set_default_timeout(DONE_MS)
        yield visitor
        visitor.close()


def unpacked(page: Page, place: Path) -> list[str]:
    """Return the names in the ZIP that the page downloads."""
    with page.expect_download() as waiting:
        page.locator("#download").press("Enter")
    waiting.value.save_as(place)
    with zipfile.ZipFile(place) as archive:
        assert archive.testzip() is None
        return archive.namelist()


@pytest.mark.long  # by keyboard it is the same job
def test_by_mouse(chrome: Browser, home: Path, tmp_path: Path) -> None:
    with visiting(chrome, home, tmp_path) as visitor:
        page = visitor.open("/")
        assert page.url.endswith("/ingest")
        page.get_by_role("button", name="screencaps").click()
        page.get_by_text(f"{PICTURES} pictures in this folder").wait_for()
        page.get_by_label("Models").select_option("tiny")
        visitor.shoot_both("whole-1-add")
        page.get_by_role("button", name="Ingest").click()
        page.locator("#ingest-done").wait_for()
        assert f"{PICTURES} frames" in page.locator("#ingest-done").inner_text()
        visitor.shoot_both("whole-2-added", "#ingest-done")
        page.get_by_role("link", name="Find near-duplicates").click()
        page.locator("#dedup-preview").click()
        page.locator("#threshold").wait_for()
        page.locator("#threshold").press("End")
        page.get_by_text("At 0.999").wait_for()
        visitor.shoot_both("whole-3-thresholds")
        page.locator("#dedup").click()
        page.locator("#dedup-done").wait_for()
        page.get_by_role("link", name="Faces", exact=True).click()
        page.locator("#cluster").click()
        page.locator("#cluster-done").wait_for()
        first = page.locator(".cluster").first
        first.get_by_role("combobox").fill("Emi")
        first.get_by_role("button", name="Name").click()
        page.locator(".toast", has_text="is Emi").wait_for()
        page.locator("#classify").click()
        page.locator("#classify-done").wait_for()
        visitor.rest()
        visitor.shoot_both("whole-4-faces")
        page.get_by_role("link", name="See the characters").click()
        page.get_by_role("link", name="Emi").click()
        page.get_by_role("link", name="Export…").click()
        page.locator(".preview li").first.wait_for()
        page.get_by_label("Activation tag").fill("emichan")
        page.locator(".preview .caption", has_text="emichan").first.wait_for()
        visitor.rest()
        visitor.shoot_both("whole-5-preview", ".preview li")
        n = int(page.locator("[aria-label=Preview] h2").inner_text().split()[2])
        page.locator("#export").click()
        page.locator("#export-done").wait_for()
        names = unpacked(page, tmp_path / "emi.zip")
        assert sum(name.endswith(".png") for name in names) == n > 0
        visitor.shoot_both("whole-6-exported", "#download")


def test_by_keyboard_alone(chrome: Browser, home: Path, tmp_path: Path) -> None:
    with visiting(chrome, home, tmp_path) as visitor:
        page = visitor.open("/")

        def tab_to(selector: str) -> None:
            """Press Tab until this element has the focus."""
            for _ in range(200):
                if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                    return
                page.keyboard.press("Tab")
            raise AssertionError(f"Tab does not reach {selector}")

        tab_to("#folder")
        page.keyboard.press("Control+A")
        page.keyboard.type(str(home / "screencaps"))
        page.keyboard.press("Enter")
        page.get_by_text(f"{PICTURES} pictures in this folder").wait_for()
        tab_to("select[name=profile]")
        page.keyboard.type("tiny")
        tab_to("#ingest")
        page.keyboard.press("Enter")
        page.locator("#ingest-done").wait_for()
        tab_to("#content a[href='/']")
        page.keyboard.press("Enter")
        page.locator(".tile img.there").first.wait_for()
        counted = page.locator(
            ".toolbar .number", has_text=re.compile(r"^\d")
        ).first  # it was "more than …" before
        before = int(counted.inner_text().split()[0])
        visitor.press("j", "x")
        page.locator(".toast", has_text="dropped").wait_for()
        tab_to(".lasting a")
        page.keyboard.press("Enter")
        page.locator(".preview li").first.wait_for()
        tab_to("#export")
        page.keyboard.press("Enter")
        page.locator("#export-done").wait_for()
        tab_to("#download")
        names = unpacked(page, tmp_path / "all.zip")
        assert sum(name.endswith(".png") for name in names) == before - 1  # x means dropped


def test_a_page_that_is_closed_in_the_middle_finds_its_job_again(
    chrome: Browser, home: Path, tmp_path: Path
) -> None:
    with visiting(chrome, home, tmp_path) as visitor:
        page = visitor.open("/ingest")
        page.locator("#folder").fill(str(home / "screencaps"))
        page.get_by_label("Models").select_option("none")
        page.get_by_role("button", name="Ingest").click()
        page.locator(".job").wait_for()
        page.goto("about:blank")
        page = visitor.open("/jobs")
        page.locator(".job-list .badge.good").wait_for()
        page.get_by_role("button", name="Log of Ingest screencaps").click()
        page.get_by_role("heading", name="Done: Ingest screencaps").wait_for()
        assert Store.exists(str(tmp_path / "anime.animeds"))

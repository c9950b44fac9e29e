"""Small things that people met: lost digits, misleading words, buttons out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browsing import NARROW, WIDE, Visitor, browser, chromium, named_show
from webserving import serving

import animeds_db
from animeds_db.web.options import Limits, Options

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Route

FEW = Limits(workers=2)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chromium()
    return named_show(tmp_path_factory.mktemp("details"))


@pytest.fixture(scope="module")
def address(database: Path) -> Iterator[str]:
    with serving(database, Options(limits=FEW)) as there:
        yield there


def test_a_perceptual_hash_is_shown_with_all_its_digits(
    chrome: Browser, address: str, database: Path
) -> None:
    with animeds_db.open(database) as dataset:
        sql = "SELECT frame_id, phash FROM frames ORDER BY abs(phash) DESC LIMIT 1"
        frame, phash = dataset.sql(sql).fetchall()[0]
    assert abs(phash) > 2**53
    visitor = Visitor(chrome, address)
    page = visitor.open(f"/sql?q={quote(f'{sql} -- of the whole show')}")
    page.wait_for_selector(".result-table td")
    assert str(phash) in page.locator(".result-table").inner_text()
    page = visitor.open(f"/frames/{frame}")
    assert str(phash) in page.locator(".side").inner_text()
    visitor.close()


def test_a_filter_without_characters_does_not_say_that_nobody_has_a_name(
    chrome: Browser, address: str
) -> None:
    visitor = Visitor(chrome, address)
    page = visitor.open("/?tag=1girl&tag=-1girl")
    page.wait_for_selector(".facet .values .hint")
    assert page.locator(".facet", has_text="Character").first.locator(".hint").inner_text() == (
        "No named characters in these frames."
    )
    visitor.close()


def test_a_key_pressed_before_the_frames_are_counted_acts_on_all_of_them(
    chrome: Browser, address: str, database: Path
) -> None:
    with animeds_db.open(database) as dataset:
        [(n,)] = dataset.sql("SELECT count(*) FROM kept WHERE NOT is_blank").fetchall()
    visitor = Visitor(chrome, address)
    counts: list[Route] = []
    visitor.page.route("**/api/count?*", lambda route: counts.append(route))
    page = visitor.page
    page.goto("/?hide=copies,blank")
    page.locator(".tile img.there").first.wait_for()
    visitor.press("a", "t")
    assert not page.locator("dialog[open]").is_visible()
    for route in counts:
        route.continue_()
    page.get_by_role("heading", name=f"Tags of {n} frames").wait_for()
    visitor.press("Escape", "Escape")
    visitor.close()


def test_nothing_is_dropped_when_the_frames_to_select_cannot_be_counted(
    chrome: Browser, address: str
) -> None:
    visitor = Visitor(chrome, address)
    page = visitor.page
    page.route(
        "**/api/count?*",
        lambda route: route.fulfill(status=500, json={"error": {"message": "The disk is gone."}}),
    )
    page.goto("/?hide=copies,blank")
    page.locator(".tile img.there").first.wait_for()
    visitor.press("a", "x")
    page.locator(".toast", has_text="The disk is gone.").wait_for()
    page.wait_for_load_state("networkidle")
    assert page.locator(".tile.dropped").count() == 0
    visitor.press("j", "x")
    page.locator(".tile.dropped").wait_for()
    visitor.press("u")
    page.locator(".tile.dropped").wait_for(state="detached")
    visitor.complaints = [words for words in visitor.complaints if "/api/count" not in words]
    visitor.close()


def test_an_act_can_be_undone_on_a_telephone(chrome: Browser, tmp_path: Path) -> None:
    own = named_show(tmp_path)
    with animeds_db.open(own) as dataset:
        frame = dataset.sql("SELECT min(frame_id) FROM frames").fetchall()[0][0]
        dataset.label_all(
            [("tag", "add", "a_tag_with_a_rather_long_name_for_a_telephone", frame)], who="somebody else"
        )
    with serving(own, Options(limits=FEW)) as there:
        visitor = Visitor(chrome, there, NARROW)
        page = visitor.open("/labels")
        undo = page.get_by_role("button", name="Undo").first
        assert _is_inside(undo, NARROW[0])
        assert visitor.shoot_here("history-details") == []
        undo.click()
        page.wait_for_selector(".badge.plain")
        visitor.close()


def test_the_buttons_of_the_export_form_cover_nothing(chrome: Browser, tmp_path: Path) -> None:
    with serving(named_show(tmp_path), Options(exports=tmp_path / "out", limits=FEW)) as there:
        visitor = Visitor(chrome, there, (1280, 500))
        page = visitor.open("/export")
        page.locator("input[name=activation_tag]").scroll_into_view_if_needed()
        assert _is_on_top(page.locator("input[name=activation_tag]"))
        page.click("#dry-run")
        page.wait_for_selector("[aria-label='Preview'] table")
        assert _is_on_top(page.locator("[aria-label='Preview'] h2"))
        page.click("#export")
        page.wait_for_selector("#export-done")
        page.locator("#export-done").scroll_into_view_if_needed()
        assert _is_on_top(page.locator("#export-done"))
        assert visitor.shoot_here("export-done") == []
        visitor.close()


def test_a_service_that_writes_no_exports_says_so_before_the_form_is_filled_in(
    chrome: Browser, address: str
) -> None:
    for size in (WIDE, NARROW):
        visitor = Visitor(chrome, address, size)
        page = visitor.open("/export")
        assert "--exports FOLDER" in page.locator(".notice[role=status]").inner_text()
        assert _is_on_top(page.locator(".notice[role=status]"))
        assert page.locator("#export").is_disabled() and page.locator("#dry-run").is_enabled()
        assert visitor.shoot_here("export-refused") == []
        visitor.close()


def _is_inside(element: Locator, width: int) -> bool:
    box = element.bounding_box()
    return box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width


def _is_on_top(element: Locator) -> bool:
    """True when the middle of an element is in view and nothing covers it."""
    return bool(
        element.evaluate(
            """(element) => {
                const box = element.getBoundingClientRect();
                const found = document.elementFromPoint(box.x + Math.min(20, box.width / 2), box.y + box.height / 2);
                return Boolean(found) && (element.contains(found) || found.contains(element));
            }"""
        )
    )

"""A person at work, with the keyboard alone: look, ask, correct, take back, keep the question, export."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsing import Visitor, browser, chromium, named_show

import animeds_db
from animeds_db.dataset import Dataset

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WRITING = "() => document.activeElement.matches('input, textarea, select')"


@dataclass
class Place:
    """A service over a database of its own, and the folders beside it."""

    address: str
    database: Path
    folder: Path
    dataset: Dataset

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database itself, not the service."""
        return self.dataset.sql(sql).fetchall()

    def becomes(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Wait until the database says so: a page shows at once what is then written."""
        patience = time.monotonic() + 40
        while (found := self.rows(sql)) != rows:
            assert time.monotonic() < patience, found
            time.sleep(0.2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    chromium()
    from webserving import serving

    from animeds_db.web.options import Limits, Options

    folder = tmp_path_factory.mktemp("work")
    database = named_show(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with (
            serving(
                database, Options(exports=folder / "out", who="Mika", limits=Limits(workers=2))
            ) as address,
            animeds_db.open(database) as dataset,
        ):
            yield Place(address, database, folder, dataset)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture
def visitor(chrome: Browser, place: Place) -> Iterator[Visitor]:
    came = Visitor(chrome, place.address)
    yield came
    came.close()


def frames_shown(visitor: Visitor) -> int:
    """Wait until the number of frames is known, and return it."""
    number = visitor.page.locator(".toolbar .number").first
    visitor.page.wait_for_function(
        "() => /^\\d+ frames?$/.test(document.querySelector('.toolbar .number').textContent)"
    )
    return int(re.sub(r"\D", "", number.inner_text()))


def said(visitor: Visitor, words: str) -> None:
    """Wait for a word at the edge of the page, and send it away."""
    visitor.page.locator(".toast", has_text=words).last.wait_for()


def test_search_filter_and_open_a_frame_and_every_state_is_an_address(visitor: Visitor, place: Place) -> None:
    page = visitor.open("/")
    unhidden = frames_shown(visitor)
    page.locator("#hide-copies").uncheck()
    page.wait_for_url("**hide=dropped*")
    page.goto("/?hide=none")
    everything = frames_shown(visitor)
    assert everything == place.rows("SELECT count(*) FROM frames")[0][0] > unhidden
    visitor.press("/")
    assert page.evaluate(WRITING)
    visitor.press("Shift+Tab", "ArrowDown", "ArrowDown", "Tab")
    page.keyboard.type("episode = 1 AND NOT is_blank")
    page.keyboard.press("Enter")
    page.wait_for_url("**where=episode*")
    page.wait_for_function(
        f"() => !document.querySelector('.toolbar .number').textContent.startsWith('{everything} ')"
    )
    found = frames_shown(visitor)
    assert 0 < found < everything
    page.locator(".facet", has_text="Character").locator("a").first.press("Enter")
    page.wait_for_url("**character=*")
    page.wait_for_function(
        f"() => !document.querySelector('.toolbar .number').textContent.startsWith('{found} ')"
    )
    named = frames_shown(visitor)
    assert 0 < named < found
    state = page.url
    page.locator(".tile a").first.focus()
    visitor.press("j", "Enter")
    page.wait_for_url("**/frames/*")
    page.locator(".face-row").first.wait_for()
    page.locator(".shot-strip, .picture img").first.wait_for()
    visitor.press("Escape")
    page.wait_for_url("**/?*at=1*")
    page.goto(state)
    assert frames_shown(visitor) == named


def test_three_faces_are_corrected_by_keyboard_and_taken_back(visitor: Visitor, place: Place) -> None:
    page = visitor.open("/review?k=12")
    page.locator(".palette .chip").first.wait_for()
    first = page.locator(".palette .chip").first.inner_text().split(maxsplit=1)[1]
    for _ in range(3):
        visitor.press("1")
    page.locator(".queued .done").nth(2).wait_for()
    said(visitor, f"This is {first}")
    count = "SELECT count(*), max(who) FROM labels WHERE field = 'character'"
    place.becomes(count, [(3, "Mika")])
    visitor.press("u")
    said(visitor, "Undone")
    place.becomes(count, [(2, "Mika")])
    visitor.press("u")
    page.wait_for_function("() => document.querySelectorAll('.queued .done').length === 1")
    place.becomes(count, [(1, "Mika")])


def test_frames_are_chosen_dropped_and_tagged_by_keyboard(visitor: Visitor, place: Place) -> None:
    page = visitor.open("/")
    frames_shown(visitor)
    page.locator(".tile a").first.focus()
    visitor.press("j", "Shift+ArrowRight", "Shift+ArrowRight")
    page.get_by_text("3 selected").wait_for()
    visitor.press("x")
    page.locator(".tile.dropped").nth(2).wait_for()
    said(visitor, "3 frames: dropped")
    place.becomes("SELECT count(*) FROM frame_labels WHERE value = 'drop'", [(3,)])
    visitor.press("t")
    page.keyboard.type("my tag")
    page.keyboard.press("Enter")
    said(visitor, "+my tag")
    place.becomes("SELECT count(*) FROM tags WHERE tag = 'my_tag'", [(3,)])
    visitor.press("u", "u")
    page.wait_for_function("() => document.querySelectorAll('.tile.dropped').length === 0")
    place.becomes("SELECT count(*) FROM frame_labels", [(0,)])


def test_what_the_service_refuses_is_taken_back_on_the_page(visitor: Visitor, place: Place) -> None:
    """Somebody else has labelled the same frame since the page was loaded."""
    page = visitor.open("/")
    frames_shown(visitor)
    page.wait_for_load_state("networkidle")  # until the page knows who has spoken before
    page.locator(".tile a").nth(5).focus()
    frame = page.locator(".tile").nth(5).get_attribute("data-frame")
    with animeds_db.open(place.database) as dataset:
        dataset.label("frame", "set", "keep", [str(frame)], who="Rin")
    visitor.press("x")
    said(visitor, "Rin")
    assert page.locator(".tile.dropped").count() == 0
    page.get_by_role("button", name="Use mine").click()
    page.locator(".tile.dropped").wait_for()
    said(visitor, "1 frame: dropped")
    now = f"SELECT who, value FROM labels WHERE field = 'frame' AND frame_id = '{frame}'"
    assert place.rows(now) == [("Mika", "drop")]
    visitor.complaints = [words for words in visitor.complaints if "409" not in words]


def test_a_question_is_written_marked_where_it_is_wrong_and_kept(visitor: Visitor, place: Place) -> None:
    page = visitor.open("/sql")
    page.get_by_label("SQL: one SELECT").fill("SELECT frame_id,\n  shrpness FROM frames")
    page.keyboard.press("Control+Enter")
    page.locator(".sql-wrong", has_text="line 2").wait_for()
    assert page.locator("mark").inner_text() == "shrpness"
    page.get_by_label("SQL: one SELECT").fill(
        "SELECT frame_id, sharpness FROM frames WHERE NOT is_blank LIMIT 5"
    )
    page.keyboard.press("Control+Enter")
    page.get_by_text(re.compile("^5 rows in")).wait_for()
    page.get_by_role("button", name="Grid").press("Enter")
    page.locator(".result .tile img.there").first.wait_for()
    assert "view=grid" in page.url
    page.get_by_role("button", name="Save as query…").press("Enter")
    page.keyboard.type("sharp_five")
    page.keyboard.press("Enter")
    said(visitor, "Saved as sharp_five")
    assert "SELECT frame_id, sharpness" in (place.folder / "queries" / "sharp_five.sql").read_text()
    visitor.open("/queries/sharp_five")
    page.get_by_text(re.compile("^5 rows in")).wait_for()
    visitor.complaints = [words for words in visitor.complaints if "400" not in words]


def test_an_export_is_tried_dry_and_followed_to_its_end(visitor: Visitor, place: Place) -> None:
    page = visitor.open("/export?query=best_frames&p.limit=4")
    page.get_by_label("Name of the folder").fill("first")
    page.get_by_label("Format").select_option("webp")
    page.locator("#dry-run").press("Enter")
    page.get_by_text(re.compile(r"Would write \d picture")).wait_for()
    assert not (place.folder / "out" / "first").exists()
    page.locator("#export").press("Enter")
    page.locator("#export-done").wait_for()
    assert "job=" in page.url
    written = list((place.folder / "out" / "first").rglob("*.webp"))
    assert f"{len(written)} picture" in page.locator("#export-done").inner_text()
    page.reload()
    page.locator("#export-done").wait_for()


def test_the_grid_keeps_only_what_is_in_view(visitor: Visitor, place: Place) -> None:
    page = visitor.open("/?size=420")
    everything = frames_shown(visitor)
    page.set_viewport_size({"width": 1000, "height": 500})
    page.wait_for_function(f"() => document.querySelectorAll('.tile').length < {everything}")
    visitor.press("End")
    page.wait_for_function(f"() => document.activeElement.closest('.tile')?.dataset.i === '{everything - 1}'")
    page.locator(f".tile[data-i='{everything - 1}'] img.there").wait_for()
    assert page.locator(".tile").count() < everything
    visitor.press("Home")
    page.wait_for_function("() => document.activeElement.closest('.tile')?.dataset.i === '0'")


def test_help_lists_the_keys_and_gives_the_focus_back(visitor: Visitor) -> None:
    page = visitor.open("/labels")
    visitor.press("?")
    page.get_by_role("dialog", name="Keys").get_by_text("undo the latest change").wait_for()
    visitor.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_states_without_anything_say_what_to_do(visitor: Visitor) -> None:
    page = visitor.open("/?where=time_s+<+0")
    page.get_by_text("No frames match").wait_for()
    page.get_by_role("link", name="Show all frames").press("Enter")
    page.locator(".tile img.there").first.wait_for()
    assert frames_shown(visitor) > 0
    visitor.open("/frames/nothing-000000000")
    page.get_by_role("alert").wait_for()
    visitor.complaints = [words for words in visitor.complaints if "404" not in words]


def test_a_description_is_written_and_removed_on_the_page_of_a_frame(visitor: Visitor, place: Place) -> None:
    [(frame,)] = place.rows("SELECT max(frame_id) FROM frames")
    for text in ("Emi waves.\nIt rains. <b>", ""):
        page = visitor.open(f"/frames/{frame}")
        page.get_by_role("button", name=re.compile("a description|the description")).first.click()
        page.get_by_label("Description", exact=True).last.fill(text)
        page.get_by_role("button", name="Apply").click()
        written = [(" ".join(text.split()), "label")] if text else []
        place.becomes(f"SELECT text, model FROM descriptions WHERE frame_id = '{frame}'", written)
        page.get_by_text("written by a person" if text else "This frame has no description.").wait_for()

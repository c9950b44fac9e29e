"""What the pages say when a video is gone, when nothing may be written, and when a token is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sampleshow
from browsing import Visitor, browser, chromium, named_show

from animeds_db.steps.relocate import relocate
from animeds_db.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

POSTED = """async () => {
    const word = {field: 'frame', op: 'set', value: 'drop', ids: [document.querySelector('.tile').dataset.frame]};
    const headers = {'content-type': 'application/json'};
    const answer = await fetch('/api/labels', {method: 'POST', headers, body: JSON.stringify(word)});
    return [answer.status, (await answer.json()).error.message];
}"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chromium()
    return named_show(tmp_path_factory.mktemp("states"))


def unexpected(visitor: Visitor, status: int) -> list[str]:
    """What the console said, without the answers that the test provokes."""
    return [words for words in visitor.complaints if str(status) not in words]


def test_a_frame_whose_video_is_gone_says_how_to_have_it_again(
    chrome: Browser, show: Path, tmp_path: Path
) -> None:
    from webserving import serving

    from animeds_db.web.options import Limits, Options

    database = shutil.copytree(show, tmp_path / "own.animeds")
    store = Store.open(str(database))
    old, new = tmp_path / "disk", tmp_path / "other disk"
    shutil.copytree(sampleshow.episodes(), old)
    relocate(store, str(sampleshow.episodes()), old)
    old.rename(new)
    with serving(database, Options(limits=Limits(workers=2))) as address:
        visitor = Visitor(chrome, address)
        page = visitor.open("/")
        page.locator(".tile img.there").first.wait_for()  # thumbnails are in the database
        page.locator(".tile a").first.press("Enter")
        notice = page.locator(".notice", has_text="does not exist")
        notice.wait_for()
        assert "animeds sources relocate" in notice.inner_text() and str(old) in notice.inner_text()
        assert "does not exist" in str(page.locator(".picture img").get_attribute("alt"))
        visitor.shoot("video-gone")
        relocate(store, str(old), new)
        page.reload()
        page.wait_for_function("() => document.querySelector('.picture img')?.naturalWidth === 640")
        visitor.rest()
        assert page.locator(".notice").count() == 0
        visitor.close()


def test_a_service_that_only_reads_offers_no_corrections_and_refuses_them(
    chrome: Browser, show: Path, tmp_path: Path
) -> None:
    from webserving import serving

    from animeds_db.web.options import Limits, Options

    options = Options(read_only=True, exports=tmp_path, limits=Limits(workers=2))
    with serving(show, options) as address:
        visitor = Visitor(chrome, address)
        page = visitor.open("/")
        page.locator("#database .badge", has_text="read-only").wait_for()
        page.locator(".tile a").first.focus()
        visitor.press("v", "x")
        page.locator(".toast", has_text="read-only").wait_for()
        assert page.locator(".tile.dropped").count() == 0
        assert page.get_by_role("button", name="Drop").count() == 0
        visitor.shoot("read-only-frames")
        assert page.evaluate(POSTED) == [403, "This service is read-only."]
        visitor.press("?")
        keys = page.get_by_role("dialog", name="Keys")
        keys.get_by_text("next").first.wait_for()
        assert keys.get_by_text("drop").count() == 0
        visitor.press("Escape")
        visitor.open("/review?k=4")
        assert page.locator(".palette button").count() == 0
        visitor.shoot("read-only-review")
        visitor.open("/export")
        assert page.locator("#export").is_disabled() and page.locator("#dry-run").is_disabled()
        assert "read-only" in page.locator("main").inner_text()
        visitor.shoot("read-only-export")
        visitor.complaints = unexpected(visitor, 403)
        visitor.close()


def test_bound_elsewhere_the_page_asks_for_its_token_and_takes_it_out_of_the_address(
    chrome: Browser, show: Path
) -> None:
    from webserving import serving

    from animeds_db.web import secured
    from animeds_db.web.options import Limits, Options

    options = secured(Options(limits=Limits(workers=2)), "0.0.0.0")
    with serving(show, options, host="0.0.0.0") as address:
        visitor = Visitor(chrome, address)
        page = visitor.open("/")
        page.get_by_role("heading", name="This service requires a token").wait_for()
        assert "animeds serve" in page.locator("main").inner_text()
        assert page.locator(".tile").count() == 0
        visitor.shoot("token")
        page.get_by_label("Token").fill("not this one")
        page.get_by_label("Token").press("Enter")
        page.wait_for_url("**/?token=*")
        page.get_by_label("Token").wait_for()
        visitor.complaints = unexpected(visitor, 401)
        page.goto(f"/?token={options.token}&tag=1girl")
        page.locator(".tile img.there").first.wait_for()
        assert page.url == f"{address}/?tag=1girl"
        assert str(options.token) not in page.content()
        page.locator(".tile a").first.press("Enter")  # the cookie is enough for what follows
        page.locator(".picture img").wait_for()
        visitor.rest()
        assert "token" not in page.url
        visitor.close()

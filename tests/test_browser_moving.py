"""Moving pictures in a real browser: tiles and frames play, and clips are trimmed, dropped and exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import httpx2
import movingshow
from browsing import Visitor, browser, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

PLAYS = "() => { const video = document.querySelector('video'); return video && video.currentTime > 0.2; }"


def test_a_person_plays_frames_and_trims_drops_and_exports_clips(tmp_path: Path) -> None:
    chromium()
    from webserving import ONE, serving

    from animeds_db.web.options import Options

    show = movingshow.copied(tmp_path)
    options = Options(who="Mika", limits=ONE, exports=tmp_path / "out")
    with serving(show, options) as address, browser() as chrome:
        visitor = Visitor(chrome, address)
        _play_a_tile(visitor)
        _play_a_frame_and_follow_the_timeline(visitor)
        with httpx2.Client(base_url=address, timeout=60) as client:
            _correct_clips(visitor, client)
            _export_clips(visitor, client, tmp_path / "out" / "emi")
        visitor.close()
        calm = Visitor(chrome, address)
        calm.page.emulate_media(reduced_motion="reduce")
        page = calm.open("/")
        page.locator(".tile a").first.hover()
        page.wait_for_timeout(600)
        assert page.locator("video").count() == 0
        calm.press("p")
        page.wait_for_function(PLAYS)
        calm.close()


def _play_a_tile(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.locator(".tile a").nth(1).hover()
    page.wait_for_function(PLAYS)
    assert page.evaluate("document.querySelector('video').muted")
    page.mouse.move(2, 2)
    page.locator("video").wait_for(state="detached")
    visitor.press("p")
    page.wait_for_function(PLAYS)
    visitor.press("p")
    assert page.locator("video").count() == 0


def _play_a_frame_and_follow_the_timeline(visitor: Visitor) -> None:
    page = visitor.page
    page.locator(".tile a").nth(1).click()
    page.locator(".source-timeline svg").first.wait_for()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(PLAYS)
    sound = page.evaluate(
        "() => { const v = document.querySelector('video'); return [v.muted, v.controls]; }"
    )
    assert sound == [False, True]
    page.evaluate("document.querySelector('video').pause()")  # playing costs more than the rest of the test
    visitor.shoot_both("frame-plays", ".picture")
    visitor.press("Escape")
    page.locator("video").wait_for(state="detached")
    before = page.url
    page.get_by_role("link", name="00:20 Emi: The bus did not come.").click(force=True)
    page.wait_for_url(lambda url: url != before)
    page.get_by_role("heading", name="00:2").or_(page.get_by_role("heading", name="00:1")).first.wait_for()


def _correct_clips(visitor: Visitor, client: httpx2.Client) -> None:
    page = visitor.open("/clips?said=late")
    page.get_by_text("1 clip,").wait_for()
    page = visitor.open("/clips")
    page.locator(".tile img.there").first.wait_for()
    (n_clips,) = _rows(client, "SELECT count(*) FROM clips")[0]
    page.get_by_text(f"{n_clips} clips,").wait_for()
    visitor.shoot("clips")
    page.locator(".tile a").nth(1).click()
    page.wait_for_function(PLAYS)
    _move_the_handles(page)
    visitor.shoot_both("trim", ".trimmer")
    page.get_by_role("button", name="Trim", exact=False).last.click()
    page.get_by_text("Trimmed to").wait_for()
    page.locator(".trimmer").wait_for(state="detached")
    ((first, frames),) = _rows(client, "SELECT first_s, source_frames FROM clips WHERE is_kept")
    page.locator(".tile", has_text="kept").wait_for()
    visitor.press("x")
    page.get_by_text("1 clip: dropped").wait_for()
    assert _rows(client, "SELECT count(*) FROM clips WHERE is_kept") == [[0]]
    visitor.press("u")
    page.get_by_text("Undone: 1 clip: dropped").wait_for()
    assert _rows(client, "SELECT first_s, source_frames FROM clips WHERE is_kept") == [[first, frames]]
    page.get_by_text(f"{n_clips} clips,").wait_for()
    visitor.press("a", "x")
    page.get_by_text(f"{n_clips} clips: dropped").wait_for()
    assert _rows(client, "SELECT count(*) FROM clips") == [[0]]
    visitor.press("u")
    page.get_by_text(f"Undone: {n_clips} clips: dropped").wait_for()
    assert _rows(client, "SELECT count(*) FROM clips") == [[n_clips]]
    page.goto("/labels")
    page.get_by_text("Mika").first.wait_for()
    visitor.rest()


def _export_clips(visitor: Visitor, client: httpx2.Client, folder: Path) -> None:
    ((n, n_frames),) = _rows(
        client, "SELECT count(*), sum(n_frames)::INT FROM clips WHERE list_contains(characters, 'Emi')"
    )
    page = visitor.open("/clips")
    page.get_by_label("Character", exact=True).select_option("Emi")
    page.get_by_text(f"{n} clips,").wait_for()
    page.get_by_role("button", name="Export clips…").click()
    page.get_by_text(f"Would write {n} clips").wait_for()
    page.get_by_label("Name of the folder").fill("emi")
    page.get_by_label("Sound").select_option("default")
    visitor.shoot_both("clips-export", ".clip-export")
    page.get_by_role("button", name="Export clips", exact=True).click()
    page.get_by_role("heading", name=f"Done: {n} clips").wait_for()
    visitor.rest()
    frames = 0
    for path in folder.glob("*.mp4"):
        with av.open(str(path)) as file:
            assert [stream.type for stream in file.streams] == ["video", "audio"]
            frames += sum(1 for _ in file.decode(video=0))
    assert frames == n_frames


def _move_the_handles(page: Page) -> None:
    told = page.locator(".trimmer output")
    before = told.inner_text()
    page.get_by_role("slider", name="First frame").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    after = told.inner_text()
    assert after != before
    box: Any = page.get_by_role("slider", name="Last frame").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=3)
    page.mouse.up()
    assert told.inner_text() != after


def _rows(client: httpx2.Client, sql: str) -> list[list[Any]]:
    rows: list[list[Any]] = client.post("/api/sql", json={"q": sql}).json()["rows"]
    return rows

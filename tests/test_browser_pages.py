"""Every page in a real browser, wide and narrow, dark and light: readable, silent, nothing sticking out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browsing import NARROW, SCHEMES, WIDE, Visitor, browser, chromium, named_show, shots

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = """SELECT '<img src=x onerror=alert(1)>' AS "<b>tag</b>" """
SQL = "SELECT frame_id, tag, score FROM tags ORDER BY score DESC LIMIT 30"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    chromium()
    from webserving import serving

    from animeds_db.web.options import Limits, Options

    folder = tmp_path_factory.mktemp("pages")
    with serving(named_show(folder), Options(exports=folder, limits=Limits(workers=2))) as there:
        yield there


@pytest.fixture(scope="module")
def places(address: str) -> dict[str, str]:
    """The address of each page, by the name of its screenshot."""
    import httpx2

    with httpx2.Client(base_url=address, timeout=60) as client:
        name = client.get("/api/characters").json()[0]["name"]
        frame = client.get("/api/frames", params={"character": name, "count": 1}).json()["frames"][0]
    return {
        "frames": "/?boxes=1",
        "frame": f"/frames/{frame['frame_id']}",
        "sql": f"/sql?q={quote(SQL)}",
        "queries": "/queries",
        "query": "/queries/best_frames",
        "characters": "/characters",
        "character": f"/characters/{quote(name)}",
        "duplicates": "/duplicates",
        "review": "/review?k=12",
        "export": "/export",
        "labels": "/labels",
    }


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.mark.parametrize("width", [WIDE, NARROW], ids=["1280", "390"])
def test_every_page_is_readable_in_both_schemes(
    chrome: Browser, address: str, places: dict[str, str], width: tuple[int, int]
) -> None:
    """The pages are loaded once per width, and change their scheme in place."""
    visitor = Visitor(chrome, address, width)
    wrong = {}
    for name, place in places.items():
        page = visitor.open(place)
        if name == "frames":
            page.wait_for_selector("svg.boxes .name", state="attached")
        wrong[name] = visitor.shoot_here(name)
    visitor.close()
    assert {name: words for name, words in wrong.items() if words} == {}
    assert {f"{name}-{width[0]}-{scheme}.png" for name in places for scheme in SCHEMES} <= {
        path.name for path in shots().iterdir()
    }


def test_words_of_strangers_are_text(chrome: Browser, address: str) -> None:
    visitor = Visitor(chrome, address)
    page = visitor.open(f"/sql?q={quote(HOSTILE)}")
    page.wait_for_selector(".result-table td")
    assert page.locator(".result-table img, .result-table b").count() == 0
    assert "<img src=x" in page.locator(".result-table td").inner_text()
    visitor.close()

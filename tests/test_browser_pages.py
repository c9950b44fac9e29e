"""Every page in a real browser, wide and narrow, dark and light: readable, silent, nothing sticking out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from browsing import CONTRAST, NARROW, WIDE, Visitor, browser, chromium, named_show

WIDTHS = {"1280": WIDE, "390": NARROW}
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
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go, for people to look at."""
    folder = Path(os.environ.get("ANIMEDS_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_every_page_is_readable_in_both_schemes_and_widths(
    address: str, places: dict[str, str], shots: Path
) -> None:
    """One browser for all: the pages are loaded once per width, and change their scheme in place."""
    poor: dict[str, list[str]] = {}
    wide: list[str] = []
    with browser() as chrome:
        for width, size in WIDTHS.items():
            visitor = Visitor(chrome, address, size)
            for name, place in places.items():
                page = visitor.open(place)
                if page.evaluate("document.documentElement.scrollWidth") > size[0]:
                    wide.append(f"{name} at {width}")
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)
                    poor[f"{name}, {scheme}, {width}"] = page.evaluate(CONTRAST)
                    page.screenshot(path=shots / f"{name}-{width}-{scheme}.png")
            visitor.close()
    assert {place: texts for place, texts in poor.items() if texts} == {}
    assert wide == []
    assert len(list(shots.glob("*.png"))) >= len(places) * 4


def test_words_of_strangers_are_text(address: str) -> None:
    with browser() as chrome:
        visitor = Visitor(chrome, address)
        page = visitor.open(f"/sql?q={quote(HOSTILE)}")
        page.wait_for_selector(".result-table td")
        assert page.locator(".result-table img, .result-table b").count() == 0
        assert "<img src=x" in page.locator(".result-table td").inner_text()
        visitor.close()

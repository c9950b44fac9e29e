"""A real browser over a real service: what the tests of the pages share.

Without a browser they are skipped, but where ANIMEDS_BROWSER=required they fail. Screenshots are left in the folder
ANIMEDS_SCREENSHOTS.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import drawntruth
import pytest
import sampleshow

import animeds_db
from animeds_db.dataset import Dataset

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first draws the same pages in a third of the time, having no windows, menus and services of its own."""
SCHEMES: Any = ("light", "dark")
WIDE, NARROW = (1280, 800), (390, 844)
SETTLED = """() => !document.querySelector('[aria-busy]') && [...document.images]
    .filter((image) => image.getBoundingClientRect().top < innerHeight && image.checkVisibility())
    .every((image) => image.src && image.complete)"""
CONTRAST = """() => {
    const parse = (text) => {
        const space = /color\\(srgb ([^)]*)\\)/.exec(text);
        const found = (space ? space[1] : text).match(/[\\d.]+/g).map(Number);
        const rgb = space ? found.slice(0, 3).map((part) => part * 255) : found.slice(0, 3);
        return [...rgb, found[3] ?? 1];
    };
    const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const light = (colour) => {
        const [r, g, b] = colour.map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
        return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
    };
    const poor = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
        if (element.closest('svg, .hidden, noscript, option, textarea, .choose, button:disabled, .pic')) continue;
        const style = getComputedStyle(element);
        const ground = behind(element);
        const words = over(parse(style.color), ground);
        const [a, b] = [light(words), light(ground)].sort((x, y) => y - x);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < (large ? 3 : 4.5))
            poor.push(`${walk.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}, .${element.className}`);
    }
    return poor;
}"""
"""Texts of a page whose contrast with what is behind them is below WCAG AA, worked out from computed styles."""


def chromium() -> str:
    """Return the browser. Without one, skip, or fail where one is required."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    lacking = "playwright is not installed" if find_spec("playwright") is None else None
    lacking = lacking or (None if found else f"there is no {' or '.join(NAMES)} on this machine")
    if lacking and os.environ.get("ANIMEDS_BROWSER") == "required":
        pytest.fail(f"{lacking}, and ANIMEDS_BROWSER=required")
    if lacking:
        pytest.skip(f"{lacking}: the pages are not driven")
    return str(found)


@cache
def shots() -> Path:
    """Return the folder where screenshots go, for people to look at."""
    folder = Path(os.environ.get("ANIMEDS_SCREENSHOTS") or tempfile.mkdtemp(prefix="animeds-screenshots-"))
    if not os.environ.get("ANIMEDS_SCREENSHOTS"):
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    args = ["--disable-dev-shm-usage"]  # containers have a small one
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        args.append("--no-sandbox")  # which chromium does not start for root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=args)
        yield started
        started.close()


# Find and scroll in one script: the page may replace the element between the two steps.
SCROLL_TO = "part => document.querySelector(part)?.scrollIntoView({block: 'nearest'})"


class Visitor:
    """A page, and what its console has complained about. `expect` are statuses that a test provokes."""

    def __init__(
        self, chrome: Browser, address: str, size: tuple[int, int] = WIDE, scheme: Any = "light"
    ) -> None:
        viewport: Any = {"width": size[0], "height": size[1]}
        self.context = chrome.new_context(viewport=viewport, color_scheme=scheme, base_url=address)
        self.context.set_default_timeout(40_000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda told: (
                self._complain(told.text, told.location) if told.type in ("error", "warning") else None
            ),
        )

    def _complain(self, words: str, place: Any) -> None:
        self.complaints.append(f"{words} {place.get('url', '')}")

    def open(self, path: str) -> Page:
        """Open a page and wait until it rests."""
        self.page.goto(path)
        self.rest()
        return self.page

    def rest(self) -> None:
        """Wait until nothing is busy and all pictures in view are there."""
        self.page.wait_for_function(SETTLED)

    def shoot_here(self, name: str) -> list[str]:
        """Leave screenshots in light and dark; return what sticks out, and words that are hard to read."""
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        sticks_out = self.page.evaluate("document.documentElement.scrollWidth") > width
        wrong = [f"the page is wider than {width}"] if sticks_out else []
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            wrong += [f"{words}, {scheme}" for words in self.page.evaluate(CONTRAST)]
            self.page.screenshot(path=shots() / f"{name}-{width}-{scheme}.png")
        return wrong

    def shoot_both(self, name: str, part: str = "h1") -> None:
        """Leave screenshots of a part of the page as it is, wide and narrow, light and dark; all must be readable."""
        before = self.page.viewport_size or {"width": WIDE[0], "height": WIDE[1]}
        wrong = []
        for width, height in (WIDE, NARROW):
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.locator(part).first.wait_for()
            self.page.evaluate(SCROLL_TO, part)
            wrong += self.shoot_here(name)
        self.page.set_viewport_size(before)
        self.page.emulate_media(color_scheme="light")
        assert wrong == []

    def shoot(self, name: str) -> None:
        """Leave screenshots of the page as it is, and as a telephone would load it; all must be readable."""
        assert self.shoot_here(name) == []
        before = self.page.viewport_size
        self.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        self.page.reload()  # what is folded away is decided at the start
        self.rest()
        assert self.shoot_here(name) == []
        if before:
            self.page.set_viewport_size(before)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def close(self) -> None:
        """Close it; the console must have been silent."""
        self.context.close()
        assert not self.complaints, self.complaints


def named_show(folder: Path) -> Path:
    """Return a copy of the drawn show's database, with names for its faces and its near-duplicates found."""
    return Path(shutil.copytree(sampleshow.once("named.animeds", _name), folder / "show.animeds"))


def _name(path: Path) -> None:
    shutil.copytree(sampleshow.database(), path)
    with animeds_db.open(path) as dataset:
        give_names(dataset)
        dataset.dedup()


def give_names(dataset: Dataset) -> None:
    """Name faces by two examples of every character of the cast that was found at least four times."""
    faces: dict[str, list[str]] = {}
    for face in drawntruth.drawn_faces(dataset):
        if face.person is not None and face.person.name:
            faces.setdefault(face.person.name, []).append(face.face_id)
    for name, ids in sorted(faces.items()):
        if len(ids) >= 4:
            dataset.characters.add_faces(name, ids[:2])
    dataset.characters.classify()

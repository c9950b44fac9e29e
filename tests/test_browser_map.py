"""The map in a real browser: computed, lassoed by mouse, selected by keyboard, and shown in the grid."""

from __future__ import annotations

from pathlib import Path

from browsing import Visitor, browser, chromium, named_show


def test_a_person_selects_on_the_map_by_mouse_and_by_keyboard(tmp_path: Path) -> None:
    chromium()
    from webserving import serving

    from animeds_db.web.options import Limits, Options

    options = Options(who="Mika", limits=Limits(workers=1))
    with serving(named_show(tmp_path), options) as address, browser() as chrome:
        visitor = Visitor(chrome, address)
        page = visitor.open("/map")
        page.get_by_role("button", name="Compute the map").click()
        page.get_by_role("button", name="Select Emi").wait_for()
        page.get_by_role("button", name="Compute again").wait_for()

        # by mouse: a line around everything, then the legend
        box = page.locator("#map").bounding_box()
        assert box is not None
        corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99)]
        page.mouse.move(box["x"] + 2, box["y"] + 2)
        page.mouse.down()
        for x, y in corners[1:]:
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
        page.mouse.up()
        page.get_by_text("49 selected").wait_for()
        page.get_by_role("button", name="Select Emi").click()
        chosen = page.locator("#chosen", has_text="selected").inner_text()
        assert 0 < int(chosen.split()[0]) < 49
        visitor.shoot_both("map", "#chosen")

        # by keyboard: the ring selects, c changes the colours, w saves a view, which opens in the grid
        page.locator("#map").focus()
        visitor.press("Escape", "c", *["+"] * 10, *["["] * 4, *["ArrowLeft"] * 60, "v")
        page.get_by_text("There is nothing in the ring.").wait_for()
        visitor.press("z", *["]"] * 14, "ArrowLeft", "v")  # the ring now has about the width of the map
        page.locator("#chosen", has_text="selected").wait_for()
        count = page.locator("#chosen").inner_text().split()[0]
        assert "by=appearance" in page.url
        visitor.press("w")
        page.get_by_label("Name").fill("lasso")
        visitor.press("Enter")
        page.locator("#toolbar", has_text=f"{count} frames").wait_for()
        assert "saved_frames%28%27lasso%27%29" in page.url
        visitor.close()

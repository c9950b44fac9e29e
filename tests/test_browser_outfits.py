"""Outfits in a real browser: named, merged and split on their sheet, then a filter of the grid."""

from __future__ import annotations

from pathlib import Path

import whoiswho
from browsing import Visitor, browser, chromium

import animeds_db


def test_a_person_names_merges_and_splits_outfits_by_mouse_and_filters_by_one(tmp_path: Path) -> None:
    chromium()
    from webserving import ONE, serving

    from animeds_db.web.options import Options

    show = whoiswho.named_show(tmp_path)
    with animeds_db.open(show) as dataset:
        rows = dataset.outfits("Shiori").rows()
    with serving(show, Options(who="Mika", limits=ONE)) as address, browser() as chrome:
        visitor = Visitor(chrome, address)
        page = visitor.open("/characters/Shiori")
        page.get_by_role("heading", name="What is missing").wait_for()
        page.get_by_text("--sample changes --replace").first.wait_for()
        visitor.shoot_both("missing", "#missing")
        page.get_by_role("link", name="Outfits").click()
        page.get_by_role("heading", name="What Shiori wears").wait_for()
        for number, called in ((1, "school"), (2, "summer"), (3, "at home")):
            page.get_by_label(f"Name of Outfit {number}").fill(called)
            page.get_by_role("article", name=f"Outfit {number}").get_by_role("button", name="Name").click()
            page.get_by_role("heading", name=called, exact=True).wait_for()
        visitor.rest()
        visitor.shoot_both("outfits")

        page.get_by_role("article", name="Outfit 3").drag_to(page.get_by_role("article", name="Outfit 2"))
        both = rows[1]["n_bodies"] + rows[2]["n_bodies"]
        page.get_by_text(f"{both} pictures in").wait_for()
        page.get_by_role("button", name="Undo").last.click()
        page.get_by_text("Undone: 2 outfits merged").wait_for()
        page.get_by_role("article", name="Outfit 3").wait_for()
        page.get_by_role("button", name="Split Outfit 1").click()
        page.get_by_role("heading", name="school 2", exact=True).wait_for()
        page.get_by_label("Select Outfit 3").check()
        page.get_by_label("Select Outfit 4").check()
        page.get_by_role("button", name="Merge the selected").click()
        page.get_by_role("article", name="Outfit 4").wait_for(state="detached")
        visitor.rest()

        summer = page.get_by_role("article").filter(
            has=page.get_by_role("heading", name="summer", exact=True)
        )
        link = summer.get_by_role("link", name="all frames").get_attribute("href")
        assert "appearance=Shiori%2Fsummer" in str(link)
        page = visitor.open("/?hide=none")
        page.locator("summary", has_text="Outfit").click()
        page.get_by_role("link", name="Shiori/summer").click()
        page.wait_for_url("**appearance=Shiori*")
        with animeds_db.open(show) as dataset:
            ((n,),) = dataset.sql(
                "SELECT count(DISTINCT frame_id) FROM characters WHERE character = 'Shiori' AND appearance = 'summer'"
            ).fetchall()
        page.locator("#toolbar", has_text=f"{n} frames").wait_for()
        page.get_by_role("button", name="Remove outfit Shiori/summer").wait_for()
        visitor.shoot_both("frames-outfit", "#toolbar")
        visitor.close()

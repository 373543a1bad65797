"""The page in a headless Chromium: at two widths, light and dark, from the disk, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from fos_ref.report.page.build import page
from fos_ref.report.page.folder import tables_of
from fos_ref.report.worked import worked
from tests.meta.tree import ROOT
from tests.page.browser import opened, SCHEMES, WIDTHS

pytestmark = pytest.mark.browser
FIRST_PAINT_MS = 1_000
REACHED = "a[href], button:not([disabled]), select, summary, .scroll"
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Return the page of the committed report."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(page(worked(), tables_of(ROOT / "reports", {})))
    return path


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_opens_offline_and_fits(whole, width, scheme):
    with opened(whole, width, scheme) as (tab, seen):
        assert seen.console == []
        assert seen.requests == [whole.as_uri()]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        tab.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        assert tab.evaluate(paint) < FIRST_PAINT_MS
        shown = tab.locator("figure svg:visible")
        assert shown.count() == tab.locator("figure").count() > 15


#: Dark mode has other colours and nothing else.
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_serious(whole, scheme):
    why = "pip install 'fos-ref[page-test]'"
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=why)
    with opened(whole, 1440, scheme) as (tab, _):
        tab.evaluate(
            "[...document.querySelectorAll('details')].slice(0, 3).forEach((d) => { d.open = true; })"
        )
        options = {"resultTypes": ["violations"], **RULES[scheme]}
        found = axe.Axe().run(tab, options=options).response["violations"]
    named = [(v["id"], v["nodes"][0]["html"][:120]) for v in found if v["impact"] in SERIOUS]
    assert named == []


def test_a_keyboard_reaches_every_control(whole):
    with opened(whole, 1440, "light") as (tab, _):
        tab.evaluate(f"[...document.querySelectorAll({REACHED!r})].forEach((e, i) => {{ e.dataset.n = i; }})")
        visible = "(e) => e.checkVisibility({ contentVisibilityAuto: true })"
        wanted = set(
            tab.evaluate(
                f"[...document.querySelectorAll('[data-n]')].filter({visible}).map((e) => e.dataset.n)"
            )
        )
        reached = set()
        for _ in range(len(wanted) + 5):
            tab.keyboard.press("Tab")
            reached.add(tab.evaluate("document.activeElement.dataset.n || ''"))
        assert wanted - reached == set()
        assert len(wanted) > 30


def test_the_worked_block_is_stepped_through(whole):
    with opened(whole, 360, "light") as (tab, _):
        titles = [tab.locator("#steps > li.on h3").inner_text()]
        while tab.locator("#next").is_enabled():
            tab.locator("#next").press("Enter")
            titles.append(tab.locator("#steps > li.on h3").inner_text())
        assert titles[0] == "The block"
        assert titles[-1] == "The choice"
        assert "map-to-4, 0 in place of 4.328125" in tab.locator("#steps > li.on").inner_text()
        tab.locator("#back").press("Enter")
        assert tab.locator("#where").inner_text() == f"Step {len(titles) - 1} of {len(titles)}"


def test_a_pair_of_ones_own_is_found(whole):
    with opened(whole, 1440, "light") as (tab, _):
        tab.select_option("#first", "4over6")
        tab.select_option("#second", "4over6-mae")
        said = tab.locator("#answer").inner_text()
        assert "N(0, 1): 16.1 % of the blocks differ" in said
        assert "error_metric: mse beside mae" in said


def test_without_script_everything_is_there(whole):
    text = whole.read_text(encoding="utf-8")
    start = text.index("<ol id=")
    assert text[start:].count("<li><h3>") == 6
    assert '<div id="finder" hidden>' in text

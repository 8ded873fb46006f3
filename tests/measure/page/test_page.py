"""The report's page in a real browser: narrow and wide, in the light and the dark colour scheme."""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pipeline.measure.reporting.report import write_experiment
from tests.harness import experiments
from tests.harness.browser import chromium
from tests.measure.page import looks

SIZES = {"phone": (360, 740), "desk": (1280, 900)}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's own Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a whole report; return the address of its page."""
    folder = tmp_path_factory.mktemp("report")
    write_experiment(
        folder,
        experiments.renamed(
            experiments.experiment(), "prepared, loop", "prepared, loop, a name as long as they may ever get"
        ),
        experiments.facts(cluster="a_cluster_with_one_very_long_word_for_its_name_" * 3),
        recommendations=experiments.recommendations(),
    )
    return (folder / "report.html").as_uri()


@pytest.fixture(params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")], ids="-".join)
def page(browser: Browser, report: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Open the page; at the end of the test it must have requested no other file and logged no message."""
    size, scheme = request.param
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    requested: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda asked: requested.append(asked.url))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(report)
    yield page
    assert [url for url in requested if not url.startswith("data:")] == [report]
    assert not [text for text in complaints if text.startswith(("error", "warning")) or ":" not in text]
    context.close()


def test_it_looks_as_it_should(page: Page, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Only scroll regions are wider than the page, and no text is cut off or has too little contrast.

    Screenshots are written to the folder that SCREENSHOTS names, or to pytest's own.
    """
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    page.screenshot(path=folder / f"{request.node.callspec.id}.png", full_page=True)
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(looks.LEAVING_THE_VIEWPORT) == []
    assert page.evaluate(looks.CLIPPED) == []
    assert page.evaluate(looks.TOO_PALE) == []


def test_the_keyboard_reaches_everything(page: Page) -> None:
    """Tab reaches the skip link first, then the contents in order, then every scroll region, all visibly."""
    reached: list[str] = []
    while True:
        page.keyboard.press("Tab")
        focused = page.evaluate(looks.FOCUSED)
        if not focused["what"]:
            break
        assert focused["seen"], focused["what"]
        reached.append(focused["what"])
        assert len(reached) < 500, "Tab never leaves the page"
    contents = [f"#{each.get_attribute('id')}" for each in page.locator("h2").all()]
    assert reached[: 1 + len(contents)] == ["#content", *contents]
    regions = [
        each.get_attribute("aria-label") for each in page.locator(".region").all() if each.is_visible()
    ]
    assert [each for each in reached if each in regions] == regions
    assert len(regions) == len(set(regions)) > 10


def test_links_on_the_page_lead_there(page: Page) -> None:
    """The skip link moves the focus after the contents; a contents link shows its section."""
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    for link in page.locator("nav a").all():
        link.press("Enter")
        top = page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")
        assert 0 <= top < page.evaluate("innerHeight")


def test_headings_leave_out_no_level(page: Page) -> None:
    """There is one heading of the first level; no heading is more than one level below the one before it."""
    levels = page.evaluate(looks.HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_it_prints_within_the_paper(page: Page) -> None:
    """On A4 landscape, 273 mm between the margins, nothing is cut off: paper does not scroll."""
    page.set_viewport_size({"width": 1032, "height": 703})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(looks.LEAVING_THE_VIEWPORT) == []

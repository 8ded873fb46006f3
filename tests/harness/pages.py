"""A page in a real browser: narrow and wide, light and dark, and what holds for each."""

import contextlib
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.harness import looks

SIZES = {"phone": (360, 740), "desk": (1280, 900)}
VIEWS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]


@contextlib.contextmanager
def opened(browser: Browser, address: str, view: tuple[str, str]) -> Iterator[Page]:
    """Open a page; at the end it must have requested no other file and logged no message."""
    size, scheme = view
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]  # a Literal
    page = context.new_page()
    requested: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda asked: requested.append(asked.url))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    assert [url for url in requested if not url.startswith("data:")] == [address]
    assert not [text for text in complaints if text.startswith(("error", "warning")) or ":" not in text]
    context.close()


def assert_looks(page: Page, picture: Path) -> None:
    """Check that only scroll regions are wider than the page, and no text is cut off or too pale.

    A screenshot is written to `picture`, or to the folder that SCREENSHOTS names.
    """
    folder = Path(os.environ.get("SCREENSHOTS", picture.parent))
    page.screenshot(path=folder / picture.name, full_page=True)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(looks.LEAVING_THE_VIEWPORT) == []
    assert page.evaluate(looks.CLIPPED) == []
    assert page.evaluate(looks.TOO_PALE) == []


def assert_reached_by_keyboard(page: Page, *, least_regions: int) -> None:
    """Check that Tab reaches the skip link, the contents in order, then every scroll region, all visibly."""
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
    assert len(regions) == len(set(regions)) >= least_regions


def assert_links_lead_there(page: Page) -> None:
    """Check that the skip link moves the focus after the contents, and a contents link shows its section."""
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    for link in page.locator("nav a").all():
        link.press("Enter")
        top = page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")
        assert 0 <= top < page.evaluate("innerHeight")


def assert_headings_in_order(page: Page) -> None:
    """Check that one heading is of the first level, and none more than one level below the one before it."""
    levels = page.evaluate(looks.HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def assert_prints_within_the_paper(page: Page) -> None:
    """Check that on A4 landscape, 273 mm between the margins, nothing is cut off: paper does not scroll."""
    page.set_viewport_size({"width": 1032, "height": 703})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(looks.LEAVING_THE_VIEWPORT) == []

"""The report's page in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pipeline.measure.reporting.report import write_experiment
from tests.harness import experiments, pages
from tests.harness.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser for this module."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
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


@pytest.fixture(params=pages.VIEWS, ids="-".join)
def page(browser: Browser, report: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Open the page; at the end of the test it must have requested no other file and logged no message."""
    with pages.opened(browser, report, request.param) as page:
        yield page


def test_it_looks_as_it_should(page: Page, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Only scroll regions are wider than the page, and no text is cut off or has too little contrast.

    Screenshots are written to the folder that SCREENSHOTS names, or to pytest's own.
    """
    pages.assert_looks(page, tmp_path / f"{request.node.callspec.id}.png")


def test_the_keyboard_reaches_everything(page: Page) -> None:
    """Tab reaches the skip link first, then the contents in order, then every scroll region, all visibly."""
    pages.assert_reached_by_keyboard(page, least_regions=11)


def test_links_on_the_page_lead_there(page: Page) -> None:
    """The skip link moves the focus after the contents; a contents link shows its section."""
    pages.assert_links_lead_there(page)


def test_headings_leave_out_no_level(page: Page) -> None:
    """There is one heading of the first level; no heading is more than one level below the one before it."""
    pages.assert_headings_in_order(page)


def test_it_prints_within_the_paper(page: Page) -> None:
    """On A4 landscape, 273 mm between the margins, nothing is cut off: paper does not scroll."""
    pages.assert_prints_within_the_paper(page)

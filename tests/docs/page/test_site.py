"""The documentation site, as `make docs` built it, in a real browser."""

import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page

from tests.harness.browser import chromium
from tests.harness.workspace import PROJECT

SITE = PROJECT / "build" / "site"
DOCS = PROJECT / "docs"
# What Python-Markdown, which builds the site, and CommonMark, by which code hosts show a page, must agree on.
COUNTED = {"table_open": "table", "list_item_open": "li", "fence": "pre", "code_block": "pre"}
HANDWRITTEN = sorted(file for file in DOCS.rglob("*.md") if file.name != "api.md")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the site; return its address."""
    assert SITE.is_dir(), "there is no build/site; run `make docs`"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's own Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Open a page of the browser; it may ask nobody but the site, and nothing may fail."""
    page = browser.new_page(viewport={"width": 360, "height": 740})
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "response", lambda answer: failed.append(f"{answer.status} {answer.url}") if not answer.ok else None
    )
    page.on("pageerror", lambda error: failed.append(str(error)))
    yield page
    assert [url for url in asked if not url.startswith((f"{address}/", "data:", "blob:"))] == []
    assert failed == []
    page.close()


def built(file: Path) -> str:
    """Return the path of a document's page in the site."""
    name = file.relative_to(DOCS).with_suffix(".html").as_posix()
    return name.replace("README.html", "index.html")


@pytest.mark.parametrize("file", HANDWRITTEN, ids=lambda file: file.relative_to(DOCS).as_posix())
def test_a_page_is_shown_as_it_was_written(page: Page, address: str, file: Path) -> None:
    """Tables, lists and code are those that a code host shows, and only they may be wider than a phone."""
    page.goto(f"{address}/{built(file)}")
    tokens = MarkdownIt().enable("table").parse(file.read_text(encoding="utf-8"))
    wanted = Counter(COUNTED[token.type] for token in tokens if token.type in COUNTED)
    article = page.locator("article")
    assert {tag: article.locator(tag).count() for tag in ("table", "li", "pre")} == {
        tag: wanted[tag] for tag in ("table", "li", "pre")
    }
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("name", ["index", "contributing", "changelog", "security", "api"])
def test_the_other_pages_are_whole(page: Page, address: str, name: str) -> None:
    """Pages from outside of docs/ have their pictures, and that of the modules has their functions."""
    page.goto(f"{address}/{name}.html")
    assert page.locator("article h1").count() == 1
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth)")
    if name == "api":
        assert page.locator("article #pipeline\\.workers\\.client\\.run_job").count() == 1
        assert ":::" not in page.locator("article").inner_text()


def test_the_search_finds(page: Page, address: str) -> None:
    """A word that a reader types is found in the settings, without any other host."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/index.html")
    field = page.locator("input.md-search__input")
    field.click()
    field.press_sequentially("max_bad_rows")
    page.locator(".md-search-result__link[href*='settings.html#load']").first.wait_for(state="attached")

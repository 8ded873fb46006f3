"""Makes the pictures of the documents anew, from real runs: `make screenshots`.

The terminal is a session of three commands on a pseudo-terminal, the history that of four weeks of loads,
each in a folder and with a Cassandra of its own. The report is the newest one in output/, which `make report`
writes. Needs Chromium. With `history` as argument, only that picture is made.
"""

import contextlib
import csv
import datetime as dt
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.harness.browser import chromium
from tests.harness.terminal import WIDTH, seen, typed

PROJECT = Path(__file__).resolve().parents[1]
IMAGES = PROJECT / "docs" / "images"
ROWS = 300_000
REPORT_SIZE = (1280, 1000)
HISTORY_SIZE = (800, 1330)
FILE = "--input orders.csv --delimiter ';' --timestamp-formats '%d.%m.%Y %H:%M' --decimal-mark ,"
CREATE = "--create output/suggested/shop.orders.cql"
SESSION = (
    "luigi --module tasks SuggestTable --input orders.csv --table shop.orders",
    f"luigi --module tasks LoadTable --table shop.orders {CREATE} {FILE}",
    f"luigi --module tasks VerifyTable --table shop.orders {FILE} --exact",
)
NIGHTS = 28
LATE, BAD = 9, 17
"""The nights, counted back, on which no file came, and one with a bad row."""


def write_orders(file: Path, rows: int = ROWS, *, is_bad: bool = False) -> None:
    """Write a file of orders: semicolons, dates as in Germany, a comma before the decimals."""
    begin = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, delimiter=";")
        writer.writerow(["order_no", "ordered_at", "customer", "total"])
        for number in range(rows):
            cents = number * 7919 % 100_000
            at = begin + dt.timedelta(minutes=number % 43_200)
            writer.writerow(
                [number, f"{at:%d.%m.%Y %H:%M}", f"C{number % 9_973}", f"{cents // 100},{cents % 100:02d}"]
            )
        if is_bad:
            writer.writerow([rows, "yesterday", "C1", "0,01"])


def shown(command: str, folder: Path) -> str:
    """Run a command on a terminal; return what is on the screen in the end."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = typed(shlex.split(command), folder, {**os.environ, "PATH": path}, width=WIDTH)
    if done.code:
        sys.exit(f"{command}: exit code {done.code}\n{done.printed}")
    return seen(done.printed)


@contextlib.contextmanager
def project() -> Iterator[Path]:
    """Yield the folder of a new project whose Cassandra runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for words in (["tasks", "init"], ["pipeline.embedded", "start"]):
            subprocess.run([sys.executable, "-m", *words], cwd=folder, check=True)
        try:
            yield folder
        finally:
            subprocess.run([sys.executable, "-m", "pipeline.embedded", "stop"], cwd=folder, check=True)


def session() -> Iterator[str]:
    """Yield each command of the session, and what it printed."""
    with project() as folder:
        write_orders(folder / "orders.csv")
        for command in SESSION:
            yield f"\x1b[1;32m$\x1b[0m {command}\n{shown(command, folder)}\n"


def draw_history(file: Path) -> None:
    """Load the orders of four weeks, a night each, and draw the page of their history as PNG."""
    luigi = [sys.executable, "-m", "luigi", "--module", "tasks"]
    table = ["LoadTable", "--table", "shop.orders"]
    with project() as folder:
        write_orders(folder / "sample.csv")
        suggest = ["SuggestTable", "--table", "shop.orders", "--input", "sample.csv"]
        subprocess.run([*luigi, *suggest], cwd=folder, check=True)
        for back in range(NIGHTS, 0, -1):
            day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=back)
            if back != LATE:
                rows = ROWS * (10 + day.weekday() + back % 3) // 100
                write_orders(folder / f"orders-{day}.csv", rows, is_bad=back == BAD)
            words = [*shlex.split(f"{CREATE} {FILE}"), "--date", str(day), "--input", "orders-{date}.csv"]
            subprocess.run([*luigi, *table, *words], cwd=folder, check=False)
        subprocess.run([*luigi, "LoadHistory", "--days", str(NIGHTS + 2)], cwd=folder, check=True)
        draw_page(folder / "output" / "history.html", file, HISTORY_SIZE)


def draw_terminal(file: Path) -> None:
    """Draw the session as SVG, without the fonts that rich would fetch from another host."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi("\n".join(session())))
    drawn = console.export_svg(title="luigi-cassandra-load", theme=MONOKAI)
    file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8")


def draw_page(report: Path, file: Path, size: tuple[int, int]) -> None:
    """Draw the top of a page as PNG."""
    width, height = size
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.goto(report.as_uri())
        page.screenshot(path=file)


def main() -> None:
    """Draw the pictures; the newest report is that of the last day."""
    draw_history(PROJECT / "docs" / "history.png")
    if "history" in sys.argv[1:]:
        return
    reports = sorted((PROJECT / "output" / "reports").glob("*/*/report.html"))
    if not reports:
        sys.exit("there is no report in output/reports: run `make report` first")
    draw_page(reports[-1], IMAGES / "report.png", REPORT_SIZE)
    draw_terminal(IMAGES / "terminal.svg")


if __name__ == "__main__":
    main()

"""The experiment's report: it states what was measured, and needs no other file."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from pipeline.errors import ResultsError
from pipeline.measure.experiment.comparison import compare
from pipeline.measure.experiment.measurement import Repeat
from pipeline.measure.reporting.measurements import read_measurements, write_measurements
from pipeline.measure.reporting.report import write_experiment
from pipeline.measure.reporting.wording import exact, number, percent
from tests.harness import experiments

pytestmark = pytest.mark.slow

HOSTILE = '<script>alert(1)</script><img src="http://203.0.113.1/x"> & \'"], --> $\\frac{1}$, =1+1'


@pytest.fixture(scope="module")
def repeats() -> list[Repeat]:
    """A whole experiment."""
    return experiments.experiment()


@pytest.fixture(scope="module")
def few(repeats: Sequence[Repeat]) -> list[Repeat]:
    """Loop and Pool, the latter with two sizes, at two slept latencies, three repeats each."""
    return [
        timed
        for timed in repeats
        if timed.cell.contender in {"create, loop", "create, Pool"}
        and timed.cell.latency_kind == "sleep"
        and timed.cell.latency_s in {0, 0.001}
        and timed.cell.in_flight in {1, 100}
        and timed.repeat <= 3
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, repeats: Sequence[Repeat]) -> Path:
    """The report of the whole experiment."""
    folder = tmp_path_factory.mktemp("report")
    write_experiment(folder, repeats, experiments.facts(), recommendations=experiments.recommendations())
    return folder


class Page(HTMLParser):
    """The content of a page for a browser: its tags with their attributes, and its text."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(file.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Store a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Store a text."""
        self.text += data

    def all(self, attribute: str) -> list[str]:
        """Return every value of an attribute."""
        return [attributes[attribute] or "" for _, attributes in self.tags if attribute in attributes]

    def row(self, name: str, after: str) -> str:
        """Return the text of the first row with this name after a text."""
        return self.text.partition(after)[2].partition(f"\n{name}")[2].partition("\n")[0]


def test_measurements_come_back(tmp_path: Path, repeats: Sequence[Repeat]) -> None:
    """measurements.csv reads back as it was written, except the histograms, which it does not hold."""
    file = tmp_path / "measurements.csv"
    write_measurements(file, repeats)
    found = read_measurements(file)
    assert len(found) == len(repeats)
    for was, now in zip(repeats, found, strict=True):
        assert now.client_cpu_s == pytest.approx(was.client_cpu_s)
        assert now.server_cpu_s == (None if was.server_cpu_s is None else pytest.approx(was.server_cpu_s))
        assert now.began_at_s == pytest.approx(was.began_at_s, abs=1e-6)
        assert now == replace(
            was,
            latencies="",
            client_cpu_s=now.client_cpu_s,
            server_cpu_s=now.server_cpu_s,
            began_at_s=now.began_at_s,
        )
    assert {each.verdict for each in compare(repeats, found)} == {"no difference found"}


def test_a_hostile_name_comes_back(tmp_path: Path, few: Sequence[Repeat]) -> None:
    """A contender's name with commas, quotes and a line end is read back as one field."""
    named = experiments.renamed(few, "create, loop", f"{HOSTILE}\n,")
    write_measurements(tmp_path / "m.csv", named)
    assert [timed.cell for timed in read_measurements(tmp_path / "m.csv")] == [timed.cell for timed in named]


def test_measurements_carry_their_units(folder: Path, repeats: Sequence[Repeat]) -> None:
    """Each line's derived numbers follow from its measured ones, and percentiles ascend."""
    with (folder / "measurements.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for line, timed in zip(lines, repeats, strict=True):
        assert float(line["rows_per_s"]) == pytest.approx(timed.rows / timed.elapsed_s, rel=1e-5)
        assert float(line["p50_s"]) <= float(line["p99_s"]) <= float(line["p999_s"])
        assert float(line["client_cpu_us_per_row"]) == pytest.approx(1e6 * timed.client_cpu_s / timed.rows)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["began_at"])
    assert {line["server_cpu_us_per_row"] for line in lines if line["contender"] == "asyncio"} > {""}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "fields in place of 17|cannot be"),
        (lambda text: text.rstrip("\n"), "ends too early"),
        (lambda text: text.replace('loop"', 'loop"s', 1), ":2: it is no CSV"),
        (lambda text: text.splitlines()[0] + "\n", "ends too early, after 0 repeats"),
        (lambda _: "", ":1: the columns are ''"),
        (lambda text: text.replace("elapsed_s", "elapsed_ms"), ":1: the columns are"),
        (lambda text: text.replace(",sleep,", ",slept,"), ":2: latency_kind cannot be 'slept'"),
        (lambda text: text.replace(",true,", ",yes,"), ":2: patched cannot be 'yes'"),
        (
            lambda text: text.replace("BusyPollingConnection,true,1000,", "x,true,0,"),
            ":2: rows cannot be '0'",
        ),
        (lambda text: re.sub(r"Z\n", "\n", text), ":2: began_at cannot be"),
        (lambda text: re.sub(r"(1000,1000),[^,]+", r"\1,nan", text), ":2: elapsed_s cannot be 'nan'"),
        (lambda text: text + text.splitlines()[-1] + "\n", ":20: repeat 3 of create, Pool.* is there twice"),
    ],
)
def test_damaged_measurements_are_refused(
    tmp_path: Path, few: Sequence[Repeat], damage: Callable[[str], str], message: str
) -> None:
    """A file that was cut, edited or doubled is refused; the error has line, field and what to do."""
    file = tmp_path / "measurements.csv"
    write_measurements(file, few)
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ResultsError, match=message) as refused:
        read_measurements(file)
    assert str(file) in str(refused.value)
    assert "measure again" in str(refused.value)


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    """A missing file and one that is not text are refused by name."""
    with pytest.raises(ResultsError, match="No such file or directory; name the folder of a finished report"):
        read_measurements(tmp_path / "measurements.csv")
    (tmp_path / "measurements.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ResultsError, match="it is not UTF-8"):
        read_measurements(tmp_path / "measurements.csv")


def test_the_same_measurements_give_the_same_bytes(tmp_path: Path, few: Sequence[Repeat]) -> None:
    """Every file of a report depends only on the measurements and the facts."""
    for name in ("one", "two"):
        write_experiment(tmp_path / name, few, experiments.facts())
    files = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert len(files) == 10
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_names_are_text_wherever_they_come_from(tmp_path: Path, few: Sequence[Repeat]) -> None:
    """The name of a contender or a cluster that looks like markup is shown as text."""
    plain, hostile = tmp_path / "plain", tmp_path / "hostile"
    write_experiment(plain, few, experiments.facts())
    write_experiment(
        hostile, experiments.renamed(few, "create, loop", HOSTILE), experiments.facts(cluster=HOSTILE)
    )
    page = Page(hostile / "report.html")
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in Page(plain / "report.html").tags}
    assert page.text.count(HOSTILE) > 3
    for drawing in hostile.glob("*.svg"):
        assert ET.parse(drawing).getroot().tag.endswith("svg")  # noqa: S314 - our own file


def test_the_page_stands_by_itself(folder: Path) -> None:
    """The page loads nothing, its ids are unique; every link has a target on it or is a file beside it."""
    page = Page(folder / "report.html")
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "link rel=stylesheet", "img", "iframe", "object"}
    )
    assert page.all("src") == []
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    for link in [*page.all("href"), *page.all("xlink:href")]:
        parts = urlsplit(link)
        assert parts.netloc == ""
        if parts.scheme != "data":
            assert parts.fragment in ids if parts.fragment else (folder / parts.path).is_file()


def test_the_page_says_what_was_measured(folder: Path) -> None:
    """A noisy cell has no numbers; fewer rows, unknown CPU and the article's numbers are stated."""
    page = Page(folder / "report.html")
    assert re.match(r"1005too noisy: ±\d+ %$", page.row("threads", "1 ms slept before each request"))
    assert "of 200 rows" in page.row("create, loop", "100 ms slept before each request")
    assert page.row("asyncio", "10 ms added to the network").endswith("out of sight")
    assert page.row("0.1", "the article, Pool of 100").startswith("1041.2782.1 x")
    assert "Left out: threads, 100 in flight, at 1 ms" in page.text
    headings = [page.text.index(f"\n{title}\n") for title in SECTIONS]
    assert headings == sorted(headings)


SECTIONS = (
    "What to do",
    "The article's experiment",
    "The contenders",
    "Sleep beside network",
    "Plots",
    "How it was measured",
    "What it was measured on",
    "Files",
)


def test_a_pool_is_shown_at_one_size(folder: Path, repeats: Sequence[Repeat], tmp_path: Path) -> None:
    """Of a sweep every table shows the size that is fastest over all latencies, not one timed at a few."""
    assert "here, Pool of 300" in Page(folder / "report.html").text
    cut = [
        timed
        for timed in repeats
        if timed.cell.contender in {"create, loop", "create, Pool"}
        and (timed.cell.in_flight != 300 or timed.cell.latency_s == 0)
    ]
    write_experiment(tmp_path, cut, experiments.facts())
    page = Page(tmp_path / "report.html")
    assert "here, Pool of 100" in page.text
    assert page.row("create, Pool", "0 ms slept before each request").startswith("1005")


def test_what_was_not_measured_has_no_section(tmp_path: Path, repeats: Sequence[Repeat]) -> None:
    """A page has no section on recommendations, contenders or kinds of latency that were not measured."""
    write_experiment(tmp_path, [timed for timed in repeats if timed.cell.contender == "asyncio"], {})
    text = Page(tmp_path / "report.html").text
    assert [title for title in SECTIONS if f"\n{title}\n" in text] == [SECTIONS[2], *SECTIONS[4:]]
    assert not list(tmp_path.glob("pool_sizes*"))


def test_a_report_of_noise_alone_has_no_plots(tmp_path: Path, repeats: Sequence[Repeat]) -> None:
    """If every cell is too noisy, the tables say so, and nothing is drawn."""
    once = [timed for timed in repeats if timed.cell.latency_s == 0 and timed.repeat == 1]
    write_experiment(tmp_path, once, experiments.facts())
    page = Page(tmp_path / "report.html")
    assert page.row("batch", "0 ms slept before each request").endswith("too few repeats: 1")
    assert "\nPlots\n" not in page.text
    assert not list(tmp_path.glob("*.svg"))


def test_a_report_that_fails_has_no_page(tmp_path: Path, few: Sequence[Repeat]) -> None:
    """If a histogram is damaged, no page is written, because a page stands for the whole report."""
    damaged = [*few[:-1], replace(few[-1], latencies="HISTFAAA")]
    with pytest.raises(ResultsError, match="latency histogram"):
        write_experiment(tmp_path, damaged, experiments.facts())
    assert not (tmp_path / "report.html").exists()


def test_numbers_have_three_digits_that_count() -> None:
    """Numbers on the page have three significant digits, and zero has no minus."""
    assert [number(value) for value in (0, 0.03149, 1.2734, 104.497, 31628.4)] == [
        "0",
        "0.0315",
        "1.27",
        "104",
        "31,628",
    ]
    assert number(2.5, like=104) == "2"
    assert [exact(value) for value in (0, 0.05, 1000)] == ["-", "0.05", "1,000"]
    assert [percent(share) for share in (-0.0004, 0.099, 0.0996, -0.5)] == [
        "+0.0 %",
        "+9.9 %",
        "+10 %",
        "-50 %",
    ]

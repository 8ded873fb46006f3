"""Bad rows: the place of each and the reason, written for people; and how many a load may have."""

import csv
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from pipeline.errors import SettingError, abbreviated
from pipeline.files import atomic_path

BAD_ROWS, REJECTED = "bad_rows.csv", "rejected.csv"
"""The files, in the folder of a load, that say what is wrong with which rows, and hold those rows."""

REJECTED_GLOB = "rejected.*[!n]"
"""The files of rejected rows in a folder, in whatever format, without the dialects beside them."""

NO_KEY_VALUE = "no value; a key column needs one"
"""The reason of a bad row whose value of a key column is null or empty."""

NO_KEY_TEXT = f"{NO_KEY_VALUE}; in CSV an empty text cannot be told from null, Parquet loads it"
"""The same, of a text that may be empty in a key."""


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that cannot be loaded: its place, and what is wrong with it.

    `line` is, from 1, the row's first line in a text, or its number in a Parquet file. `column` is empty
    where the row as a whole is wrong; `value` is what the field holds, cut to 80 characters. `row` is the
    row's number in its file, from 1, where several rows may begin on a line.
    """

    file: str
    line: int
    column: str
    value: str
    reason: str
    row: int | None = None

    @property
    def place(self) -> int:
        """Its place: see `pipeline.rowfiles.splits`."""
        return self.row or self.line

    @property
    def where(self) -> str:
        """Its file and line, and its number where it is needed, for a message."""
        return f"{self.file}:{self.line}{f' (row {self.row})' if self.row else ''}"


@dataclass(frozen=True, kw_only=True)
class ErrorBudget:
    """How many bad rows a load may have: a number, or a share of the rows read."""

    max_bad_rows: int | None = None
    max_share: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "ErrorBudget":
        """Return the budget that a setting such as `0`, `100` or `1.5%` means.

        Raises:
            SettingError: it is neither a whole number nor a percentage of 0 to 100.
        """
        text = text.strip()
        if re.fullmatch(r"[0-9]{1,18}", text):
            return cls(max_bad_rows=int(text))
        if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,18})?\s*%", text):
            share = float(text[:-1]) / 100
            if share <= 1:
                return cls(max_share=share)
        raise SettingError(
            f"max_bad_rows is {abbreviated(text)!r}; it must be a number of rows, such as 100, or a "
            "percentage of those read, such as 1.5%"
        )

    def __str__(self) -> str:
        return f"{100 * self.max_share:g}%" if self.max_bad_rows is None else str(self.max_bad_rows)

    def exceeded(self, bad: int, rows: int, *, at_end: bool) -> bool:
        """Return whether `bad` of the `rows` read so far, good and bad, are too many.

        A percentage is judged at the end, or once 1,000 rows are read: of the first few rows, one is many.
        """
        if self.max_bad_rows is not None:
            return bad > self.max_bad_rows
        return (at_end or rows >= _JUDGED_FROM_ROWS) and bad > self.max_share * rows


def without_values(said: str) -> str:
    """Return a message without the parts that differ between rows: numbers and quoted texts."""
    return _VALUES.sub("…", said)


def write_bad_rows(target: Path, bad: Iterable[BadRow]) -> int:
    """Write one line a fault to the CSV file `target`, whole or not at all; return how many.

    Raises:
        OutputError: the folder or the file cannot be written, or the disk is full.
    """
    count = 0
    # A file's name may hold bytes that are no text.
    with (
        atomic_path(target) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        # All texts in quotes: before Python 3.13 a carriage return alone does not get those it needs.
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        file.write(",".join(field.name for field in fields(BadRow)) + "\n")
        for row in bad:
            writer.writerow(astuple(row))
            count += 1
    return count


def read_bad_places(path: Path) -> dict[str, set[int]]:
    """Return the places of bad rows by file, as `write_bad_rows` wrote them; none where there is no file."""
    places: dict[str, set[int]] = {}
    with suppress(FileNotFoundError), path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            places.setdefault(row["file"], set()).add(int(row.get("row") or row["line"]))
    return places


_JUDGED_FROM_ROWS = 1000
_VALUES = re.compile(
    r"""0x[0-9a-f]+ | [0-9]+ | '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" """, re.IGNORECASE | re.VERBOSE
)

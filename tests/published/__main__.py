"""`python -m tests.published FOLDER`: suggest a table for each file, load it, verify it, judge its types.

The table of outcomes is written to `docs/published.md`, or printed with `--kept-aside`.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.files import write_text
from pipeline.rowfiles.mapping import parse_mapping
from pipeline.settings.files import FilesConfig
from pipeline.suggest.jobs import Suggestion, SuggestTable
from pipeline.workers.client import run_job
from tests.published.files import PublishedFile, published_files

PROJECT = Path(__file__).resolve().parents[2]
_PAGE = PROJECT / "docs" / "published.md"
_SAME = (
    {"tinyint", "smallint", "int", "bigint", "varint"},
    {"double", "float"},
    {"text", "varchar", "ascii"},
)
_TABLE_END = "<!-- end -->"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a file: the options that were suggested, the columns whose type is another, the end."""

    file: PublishedFile
    options: str
    differing: tuple[str, ...]
    end: str

    @property
    def is_loaded(self) -> bool:
        """Whether all rows were loaded and verified."""
        return self.end.startswith("loads")

    def line(self) -> str:
        """Return a row of a table in Markdown."""
        columns = len(self.file.columns)
        types = f"{columns - len(self.differing)} of {columns}"
        if self.differing:
            types += f": {'; '.join(self.differing)}"
        cells = (self.file.name, str(self.file.source), f"{self.file.rows:,}", self.options, types, self.end)
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> int:
    """Try the files; return 1 if one does not load."""
    parser = argparse.ArgumentParser(prog="python -m tests.published", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kept-aside", action="store_true", help="the files that nothing is tuned to")
    parser.add_argument("--only", nargs="+", help="names of files")
    options = parser.parse_args()
    files = [
        file
        for file in published_files(kept_aside=options.kept_aside)
        if not options.only or file.name in options.only
    ]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="published-") as name:
        workspace = Path(name)
        _configure(workspace)
        try:
            for file in files:
                outcomes.append(_tried(file, (options.folder / file.name).resolve(), workspace))
                print(outcomes[-1].line(), flush=True)  # noqa: T201
        finally:
            _run(workspace, sys.executable, "-m", "pipeline.embedded", "stop")
    loaded = sum(outcome.is_loaded for outcome in outcomes)
    right = sum(len(each.file.columns) - len(each.differing) for each in outcomes)
    columns = sum(len(each.file.columns) for each in outcomes)
    summary = f"{loaded} of {len(outcomes)} files load and verify; {right} of {columns} types are natural."
    print(summary)  # noqa: T201
    if not options.kept_aside and not options.only:
        _write_page(summary, [outcome.line() for outcome in outcomes])
    return 0 if loaded == len(outcomes) else 1


def _configure(workspace: Path) -> None:
    text = (PROJECT / "luigi.cfg").read_text(encoding="utf-8")
    (workspace / "luigi.cfg").write_text(
        re.sub(r"(?m)^keyspace = .*$", "keyspace = published", text), encoding="utf-8"
    )


def _tried(file: PublishedFile, path: Path, workspace: Path) -> Outcome:
    table = "published." + re.sub(r"[^a-z0-9]+", "_", file.name.casefold())
    try:
        found = run_job(SuggestTable(files=(str(path),), table=table, key=(), given=FilesConfig()))
    except PipelineError as error:
        return Outcome(file=file, options="", differing=tuple(file.columns), end=f"refused: {error}")
    statement = workspace / "create.cql"
    statement.write_text(f"{found.statement}\n", encoding="utf-8")
    words = [word for name, value in found.options for word in (f"--{name.replace('_', '-')}", value)]
    luigi = Path(sys.executable).with_name("luigi")
    words = ["--table", table, "--input", str(path), "--LoadTable-create", str(statement), *words]
    ended = _run(workspace, str(luigi), "--module", "tasks", "VerifyTable", "--exact", *words)
    shown = ", ".join(f"{name} = {value}" for name, value in found.options if name != "mapping")
    return Outcome(
        file=file, options=shown, differing=tuple(_differing(file, found)), end=_end_of(ended, file, found)
    )


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _end_of(ended: subprocess.CompletedProcess[str], file: PublishedFile, found: Suggestion) -> str:
    if ended.returncode:
        said = re.findall(r"(?m)^(?:\S+ ERROR|\S+ WARNING|error).*", ended.stdout)
        return f"exit code {ended.returncode}: {' '.join(said)[:500]}"
    bad = int(dict(found.options).get("max_bad_rows", 0))
    [present] = re.findall(r"(\d+) of \d+ rows are in the table", ended.stdout)
    repeated = re.findall(r"(\d+) keys stand more than once", ended.stdout)
    if bad > file.bad_rows or int(present) + bad + int(*repeated or ["0"]) < file.rows:
        return f"only {present} of {file.rows} rows, {bad} bad"
    return "loads and verifies" + (f", {bad} bad rows left out" if bad else "")


def _differing(file: PublishedFile, found: Suggestion) -> Iterator[str]:
    """Yield the columns whose type is not that of the answers."""
    kinds = dict(re.findall(r'(?m)^    "?([\w ]+?)"? (\S.*?),$', found.statement))
    columns = _columns_of(found)
    for name, wanted in file.columns.items():
        column = columns.get(name, name)
        kind = kinds.get(column) or kinds.get(name.casefold(), "no column")
        if not any(_are_same(kind, each) for each in (wanted, *file.also.get(name, ()))):
            yield f"{name} {kind}, not {wanted}"


def _columns_of(found: Suggestion) -> Mapping[str, str]:
    """Return the columns of the fields that a mapping names."""
    return parse_mapping(dict(found.options).get("mapping", ""))


def _are_same(one: str, other: str) -> bool:
    one, other = (re.sub(r"^frozen<(.*)>$", r"\1", kind) for kind in (one, other))
    return one == other or any({one, other} <= group for group in _SAME)


def _write_page(summary: str, lines: list[str]) -> None:
    text = _PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition("| file | package |")
    table = [
        "| file | package | rows | options | natural types | outcome |",
        "| --- | --- | ---: | --- | --- | --- |",
    ]
    _, _, end = rest.partition(_TABLE_END)
    head = re.sub(r"(?m)^\d+ of \d+ files load.*$", summary, head)
    write_text(_PAGE, "\n".join([head + table[0], table[1], *lines, _TABLE_END]) + end)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.versions [--short]`: some tests with each version of Cassandra, and a table of results.

The table of a whole run is written into docs/reliability.md, between its two comments.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.embedded.releases import DEFAULT, RELEASES

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- make test-versions writes this table -->", "<!-- end of the table -->"
_SHORT = "4.0.19"

_FILES = (
    "tests/load/test_load.py",
    "tests/load/test_methods.py",
    "tests/load/test_batches.py",
    "tests/load/test_resume.py",
    "tests/load/test_cases_loads.py",
    "tests/tasks/test_lifetime.py",
    "tests/verify/test_verify.py",
    "tests/versions/test_guardrails.py",
)
_SHORT_FILES = ("tests/load/test_load.py", "tests/load/test_resume.py", "tests/versions/test_guardrails.py")
_MIXED = "tests/versions/test_mixed.py"

_KINDS: Mapping[str, str] = {
    "every CQL type arrives as the file has it": "every_type_arrives",
    "TRUNCATE before, during and after a load; a dropped column": "truncated|loses_rows",
    "resume after a kill; no process is left": r"test_resume|test_lifetime",
    "batches below the server's thresholds": r"test_batches",
    "other loads, by each method": r"\.load\.",
    "verification names each difference": r"test_verify",
    "guardrails": r"versions\.test_guardrails",
    "two versions in one cluster: loads go on, no schema is changed": r"test_mixed",
}
"""Of each line of the table, what the names of its tests have; the first that matches counts."""

Results = dict[str, Counter[str]]


def main() -> int:
    """Run the tests; return 1 if one fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"a few tests with {_SHORT} alone; no table")
    short = parser.parse_args().short
    if short:
        return 0 if _is_passed(_run(_SHORT, _SHORT_FILES)) else 1
    found = {version: _run(version, _FILES) for version in RELEASES}
    found["upgrades"] = _run(DEFAULT, [_MIXED])
    text = _DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    _DOCUMENT.write_text(f"{before}{_BEGIN}\n{_table(found)}\n{_END}{after}", encoding="utf-8")
    return 0 if all(map(_is_passed, found.values())) else 1


def _run(version: str, files: Sequence[str]) -> Results:
    """Return how many tests passed, failed, or were skipped, by the line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "versions or not versions", "--cassandra", version]
        subprocess.run([*command, f"--junitxml={report}", *files], check=False)
        cases = ET.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it just now
        results: Results = {kind: Counter() for kind in _KINDS}
        for case in cases:
            name = f"{case.get('classname')}.{case.get('name')}"
            kind = next(kind for kind, pattern in _KINDS.items() if re.search(pattern, name))
            outcome = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "")
            results[kind][outcome or "passed"] += 1
    return results


def _is_passed(results: Results) -> bool:
    counts = sum(results.values(), Counter[str]())
    return bool(counts["passed"]) and not counts["failure"] + counts["error"]


def _table(found: Mapping[str, Results]) -> str:
    lines = [f"| | {' | '.join(found)} |", f"| --- |{' ---: |' * len(found)}"]
    lines += [
        f"| {kind} | {' | '.join(_cell(results[kind]) for results in found.values())} |" for kind in _KINDS
    ]
    return "\n".join(lines)


def _cell(counts: Counter[str]) -> str:
    failed = counts["failure"] + counts["error"]
    if failed:
        return f"{failed} failed of {failed + counts['passed']}"
    return f"{counts['passed']} passed" if counts["passed"] else "-"


if __name__ == "__main__":
    sys.exit(main())

"""Public reports of loads that went wrong, replayed from their files with the real `luigi`.

expected.toml in a case's folder holds its promise, the rows that read.cql returns, and for each command the
exit codes of its `luigi` and texts that its output must contain; {case} is the folder.
"""

import json
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.caserun import CASES, CaseOutcome, run_case

NAMES = sorted(folder.name for folder in CASES.iterdir())


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[CaseOutcome]]]:
    """Start every selected case, two at a time; return the futures of their results."""
    items = request.session.items
    asked = {
        str(item.callspec.params["name"])
        for item in items
        if isinstance(item, pytest.Function) and item.function is test_case
    }
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(run_case, name, tmp_path_factory.mktemp(name), endpoint, cql)
            for name in sorted(asked)
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, outcomes: dict[str, Future[CaseOutcome]]) -> None:
    """Each command of a public report ends and prints as expected, and the table holds the expected rows."""
    outcome = outcomes[name].result()
    text = (CASES / name / "expected.toml").read_text(encoding="utf-8")
    expected = tomllib.loads(text.replace("{case}", str(outcome.folder)))
    for ran, wanted in zip(outcome.commands, expected["commands"], strict=True):
        message = f"{expected['promise']}\n{ran.said}"
        assert ran.exits == wanted.get("exits", ran.exits), message
        assert [piece for piece in wanted["says"] if piece not in ran.said] == [], message
        assert "Traceback" not in ran.said, message
    wanted_rows = [json.loads(row) for row in expected["rows"]]
    rows = [
        {key: _as_wanted(value, wanted.get(key)) for key, value in row.items()}
        for row, wanted in zip(outcome.rows, wanted_rows, strict=False)
    ]
    assert (rows, len(outcome.rows)) == (wanted_rows, len(wanted_rows)), expected["promise"]


def _as_wanted(value: object, wanted: object) -> object:
    """Return the value; if it lies between the two expected bounds, return the expected value."""
    match value, wanted:
        case int(), {"between": [int(least), int(most)]} if least <= value <= most:
            return wanted
    return value

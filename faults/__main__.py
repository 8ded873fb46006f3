"""`python -m faults [--short] [--only name …]` prints a line for each scenario; exit code 1 if one fails."""

import argparse
import csv
import dataclasses
import itertools
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from faults.outcome import ScenarioError, ScenarioOutcome
from faults.scenarios import SCENARIOS, Scenario, specs
from faults.site import Environment

_RESULTS = Path(__file__).resolve().parent / "results"
_COLUMNS = ("scenario", "what", "times", "lost", "extra", "retries", "seconds", "held", "seen")
_CLUSTER_S = 30.0


def main() -> None:
    """Run the selected scenarios, print their outcomes, and write the outcomes of a whole run to a file.

    Raises:
        SystemExit: always; with code 1 if a scenario failed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m faults",
        description="Cause failures on real clusters, and check what each load leaves.",
    )
    parser.add_argument("--only", nargs="+", choices=[scenario.name for scenario in SCENARIOS])
    parser.add_argument("--times", type=int, help="repeats of each fault, in place of its own number")
    parser.add_argument(
        "--short", action="store_true", help="a few minutes: some scenarios, with few repeats"
    )
    options = parser.parse_args()
    chosen = [scenario for scenario in SCENARIOS if not options.only or scenario.name in options.only]
    if options.short:
        chosen = [_shortened(scenario) for scenario in chosen if scenario.short_times]
    kinds = len({scenario.kind for scenario in chosen})
    expected_s = sum(scenario.expected_s for scenario in chosen) + kinds * _CLUSTER_S
    print(f"{len(chosen)} scenarios, about {expected_s / 60:.0f} minutes on 2 cores", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        lines = list(_lines(_run(chosen, Path(folder), options.times)))
    if not options.only and not options.short:
        _RESULTS.mkdir(exist_ok=True)
        with (_RESULTS / "faults.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *lines])
    sys.exit(0 if all(line[_COLUMNS.index("held")] == "yes" for line in lines) else 1)


def _shortened(scenario: Scenario) -> Scenario:
    expected_s = scenario.expected_s * scenario.short_times / scenario.times
    return dataclasses.replace(scenario, times=scenario.short_times, expected_s=expected_s)


def _run(
    chosen: Sequence[Scenario], folder: Path, times: int | None
) -> Iterator[tuple[Scenario, ScenarioOutcome, float]]:
    for kind, scenarios in itertools.groupby(chosen, key=lambda scenario: scenario.kind):
        environment = Environment(specs(folder)[kind], folder / f"sites-{kind}")
        try:
            for scenario in scenarios:
                began_s = time.monotonic()
                try:
                    outcome = scenario.run(environment, times or scenario.times)
                except Exception as error:  # noqa: BLE001 - after any error the next scenario runs
                    outcome = ScenarioOutcome(times=times or scenario.times, faults=[_described(error)])
                yield scenario, outcome, time.monotonic() - began_s
        finally:
            environment.close()


def _described(error: Exception) -> str:
    return str(error) if isinstance(error, ScenarioError) else "".join(traceback.format_exception(error))


def _lines(outcomes: Iterable[tuple[Scenario, ScenarioOutcome, float]]) -> Iterator[tuple[object, ...]]:
    for scenario, outcome, seconds in outcomes:
        held = "yes" if outcome.holds else "NO"
        print(  # noqa: T201
            f"{'ok  ' if outcome.holds else 'FAIL'} {scenario.name}: {scenario.what}, {outcome.times} times; "
            f"lost {outcome.lost}, extra {outcome.extra}, retries {outcome.retries}, {seconds:.0f} s; "
            f"{outcome.seen}",
            *outcome.faults,
            sep="\n     ",
            flush=True,
        )
        yield (
            scenario.name,
            scenario.what,
            outcome.times,
            outcome.lost,
            outcome.extra,
            outcome.retries,
            round(seconds),
            held,
            "; ".join([outcome.seen, *outcome.faults]),
        )


if __name__ == "__main__":
    main()

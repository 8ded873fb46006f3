"""A table that is dropped, altered, recreated or truncated during its load, and two loads of one file."""

from collections.abc import Callable
from dataclasses import replace

from faults.limits import require_clear
from faults.outcome import ScenarioOutcome, require
from faults.site import Environment, Site, repeat


def dropped(environment: Environment, times: int) -> ScenarioOutcome:
    """Drop the table during its load, then run again."""
    return _changed(environment, times, "dropped", "dropped", lambda site: site.cql("DROP TABLE {}"))


def recreated(environment: Environment, times: int) -> ScenarioOutcome:
    """Drop the table and create it again during its load, then run again."""

    def change(site: Site) -> None:
        site.cql("DROP TABLE {}")
        site.cql("CREATE TABLE {} (user_id uuid PRIMARY KEY, first_name text, last_name text)")

    return _changed(environment, times, "recreated", "dropped", change)


def altered(environment: Environment, times: int) -> ScenarioOutcome:
    """Drop a column during the load, add it again, then run again."""
    return _changed(
        environment,
        times,
        "altered",
        "altered",
        lambda site: site.cql("ALTER TABLE {} DROP last_name"),
        repair=lambda site: site.cql("ALTER TABLE {} ADD last_name text"),
    )


def truncated(environment: Environment, times: int) -> ScenarioOutcome:
    """Truncate the table during its load, then run again."""
    return _changed(environment, times, "truncated", "truncated", lambda site: site.cql("TRUNCATE {}"))


def two_commands(environment: Environment, times: int) -> ScenarioOutcome:
    """Load one file by LoadUsers and LoadTable at the same time."""
    return _twice(
        environment,
        times,
        "two_commands",
        lambda site: ["LoadTable", "--table", f"{site.keyspace}.user"],
        has_table=True,  # LoadTable does not create it
    )


def two_pool_sizes(environment: Environment, times: int) -> ScenarioOutcome:
    """Load one file at the same time by two runs of a task that differ in the pool size."""
    return _twice(environment, times, "two_pool_sizes", lambda _: ["LoadUsers", "--pool-size", "7"])


def _changed(
    environment: Environment,
    times: int,
    name: str,
    message: str,
    change: Callable[[Site], None],
    *,
    repair: Callable[[Site], None] = lambda _: None,
) -> ScenarioOutcome:
    with environment.site(name) as site:
        words = site.load("--rows-per-s", str(_ROWS_PER_S), "--max-bad-rows", "50%")

        def load(number: int) -> None:
            run = site.begin(*words)
            run.until((lambda: site.settled("file")) if number % 2 else site.has_rows)
            change(site)
            require(run.wait(), f"the load succeeded, its table {message}:\n{run.output[-2000:]}")
            require_clear(run.output, message)
            require(not list(site.folder.rglob("bad_rows.csv")), "good rows were reported as bad rows")
            repair(site)
            site.done(*words)

        outcome = repeat(site, site.users(_ROWS), times, load)
    return replace(outcome, seen=f"reported as {message}, never finished")


def _twice(
    environment: Environment,
    times: int,
    name: str,
    other: Callable[[Site], list[str]],
    *,
    has_table: bool = False,
) -> ScenarioOutcome:
    """Start two loads at the same time; without `has_table`, one of them creates the table."""
    with environment.site(name) as site:

        def load(_: int) -> None:
            if has_table:
                site.done("SetupKeyspace")
            one = site.begin(*site.load())
            two = site.begin(*other(site), "--input", "users.csv")
            for run in (one, two):
                code = run.wait()
                require(code == 0, f"one of two loads exited with {code}:\n{run.output[-3000:]}")

        return repeat(site, site.users(_ROWS), times, load)


_ROWS = 100_000
_ROWS_PER_S = 20_000

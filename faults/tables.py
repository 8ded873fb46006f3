"""A table that is dropped, altered, made anew or emptied under its load, and two loads of a file at once."""

from collections.abc import Callable

from faults.limits import require_clear
from faults.outcome import ScenarioOutcome, require
from faults.site import Environment, Site


def dropped(environment: Environment, times: int) -> ScenarioOutcome:
    """Drop the table in the middle of its load, then run again."""
    return _changed(environment, times, "dropped", "dropped", lambda site: site.cql("DROP TABLE {}"))


def recreated(environment: Environment, times: int) -> ScenarioOutcome:
    """Drop the table and make it anew in the middle of its load, then run again."""

    def change(site: Site) -> None:
        site.cql("DROP TABLE {}")
        site.cql("CREATE TABLE {} (user_id uuid PRIMARY KEY, first_name text, last_name text)")

    return _changed(environment, times, "recreated", "dropped", change)


def altered(environment: Environment, times: int) -> ScenarioOutcome:
    """Drop a column in the middle of the load, add it again, then run again."""
    return _changed(
        environment,
        times,
        "altered",
        "altered",
        lambda site: site.cql("ALTER TABLE {} DROP last_name"),
        mend=lambda site: site.cql("ALTER TABLE {} ADD last_name text"),
    )


def truncated(environment: Environment, times: int) -> ScenarioOutcome:
    """Truncate the table in the middle of its load, then run again."""
    return _changed(environment, times, "truncated", "truncated", lambda site: site.cql("TRUNCATE {}"))


def two_commands(environment: Environment, times: int) -> ScenarioOutcome:
    """Load one file by LoadUsers and by LoadTable at once."""
    return _twice(
        environment,
        times,
        "two_commands",
        lambda site: ["LoadTable", "--table", f"{site.keyspace}.user"],
        has_table=True,  # LoadTable makes none
    )


def two_pool_sizes(environment: Environment, times: int) -> ScenarioOutcome:
    """Load one file by the same task with another pool size at once."""
    return _twice(environment, times, "two_pool_sizes", lambda _: ["LoadUsers", "--pool-size", "7"])


def _changed(
    environment: Environment,
    times: int,
    name: str,
    message: str,
    change: Callable[[Site], None],
    *,
    mend: Callable[[Site], None] = lambda _: None,
) -> ScenarioOutcome:
    lost = extra = 0
    with environment.site(name) as site:
        users = site.users(_ROWS)
        words = site.load("--rows-per-s", str(_ROWS_PER_S), "--max-bad-rows", "50%")
        for number in range(times):
            site.begin_anew()
            run = site.begin(*words)
            run.until(site.settled if number % 2 else site.has_rows)
            change(site)
            require(run.wait(), f"the load ended well, its table {message}:\n{run.output[-2000:]}")
            require_clear(run.output, message)
            require(not list(site.folder.rglob("bad_rows.csv")), "rows were called bad that are not")
            mend(site)
            site.done(*words)
            difference = site.compare(users)
            lost += difference.lost
            extra += difference.extra
    return ScenarioOutcome(times=times, lost=lost, extra=extra, seen=f"told as {message}, never finished")


def _twice(
    environment: Environment,
    times: int,
    name: str,
    other: Callable[[Site], list[str]],
    *,
    has_table: bool = False,
) -> ScenarioOutcome:
    """Begin two loads at once; where the table is not there, the first to look for it makes it."""
    lost = extra = 0
    with environment.site(name) as site:
        users = site.users(_ROWS)
        for _ in range(times):
            site.begin_anew()
            if has_table:
                site.done("SetupKeyspace")
            one = site.begin(*site.load())
            two = site.begin(*other(site), "--input", "users.csv")
            for run in (one, two):
                code = run.wait()
                require(code == 0, f"one of two loads exited with {code}:\n{run.output[-3000:]}")
            difference = site.compare(users)
            lost += difference.lost
            extra += difference.extra
    return ScenarioOutcome(times=times, lost=lost, extra=extra)


_ROWS = 100_000
_ROWS_PER_S = 20_000

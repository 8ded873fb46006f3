"""A server with few resources, and a full disk."""

from dataclasses import replace

from faults.nodes import finish
from faults.outcome import ScenarioOutcome, require
from faults.site import Environment, repeat

MESSAGE = "File too large"


def overload(environment: Environment, times: int) -> ScenarioOutcome:
    """Load without a cap into a node of 256 MB with tiny queues and short timeouts."""
    elapsed_s = 0.0
    with environment.site("overload") as site:

        def load(_: int) -> int:
            nonlocal elapsed_s
            retries = finish(site, site.begin(*site.load("--pool-size", "400")))
            elapsed_s += float(str(site.report()["elapsed_s"]))
            return retries

        outcome = repeat(site, site.users(_ROWS), times, load)
    seen = f"{times * _ROWS / elapsed_s:.0f} rows/s; {', '.join(site.kinds_of_retries)}"
    return replace(outcome, seen=seen)


def disk_full(environment: Environment, times: int) -> ScenarioOutcome:
    """Let the journal exceed the system's limit of a file's size, then run again."""
    with environment.site("disk_full") as site:
        users = site.users(_ROWS)
        with (site.folder / "users.csv").open("a", encoding="utf-8") as text:
            text.writelines("no key,Ada,Lovelace\n" for _ in range(_BAD_ROWS))
        words = site.load("--max-bad-rows", "50%", "--processes", "2")

        def load(number: int) -> None:
            # Blocks of 512 bytes: enough for Luigi's output, too few for all bad rows in the journal.
            run = site.begin(*words, limit=f"-f {200 + 50 * number}")
            require(run.wait(), "a load whose journal cannot be written succeeded")
            require_clear(run.output, MESSAGE)
            site.done(*words)

        outcome = repeat(site, users, times, load)
    return replace(outcome, seen=f"reported as {MESSAGE!r}, resumed")


def output_full(environment: Environment, times: int) -> ScenarioOutcome:
    """Load with standard output and error on a full device."""
    code = 0
    with environment.site("output_full") as site:

        def load(_: int) -> None:
            nonlocal code
            code = site.begin(*site.load(), log="/dev/full").wait()
            site.again_until_done(*site.load())

        outcome = repeat(site, site.users(_ROWS), times, load)
    return replace(outcome, seen=f"exit code {code}")


def require_clear(output: str, message: str) -> None:
    """Return if the output holds the message, and no traceback.

    Raises:
        ScenarioError: otherwise.
    """
    require(message in output, f"{message!r} was not printed:\n{output[-3000:]}")
    require("Traceback" not in output, f"a traceback was printed:\n{output[-3000:]}")


_ROWS = 100_000
_BAD_ROWS = 20_000

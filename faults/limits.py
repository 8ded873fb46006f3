"""A server with no room to spare, and a disk with none."""

from faults.nodes import finish
from faults.outcome import ScenarioOutcome, require
from faults.site import Environment

MESSAGE = "File too large"


def overload(environment: Environment, times: int) -> ScenarioOutcome:
    """Load as fast as it goes into a node of 256 MB with tiny queues and short timeouts."""
    lost = extra = retries = 0
    elapsed_s = 0.0
    with environment.site("overload") as site:
        users = site.users(_ROWS)
        for _ in range(times):
            site.begin_anew()
            retries += finish(site, site.begin(*site.load("--pool-size", "400")))
            elapsed_s += float(str(site.report()["elapsed_s"]))
            difference = site.compare(users)
            lost += difference.lost
            extra += difference.extra
    return ScenarioOutcome(
        times=times,
        lost=lost,
        extra=extra,
        retries=retries,
        seen=f"{times * _ROWS / elapsed_s:.0f} rows/s; {', '.join(site.kinds_of_retries)}",
    )


def disk_full(environment: Environment, times: int) -> ScenarioOutcome:
    """Let the journal, or the generated rows, grow past what the system allows, then run again."""
    lost = extra = 0
    with environment.site("disk_full") as site:
        users = site.users(_ROWS)
        with (site.folder / "users.csv").open("a", encoding="utf-8") as text:
            text.writelines("no key,Ada,Lovelace\n" for _ in range(_BAD_ROWS))
        words = site.load("--max-bad-rows", "50%", "--processes", "2")
        for number in range(times):
            site.begin_anew()
            # Blocks of 512 bytes: room for what Luigi says, none for all bad rows in the journal.
            run = site.begin(*words, limit=f"-f {200 + 50 * number}")
            require(run.wait(), "a load whose journal cannot be written ended well")
            require_clear(run.output, MESSAGE)
            site.done(*words)
            difference = site.compare(users)
            lost += difference.lost
            extra += difference.extra
    return ScenarioOutcome(times=times, lost=lost, extra=extra, seen=f"told as {MESSAGE!r}, resumed")


def output_full(environment: Environment, times: int) -> ScenarioOutcome:
    """Load with standard output and error on a full device."""
    lost = extra = 0
    with environment.site("output_full") as site:
        users = site.users(_ROWS)
        for _ in range(times):
            site.begin_anew()
            run = site.begin(*site.load(), log="/dev/full")
            code = run.wait()
            site.again_until_done(*site.load())
            difference = site.compare(users)
            lost += difference.lost
            extra += difference.extra
    return ScenarioOutcome(times=times, lost=lost, extra=extra, seen=f"exit code {code}")


def require_clear(output: str, message: str) -> None:
    """Return if the message was said, and nothing that only a developer reads."""
    require(message in output, f"{message!r} was not said:\n{output[-3000:]}")
    require("Traceback" not in output, f"a traceback was printed:\n{output[-3000:]}")


_ROWS = 100_000
_BAD_ROWS = 20_000

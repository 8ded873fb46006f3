"""The contenders: the command line, the environment and the maximum number of rows of each."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
OURS = "ours, batch"
LIMIT = "server limit"

_OWN = PROJECT / ".venv"
_FOREIGN = PROJECT / ".venv-bench"
_FIRST_ROWS = 100_000
_TIMEOUT_S = 1800


@dataclass(frozen=True, kw_only=True)
class BenchContender:
    """One contender of the comparison; `expected_rows_per_s` is only for the estimate of the duration."""

    label: str
    module: str
    environment: Path
    expected_rows_per_s: int
    options: tuple[str, ...] = ()
    most_rows: int | None = None

    def rows_of(self, rows: int) -> int:
        """Return how many of the `rows` rows of a file it loads: a slow contender the first 100,000."""
        return min(rows, self.most_rows or rows)

    def run(self, arguments: list[str]) -> str:
        """Run it to its end; return the line of JSON that it prints.

        Raises:
            RuntimeError: it failed, or exceeded the timeout.
        """
        command = [str(self.environment / "bin" / "python"), "-m", self.module, *self.options, *arguments]
        try:
            done = subprocess.run(
                command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{self.label} took more than {_TIMEOUT_S} s: {' '.join(command)}") from error
        if done.returncode != 0:
            raise RuntimeError(
                f"{self.label} exited with {done.returncode}: {' '.join(command)}\n{done.stderr[-2000:]}"
            )
        return done.stdout.strip().splitlines()[-1]


ROSTER = {
    contender.label: contender
    for contender in (
        BenchContender(
            label=LIMIT,
            module="bench.contenders.server_limit",
            environment=_OWN,
            expected_rows_per_s=60_000,
        ),
        BenchContender(
            label=f"{LIMIT}, token order",
            module="bench.contenders.server_limit",
            environment=_OWN,
            expected_rows_per_s=80_000,
            options=("--window-bytes", str(6 << 20)),
        ),
        BenchContender(
            label=OURS,
            module="bench.contenders.ours",
            environment=_OWN,
            expected_rows_per_s=80_000,
            options=("--method", "batch"),
        ),
        BenchContender(
            label="ours, batch, Parquet",
            module="bench.contenders.ours",
            environment=_OWN,
            expected_rows_per_s=80_000,
            options=("--method", "batch", "--parquet"),
        ),
        BenchContender(
            label="ours, large batch",
            module="bench.contenders.ours",
            environment=_OWN,
            expected_rows_per_s=80_000,
            options=("--method", "batch", "--batch-size-bytes", "40960"),
        ),
        BenchContender(
            label="ours, prepared",
            module="bench.contenders.ours",
            environment=_OWN,
            expected_rows_per_s=20_000,
            options=("--method", "prepared"),
            most_rows=_FIRST_ROWS,
        ),
        BenchContender(
            label="ours, create",
            module="bench.contenders.ours",
            environment=_OWN,
            expected_rows_per_s=4_000,
            options=("--method", "create"),
            most_rows=_FIRST_ROWS,
        ),
        BenchContender(
            label="acsylla, batch",
            module="bench.contenders.acsylla_load",
            environment=_FOREIGN,
            expected_rows_per_s=60_000,
            options=("--method", "batch"),
        ),
        BenchContender(
            label="acsylla, small batch",
            module="bench.contenders.acsylla_load",
            environment=_FOREIGN,
            expected_rows_per_s=60_000,
            options=("--method", "small-batch"),
        ),
        BenchContender(
            label="acsylla, prepared",
            module="bench.contenders.acsylla_load",
            environment=_FOREIGN,
            expected_rows_per_s=25_000,
            options=("--method", "prepared"),
            most_rows=_FIRST_ROWS,
        ),
        BenchContender(
            label="scyllapy, batch",
            module="bench.contenders.scyllapy_load",
            environment=_FOREIGN,
            expected_rows_per_s=60_000,
            options=("--method", "batch"),
        ),
        BenchContender(
            label="scyllapy, small batch",
            module="bench.contenders.scyllapy_load",
            environment=_FOREIGN,
            expected_rows_per_s=60_000,
            options=("--method", "small-batch"),
        ),
        BenchContender(
            label="scyllapy, prepared",
            module="bench.contenders.scyllapy_load",
            environment=_FOREIGN,
            expected_rows_per_s=12_000,
            options=("--method", "prepared"),
            most_rows=_FIRST_ROWS,
        ),
        BenchContender(
            label="cqlsh COPY",
            module="bench.contenders.cqlsh_copy",
            environment=_FOREIGN,
            expected_rows_per_s=45_000,
        ),
        BenchContender(
            label="execute_concurrent",
            module="bench.contenders.execute_concurrent",
            environment=_FOREIGN,
            expected_rows_per_s=10_000,
            most_rows=_FIRST_ROWS,
        ),
        BenchContender(
            label="DSBulk",
            module="bench.contenders.dsbulk",
            environment=_OWN,
            expected_rows_per_s=8_000,
            most_rows=_FIRST_ROWS,
        ),
        BenchContender(
            label="DSBulk, replica set",
            module="bench.contenders.dsbulk",
            environment=_OWN,
            expected_rows_per_s=12_000,
            options=("--batch-mode", "REPLICA_SET"),
            most_rows=_FIRST_ROWS,
        ),
    )
}

"""Writes the recorded exports anew: `python -m tests.exports.record`, once .venv-exports is made."""

import shutil
import tempfile
from pathlib import Path

from pipeline import embedded
from tests.exports.loading import RECORDED
from tests.exports.losses import LOSSES
from tests.exports.programs import PROGRAMS
from tests.exports.tables import Keyspace
from tests.harness.sessions import connected


def main() -> None:
    """Export the table of all values by each program, from a server of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        endpoint = embedded.start(embedded.ClusterSpec(folder=folder / "cassandra", heap="768M"))
        try:
            with connected(endpoint) as cql:
                for program, target in RECORDED.items():
                    values = LOSSES[program].values()
                    keyspace = Keyspace("t_exports", cql, endpoint)
                    table = keyspace.create("source", [*values])
                    keyspace.fill("source", values)
                    (folder / program).mkdir()
                    shutil.copyfile(PROGRAMS[program](table, endpoint, folder / program), target)
        finally:
            embedded.stop(folder / "cassandra")


if __name__ == "__main__":
    main()

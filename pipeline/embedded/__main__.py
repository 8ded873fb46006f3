"""The command line of the embedded Cassandra: `python -m pipeline.embedded start|stop|status`."""

import argparse
import logging
import shlex
import sys
from pathlib import Path

from pipeline.embedded import ClusterSpec, start, status, stop
from pipeline.embedded.releases import DEFAULT, RELEASES
from pipeline.errors import PipelineError

_EXIT_NOT_RUNNING = 3
_EXIT_INTERRUPTED = 130


def _run(arguments: argparse.Namespace) -> tuple[str, int]:
    """Carry out the command; return its output and the exit code."""
    folder: Path = arguments.folder
    if arguments.command == "start":
        spec = ClusterSpec(
            folder=folder,
            nodes=arguments.nodes,
            heap=arguments.heap,
            port=arguments.port,
            version=arguments.version,
        )
        found = start(spec)
        where = ", ".join(f"{address}:{found.port}" for address in found.contact_points)
        logs = "".join(f"log: {node.log}\n" for node in status(folder).nodes)
        how = f"stop it with: python -m pipeline.embedded stop --folder {shlex.quote(str(folder))}"
        return f"Cassandra takes requests at {where}\n{logs}{how}", 0
    if arguments.command == "stop":
        return f"stopped Cassandra in {folder}" if stop(folder) else f"nothing runs in {folder}", 0
    found_status = status(folder)
    lines = [
        f"{node.address}:{node.port} {f'is process {node.pid}' if node.pid else 'is down'}, log: {node.log}"
        for node in found_status.nodes
    ]
    return "\n".join(lines) or f"no cluster in {folder}", 0 if found_status.running else _EXIT_NOT_RUNNING


def main() -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.embedded", description="A Cassandra from pip.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in {
        "start": "start a cluster, or find it running",
        "stop": "stop it; its data stays",
        "status": f"show which nodes run; exit code {_EXIT_NOT_RUNNING} if not all do",
    }.items():
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.add_argument(
            "--folder", type=Path, default=Path("output/cassandra"), help="default: %(default)s"
        )
        if name == "start":
            command.add_argument("--nodes", type=int, default=1, help="how many; default: %(default)s")
            command.add_argument(
                "--heap", default="1G", help="of each node, such as 512M; default: %(default)s"
            )
            command.add_argument(
                "--version", default=DEFAULT, choices=RELEASES, help="of Cassandra; default: %(default)s"
            )
            command.add_argument("--port", type=int, default=0, help="for CQL; default: 0, a free port")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("pipeline").setLevel(logging.INFO)
    try:
        output, exit_code = _run(parser.parse_args())
    except PipelineError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    sys.stdout.write(f"{output}\n")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())

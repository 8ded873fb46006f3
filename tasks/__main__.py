"""The command for a new project: `python -m tasks init`. Loads run by the command `luigi`."""

import argparse
import sys

from tasks.newproject import write_config_file


def main() -> None:
    """Execute the command line.

    Raises:
        PipelineError: luigi.cfg exists, or cannot be written.
    """
    parser = argparse.ArgumentParser(prog="python -m tasks", description="Begin a project of loads.")
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser("init", help="write a luigi.cfg into the current folder")
    parser.parse_args()
    file = write_config_file()
    sys.stdout.write(f"wrote {file}: set contact_points and keyspace there, then run a load\n")


if __name__ == "__main__":
    main()

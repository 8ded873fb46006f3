"""Where lines go: to a terminal and a log file, or, without a terminal, to standard error as text or JSON.

A user who configures logging, by Luigi's `logging_conf_file` or `no_configure_logging`, has what that says.
"""

import datetime as dt
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi.setup_logging import InterfaceLogging

from pipeline.errors import PipelineError
from pipeline.settings import OutputConfig
from tasks.notes import process_run_id
from tasks.seen.lines import JsonLines, JsonOutput, TextLines
from tasks.seen.subjects import note_command, subject_now
from tasks.settings import build

if TYPE_CHECKING:
    from tasks.seen.screen import Screen


class Logs:
    """Where lines go in this process: a screen, a log file and a format, as far as there are any."""

    def __init__(self) -> None:
        self.screen: Screen | None = None
        self.file: Path | None = None
        self.is_json = False

    def install(self) -> None:
        """Take the place of Luigi's default for logging; what a user configures still precedes it."""

        def set_up(_: object, options: Any) -> bool:  # noqa: ANN401 - Luigi's attributes have no types
            self._set_up(options.log_level)
            return True

        InterfaceLogging._default = classmethod(set_up)  # noqa: SLF001 - Luigi has no other seam for it

    def _set_up(self, level: str) -> None:
        process_run_id()
        note_command()
        logging.getLogger("luigi-interface").setLevel(level)
        logging.getLogger("pipeline").setLevel(level)
        logging.captureWarnings(capture=True)
        config = config_or_default()
        formatter = JsonLines() if config.log_format == "json" else TextLines()
        if is_terminal():
            self._show(config, formatter)
            return
        self.is_json = config.log_format == "json"
        lines = logging.StreamHandler()
        lines.setFormatter(formatter)
        logging.getLogger().addHandler(lines)
        if self.is_json:
            sys.stdout = JsonOutput(sys.stdout)

    def _show(self, config: OutputConfig, formatter: logging.Formatter) -> None:
        # rich takes a tenth of a second to import.
        from tasks.seen.screen import Screen  # noqa: PLC0415

        self.screen = Screen()
        logging.getLogger().addHandler(self.screen)
        file = log_file(Path(config.folder), "jsonl" if config.log_format == "json" else "log")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            kept = logging.FileHandler(file, encoding="utf-8")
        except OSError as error:
            logging.getLogger(__name__).warning(
                "there is no log of this run: cannot write %s: %s", file, error.strerror
            )
            return
        self.file = file
        kept.setFormatter(formatter)
        logging.getLogger().addHandler(kept)


def is_terminal() -> bool:
    """Return whether a person reads standard error."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def config_or_default() -> OutputConfig:
    """Return the settings of the output, the defaults if they are wrong: the tasks themselves say that."""
    try:
        return build(OutputConfig)
    except PipelineError:
        return OutputConfig()


def log_file(folder: Path, ending: str) -> Path:
    """Return the log file of this run: by its day, its time, its task and its process."""
    now = dt.datetime.now().astimezone()
    name = "-".join(filter(None, (f"{now:%H%M%S}", subject_now().task, f"{os.getpid()}")))
    return folder / "logs" / f"{now:%Y-%m-%d}" / f"{name}.{ending}"


logs = Logs()

"""Tasks that print the settings of a run, as tasks and loads get them."""

import dataclasses
import json

import luigi

from pipeline.settings import LoadConfig
from tasks import settings
from tasks.options import LoadParameters


class ShowSettings(luigi.Task):
    """Print every setting of every section as JSON, in one line."""

    def complete(self) -> bool:
        """Never."""
        return False

    def run(self) -> None:
        """Print them."""
        shown = {
            section.get_task_family(): {
                name: parameter.serialize(getattr(section(), name))
                for name, parameter in section.get_params()
            }
            for section in settings.SECTIONS
        }
        print(json.dumps(shown))  # noqa: T201 - what it is for


class ShowLoad(LoadParameters):
    """Print the settings of a load with these parameters as JSON, in one line."""

    def complete(self) -> bool:
        """Never."""
        return False

    def run(self) -> None:
        """Print it."""
        print(json.dumps(dataclasses.asdict(settings.build(LoadConfig, self))))  # noqa: T201 - as above

"""A task that shows what settings a run has, as tasks get them."""

import json

import luigi

from tasks import settings


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

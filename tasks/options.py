"""The parameters that a load and its verification share."""

import luigi

from tasks import settings
from tasks.declared import with_settings
from tasks.parameters import Day


@with_settings(settings.load)
class LoadParameters(luigi.Task):
    """The parameters of a load and of the tasks after it: the settings of [load], and the day."""

    date = Day(description="The day of the batch.")

"""How a load is done: the parameters that a load and its verification share."""

import luigi

from tasks import settings
from tasks.declared import with_settings
from tasks.parameters import Day


@with_settings(settings.load)
class LoadParameters(luigi.Task):
    """How a load is done, for the load and for what follows it: the settings of [load], and the day."""

    date = Day(description="The day of the batch.")

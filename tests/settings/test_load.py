"""Which settings of a load make it another load."""

import inspect

from pipeline.rowfiles.sources import options_of
from pipeline.settings import LoadConfig
from pipeline.settings.declaration import settings_of


def test_what_is_significant_tells_loads_apart() -> None:
    """Each setting that is declared significant is part of what a load's files and marker are known by."""
    significant = {each.field for each in settings_of(LoadConfig) if each.is_significant}
    assert significant == set(inspect.signature(options_of).parameters) - {"mapping"}

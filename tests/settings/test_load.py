"""Which settings distinguish one load from another."""

import inspect

from pipeline.rowfiles.sources import options_of
from pipeline.settings import LoadConfig
from pipeline.settings.declaration import settings_of


def test_what_is_significant_tells_loads_apart() -> None:
    """Each setting that is declared significant is part of the key of a load's files and marker."""
    significant = {each.field for each in settings_of(LoadConfig) if each.is_significant}
    assert significant == set(inspect.signature(options_of).parameters) - {"columns", "dialects", "values"}

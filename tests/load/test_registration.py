from pipeline.load.methods import PREPARE
from pipeline.settings import METHODS


def test_each_method_of_the_settings_is_registered() -> None:
    """The loader can prepare exactly the methods that `[load] method` allows."""
    assert set(METHODS) == set(PREPARE)

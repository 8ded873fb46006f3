from pipeline.load.methods import PREPARE
from pipeline.settings import METHODS


def test_each_method_of_the_settings_is_registered() -> None:
    """What `[load] method` may be is what the loader can prepare."""
    assert set(METHODS) == set(PREPARE)

"""The methods that write rows. Each is registered here by its name in the settings."""

from collections.abc import Callable, Mapping

from pipeline.load.methods.create import model_create
from pipeline.load.methods.insert import batches, single_rows
from pipeline.load.methods.protocol import Method, Preparation

PREPARE: Mapping[str, Callable[[Preparation], Method]] = {
    "batch": batches,
    "prepared": single_rows,
    "create": model_create,
}
"""What prepares each method."""

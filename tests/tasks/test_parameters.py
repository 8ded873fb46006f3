"""Undocumented names of Luigi that `tasks.parameters` uses, because an upgrade can change them."""

import json

from tests.harness.interpreter import printed

PROGRAM = """
import inspect, json, warnings
warnings.simplefilter("ignore")
import luigi
from tasks.parameters import SettingParameter, Located

class Sample(luigi.Task):
    given = SettingParameter(default="here")

print(json.dumps({
    **{
        name: list(inspect.signature(getattr(luigi.Parameter, name)).parameters)
        for name in ("_parser_kwargs", "_get_value_from_config")
    },
    "name": Sample.given.known_as,
    "default": Located(default="here")._default,
    "switch": luigi.BoolParameter()._parser_kwargs("drop")["action"],
}))
"""


def test_luigis_parameters_have_what_ours_override_and_read() -> None:
    """Methods with their arguments, a parameter's name and default, and how a flag without value is known."""
    assert json.loads(printed(PROGRAM)) == {
        "_parser_kwargs": ["param_name", "task_name"],
        "_get_value_from_config": ["self", "section", "name"],
        "name": "given",
        "default": "here",
        "switch": "store_true",
    }

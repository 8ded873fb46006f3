"""Values as JSON, for other processes and for files: jobs and their results, trials and timings."""

import json
from collections.abc import Iterator
from typing import Any, TypeVar

from cattrs.preconf.json import make_converter

from pipeline.workers.jobs import Job, result_type

R = TypeVar("R")
Value = TypeVar("Value")
_converter = make_converter()
_converter.register_structure_hook(type(None), lambda value, _: value)


def to_json_values(value: object) -> Any:  # noqa: ANN401 - of any type
    """Return a dataclass, with its contents, as values that JSON can represent."""
    return _converter.unstructure(value)


def to_json(value: object) -> str:
    """Return a dataclass as one line of JSON."""
    return json.dumps(to_json_values(value))


def from_json(kind: type[Value], text: str) -> Value:
    """Return the dataclass that `to_json` wrote."""
    return _converter.structure(json.loads(text), kind)


def from_json_values(kind: type[Value], values: object) -> Value:
    """Return the value that `to_json_values` took apart."""
    return _converter.structure(values, kind)


def job_to_json(job: Job[Any]) -> str:
    """Return `job` with the name of its class, as one line of JSON."""
    return json.dumps({_name(type(job)): to_json_values(job)})


def job_from_json(text: str) -> Job[Any]:
    """Return the job that `job_to_json` wrote; its settings are checked again.

    Raises:
        SettingError: a setting is out of range.
    """
    [(name, settings)] = json.loads(text).items()
    [kind] = (kind for kind in known_jobs() if _name(kind) == name)
    job: Job[Any] = _converter.structure(settings, kind)
    return job


def result_from_json_values(job: Job[R], values: object) -> R:
    """Return the result of `job` from the values that `to_json_values` returned."""
    result: R = _converter.structure(values, result_type(type(job)))
    return result


def known_jobs() -> Iterator[type[Job[Any]]]:
    """Yield the classes of jobs that have been imported."""
    waiting: list[type[Job[Any]]] = [Job]  # type: ignore[type-abstract]  # only its subclasses are used
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if not kind.__abstractmethods__:
            yield kind


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"

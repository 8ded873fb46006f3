"""Jobs as JSON, on their way to a worker."""

import json

from cattrs.preconf.json import make_converter

from pipeline.workers import jobs

_converter = make_converter()


def job_to_json(job: jobs.Job) -> str:
    """Return `job` with its type's name, as one line of JSON."""
    return json.dumps({type(job).__name__: _converter.unstructure(job)})


def job_from_json(text: str) -> jobs.Job:
    """Return the job that `job_to_json` wrote, its settings checked again as they are built.

    Raises:
        SettingError: a setting is out of range.
    """
    [(name, settings)] = json.loads(text).items()
    job: jobs.Job = _converter.structure(settings, getattr(jobs, name))
    return job

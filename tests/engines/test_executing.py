"""What a worker of another system answers, whatever becomes of its child process."""

import json

from pipeline.engines.executing import carry_out, own_version


def test_another_version_is_refused() -> None:
    """A worker with another version of the package says so, and starts nothing."""
    said = json.loads(carry_out("no job at all", 60, "0.0.1", worker="w"))
    kind, message = said["error"]
    assert (said["worker"], kind) == ("w", "SettingError")
    assert f"it has luigi-cassandra-load {own_version()}, and here it is 0.0.1" in message


def test_a_job_that_is_not_wanted_is_ended() -> None:
    """A job that nobody wants any more ends with its process, and without a result."""
    said = json.loads(carry_out("", 60, own_version(), is_wanted=lambda: False))
    assert said["lost"] == "it was cancelled"

"""What a worker of another system answers, whatever becomes of its child process."""

import json
import signal
import time
from pathlib import Path

import psutil
import pytest

from pipeline.cluster.jobs import DescribeTable
from pipeline.engines.executing import carry_out, own_version
from pipeline.errors import WorkerError
from pipeline.workers.client import Messages, end_waiting, worker_with
from pipeline.workers.codec import job_to_json
from tests.harness.enginejobs import describe
from tests.harness.workspace import until


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


def test_a_child_carries_out_one_job_after_another(tmp_path: Path) -> None:
    """A job goes to the child of the job before, also of one that failed; a late one gets a new child."""
    end_waiting()
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")
    job, failing = job_to_json(describe(file)), job_to_json(describe(tmp_path / "absent.csv"))
    said = [json.loads(carry_out(each, 60, own_version())) for each in (job, failing, job)]
    assert [{"result", "error", "lost"} & each.keys() for each in said] == [{"result"}, {"error"}, {"result"}]
    [child] = _children()
    child.kill()
    child.wait(20)
    assert "result" in json.loads(carry_out(job, 60, own_version()))
    [another] = _children()
    assert another.pid != child.pid


def test_a_child_that_waits_in_vain_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no other job comes, the child ends by itself and leaves nothing: the machine is not only ours."""
    end_waiting()
    monkeypatch.setattr("pipeline.engines.executing._IDLE_S", 0.5)
    file = tmp_path / "rows.csv"
    file.write_text("id\n1\n", encoding="utf-8")
    assert "result" in json.loads(carry_out(job_to_json(describe(file)), 60, own_version()))
    [child] = _children()
    until(lambda: not child.is_running())


def test_a_deadline_also_ends_a_process_that_was_stopped(silent: DescribeTable) -> None:
    """A process that is continued after its deadline is ended before it does anything else."""
    end_waiting()
    with worker_with(job_to_json(silent), deadline_s=6) as worker:
        process = psutil.Process(worker.pid)
        until(lambda: "pipeline.worker" in process.cmdline())
        time.sleep(3)
        process.suspend()
        time.sleep(4)
        assert worker.poll() is None
        process.resume()
        with pytest.raises(WorkerError, match=f"signal {signal.SIGALRM:d}"):
            Messages(worker).read()


def _children() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "pipeline.worker" in each.cmdline()]

"""The CPU that this process and all that it started have used, by Python and by the JVMs of Spark."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class ProcessCpu:
    """The user and system time of a process so far, and of those that it has waited for.

    `forked` is the id of the worker of `pyspark.daemon` that it is, or that started it; 0 if there is none.
    """

    is_jvm: bool
    forked: int
    own_s: float
    waited_for_s: float


def client_cpu(servers: Container[int | None]) -> Mapping[int, ProcessCpu]:
    """Return the times of this process and of those below it, by process id, without the servers.

    A process that has ended counts as well, until its parent waits for it and has its times.
    """
    own, used = psutil.Process(), dict[int, ProcessCpu]()
    for each in (own, *own.children(recursive=True)):
        if each.pid in servers:
            continue
        try:
            parent, times, is_jvm = each.ppid(), each.cpu_times(), each.name() == "java"
        except psutil.NoSuchProcess:  # its parent has its times now
            continue
        above = used[parent].forked if parent in used else 0
        used[each.pid] = ProcessCpu(
            is_jvm=is_jvm,
            forked=each.pid if _is_daemons(each) else above,
            own_s=times.user + times.system,
            waited_for_s=times.children_user + times.children_system,
        )
    return used


def _is_daemons(process: psutil.Process) -> bool:
    """Tell whether a process is the daemon of PySpark or one of its workers; neither waits for its own."""
    try:
        return "pyspark.daemon" in process.cmdline()
    except psutil.ZombieProcess:
        return False


def used_between(before: Mapping[int, ProcessCpu], after: Mapping[int, ProcessCpu]) -> tuple[float, float]:
    """Return the seconds of CPU of Python, and those of the JVMs, that lie between.

    What a process has waited for counts as Python, because no JVM ends during a load. An idle worker that
    `pyspark.daemon` has ended meanwhile, and what was below it, are in no process's time, so they do not
    count before either.
    """
    gone = {pid for pid, each in before.items() if each.forked and each.forked not in after}
    python_s = jvms_s = 0.0
    for sign, times in ((-1, before), (1, after)):
        for each in (each for pid, each in times.items() if pid not in gone):
            python_s += sign * (each.waited_for_s + (0.0 if each.is_jvm else each.own_s))
            jvms_s += sign * (each.own_s if each.is_jvm else 0.0)
    return python_s, jvms_s

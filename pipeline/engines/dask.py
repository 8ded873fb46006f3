"""The engine Dask: each thread of its workers has one child process at a time."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pipeline.engines.executing import carry_out, own_version
from pipeline.engines.remote import Answer, RemoteEngine, Workers
from pipeline.errors import SettingError, WorkerError
from pipeline.settings import DaskConfig


@contextlib.contextmanager
def open_dask(config: DaskConfig) -> Iterator[RemoteEngine]:
    """Connect to a scheduler, and leave it when the block ends.

    Raises:
        SettingError: Dask is not installed, or no scheduler is named.
        WorkerError: the scheduler does not answer, or has no workers.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - it is optional
    except ImportError as error:
        raise SettingError(f"engine is 'dask', but {error}; run: pip install '.[dask]'") from error
    if not config.scheduler:
        raise SettingError(
            "engine is 'dask', and scheduler in [dask] is empty; name the address of the scheduler, such as "
            "tcp://10.0.0.5:8786"
        )
    try:
        client: Any = Client(config.scheduler, timeout=_CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]  # it has no types
    except (OSError, ValueError) as error:
        raise WorkerError(
            f"Dask's scheduler {config.scheduler} does not answer: {error}; start it, or correct scheduler "
            "in [dask]"
        ) from error
    with client:
        yield RemoteEngine(DaskWorkers(client))


class DaskWorkers(Workers):
    """The workers of a scheduler. Each is told which jobs are its own, so a stopped one gets no more."""

    name = "Dask"

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - distributed's classes have no types
        self._client = client
        self._futures: dict[str, Any] = {}
        self._slots: Mapping[str, int] = {}

    def slots(self) -> Mapping[str, int]:
        """Return the threads of each worker, by its address; the last known ones while Dask reconnects.

        Raises:
            WorkerError: the scheduler is gone.
        """
        try:
            self._slots = self._client.nthreads()
        except (OSError, RuntimeError) as error:
            if self._client.status == "closed":
                raise WorkerError(
                    f"Dask's scheduler is gone: {error}; start it, then run the task again: it goes on"
                ) from error
        return self._slots

    def start(
        self, key: str, job: str, deadline_s: float, place: str, done: Callable[[Answer], None]
    ) -> None:
        """Send a job to the worker at an address."""
        future = self._client.submit(
            _by_value(), job, deadline_s, own_version(), key=key, pure=False, workers=[place], retries=0
        )
        self._futures[key] = future
        future.add_done_callback(lambda future: self._tell(key, future, done))

    def _tell(self, key: str, future: Any, done: Callable[[Answer], None]) -> None:  # noqa: ANN401 - see above
        # It stays until its result is here: if its worker dies before, only `cancel` ends the wait for it,
        # and with it that of all other results, which Dask tells one after another.
        try:
            answer: Answer = future.result()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is why there is no answer
            answer = error
        self._futures.pop(key, None)
        done(answer)

    def cancel(self, keys: Iterable[str]) -> None:
        """Have Dask forget jobs: their workers then end them."""
        futures = [future for key in keys if (future := self._futures.pop(key, None))]
        if futures:
            self._client.cancel(futures, force=True)


def _by_value() -> Callable[[str, float, str], str]:
    """Return `carry_out_in_dask`, which is found by name only where it runs.

    A function in a function is sent by value. So the scheduler needs no package of ours, and a worker that
    lacks it says so, in place of a connection that breaks while it reads the name.
    """

    def carry_out_there(job: str, deadline_s: float, driver_version: str) -> str:
        from pipeline.engines.dask import carry_out_in_dask  # noqa: PLC0415 - see above

        return carry_out_in_dask(job, deadline_s, driver_version)

    return carry_out_there


def carry_out_in_dask(job: str, deadline_s: float, driver_version: str) -> str:
    """Carry out a job in a worker of Dask, as long as Dask wants it."""
    from distributed import get_worker  # noqa: PLC0415 - it is optional

    worker = get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    return carry_out(job, deadline_s, driver_version, worker=worker.address, is_wanted=is_wanted)


_CONNECT_S = 30

"""The bar for the task that runs: rows, rows per second, megabytes per second, and the time left."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

BytesDone = Callable[[float], float]
"""Called with the share that is done, from 0 to 1; returns how many bytes that is."""


@dataclass(frozen=True)
class _Drawn:
    """A bar on the screen, and what it counts."""

    counts: tuple[str, int, str]
    progress: Progress
    row: TaskID


class Bar:
    """One bar at a time: that of the task that runs, gone when all is done that it counts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._drawn: _Drawn | None = None

    def show(self, task: str, done: int, total: int, what: str, bytes_done: BytesDone | None) -> None:
        """Show how much of something is done."""
        # The rate of rows begins anew with each kind of rows; that of a whole goes on through its parts.
        counts = (task, total, what if what.startswith(_ROWS) else "")
        if self._drawn is None or self._drawn.counts != counts:
            self.stop()
            self._drawn = self._begun(counts, done, bytes_done)
        self._drawn.progress.update(self._drawn.row, completed=done, what=what)
        if done >= total:
            self.stop()

    def stop(self) -> None:
        """Remove the bar from the screen."""
        if self._drawn:
            self._drawn.progress.stop()
            self._drawn = None

    def _begun(self, counts: tuple[str, int, str], done: int, bytes_done: BytesDone | None) -> _Drawn:
        task, total, what = counts
        progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=None),
            _Figures(),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            expand=True,
        )
        row = progress.add_task(task, total=total, completed=done, what=what, bytes_done=bytes_done)
        progress.start()
        return _Drawn(counts, progress, row)


class _Figures(ProgressColumn):
    """How much is done and how fast; what is not counted in rows has its own words."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        what, total = task.fields["what"], task.total or 0
        if not what.startswith(_ROWS):
            return Text(what)
        words = [f"{int(task.completed):,} of {int(total):,} {what}"]
        if task.speed:
            words.append(f"{task.speed:,.0f} rows/s")
            bytes_done: BytesDone | None = task.fields["bytes_done"]
            if bytes_done and task.completed and total:
                bytes_a_row = bytes_done(task.completed / total) / task.completed
                words.append(f"{task.speed * bytes_a_row / 1e6:,.1f} MB/s")
        return Text(", ".join(words))


_ROWS = "rows"
"""How what is counted begins where it is rows."""

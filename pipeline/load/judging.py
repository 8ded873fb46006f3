"""The end of a load with bad rows: they are written to files, and counted against its budget."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import BadRowsError
from pipeline.load.jobs import LoadPlan
from pipeline.load.shard import require_budget
from pipeline.rowfiles.badrows import BAD_ROWS, REJECTED, BadRow, ErrorBudget, write_bad_rows
from pipeline.rowfiles.rejected import write_rejected


def judge(plan: LoadPlan, bad: Sequence[BadRow], rows: int) -> None:
    """Write the bad rows of a load that was read to its end; raise if they are too many."""
    said = keep(plan, bad)
    try:
        require_budget(ErrorBudget.parse(plan.load.config.max_bad_rows), bad, rows, at_end=True)
    except BadRowsError as error:
        raise BadRowsError(f"{error}; {said}") from error


def keep(plan: LoadPlan, bad: Sequence[BadRow]) -> str:
    """Write what is wrong with bad rows, and the rows themselves; return where that is."""
    faults, rows = (Path(plan.load.bad_rows) / name for name in (BAD_ROWS, REJECTED))
    if not bad:
        for file in (faults, *rows.parent.glob(f"{rows.stem}.*")):
            file.unlink(missing_ok=True)
        return ""
    write_bad_rows(faults, bad)
    rejected = [*write_rejected(rows, [*plan.fields, *plan.using], bad, plan.load.files)]
    words = shlex.join(("ReplayBadRows", "--table", str(plan.table), "--input", str(rejected[0])))
    more = f", and so for {rejected[1]}" if rejected[1:] else ""
    return f"{faults} says what is wrong; mend the rows in {rejected[0]}, then run {words}{more}"

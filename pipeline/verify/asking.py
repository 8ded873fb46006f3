"""Has a load verified by an engine: by one of its workers, which reads all files and compares all rows."""

from pathlib import Path

from pipeline.engines.protocol import Attempts, Engine, same_job
from pipeline.load.jobs import LoadPlan
from pipeline.load.sharing import deadline_of, with_absolute_paths
from pipeline.rowfiles.badrows import BAD_ROWS, read_bad_places
from pipeline.rowfiles.stores.paths import absolute
from pipeline.verify.jobs import VerifiedRows, VerifyFiles
from pipeline.workers.jobs import Progress


def verified(
    plan: LoadPlan, engine: Engine, *, exact: bool, progress: Progress | None = None
) -> VerifiedRows:
    """Return what a verification counts.

    Raises:
        VerificationError: the table differs from the files.
        PipelineError: as the job `VerifyFiles`.
    """
    bad = read_bad_places(Path(plan.load.bad_rows) / BAD_ROWS)
    if engine.is_elsewhere:
        plan = with_absolute_paths(plan)
        bad = {absolute(file): places for file, places in bad.items()}
    job = VerifyFiles(
        plan=plan,
        exact=exact,
        left_out={file: tuple(sorted(places)) for file, places in bad.items()},
        is_elsewhere=engine.is_elsewhere,
    )
    split_count = sum(len(file.content.splits) or 1 for file in plan.load.files)
    attempts = Attempts(deadline_s=deadline_of(plan, split_count), again=same_job)
    [counted] = engine.carry_out([job], attempts, progress)
    return counted

"""What is old in the output folder is removed: reports and bad rows of loads, and logs.

Rows, journals, the ledger, and files under names that are not ours stay.
"""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import OutputError


def clear_old(folder: Path, keep_days: int) -> int:
    """Remove what was last written more than `keep_days` days ago; return how many files. 0 days: nothing.

    A folder of a load goes as a whole: while one of its files is younger, all stay. Symbolic links are not
    followed.

    Raises:
        OutputError: a file cannot be removed.
    """
    if not keep_days:
        return 0
    oldest_s = time.time() - keep_days * _DAY_S
    removed = 0
    for of_day, names in _folders(folder):
        files = [file for file in of_day.iterdir() if names.fullmatch(file.name) and _is_file(file)]
        if not files or any(file.lstat().st_mtime >= oldest_s for file in files):
            continue
        try:
            for file in files:
                file.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot remove {error.filename}: {error.strerror}; remove it yourself"
            ) from error
        removed += len(files)
        _remove_empty(of_day, folder)
    return removed


def _folders(folder: Path) -> Iterator[tuple[Path, re.Pattern[str]]]:
    """Yield the folders that may have old files, and which names in them are ours."""
    for pattern, names in _CLEARED.items():
        for found in sorted(folder.glob(pattern)):
            parents = [found, *found.parents][: len(Path(pattern).parts)]
            days = [part.name for part in parents if _DAY.fullmatch(part.name)]
            if days and found.is_dir() and not any(part.is_symlink() for part in parents):
                yield found, names


def _is_file(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove a folder, and those above it, as far as nothing is in them."""
    with contextlib.suppress(OSError):
        while folder.parent != top:
            folder.rmdir()
            folder = folder.parent


_CLEARED = {
    "loads/*/*/*": re.compile(r"load\.json|verified(_exact)?\.json|bad_rows\.csv|rejected\..+"),
    "logs/*": re.compile(r".+\.(log|jsonl?)"),
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY_S = 86_400

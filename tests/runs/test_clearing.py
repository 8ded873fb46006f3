import os
import time
from pathlib import Path

import pytest

from pipeline.runs.clearing import clear_old

DAY_S = 86_400
LOAD = "loads/shop.orders/2026-10-01/0123abcd_orders.csv"


def write(folder: Path, name: str, *, age_s: float) -> Path:
    """Write a file that was last changed so long ago."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x", encoding="utf-8")
    os.utime(file, (time.time() - age_s, time.time() - age_s))
    return file


def left(folder: Path) -> set[str]:
    """Return the files and links that are left."""
    return {f"{file.relative_to(folder)}" for file in folder.rglob("*") if not file.is_dir()}


def test_old_reports_and_logs_go_with_their_folders(tmp_path: Path) -> None:
    """What is older than the days goes, and so do folders that are empty then; what is younger stays."""
    for name in ("load.json", "verified.json", "bad_rows.csv", "rejected.csv", "rejected.dialect.json"):
        write(tmp_path, f"{LOAD}/{name}", age_s=30 * DAY_S + 60)
    write(tmp_path, "logs/2026-10-01/LoadTable.log", age_s=30 * DAY_S + 60)
    young = write(tmp_path, f"{LOAD.replace('orders.csv', 'more.csv')}/load.json", age_s=30 * DAY_S - 60)
    assert clear_old(tmp_path, 30) == 6
    assert left(tmp_path) == {f"{young.relative_to(tmp_path)}"}
    assert not (tmp_path / LOAD).exists()
    assert not (tmp_path / "logs/2026-10-01").exists()


def test_a_load_goes_as_a_whole(tmp_path: Path) -> None:
    """While one of a load's files is young, all of them stay: a verification may still need them."""
    write(tmp_path, f"{LOAD}/bad_rows.csv", age_s=40 * DAY_S)
    write(tmp_path, f"{LOAD}/verified.json", age_s=DAY_S)
    assert clear_old(tmp_path, 30) == 0
    assert len(left(tmp_path)) == 2


@pytest.mark.parametrize(
    "name",
    [
        "checkpoints/0123.jsonl",
        "checkpoints/2026-10-01/0123.jsonl",
        "ledger/20261001T000000Z-00.json",
        "loads.csv",
        "metrics/cassandra_load_shop.orders.prom",
        "rows/users/2026-10-01/1000-rows.csv",
        "runs/shop.orders.json",
        f"{LOAD}/notes.txt",
        "loads/shop.orders/notes/0123abcd_orders.csv/load.json",
        "logs/notes/a.log",
        "logs/2026-10-01/core",
    ],
)
def test_what_is_not_a_report_stays(tmp_path: Path, name: str) -> None:
    """Journals, the ledger, metrics, rows, and files under names that are not ours are never removed."""
    write(tmp_path, name, age_s=4000 * DAY_S)
    assert clear_old(tmp_path, 1) == 0
    assert left(tmp_path) == {name}


def test_a_foreign_file_keeps_its_folder(tmp_path: Path) -> None:
    """Beside an old report, a file of the user's stays where it is."""
    write(tmp_path, f"{LOAD}/load.json", age_s=40 * DAY_S)
    write(tmp_path, f"{LOAD}/notes.txt", age_s=40 * DAY_S)
    assert clear_old(tmp_path, 30) == 1
    assert left(tmp_path) == {f"{LOAD}/notes.txt"}


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither a linked folder nor a linked file leads to a removal, wherever the link points."""
    outside = write(tmp_path / "outside", "load.json", age_s=40 * DAY_S)
    output = tmp_path / "output"
    (output / "loads/shop.orders/2026-10-01").mkdir(parents=True)
    (output / LOAD).symlink_to(outside.parent)
    (output / "logs").mkdir()
    (output / "logs/2026-10-01").symlink_to(outside.parent)
    folder = output / "loads/shop.orders/2026-10-02/4567cdef_orders.csv"
    folder.mkdir(parents=True)
    (folder / "load.json").symlink_to(outside)
    assert clear_old(output, 30) == 0
    assert outside.exists()
    assert (folder / "load.json").is_symlink()


def test_0_days_clear_nothing(tmp_path: Path) -> None:
    """The default keeps everything."""
    write(tmp_path, f"{LOAD}/load.json", age_s=4000 * DAY_S)
    assert clear_old(tmp_path, 0) == 0
    assert len(left(tmp_path)) == 1

"""The engine as users name it: in luigi.cfg or on the command line, and a run that is killed."""

import subprocess

import psutil

from tests.harness.daskcluster import DaskCluster
from tests.harness.tables import Tables
from tests.harness.workspace import until


def write_rows(tables: Tables, name: str, count: int) -> str:
    """Write a file of so many rows; return its name."""
    return str(tables.write(name, "id,v\n" + "".join(f"{at},v{at}\n" for at in range(count))))


def test_a_load_and_its_verification_by_dask(tables: Tables, dask: DaskCluster) -> None:
    """One option has the rows sent and verified by Dask; the file may be named by a relative path."""
    table = tables.create("by_dask", "id int PRIMARY KEY, v text")
    tables.configure(load={"journal": "cluster"}, dask={"scheduler": dask.address})
    words = ("--table", table, "--input", write_rows(tables, "rows.csv", 100), "--engine", "dask")
    said = tables.succeed("VerifyTable", *words)
    assert "100 of 100 rows are in the table" in said
    assert len(tables.rows(table)) == 100


def test_workers_elsewhere_need_a_journal_in_the_cluster(tables: Tables) -> None:
    """An engine whose workers have other disks is refused with a journal in a file."""
    table = tables.create("by_file", "id int PRIMARY KEY, v text")
    said = tables.refused(
        "LoadTable", "--table", table, "--input", write_rows(tables, "rows.csv", 1), "--engine", "dask"
    )
    assert "engine is 'dask' and journal is 'file'; " in said
    assert "need journal = cluster in [load]" in said


def test_a_killed_run_ends_its_workers(tables: Tables, dask: DaskCluster) -> None:
    """If Luigi is killed, Dask's workers end what they do for it; the next run goes on."""
    table = tables.create("killed", "id int PRIMARY KEY, v text")
    tables.configure(load={"journal": "cluster"}, dask={"scheduler": dask.address})
    words = ("LoadTable", "--table", table, "--input", write_rows(tables, "rows.csv", 5_000))
    slowly = ("--engine", "dask", "--rows-per-s", "200")
    with subprocess.Popen(
        tables.command(*words, *slowly),
        cwd=tables.folder,
        env=tables.environment(),
        stderr=subprocess.DEVNULL,
    ) as run:
        until(lambda: tables.rows(table, "id"))
        run.kill()
    workers = [psutil.Process(worker.pid) for worker in dask.workers.values()]
    until(lambda: not any(worker.children() for worker in workers))
    tables.succeed(*words, "--engine", "dask")
    assert len(tables.rows(table)) == 5_000

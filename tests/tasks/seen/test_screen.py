"""What a person sees at a terminal: a pseudo-terminal, the real command, the real server."""

import re

from tests.harness.terminal import WIDTH, Typed, typed
from tests.harness.users import users, write_csv
from tests.harness.workspace import Workspace


def at_terminal(workspace: Workspace, *words: str) -> Typed:
    """Run a command of the workspace on a terminal."""
    return typed(workspace.command(*words), workspace.folder, workspace.environment())


def log_of(workspace: Workspace, done: Typed) -> str:
    """Return the log that the end of a run names."""
    [named] = re.findall(r"output/logs/\d{4}-\d\d-\d\d/\d{6}-\w+-\d+\.log", "\n".join(done.lines))
    return (workspace.folder / str(named)).read_text(encoding="utf-8")


def test_a_chain_is_a_line_a_task(workspace: Workspace) -> None:
    """A chain is a line a task, with a bar while it runs; the server's warnings are a line; a log has all."""
    done = at_terminal(workspace, "VerifyUsers", "--rows", "1000")
    assert done.code == 0, done.printed
    assert len(done.lines) <= 10, done.lines
    shape = [
        rf"✓ SetupKeyspace +{workspace.keyspace}\.user \S+ +[\d.]+ s  the tables of keyspace .* are there",
        r"✓ GenerateUsers .* s  1000 rows, .*B",
        r"  LoadUsers: the server warned \d+ times, first: Unlogged batch covering .*…",
        r"✓ LoadUsers .* s  1000 rows in [\d.]+ s, \d+ rows/s",
        r"✓ VerifyUsers .* s  1000 of 1000 rows are in the table",
        r"  log: output/logs/.*",
    ]
    assert len(done.lines) == len(shape), done.lines
    for line, pattern in zip(done.lines, shape, strict=True):
        assert re.fullmatch(pattern, line), line
    assert len(done.lines[2]) <= WIDTH
    for counted in ("rows generated", "rows loaded", "rows verified"):
        assert f"1,000 of 1,000 {counted}" in done.printed
    log = log_of(workspace, done)
    assert "===== Luigi Execution Summary =====" in log
    assert "LoadUsers: 1000 rows in " in log
    assert "See docs/loading.md" in log
    again = at_terminal(workspace, "LoadUsers", "--rows", "1000")
    assert again.code == 0
    assert re.fullmatch(r"- LoadUsers .* done already", again.lines[0])
    assert len(again.lines) == 2


def test_the_bar_says_rows_and_rates(workspace: Workspace) -> None:
    """While a load runs, its bar says rows, and rows and megabytes a second; then it is gone."""
    # Rows are counted split by split, and a split is about 1 MiB.
    long = [(key, first, last * 200) for key, first, last in users(3000)]
    file = write_csv(workspace.folder / "rows.csv", long)
    done = at_terminal(workspace, "LoadUsers", "--input", file.name, "--rows-per-s", "1000")
    assert done.code == 0, done.printed
    assert re.search(r"\d of 3,000 rows loaded, [\d,]+ rows/s, \d+\.\d MB/s .*\d\d:\d\d", done.printed)
    assert not [line for line in done.lines if "━" in line or "rows loaded" in line]


def test_a_measurement_ends_with_its_table(workspace: Workspace) -> None:
    """TimingReport is ten lines and its table; a pass that is measured has its own words on the bar."""
    done = at_terminal(workspace, "TimingReport")
    assert done.code == 0, done.printed
    table = [line for line in done.lines if line.startswith(tuple("┏┃┡│└"))]
    assert len(table) == 6
    assert len(done.lines) - len(table) <= 10, done.lines
    assert any(line.startswith("report: output/reports/") for line in done.lines)
    assert re.match(r"✓ TimingReport .* s  measured", done.lines[-2])


def test_a_failure_is_the_last_on_the_screen(workspace: Workspace) -> None:
    """The end says what failed, why, where to look and how to go on; the files that it names are there."""
    file = write_csv(workspace.folder / "bad.csv", [("not-a-uuid", "Ada", "Lovelace")])
    done = at_terminal(workspace, "LoadUsers", "--input", file.name)
    assert done.code == 30, done.printed
    *above, what, why, rows, log, how = done.lines
    assert any(re.match(r"✗ LoadUsers .* failed", line) for line in above), above
    assert re.fullmatch(rf"LoadUsers {workspace.keyspace}\.user \S+ failed", what)
    assert why.startswith(
        "  why:    1 bad rows, where max_bad_rows is 0: bad.csv:2: column user_id: 'not-a-u"
    )
    for line in (rows, log):
        assert line.startswith("  look:   output/"), line
        assert (workspace.folder / line.removeprefix("  look:   ")).is_file()
    assert rows.endswith("/bad_rows.csv")
    assert how == "  go on:  correct that, then run the same command again"
    assert done.printed.count("is not a valid uuid") == 1
    assert "is not a valid uuid" in log_of(workspace, done)


def test_an_input_that_is_not_there_is_named_last(workspace: Workspace) -> None:
    """A run that waits for its input says so at the end, and that the same command goes on."""
    done = at_terminal(workspace, "LoadUsers", "--input", "absent.csv")
    assert done.code == 20, done.printed
    what, why, _, how = done.lines[-4:]
    assert re.fullmatch(r"LoadUsers .* did not run", what)
    assert why == "  why:    its input is not there: absent.csv"
    assert how == "  go on:  run the same command again when it is there"


def test_forks_write_lines_without_a_bar(workspace: Workspace) -> None:
    """With two workers of Luigi, each task has its line; no bar is drawn by several processes at once."""
    file = write_csv(workspace.folder / "rows.csv", users(20))
    done = at_terminal(workspace, "VerifyUsers", "--input", file.name, "--workers", "2")
    assert done.code == 0, done.printed
    assert [line.split()[1] for line in done.lines if line.startswith("✓")] == [
        "SetupKeyspace",
        "LoadUsers",
        "VerifyUsers",
    ]
    assert "━" not in done.printed


def test_a_log_that_cannot_be_written_is_a_warning(workspace: Workspace) -> None:
    """Where the log cannot be written, one line says so, and the run goes on."""
    (workspace.folder / "output").mkdir()
    (workspace.folder / "output" / "logs").touch()
    done = at_terminal(workspace, "GenerateUsers")
    assert done.code == 0, done.printed
    assert done.lines[0].startswith("  warning: there is no log of this run: cannot write output/logs/")
    assert len(done.lines[0]) <= WIDTH
    assert any(line.startswith("✓ GenerateUsers") for line in done.lines)


def test_quiet_is_quiet(workspace: Workspace) -> None:
    """With --log-level WARNING, a run that goes well leaves nothing on the screen."""
    done = at_terminal(workspace, "SetupKeyspace", "--log-level", "WARNING")
    assert (done.code, done.lines) == (0, [""]), done.printed


def test_who_configures_logging_has_theirs(workspace: Workspace) -> None:
    """With `no_configure_logging`, Luigi's lines go where the user's code sends them, and ours with them."""
    workspace.configure(core={"no_configure_logging": "true"})
    done = at_terminal(workspace, "SetupKeyspace")
    assert (done.code, done.lines) == (0, [""]), done.printed
    assert not (workspace.folder / "output" / "logs").exists()

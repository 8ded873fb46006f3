import contextlib
import http.server
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.workspace import Workspace

SHARED_KEYSPACE = "t_errors"
TASK_FAILED, SCHEDULING_ERROR, UNHANDLED = 30, 35, 40
HEADER = "user_id,first_name,last_name\n"
GOOD = HEADER + "00000000-0000-0000-0000-000000000001,Ada,Lovelace\n"
ID = "00000000-0000-0000-0000-000000000002"
Refused = Callable[..., str]
_BESIDE = {".luigi", "checkpoints", "bad_rows.csv", "rejected.csv"}
"""What a refused command may leave: how far it came, and what it found wrong."""


class Refusals(Workspace):
    """A workspace whose keyspace holds loaded rows, which no command here may change."""

    def __init__(self, folder: Path, endpoint: Endpoint, cql: Session) -> None:
        super().__init__(folder, SHARED_KEYSPACE, endpoint)
        self.cql = cql

    def refused(self, *words: str, code: int, message: str, **environment: str) -> None:
        """Run a command that must fail with `code`, say `message` (a pattern) once, and change nothing."""
        before = self.state()
        done = self.luigi(*words, **environment)
        self.require_refusal(done, code=code, message=message)
        assert self.state() == before

    def require_refusal(self, done: subprocess.CompletedProcess[str], *, code: int, message: str) -> None:
        """Hold an ended command to its exit code and its one message."""
        assert done.returncode == code, done.stdout
        assert len(re.findall(message, done.stdout)) == 1, done.stdout
        assert "Traceback" not in done.stdout, done.stdout

    def state(self) -> dict[str, object]:
        """Return what exists: the rows and when each was written, the markers, the tables, the files."""
        users = f"SELECT user_id, first_name, last_name, writetime(last_name) FROM {self.keyspace}.user"
        tables = f"SELECT id FROM system_schema.tables WHERE keyspace_name = '{self.keyspace}'"
        queries = (users, tables, f"SELECT * FROM {self.keyspace}.load_marker")
        rows = {query: sorted(map(repr, self.cql.execute(query))) for query in queries}
        assert len(rows[users]) == 20
        files = {
            str(file): file.read_bytes()
            for file in self.folder.rglob("*")
            if file.is_file() and not _BESIDE.intersection((*file.parts, file.name))
        }
        return {**rows, **files}


@pytest.fixture(scope="module")
def loaded(endpoint: Endpoint, cql: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Load 20 users into a keyspace that the tests of this module share."""
    workspace = Workspace(tmp_path_factory.mktemp("loaded"), SHARED_KEYSPACE, endpoint)
    done = workspace.luigi("LoadUsers")
    assert done.returncode == 0, done.stdout
    yield workspace
    cql.execute(f"DROP KEYSPACE {SHARED_KEYSPACE}")


@pytest.fixture
def refusals(loaded: Workspace, endpoint: Endpoint, cql: Session, tmp_path: Path) -> Refusals:
    """Return a workspace for this test alone, on the keyspace that `loaded` filled."""
    del loaded
    return Refusals(tmp_path, endpoint, cql)


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        ("cassandra", {"conect_timeout_s": 3}, "no setting 'conect_timeout_s'; did you mean 'connect_timeou"),
        ("cassandra", {"port": "abc"}, r"\[cassandra\] port is 'abc'; it must be a whole number"),
        (
            "cassandra",
            {"consistency_level": "MOST"},
            "consistency_level is 'MOST'; it must be one of ANY, ON",
        ),
        ("cassandra", {"keyspace": "Bad-Name"}, "keyspace is 'Bad-Name'; it must be 1 to 48 of A-Z"),
        ("cassandra", {"tls_ca_file": "no.pem"}, "cannot use the TLS files no.pem: .*; they must be PEM"),
        ("cassandra", {"user": "ada"}, "user is 'ada' but there is no password; set CASSANDRA_PASSWORD or p"),
        (
            "cassandra",
            {"user": "ada", "password_file": "no/such/file"},
            "cannot read password_file no/such/file: No such file or directory; name a file",
        ),
    ],
)
def test_a_wrong_setting_is_refused(
    refusals: Refusals, section: str, settings: dict[str, object], message: str
) -> None:
    """A wrong setting in luigi.cfg ends the command while it schedules, with its name, value and remedy."""
    refusals.configure(**{section: settings})
    refusals.refused("SetupKeyspace", code=SCHEDULING_ERROR, message=message)


def test_a_misspelt_section_is_refused(refusals: Refusals) -> None:
    """A section that is nearly one of ours is an error, not a section that nobody reads."""
    with (refusals.folder / "luigi.cfg").open("a", encoding="utf-8") as file:
        file.write("\n[casandra]\nport = 9042\n")
    refusals.refused(
        "SetupKeyspace", code=SCHEDULING_ERROR, message=r"no section is called \[casandra\]; did you mean 'ca"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("LoadUsers --rows ten", "rows is 'ten'; it must be a whole number"),
        ("LoadUsers --rows 0", "rows is 0; it must be at least 1"),
        ("LoadUsers --date nonsense", "date is 'nonsense'; it must be a date such as 2026-11-22"),
        ("LoadUsers --pool-size 0", "pool_size is 0; it must be at least 1"),
        ("TimingReport --latencies-s=-0.5", "latencies_s is -0.5; it must be at least 0"),
    ],
)
def test_a_wrong_parameter_is_refused(refusals: Refusals, words: str, message: str) -> None:
    """A wrong parameter ends the command before anything runs, with its name, value and remedy."""
    refusals.refused(*words.split(), code=UNHANDLED, message=message)


def test_a_wrong_default_of_a_parameter_names_its_section(refusals: Refusals) -> None:
    """A parameter whose default in luigi.cfg is wrong is refused under the name of its section."""
    refusals.configure(generate={"rows": "ten"})
    refusals.refused("LoadUsers", code=UNHANDLED, message=r"\[generate\] rows is 'ten'; it must be a whole")


def test_an_unreachable_host_is_named(refusals: Refusals) -> None:
    """Where nothing listens, the message names host and port, what went wrong and what to check."""
    with socket.socket() as holder:
        # Bound but not listening: nobody else can take the port, and connections are refused.
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        refusals.configure(cassandra={"port": port})
        refusals.refused(
            "SetupKeyspace",
            code=SCHEDULING_ERROR,
            message=rf"cannot connect to 127\.0\.0\.1:{port}: .*Connection refused; check contact_points",
        )


def test_a_host_that_never_answers_is_given_up(refusals: Refusals) -> None:
    """A host that accepts and stays silent is given up after connect_timeout_s, by name."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        refusals.configure(cassandra={"port": port, "connect_timeout_s": 0.5})
        refusals.refused(
            "SetupKeyspace",
            code=SCHEDULING_ERROR,
            message=rf"cannot connect to 127\.0\.0\.1:{port}: .*no answer in time; check contact_points",
        )


def test_a_web_server_is_no_cassandra(refusals: Refusals) -> None:
    """A real HTTP server in Cassandra's place is told apart from a cluster, by name."""
    with _web_server() as port:
        refusals.configure(cassandra={"port": port, "connect_timeout_s": 5})
        refusals.refused(
            "SetupKeyspace",
            code=SCHEDULING_ERROR,
            message=rf"cannot connect to 127\.0\.0\.1:{port}: .*no Cassandra that the driver knows",
        )


def test_an_unresolvable_name_is_refused(refusals: Refusals) -> None:
    """A contact point that does not resolve is named."""
    refusals.configure(cassandra={"contact_points": "no-such-host.invalid"})
    refusals.refused(
        "SetupKeyspace",
        code=SCHEDULING_ERROR,
        message=r"cannot connect to no-such-host\.invalid:\d+: the name does not resolve; check contact",
    )


def test_a_wrong_datacentre_is_refused_with_those_there_are(refusals: Refusals) -> None:
    """A datacentre that the cluster does not have is refused, before a keyspace is created for it."""
    refusals.configure(cassandra={"datacentre": "dc9"})
    refusals.refused(
        "SetupKeyspace",
        code=SCHEDULING_ERROR,
        message="no node in datacentre 'dc9'; the cluster has datacenter1; correct the setting datacentre",
    )


def test_an_absent_keyspace_that_is_not_ours_to_create(refusals: Refusals, cql: Session) -> None:
    """With manage_schema = false the message holds the CQL to have run; run, it is all that was missing."""
    refusals.configure(cassandra={"keyspace": "t_errors_unmanaged", "manage_schema": "false"})
    said = refusals.luigi("SetupKeyspace")
    message = r"keyspace t_errors_unmanaged is absent and manage_schema is false; have it created: (.*)"
    refusals.require_refusal(said, code=TASK_FAILED, message=message)
    try:
        cql.execute(re.findall(message, said.stdout)[0])
        said = refusals.luigi("SetupKeyspace")
        message = r"table t_errors_unmanaged.user is absent and manage_schema is false; have it created: CREA"
        refusals.require_refusal(said, code=TASK_FAILED, message=message)
        found = cql.execute("SELECT * FROM system_schema.tables WHERE keyspace_name = 't_errors_unmanaged'")
        assert not list(found)
    finally:
        cql.execute("DROP KEYSPACE IF EXISTS t_errors_unmanaged")


def test_a_table_with_other_columns_is_refused(workspace: Workspace, cql: Session) -> None:
    """A table that is not its model's is refused with every difference named, and stays as it is."""
    cql.execute(
        f"CREATE KEYSPACE {workspace.keyspace} "
        "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    )
    cql.execute(
        f"CREATE TABLE {workspace.keyspace}.user "
        "(user_id uuid, first_name int, extra text, PRIMARY KEY (user_id, extra))"
    )
    cql.execute(f"INSERT INTO {workspace.keyspace}.user (user_id, extra) VALUES ({ID}, 'x')")
    done = workspace.luigi("LoadUsers")
    assert done.returncode == TASK_FAILED, done.stdout
    assert "Traceback" not in done.stdout
    for difference in (
        f"table {workspace.keyspace}.user is not what its model says",
        "column extra is text, the model has none",
        "column first_name is int, the model has text",
        "column last_name is absent, the model has text",
        "its clustering key is (extra), the model has ()",
        "alter the table or the model, or drop the table with --drop",
    ):
        assert done.stdout.count(difference) == 1, done.stdout
    [row] = cql.execute(f"SELECT * FROM {workspace.keyspace}.user")
    assert set(row) == {"user_id", "first_name", "extra"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no/such.csv", "no row file at no/such.csv; name a .csv or .parquet file"),
        ("rows.txt", "rows.txt is neither .csv nor .parquet; rename or convert it"),
        ("folder", "cannot read folder/x.csv: Is a directory; check that it is a file"),
    ],
)
def test_an_input_that_is_no_row_file_is_refused(refusals: Refusals, name: str, message: str) -> None:
    """An --input that cannot be read ends the command while it schedules."""
    (refusals.folder / "folder" / "x.csv").mkdir(parents=True)
    (refusals.folder / "rows.txt").write_text(GOOD, encoding="utf-8")
    refusals.refused("LoadUsers", "--input", name, code=SCHEDULING_ERROR, message=message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "empty.csv: empty; a row file has at least a header"),
        ("cut.csv", GOOD[:-1].encode(), "cut.csv: cut off, its last line has no line break; copy it again"),
        (
            "cut.parquet",
            b"PAR1" + bytes(64),
            "cut.parquet: not a whole Parquet file: .*; write or copy it ag",
        ),
        (
            "latin.csv",
            f"{GOOD}{ID},J\xfcrg,X\n".encode("latin-1"),
            r"latin.csv:3: column first_name: not UTF-8 \(byte 0xfc\); co",
        ),
        (
            "type.csv",
            f"{GOOD}nonsense,a,b\n".encode(),
            "type.csv:3: column user_id: 'nonsense' is not a valid uuid: ",
        ),
    ],
)
def test_a_bad_row_file_loads_not_one_row(
    refusals: Refusals, name: str, content: bytes, message: str
) -> None:
    """A fault anywhere in a row file stops its load before the first row, with the place and the value."""
    (refusals.folder / name).write_bytes(content)
    refusals.refused("LoadUsers", "--input", name, code=TASK_FAILED, message=message)


def test_a_misspelt_task_is_refused(refusals: Refusals) -> None:
    """A task that there is not is named in one line, with what was meant."""
    refusals.refused("LoadUser", code=1, message="No task LoadUser. Did you mean")


def test_an_unknown_locale_is_refused(refusals: Refusals) -> None:
    """A locale that Faker does not have leaves no file behind."""
    refusals.refused(
        "GenerateUsers",
        "--locale",
        "xx_YY",
        code=TASK_FAILED,
        message="locale is 'xx_YY': .*; use one that Faker has, such as en_US",
    )


def test_an_output_folder_that_cannot_be_written(refusals: Refusals) -> None:
    """A path under a regular file is no folder: the message names the file that was to be written."""
    (refusals.folder / "file").touch()
    refusals.configure(output={"folder": "file/output"})
    refusals.refused(
        "GenerateUsers",
        code=TASK_FAILED,
        message="cannot write file/output/rows/users/.*csv: Not a directory; check that the folder exists",
    )


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_no_room_for_the_file_leaves_no_half_file(refusals: Refusals, file_format: str) -> None:
    """Where a row file grows past what the system allows, nothing of it is left and the message says so."""
    words = ("GenerateUsers", "--rows", "5000", "--file-format", file_format)
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 64 && exec "$@"', "sh", *refusals.command(*words)],
        cwd=refusals.folder,
        env=refusals.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    refusals.require_refusal(
        done,
        code=TASK_FAILED,
        message=rf"cannot write output/rows/users/.*\.{file_format}: File too large; .* the disk has room",
    )
    assert not [file for file in refusals.folder.glob("output/rows/**/*") if file.is_file()]


@contextlib.contextmanager
def _web_server() -> Iterator[int]:
    """Yield the port of an HTTP server that answers the first bytes it gets, as front ends of the web do."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.connection.recv(1)
            self.requestline, self.request_version, self.command = "", "HTTP/1.1", ""
            self.close_connection = True
            self.send_error(http.HTTPStatus.BAD_REQUEST)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()

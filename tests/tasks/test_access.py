import contextlib
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.harness.authority import Authority
from tests.harness.guarded import PASSWORD, Guarded, guard, relay
from tests.harness.workspace import Workspace, before_end

pytestmark = pytest.mark.server
TASK_FAILED, SCHEDULING_ERROR = 30, 35


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Start a server that requires a certificate and a password, for the tests of this module."""
    with guard(tmp_path_factory.mktemp("guarded")) as guarded:
        yield guarded


@pytest.fixture
def workspace(guarded: Guarded, tmp_path: Path) -> Workspace:
    """Return a workspace with all settings that the server requires, except the password."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    workspace = Workspace(folder, "guarded", guarded.endpoint)
    workspace.configure(
        cassandra={
            "user": "loader",
            "tls_ca_file": guarded.authority.file,
            "tls_certificate_file": guarded.certificate_file,
            "tls_key_file": guarded.key_file,
        }
    )
    return workspace


def refused(workspace: Workspace, message: str, *, code: int = SCHEDULING_ERROR, password: str = "") -> None:
    """Run a command that must fail with one message, and not show the password."""
    done = workspace.luigi("SetupKeyspace", **({"CASSANDRA_PASSWORD": password} if password else {}))
    assert done.returncode == code, done.stdout
    assert before_end(done.stdout).count(message) == 1, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    assert not shown(password or PASSWORD, done.stdout)


def shown(password: str, text: str) -> bool:
    """Tell whether a text holds the password, or enough of it to guess the rest."""
    return password in text or password.rsplit(maxsplit=1)[-1] in text


def test_a_password_from_the_environment_is_shown_nowhere(workspace: Workspace, guarded: Guarded) -> None:
    """With certificate and CASSANDRA_PASSWORD rows load; no output, file or command line has the password."""
    with subprocess.Popen(
        workspace.command("LoadUsers"),
        cwd=workspace.folder,
        env=workspace.environment(CASSANDRA_PASSWORD=PASSWORD),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        command_lines: set[str] = set()
        while process.poll() is None:
            command_lines |= _command_lines()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        assert process.stdout
        output = process.stdout.read()
    assert process.returncode == 0, output
    assert sum("pipeline.worker" in line for line in command_lines) >= 1
    assert not [line for line in command_lines if shown(PASSWORD, line)]
    assert not shown(PASSWORD, output)
    files = [file for file in workspace.folder.rglob("*") if file.is_file()]
    assert any("luigi.cfg" in file.name for file in files)
    assert not [file for file in files if shown(PASSWORD, file.read_text(encoding="utf-8", errors="replace"))]
    [file] = workspace.folder.glob("output/rows/users/*/*.csv")
    keys = {line.partition(",")[0] for line in file.read_text(encoding="utf-8").splitlines()[1:]}
    assert len(keys) == 20
    assert keys <= {str(row.user_id) for row in guarded.cql.execute("SELECT user_id FROM guarded.user")}


def test_a_load_through_tls_shows_no_secret_to_luigid(
    workspace: Workspace, guarded: Guarded, luigid: str
) -> None:
    """A whole load uses TLS; neither luigid's page nor any log or file has the password or the key."""
    guarded.cql.execute("DROP TABLE IF EXISTS guarded.user")
    done = workspace.luigi("LoadUsers", "--rows", "50000", CASSANDRA_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stdout
    assert guarded.cql.execute("SELECT count(*) FROM guarded.user", timeout=60).one()[0] == 50_000
    pages = [
        requests.get(f"{luigid}/{page}", timeout=30).text
        for page in (
            "",
            "static/visualiser/index.html",
            "api/task_list?data={}",
            "api/worker_list",
            "api/graph",
        )
    ]
    assert any("LoadUsers" in page for page in pages)
    files = [file for file in workspace.folder.rglob("*") if file.is_file()]
    assert "luigid.log" in {file.name for file in files}
    key = guarded.key_file.read_text(encoding="ascii").splitlines()[1]
    for text in (*pages, done.stdout, *(file.read_text("utf-8", errors="replace") for file in files)):
        assert not shown(PASSWORD, text)
        assert key not in text


def test_a_password_from_a_file_opens(workspace: Workspace, guarded: Guarded, tmp_path: Path) -> None:
    """The first line of password_file is the password, with any line ending and any lines after it."""
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\r\nnot a password\n", encoding="utf-8", newline="")
    workspace.configure(cassandra={"password_file": secret})
    key = uuid.uuid4()
    (workspace.folder / "rows.csv").write_text(f"user_id,first_name,last_name\n{key},a,b\n", encoding="utf-8")
    done = workspace.luigi("LoadUsers", "--input", "rows.csv")
    assert done.returncode == 0, done.stdout
    assert not shown(PASSWORD, done.stdout)
    assert guarded.cql.execute(f"SELECT last_name FROM guarded.user WHERE user_id = {key}").one()[0] == "b"


def test_a_wrong_password_is_refused(workspace: Workspace) -> None:
    """A wrong password is reported as such, not as an unreachable host, and is not shown."""
    refused(
        workspace,
        "user or password refused (",
        password=f"wrong {uuid.uuid4().hex}",
    )


def test_a_missing_password_is_asked_for(workspace: Workspace) -> None:
    """A user without a password is refused before any connection."""
    refused(
        workspace,
        "user is 'loader' but there is no password; set CASSANDRA_PASSWORD or password_file",
    )


def test_an_empty_password_file_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """A password file whose first line is empty is named."""
    (tmp_path / "secret").write_text("\nsecret\n", encoding="utf-8")
    workspace.configure(cassandra={"password_file": tmp_path / "secret"})
    refused(workspace, f"password_file {tmp_path / 'secret'}: its first line is empty; write the password")


def test_a_server_of_another_authority_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """A server whose certificate is signed by another authority gets no password."""
    workspace.configure(cassandra={"tls_ca_file": Authority(tmp_path, "stranger").file})
    refused(workspace, "the server's certificate is refused: ", password=PASSWORD)


def test_a_certificate_for_another_host_is_refused(workspace: Workspace, guarded: Guarded) -> None:
    """A certificate for another host is refused, unless tls_check_hostname = false."""
    with relay(("127.0.0.2", 0), guarded.endpoint) as port:
        workspace.configure(cassandra={"contact_points": "127.0.0.2", "port": port})
        refused(workspace, "IP address mismatch, certificate is not valid for '127.0.0.2'", password=PASSWORD)


def test_an_expired_certificate_of_the_server_is_refused(
    workspace: Workspace, guarded: Guarded, tmp_path: Path
) -> None:
    """A server whose certificate has expired gets no password."""
    certificate_file, key_file = Authority(tmp_path, "late").issue("expired", expired=True)
    workspace.configure(cassandra={"tls_ca_file": tmp_path / "late.pem"})
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file, key_file)
    with relay(("127.0.0.1", 0), guarded.endpoint, context) as port:
        workspace.configure(cassandra={"port": port})
        refused(workspace, "certificate verify failed: certificate has expired", password=PASSWORD)


def test_an_expired_certificate_of_the_client_is_refused(workspace: Workspace, guarded: Guarded) -> None:
    """If the server refuses an expired client certificate, the message names the settings."""
    certificate_file, key_file = guarded.authority.issue("expired", expired=True)
    workspace.configure(cassandra={"tls_certificate_file": certificate_file, "tls_key_file": key_file})
    refused(workspace, "; check tls_ca_file, tls_certificate_file and tls_key_file", password=PASSWORD)


def test_a_client_without_a_certificate_is_refused(workspace: Workspace) -> None:
    """If the server requires a client certificate and there is none, the message says so."""
    workspace.configure(cassandra={"tls_certificate_file": "", "tls_key_file": ""})
    refused(workspace, "; check tls_ca_file, tls_certificate_file and tls_key_file", password=PASSWORD)


def test_a_client_without_tls_is_refused(workspace: Workspace) -> None:
    """If the server requires TLS and the settings do not enable it, the message names the setting."""
    nothing = dict.fromkeys(("tls_ca_file", "tls_certificate_file", "tls_key_file"), "")
    workspace.configure(cassandra={**nothing, "connect_timeout_s": 2})
    refused(workspace, "; check contact_points, port and the tls_ settings", password=PASSWORD)


def test_a_user_without_the_right_to_create_is_refused(workspace: Workspace, guarded: Guarded) -> None:
    """A user who may not create the keyspace is told which permission is missing; nothing is created."""
    workspace.configure(cassandra={"user": "reader", "keyspace": "not_theirs"})
    refused(
        workspace,
        "cannot create keyspace not_theirs: not allowed: ",
        code=TASK_FAILED,
        password=PASSWORD,
    )
    found = guarded.cql.execute("SELECT * FROM system_schema.keyspaces WHERE keyspace_name = 'not_theirs'")
    assert not list(found)


def _command_lines() -> set[str]:
    lines = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                lines.add((process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " "))
    return lines

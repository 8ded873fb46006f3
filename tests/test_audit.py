import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

PROJECT = Path(__file__).parents[1]
VULNERABLE = json.dumps(
    {"vulns": [{"id": "OSV-1", "affected": [{"package": {"name": "six", "ecosystem": "PyPI"}}]}]}
)


class Database(ThreadingHTTPServer):
    """Replaces the database of vulnerabilities: `answers` by package, else `answer`."""

    answer = (200, "{}")
    answers: dict[str, tuple[int, str]]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Send the answer that the test has set."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Database)
        status, body = self.server.answers.get(asked["package"]["name"], self.server.answer)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def database() -> Iterator[Database]:
    """Serve a database without vulnerabilities."""
    with Database() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def audit(database: Database) -> tuple[int, str]:
    """Run the audit of make check; return its exit status and output."""
    url = f"http://127.0.0.1:{database.server_port}/"
    command = [str(PROJECT / "tests" / "audit.sh"), "--osv-url", url]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def test_a_known_vulnerability_fails(database: Database) -> None:
    """One package with a known vulnerability fails the audit and is named."""
    database.answers["six"] = (200, VULNERABLE)
    status, output = audit(database)
    assert status == 1
    assert "six" in output
    assert "OSV-1" in output


def test_none_passes(database: Database) -> None:
    """If the database has no vulnerability, all files pass."""
    status, output = audit(database)
    assert status == 0, output
    assert output.count("No known vulnerabilities found") == 4


@pytest.mark.parametrize("answer", [(403, "forbidden"), (503, ""), (200, "<html>log in first</html>")])
def test_a_database_out_of_reach_is_one_line(database: Database, answer: tuple[int, str]) -> None:
    """If another server answers instead of the database, one line says that the audit was skipped."""
    database.answer = answer
    status, output = audit(database)
    assert status == 0, output
    assert output.startswith("pip-audit: the audit was skipped")
    assert output.count("\n") == 1


def test_no_connection_is_one_line(database: Database) -> None:
    """If no server answers, one line says that the audit was skipped."""
    database.shutdown()
    database.server_close()
    status, output = audit(database)
    assert status == 0, output
    assert output.startswith("pip-audit: the audit was skipped")
    assert output.count("\n") == 1

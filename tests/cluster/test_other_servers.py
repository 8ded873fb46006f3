"""What servers that are not Apache's do otherwise, shown by an Apache server that is made to do the same."""

import contextlib
import json
import os
import ssl
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline import embedded
from pipeline.cluster import table as table_module
from pipeline.cluster.agreement import await_schema
from pipeline.cluster.jobs import MeasureRoundTrip
from pipeline.cluster.session import open_session
from pipeline.cluster.table import find_table_of, find_truncated_at
from pipeline.errors import SettingError
from pipeline.settings import ClusterConfig, ColumnsConfig, TlsConfig
from pipeline.workers.client import run_job
from tests.harness.authority import Authority
from tests.harness.guarded import relay
from tests.harness.loads import Loads
from tests.harness.roles import FEW
from tests.harness.tables import TASK_FAILED, Tables
from tests.harness.workspace import PROJECT


@pytest.fixture
def session(loads: Loads) -> Iterator[Session]:
    """Open a session of the project's own in this process, which gevent has not patched."""
    with open_session(loads.job("", []).cluster, connection_class=None) as session:
        yield session


def test_scylladb_notes_truncations_in_a_table(
    loads: Loads, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is a table of truncations with a row a shard, the latest of a table's rows counts."""
    name = loads.create(
        "truncated", "table_uuid uuid, shard int, truncated_at timestamp, PRIMARY KEY (table_uuid, shard)"
    )
    loads.create("rows", "k int PRIMARY KEY")
    session.cluster.refresh_schema_metadata()
    monkeypatch.setattr(table_module, "_TRUNCATED", f"{loads.keyspace}.{name}")
    found = find_table_of(session, loads.keyspace, "rows")
    assert (found.truncated_at, found.sees_truncation) == ("", True)
    for shard, at_ms in ((0, 1000), (1, 3000), (2, 2000)):
        loads.execute(
            f"INSERT INTO {loads.keyspace}.{name} (table_uuid, shard, truncated_at) "
            f"VALUES ({found.id}, {shard}, {at_ms})"
        )
    assert find_truncated_at(session, found.id) == (3000).to_bytes(8).hex()
    assert find_truncated_at(session, str(uuid.uuid4())) == ""


def test_absent_system_tables_are_absent_facts(loads: Loads, session: Session) -> None:
    """Where truncations and dropped columns are not noted, a table is described without them, and says so."""
    loads.create("rows", "k int PRIMARY KEY, v text")
    loads.execute(f"ALTER TABLE {loads.keyspace}.rows DROP v")
    session.cluster.refresh_schema_metadata()
    assert find_table_of(session, loads.keyspace, "rows").column_dropped_at
    del session.cluster.metadata.keyspaces["system"].tables["local"].columns["truncated_at"]
    del session.cluster.metadata.keyspaces["system_schema"].tables["dropped_columns"]
    found = find_table_of(session, loads.keyspace, "rows")
    assert (found.truncated_at, found.column_dropped_at, found.sees_truncation) == ("", "", False)


def test_a_load_says_that_it_cannot_see_truncations(tables: Tables) -> None:
    """Where truncations are not noted, each load says so once, and a verification finds what is lost."""
    table = tables.create("blind", "k int PRIMARY KEY, v text")
    file = tables.write("blind.csv", "k,v\n1,a\n2,b\n")
    (tables.folder / "sitecustomize.py").write_text(_BLIND, encoding="utf-8")
    blind = {"PYTHONPATH": f"{tables.folder}{os.pathsep}{PROJECT}"}
    words = ("--table", table, "--input", str(file))
    loaded = tables.luigi("LoadTable", *words, **blind)
    assert loaded.returncode == 0, loaded.stdout
    assert loaded.stdout.count("this server does not tell whether a table was truncated") == 1
    tables.cql.execute(f"TRUNCATE {table}")
    verified = tables.luigi("VerifyTable", *words, **blind)
    assert verified.returncode == TASK_FAILED
    assert "2 of 2 rows differ" in verified.stdout


_BLIND = """
import importlib.abc
import importlib.util
import sys

NAME = "pipeline.cluster.table"


class Blind(importlib.abc.MetaPathFinder):
    # It reads truncations from a table that no server has.
    def find_spec(self, name, path, target=None):
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def patched(module):
            execute(module)
            module._LOCAL = "system.nothing"

        spec.loader.exec_module = patched
        return spec


sys.meta_path.insert(0, Blind())
"""


def test_a_table_that_is_being_created_is_waited_for(loads: Loads, session: Session) -> None:
    """A table that appears a while after its CREATE was answered is found."""

    def create() -> None:
        time.sleep(1)
        loads.create("late", "k int PRIMARY KEY")

    def known() -> bool:
        return "late" in session.cluster.metadata.keyspaces[loads.keyspace].tables

    session.cluster.refresh_schema_metadata()
    creating = threading.Thread(target=create)
    creating.start()
    await_schema("table late", known, session.cluster.refresh_schema_metadata)
    assert known()
    creating.join()


def test_columns_of_unknown_types_are_left_alone(loads: Loads) -> None:
    """A column whose type is not Cassandra's own is refused by name; the others are loaded without it."""
    kind = "'org.apache.cassandra.db.marshal.LexicalUUIDType'"
    table = loads.create("unknown", f"k int PRIMARY KEY, v text, odd {kind}")
    assert loads.run(
        loads.job(
            table,
            [loads.write("known.csv", "k,v", FEW)],
            columns=ColumnsConfig(mapping=(("k", "k"), ("v", "v"))),
        )
    ).acknowledged == len(FEW)
    odd = loads.job(table, [loads.write("odd.csv", "k,v,odd", [(1, "a", "b")])])
    with pytest.raises(SettingError, match=r"column odd: .*LexicalUUIDType.*--mapping"):
        loads.run(odd)


def test_a_secure_connect_bundle_is_the_way_to_astra(
    endpoint: embedded.Endpoint, cql: Session, tmp_path: Path
) -> None:
    """With a bundle the cluster is found by its metadata service, and reached by TLS through its proxy."""
    with astra(
        endpoint, str(cql.execute("SELECT host_id FROM system.local").one()["host_id"]), tmp_path
    ) as bundle:
        config = ClusterConfig(secure_connect_bundle=str(bundle))
        assert run_job(MeasureRoundTrip(cluster=config)).round_trip_s > 0


def test_a_wrong_bundle_is_refused(tmp_path: Path) -> None:
    """A bundle that is absent or damaged is named, and so is a second way to the cluster."""
    damaged = tmp_path / "damaged.zip"
    damaged.write_text("no zip", encoding="utf-8")
    for bundle, message in (
        (tmp_path / "absent.zip", "is not a file"),
        (damaged, "is damaged: .*download it again"),
    ):
        with pytest.raises(SettingError, match=f"secure_connect_bundle .*{bundle.name} {message}"):
            run_job(MeasureRoundTrip(cluster=ClusterConfig(secure_connect_bundle=str(bundle))))
    with pytest.raises(SettingError, match="leave those empty"):
        ClusterConfig(secure_connect_bundle="b.zip", contact_points=("a",))
    with pytest.raises(SettingError, match="leave those empty"):
        ClusterConfig(secure_connect_bundle="b.zip", tls=TlsConfig(ca_file="ca.pem"))


@contextlib.contextmanager
def astra(endpoint: embedded.Endpoint, host_id: str, folder: Path) -> Iterator[Path]:
    """Run what Astra has before a cluster: metadata and a proxy, both by TLS; yield the bundle."""
    authority = Authority(folder, "ca")
    server_files, client_files = authority.issue("server"), authority.issue("client")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(*server_files)

    class Metadata(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            info = {
                "type": "sni_proxy",
                "local_dc": "datacenter1",
                "contact_points": [host_id],
                "sni_proxy_address": f"127.0.0.1:{proxy_port}",
            }
            self.wfile.write(json.dumps({"contact_info": info}).encode())

    with (
        relay(("127.0.0.1", 0), endpoint, tls) as proxy_port,
        HTTPServer(("127.0.0.1", 0), Metadata) as metadata,
    ):
        metadata.socket = tls.wrap_socket(metadata.socket, server_side=True)
        threading.Thread(target=metadata.serve_forever, daemon=True).start()
        bundle = folder / "bundle.zip"
        with zipfile.ZipFile(bundle, "w") as content:
            content.writestr(
                "config.json", json.dumps({"host": "127.0.0.1", "port": metadata.server_address[1]})
            )
            content.write(authority.file, "ca.crt")
            content.write(client_files[0], "cert")
            content.write(client_files[1], "key")
        yield bundle
        metadata.shutdown()

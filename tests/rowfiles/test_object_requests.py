"""Requests to a store of objects: ranges, retries, how far ahead they read, and the memory that they take."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipeline.errors import RowFileError, StoreError
from pipeline.proxy.control import proxy
from pipeline.rowfiles.stores.ahead import read_ahead
from pipeline.rowfiles.stores.content import PIECE_BYTES, ObjectContent
from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.settings.objects import ObjectsConfig
from tests.harness.interpreter import printed
from tests.harness.stores import CREDENTIALS, Store
from tests.harness.workspace import until

MIB = 1 << 20


def many(count: int) -> str:
    """Return a CSV file of so many rows, each of 100 bytes."""
    return "id,name,born\n" + "".join(f"{at:08d},{'x' * 79},2026-11-01\n" for at in range(count))


def test_an_object_that_is_replaced_while_it_is_read_is_an_error(store: Store) -> None:
    """No piece that was read from another object is handed out."""
    content = ObjectContent(store.put("replaced.csv", b"x" * (3 * PIECE_BYTES)))
    pieces = content.pieces()
    assert next(pieces) == b"x" * PIECE_BYTES
    store.put("replaced.csv", b"y" * (3 * PIECE_BYTES))
    with pytest.raises(RowFileError, match="was replaced while it was being read"):
        next(pieces)


def test_a_network_that_fails_costs_nothing_but_time(store: Store) -> None:
    """Connections that are reset, cut or refused are made again; the content is what it is."""
    text = many(300_000).encode()
    store.put("network.csv", text)
    with proxy([("127.0.0.1", store.port)], round_trip_s=0.01) as network:
        content = ObjectContent(store.through(network.port).path("network.csv"))
        received = []
        for piece, fault in zip(read_ahead(content), ("reset", "truncate", "refuse", "none"), strict=False):
            received.append(piece)
            network.set(fault=fault)
            network.set(fault="none")
        assert b"".join(received) == text


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_store_that_is_busy_is_asked_again(status: int) -> None:
    """Errors of the server and throttling are no reason to give up, as long as the budget lasts."""
    with busy_server(status, b"x" * MIB, times=3) as (path, asked), pytest.MonkeyPatch.context() as patched:
        for name, value in CREDENTIALS.items():
            patched.setenv(name, value)
        assert ObjectContent(path).read_at(0, MIB) == b"x" * MIB
    assert len(asked) > 3


@contextlib.contextmanager
def busy_server(status: int, content: bytes, *, times: int) -> Iterator[tuple[ObjectPath, list[str]]]:
    """Serve one object; the first requests get an error. Yield its path, and what is asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.command)
            is_busy = len(asked) <= times
            self.send_response(status if is_busy else 200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", "0" if is_busy else f"{len(content)}")
            self.end_headers()
            if self.command == "GET" and not is_busy:
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            config = ObjectsConfig(endpoint=f"http://127.0.0.1:{server.server_port}", region="us-east-1")
            yield ObjectPath("s3://rows/busy.csv", config), asked
        finally:
            server.shutdown()


def test_a_connection_that_brings_nothing_ends_by_itself(store: Store) -> None:
    """A store that no longer answers is given up behind the budget, with what failed."""
    store.put("silent.csv", b"x" * MIB)
    with proxy([("127.0.0.1", store.port)]) as network:
        config = replace(store.through(network.port).config, retry_budget_s=1)
        content = ObjectContent(replace(store.path("silent.csv"), config=config))
        network.set(fault="drop")
        with pytest.raises(StoreError, match=r"silent.csv: failing for [0-9]+ s: .*check the network"):
            content.read_at(0, MIB)


def test_at_most_two_pieces_are_read_ahead(store: Store) -> None:
    """However slow the work is, the thread that reads waits, and it ends with whoever takes its pieces."""
    content = ObjectContent(store.put("ahead.csv", b"x" * (6 * PIECE_BYTES)))
    pieces = read_ahead(content)
    next(pieces)
    until(lambda: content.handed_bytes >= 3 * PIECE_BYTES)
    # As long as it takes to read all of it once more.
    assert len(list(ObjectContent(content.path).pieces())) == 6
    assert content.handed_bytes == 3 * PIECE_BYTES
    pieces.close()


def test_memory_does_not_depend_on_the_size_of_an_object(store: Store) -> None:
    """An object of 300 MB takes the memory that one of 60 MB takes."""
    text = many(600_000)
    header, rows = text.split("\n", 1)
    used = []
    for times in (1, 5):
        path = store.put(f"{times}.csv", f"{header}\n{rows * times}")
        used.append(int(printed(_READ.format(path=path, config=store.config)).split()[-1]))
    assert used[1] < used[0] + 48 * MIB, used


_READ = """
import psutil
from pipeline.rowfiles.files import plan_fields, read_splits
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.settings.objects import ObjectsConfig
from tests.harness.interpreter import printed
from tests.harness.rowfiles import NAMES

described = describe_file(ObjectPath("{path}", {config}))
splits = read_splits(described, plan_fields([described], NAMES))
print(max(psutil.Process().memory_info().rss for _ in splits))
"""

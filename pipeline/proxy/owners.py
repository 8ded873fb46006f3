"""Which connections of this machine are a process's own."""

import contextlib

import psutil

from pipeline.proxy.control import Address


def addresses_below(pid: int) -> set[Address]:
    """Return the local addresses of the TCP connections of a process and its descendants."""
    found = set[Address]()
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                found |= {(at.laddr.ip, at.laddr.port) for at in process.net_connections("tcp") if at.laddr}
    return found

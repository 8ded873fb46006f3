"""Processes that end with the one that started them, however that ends: PR_SET_PDEATHSIG of prctl(2)."""

import ctypes
import signal


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent ends. Call it again after a fork."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl  # looked up here: after a fork, the loader's lock may be held for ever

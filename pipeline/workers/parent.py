"""Processes that end when their parent ends, for whatever reason: PR_SET_PDEATHSIG of prctl(2)."""

import ctypes
import signal


def end_with_parent() -> None:
    """Let the kernel send SIGTERM to this process when its parent ends; call this again after a fork."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl  # looked up at import: after a fork, the loader's lock may stay locked

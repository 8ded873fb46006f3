"""Memory of splits that were sent, given back to the system before the next split takes its own.

A split is some large arrays and many small ones. Allocators keep what is freed, in pieces, and so the memory
of a load grew with its rows: see docs/speed.md.
"""

import ctypes

import pyarrow as pa


def give_back() -> None:
    """Give unused memory back: Arrow's, and that of the C library, where it is glibc."""
    pa.default_memory_pool().release_unused()
    if _TRIM:
        _TRIM(0)


_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)

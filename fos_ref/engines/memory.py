"""The C library's allocator, told once to keep what is freed."""

from __future__ import annotations

import numpy as np

_KEPT = 31 << 20  #: bytes: just under the largest block whose release still teaches glibc's allocator


def keep_memory() -> None:
    """Make glibc's allocator keep what it frees: NumPy's temporaries stop being fetched from the kernel.

    Freeing one block of nearly 32 MiB raises its own limits to that size, and no page of it is touched;
    elsewhere this changes nothing. The NumPy model runs several times as fast for it.
    """
    block = np.empty(_KEPT, dtype=np.uint8)
    del block

"""Have the C library keep freed memory for the next tensor, in a process of our own.

glibc hands large blocks back to the kernel as soon as they are freed, and the kernel
clears every page when the next tensor asks for it again: a quarter of the time of a
training step on the CPU goes into that. The setting is one for the whole process, so
that a program, such as the command line, may choose it, but no library for its user.
"""

from __future__ import annotations

import ctypes
import os

VARIABLE = "TILESAM_KEEP_FREED_MEMORY"
"""Environment variable; `0` leaves the C library as it is."""

LARGEST_KEPT_BLOCK = 128 * 2**20
LARGEST_KEPT_TOTAL = 512 * 2**20
"""In bytes. Twice the largest tensor of ViT-B, and what lives at once in one block."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from malloc.h


def keep_freed_memory() -> bool:
    """Keep up to half a gigabyte of freed memory in this process, where glibc is used.

    Returns
    -------
    bool
        Whether it took effect; not on macOS, Windows and musl, which need it less.
    """
    if os.environ.get(VARIABLE) == "0" or os.name != "posix":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT_BLOCK)
        and mallopt(_M_TRIM_THRESHOLD, LARGEST_KEPT_TOTAL)
    )
